//! Sets of instants, and the arithmetic budgets are made of: union, intersection, difference, length.
//!
//! Everything is exact: times are whole milliseconds, and so are lengths.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Span, Timestamp};

/// A set of instants as maximal spans `[start, end)`: in order, none empty, no two touching.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Span>")]
pub struct SpanSet(Vec<Span>);

impl SpanSet {
    /// The spans, in order.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Whether there is no instant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `instant` is one of them.
    pub fn contains(&self, instant: Timestamp) -> bool {
        let place = self.0.partition_point(|span| span.end <= instant);
        self.0.get(place).is_some_and(|span| span.start <= instant)
    }

    /// How long they are together.
    pub fn length(&self) -> Duration {
        self.0.iter().map(|span| span.length()).sum()
    }

    /// How long the part of them is that is not before `start`.
    pub fn length_since(&self, start: Timestamp) -> Duration {
        let place = self.0.partition_point(|span| span.end <= start);
        let whole = &self.0[place..];
        whole
            .iter()
            .map(|span| span.end.since(span.start.max(start)))
            .sum()
    }

    /// The first instant of them that is not before `start`.
    pub fn first_after(&self, start: Timestamp) -> Option<Timestamp> {
        let place = self.0.partition_point(|span| span.end <= start);
        Some(self.0.get(place)?.start.max(start))
    }

    /// How long the part of them is that lies in `span`.
    pub fn length_within(&self, span: Span) -> Duration {
        let place = self.0.partition_point(|own| own.end <= span.start);
        let reaching = self.0[place..].iter();
        reaching
            .take_while(|own| own.start < span.end)
            .map(|own| own.overlap(span))
            .sum()
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut own, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = Vec::new();
        while let (Some(one), Some(two)) = (own.peek(), others.peek()) {
            let overlap = one.intersection(**two);
            if overlap.start < overlap.end {
                common.push(overlap);
            }
            if one.end < two.end {
                own.next();
            } else {
                others.next();
            }
        }
        Self(common)
    }

    /// What is in this and not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut taken = 0;
        for span in &self.0 {
            let mut start = span.start;
            taken += other.0[taken..].partition_point(|other| other.end <= start);
            for other in other.0[taken..]
                .iter()
                .take_while(|other| other.start < span.end)
            {
                if start < other.start {
                    left.push(Span {
                        start,
                        end: other.start,
                    });
                }
                start = other.end;
            }
            if start < span.end {
                left.push(Span {
                    start,
                    end: span.end,
                });
            }
        }
        Self(left)
    }
}

impl FromIterator<Span> for SpanSet {
    /// The union of the spans, in whatever order they come; one that does not end after it starts holds nothing.
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut spans: Vec<Span> = spans
            .into_iter()
            .filter(|span| span.start < span.end)
            .collect();
        spans.sort_by_key(|span| span.start);
        spans.dedup_by(|next, last| {
            let touches = next.start <= last.end;
            if touches {
                last.end = last.end.max(next.end);
            }
            touches
        });
        Self(spans)
    }
}

impl From<Vec<Span>> for SpanSet {
    fn from(spans: Vec<Span>) -> Self {
        spans.into_iter().collect()
    }
}

impl From<Span> for SpanSet {
    fn from(span: Span) -> Self {
        std::iter::once(span).collect()
    }
}

impl IntoIterator for SpanSet {
    type Item = Span;
    type IntoIter = std::vec::IntoIter<Span>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SECONDS: i64 = 48;

    fn span(start: i64, end: i64) -> Span {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000).unwrap();
        Span {
            start: at(start),
            end: at(end),
        }
    }

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        let one = (0..SECONDS, 0..SECONDS).prop_map(|(start, end)| span(start, end));
        prop::collection::vec(one, 0..10)
    }

    /// The seconds that begin in one of the spans, counted one by one.
    fn seconds(spans: &[Span]) -> BTreeSet<i64> {
        let begins_in = |second: i64, span: &Span| {
            (span.start.millis()..span.end.millis()).contains(&(second * 1_000))
        };
        (0..SECONDS)
            .filter(|second| spans.iter().any(|span| begins_in(*second, span)))
            .collect()
    }

    fn is_normal(set: &SpanSet) -> bool {
        let spans = set.spans();
        spans.iter().all(|span| span.start < span.end)
            && spans.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn the_arithmetic_is_that_of_sets_of_seconds(one in spans(), two in spans()) {
            let (a, b): (SpanSet, SpanSet) =
                (one.iter().copied().collect(), two.iter().copied().collect());
            let (seconds_of_a, seconds_of_b) = (seconds(&one), seconds(&two));
            for (result, expected) in [
                (a.clone(), seconds_of_a.clone()),
                (a.union(&b), &seconds_of_a | &seconds_of_b),
                (a.intersection(&b), &seconds_of_a & &seconds_of_b),
                (a.difference(&b), &seconds_of_a - &seconds_of_b),
            ] {
                prop_assert!(is_normal(&result), "{result:?}");
                prop_assert_eq!(seconds(result.spans()), expected.clone());
                prop_assert_eq!(result.length().as_secs(), expected.len() as u64);
            }
        }

        #[test]
        fn parts_are_as_long_as_their_seconds(
            spans in spans(), start in 0..SECONDS, end in 0..SECONDS,
        ) {
            let set: SpanSet = spans.iter().copied().collect();
            let counted = seconds(&spans);
            let part = span(start, end);
            prop_assert_eq!(
                set.length_since(part.start).as_secs(),
                counted.range(start..).count() as u64
            );
            prop_assert_eq!(
                set.length_within(part).as_secs(),
                counted.range(start..end.max(start)).count() as u64
            );
            prop_assert_eq!(set.contains(part.start), counted.contains(&start));
        }
    }

    #[test]
    fn spans_that_touch_are_one() {
        let joined: SpanSet = [span(3, 5), span(0, 3), span(7, 7)].into_iter().collect();
        assert_eq!(joined.spans(), [span(0, 5)]);
    }
}
