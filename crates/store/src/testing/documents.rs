use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    Bucket, BucketLength, Finding, Labels, Sample, Series, SeriesId, Span, Timestamp, Window,
    evaluation::{Evaluated, Outlook, STALENESS, Stood, clean, evaluate},
    events::SliceCounts,
    forecast::{
        Baseline, ConfidenceIntervals, Forecast, HORIZON, Interval, Model, PathExtreme, PathPoint,
    },
    message::{
        Autocorrelation, Correlogram, EvaluatedObjective, EvaluationOutcome, HistoryDocument, Kind,
        Kpss, LjungBox, MetadataDocument, MetricsDocument, ObjectiveScore, PredictionDocument,
        ReplayDocument, ReplayProgress, Replayed, RunDocument, ScoreDocument, Seasonality,
        SeriesReference, Stage, Stationarity, Trigger, UnitRootTest, Verdict, ViolationsDocument,
        WindowSummary,
    },
    score::Scores,
    sla::{Objective, SlaName},
};

use super::CountedEvents;
use crate::pipeline::Document;

/// Documents about one made-up series, complete and plausible. The same series, time and samples give the same ones.
#[derive(Clone, Debug)]
pub struct Documents {
    series: Series,
    unit: Option<String>,
    sla: SlaName,
}

impl Documents {
    /// About the series of `metric` on the machine `instance`.
    pub fn about(metric: &str, instance: &str) -> Self {
        Self {
            series: Series {
                metric: metric.parse().expect("a metric name"),
                labels: Labels::from_iter([("instance", instance), ("job", "node")]),
            },
            unit: Some("percent".to_owned()),
            sla: "demo".parse().expect("an SLA name"),
        }
    }

    /// The same, judged by another SLA than `demo`.
    pub fn under(self, sla: &str) -> Self {
        Self {
            sla: sla.parse().expect("an SLA name"),
            ..self
        }
    }

    /// The series.
    pub fn series(&self) -> &Series {
        &self.series
    }

    fn reference(&self) -> SeriesReference {
        SeriesReference::new(&self.series, self.unit.clone())
    }

    /// The document of `kind` at `as_of`: one per series and run, or the run's.
    pub fn of(&self, kind: Kind, as_of: Timestamp) -> Document {
        match kind {
            Kind::Metrics => self.metrics(as_of),
            Kind::Metadata => self.metadata(as_of),
            Kind::Prediction => self.prediction(as_of),
            Kind::Violations => self.violations(&[], as_of),
            Kind::Slices => self.slices(as_of),
            Kind::History => self.history(as_of),
            Kind::Replay => self.replay(as_of),
            Kind::Score => self.score(as_of - HORIZON, as_of),
            Kind::Run => self.run(as_of),
        }
    }

    /// That a replay is done with the hour before `as_of`.
    pub fn replay(&self, as_of: Timestamp) -> Document {
        let piece = Span {
            start: as_of - Duration::from_secs(3_600),
            end: as_of,
        };
        Document::Replay(Box::new(ReplayDocument {
            piece,
            replace: false,
            found: Replayed::Done(vec![ReplayProgress {
                id: 1,
                done_until: piece.start,
                failures: Vec::new(),
            }]),
        }))
    }

    /// Its summaries.
    pub fn metrics(&self, as_of: Timestamp) -> Document {
        let windows = Window::ALL.into_iter().enumerate();
        Document::Metrics(MetricsDocument {
            series: self.reference(),
            as_of,
            first_sample: as_of - Duration::from_secs(11 * 3600),
            last_sample: as_of - Duration::from_millis(1500),
            windows: windows
                .map(|(position, window)| WindowSummary {
                    window,
                    start: as_of - window.length(),
                    end: as_of,
                    samples: 240 * (position as u64 + 1),
                    min: Some(0.1 + position as f64),
                    max: Some(99.300_000_000_000_01),
                    average: Some(37.123_456_789_012_345),
                    std: (position > 0).then_some(1.0 / 3.0),
                    coverage: 0.95,
                })
                .collect(),
        })
    }

    /// What kind of series it is.
    pub fn metadata(&self, as_of: Timestamp) -> Document {
        let lags = |scale: f64| (0..40).map(|lag| scale / f64::from(lag + 1)).collect();
        Document::Metadata(Box::new(MetadataDocument {
            series: self.reference(),
            as_of,
            step_seconds: 15.0,
            samples_used: 2880,
            coverage: 1.0,
            autocorrelation: Finding::Known(Autocorrelation {
                nlags: 39,
                lag_one: Some(0.97),
                memory_lags: 12,
                ljung_box: Some(LjungBox {
                    lags: 39,
                    q: 1234.5,
                    p: 1e-300,
                }),
                correlogram: Some(Correlogram {
                    values: lags(1.0),
                    lower: lags(-0.1),
                    upper: lags(0.1),
                }),
            }),
            stationarity: Finding::Known(Stationarity {
                verdict: Verdict::Stationary,
                adf: Finding::Known(UnitRootTest {
                    statistic: -5.5,
                    pvalue: 2.2e-6,
                    lags: 3,
                    nobs: 2876,
                    critical: None,
                    icbest: None,
                }),
                kpss: Finding::Known(Kpss {
                    statistic: 0.2,
                    pvalue: 0.1,
                    clipped: true,
                    lags: 30,
                }),
                adf_ct: None,
                kpss_ct: None,
            }),
            seasonality: Finding::Known(Seasonality {
                period_seconds: Some(3600.0),
                score: Some(0.6),
                trend_strength: Some(0.2),
                season_strength: Some(0.7),
                slope_per_hour: Some(-0.01),
                pattern: Some(lags(3.0)),
            }),
        }))
    }

    /// What it will do.
    pub fn prediction(&self, as_of: Timestamp) -> Document {
        let interval = |middle: f64| Interval {
            lower: middle - 1.5,
            upper: middle + 1.5,
        };
        Document::Prediction(Box::new(PredictionDocument {
            series: self.reference(),
            as_of,
            horizon_seconds: 600.0,
            step_seconds: 60.0,
            forecast: Finding::Known(Forecast {
                min: 30.25,
                max: 44.75,
                average: 37.1,
                intervals: ConfidenceIntervals {
                    min: interval(30.25),
                    max: interval(44.75),
                    average: interval(37.1),
                },
                path: (1..=10)
                    .map(|step| PathPoint {
                        time: as_of + Duration::from_secs(60 * step),
                        mean: 37.0,
                        lower: 35.0,
                        lower_80: Some(36.0),
                        median: 37.1,
                        upper_80: Some(38.5),
                        upper: 39.0,
                    })
                    .collect(),
                model: Model {
                    name: "stack".to_owned(),
                    why: "the best of the last origins".to_owned(),
                    period_seconds: Some(3600.0),
                    weights: BTreeMap::from([("last".to_owned(), 1.0)]),
                },
                baseline: Some(Baseline {
                    last_value: Some(36.5),
                    climatology: Some([31.0, 37.0, 44.0]),
                    ..Baseline::default()
                }),
                recent_scores: None,
                path_extremes: Some(vec![
                    PathExtreme {
                        min: 30.0,
                        max: 45.0,
                        weight: 0.01,
                    };
                    100
                ]),
            }),
        }))
    }

    /// What it was like of late, as that run has it.
    pub fn history(&self, as_of: Timestamp) -> Document {
        let length = BucketLength::FiveMinutes;
        let newest = length.start_of(as_of - Duration::from_secs(60));
        let ends = [2, 1, 0].map(|before| newest - before * length.duration());
        let run = (as_of.millis() / 60_000 % 7) as f64;
        Document::History(HistoryDocument {
            series: self.series.id(),
            as_of,
            buckets: ends
                .map(|end| Bucket {
                    end,
                    min: Some(0.1),
                    max: Some(99.300_000_000_000_01),
                    average: Some(37.123_456_789_012_345 + run),
                    samples: 20,
                })
                .into(),
        })
    }

    /// What came of the forecast of `forecast_as_of`, told by the run at `as_of`.
    pub fn score(&self, forecast_as_of: Timestamp, as_of: Timestamp) -> Document {
        Document::Score(Box::new(ScoreDocument {
            series: self.reference(),
            as_of,
            forecast_as_of,
            model: "stack".to_owned(),
            scores: Finding::Known(Scores {
                steps: 10,
                observed: 9,
                inside_band: 8,
                min_inside: true,
                max_inside: false,
                average_inside: true,
                pinball: 0.5,
                mae: 1.5,
                mae_last_value: Some(2.0),
                pinball_climatology: Some(1.0),
            }),
            objectives: vec![ObjectiveScore {
                sla: self.sla.clone(),
                version: 1,
                objective: self.objective().id,
                probability: 0.25,
                model_probability: None,
                base_rate: Some(0.125),
                happened: Some(false),
            }],
        }))
    }

    /// The objective "at most 80 for a minute" judged on it. `samples`: seconds before `as_of` and values; none at all
    /// stand for a series that keeps its range.
    pub fn violations(&self, samples: &[(u64, f64)], as_of: Timestamp) -> Document {
        self.violations_of(&self.objective(), samples, as_of)
    }

    /// An objective judged on it, as [`Documents::violations`] is.
    pub fn violations_of(
        &self,
        objective: &Objective,
        samples: &[(u64, f64)],
        as_of: Timestamp,
    ) -> Document {
        let steady = (0..40).map(|k| (k * 15, 37.0)).collect::<Vec<_>>();
        let samples = if samples.is_empty() { &steady } else { samples };
        let samples = samples.iter().map(|(age, value)| Sample {
            time: as_of - Duration::from_secs(*age),
            value: *value,
        });
        let evaluated = evaluate(objective, &clean(samples.collect()), STALENESS, as_of);
        let document = match evaluated.judgement() {
            Some(judgement) => ViolationsDocument::judged(
                &self.sla,
                1,
                objective,
                self.reference(),
                judgement,
                Outlook::unavailable("too_short"),
            ),
            None => ViolationsDocument::without_series(&self.sla, 1, objective, as_of),
        };
        Document::Violations(Box::new(document))
    }

    /// The requests to its machine, counted by a run.
    pub fn slices(&self, as_of: Timestamp) -> Document {
        let events = CountedEvents {
            sla: self.sla.clone(),
            ..CountedEvents::by(&["instance"])
        };
        let group = events.objective.group_of(&self.series.labels);
        events.document(&group, as_of, |minute| {
            let number = (minute.end().millis() / 60_000) as f64;
            SliceCounts {
                end: minute.end(),
                sums: [number % 3.0, 10.0 + number % 7.0],
                measured: true,
                reach: Some(minute.start() - Duration::from_secs(15)),
            }
        })
    }

    /// That no series matches the objective.
    pub fn no_series(&self, as_of: Timestamp) -> Document {
        let document = ViolationsDocument::without_series(&self.sla, 1, &self.objective(), as_of);
        Document::Violations(Box::new(document))
    }

    /// The objective "at most 80 for a minute" on its metric and all of its labels.
    pub fn objective(&self) -> Objective {
        let Series { metric, labels } = self.series.clone();
        let bounds = (None, Some(80.0));
        Objective::new(metric, labels, bounds, Duration::from_secs(60))
    }

    /// A run that evaluated the objective on it.
    pub fn run(&self, as_of: Timestamp) -> Document {
        Document::Run(RunDocument {
            run_id: format!("run-{}", as_of.millis()),
            as_of,
            started_at: as_of + Duration::from_millis(5003),
            trigger: Trigger::Schedule,
            series: 1,
            samples: 2880,
            bytes: 12_345,
            messages: 4,
            failures: Vec::new(),
            stages: vec![Stage {
                stage: "total".to_owned(),
                milliseconds: 81.25,
            }],
            partial: false,
            warnings: Vec::new(),
            evaluated: vec![EvaluatedObjective {
                sla: self.sla.clone(),
                version: 1,
                objective: self.objective().id,
                outcome: EvaluationOutcome::Rows(1),
                ended_until: None,
            }],
        })
    }
}

/// The series, or groups, of each objective, and when they stood, with the objective where it is of a range: SLA, version,
/// id.
type Evaluations<'a> =
    BTreeMap<(&'a str, u32, &'a str), (Option<&'a Objective>, BTreeSet<Option<SeriesId>>, Stood)>;

/// With the evaluations among `documents`, the records of the runs that published them, so that each is complete.
pub fn recorded(documents: impl IntoIterator<Item = Document>) -> Vec<Document> {
    let mut documents: Vec<Document> = documents.into_iter().collect();
    let mut rows = BTreeMap::<Timestamp, Evaluations<'_>>::new();
    for document in &documents {
        let (sla, version, id, range, row) = match document {
            Document::Violations(document) => {
                let series = document.series.as_ref().map(|series| series.series);
                let range = &document.objective;
                (
                    &document.sla,
                    document.version,
                    &range.id,
                    Some(range),
                    series,
                )
            }
            Document::Slices(document) => {
                let (id, group) = (&document.objective.id, document.group_id());
                (&document.sla, document.version, id, None, Some(group))
            }
            _ => continue,
        };
        let objective = (sla.as_str(), version, id.as_str());
        let of_run = rows.entry(document.as_of()).or_default();
        let (_, of_objective, stood) = of_run
            .entry(objective)
            .or_insert_with(|| (range, BTreeSet::new(), Stood::default()));
        of_objective.insert(row);
        if let Document::Violations(document) = document
            && let Some(judgement) = Evaluated::from(&**document).judgement()
        {
            stood.join(&Stood::of(&judgement));
        }
    }
    let record = |(as_of, rows): (Timestamp, Evaluations<'_>)| {
        let Document::Run(run) = Documents::about("cpuUsage", "a").run(as_of) else {
            unreachable!("a run's record is one");
        };
        let evaluated = rows
            .into_iter()
            .map(
                |((sla, version, id), (objective, rows, stood))| EvaluatedObjective {
                    sla: sla.parse().expect("a name"),
                    version,
                    objective: id.parse().expect("an id"),
                    outcome: EvaluationOutcome::Rows(rows.len() as u64),
                    ended_until: objective.and_then(|range| stood.ended_until(range, as_of)),
                },
            );
        Document::Run(RunDocument {
            evaluated: evaluated.collect(),
            ..run
        })
    };
    let records: Vec<Document> = rows.into_iter().map(record).collect();
    documents.extend(records);
    documents
}
