//! Keeping an answer within what a Lambda function may answer: 6 MB.

use store::sla::EvaluatedObjective;

/// About how many bytes the entries of an answer may have.
const MOST_BYTES: usize = 4_500_000;
/// What an entry has besides its labels and episodes, and an episode, as JSON, generously.
const ENTRY_BYTES: usize = 1_000;
const EPISODE_BYTES: usize = 200;
/// How many episodes an entry and how many series an objective may keep, tried one after the other.
const EPISODES: [usize; 5] = [50, 20, 5, 1, 0];
const SERIES: [usize; 6] = [50, 20, 10, 5, 2, 1];

/// Leaves out the oldest episodes of each entry, then the best series of each objective, until the answer fits. How many
/// there are is told all the same.
pub(crate) fn fit(objectives: &mut [EvaluatedObjective]) {
    for most in EPISODES {
        if bytes(objectives) <= MOST_BYTES {
            return;
        }
        for entry in objectives
            .iter_mut()
            .flat_map(|objective| &mut objective.entries)
        {
            let episodes = &mut entry.document.episodes;
            episodes.drain(..episodes.len().saturating_sub(most));
        }
    }
    for most in SERIES {
        if bytes(objectives) <= MOST_BYTES {
            return;
        }
        for objective in objectives.iter_mut() {
            objective.entries.truncate(most);
        }
    }
}

fn bytes(objectives: &[EvaluatedObjective]) -> usize {
    let of_objective = |evaluated: &EvaluatedObjective| {
        let of_labels = |labels: &domain::Labels| -> usize {
            let pairs = labels.0.iter();
            pairs
                .map(|(name, value)| name.len() + value.len() + 8)
                .sum()
        };
        let common = ENTRY_BYTES + of_labels(&evaluated.objective.labels);
        let entries = evaluated.entries.iter().map(|entry| {
            let labels = entry.document.series.as_ref();
            common
                + labels.map_or(0, |series| of_labels(&series.labels))
                + EPISODE_BYTES * entry.document.episodes.len()
        });
        entries.sum::<usize>().max(common)
    };
    objectives.iter().map(of_objective).sum()
}
