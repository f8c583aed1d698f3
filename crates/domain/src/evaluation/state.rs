use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an objective stands on one series, from best to worst: of several the worst is the `max`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveState {
    /// It fell silent while another series of the objective stands. No series knows that alone: it is said of a series
    /// of a whole evaluation, and never published.
    #[serde(skip_deserializing)]
    Ended,
    /// In range.
    Ok,
    /// Out of range, not yet for long enough.
    Pending,
    /// No sample stands at `as_of`.
    NoData,
    /// A violation is going on.
    Firing,
}

/// Orders series of one objective, given as state and seconds in violation, worst first.
pub fn worst_first(one: (ObjectiveState, f64), other: (ObjectiveState, f64)) -> Ordering {
    other.0.cmp(&one.0).then(other.1.total_cmp(&one.1))
}

#[cfg(test)]
mod tests {
    use super::{ObjectiveState::*, *};

    #[test]
    fn firing_is_worse_than_no_data_than_pending_than_ok() {
        assert_eq!([Ok, NoData, Pending].into_iter().max(), Some(NoData));
        assert_eq!([Pending, Firing, NoData].into_iter().max(), Some(Firing));
        assert_eq!([Ok, Pending].into_iter().max(), Some(Pending));
    }

    #[test]
    fn of_two_in_one_state_the_longer_violated_comes_first() {
        let mut listed = [(Ok, 90.0), (Firing, 1.0), (Pending, 0.0), (Firing, 2.0)];
        listed.sort_by(|one, other| worst_first(*one, *other));
        assert_eq!(
            listed,
            [(Firing, 2.0), (Firing, 1.0), (Pending, 0.0), (Ok, 90.0)]
        );
    }
}
