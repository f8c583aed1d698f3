//! Every technique, and a whole series, at 2,880 samples: 12 h at 15 s.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use series::{
    Options, analyse,
    autocorrelation::autocorrelation,
    decomposition::decompose,
    forecast::forecast,
    kpss::{Bandwidth, kpss},
    period,
    seasonality::seasonality,
    stationarity::stationarity,
    summary::summarize,
    unit_root::{Deterministic, LagSelection, adf},
};

const SAMPLES: usize = 2880;
const PERIOD: usize = 240;
const STEP_MS: i64 = 15_000;

/// A season of an hour, a slow drift and noise that remembers.
fn values() -> Vec<f64> {
    let mut state = 1_u64;
    let mut noise = 0.0;
    (0..SAMPLES)
        .map(|t| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            noise = 0.7 * noise + (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
            let phase = std::f64::consts::TAU * (t % PERIOD) as f64 / PERIOD as f64;
            50.0 + 0.002 * t as f64 + 5.0 * phase.sin() + 2.0 * noise
        })
        .collect()
}

fn techniques(criterion: &mut Criterion) {
    let values = values();
    let values = values.as_slice();
    let mut group = criterion.benchmark_group("2880 samples");
    group.bench_function("summary", |b| b.iter(|| summarize(black_box(values))));
    group.bench_function("autocorrelation", |b| {
        b.iter(|| autocorrelation(black_box(values), None));
    });
    group.bench_function("adf", |b| {
        b.iter(|| {
            adf(
                black_box(values),
                Deterministic::Constant,
                LagSelection::Aic,
                None,
            )
        });
    });
    group.bench_function("kpss", |b| {
        b.iter(|| {
            kpss(
                black_box(values),
                Deterministic::Constant,
                Bandwidth::Automatic,
            )
        });
    });
    group.bench_function("stationarity", |b| {
        b.iter(|| stationarity(black_box(values)))
    });
    group.bench_function("decompose", |b| {
        b.iter(|| decompose(black_box(values), PERIOD))
    });
    group.bench_function("period", |b| b.iter(|| period::detect(black_box(values))));
    group.bench_function("seasonality", |b| {
        b.iter(|| seasonality(black_box(values), 15.0))
    });
    for steps in [10, 40] {
        group.bench_function(format!("forecast {steps} steps"), |b| {
            b.iter(|| forecast(black_box(values), steps));
        });
    }
    group.finish();
}

fn whole(criterion: &mut Criterion) {
    let samples: Vec<(i64, f64)> = (0..).step_by(STEP_MS as usize).zip(values()).collect();
    let as_of_ms = (SAMPLES as i64 - 1) * STEP_MS;
    criterion.bench_function("whole series, 2880 samples", |b| {
        b.iter(|| analyse(black_box(&samples), as_of_ms, &Options::default()));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = techniques, whole
}
criterion_main!(benches);
