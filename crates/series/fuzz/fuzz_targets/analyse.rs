//! Whatever the bytes say: an answer or a typed reason, and nothing in it that a document could not carry.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use series::{
    analysis::{Options, analyse},
    forecast::forecast,
    gaps,
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
    let found = analyse(&samples, as_of_ms, &options);
    assert!(found.step_seconds > 0.0 && (0.0..=1.0).contains(&found.coverage));
    if let Ok(forecast) = found.forecast {
        check(&forecast);
    }
    if let Ok(bridged) = gaps::bridged(&values)
        && let Ok(forecast) = forecast(&bridged, usize::from(*horizon))
    {
        check(&forecast);
    }
});

fn check(forecast: &series::forecast::Forecast) {
    for (step, mean) in forecast.mean.iter().enumerate() {
        assert!(mean.is_finite());
        assert!(forecast.lower[step] <= *mean && *mean <= forecast.upper[step]);
    }
}
