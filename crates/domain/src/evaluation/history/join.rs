use super::{History, JudgedSpan, Share, gaps::is_gap};
use crate::{
    evaluation::{Episode, Judgement, Side},
    time::{Span, Timestamp},
};

impl History {
    /// Puts the judgement's violations in the place of the stored ones that lie inside its share of its range, and
    /// joins those that lie across an end of the share. `merged` is the judged span that the share is now a part of.
    pub(super) fn record_episodes(
        &mut self,
        judgement: &Judgement,
        share: &Share,
        merged: JudgedSpan,
    ) {
        let stored = std::mem::take(&mut self.episodes);
        let (mut before, mut after): (Vec<_>, Vec<_>) = stored
            .into_iter()
            .partition(|episode| episode.start <= share.start);
        let (mut seen, mut beginning) = seen(judgement, share);

        if let Some(rest) = &mut beginning {
            let stored = after
                .iter()
                .find(|episode| episode.side == rest.side && episode.start == rest.start);
            rest.start_known = match stored {
                Some(episode) => episode.start_known,
                None => share.left_overlaps && self.is_preceded(share, merged, rest.start),
            };
            if let Some(earlier) = take_reaching(&mut before, rest.side, rest.start) {
                share.begin_with(rest, &earlier);
            }
        }
        after.retain(|episode| share.is_newer(episode));
        for episode in &mut before {
            share.end_before_first_sample(episode);
        }

        seen.extend(beginning);
        for later in after.iter_mut().filter(|later| share.lacks_start(later)) {
            let meeting = later.start.max(share.end);
            if let Some(earlier) = take_reaching(&mut seen, later.side, meeting) {
                later.begin_with(&earlier);
                end_later(later, &earlier);
            } else if share.right_overlaps && later.start <= merged.end {
                later.start_known |= share.first_sample < later.start
                    || (share.left_overlaps && self.is_preceded(share, merged, later.start));
            }
        }
        if let Some(fragment) = &judgement.remainder {
            // Without another part it is too short.
            seen.retain(|episode| episode.start != fragment.start);
        }
        for episode in &mut seen {
            share.end_before_newer(episode, &self.gaps);
        }

        self.episodes = [before, seen, after].concat();
        self.episodes
            .sort_by_key(|episode| (episode.start, episode.side));
    }

    /// Whether one of the samples that were judged together with the one at `time` came before it.
    fn is_preceded(&self, share: &Share, merged: JudgedSpan, time: Timestamp) -> bool {
        // What stands in the first minutes of the judged span may be a sample from before it.
        let sure = merged.start + share.staleness;
        sure < time && !is_gap(&self.gaps, sure, time)
    }
}

/// The judgement's violations that start in its share, and apart from them the run its range begins with, whether that
/// is a violation or not.
fn seen(judgement: &Judgement, share: &Share) -> (Vec<Episode>, Option<Episode>) {
    let (known, cut): (Vec<_>, Vec<_>) = judgement
        .violations
        .iter()
        .chain(&judgement.remainder)
        .filter(|episode| share.start < episode.start && episode.start <= share.end)
        .cloned()
        .partition(|episode| episode.start_known);
    (known, cut.into_iter().next())
}

impl Share {
    /// Lets the run that the judgement's range begins with begin with the part that is stored.
    fn begin_with(&self, rest: &mut Episode, earlier: &Episode) {
        rest.begin_with(earlier);
        if self.is_partial() {
            // A newer evaluation may have seen more of its end.
            end_later(rest, earlier);
        }
    }

    /// Ends an older violation that does not go on with the judgement's first sample.
    fn end_before_first_sample(&self, episode: &mut Episode) {
        let is_touching = self.start <= episode.end && episode.end <= self.as_of;
        if is_touching && self.first_sample <= self.end {
            episode.ongoing = false;
            episode.set_end(episode.end.min(self.first_sample));
        }
    }

    /// Ends a violation that goes on at the judgement's `as_of` and that a newer evaluation knows no rest of.
    fn end_before_newer(&self, episode: &mut Episode, gaps: &[Span]) {
        if !self.is_partial() || !episode.ongoing || episode.end > self.as_of {
            return;
        }
        episode.ongoing = false;
        // The judgement saw `for` and five minutes of what the newer one calls too short: another sample in range
        // would have been among them, so it ended in silence, and stands until a gap begins.
        let last_possible = self.as_of + self.staleness;
        let silence = gaps
            .iter()
            .map(|gap| gap.start)
            .find(|start| self.as_of <= *start && *start <= last_possible);
        if let Some(silence) = silence.filter(|_| self.right_overlaps) {
            episode.set_end(silence);
        }
    }

    /// Whether a stored violation that does not start before the judgement's range was seen, at least in part, by a
    /// newer evaluation.
    fn is_newer(&self, episode: &Episode) -> bool {
        episode.start > self.end || (self.is_partial() && episode.end > self.as_of)
    }

    /// Whether the judgement may know of an earlier part of such a violation.
    fn lacks_start(&self, episode: &Episode) -> bool {
        self.is_partial() && (episode.start <= self.end || !episode.start_known)
    }
}

/// Takes the violation out that a run on `side` with a sample at `time` is the rest of.
fn take_reaching(episodes: &mut Vec<Episode>, side: Side, time: Timestamp) -> Option<Episode> {
    episodes
        .iter()
        .position(|earlier| earlier.side == side && earlier.start < time && time <= earlier.end)
        .map(|position| episodes.remove(position))
}

/// Takes the end of `other` if it is the later one.
fn end_later(episode: &mut Episode, other: &Episode) {
    if other.end > episode.end {
        episode.set_end(other.end);
        episode.ongoing = other.ongoing;
    }
}
