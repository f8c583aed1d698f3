use std::collections::BTreeMap;

use super::{Account, AttributedTime, Budget, RecordedTime, Version, in_force};
use crate::{
    sla::Terms,
    time::{Span, SpanSet, Timestamp},
};

/// Calculates the budgets of one SLA's objectives at one time, from what was stored of their evaluations.
#[derive(Clone, Debug)]
pub struct BudgetCalculator {
    /// When each version of the SLA was in force.
    in_force: BTreeMap<u32, Span>,
    as_of: Timestamp,
}

/// What was stored of an objective on one series, by version of the SLA.
pub type RecordedVersions = BTreeMap<u32, RecordedTime>;

/// The budgets of one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveBudgets<Series> {
    /// That of each series of which any of the budget window was judged, the one with the least left first.
    pub of_series: Vec<(Series, Budget)>,
    /// That of all these series together.
    pub rolled_up: Budget,
}

impl BudgetCalculator {
    /// For an SLA that has had these versions, at `as_of`.
    pub fn new(versions: &[Version], as_of: Timestamp) -> Self {
        Self {
            in_force: in_force(versions),
            as_of,
        }
    }

    /// The present.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The budgets of an objective with these terms on its series, `excluded` taken out.
    pub fn budgets<'a, Series>(
        &self,
        terms: &Terms,
        series: impl IntoIterator<Item = (Series, &'a RecordedVersions)>,
        excluded: &SpanSet,
    ) -> ObjectiveBudgets<Series> {
        let account =
            |time: &AttributedTime| Account::of(time, excluded, self.as_of, terms.window.length());
        let (series, mut times): (Vec<Series>, Vec<AttributedTime>) = series
            .into_iter()
            .map(|(series, recorded)| (series, self.attributed(recorded)))
            .unzip();
        if let Some(hold) = terms.ending {
            AttributedTime::end_silent(&mut times, hold, self.as_of);
        }
        let mut all: Option<Account> = None;
        let mut of_series = Vec::new();
        for (series, time) in series.into_iter().zip(times) {
            let own = account(&time);
            if !own.is_judged() {
                continue;
            }
            of_series.push((series, Budget::of(terms, &own)));
            match &mut all {
                Some(all) => *all += &own,
                None => all = Some(own),
            }
        }
        of_series.sort_by(|(_, one), (_, other)| one.left().total_cmp(&other.left()));
        let all = all.unwrap_or_else(|| account(&AttributedTime::default()));
        ObjectiveBudgets {
            of_series,
            rolled_up: Budget::of(terms, &all),
        }
    }

    /// Of each version what it judged while it was in force.
    fn attributed(&self, recorded: &RecordedVersions) -> AttributedTime {
        AttributedTime::of(recorded.iter().filter_map(|(version, recorded)| {
            let in_force = self.in_force.get(version)?;
            Some((*in_force, recorded))
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sla::{BudgetWindow, Missing};

    const DAY: u64 = 86_400;

    fn span(start: u64, end: u64) -> Span {
        let at = |seconds| Timestamp::EPOCH + Duration::from_secs(seconds);
        Span {
            start: at(start),
            end: at(end),
        }
    }

    /// Judged over the whole day, with this many seconds of violation at its end.
    fn recorded(violation: u64) -> RecordedVersions {
        let time = RecordedTime {
            judged: vec![span(0, DAY)],
            violations: vec![span(DAY - violation, DAY)],
            ..RecordedTime::default()
        };
        BTreeMap::from([(1, time)])
    }

    fn budgets(series: &[(&'static str, RecordedVersions)]) -> ObjectiveBudgets<&'static str> {
        let version = Version {
            version: 1,
            created_at: Timestamp::EPOCH,
            retired_at: None,
        };
        let terms = Terms {
            target: Some(0.99),
            window: BudgetWindow::OneDay,
            missing: Missing::Excluded,
            ending: Some(Duration::from_secs(900)),
        };
        let calculator = BudgetCalculator::new(&[version], span(0, DAY).end);
        let series = series.iter().map(|(name, recorded)| (*name, recorded));
        calculator.budgets(&terms, series, &SpanSet::default())
    }

    #[test]
    fn the_series_with_the_least_left_comes_first_and_all_are_summed_up() {
        let found = budgets(&[
            ("one", recorded(10)),
            ("never judged", RecordedVersions::new()),
            ("other", recorded(100)),
        ]);
        let listed: Vec<_> = found
            .of_series
            .iter()
            .map(|(series, budget)| (*series, budget.bad_seconds))
            .collect();
        assert_eq!(listed, [("other", 100.0), ("one", 10.0)]);
        let all = (found.rolled_up.bad_seconds, found.rolled_up.target);
        assert_eq!(all, (110.0, Some(0.99)));
    }

    #[test]
    fn without_a_judged_series_the_whole_budget_is_left() {
        let found = budgets(&[("never judged", RecordedVersions::new())]);
        assert!(found.of_series.is_empty());
        assert_eq!(found.rolled_up.sli, None);
        assert_eq!(found.rolled_up.remaining_share, Some(1.0));
    }

    #[test]
    fn a_version_that_was_never_made_answers_for_nothing() {
        let found = budgets(&[("one", BTreeMap::from([(2, RecordedTime::default())]))]);
        assert!(found.of_series.is_empty());
    }

    /// Judged over the whole day, standing in one span of it, with a violation at the end of that or none.
    fn present(start: u64, end: u64, violation: u64) -> RecordedVersions {
        let gaps = [span(0, start), span(end, DAY)].into_iter();
        let time = RecordedTime {
            judged: vec![span(0, DAY)],
            gaps: gaps.filter(|gap| gap.start < gap.end).collect(),
            violations: vec![span(end - violation, end)],
        };
        BTreeMap::from([(1, time)])
    }

    #[test]
    fn a_series_counts_for_the_time_in_which_it_was_there() {
        let hour = 3_600;
        let there = present(0, DAY, 0);
        for (name, series, other, length, coverage) in [
            ("whole", present(0, DAY, 0), &there, DAY, 1.0),
            ("young", present(20 * hour, DAY, 0), &there, DAY, 1.0),
            (
                "seen late, not young",
                present(300, DAY, 0),
                &there,
                DAY,
                1.0 - 300.0 / 86_400.0,
            ),
            ("ended", present(0, 6 * hour, 0), &there, 6 * hour, 1.0),
            (
                "young and ended",
                present(hour, 6 * hour, 0),
                &there,
                5 * hour,
                1.0,
            ),
            (
                "ended in a violation",
                present(0, 6 * hour, 60),
                &there,
                6 * hour,
                1.0,
            ),
            (
                "kept in a violation",
                present(0, DAY - 899, 60),
                &there,
                DAY,
                1.0 - 899.0 / 86_400.0,
            ),
            (
                "held long enough",
                present(0, DAY - 900, 60),
                &there,
                DAY - 900,
                1.0,
            ),
            (
                "none stands",
                present(0, 6 * hour, 0),
                &present(0, 7 * hour, 0),
                DAY,
                0.25,
            ),
        ] {
            let found = budgets(&[("one", series), ("other", other.clone())]);
            let (_, one) = found
                .of_series
                .iter()
                .find(|(name, _)| *name == "one")
                .unwrap();
            assert!(
                (one.coverage - coverage).abs() < 1e-12,
                "{name}: {}",
                one.coverage
            );
            let missing = length as f64 * (1.0 - one.coverage);
            let spendable = match name {
                "young" => (DAY - 20 * hour) as f64,
                _ => length as f64 - missing,
            };
            let budget = one.budget_seconds.unwrap();
            assert!((budget - 0.01 * spendable).abs() < 1e-6, "{name}: {budget}");
        }
    }

    #[test]
    fn series_that_ended_leave_the_burn_of_those_that_are_there() {
        let there = present(DAY - 1_800, DAY, 600);
        let ended = |name| (name, present(0, DAY - 7_200, 0));
        let found = budgets(&[("one", there), ended("a"), ended("b"), ended("c")]);
        let burn = found.rolled_up.burn.of_window("1h");
        assert!(
            burn.is_some_and(|burn| (burn - 600.0 / 1_800.0 / 0.01).abs() < 1e-9),
            "{burn:?}"
        );
    }
}
