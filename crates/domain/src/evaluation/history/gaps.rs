use super::{History, Share};
use crate::{
    evaluation::Judgement,
    time::{Span, SpanSet, Timestamp},
};

impl History {
    /// Puts the judgement's gaps in the place of the stored ones, where it knows better.
    ///
    /// Of the sample that stood when its range began it does not know, but an older evaluation does; nor does a newer
    /// evaluation know of the one that stood when *its* range began, but this one does. So near the start of a
    /// range there is a gap only if both say so.
    pub(super) fn record_gaps(&mut self, judgement: &Judgement, share: &Share) {
        let own = Span {
            start: share.knows_from(),
            end: share.end,
        };
        let start_of_newer = Span {
            start: share.end,
            end: share.as_of.min(share.end + share.staleness),
        };
        let mut gaps: Vec<_> = judgement
            .gaps
            .iter()
            .map(|gap| gap.intersection(own))
            .collect();
        for stored in &self.gaps {
            gaps.push(Span {
                start: stored.start,
                end: stored.end.min(own.start),
            });
            gaps.push(Span {
                start: stored.start.max(start_of_newer.end),
                end: stored.end,
            });
            let doubtful = stored.intersection(start_of_newer);
            if doubtful.start < doubtful.end {
                gaps.extend(judgement.gaps.iter().map(|gap| gap.intersection(doubtful)));
            }
        }
        self.gaps = SpanSet::from_iter(gaps).into_iter().collect();
    }
}

impl Share {
    /// From when on the judgement knows whether a sample stands, as far as older evaluations know what was before.
    fn knows_from(&self) -> Timestamp {
        self.left.map_or(self.start, |left| {
            let sure = self.first_sample.min(self.start + self.staleness);
            sure.min(left.as_of).min(self.end)
        })
    }
}

/// Whether no sample stands from `start` to `end`.
pub(super) fn is_gap(gaps: &[Span], start: Timestamp, end: Timestamp) -> bool {
    gaps.iter().any(|gap| gap.start <= start && end <= gap.end)
}
