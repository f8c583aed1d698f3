//! One series from samples to documents: summaries, statistics, forecast, every objective that matches it, and what came of
//! the forecasts made before.
//!
//! Pure and blocking: it runs on a worker thread.

use std::time::Duration;

use domain::{
    Sample, Series, SeriesId, Span, Timestamp, Window,
    evaluation::{self, Continuation, Outlook, PredictedValues, Stood, Validity},
    finite,
    forecast::{Baseline, HORIZON},
    message::{
        Encoding, HistoryDocument, MetadataDocument, MetricsDocument, PredictionDocument,
        ScoreDocument, SeriesReference, ViolationsDocument, WindowSummary,
    },
};
use series::{analysis as statistics, grid::GridOptions, summary};

use crate::{
    documents, history,
    message::Message,
    metrics_file::{Metric, Reading},
    objectives::ActiveObjective,
    prometheus::FetchedSeries,
    scoring::{self, Due},
    subject::Subject,
};

/// What was found out about one series.
#[derive(Debug)]
pub struct Analysed {
    /// The series.
    pub series: SeriesId,
    /// How many samples it has, NaN left out.
    pub samples: u64,
    /// Summaries, statistics and forecast; `None` without a sample in the last 12 h.
    pub description: Option<Description>,
    /// What it was like of late; `None` where that is not kept, or there is nothing to keep.
    pub history: Option<HistoryDocument>,
    /// The objectives that were judged on it.
    pub judged: Vec<JudgedObjective>,
    /// The positions of those that were not, because there was no room.
    pub cut: Vec<usize>,
    /// The scores of its forecasts whose horizon is over.
    pub scores: Vec<ScoreDocument>,
}

/// What a series is like, and what it will do.
#[derive(Debug)]
pub struct Description {
    /// Its summaries.
    pub metrics: MetricsDocument,
    /// Its statistics.
    pub metadata: MetadataDocument,
    /// Its forecast.
    pub prediction: PredictionDocument,
}

impl Analysed {
    /// What to publish about it beside what was judged, in order.
    pub fn messages(&self, run: &str, encoding: Encoding) -> Vec<Message> {
        let description = self.description.iter().flat_map(|description| {
            [
                Message::of_metrics(&description.metrics, run),
                Message::of_metadata(&description.metadata, run, encoding),
                Message::of_prediction(&description.prediction, run, encoding),
            ]
        });
        let history = self.history.iter();
        let history = history.map(|document| Message::of_history(document, run));
        let scores = self.scores.iter();
        let scores = scores.map(|document| Message::of_score(document, run));
        description.chain(history).chain(scores).collect()
    }
}

/// Describes, forecasts and judges one series, and scores the forecasts made before. `has_room` says whether the objective of a
/// position may judge it.
pub fn analyse(
    metric: &Metric,
    fetched: FetchedSeries,
    active: &[ActiveObjective],
    due: &Due,
    has_room: impl Fn(SeriesId, usize) -> bool,
    as_of: Timestamp,
) -> Analysed {
    let samples = evaluation::clean(fetched.samples);
    let validity = Validity {
        staleness: metric.reading.staleness(),
        markers: &fetched.ends,
    };
    let series = Series {
        metric: metric.name.clone(),
        labels: fetched.labels,
    };
    let reference = SeriesReference::new(&series, metric.unit.clone());
    let staleness = validity.staleness;
    let found = statistics(metric, &samples, as_of);
    let summaries = summarised(reference.clone(), &samples, validity, as_of);
    let description = summaries.map(|metrics| {
        let baseline = Baseline::of(last_12_hours(&samples, as_of));
        let mut prediction = documents::prediction(reference.clone(), &found, baseline, as_of);
        let recent = due.recent(reference.series);
        if let Some((forecast, recent)) = prediction.forecast.known_mut().zip(recent) {
            forecast.prefer_the_better(recent);
        }
        Description {
            metrics,
            metadata: documents::metadata(reference.clone(), &found, as_of),
            prediction,
        }
    });
    let forecast = description.as_ref();
    let forecast = forecast.and_then(|description| description.prediction.forecast.known());
    let predicted = forecast.map(|forecast| PredictedValues {
        min: forecast.min,
        max: forecast.max,
        average: forecast.average,
    });
    let Judged {
        mut objectives,
        cut,
    } = judge(
        &reference, &samples, validity, &found, active, has_room, as_of,
    );
    for JudgedObjective {
        position, document, ..
    } in &mut objectives
    {
        let Outlook::Forecast(risk) = &mut document.outlook else {
            continue;
        };
        // What the prediction says, which need not be what the model says.
        risk.predicted = risk.predicted.and(predicted);
        let recent = due.recent_probabilities(reference.series, &active[*position]);
        let base_rate = evaluation::base_rate(&document.objective, &samples, staleness, as_of);
        risk.prefer_the_better(base_rate, recent);
    }
    let scores = due
        .of(reference.series)
        .iter()
        .map(|forecast| scoring::scored(forecast, reference.clone(), &samples, staleness, as_of));
    Analysed {
        series: reference.series,
        samples: samples.len() as u64,
        history: history::written(reference.series, &samples, as_of),
        scores: scores.collect(),
        description,
        judged: objectives,
        cut,
    }
}

/// What was found of the objectives that match a series.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) objectives: Vec<JudgedObjective>,
    /// The positions of those that were not judged, because there was no room.
    pub(crate) cut: Vec<usize>,
}

/// An objective judged on a series.
#[derive(Debug)]
pub struct JudgedObjective {
    /// The objective's position.
    pub position: usize,
    /// What was found.
    pub document: ViolationsDocument,
    /// When the series stood, for what is said of the others.
    pub stood: Stood,
}

/// Judges each objective that matches the series and for which there is room.
pub(crate) fn judge(
    series: &SeriesReference,
    samples: &[Sample],
    validity: Validity<'_>,
    found: &statistics::Analysis,
    active: &[ActiveObjective],
    has_room: impl Fn(SeriesId, usize) -> bool,
    as_of: Timestamp,
) -> Judged {
    let future = Future::of(found);
    let matching = active.iter().enumerate().filter(|(_, active)| {
        active.objective.metric == series.metric && series.labels.matches(&active.objective.labels)
    });
    let mut judged = Judged::default();
    for (position, active) in matching {
        // What has nothing to judge takes no room, nor lacks it.
        let read = evaluation::read_range(active.objective.hold, as_of);
        if evaluation::within(samples, read).is_empty() {
            continue;
        }
        if !has_room(series.series, position) {
            judged.cut.push(position);
            continue;
        }
        let ActiveObjective {
            sla,
            version,
            objective,
        } = active;
        let evaluated = evaluation::evaluate(objective, samples, validity, as_of);
        let Some(judgement) = evaluated.judgement() else {
            continue;
        };
        let outlook = future
            .with(|continuation, predicted| judgement.outlook(objective, continuation, predicted));
        let stood = Stood::of(&judgement).newest(objective);
        let series = series.clone();
        let document =
            ViolationsDocument::judged(sla, *version, objective, series, judgement, outlook);
        judged.objectives.push(JudgedObjective {
            position,
            document,
            stood,
        });
    }
    judged
}

/// The statistics of a series.
pub(crate) fn statistics(
    metric: &Metric,
    samples: &[Sample],
    as_of: Timestamp,
) -> statistics::Analysis {
    statistics::analyse(
        &recent(samples, as_of),
        as_of.millis(),
        &options(&metric.reading),
    )
}

/// That no series matches an objective.
pub fn no_series(active: &ActiveObjective, subject: &Subject) -> Message {
    let ActiveObjective {
        sla,
        version,
        objective,
    } = active;
    let document = ViolationsDocument::without_series(sla, *version, objective, subject.as_of);
    Message::of_violations(&document, &subject.run)
}

/// The last 12 h, which statistics and forecast are made of, whatever was fetched for the objectives.
fn recent(samples: &[Sample], as_of: Timestamp) -> Vec<(i64, f64)> {
    last_12_hours(samples, as_of)
        .iter()
        .map(|sample| (sample.time.millis(), sample.value))
        .collect()
}

fn last_12_hours(samples: &[Sample], as_of: Timestamp) -> &[Sample] {
    let window = Span {
        start: as_of - Window::TwelveHours.length(),
        end: as_of,
    };
    evaluation::within(samples, window)
}

fn options(reading: &Reading) -> statistics::Options {
    statistics::Options {
        horizon: HORIZON,
        grid: GridOptions {
            window: Window::TwelveHours.length(),
            step: match reading {
                Reading::Raw { .. } => None,
                Reading::Sampled { step, .. } => Some(*step),
            },
            staleness: reading.staleness(),
        },
    }
}

/// The summaries; `None` without a sample in the last 12 h.
fn summarised(
    series: SeriesReference,
    samples: &[Sample],
    validity: Validity<'_>,
    as_of: Timestamp,
) -> Option<MetricsDocument> {
    let windows = Window::ALL.map(|window| {
        let span = Span {
            start: as_of - window.length(),
            end: as_of,
        };
        let inside = evaluation::within(samples, span);
        let values: Vec<f64> = inside.iter().map(|sample| sample.value).collect();
        let summary = summary::summarize(&values);
        let statistic =
            |of: fn(&summary::Summary) -> f64| summary.as_ref().map(of).and_then(finite);
        WindowSummary {
            window,
            start: span.start,
            end: span.end,
            samples: inside.len() as u64,
            min: statistic(|summary| summary.min),
            max: statistic(|summary| summary.max),
            average: statistic(|summary| summary.average),
            std: summary
                .as_ref()
                .and_then(|summary| summary.std)
                .and_then(finite),
            coverage: evaluation::coverage(samples, validity, span),
        }
    });
    let inside = last_12_hours(samples, as_of);
    Some(MetricsDocument {
        series,
        as_of,
        first_sample: inside.first()?.time,
        last_sample: inside.last()?.time,
        windows: windows.into(),
    })
}

/// What the forecast says of the horizon, in the terms of the evaluation.
struct Future<'a> {
    step: Duration,
    forecast: Result<&'a series::forecast::Forecast, String>,
    paths: Vec<evaluation::Path<'a>>,
}

impl<'a> Future<'a> {
    fn of(found: &'a statistics::Analysis) -> Self {
        let paths = found
            .forecast
            .as_ref()
            .map_or(&[][..], |forecast| &forecast.paths);
        Self {
            step: Duration::from_secs_f64(found.step_seconds),
            forecast: found.forecast.as_ref().map_err(ToString::to_string),
            paths: paths
                .iter()
                .map(|path| evaluation::Path {
                    weight: path.weight,
                    values: &path.values,
                })
                .collect(),
        }
    }

    fn with<T>(&self, judge: impl FnOnce(Continuation<'_>, Option<PredictedValues>) -> T) -> T {
        let forecast = match &self.forecast {
            Ok(forecast) => forecast,
            Err(reason) => return judge(Continuation::Unknown(reason), None),
        };
        let predicted = PredictedValues {
            min: forecast.min.value,
            max: forecast.max.value,
            average: forecast.average.value,
        };
        let continuation = if forecast.model.name == series::forecast::Model::CONSTANT {
            Continuation::Constant(forecast.mean[0])
        } else {
            Continuation::Paths {
                step: self.step,
                paths: &self.paths,
            }
        };
        judge(continuation, Some(predicted))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use domain::{Labels, sla::Draft};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_objective_without_samples_in_its_own_range_needs_no_room() {
        let as_of = Timestamp::EPOCH + Duration::from_secs(100 * 3_600);
        let step = Duration::from_secs(60);
        let metric = Metric::of_query("level".parse().unwrap(), "level", step).unwrap();
        let draft = Draft::parse(&json!({"name": "web", "objectives": [
            {"id": "at-once", "metric": "level", "max": 1},
            {"id": "patient", "metric": "level", "max": 1, "for": "1h"},
        ]}));
        let objectives = draft.unwrap().ranges().into_iter();
        let active = objectives.map(|objective| ActiveObjective {
            sla: "web".parse().unwrap(),
            version: 1,
            objective,
        });
        let active: Vec<ActiveObjective> = active.collect();
        // The patient one alone reads so far back.
        let fetched = FetchedSeries {
            labels: Labels::default(),
            samples: vec![Sample {
                time: as_of - Duration::from_secs(12 * 3_600 + 1_800),
                value: 5.0,
            }],
            ends: Vec::new(),
        };
        for has_room in [true, false] {
            let asked = RefCell::new(Vec::new());
            let room = |_, position| {
                asked.borrow_mut().push(position);
                has_room
            };
            let found = analyse(
                &metric,
                fetched.clone(),
                &active,
                &Due::default(),
                room,
                as_of,
            );
            let judged: Vec<usize> = found.judged.iter().map(|judged| judged.position).collect();
            assert_eq!(*asked.borrow(), [1]);
            let (expected, cut) = if has_room {
                (vec![1], vec![])
            } else {
                (vec![], vec![1])
            };
            assert_eq!((judged, found.cut), (expected, cut));
        }
    }
}
