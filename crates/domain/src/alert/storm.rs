//! Storms: when very many series of an objective alert at once, one alert stands for most of them.

use std::collections::BTreeSet;

use super::{Annotations, Claim, Fingerprint, Verdict};
use crate::series::Labels;

/// So many alerts of one name and objective are open by series at most.
pub const MOST_OWN: usize = 50;
/// Once fewer hold, each has its own again.
pub const UNGROUPED_BELOW: usize = 25;

/// Divides the claims of series between alerts of their own and the one that stands for the rest. `open`: those that have
/// their own already, which they keep; `silent` more are open of which nothing is claimed. Claims that do not hold stay as
/// they are.
pub(super) fn divide(
    claims: Vec<Claim>,
    (labels, annotations): (&Labels, &Annotations),
    open: &BTreeSet<Fingerprint>,
    silent: usize,
    is_grouped: bool,
) -> Vec<Claim> {
    let (holding, mut divided): (Vec<_>, Vec<_>) = claims
        .into_iter()
        .partition(|claim| matches!(claim.verdict, Verdict::Holds { .. }));
    let count = holding.len();
    let all_own = match is_grouped {
        true => count < UNGROUPED_BELOW,
        false => count <= MOST_OWN,
    };
    if all_own {
        divided.extend(holding);
        return divided;
    }
    let (mut own, others): (Vec<_>, Vec<_>) = holding
        .into_iter()
        .partition(|claim| open.contains(&claim.fingerprint()));
    let mut others = others.into_iter();
    if !is_grouped {
        let room = MOST_OWN.saturating_sub(own.len() + silent);
        own.extend(others.by_ref().take(room));
    }
    let rest = others.len();
    divided.extend(own);
    if rest > 0 {
        let mut annotations = annotations.clone();
        annotations.insert("value".to_owned(), rest.to_string());
        let summary =
            format!("{count} series alert at once: {rest} of them have no alert of their own");
        annotations.insert("summary".to_owned(), summary);
        divided.push(Claim::holds(labels.clone(), None, annotations));
    }
    divided
}
