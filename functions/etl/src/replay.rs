//! Replays: which piece is next, whether it may be worked off now, and what is said once it is done.
//!
//! One piece at a time in the whole system, in an invocation of its own: who has the turn in the database works, and a
//! finished piece has the next one started. A run starts one too, so that a replay goes on after a kill.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws::Functions;
use chrono::Utc;
use config::{ConfigError, Environment};
use domain::{
    Span, SpanSet, Timestamp,
    budget::Version,
    message::{LONGEST_PIECE, ReplayDocument, ReplayFailure, ReplayProgress, Replayed},
    sla::SlaName,
};
use kafka::KafkaUnreachable;
use serde_json::{Value, json};
use store::{
    Store, StoreError,
    replay::{MissingMinutes, Pause, Replay},
};

use crate::{
    deadline::Deadline,
    message::Message,
    objectives::{ActiveEvents, ActiveObjective, PATIENCE},
    run::{Etl, FoundInPiece, NotReplayed, Piece, ReplayedRange, SHORTEST_PIECE},
};

/// How replays are worked off.
#[derive(Debug)]
pub struct Replaying {
    store: Store,
    /// This function, which it invokes for the next piece.
    itself: Option<(Functions, String)>,
    /// Missing minutes that this instance has replayed.
    tried: Mutex<Vec<MissingMinutes>>,
    /// When this instance looked for missing minutes last.
    looked: Mutex<Option<Instant>>,
    /// The longest piece that is expected to be done in time.
    longest: Mutex<Duration>,
}

/// Why a piece was not worked off.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotReplayed(#[from] NotReplayed),
    #[error(transparent)]
    Kafka(#[from] KafkaUnreachable),
}

/// The event that asks for a piece.
const EVENT: &str = "replay";
/// Whose turn it is is known at once, but the invocation before may just be ending.
const TURN: Duration = Duration::from_secs(2);
/// How long it is waited for storage to note what was done.
const NOTED: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(250);
/// A run is late once it is so many intervals old, and so many seconds.
const LATE_INTERVALS: u32 = 3;
const LATE: Duration = Duration::from_secs(60);
/// How often an instance looks for missing minutes after a run.
const LOOKS_EVERY: Duration = Duration::from_secs(5 * 60);
/// How long a piece may wait for missing minutes to be found, before replays that wait go on.
const LOOKING: Duration = Duration::from_secs(20);
/// The same where another invocation is to be started, half of the time that takes.
const LOOKING_BRIEFLY: Duration = Duration::from_secs(2);
/// What took less than this part of the time there was is done in time at twice the length, too.
const SHORT: u32 = 3;
/// Minutes that were tried are remembered, so many.
const MOST_TRIED: usize = 10_000;

/// A piece of time, and what waits for it.
#[derive(Debug, PartialEq)]
struct Next {
    span: Span,
    replays: Vec<Replay>,
    missing: Vec<MissingMinutes>,
}

impl Replaying {
    /// Works off what `store` knows of; `itself`: the function to invoke for the next piece.
    pub fn new(store: Store, itself: Option<(Functions, String)>) -> Self {
        Self {
            store,
            itself,
            tried: Mutex::default(),
            looked: Mutex::default(),
            longest: Mutex::new(LONGEST_PIECE),
        }
    }

    /// With this function's own name (`AWS_LAMBDA_FUNCTION_NAME`), if it can invoke itself.
    ///
    /// # Errors
    /// When a variable that it takes to invoke it is malformed.
    pub fn read(environment: &Environment, store: Store) -> Result<Self, ConfigError> {
        let name = environment.get("AWS_LAMBDA_FUNCTION_NAME");
        let can = environment.get("AWS_REGION").is_some()
            && environment.get("AWS_ACCESS_KEY_ID").is_some();
        let itself = match name.filter(|_| can) {
            Some(name) => Some((Functions::read(environment)?, name.to_owned())),
            None => None,
        };
        Ok(Self::new(store, itself))
    }

    /// Has a piece worked off, if there is one.
    pub(crate) async fn start(&self) {
        let Some((functions, name)) = &self.itself else {
            return;
        };
        let now = Timestamp::from(Utc::now());
        let looks = self.is_time_to_look().then_some(LOOKING_BRIEFLY);
        let next = tokio::time::timeout(PATIENCE, self.next(now, looks)).await;
        match next {
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) | Err(_) => return,
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "replays cannot be read");
                return;
            }
        }
        let event = json!({ EVENT: {} }).to_string().into_bytes();
        if let Err(error) = functions.invoke_later(name, event, PATIENCE).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "the next piece of a replay cannot be started: a run will"
            );
        }
    }

    /// Works off a piece. Returns what became of it: a piece that was not done is tried again later.
    pub async fn work(&self, etl: &Etl, deadline: Deadline) -> Value {
        let now = Timestamp::from(Utc::now());
        match self.piece(etl, now, deadline).await {
            Ok(Ok((next, messages))) => {
                let Span { start, end } = next.span;
                tracing::info!(
                    event = "piece_replayed", from = %start, to = %end, messages, "a piece is replayed"
                );
                if self.itself.is_some() && self.is_noted(&next, start).await {
                    self.start().await;
                }
                json!({"replayed": {"from": start, "to": end, "messages": messages}})
            }
            Ok(Err(waits)) => json!({"waits": waits}),
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(
                    event = "piece_not_replayed",
                    error,
                    "a piece is left for later"
                );
                json!({"waits": error})
            }
        }
    }

    /// The piece, and how many messages it took; the inner error: why there is nothing to do now.
    async fn piece(
        &self,
        etl: &Etl,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Result<(Next, u64), &'static str>, ReplayError> {
        let store = &self.store;
        let Some(_turn) = store.replay_turn(TURN).await? else {
            return Ok(Err("another piece is worked off"));
        };
        let late = LATE.max(etl.interval * LATE_INTERVALS) + etl.settle;
        match store.replay_pause(now, late).await? {
            Some(Pause::RunIsLate) => return Ok(Err("the newest run is late")),
            Some(Pause::PrometheusIsBusy) => return Ok(Err("Prometheus was busy")),
            None => {}
        }
        let Some(next) = self.next(now, Some(LOOKING)).await? else {
            return Ok(Err("no replay waits"));
        };
        let settled = (now - etl.settle).floor_to_second();
        let piece = self.fill(&next, settled).await?;
        let (started, left) = (Instant::now(), deadline.left());
        let found = Box::pin(etl.replay_piece(&piece, deadline)).await;
        let is_short = started.elapsed() * SHORT < left;
        self.learn(next.span.length(), is_short, &found);
        let found = found?;
        self.remember(&next);
        let done = self.publish_done(etl, &next, &piece.name, &found.failures);
        let messages = found.messages + done.await?;
        Ok(Ok((next, messages)))
    }

    fn learn(&self, length: Duration, is_short: bool, found: &Result<FoundInPiece, NotReplayed>) {
        let mut longest = self.longest.lock().unwrap_or_else(PoisonError::into_inner);
        *longest = learned(*longest, length, is_short, found);
    }

    /// Whether to look for missing minutes, which takes a while where there are many objectives.
    fn is_time_to_look(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked.is_none_or(|looked| looked.elapsed() >= LOOKS_EVERY);
        if is_time {
            *looked = Some(Instant::now());
        }
        is_time
    }

    /// The piece that is next: minutes that no run judged, where it `looks` for them and so long, else the newest time that is
    /// left of a replay.
    async fn next(
        &self,
        now: Timestamp,
        looks: Option<Duration>,
    ) -> Result<Option<Next>, StoreError> {
        let longest = *self.longest.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = match looks {
            Some(patience) => self.missing(now, patience).await,
            None => Vec::new(),
        };
        if let Some(next) = next_missing(missing, longest) {
            return Ok(Some(next));
        }
        Ok(next_piece(self.store.waiting_replays().await?, longest))
    }

    /// Missing minutes that were not tried; none where they are not found in time. What somebody asked for goes on all the
    /// same.
    async fn missing(&self, now: Timestamp, patience: Duration) -> Vec<MissingMinutes> {
        match tokio::time::timeout(patience, self.store.missing_minutes(now)).await {
            Ok(Ok(missing)) => {
                let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
                return untried(missing, &tried);
            }
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "missing minutes cannot be looked for");
            }
            Err(_) => tracing::warn!(?patience, "the look for missing minutes took too long"),
        }
        Vec::new()
    }

    /// Remembers which missing minutes a piece was about.
    fn remember(&self, next: &Next) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.len() > MOST_TRIED {
            tried.clear();
        }
        tried.extend(next.missing.iter().map(|one| MissingMinutes {
            minutes: one.minutes.intersection(next.span),
            ..one.clone()
        }));
        if !next.missing.is_empty() {
            // Others may be left before them.
            *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// What is to be judged and counted in a piece.
    async fn fill(&self, next: &Next, settled: Timestamp) -> Result<Piece, StoreError> {
        let (store, span) = (&self.store, next.span);
        let name = next.replays.first().map_or_else(
            || "replay/missing".to_owned(),
            |replay| format!("replay/{}", replay.id),
        );
        let mut piece = Piece {
            span,
            settled,
            ranges: Vec::new(),
            events: Vec::new(),
            name,
        };
        let slas = next.replays.iter().map(|replay| &replay.sla);
        let mut slas: Vec<&SlaName> = slas
            .chain(next.missing.iter().map(|one| &one.sla))
            .collect();
        slas.sort_unstable();
        slas.dedup();
        for sla in slas {
            let Some(stored) = store.sla(sla).await? else {
                continue;
            };
            for (_, objective) in stored.sla.events {
                let replays = next.replays.iter();
                let mut replays = replays
                    .filter(|one| one.is_about(sla, &objective.id))
                    .peekable();
                let is_missing = next.missing.iter().any(|one| {
                    one.sla == *sla
                        && one.objective == objective.id
                        && one.definition == objective.definition().as_str()
                });
                if replays.peek().is_none() && !is_missing {
                    continue;
                }
                let replace = replays.any(|replay| replay.asked.replace);
                let active = ActiveEvents {
                    sla: sla.clone(),
                    version: stored.sla.version,
                    objective,
                };
                piece.events.push((active, replace));
            }
            if !next.replays.iter().any(|replay| replay.sla == *sla) {
                continue;
            }
            for (version, in_force) in in_force(store.version_times(sla).await?) {
                let Some(span) = seconds_within(in_force, span) else {
                    continue;
                };
                for objective in store.ranges_of(sla, version).await? {
                    let replays = next.replays.iter();
                    let mut replays = replays
                        .filter(|one| one.is_about(sla, &objective.id))
                        .peekable();
                    if replays.peek().is_none() {
                        continue;
                    }
                    let replace = replays.any(|replay| replay.asked.replace);
                    let active = ActiveObjective {
                        sla: sla.clone(),
                        version,
                        objective,
                    };
                    piece.ranges.push(ReplayedRange {
                        active,
                        span,
                        replace,
                    });
                }
            }
        }
        Ok(piece)
    }

    /// Publishes that a piece is done, after everything else of it was acknowledged. Returns how many messages that takes.
    async fn publish_done(
        &self,
        etl: &Etl,
        next: &Next,
        name: &str,
        failures: &[(SlaName, ReplayFailure)],
    ) -> Result<u64, KafkaUnreachable> {
        if next.replays.is_empty() {
            for (_, failure) in failures {
                let (objective, reason) = (&failure.objective, &failure.reason);
                tracing::warn!(%objective, reason, "missing minutes cannot be replayed");
            }
            return Ok(0);
        }
        let progress = next.replays.iter().map(|replay| {
            let is_its_own = |(sla, failure): &&(SlaName, ReplayFailure)| {
                replay.is_about(sla, &failure.objective)
            };
            let its_own = failures.iter().filter(is_its_own);
            ReplayProgress {
                id: replay.id,
                done_until: next.span.start,
                failures: its_own.map(|(_, failure)| failure.clone()).collect(),
            }
        });
        let document = ReplayDocument {
            piece: next.span,
            replace: false,
            found: Replayed::Done(progress.collect()),
        };
        let mut publication = etl.publisher.publication();
        publication.send(Message::of_replay(&document, name)).await;
        Ok(publication.finish().await?.messages)
    }

    /// Whether storage noted, before long, that a piece is done.
    async fn is_noted(&self, next: &Next, start: Timestamp) -> bool {
        let ids: Vec<u64> = next.replays.iter().map(|replay| replay.id).collect();
        let noted = async {
            loop {
                match self.store.newest_left(&ids).await {
                    Ok(left) if left.is_none_or(|left| left <= start) => return true,
                    Ok(_) => tokio::time::sleep(LOOK).await,
                    Err(_) => return false,
                }
            }
        };
        tokio::time::timeout(NOTED, noted).await.unwrap_or(false)
    }
}

/// Whether a direct invocation asks for a piece.
pub(crate) fn is_asked_for(event: &Value) -> bool {
    event
        .as_object()
        .is_some_and(|fields| fields.len() == 1 && fields.contains_key(EVENT))
}

/// How long the next pieces may be: half of one that was not done in time, and longer again after one that took a short part
/// of it.
fn learned(
    longest: Duration,
    length: Duration,
    is_short: bool,
    found: &Result<FoundInPiece, NotReplayed>,
) -> Duration {
    match found {
        Ok(_) if is_short => longest.max(length * 2).min(LONGEST_PIECE),
        Ok(_) => longest,
        // In whole minutes: none is counted in two parts.
        Err(NotReplayed::Deadline) => {
            let half = Duration::from_secs(length.as_secs() / 120 * 60);
            half.max(SHORTEST_PIECE)
        }
        Err(_) => longest,
    }
}

/// What of missing minutes was not tried.
fn untried(missing: Vec<MissingMinutes>, tried: &[MissingMinutes]) -> Vec<MissingMinutes> {
    let left = missing.into_iter().flat_map(|one| {
        let alike = tried.iter().filter(|other| {
            other.sla == one.sla
                && other.objective == one.objective
                && other.definition == one.definition
        });
        let tried: SpanSet = alike.map(|other| other.minutes).collect();
        let left = SpanSet::from(one.minutes).difference(&tried);
        left.into_iter().map(move |minutes| MissingMinutes {
            minutes,
            ..one.clone()
        })
    });
    left.collect()
}

/// The newest piece of missing minutes, no longer than `longest`, and which of them lie in it.
fn next_missing(missing: Vec<MissingMinutes>, longest: Duration) -> Option<Next> {
    let end = missing.iter().map(|one| one.minutes.end).max()?;
    let earliest = end - longest;
    let touching = missing.into_iter().filter(|one| one.minutes.end > earliest);
    let missing: Vec<MissingMinutes> = touching.collect();
    let start = missing.iter().map(|one| one.minutes.start).min()?;
    Some(Next {
        span: Span {
            start: start.max(earliest),
            end,
        },
        replays: Vec::new(),
        missing,
    })
}

/// The newest time that is left of replays: no longer than `longest`, and each replay that waits for it wants all of it.
fn next_piece(waiting: Vec<Replay>, longest: Duration) -> Option<Next> {
    let end = waiting.iter().map(|replay| replay.done_until).max()?;
    let (replays, others): (Vec<Replay>, Vec<Replay>) = waiting
        .into_iter()
        .partition(|replay| replay.done_until == end);
    let starts = replays.iter().map(|replay| replay.asked.span.start);
    // The others join where what is left of them ends.
    let ends = others.iter().map(|replay| replay.done_until);
    let start = starts.chain(ends).max()?.max(end - longest);
    Some(Next {
        span: Span { start, end },
        replays,
        missing: Vec::new(),
    })
}

/// When each version was in force; the first one also all the time before.
fn in_force(mut versions: Vec<Version>) -> Vec<(u32, Span)> {
    versions.sort_by_key(|version| version.version);
    let next = versions.iter().skip(1).map(|next| Some(next.created_at));
    let ends: Vec<_> = next.chain([None]).collect();
    let spans = versions.iter().zip(ends).enumerate();
    let spans = spans.map(|(place, (version, replaced))| {
        let start = if place == 0 {
            Timestamp::EPOCH
        } else {
            version.created_at
        };
        let end = version.retired_at.into_iter().chain(replaced).min();
        let span = Span {
            start,
            end: end.unwrap_or(Timestamp::MAX),
        };
        (version.version, span)
    });
    spans.collect()
}

/// The whole seconds of a piece in which a version was in force.
fn seconds_within(in_force: Span, piece: Span) -> Option<Span> {
    let common = in_force.intersection(piece);
    let start = common.start.floor_to_second();
    let start = if start < common.start {
        start + Duration::from_secs(1)
    } else {
        start
    };
    let end = common.end.floor_to_second();
    (start < end).then_some(Span { start, end })
}

#[cfg(test)]
mod tests {
    use store::replay::NewReplay;

    use super::*;

    const HOUR: u64 = 3_600;

    fn at(hours: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(HOUR * (hours + 1_000))
    }

    fn span(start: u64, end: u64) -> Span {
        Span {
            start: at(start),
            end: at(end),
        }
    }

    fn replay(id: u64, start: u64, end: u64, left: u64) -> Replay {
        Replay {
            id,
            sla: "web".parse().unwrap(),
            asked: NewReplay {
                span: span(start, end),
                objectives: None,
                replace: false,
            },
            created_at: at(end),
            stopped_at: None,
            done_until: at(left),
            failures: Vec::new(),
        }
    }

    /// The pieces in the order in which they are worked off, with the replays that each is for.
    fn worked_off(mut replays: Vec<Replay>) -> Vec<(Span, Vec<u64>)> {
        let mut pieces = Vec::new();
        loop {
            replays.retain(|replay| !replay.is_over());
            let Some(next) = next_piece(replays.clone(), LONGEST_PIECE) else {
                return pieces;
            };
            let ids: Vec<u64> = next.replays.iter().map(|replay| replay.id).collect();
            for replay in &mut replays {
                if ids.contains(&replay.id) {
                    replay.done_until = next.span.start;
                }
            }
            pieces.push((next.span, ids));
        }
    }

    #[test]
    fn the_newest_time_is_next_and_a_piece_is_read_once_for_all_that_wait_for_it() {
        assert_eq!(worked_off(Vec::new()), []);
        assert_eq!(
            worked_off(vec![replay(1, 0, 30, 30)]),
            [
                (span(18, 30), vec![1]),
                (span(6, 18), vec![1]),
                (span(0, 6), vec![1])
            ]
        );
        assert_eq!(
            worked_off(vec![replay(1, 0, 30, 30), replay(2, 10, 25, 25)]),
            [
                (span(25, 30), vec![1]),
                (span(13, 25), vec![1, 2]),
                (span(10, 13), vec![1, 2]),
                (span(0, 10), vec![1]),
            ]
        );
        // One that goes on after a kill.
        assert_eq!(
            worked_off(vec![replay(1, 0, 30, 5), replay(2, 10, 12, 12)]),
            [(span(10, 12), vec![2]), (span(0, 5), vec![1])]
        );
    }

    #[test]
    fn a_piece_that_was_not_done_in_time_is_halved_and_one_that_took_little_of_it_doubled() {
        let done = || {
            Ok(FoundInPiece {
                messages: 0,
                failures: Vec::new(),
            })
        };
        let hours = |hours| Duration::from_secs(HOUR * hours);
        let (late, minute) = (|| Err(NotReplayed::Deadline), Duration::from_secs(60));
        for (longest, length, is_short, found, next) in [
            (hours(12), hours(12), false, late(), hours(6)),
            (hours(12), hours(2), false, late(), hours(1)),
            (hours(12), 45 * minute, false, late(), 22 * minute),
            (15 * minute, 15 * minute, false, late(), 15 * minute),
            (hours(6), hours(6), true, done(), hours(12)),
            (hours(6), hours(6), false, done(), hours(6)),
            (hours(12), hours(12), true, done(), hours(12)),
            // A short one says nothing of longer ones.
            (hours(6), minute, true, done(), hours(6)),
        ] {
            let found = learned(longest, length, is_short, &found);
            assert_eq!(found, next, "{length:?}");
        }
    }

    fn missing(start: u64, end: u64) -> MissingMinutes {
        MissingMinutes {
            sla: "web".parse().unwrap(),
            objective: "availability".parse().unwrap(),
            definition: "00000000".to_owned(),
            minutes: span(start, end),
        }
    }

    #[test]
    fn missing_minutes_that_were_tried_are_left_and_those_before_them_come_next() {
        let all = vec![missing(1, 30), missing(40, 42)];
        let mut other = missing(0, 50);
        other.definition = "11111111".to_owned();
        let tried = [missing(40, 42), missing(18, 30), other];
        assert_eq!(untried(all, &tried), [missing(1, 18)]);
    }

    #[test]
    fn missing_minutes_are_one_piece_of_at_most_12_hours() {
        let all = vec![missing(20, 22), missing(1, 3), missing(5, 12)];
        let next = next_missing(all.clone(), LONGEST_PIECE).unwrap();
        assert_eq!(next.span, span(10, 22));
        assert_eq!(next.missing, [missing(20, 22), missing(5, 12)]);
        let next = next_missing(all, Duration::from_secs(HOUR)).unwrap();
        assert_eq!(next.span, span(21, 22));
        assert_eq!(next_missing(Vec::new(), LONGEST_PIECE), None);
    }

    #[test]
    fn time_is_judged_by_the_version_that_was_in_force_and_before_the_first_by_the_first() {
        let version = |version, created, retired: Option<u64>| Version {
            version,
            created_at: at(created) + Duration::from_millis(1),
            retired_at: retired.map(at),
        };
        let spans = in_force(vec![version(2, 20, Some(30)), version(1, 10, None)]);
        let piece = |start, end| -> Vec<(u32, Span)> {
            let within = spans.iter().filter_map(|(version, span_of)| {
                Some((*version, seconds_within(*span_of, span(start, end))?))
            });
            within.collect()
        };
        assert_eq!(piece(0, 9), [(1, span(0, 9))]);
        let second = at(20) + Duration::from_secs(1);
        let second = Span {
            start: second,
            end: at(24),
        };
        assert_eq!(piece(12, 24), [(1, span(12, 20)), (2, second)]);
        assert_eq!(piece(31, 40), []);
    }
}
