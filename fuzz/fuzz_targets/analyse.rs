//! Whatever the bytes say: an answer or a typed reason, and nothing in it that a document could not carry.
//!
//! `cargo fuzz run analyse --sanitizer none -- -runs=1000000`: there is no unsafe code for a sanitizer to watch. The
//! property tests of `tests/it/properties.rs` look at the same things, and at what must hold between two series.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use series::{
    analysis::{Analysis, Options, analyse},
    forecast::{Forecast, forecast},
    gaps,
    summary::summarize,
};

fuzz_target!(|input: &[u8]| {
    let [step, horizon, exact, bytes @ ..] = input else {
        return;
    };
    let values: Vec<f64> = if exact % 2 == 0 {
        bytes.iter().map(|&byte| f64::from(byte) - 128.0).collect()
    } else {
        let words = bytes.as_chunks::<8>().0;
        words.iter().map(|&word| f64::from_le_bytes(word)).collect()
    };
    let step_ms = i64::from(*step) * 1_000;
    let samples: Vec<(i64, f64)> = (0..)
        .map(|place| place * step_ms)
        .zip(values.iter().copied())
        .collect();
    let as_of_ms = samples.last().map_or(0, |sample| sample.0);
    let options = Options {
        horizon: Duration::from_secs(10 * u64::from(*horizon)),
        ..Options::default()
    };
    check(&analyse(&samples, as_of_ms, &options));
    if let Ok(bridged) = gaps::bridged(&values)
        && let Ok(forecast) = forecast(&bridged, usize::from(*horizon))
    {
        check_forecast(&forecast);
    }
    if let Some(summary) = summarize(&finite(&values)) {
        assert!(summary.min <= summary.average && summary.average <= summary.max);
        assert!(summary.std.is_none_or(|std| std >= 0.0 && std.is_finite()));
    }
});

/// Infinities are values, but a document has none.
fn finite(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect()
}

/// Every number that a document takes from an analysis.
fn check(found: &Analysis) {
    assert!(found.step_seconds > 0.0 && (0.0..=1.0).contains(&found.coverage));
    if let Ok(found) = &found.autocorrelation {
        assert!(found.values.iter().all(|value| value.abs() <= 1.0));
        assert!(found.p.iter().all(|p| (0.0..=1.0).contains(p)));
        all_finite(found.lower.iter().chain(&found.upper).chain(&found.q));
    }
    if let Ok(found) = &found.stationarity {
        for test in [found.adf, found.adf_trend].iter().flatten() {
            assert!(test.statistic.is_finite() && (0.0..=1.0).contains(&test.pvalue));
            assert!(test.icbest.is_none_or(f64::is_finite));
            let critical = test.critical;
            all_finite(&[
                critical.one_percent,
                critical.five_percent,
                critical.ten_percent,
            ]);
        }
        for test in [found.kpss, found.kpss_trend].iter().flatten() {
            assert!(test.statistic.is_finite() && (0.01..=0.1).contains(&test.pvalue));
        }
    }
    if let Ok(found) = &found.seasonality {
        all_finite(std::iter::once(&found.slope_per_hour).chain(found.pattern.iter().flatten()));
        if let Some(strengths) = &found.strengths {
            assert!(
                (0.0..=1.0).contains(&strengths.trend) && (0.0..=1.0).contains(&strengths.season)
            );
        }
        if let Some(period) = &found.period {
            assert!((0.0..=1.0).contains(&period.score));
        }
    }
    if let Ok(forecast) = &found.forecast {
        check_forecast(forecast);
    }
}

fn check_forecast(found: &Forecast) {
    for (step, mean) in found.mean.iter().enumerate() {
        let (lower, upper) = (found.lower[step], found.upper[step]);
        all_finite(&[lower, upper]);
        assert!(lower <= *mean && *mean <= upper);
        assert!(lower <= found.median[step] && found.median[step] <= upper);
    }
    for estimate in [found.min, found.max, found.average] {
        all_finite(&[estimate.lower, estimate.upper]);
        assert!(estimate.lower <= estimate.value && estimate.value <= estimate.upper);
    }
    for path in &found.paths {
        all_finite(&path.values);
        assert!((0.0..=1.0).contains(&path.weight));
    }
    assert!(
        found
            .model
            .weights
            .iter()
            .all(|(_, weight)| (0.0..=1.0 + 1e-9).contains(weight))
    );
    assert!((0.0..=1.0).contains(&found.probability_that(|path| path[0] > 0.0)));
}

fn all_finite<'a>(values: impl IntoIterator<Item = &'a f64>) {
    assert!(values.into_iter().all(|value| value.is_finite()));
}
