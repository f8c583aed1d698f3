//! `GET /sla/{name}/history`: what was counted, of a range what was judged, step by step.

use std::{str::FromStr, time::Duration};

use domain::{
    Labels, SeriesId, Span, SpanSet, Timestamp,
    budget::{
        Account, Budget, BudgetCalculator, EventsBudget, EventsQuestion, HistoryPoint, HistoryStep,
    },
    message::group_id,
    seconds,
    sla::{AnyObjective, EventsObjective, ExcludedTime, Given, Objective, SlaName},
};
use http_api::{ApiError, Call, Fault, Page, Reply, Row, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{sla::SeriesHistory, slices::budgets};

use crate::{
    SlaManager, database, name_in,
    set::{changed_since, missing},
};

/// One step of one group or series. Exclusions are applied to `remaining_share` alone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HistoryStep")]
pub(crate) struct Point {
    objective: String,
    /// The group's or the series'.
    labels: Labels,
    /// Exclusive.
    start: Timestamp,
    /// Inclusive.
    end: Timestamp,
    /// The good events, at most `total`; of a range seconds.
    good: f64,
    /// All events; of a range the seconds in which a sample stood.
    total: f64,
    /// The bad events, at most `total`; of a range the seconds of violations.
    bad: f64,
    /// How long a counter stood, in whole minutes, or a sample, seconds.
    measured: f64,
    /// How many good or bad events were cut off because there were more than `total`.
    clipped: f64,
    /// Grows whenever something of it changes after it was final.
    revision: u64,
    /// Of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad_seconds: Option<f64>,
    /// Of a range: how much of the step was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    judged_seconds: Option<f64>,
    /// What was left of the budget at the step's end by the present version and exclusions, as a share of it; null before
    /// anything was judged or without a target. Not with `share=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_share: Option<Option<f64>>,
}

impl Row for Point {
    const LIST: &'static str = "history";
}

/// How far the history was shown.
#[derive(Clone, Serialize, Deserialize)]
struct Shown {
    /// The version of the SLA: another one has other objectives.
    version: u32,
    /// Objectives that are shown whole.
    objectives: usize,
    /// The group or series that is being shown; those with smaller ids are shown whole.
    series: Option<String>,
    /// Until when it is shown.
    until: Timestamp,
}

/// What is asked.
struct Asked<'a> {
    manager: &'a SlaManager,
    sla: &'a SlaName,
    span: Span,
    step: HistoryStep,
    provisional: bool,
    with_share: bool,
    excluded: ExcludedTime,
    calculator: BudgetCalculator,
}

const DAY: Duration = Duration::from_secs(86_400);
/// An evaluation so long after its end makes a slice final.
const FINAL_AFTER: Duration = Duration::from_secs(300);
/// No sum is kept longer, so a history is no longer.
const KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Steps of one group that are read at once, at least; twice as many after each time that there were none.
const FEWEST_STEPS: u32 = 60;
/// Objectives of ranges that are read at once, at most: one, and twice as many after each time that there was nothing.
const MOST_RANGES: usize = 64;

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let cursor = query.cursor::<Shown>();
    let (limit, span) = (query.limit() as usize, query.span());
    let step = query.step().unwrap_or(HistoryStep::Hour);
    let only = query.objective();
    let provisional = query.flag("provisional").unwrap_or(false);
    let with_share = query.flag("share").unwrap_or(true);
    query.finish()?;
    let (store, name) = (&manager.store, &name_in(call)?);
    let stored = store.sla(name).await.map_err(database)?;
    let sla = stored.ok_or_else(|| missing(name))?.sla;
    let now = cursor.as_ref().map_or(call.now, |cursor| cursor.pinned);
    let to = step.end_at(span.to.unwrap_or(now).min(now));
    let from = step.start_at(span.from.unwrap_or(to - DAY).max(to - KEPT));
    let newest = store.newest_evaluations(&sla, now + manager.settle);
    let newest = newest.await.map_err(database)?;
    let versions = store.version_times(name).await.map_err(database)?;
    let asked = Asked {
        manager,
        sla: name,
        span: Span {
            start: from,
            end: to,
        },
        step,
        provisional,
        with_share,
        excluded: store
            .excluded_time(name, call.now)
            .await
            .map_err(database)?,
        calculator: BudgetCalculator::new(&versions, now),
    };
    let mut objectives = sla.all();
    objectives.retain(|one| only.as_ref().is_none_or(|only| *one.id() == only.as_str()));
    let mut shown = cursor.map_or(
        Shown {
            version: sla.version,
            objectives: 0,
            series: None,
            until: from,
        },
        |cursor| cursor.after,
    );
    if shown.version != sla.version {
        return Err(changed_since());
    }
    let final_until = |objective: &Objective| {
        let evaluated = newest.get(objective.id.as_str());
        evaluated.map_or(Timestamp::EPOCH, |as_of| *as_of - FINAL_AFTER)
    };
    let mut points = Vec::new();
    let mut ranges_at_once = 1;
    while points.len() < limit
        && let Some(objective) = objectives.get(shown.objectives)
    {
        let room = limit - points.len();
        let mut read = 1;
        let before = points.len();
        match objective {
            AnyObjective::Events(objective) => {
                let found = asked.of_events(objective, &shown, room).await?;
                points.extend(found.into_iter().map(|found| (shown.objectives, found)));
            }
            AnyObjective::Range(_) => {
                let ranges = objectives[shown.objectives..].iter();
                let ranges = ranges.map_while(|objective| match objective {
                    AnyObjective::Range(objective) => Some((objective, final_until(objective))),
                    AnyObjective::Events(_) => None,
                });
                let ranges: Vec<_> = ranges.take(ranges_at_once).collect();
                read = ranges.len();
                points.extend(asked.of_ranges(&ranges, &shown, room).await?);
            }
        }
        ranges_at_once = if points.len() > before {
            1
        } else {
            (2 * ranges_at_once).min(MOST_RANGES)
        };
        if points.len() < limit {
            shown = Shown {
                version: sla.version,
                objectives: shown.objectives + read,
                series: None,
                until: from,
            };
        }
    }
    points.truncate(limit);
    let places: Vec<Shown> = points
        .iter()
        .map(|(objectives, (series, point))| Shown {
            version: sla.version,
            objectives: *objectives,
            series: Some(series.to_string()),
            until: point.end,
        })
        .collect();
    let is_cut = points.len() == limit;
    let page = Page::of(points.into_iter().map(|(_, (_, point))| point));
    let more = is_cut || page.len() < places.len();
    let last = places[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(now, last));
    reply::ok(&page.with_next(next))
}

type Points = Vec<(SeriesId, Point)>;

impl Asked<'_> {
    /// The steps of the groups of an objective, group by group, about as many as there is room for.
    async fn of_events(
        &self,
        objective: &EventsObjective,
        shown: &Shown,
        room: usize,
    ) -> Result<Points, ApiError> {
        let store = &self.manager.store;
        let definition = objective.definition();
        let groups = store.counted_groups(self.sla, &objective.id, &definition);
        let mut groups = groups.await.map_err(database)?;
        let together = group_id(self.sla, &objective.id, &Labels::default());
        groups.retain(|group| group.id != together || objective.by.is_empty());
        let mut points = Points::new();
        let fewest = u32::try_from(room).unwrap_or(u32::MAX).max(FEWEST_STEPS);
        let mut steps = fewest;
        for group in groups {
            let Some(mut from) = self.begins(group.id, shown) else {
                continue;
            };
            while from < self.span.end && points.len() < room {
                let end = self.span.end.min(from + self.step.length() * steps);
                let span = Span { start: from, end };
                let ids = (group.id, together);
                let mut found = self.counted(objective, ids, span).await?;
                found.truncate(room - points.len());
                steps = if found.is_empty() {
                    steps.saturating_mul(2)
                } else {
                    fewest
                };
                let times: Vec<Timestamp> = found.iter().map(|point| point.end).collect();
                let shares = self.shares(objective, group.id, &times).await?;
                points.extend(found.into_iter().zip(shares).map(|(found, share)| {
                    let point = Point {
                        objective: objective.id.to_string(),
                        labels: group.group.clone(),
                        start: found.start,
                        end: found.end,
                        good: found.good,
                        total: found.total,
                        bad: found.bad,
                        measured: found.measured,
                        clipped: found.clipped,
                        revision: found.revision,
                        bad_seconds: None,
                        judged_seconds: None,
                        remaining_share: share,
                    };
                    (group.id, point)
                }));
                from = end;
            }
            if points.len() >= room {
                break;
            }
        }
        Ok(points)
    }

    /// Where the history of a group or series goes on; `None` if it is shown already.
    fn begins(&self, series: SeriesId, shown: &Shown) -> Option<Timestamp> {
        let shown_series = shown.series.as_deref().map(SeriesId::from_str);
        match shown_series {
            Some(Ok(other)) if series < other => None,
            Some(Ok(other)) if series == other => Some(shown.until),
            _ => Some(self.span.start),
        }
    }

    async fn counted(
        &self,
        objective: &EventsObjective,
        (group, together): (SeriesId, SeriesId),
        span: Span,
    ) -> Result<Vec<HistoryPoint>, ApiError> {
        let question = EventsQuestion::of_history(span, self.step);
        let store = &self.manager.store;
        let rows_of = |id| budgets::rows_of(store, self.sla, objective, id, &question);
        let rows = rows_of(group).await.map_err(database)?;
        let longest = rows.iter().map(|row| row.span.length()).max();
        if let Some(longest) = longest.filter(|longest| *longest > self.step.length()) {
            let finest = HistoryStep::holding(longest);
            let reason = format!(
                "is finer than what is kept from {} on: {} is the finest there",
                span.start,
                finest.name()
            );
            return Err(ApiError::Invalid(vec![Fault::of("step", reason)]));
        }
        let given = objective.events.given().unwrap_or(Given::GoodBad);
        let finals = if group == together || rows.is_empty() || self.provisional {
            HistoryPoint::finals(&rows)
        } else {
            HistoryPoint::finals(&rows_of(together).await.map_err(database)?)
        };
        let mut points = HistoryPoint::of_rows(&rows, given, self.step, &finals);
        points.retain(|point| point.is_final || self.provisional);
        Ok(points)
    }

    /// What was left of the budget at each of these times.
    async fn shares(
        &self,
        objective: &EventsObjective,
        group: SeriesId,
        times: &[Timestamp],
    ) -> Result<Vec<Option<Option<f64>>>, ApiError> {
        if !self.with_share || times.is_empty() {
            return Ok(vec![None; times.len()]);
        }
        if objective.target.is_none() {
            return Ok(vec![Some(None); times.len()]);
        }
        let excluded = self.excluded.of(&objective.id);
        let question = EventsQuestion::of_shares(objective, times, excluded);
        let store = &self.manager.store;
        let timeline = budgets::timeline(store, self.sla, objective, group, question, excluded);
        let timeline = timeline.await.map_err(database)?;
        let share = |time: &Timestamp| EventsBudget::remaining_share(objective, &timeline, *time);
        Ok(times.iter().map(|time| Some(share(time))).collect())
    }

    /// The steps of these objectives, the first of which is shown in part, each with the time until which they are final.
    /// Each point with its objective's place.
    async fn of_ranges(
        &self,
        ranges: &[(&Objective, Timestamp)],
        shown: &Shown,
        room: usize,
    ) -> Result<Vec<(usize, (SeriesId, Point))>, ApiError> {
        let begins = ranges.iter().map(|(objective, _)| {
            if self.with_share {
                Account::begins(&objective.terms(), self.span.start)
            } else {
                self.span.start
            }
        });
        let since = begins.min().unwrap_or(self.span.start);
        let ids: Vec<&str> = ranges.iter().map(|(one, _)| one.id.as_str()).collect();
        let histories = self.manager.store.histories(self.sla, &ids, since).await;
        let histories = histories.map_err(database)?;
        let mut points = Vec::new();
        for (position, (objective, final_until)) in ranges.iter().enumerate() {
            let own = histories.iter();
            let own = own.filter(|history| history.objective == objective.id.as_str());
            let place = shown.objectives + position;
            let shown = Shown {
                series: shown.series.clone().filter(|_| position == 0),
                ..*shown
            };
            let found = self.of_range(objective, own, *final_until, &shown, room - points.len());
            points.extend(found.into_iter().map(|found| (place, found)));
            if points.len() >= room {
                break;
            }
        }
        Ok(points)
    }

    /// The steps of the series of an objective, series by series, about as many as there is room for.
    fn of_range<'h>(
        &self,
        objective: &Objective,
        histories: impl Iterator<Item = &'h SeriesHistory>,
        final_until: Timestamp,
        shown: &Shown,
        room: usize,
    ) -> Points {
        let terms = objective.terms();
        let excluded: &SpanSet = self.excluded.of(&objective.id);
        let mut points = Points::new();
        for history in histories {
            let time = self.calculator.attributed(&history.versions);
            let Some(mut start) = self.begins(history.series, shown) else {
                continue;
            };
            while start < self.span.end && points.len() < room {
                let Some(first) = time.judged().first_after(start) else {
                    break;
                };
                start = self.step.start_at(first).max(start);
                let step = Span {
                    start,
                    end: start + self.step.length(),
                };
                start = step.end;
                let judged = seconds(time.judged_within(step));
                // Time that was not judged of a range stays so, unless somebody asks for a replay.
                let is_final = step.end <= final_until;
                let is_shown = step.end <= self.span.end && (self.provisional || is_final);
                if !is_shown {
                    continue;
                }
                let share = || {
                    let account = Account::of(&time, excluded, step.end, &terms);
                    Budget::of(&terms, &account).remaining_share
                };
                let measured = seconds(time.measured_within(step));
                let bad = seconds(time.violated_within(step));
                let point = Point {
                    objective: objective.id.to_string(),
                    labels: history.labels.clone(),
                    start: step.start,
                    end: step.end,
                    good: (measured - bad).max(0.0),
                    total: measured,
                    bad: bad.min(measured),
                    measured,
                    clipped: 0.0,
                    revision: 0,
                    bad_seconds: Some(bad),
                    judged_seconds: Some(judged),
                    remaining_share: self.with_share.then(share),
                };
                points.push((history.series, point));
            }
            if points.len() >= room {
                break;
            }
        }
        points
    }
}
