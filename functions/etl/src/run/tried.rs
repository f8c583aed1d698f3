//! Objectives of events that are tried out: what they would have said, from the newest time backwards, nothing published.

use std::collections::BTreeMap;

use domain::{
    Labels, Span, SpanSet, Timestamp,
    budget::{EventsBudget, Timeline},
    events::{Counted, CountedRow, Counting, Counts, Minute, SLICE},
    message::{BOUND, DEADLINE, Failure, LONGEST_PIECE, TriedAlert, TriedEvents, TriedGroup},
    sla::{EventsObjective, SlaName, Trial},
    time::duration,
};

use super::{
    Etl,
    counters::{NotCounted, Underway},
    fetch::NotFetched,
};
use crate::{deadline::Deadline, objectives::ActiveEvents, prometheus::FetchError};

/// Groups of an objective in the answer.
const MOST_GROUPS: usize = 100;
/// Firings of an alert in the answer.
const MOST_FIRINGS: usize = 100;
/// Minutes of all groups together that are kept in memory: about 150 bytes each.
const MOST_MINUTES: usize = 500_000;
/// Bytes of all groups in the answer, about.
const MOST_BYTES: usize = 2_000_000;
/// A group without its firings, and a firing, as JSON, about.
const GROUP_BYTES: usize = 4_000;
const FIRING_BYTES: usize = 70;

/// What was counted so far, and from when on.
struct Past {
    /// Of each objective the minutes of its groups; in order within a piece, the newest piece first.
    groups: Vec<BTreeMap<Labels, Vec<Vec<CountedRow>>>>,
    minutes: usize,
    from: Timestamp,
}

impl Etl {
    /// Tries the objectives of events out, as far back as time and memory allow.
    ///
    /// # Errors
    /// When Prometheus is away.
    pub(crate) async fn try_events(
        &self,
        trial: &Trial,
        as_of: Timestamp,
        deadline: Deadline,
        failures: &mut Vec<Failure>,
    ) -> Result<Vec<TriedEvents>, FetchError> {
        let active: Vec<ActiveEvents> = trial
            .events()
            .map(|objective| ActiveEvents {
                sla: SlaName::trial(),
                version: 0,
                objective: objective.clone(),
            })
            .collect();
        if active.is_empty() {
            return Ok(Vec::new());
        }
        let end = Minute::ended_by(as_of).end();
        let asked_from = Minute::ended_by(end - trial.over).end();
        let mut past = Past {
            groups: vec![BTreeMap::new(); active.len()],
            minutes: 0,
            from: end,
        };
        let mut reasons = vec![None; active.len()];
        while past.from > asked_from {
            let piece = Span {
                start: asked_from.max(past.from - LONGEST_PIECE),
                end: past.from,
            };
            let counted = self
                .count_piece(&active, piece, deadline, &mut reasons)
                .await;
            let counted = match counted {
                Ok(counted) => counted,
                Err(NotCounted::NotFetched(NotFetched::Prometheus(
                    error @ FetchError::Unreachable(_),
                ))) => {
                    return Err(error);
                }
                // The newest time says something already.
                Err(error) => {
                    failures.push(cut_short(error.word().unwrap_or(DEADLINE), past.from));
                    break;
                }
            };
            past.add(&active, counted, piece);
            if past.minutes > MOST_MINUTES && past.from > asked_from {
                failures.push(cut_short(BOUND, past.from));
                break;
            }
        }
        for (active, reason) in active.iter().zip(reasons) {
            if let Some(reason) = reason {
                failures.push(Failure::new("fetch", reason).of_metric(&active.metric()));
            }
        }
        let span = Span {
            start: past.from,
            end,
        };
        let mut bytes = 0;
        let objectives = active.iter().zip(past.groups);
        let tried =
            objectives.map(|(active, groups)| tried(&active.objective, groups, span, &mut bytes));
        Ok(tried.collect())
    }

    /// Counts a piece; an objective whose counters cannot be read gets a reason, and is not counted any more.
    async fn count_piece(
        &self,
        active: &[ActiveEvents],
        piece: Span,
        deadline: Deadline,
        reasons: &mut [Option<String>],
    ) -> Result<Vec<Option<Counted>>, NotCounted> {
        let reading = self.reading(deadline);
        let range = Counting::read_range(piece);
        let underway = active.iter().zip(&*reasons);
        let mut underway: Vec<Underway<'_>> = underway
            .map(|(active, reason)| Underway {
                reason: reason.clone(),
                ..Underway::new(active, piece, range)
            })
            .collect();
        self.count_all(range, &reading, &mut underway, |error| {
            matches!(
                error,
                NotCounted::NotFetched(
                    NotFetched::Deadline
                        | NotFetched::TimedOut(_)
                        | NotFetched::Prometheus(FetchError::Unreachable(_))
                )
            )
        })
        .await?;
        let most = self.bounds.groups_of_objective as usize;
        let counted = underway.into_iter().zip(reasons);
        let counted = counted.map(|(underway, reason)| {
            reason.clone_from(&underway.reason);
            reason.is_none().then(|| underway.counting.finish(most))
        });
        Ok(counted.collect())
    }
}

impl Past {
    fn add(&mut self, active: &[ActiveEvents], counted: Vec<Option<Counted>>, piece: Span) {
        for ((groups, counted), active) in self.groups.iter_mut().zip(counted).zip(active) {
            let is_together_alone = active.objective.by.is_empty();
            for group in counted.into_iter().flat_map(|counted| counted.groups) {
                let rows: Vec<CountedRow> = group
                    .slices
                    .iter()
                    .filter(|slice| slice.measured || slice.sums.iter().any(|sum| *sum > 0.0))
                    .map(|slice| CountedRow {
                        span: Span {
                            start: slice.end - SLICE,
                            end: slice.end,
                        },
                        counts: Counts::new(slice.sums),
                        measured_minutes: u32::from(slice.measured),
                        reach: slice.reach,
                        is_final: true,
                        revision: 0,
                        slices: None,
                    })
                    .collect();
                if rows.is_empty() && !is_together_alone {
                    continue;
                }
                self.minutes += rows.len();
                groups.entry(group.group).or_default().push(rows);
            }
        }
        self.from = piece.start;
    }
}

/// That less was counted than was asked for.
fn cut_short(word: &str, from: Timestamp) -> Failure {
    Failure::new("evaluation", word).because(format!(
        "events are counted from {from} on alone: try a shorter time or fewer objectives"
    ))
}

fn tried(
    objective: &EventsObjective,
    groups: BTreeMap<Labels, Vec<Vec<CountedRow>>>,
    span: Span,
    bytes: &mut usize,
) -> TriedEvents {
    let series = groups.len();
    let is_counted_by_labels = !objective.by.is_empty();
    let nothing = SpanSet::default();
    let mut judged: Vec<(f64, TriedGroup)> = groups
        .into_iter()
        .map(|(labels, mut pieces)| {
            pieces.reverse();
            let timeline = Timeline::new(objective, &pieces.concat(), &nothing);
            let budget = EventsBudget::of(objective, &timeline, span.end);
            let alerts = EventsBudget::firings(objective, &timeline, span).into_iter();
            let alerts = alerts.map(|(pair, factor, mut firings)| TriedAlert {
                long: duration::format(pair.long),
                short: duration::format(pair.short),
                factor,
                severity: pair.severity,
                count: firings.len() as u64,
                firings: {
                    firings.reverse();
                    firings.truncate(MOST_FIRINGS);
                    firings
                },
            });
            let tried = TriedGroup {
                labels,
                kept_target: budget.sli,
                budget: serde_json::to_value(&budget).unwrap_or_default(),
                alerts: alerts.collect(),
            };
            (budget.left(), tried)
        })
        .collect();
    // All events together come first.
    judged.sort_by(|(left, one), (other_left, other)| {
        let is_group =
            |group: &TriedGroup| is_counted_by_labels && group.labels != Labels::default();
        is_group(one)
            .cmp(&is_group(other))
            .then(left.total_cmp(other_left))
            .then_with(|| one.labels.cmp(&other.labels))
    });
    let groups = judged
        .into_iter()
        .map(|(_, group)| group)
        .take(MOST_GROUPS + 1);
    let groups = groups.take_while(|group| {
        let firings = group.alerts.iter().map(|alert| alert.firings.len());
        *bytes += GROUP_BYTES + FIRING_BYTES * firings.sum::<usize>();
        *bytes <= MOST_BYTES
    });
    TriedEvents {
        objective: objective.id.clone(),
        from: span.start,
        to: span.end,
        series: (series - usize::from(is_counted_by_labels && series > 0)) as u64,
        groups: groups.collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_not_counted_is_said_with_its_time() {
        let from = Timestamp::EPOCH + Duration::from_secs(60);
        let failure = cut_short(BOUND, from);
        assert_eq!(failure.reason, BOUND);
        assert!(failure.detail.unwrap().contains("1970-01-01T00:01:00Z"));
    }
}
