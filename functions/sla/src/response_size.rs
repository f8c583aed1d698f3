//! Shortening an answer that is longer than a function may return.

use store::sla::EvaluatedObjective;

/// How many episodes an entry and how many series an objective may keep, tried one after the other.
const EPISODES: [usize; 5] = [50, 20, 5, 1, 0];
const SERIES: [usize; 6] = [50, 20, 10, 5, 2, 1];

/// Leaves out the oldest episodes of each entry or, once there are none, the best series of each objective: fewer are left
/// each time. How many there are is reported all the same. Returns whether there was anything to leave out.
pub(crate) fn shorten(objectives: &mut [EvaluatedObjective]) -> bool {
    let entries = || objectives.iter().flat_map(|objective| &objective.entries);
    let episodes = entries().map(|entry| entry.document.episodes.len()).max();
    let series = objectives.iter().map(|objective| objective.entries.len());
    let (episodes, series) = (episodes.unwrap_or(0), series.max().unwrap_or(0));
    if let Some(most) = EPISODES.into_iter().find(|most| *most < episodes) {
        for objective in objectives {
            for entry in &mut objective.entries {
                let episodes = &mut entry.document.episodes;
                episodes.drain(..episodes.len().saturating_sub(most));
            }
        }
        return true;
    }
    let Some(most) = SERIES.into_iter().find(|most| *most < series) else {
        return false;
    };
    for objective in objectives {
        objective.entries.truncate(most);
    }
    true
}
