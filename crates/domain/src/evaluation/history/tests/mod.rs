mod joining;
mod moving;
mod total;

use super::{super::tests::*, *};

/// The judgement as it is recorded.
fn judged(judgement: &Judgement) -> Evaluated {
    Evaluated::Judged(Box::new(judgement.clone()))
}

const HOUR: i64 = 3_600;

/// Rows as they are stored, written by [`Changes`] that were found from no more rows than have to be loaded.
#[derive(Debug, Default)]
struct Stored(History);

impl Stored {
    /// Returns whether anything changed.
    fn record(&mut self, judgement: &Judgement) -> bool {
        let start = judgement.judged.start;
        let mut before = self.0.clone();
        before.episodes.retain(|episode| episode.end >= start);
        before.gaps.retain(|gap| gap.end >= start);
        before.judged.retain(|span| span.end >= start);
        let mut after = before.clone();
        after.record(&judged(judgement));
        let changes = Changes::between(&before, &after);
        self.write(&changes);
        !changes.is_empty()
    }

    fn write(&mut self, changes: &Changes) {
        let Self(rows) = self;
        rows.episodes.retain(|row| {
            let key = (row.side, row.start);
            let is_rewritten = changes
                .episodes
                .iter()
                .any(|new| (new.side, new.start) == key);
            !changes.deleted_episodes.contains(&key) && !is_rewritten
        });
        rows.episodes.extend_from_slice(&changes.episodes);
        rows.episodes.sort_by_key(|row| (row.start, row.side));
        rows.gaps.retain(|row| {
            let is_rewritten = changes.gaps.iter().any(|new| new.start == row.start);
            !changes.deleted_gaps.contains(&row.start) && !is_rewritten
        });
        rows.gaps.extend_from_slice(&changes.gaps);
        rows.gaps.sort_by_key(|row| row.start);
        rows.judged.retain(|row| {
            let is_rewritten = changes.judged.iter().any(|new| new.start == row.start);
            !changes.deleted_judged.contains(&row.start) && !is_rewritten
        });
        rows.judged.extend_from_slice(&changes.judged);
        rows.judged.sort_by_key(|row| row.start);
    }
}
