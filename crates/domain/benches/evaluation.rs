//! One objective on 12 h of samples, its outlook, and taking one more run into the history.

use std::{hint::black_box, time::Duration};

use chrono::DateTime;
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{
    Labels, Sample, Timestamp,
    evaluation::{Continuation, History, Path, STALENESS, base_rate, clean, evaluate},
    sla::Objective,
};

const SAMPLES: u64 = 2_880;
const STEP: Duration = Duration::from_secs(15);

fn objective() -> Objective {
    let metric = "cpuUsage".parse().expect("a metric name");
    let bounds = (Some(0.0), Some(80.0));
    Objective::new(metric, Labels::default(), bounds, Duration::from_secs(60))
}

fn time(position: u64) -> Timestamp {
    Timestamp::from(DateTime::UNIX_EPOCH) + STEP * position as u32
}

/// Values spread over 40 around `level`, the same each time (Knuth's MMIX generator).
fn samples(level: f64) -> Vec<Sample> {
    let mut state = 1_u64;
    (0..SAMPLES)
        .map(|position| {
            state = (state.wrapping_mul(6_364_136_223_846_793_005))
                .wrapping_add(1_442_695_040_888_963_407);
            let spread = (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
            Sample {
                time: time(position),
                value: level + 40.0 * spread,
            }
        })
        .collect()
}

fn evaluation(criterion: &mut Criterion) {
    let objective = objective();
    let as_of = time(SAMPLES);
    let mut group = criterion.benchmark_group("evaluation");
    for (name, level) in [("in range", 50.0), ("around the bound", 80.0)] {
        let read = samples(level);
        group.bench_function(format!("evaluate, {name}"), |bencher| {
            bencher.iter(|| evaluate(&objective, black_box(&read), STALENESS, as_of));
        });
        group.bench_function(format!("base rate, {name}"), |bencher| {
            bencher.iter(|| base_rate(&objective, black_box(&read), STALENESS, as_of));
        });
    }

    let read = samples(80.0);
    group.bench_function("clean", |bencher| {
        bencher.iter_batched(
            || read.clone(),
            |read| clean(black_box(read)),
            criterion::BatchSize::SmallInput,
        );
    });

    let values: Vec<_> = read.iter().map(|sample| sample.value).collect();
    let paths: Vec<_> = (values.windows(40).take(200))
        .map(|values| Path {
            weight: 1.0,
            values,
        })
        .collect();
    if let Some(judgement) = evaluate(&objective, &read, STALENESS, as_of).judgement() {
        let continuation = Continuation::Paths {
            step: STEP,
            paths: &paths,
        };
        group.bench_function("outlook over 200 paths of 40 values", |bencher| {
            bencher.iter(|| judgement.outlook(&objective, black_box(continuation), None));
        });
    }

    let runs = [as_of, as_of + Duration::from_secs(30)]
        .map(|as_of| evaluate(&objective, &read, STALENESS, as_of));
    let [earlier, later] = &runs;
    let mut history = History::default();
    history.record(earlier);
    group.bench_function("history", |bencher| {
        bencher.iter_batched(
            || history.clone(),
            |mut history| history.record(black_box(later)),
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, evaluation);
criterion_main!(benches);
