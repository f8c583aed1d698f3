use super::Side;
use crate::sla::Objective;

/// The side of its range that `value` is on; `None` in range, the bounds included.
#[inline]
pub(super) fn side_of(objective: &Objective, value: f64) -> Option<Side> {
    if objective.min.is_some_and(|min| value < min) {
        Some(Side::Below)
    } else if objective.max.is_some_and(|max| value > max) {
        Some(Side::Above)
    } else {
        None
    }
}
