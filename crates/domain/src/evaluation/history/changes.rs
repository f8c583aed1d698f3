use std::collections::BTreeMap;

use super::{History, JudgedSpan};
use crate::{
    evaluation::{Episode, Side},
    time::{Span, Timestamp},
};

/// The rows that turn one [`History`] into another: delete first, then write. Empty if they are the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The keys of violations that are no more.
    pub deleted_episodes: Vec<(Side, Timestamp)>,
    /// Violations that are new or not as before.
    pub episodes: Vec<Episode>,
    /// The starts of gaps that are no more.
    pub deleted_gaps: Vec<Timestamp>,
    /// Gaps that are new or not as before.
    pub gaps: Vec<Span>,
    /// The starts of judged spans that are no more.
    pub deleted_judged: Vec<Timestamp>,
    /// Judged spans that are new or not as before.
    pub judged: Vec<JudgedSpan>,
}

impl Changes {
    /// What to do to the rows of `before` so that they are those of `after`.
    pub fn between(before: &History, after: &History) -> Self {
        let (deleted_episodes, episodes) =
            difference(&before.episodes, &after.episodes, |episode| {
                (episode.side, episode.start)
            });
        let (deleted_gaps, gaps) = difference(&before.gaps, &after.gaps, |gap| gap.start);
        let (deleted_judged, judged) = difference(&before.judged, &after.judged, |span| span.start);
        Self {
            deleted_episodes,
            episodes,
            deleted_gaps,
            gaps,
            deleted_judged,
            judged,
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn difference<Row: Clone + PartialEq, Key: Ord>(
    before: &[Row],
    after: &[Row],
    key: impl Fn(&Row) -> Key,
) -> (Vec<Key>, Vec<Row>) {
    let keyed = |rows: &[Row]| -> BTreeMap<Key, Row> {
        rows.iter().map(|row| (key(row), row.clone())).collect()
    };
    let mut gone = keyed(before);
    let mut written = Vec::new();
    for (key, row) in keyed(after) {
        if gone.remove(&key).as_ref() != Some(&row) {
            written.push(row);
        }
    }
    (gone.into_keys().collect(), written)
}
