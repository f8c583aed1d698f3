//! What runs say of a series, of events, and of themselves.

use std::time::Duration;

use domain::{
    Bucket, BucketLength, Labels, Sample, Timestamp,
    evaluation::{ForecastRisk, Outlook, PredictedValues, STALENESS, clean, evaluate, recommend},
    events::{Counting, Minute, SliceCounts},
    forecast::HORIZON,
    message::{
        Failure, HistoryDocument, RunDocument, SeriesReference, SlicesDocument, TrialDocument,
        TriedObjective, TriedSeries, ViolationsDocument,
    },
    sla::{Draft, EventsObjective, Objective, SlaName},
};
use serde_json::json;
use store::{pipeline::Document, testing::Documents};

/// A name that would be markup if anything let it.
pub(crate) const HOSTILE: &str =
    r#""><script>injected = 1</script><img src=x onerror="injected = 1">"#;

/// What a series did in the last 12 h.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Calm,
    Excursions,
    Rising,
    High,
}

impl Shape {
    fn value(self, age: u64) -> f64 {
        let wave = 30.0 + 12.0 * ((age / 15) as f64 / 40.0).sin();
        match self {
            Self::Calm => wave,
            Self::Excursions if age % 4_000 > 3_700 => 93.0,
            Self::Excursions => wave,
            Self::Rising if age < 45 => 84.0,
            Self::Rising => wave,
            Self::High if age < 1_200 => 96.0,
            Self::High => wave,
        }
    }
}

pub(crate) fn judged(
    sla: &str,
    objective: &Objective,
    about: &Documents,
    shape: Shape,
    probability: f64,
    as_of: Timestamp,
) -> Document {
    judged_until(sla, objective, about, (shape, 0), probability, as_of)
}

/// The same of a series that fell silent so many seconds ago.
pub(crate) fn judged_until(
    sla: &str,
    objective: &Objective,
    about: &Documents,
    (shape, silent): (Shape, u64),
    probability: f64,
    as_of: Timestamp,
) -> Document {
    let ages = (0..12 * 240_u64).map(|position| silent + 15 * position);
    // A while in which nothing was measured.
    let ages = ages.filter(|age| !(7_000..8_000).contains(age));
    let samples = ages.map(|age| Sample {
        time: as_of - Duration::from_secs(age),
        value: shape.value(age),
    });
    let samples = clean(samples.collect());
    let judgement = evaluate(objective, &samples, STALENESS, as_of)
        .judgement()
        .unwrap();
    let series = SeriesReference::new(about.series(), Some("percent".to_owned()));
    let outlook = Outlook::Forecast(ForecastRisk {
        probability,
        probability_new: probability / 2.0,
        expected_violations: probability,
        expected_seconds: 60.0 * probability,
        predicted: Some(PredictedValues {
            min: 22.0,
            max: 58.0,
            average: 37.0,
        }),
        ..ForecastRisk::default()
    });
    let sla = sla.parse().unwrap();
    let document = ViolationsDocument::judged(&sla, 1, objective, series, judgement, outlook);
    Document::Violations(Box::new(document))
}

/// What it was like in the last 12 h, by 5 minutes.
pub(crate) fn history(about: &Documents, shape: Shape, as_of: Timestamp) -> Document {
    let length = BucketLength::FiveMinutes;
    let newest = length.start_of(as_of);
    let ends = (0..144).map(|before| newest - before * length.duration());
    let buckets = ends.map(|end| {
        let values = (0..20).map(|step| shape.value(as_of.seconds_since(end) as u64 + 15 * step));
        let values: Vec<f64> = values.collect();
        Bucket {
            end,
            min: values.iter().copied().reduce(f64::min),
            max: values.iter().copied().reduce(f64::max),
            average: Some(values.iter().sum::<f64>() / values.len() as f64),
            samples: values.len() as u64,
        }
    });
    Document::History(HistoryDocument {
        series: about.series().id(),
        as_of,
        buckets: buckets.collect(),
    })
}

/// Forecasts that said 5, 15, 25 … %, and came true about as often.
pub(crate) fn scores(
    about: &Documents,
    sla: &str,
    objective: &Objective,
    as_of: Timestamp,
) -> impl Iterator<Item = Document> {
    (0..30_u64).flat_map(move |number| {
        let made = as_of - Duration::from_secs(900 * (number + 1));
        let Document::Score(mut score) = about.score(made, made + HORIZON) else {
            unreachable!("a score is one");
        };
        let own = &mut score.objectives[0];
        own.sla = sla.parse().unwrap();
        own.objective = objective.id.clone();
        own.probability = 0.05 + 0.1 * (number % 10) as f64;
        own.happened = Some(number * 7 % 10 < number % 10);
        [about.prediction(made), Document::Score(score)]
    })
}

/// A run in which something failed.
pub(crate) fn failed(as_of: Timestamp) -> Document {
    let Document::Run(run) = Documents::about("cpuUsage", "demo").run(as_of) else {
        unreachable!("a run's record is one");
    };
    let failure = |stage: &str, metric: Option<&str>, reason: &str| Failure {
        stage: stage.to_owned(),
        metric: metric.map(str::to_owned),
        series: None,
        reason: reason.to_owned(),
        detail: None,
    };
    let failures = (0..7).map(|number| failure("fetch", Some(&format!("metric{number}")), "busy"));
    let failures = failures.chain([failure("publish", Some(HOSTILE), HOSTILE)]);
    Document::Run(RunDocument {
        failures: failures.collect(),
        evaluated: Vec::new(),
        ..run
    })
}

/// What etl says of any objective that is tried: it is on a series that broke its range.
pub(crate) fn tried() -> TrialDocument {
    let now: Timestamp = chrono::Utc::now().into();
    let as_of = now.floor_to_second();
    let objective = json!({"id": "cpu", "metric": "cpuUsage", "max": 40, "for": "1m"});
    let draft = Draft::parse(&json!({ "objectives": [objective] })).unwrap();
    let objective = draft.ranges()[0].clone();
    let about = Documents::about("cpuUsage", "demo");
    let judged = judged("web", &objective, &about, Shape::Excursions, 0.4, as_of);
    let Document::Violations(mut violations) = judged else {
        unreachable!("a judgement is one");
    };
    violations.sla = SlaName::trial();
    let samples = (0..240).map(|step| Sample {
        time: as_of - Duration::from_secs(15 * step),
        value: Shape::Excursions.value(15 * step),
    });
    let samples = clean(samples.collect());
    let series = TriedSeries {
        episodes_total: violations.episodes.len() as u64,
        violations: *violations,
        recommended: recommend(&objective, &samples, STALENESS, as_of, 2),
    };
    let failure = Failure {
        stage: "fetch".to_owned(),
        metric: Some(HOSTILE.to_owned()),
        series: None,
        reason: "timeout".to_owned(),
        detail: None,
    };
    TrialDocument {
        as_of,
        objectives: vec![TriedObjective {
            objective,
            series: 1,
            firing: 0,
            no_data: 0,
            ended: 0,
            ended_until: None,
            entries: vec![series],
        }],
        events: Vec::new(),
        failures: vec![failure],
    }
}

pub(crate) fn counted(objective: &EventsObjective, as_of: Timestamp) -> Document {
    let slices = Counting::run_slices(as_of);
    let ends = Minute::ended_by(slices.start).up_to(Minute::ended_by(slices.end));
    let slices = ends.map(|minute| {
        let number = minute.end().millis() / 60_000;
        SliceCounts {
            end: minute.end(),
            sums: [
                (number % 7 * (number % 3)) as f64,
                300.0 + (number % 40) as f64,
            ],
            measured: true,
            reach: Some(minute.start() - Duration::from_secs(15)),
        }
    });
    Document::Slices(Box::new(SlicesDocument {
        sla: "shop".parse().unwrap(),
        version: 1,
        definition: objective.definition(),
        group: Labels::default(),
        objective: objective.clone(),
        as_of,
        resets: 0,
        slices: slices.collect(),
    }))
}
