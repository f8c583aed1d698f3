//! Which groups have a budget, and which have ended.

use std::collections::BTreeMap;

use store::slices::budgets::CountedBudgets;

use super::*;

#[tokio::test]
async fn a_group_that_is_silent_for_less_than_a_day_has_not_ended_however_short_the_window_is() {
    let database = TestDatabase::create().await;
    let mut counted = events();
    counted.objective.budget_window = "1h".parse().unwrap();
    let steady = |minute: Minute| SliceCounts {
        end: minute.end(),
        sums: [0.0, 10.0],
        measured: true,
        reach: None,
    };
    let (soon, later) = (10 + 23 * 60, 10 + 25 * 60);
    let runs = [("a", 10), ("b", 10), ("a", soon), ("a", later)];
    let documents = runs.map(|(name, as_of)| counted.document(&group(name), at(as_of), steady));
    database.store().store_batch(&documents, &[]).await.unwrap();
    let ended = async |as_of: i64| -> BTreeMap<Labels, bool> {
        let nothing = SpanSet::default();
        let budgets = CountedBudgets::read(
            database.store(),
            &counted.sla,
            &counted.objective,
            Some(at(as_of)),
            (&nothing, at(as_of)),
        );
        let groups = budgets.await.unwrap().groups.into_iter();
        groups.map(|group| (group.labels, group.is_ended)).collect()
    };
    let standing = |names: &[&str]| -> BTreeMap<Labels, bool> {
        names.iter().map(|name| (group(name), false)).collect()
    };
    assert_eq!(ended(soon).await, standing(&["a", "b"]));
    assert_eq!(ended(later).await, standing(&["a"]));
}
