use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::{
    Account, Alert,
    account::Tally,
    alert::{Standing, pairs},
};
use crate::{
    sla::{BudgetWindow, Missing, Terms},
    time::{duration, seconds},
};

/// How an error budget stands. Of several series all seconds but `exhaustion_seconds` are sums over them. Without a target
/// nothing that follows from one is known.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Budget {
    /// The share of the time that should be good.
    pub target: Option<f64>,
    /// The time it is about.
    pub budget_window: BudgetWindow,
    /// What the time without a sample is.
    pub missing: Missing,
    /// The share of the time that was good; `None` if nothing is known of any time.
    pub sli: Option<f64>,
    /// How long it may be bad.
    pub budget_seconds: Option<f64>,
    /// How long it was bad.
    pub bad_seconds: f64,
    /// What is left of the budget; negative if it is overspent.
    pub remaining_seconds: Option<f64>,
    /// The same as a share of the budget; `None` if there is none to share.
    pub remaining_share: Option<f64>,
    /// How fast the budget is spent: 1 is as fast as it lasts.
    pub burn: Burn,
    /// Which alerts there are.
    pub alerts: Vec<Alert>,
    /// In how long the budget, of several series theirs together, is gone at the pace of the last hour; `None` at no pace or,
    /// of a calendar, if that is after the period's end; 0 if it is gone.
    pub exhaustion_seconds: Option<f64>,
    /// The part of the window that was never judged and is not excluded.
    pub unjudged_seconds: f64,
    /// The part of the window that is excluded.
    pub excluded_seconds: f64,
    /// The share of the window in which a sample stood, excluded or not. The time before the first sample of a young series
    /// is left out, and that after the end of one that has ended.
    pub coverage: f64,
}

/// The burn by window, shortest first: by the usual ones that are no longer than the budget's, and by those of the alerts.
///
/// It is the share of what was bad over what the target allows; `None` where less than half of the window counts, or there
/// is no target.
#[derive(Clone, Debug, PartialEq)]
pub struct Burn(pub Vec<(String, Option<f64>)>);

impl Budget {
    /// The budget of `terms` by `account`, which is over their window.
    pub fn of(terms: &Terms, account: &Account) -> Self {
        let tally = &account.window;
        let (bad, total) = (bad(tally, terms.missing), total(tally, terms.missing));
        let length = account.whole;
        let unjudged = tally.length - account.excluded - tally.judged;
        let not_there = match terms.missing {
            Missing::Excluded => tally.missing,
            Missing::Good | Missing::Bad => Duration::ZERO,
        };
        let spendable = seconds(length - account.excluded - not_there);
        let budget = terms.target.map(|target| (1.0 - target) * spendable);
        let remaining = budget.map(|budget| budget - seconds(bad));
        let burn = Burn::of(terms, account);
        Self {
            target: terms.target,
            budget_window: terms.window,
            missing: terms.missing,
            sli: share(bad, total).map(|share| 1.0 - share),
            budget_seconds: budget,
            bad_seconds: seconds(bad),
            remaining_seconds: remaining,
            remaining_share: remaining
                .zip(budget.filter(|budget| *budget > 0.0))
                .map(|(remaining, budget)| remaining / budget),
            alerts: alerts(terms, account, &burn),
            burn,
            exhaustion_seconds: remaining
                .and_then(|remaining| exhaustion(terms, account, remaining)),
            unjudged_seconds: seconds(unjudged),
            excluded_seconds: seconds(account.excluded),
            coverage: share(account.covered, account.present).unwrap_or(0.0),
        }
    }

    /// What is left, to order by; without a budget what was good.
    pub(super) fn left(&self) -> f64 {
        self.remaining_seconds.or(self.sli).unwrap_or(f64::MAX)
    }
}

fn bad(tally: &Tally, missing: Missing) -> Duration {
    match missing {
        Missing::Excluded | Missing::Good => tally.violated,
        Missing::Bad => tally.violated + tally.missing,
    }
}

fn total(tally: &Tally, missing: Missing) -> Duration {
    match missing {
        Missing::Excluded => tally.judged - tally.missing,
        Missing::Good | Missing::Bad => tally.judged,
    }
}

/// `part / whole`, if there is a whole.
fn share(part: Duration, whole: Duration) -> Option<f64> {
    (!whole.is_zero()).then(|| seconds(part) / seconds(whole))
}

fn exhaustion(terms: &Terms, account: &Account, remaining: f64) -> Option<f64> {
    if remaining <= 0.0 {
        return Some(0.0);
    }
    let hour = account.recent(HOUR)?;
    let pace = share(bad(&hour, terms.missing), total(&hour, terms.missing))?;
    // So many series spend it at the same time: those that had ended by then do not.
    let series = (seconds(hour.length) / seconds(HOUR)).max(1.0);
    let after = (pace > 0.0).then(|| remaining / pace / series)?;
    let is_in_time = |ends_in: Duration| after <= seconds(ends_in);
    account.ends_in.is_none_or(is_in_time).then_some(after)
}

/// How the pairs of windows stand.
fn alerts(terms: &Terms, account: &Account, burn: &Burn) -> Vec<Alert> {
    let Some(target) = terms.target else {
        return Vec::new();
    };
    let pairs = pairs(terms.alerts.as_deref(), account.length).into_iter();
    pairs
        .map(|pair| {
            let factor = pair.pace.factor(pair.long, account.length);
            let exceeds = |window| burn.of_length(window).is_some_and(|burn| burn > factor);
            let firing = exceeds(pair.long) && exceeds(pair.short);
            Alert::new(&pair, account.length, target, Standing::Measured { firing })
        })
        .collect()
}

const HOUR: Duration = Duration::from_secs(3_600);

impl Burn {
    fn of(terms: &Terms, account: &Account) -> Self {
        let burns = account.recent.iter().map(|(window, tally)| {
            let total = total(tally, terms.missing);
            let is_known = total * 2 >= tally.length;
            let burn = terms
                .target
                .filter(|_| is_known)
                .zip(share(bad(tally, terms.missing), total))
                .map(|(target, share)| share / (1.0 - target));
            (duration::format(*window), burn)
        });
        Self(burns.collect())
    }

    /// The burn in the window of that name.
    pub fn of_window(&self, name: &str) -> Option<f64> {
        let (_, burn) = self.0.iter().find(|(window, _)| window == name)?;
        *burn
    }

    /// The burn in the window of that length.
    pub(super) fn of_length(&self, length: Duration) -> Option<f64> {
        self.of_window(&duration::format(length))
    }
}

impl Serialize for Burn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(window, burn)| (window, burn)))
    }
}

impl JsonSchema for Burn {
    fn schema_name() -> Cow<'static, str> {
        "Burn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, Option<f64>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests;
