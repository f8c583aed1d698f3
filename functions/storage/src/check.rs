//! Whether a document is what it says it is, and fits the columns. After this the database refuses nothing.

use std::{collections::HashSet, time::Duration};

use domain::{
    Bucket, BucketLength, Labels, Series, Span, Timestamp,
    evaluation::{Episode, STALENESS, read_range},
    events::{Counting, Minute, SliceCounts},
    forecast::HORIZON,
    message::{
        Attributes, CountedPiece, DescribedPiece, EvaluationOutcome, HistoryDocument, JudgedPiece,
        LONGEST_PIECE, MetricsDocument, PredictionDocument, ReplayDocument, Replayed, RunDocument,
        ScoreDocument, SeriesReference, SlicesDocument, ViolationsDocument,
    },
    sla::{EventsObjective, SlaName},
};
use store::pipeline::Document;

/// What a document says against its record or itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document is inconsistent: {0}")]
pub(crate) struct Inconsistency(&'static str);

type Checked = Result<(), Inconsistency>;

const LONGEST_UNIT: usize = 64;
const LARGEST_LABELS: usize = 256 * 1024;
const LONGEST_HOLD: Duration = Duration::from_secs(3600);
const LONGEST_MODEL: usize = 63;
const LONGEST_REASON: usize = 63;
/// As many as a forecast may have.
const MOST_STEPS: u64 = 3_600;
const LONGEST_RUN: usize = 64;
const HOUR_MS: i64 = 3_600_000;
/// A day's worth: more than a range of 13 h 5 m has at one sample a second.
const MOST_SPANS: usize = 86_400;

/// A day's.
const MOST_BUCKETS: usize = 288;

/// How far ahead of the clock an `as_of` may be: clocks differ, but a row from the future would count as the newest.
pub(crate) const LARGEST_LEAD: Duration = Duration::from_secs(60);

pub(crate) fn check(
    document: &Document,
    attributes: &Attributes,
    key: &str,
    now: Timestamp,
) -> Checked {
    that(
        document.as_of() == attributes.time,
        "ce_time is not its as_of",
    )?;
    time(document.as_of())?;
    that(
        document.as_of() <= now + LARGEST_LEAD,
        "its as_of is more than 60 s ahead of the clock",
    )?;
    if let Some(reference) = document.series() {
        series(reference)?;
        that(
            key.parse() == Ok(reference.series),
            "the key is not its series",
        )?;
    }
    match document {
        Document::Metrics(metrics) => summaries(metrics),
        Document::Metadata(_) => Ok(()),
        Document::Prediction(prediction) => forecast(prediction),
        Document::Violations(violations) => judgement(violations, key),
        Document::Slices(document) => slices(document, key),
        Document::History(document) => history(document, key),
        Document::Replay(document) => replay(document, key, now),
        Document::Score(told) => score(told),
        Document::Run(told) => run(told, key),
    }
}

fn that(holds: bool, otherwise: &'static str) -> Checked {
    holds.then_some(()).ok_or(Inconsistency(otherwise))
}

/// A time that every server's DATETIME holds.
fn time(time: Timestamp) -> Checked {
    that(time.millis() >= 0, "a time is before 1970")
}

fn text(text: &str, longest: usize, otherwise: &'static str) -> Checked {
    that(
        !text.is_empty() && text.chars().count() <= longest,
        otherwise,
    )
}

fn series(reference: &SeriesReference) -> Checked {
    if let Some(unit) = &reference.unit {
        that(
            unit.chars().count() <= LONGEST_UNIT,
            "the unit has more than 64 characters",
        )?;
    }
    let labels = reference.labels.0.iter();
    let bytes: usize = labels.map(|(name, value)| name.len() + value.len()).sum();
    that(bytes <= LARGEST_LABELS, "the labels have more than 256 KiB")?;
    let series = Series {
        metric: reference.metric.clone(),
        labels: reference.labels.clone(),
    };
    that(
        series.id() == reference.series,
        "the series' id is not that of its metric and labels",
    )
}

fn summaries(document: &MetricsDocument) -> Checked {
    time(document.first_sample)?;
    time(document.last_sample)?;
    that(
        document.first_sample <= document.last_sample && document.last_sample <= document.as_of,
        "its samples are not in order, or after its as_of",
    )?;
    let mut windows = HashSet::new();
    for summary in &document.windows {
        that(windows.insert(summary.window), "a window appears twice")?;
        let is_right = summary.end == document.as_of
            && summary.start == document.as_of - summary.window.length();
        that(is_right, "a window is not the time up to its as_of")?;
        that(
            u32::try_from(summary.samples).is_ok(),
            "a window has too many samples",
        )?;
    }
    Ok(())
}

fn forecast(document: &PredictionDocument) -> Checked {
    match document.forecast.known() {
        Some(forecast) => model(&forecast.model.name),
        None => Ok(()),
    }
}

fn model(name: &str) -> Checked {
    text(
        name,
        LONGEST_MODEL,
        "the model's name has not 1 to 63 characters",
    )
}

fn score(document: &ScoreDocument) -> Checked {
    time(document.forecast_as_of)?;
    that(
        document.forecast_as_of + HORIZON <= document.as_of,
        "the forecast's horizon is not over",
    )?;
    model(&document.model)?;
    if let Some(reason) = document.scores.reason() {
        that(
            reason.is_ascii() && (1..=LONGEST_REASON).contains(&reason.len()),
            "the reason has not 1 to 63 ASCII characters",
        )?;
    }
    if let Some(scores) = document.scores.known() {
        let steps = 1..=MOST_STEPS;
        that(
            steps.contains(&scores.steps)
                && (1..=scores.steps).contains(&scores.observed)
                && scores.inside_band <= scores.observed,
            "its steps do not add up",
        )?;
    }
    let mut told = HashSet::new();
    for score in &document.objectives {
        evaluated(&score.sla, score.version)?;
        that(
            told.insert((&score.sla, score.version, &score.objective)),
            "an objective appears twice",
        )?;
        that(
            (0.0..=1.0).contains(&score.probability),
            "a probability is not 0 to 1",
        )?;
    }
    Ok(())
}

fn evaluated(sla: &SlaName, version: u32) -> Checked {
    that(!sla.is_trial(), "an SLA must not be called try")?;
    that(version > 0, "the SLA's version is 0")
}

fn judgement(document: &ViolationsDocument, key: &str) -> Checked {
    let objective = &document.objective;
    evaluated(&document.sla, document.version)?;
    match &document.series {
        Some(series) => that(
            series.metric == objective.metric && series.labels.matches(&objective.labels),
            "the objective does not match the series",
        )?,
        None => {
            let (metric, labels) = (objective.metric.clone(), objective.labels.clone());
            let selector = Series { metric, labels };
            that(
                key.parse() == Ok(selector.id()),
                "the key is not that of the objective",
            )?;
        }
    }
    let judged = document.judged;
    that(
        objective.hold <= LONGEST_HOLD && judged == read_range(objective.hold, document.as_of),
        "the judged range is not that of the objective at its as_of",
    )?;
    let episodes = || {
        let told = document.earlier.iter().chain(&document.episodes);
        told.chain(&document.remainder)
    };
    that(
        document.gaps.len() <= MOST_SPANS && episodes().count() <= MOST_SPANS,
        "it has too many episodes or gaps",
    )?;
    that(
        (0.0..=86_400.0).contains(&document.staleness_seconds),
        "the staleness is not 0 to 1 d",
    )?;
    let spans = episodes()
        .map(Episode::span)
        .chain(document.gaps.iter().copied());
    spans.into_iter().try_for_each(|span| inside(span, judged))
}

fn slices(document: &SlicesDocument, key: &str) -> Checked {
    evaluated(&document.sla, document.version)?;
    that(
        document.definition == document.objective.definition(),
        "the definition is not that of its objective",
    )?;
    group(&document.group, &document.objective)?;
    that(
        key.parse() == Ok(document.group_id()),
        "the key is not its group",
    )?;
    let asked = Counting::run_slices(document.as_of);
    counts(
        &document.slices,
        asked,
        "its slices are not those of its as_of",
    )
}

fn group(group: &Labels, objective: &EventsObjective) -> Checked {
    that(
        group.0.is_empty() || group.0.keys().eq(&objective.by),
        "the group has other labels than the objective's `by`",
    )?;
    let labels = group.0.iter();
    let bytes: usize = labels.map(|(name, value)| name.len() + value.len()).sum();
    that(bytes <= LARGEST_LABELS, "the labels have more than 256 KiB")
}

/// The counts of all minutes that end in a span, without its start.
fn counts(slices: &[SliceCounts], asked: Span, otherwise: &'static str) -> Checked {
    let ends = Minute::ended_by(asked.start).up_to(Minute::ended_by(asked.end));
    that(
        ends.map(Minute::end)
            .eq(slices.iter().map(|slice| slice.end)),
        otherwise,
    )?;
    slices.iter().try_for_each(|slice| {
        that(
            slice.sums.iter().all(|sum| sum.is_finite() && *sum >= 0.0),
            "a sum is not a number from 0 on",
        )?;
        let reach = slice.reach.unwrap_or(slice.end);
        time(reach)?;
        that(reach <= slice.end, "a slice reaches beyond its end")
    })
}

fn history(document: &HistoryDocument, key: &str) -> Checked {
    that(
        key.parse() == Ok(document.series),
        "the key is not its series",
    )?;
    that(
        (1..=MOST_BUCKETS).contains(&document.buckets.len()),
        "it has not 1 to 288 buckets",
    )?;
    buckets(&document.buckets)?;
    let last = document.buckets.last().map(|bucket| bucket.end);
    that(
        last <= Some(document.as_of),
        "a bucket ends after its as_of",
    )
}

/// Whether these are buckets of 5 minutes of one series.
fn buckets(buckets: &[Bucket]) -> Checked {
    let length = BucketLength::FiveMinutes;
    that(
        buckets.is_sorted_by(|one, other| one.end < other.end),
        "its buckets are not in the order of time",
    )?;
    buckets.iter().try_for_each(|bucket| {
        time(bucket.end)?;
        that(
            length.start_of(bucket.end) == bucket.end,
            "a bucket ends at no multiple of 5 minutes",
        )?;
        that(
            bucket.samples > 0 && u32::try_from(bucket.samples).is_ok(),
            "a bucket has no sample, or too many",
        )?;
        let in_order = bucket.min.zip(bucket.max);
        that(
            in_order.is_none_or(|(min, max)| min <= max),
            "the smallest value of a bucket is greater than the greatest",
        )
    })
}

fn replay(document: &ReplayDocument, key: &str, now: Timestamp) -> Checked {
    let piece = document.piece;
    time(piece.start)?;
    that(
        piece.start < piece.end && piece.length() <= LONGEST_PIECE,
        "its piece is not a time of at most 12 h",
    )?;
    match &document.found {
        Replayed::Judged(judged) => judged_piece(judged, piece, key, now),
        Replayed::Counted(counted) => counted_piece(counted, piece, key),
        Replayed::Described(described) => described_piece(described, piece),
        Replayed::Done(progress) => progress.iter().try_for_each(|progress| {
            time(progress.done_until)?;
            that(
                progress.done_until < piece.end,
                "nothing is done of a replay that it is about",
            )
        }),
    }
}

fn judged_piece(judged: &JudgedPiece, piece: Span, key: &str, now: Timestamp) -> Checked {
    let is_within = judged.span.start >= piece.start && judged.span.end <= piece.end;
    that(is_within, "it judges other time than its piece")?;
    let about = |document: &ViolationsDocument| {
        let series = document.series.as_ref().map(|series| series.series);
        let objective = document.objective.id.clone();
        (document.sla.clone(), document.version, objective, series)
    };
    let first = judged.evaluations.first().map(about);
    that(
        first.as_ref().is_some_and(|first| first.3.is_some()),
        "it has no evaluation of a series",
    )?;
    buckets(&judged.buckets)?;
    let is_within =
        |bucket: &Bucket| bucket.end > judged.span.start && bucket.end <= judged.span.end;
    that(
        judged.buckets.iter().all(is_within),
        "a bucket ends outside of its piece",
    )?;
    let last = judged.span.end + LONGEST_HOLD + STALENESS;
    judged.evaluations.iter().try_for_each(|evaluation| {
        that(
            Some(about(evaluation)) == first,
            "its evaluations are of several objectives or series",
        )?;
        that(
            evaluation.as_of >= judged.span.start
                && evaluation.as_of <= last
                && evaluation.as_of <= now + LARGEST_LEAD,
            "an evaluation is not of its piece",
        )?;
        judgement(evaluation, key)
    })
}

fn counted_piece(counted: &CountedPiece, piece: Span, key: &str) -> Checked {
    evaluated(&counted.sla, counted.version)?;
    that(
        counted.definition == counted.objective.definition(),
        "the definition is not that of its objective",
    )?;
    that(
        key.parse() == Ok(counted.id()),
        "the key is not its objective",
    )?;
    let minutes = counted.minutes;
    let hour = |time: Timestamp| time.millis().div_euclid(HOUR_MS);
    let is_one_hour = hour(minutes.end - Duration::from_millis(1)) == hour(minutes.start);
    that(
        minutes.start >= piece.start && minutes.end <= piece.end && is_one_hour,
        "its minutes are not of one hour of its piece",
    )?;
    counted.groups.iter().try_for_each(|own| {
        group(&own.group, &counted.objective)?;
        counts(&own.slices, minutes, "its slices are not its minutes")
    })
}

fn described_piece(described: &DescribedPiece, piece: Span) -> Checked {
    buckets(&described.buckets)?;
    let is_within = |bucket: &Bucket| bucket.end > piece.start && bucket.end <= piece.end;
    that(
        described.buckets.iter().all(is_within),
        "a bucket ends outside of its piece",
    )
}

/// Whether a part of the judged range is one. A sample may stand into the range from before it, and beyond its end.
fn inside(span: Span, judged: Span) -> Checked {
    let day = Duration::from_secs(86_400);
    time(span.start)?;
    that(
        span.start <= span.end && span.start >= judged.start - day && span.end <= judged.end + day,
        "an episode or gap is not in the judged range",
    )
}

fn run(document: &RunDocument, key: &str) -> Checked {
    that(key == document.run_id, "the key is not its run")?;
    that(document.run_id.is_ascii(), "the run's id is not ASCII")?;
    text(
        &document.run_id,
        LONGEST_RUN,
        "the run's id has not 1 to 64 characters",
    )?;
    time(document.started_at)?;
    let fit = |count| u32::try_from(count).is_ok();
    that(
        fit(document.series) && fit(document.messages),
        "a count is too large",
    )?;
    for found in &document.evaluated {
        evaluated(&found.sla, found.version)?;
        let EvaluationOutcome::Rows(rows) = found.outcome else {
            continue;
        };
        that(fit(rows), "a count is too large")?;
    }
    Ok(())
}
