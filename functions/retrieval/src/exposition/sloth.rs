//! Error ratios and budgets under the names of the recording rules that Sloth makes, for dashboards that are made for them.

use std::time::Duration;

use domain::{
    Labels, Timestamp,
    budget::Burn,
    duration,
    sla::{BudgetWindow, ObjectiveId, Sla},
};
use store::{StoreError, slices::budgets::CountedBudgets};

use super::{
    Exposition, Scope,
    objectives::{oldest_fresh, range_budgets, slas},
};
use crate::Retrieval;

const DAY: u64 = 86_400;

/// What Sloth's rules record of one objective, as far as it is known.
struct Recorded<'a> {
    objective: &'a ObjectiveId,
    target: Option<f64>,
    window: BudgetWindow,
    sli: Option<f64>,
    burn: &'a Burn,
    as_of: Timestamp,
}

/// What is known of the SLAs in force under Sloth's names.
pub(super) async fn gather(
    retrieval: &Retrieval,
    scope: &Scope,
    now: Timestamp,
) -> Result<Exposition, StoreError> {
    let store = &retrieval.store;
    let oldest_fresh = oldest_fresh(retrieval, now);
    let mut exposition = Exposition::default();
    for sla in slas(retrieval, scope).await? {
        let excluded = store.excluded_time(&sla.name, now).await?;
        let mut rows = store.judged_rows(&sla, now).await?;
        rows.retain(|_, rows| rows.as_of >= oldest_fresh);
        for (objective, as_of, budget) in range_budgets(store, &sla, &rows, &excluded).await? {
            let recorded = Recorded {
                objective: &objective.id,
                target: budget.target,
                window: budget.budget_window,
                sli: budget.sli,
                burn: &budget.burn,
                as_of,
            };
            recorded.add(&sla, &mut exposition);
        }
        if sla.events.is_empty() {
            continue;
        }
        let newest = store.newest_evaluations(&sla, now).await?;
        for (_, objective) in &sla.events {
            let as_of = newest.get(objective.id.as_str()).copied();
            let Some(as_of) = as_of.filter(|as_of| *as_of >= oldest_fresh) else {
                continue;
            };
            let at = (excluded.of(&objective.id), as_of);
            let read = CountedBudgets::read(store, &sla.name, objective, Some(as_of), at);
            let budget = read.await?.all;
            let recorded = Recorded {
                objective: &objective.id,
                target: budget.target,
                window: budget.budget_window,
                sli: budget.sli,
                burn: &budget.burn,
                as_of,
            };
            recorded.add(&sla, &mut exposition);
        }
    }
    Ok(exposition)
}

impl Recorded<'_> {
    fn add(&self, sla: &Sla, exposition: &mut Exposition) {
        let Some(target) = self.target else {
            return;
        };
        let allowed = 1.0 - target;
        let labels: Labels = [
            ("sloth_id", format!("{}-{}", sla.name, self.objective)),
            ("sloth_service", sla.name.to_string()),
            ("sloth_slo", self.objective.to_string()),
        ]
        .into_iter()
        .collect();
        let period = self.window.period(self.as_of).length;
        let error = self.sli.map(|sli| 1.0 - sli);
        // A window of a burn rate that is as long as the budget window is the same one.
        let windows = self.burn.0.iter().filter_map(|(window, burn)| {
            let length = duration::parse(window).ok()?;
            (length != period).then(|| (length, burn.map(|burn| burn * allowed)))
        });
        for (length, error) in windows.chain([(period, error)]) {
            let window = window(length);
            let mut labels = labels.clone();
            labels.0.insert("sloth_window".to_owned(), window.clone());
            let name = format!("slo:sli_error:ratio_rate{window}");
            let help = "The share that was bad in a window.";
            exposition.add_named(name, help, labels, error, self.as_of);
        }
        let spent = error.map(|error| error / allowed);
        for (name, help, value) in [
            (
                "slo:objective:ratio",
                "The share that should be good.",
                Some(target),
            ),
            (
                "slo:error_budget:ratio",
                "The share that may be bad.",
                Some(allowed),
            ),
            (
                "slo:time_period:days",
                "How long the budget window is.",
                Some(period.as_secs_f64() / DAY as f64),
            ),
            (
                "slo:current_burn_rate:ratio",
                "How fast the error budget is spent in 5 minutes: 1 is as fast as it lasts.",
                self.burn.of_window("5m"),
            ),
            (
                "slo:period_burn_rate:ratio",
                "How fast the error budget is spent in the budget window.",
                spent,
            ),
            (
                "slo:period_error_budget_remaining:ratio",
                "What is left of the error budget, as a share of it.",
                spent.map(|spent| 1.0 - spent),
            ),
        ] {
            exposition.add_named(name, help, labels.clone(), value, self.as_of);
        }
    }
}

/// A length as Prometheus writes it, and Sloth in names: weeks and years where nothing is left over, `30d` else.
fn window(length: Duration) -> String {
    let seconds = length.as_secs();
    let days = seconds / DAY;
    if seconds == 0 || !seconds.is_multiple_of(DAY) {
        return duration::format(length);
    }
    if days.is_multiple_of(365) {
        format!("{}y", days / 365)
    } else if days.is_multiple_of(7) {
        format!("{}w", days / 7)
    } else {
        format!("{days}d")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_written_as_sloth_does() {
        for (seconds, text) in [
            (300, "5m"),
            (5_400, "1h30m"),
            (DAY, "1d"),
            (3 * DAY, "3d"),
            (7 * DAY, "1w"),
            (28 * DAY, "4w"),
            (30 * DAY, "30d"),
            (90 * DAY, "90d"),
            (365 * DAY, "1y"),
        ] {
            assert_eq!(window(Duration::from_secs(seconds)), text);
        }
    }
}
