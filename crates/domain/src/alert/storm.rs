//! Storms: when very many series of an objective alert at once, one alert stands for most of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Alert, Annotations, Claim, Fingerprint, Verdict};
use crate::series::Labels;

/// So many alerts of one name and objective are open by series at most.
pub const MOST_OWN: usize = 50;
/// Once fewer hold, each has its own again.
pub const UNGROUPED_BELOW: usize = 25;

const SEVERITY: &str = "severity";

/// The labels of an alert that stands for the rest of many, where all series together may have an alert of the same name.
pub fn beside_all(mut labels: Labels) -> Labels {
    labels
        .0
        .insert("slacast_groups".to_owned(), "rest".to_owned());
    labels
}

/// The labels of the alert that stands for the rest of those of one severity.
pub(super) fn rest(group: &Labels, severity: &str) -> Labels {
    let mut labels = group.0.clone();
    labels.insert(SEVERITY.to_owned(), severity.to_owned());
    Labels(labels)
}

/// Whether an alert stands for the rest.
pub(super) fn is_rest(alert: &Alert, group: &Labels) -> bool {
    let severity = alert.labels.0.get(SEVERITY);
    alert.series.is_none() && severity.is_some_and(|own| alert.labels == rest(group, own))
}

/// The severity that receivers learn of.
pub(super) fn severity(claim: &Claim) -> &str {
    claim.labels.0.get(SEVERITY).map_or("", String::as_str)
}

/// Divides the claims of series between alerts of their own and those that stand for the rest, one for each severity. `open`:
/// those that have their own already, which they keep; `silent` more are open of which nothing is claimed. Claims that do not
/// hold or are about no series stay as they are.
pub(super) fn divide(
    claims: Vec<Claim>,
    (labels, annotations): (&Labels, &Annotations),
    open: &BTreeSet<Fingerprint>,
    silent: usize,
    is_grouped: bool,
) -> Vec<Claim> {
    let (holding, mut divided): (Vec<_>, Vec<_>) = claims.into_iter().partition(|claim| {
        claim.series.is_some() && matches!(claim.verdict, Verdict::Holds { .. })
    });
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
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for claim in others {
        *left.entry(severity(&claim).to_owned()).or_default() += 1;
    }
    divided.extend(own);
    divided.extend(left.into_iter().map(|(severity, left)| {
        let mut annotations = annotations.clone();
        annotations.insert("value".to_owned(), left.to_string());
        let summary =
            format!("{count} series alert at once: {left} of them have no alert of their own");
        annotations.insert("summary".to_owned(), summary);
        Claim::holds(rest(labels, &severity), None, annotations)
    }));
    divided
}
