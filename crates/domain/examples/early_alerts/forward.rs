//! Goes forward through a series, a run each minute, as the product does.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Labels, Sample, Span, Timestamp, Window,
    evaluation::{
        Continuation, ForecastRisk, Judgement, ObjectiveState, Outlook, Path, STALENESS, base_rate,
        clean, evaluate, outcome, within,
    },
    forecast::HORIZON,
    sla::Objective,
};
use series::{
    analysis::{Analysis, Options, analyse},
    forecast::Model,
    grid::GridOptions,
};

use crate::{
    known::Series,
    linear::predict_linear,
    past::{AHEAD, Past, Scored},
};

/// The first run has 12 h behind it: so many minutes.
pub(crate) const FIRST: usize = 720;
const MINUTE: Duration = Duration::from_secs(60);
/// The ranges of `predict_linear`.
const RANGES: [Duration; 2] = [Duration::from_secs(15 * 60), Duration::from_secs(3_600)];

/// A series and an objective: all runs, and when violations began.
#[derive(Debug)]
pub(crate) struct Case {
    /// The name of the series.
    pub(crate) name: String,
    /// The greatest value in range.
    pub(crate) max: f64,
    pub(crate) runs: Vec<Run>,
    /// The minutes in which a violation had held for its `for`, after the first run's.
    pub(crate) begun: Vec<usize>,
}

/// What was said in one minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) minute: usize,
    /// Whether a violation is going on: then there is nothing to expect.
    pub(crate) is_violated: bool,
    /// Whether a violation has a sample in the next 10 minutes; `None` if that is not known.
    pub(crate) happened: Option<bool>,
    /// The probability that `/predict_json` answers.
    pub(crate) probability: Option<f64>,
    pub(crate) model: Option<f64>,
    pub(crate) base_rate: Option<f64>,
    /// Whether the product alerts at all.
    pub(crate) is_worth_it: bool,
    /// `predict_linear(series[15m], 600)` and `predict_linear(series[1h], 600)`.
    pub(crate) linear: [Option<f64>; 2],
}

/// A quantile of the first 12 h that may be exceeded for less than so many minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) quantile: f64,
    pub(crate) minutes: u64,
}

/// All runs over a series, for each bound.
pub(crate) fn forward(series: &Series, bounds: &[Bound]) -> Vec<Case> {
    let samples = samples(series);
    let mut cases: Vec<Following> = bounds
        .iter()
        .map(|bound| Following::new(series, *bound))
        .collect();
    for minute in FIRST..series.values.len().saturating_sub(AHEAD) {
        let as_of = time(minute);
        let found = statistics(&samples, as_of);
        let linear = RANGES.map(|range| predict_linear(&samples, range, HORIZON, as_of));
        for case in &mut cases {
            case.run(&samples, &found, linear, minute);
        }
    }
    cases.into_iter().map(Following::into_case).collect()
}

/// A case while its runs are made.
struct Following {
    case: Case,
    objective: Objective,
    past: Past,
    /// When violations began, by their first samples.
    begun: BTreeMap<Timestamp, usize>,
}

impl Following {
    fn new(series: &Series, bound: Bound) -> Self {
        let max = quantile(&series.values[..FIRST], bound.quantile);
        let metric = "metric".parse().expect("a name");
        let hold = MINUTE * bound.minutes as u32;
        Self {
            case: Case {
                name: series.name.clone(),
                max,
                runs: Vec::new(),
                begun: Vec::new(),
            },
            objective: Objective::new(metric, Labels::default(), (None, Some(max)), hold),
            past: Past::default(),
            begun: BTreeMap::new(),
        }
    }

    fn run(
        &mut self,
        samples: &[Sample],
        found: &Analysis,
        linear: [Option<f64>; 2],
        minute: usize,
    ) {
        let as_of = time(minute);
        let judged = evaluate(&self.objective, samples, STALENESS, as_of);
        let Some(judgement) = judged.judgement() else {
            return;
        };
        self.note_begun(&judgement);
        let happened = outcome(&self.objective, samples, STALENESS, as_of);
        let base_rate = base_rate(&self.objective, samples, STALENESS, as_of);
        let risk = risk(&judgement, &self.objective, found).map(|mut risk| {
            risk.prefer_the_better(base_rate, self.past.recent(minute));
            risk
        });
        let model = risk.map(|risk| risk.model_probability.unwrap_or(risk.probability));
        let probability = risk.map(|risk| risk.probability);
        if let (Some(said), Some(model)) = (probability, model) {
            self.past.add(Scored {
                minute,
                said,
                model,
                base_rate,
                happened,
            });
        }
        self.case.runs.push(Run {
            minute,
            is_violated: judgement.state == ObjectiveState::Firing,
            happened,
            probability,
            model,
            base_rate,
            is_worth_it: self.past.is_worth_it(minute),
            linear,
        });
    }

    /// Only the newest can be new.
    fn note_begun(&mut self, judgement: &Judgement) {
        let newest = judgement.violations.iter().rev().take(2);
        for violation in newest.filter(|violation| violation.start_known) {
            let held = violation.start + self.objective.hold;
            let minute = held.since(time(0)).as_secs() / MINUTE.as_secs();
            self.begun.insert(violation.start, minute as usize);
        }
    }

    fn into_case(self) -> Case {
        let begun = self.begun.into_values().filter(|minute| *minute > FIRST);
        Case {
            begun: begun.collect(),
            ..self.case
        }
    }
}

/// A midnight, so that minutes of a series are minutes of the clock.
fn time(minute: usize) -> Timestamp {
    let midnight = Timestamp::EPOCH + Duration::from_secs(20_454 * 86_400);
    midnight + MINUTE * minute as u32
}

fn samples(series: &Series) -> Vec<Sample> {
    let values = series.values.iter().zip(&series.seen).enumerate();
    let seen = values.filter(|(_, (_, seen))| **seen);
    let samples = seen.map(|(minute, (value, _))| Sample {
        time: time(minute),
        value: *value,
    });
    clean(samples.collect())
}

fn quantile(values: &[f64], quantile: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(quantile * (sorted.len() - 1) as f64).round() as usize]
}

/// As `etl::analysis` has it.
fn statistics(samples: &[Sample], as_of: Timestamp) -> Analysis {
    let last_12_hours = Span {
        start: as_of - Window::TwelveHours.length(),
        end: as_of,
    };
    let samples: Vec<(i64, f64)> = within(samples, last_12_hours)
        .iter()
        .map(|sample| (sample.time.millis(), sample.value))
        .collect();
    let options = Options {
        horizon: HORIZON,
        grid: GridOptions {
            window: Window::TwelveHours.length(),
            step: None,
            staleness: STALENESS,
        },
    };
    analyse(&samples, as_of.millis(), &options)
}

/// What the model says of the violations to come, as `etl::analysis` has it; `None` if there is no forecast.
fn risk(judgement: &Judgement, objective: &Objective, found: &Analysis) -> Option<ForecastRisk> {
    let forecast = found.forecast.as_ref().ok()?;
    let paths: Vec<Path<'_>> = forecast
        .paths
        .iter()
        .map(|path| Path {
            weight: path.weight,
            values: &path.values,
        })
        .collect();
    let continuation = if forecast.model.name == Model::CONSTANT {
        Continuation::Constant(forecast.mean[0])
    } else {
        Continuation::Paths {
            step: Duration::from_secs_f64(found.step_seconds),
            paths: &paths,
        }
    };
    match judgement.outlook(objective, continuation, None) {
        Outlook::Forecast(risk) => Some(risk),
        Outlook::Unavailable(_) => None,
    }
}
