//! A piece of replays: objectives are judged and counted in at most 12 h that are over, as runs would have done then.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread,
    time::Duration,
};

use domain::{
    BucketLength, Series, Span, Timestamp,
    evaluation::{self, Outlook, STALENESS, Validity, replayed_at},
    events::{Counted, Counting, SliceCounts},
    message::{
        CountedGroup, CountedPiece, DescribedPiece, JudgedPiece, ReplayDocument, ReplayFailure,
        Replayed, SeriesReference, ViolationsDocument,
    },
    sla::{ObjectiveId, SlaName},
};
use futures::{StreamExt, future, stream};
use kafka::{KafkaUnreachable, Publication};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Etl, SERIES_WAITING,
    counters::{NotCounted, Underway},
    events::bad_share_of,
    fetch::NotFetched,
};
use crate::{
    deadline::Deadline,
    history,
    message::Message,
    metrics_file::Metric,
    objectives::{ActiveEvents, ActiveObjective},
    pairs::Pairs,
    prometheus::{FetchError, FetchedSeries},
    served,
};

/// What is replayed.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The time, `(start, end]`.
    pub(crate) span: Span,
    /// The newest time that samples are settled of.
    pub(crate) settled: Timestamp,
    /// What is judged.
    pub(crate) ranges: Vec<ReplayedRange>,
    /// What is counted, and whether that replaces what is final.
    pub(crate) events: Vec<(ActiveEvents, bool)>,
    /// The replays, for the messages.
    pub(crate) name: String,
}

/// An objective of ranges of the version that was in force.
#[derive(Clone, Debug)]
pub(crate) struct ReplayedRange {
    pub(crate) active: ActiveObjective,
    /// The part of the piece in which it was, whole seconds.
    pub(crate) span: Span,
    /// Whether what was judged is replaced.
    pub(crate) replace: bool,
}

/// What was found in a piece.
#[derive(Debug)]
pub(crate) struct FoundInPiece {
    /// How many messages say it.
    pub(crate) messages: u64,
    /// What could not be read, by SLA.
    pub(crate) failures: Vec<(SlaName, ReplayFailure)>,
}

/// Why a piece is left for later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReplayed {
    /// Prometheus cannot be asked now.
    #[error("Prometheus cannot be asked: {0}")]
    Prometheus(FetchError),
    /// The invocation's time was over, or what a metric or a selector may have of it.
    #[error("the invocation's time was over")]
    Deadline,
    /// Kafka is away.
    #[error(transparent)]
    Kafka(#[from] KafkaUnreachable),
}

/// Why a replay says nothing of what is to come.
const OVER: &str = "replayed";
/// A piece that was not done in time is halved, down to this.
pub(crate) const SHORTEST_PIECE: Duration = Duration::from_secs(15 * 60);
/// Why an objective is not replayed whose metric takes too long even so.
const TOO_LONG: &str = "its metric took too long";
/// A message has about so many bytes at most.
const MESSAGE_BYTES: usize = 2_000_000;
/// A minute of a group takes about so many bytes.
const SLICE_BYTES: usize = 120;
const MINUTE: u64 = 60;

impl Etl {
    /// Judges and counts a piece, and publishes what was found.
    ///
    /// # Errors
    /// When it is to be tried again later: Prometheus or Kafka is away, or the time is over.
    pub(crate) async fn replay_piece(
        &self,
        piece: &Piece,
        deadline: Deadline,
    ) -> Result<FoundInPiece, NotReplayed> {
        let mut publication = self.publisher.publication();
        let mut failures = Vec::new();
        let mut of_metrics = BTreeMap::<&str, Vec<&ReplayedRange>>::new();
        for range in &piece.ranges {
            let metric = range.active.objective.metric.as_str();
            of_metrics.entry(metric).or_default().push(range);
        }
        let pairs = Arc::new(Pairs::new(self.bounds.judged_pairs));
        let active: Vec<ActiveObjective> = piece
            .ranges
            .iter()
            .map(|range| range.active.clone())
            .collect();
        let queries = served::of_objectives(&active);
        for (name, ranges) in of_metrics {
            let mut metrics = self.metrics.iter().chain(&queries);
            // Of a metric that is not known there is nothing to judge.
            let Some(metric) = metrics.find(|metric| metric.name == name) else {
                continue;
            };
            let judged = self
                .judge_again(piece, metric, &ranges, &pairs, deadline, &mut publication)
                .await?;
            let (failed, reason) = match judged {
                Ok(cut) => (cut, pairs.cut()),
                Err(reason) => (ranges.iter().map(|range| range.of()).collect(), reason),
            };
            for (sla, objective) in failed {
                failures.push((sla, piece.failure(&objective, &reason)));
            }
        }
        self.count_again(piece, deadline, &mut publication, &mut failures)
            .await?;
        let published = publication.finish().await?;
        for refusal in published.refused {
            tracing::warn!(id = refusal.id, reason = %refusal.reason, "Kafka refuses a message of a replay");
        }
        Ok(FoundInPiece {
            messages: published.messages,
            failures,
        })
    }

    /// Judges the series of a metric; returns the objectives that are too many for some of them. The inner error is why it
    /// never will be judged.
    async fn judge_again(
        &self,
        piece: &Piece,
        metric: &Arc<Metric>,
        ranges: &[&ReplayedRange],
        pairs: &Arc<Pairs>,
        deadline: Deadline,
        publication: &mut Publication<'_>,
    ) -> Result<Result<BTreeSet<Of>, String>, NotReplayed> {
        if deadline.is_over() {
            return Err(NotReplayed::Deadline);
        }
        let ranges: Arc<[ReplayedRange]> = ranges.iter().map(|range| (*range).clone()).collect();
        let (found, arriving) = mpsc::channel::<FetchedSeries>(SERIES_WAITING);
        let range = piece.read_range(&ranges);
        let fetch = async {
            let found = found;
            self.prometheus.fetch(metric, range, &found).await
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let judge = async {
            let mut judged = stream::unfold(arriving, async |mut arriving| {
                Some((arriving.recv().await?, arriving))
            })
            .map(|series| {
                let (metric, ranges, pairs) = (metric.clone(), ranges.clone(), pairs.clone());
                let (settled, keeps_history) = (piece.settled, self.keeps_history);
                tokio::task::spawn_blocking(move || {
                    let mut judged = judge_series(&metric, series, &ranges, &pairs, settled);
                    if !keeps_history {
                        let pieces = judged.0.iter_mut();
                        pieces.for_each(|(piece, _)| piece.buckets.clear());
                    }
                    judged
                })
            })
            .buffer_unordered(workers)
            .boxed();
            let mut all_cut = BTreeSet::new();
            while let Some(found) = judged.next().await {
                let (found, cut) = found.unwrap_or_default();
                all_cut.extend(cut);
                for (judged, replace) in found {
                    let document = ReplayDocument {
                        piece: piece.span,
                        replace,
                        found: Replayed::Judged(Box::new(judged)),
                    };
                    publication
                        .send(Message::of_replay(&document, &piece.name))
                        .await;
                }
            }
            all_cut
        };
        let both = future::join(fetch, judge);
        let Ok((fetched, cut)) = timeout(deadline.left().min(deadline.patience), both).await else {
            return if deadline.is_over() || piece.can_be_halved() {
                Err(NotReplayed::Deadline)
            } else {
                Ok(Err(TOO_LONG.to_owned()))
            };
        };
        match fetched {
            Ok(_) => Ok(Ok(cut)),
            Err(error @ (FetchError::Unreachable(_) | FetchError::Busy(_))) => {
                Err(NotReplayed::Prometheus(error))
            }
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Counts the objectives of events of a piece, each selector once.
    async fn count_again(
        &self,
        piece: &Piece,
        deadline: Deadline,
        publication: &mut Publication<'_>,
        failures: &mut Vec<(SlaName, ReplayFailure)>,
    ) -> Result<(), NotReplayed> {
        if piece.events.is_empty() {
            return Ok(());
        }
        let reading = self.reading(deadline);
        let range = piece.counters_range();
        let mut underway: Vec<Underway<'_>> = piece
            .events
            .iter()
            .map(|(active, _)| Underway::new(active, piece.counted_span(), range))
            .collect();
        let counted = self.count_all(range, &reading, &mut underway, |error| match error {
            NotCounted::NotFetched(NotFetched::TimedOut(_)) => piece.can_be_halved(),
            NotCounted::NotFetched(
                NotFetched::Deadline
                | NotFetched::Prometheus(FetchError::Unreachable(_) | FetchError::Busy(_)),
            ) => true,
            _ => false,
        });
        counted.await.map_err(|error| match error {
            NotCounted::NotFetched(NotFetched::Prometheus(error)) => NotReplayed::Prometheus(error),
            _ => NotReplayed::Deadline,
        })?;
        let most = self.bounds.groups_of_objective as usize;
        for (objective, (_, replace)) in underway.into_iter().zip(&piece.events) {
            let active = objective.active;
            match objective.reason {
                Some(reason) => {
                    let failure = piece.failure(&active.objective.id, &reason);
                    failures.push((active.sla.clone(), failure));
                }
                None => {
                    let counted = objective.counting.finish(most);
                    if self.keeps_history {
                        piece
                            .describe(active, *replace, &counted, publication)
                            .await;
                    }
                    piece.publish(active, *replace, counted, publication).await;
                }
            }
        }
        Ok(())
    }
}

impl Piece {
    /// Whether what takes too long is tried again in less time.
    fn can_be_halved(&self) -> bool {
        self.span.length() > SHORTEST_PIECE
    }

    fn failure(&self, objective: &ObjectiveId, reason: &str) -> ReplayFailure {
        ReplayFailure {
            from: self.span.start,
            to: self.span.end,
            objective: objective.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Before its start what a run reads; what is replaced is judged beyond its end, too.
    fn read_range(&self, ranges: &[ReplayedRange]) -> Span {
        let longest = ranges.iter().map(|range| range.active.objective.hold).max();
        let start = evaluation::read_range(longest.unwrap_or_default(), self.span.start).start;
        let ends = ranges.iter().map(|range| range.last(self.settled));
        Span {
            start,
            end: ends.max().unwrap_or(self.span.end),
        }
    }

    /// What is read of counters: beyond its end, too, as runs do, for the stale markers that say until when samples stood.
    fn counters_range(&self) -> Span {
        let beyond = self.span.end + STALENESS;
        Span {
            end: beyond.min(self.settled).max(self.span.end),
            ..Counting::read_range(self.counted_span())
        }
    }

    /// The slices that are counted: from the start of a bucket on, so that the first one that ends in the piece is whole.
    fn counted_span(&self) -> Span {
        Span {
            start: BucketLength::FiveMinutes.start_of(self.span.start),
            end: self.span.end,
        }
    }

    /// Publishes what the bad share of each group was like as a series.
    async fn describe(
        &self,
        active: &ActiveEvents,
        replace: bool,
        counted: &Counted,
        publication: &mut Publication<'_>,
    ) {
        let Some(given) = active.objective.events.given() else {
            return;
        };
        for group in &counted.groups {
            let buckets = history::buckets(&group.bad_shares(given), self.span);
            if buckets.is_empty() {
                continue;
            }
            let document = ReplayDocument {
                piece: self.span,
                replace,
                found: Replayed::Described(Box::new(DescribedPiece {
                    series: bad_share_of(active, &group.group),
                    buckets,
                })),
            };
            publication
                .send(Message::of_replay(&document, &self.name))
                .await;
        }
    }

    /// Publishes the minutes of all groups, hour by hour. What was counted before is not replaced by an hour of nothing:
    /// Prometheus may not have that time any more.
    async fn publish(
        &self,
        active: &ActiveEvents,
        replace: bool,
        counted: Counted,
        publication: &mut Publication<'_>,
    ) {
        let bytes = counted.groups.len() * SLICE_BYTES;
        let at_once = (MESSAGE_BYTES / bytes.max(1)).clamp(1, 60) as u64;
        let mut minutes = Span {
            start: self.span.start,
            end: self.span.start,
        };
        while minutes.end < self.span.end {
            let into_hour = minutes.end.millis().div_euclid(60_000).rem_euclid(60) as u64;
            let length = at_once.min(60 - into_hour);
            minutes = Span {
                start: minutes.end,
                end: (minutes.end + Duration::from_secs(MINUTE * length)).min(self.span.end),
            };
            let groups = counted.groups.iter().map(|group| {
                let slices = group.since(minutes.start).iter();
                CountedGroup {
                    group: group.group.clone(),
                    slices: slices
                        .take_while(|slice| slice.end <= minutes.end)
                        .copied()
                        .collect(),
                }
            });
            let groups: Vec<CountedGroup> = groups.collect();
            let mut slices = groups.iter().flat_map(|group| &group.slices);
            if replace && slices.all(SliceCounts::is_empty) {
                continue;
            }
            let document = ReplayDocument {
                piece: self.span,
                replace,
                found: Replayed::Counted(Box::new(CountedPiece {
                    sla: active.sla.clone(),
                    version: active.version,
                    objective: active.objective.clone(),
                    definition: active.objective.definition(),
                    minutes,
                    groups,
                })),
            };
            publication
                .send(Message::of_replay(&document, &self.name))
                .await;
        }
    }
}

/// Which objective of which SLA.
type Of = (SlaName, ObjectiveId);

impl ReplayedRange {
    fn of(&self) -> Of {
        (self.active.sla.clone(), self.active.objective.id.clone())
    }

    /// How far before an evaluation its samples may lie.
    fn reach(&self) -> Duration {
        evaluation::read_range(self.active.objective.hold, self.span.end).length()
    }

    /// The last evaluation: where what was judged is replaced, one that sees enough after the piece to join what comes then.
    fn last(&self, settled: Timestamp) -> Timestamp {
        let beyond = self.span.end + self.active.objective.hold + STALENESS;
        if self.replace {
            beyond.min(settled).max(self.span.end)
        } else {
            self.span.end
        }
    }

    /// When it is evaluated on a series, in the order in which that is recorded.
    fn times(&self, samples: &[domain::Sample], settled: Timestamp) -> Vec<Timestamp> {
        let range = Span {
            start: self.span.start - self.reach(),
            end: self.span.end,
        };
        let read = evaluation::within(samples, range);
        let mut times = replayed_at(read, self.reach(), self.span);
        if self.replace {
            // What was judged before the piece stays; what comes after it is joined first.
            times.retain(|time| *time > self.span.start);
            times.push(self.last(settled));
            times.sort_unstable();
            times.dedup();
            times.reverse();
        }
        times
    }
}

/// The objectives that match a series, evaluated on it, and whether each replaces what was judged; and those that are too
/// many.
fn judge_series(
    metric: &Metric,
    fetched: FetchedSeries,
    ranges: &[ReplayedRange],
    pairs: &Pairs,
    settled: Timestamp,
) -> (Vec<(JudgedPiece, bool)>, Vec<Of>) {
    let samples = evaluation::clean(fetched.samples);
    let series = Series {
        metric: metric.name.clone(),
        labels: fetched.labels,
    };
    let reference = SeriesReference::new(&series, metric.unit.clone());
    let mut judged: Vec<(JudgedPiece, bool)> = Vec::new();
    let mut cut = Vec::new();
    let matching = ranges.iter().filter(|range| {
        let selector = &range.active.objective.labels;
        series.labels.matches(selector)
    });
    for range in matching {
        if !pairs.take() {
            cut.push(range.of());
            continue;
        }
        let ActiveObjective {
            sla,
            version,
            objective,
        } = &range.active;
        let evaluations = range
            .times(&samples, settled)
            .into_iter()
            .filter_map(|as_of| {
                let markers = fetched.ends.partition_point(|marker| *marker <= as_of);
                let validity = Validity {
                    staleness: metric.reading.staleness(),
                    markers: &fetched.ends[..markers],
                };
                let evaluated = evaluation::evaluate(objective, &samples, validity, as_of);
                let outlook = Outlook::unavailable(OVER);
                Some(ViolationsDocument::judged(
                    sla,
                    *version,
                    objective,
                    reference.clone(),
                    evaluated.judgement()?,
                    outlook,
                ))
            });
        let evaluations: Vec<_> = evaluations.collect();
        if !evaluations.is_empty() {
            let span = range.span;
            let is_said = judged
                .iter()
                .any(|(piece, replace)| (piece.span, *replace) == (span, range.replace));
            let buckets = if is_said {
                Vec::new()
            } else {
                history::buckets(&samples, span)
            };
            let piece = JudgedPiece {
                span,
                evaluations,
                buckets,
            };
            judged.push((piece, range.replace));
        }
    }
    (judged, cut)
}
