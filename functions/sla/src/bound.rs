//! How many pairs of an objective and a series, and how many different queries, all SLAs together may have: what a run judges
//! is bounded, and a change that goes beyond is refused rather than cut.

use std::collections::HashSet;

use domain::{
    Timestamp,
    sla::{AnyObjective, Objective, SampledQuery},
};
use http_api::{ApiError, Fault};
use store::sla::KnownSeries;

use crate::{SlaManager, database};

/// What is known of the series that the objectives are about, as the next versions of the SLAs `names`.
///
/// # Errors
/// 422 when all SLAs together would have too many pairs or queries, and these more than they have now.
pub(crate) async fn known_series(
    manager: &SlaManager,
    names: &[&str],
    objectives: &[AnyObjective],
    now: Timestamp,
) -> Result<KnownSeries, ApiError> {
    let slas = manager.store.active_slas().await.map_err(database)?;
    let objectives: Vec<_> = objectives
        .iter()
        .filter_map(|objective| match objective {
            AnyObjective::Range(objective) => Some(objective.clone()),
            AnyObjective::Events(_) => None,
        })
        .collect();
    let (mut replaced, mut others) = (Vec::new(), Vec::new());
    for sla in slas {
        let list = if names.contains(&&*sla.name) {
            &mut replaced
        } else {
            &mut others
        };
        list.extend(sla.objectives);
    }
    let together = queries(&[&objectives, &others]);
    let most = manager.bounds.queries;
    if together > most && together > queries(&[&replaced, &others]) {
        let reason = format!(
            "with these, all SLAs together have {together} different queries, more than {most}"
        );
        return Err(ApiError::Invalid(vec![Fault::at("/objectives", reason)]));
    }
    let all = [&objectives[..], &replaced, &others].concat();
    let known = manager.store.known_series(&all, now).await;
    let mut known = known.map_err(database)?;
    let (own, rest) = known.matches.split_at(objectives.len());
    let (before, others) = rest.split_at(replaced.len());
    let together = pairs(own) + pairs(others);
    let most = manager.bounds.judged_pairs;
    if together > most && pairs(own) > pairs(before) {
        let reason = format!(
            "with these, all SLAs together have {together} pairs of an objective and a series, more than {most}: give \
             the objectives more labels"
        );
        return Err(ApiError::Invalid(vec![Fault::at("/objectives", reason)]));
    }
    known.matches.truncate(objectives.len());
    Ok(known)
}

/// How many different queries these objectives have.
fn queries(lists: &[&[Objective]]) -> u64 {
    let objectives = lists.iter().copied().flatten();
    let queries: HashSet<&SampledQuery> = objectives.filter_map(|one| one.query.as_ref()).collect();
    queries.len() as u64
}

/// An objective without a series is judged too.
fn pairs(matches: &[u64]) -> u64 {
    matches.iter().map(|series| (*series).max(1)).sum()
}
