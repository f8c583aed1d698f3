//! Everything about one series in one call.

use std::time::Duration;

use series::{Options, Reason, analyse, forecast::Model, stationarity::Verdict};

const AS_OF_MS: i64 = 1_764_000_000_000;

fn every_quarter_minute(values: impl IntoIterator<Item = f64>) -> Vec<(i64, f64)> {
    let values: Vec<f64> = values.into_iter().collect();
    let first_ms = AS_OF_MS - 15_000 * (values.len() as i64 - 1);
    (0..)
        .map(|index| first_ms + 15_000 * index)
        .zip(values)
        .collect()
}

/// White noise in -0.5 to 0.5.
fn noise(index: usize) -> f64 {
    let mut bits = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn walk(length: usize) -> Vec<f64> {
    (0..length)
        .scan(100.0, |level, index| {
            *level += noise(index);
            Some(*level)
        })
        .collect()
}

fn seasonal(length: usize) -> Vec<f64> {
    let season = |t: usize| 5.0 * (std::f64::consts::TAU * t as f64 / 240.0).sin();
    (0..length).map(|t| 20.0 + season(t) + noise(t)).collect()
}

#[test]
fn twelve_hours_are_forecast_by_the_stack() {
    let found = analyse(
        &every_quarter_minute(seasonal(2880)),
        AS_OF_MS,
        &Options::default(),
    );
    assert_eq!(
        (found.step_seconds, found.coverage, found.samples_used),
        (15.0, 1.0, 2880)
    );
    let forecast = found.forecast.unwrap();
    assert_eq!(
        (forecast.mean.len(), forecast.model.name),
        (40, Model::STACK)
    );
    let period = forecast.model.period.unwrap();
    assert!(period.abs_diff(240) <= 1);
    assert!(forecast.model.why().contains("repeats every"));
    assert!(found.seasonality.unwrap().strengths.unwrap().season > 0.9);
}

#[test]
fn a_walk_has_a_unit_root_and_noise_has_none() {
    let verdict = |values: Vec<f64>| {
        let found = analyse(&every_quarter_minute(values), AS_OF_MS, &Options::default());
        found.stationarity.unwrap().verdict
    };
    assert_eq!(verdict(walk(2000)), Verdict::UnitRoot);
    assert_eq!(verdict((0..2000).map(noise).collect()), Verdict::Stationary);
    assert_eq!(
        verdict((0..2000).map(|t| noise(t) + 0.0002 * t as f64).collect()),
        Verdict::TrendStationary
    );
}

#[test]
fn what_cannot_be_said_has_a_reason() {
    let cases = [
        (vec![], Reason::TooShort, Some(Reason::TooShort)),
        (
            vec![1.0, 2.0, 3.0],
            Reason::TooShort,
            Some(Reason::TooShort),
        ),
        (vec![7.0; 100], Reason::Constant, None),
        (
            vec![f64::NAN; 100],
            Reason::TooShort,
            Some(Reason::TooShort),
        ),
        (
            vec![f64::INFINITY; 100],
            Reason::TooShort,
            Some(Reason::TooShort),
        ),
    ];
    for (values, reason, forecast) in cases {
        let found = analyse(&every_quarter_minute(values), AS_OF_MS, &Options::default());
        assert_eq!(found.autocorrelation.err(), Some(reason));
        assert_eq!(found.stationarity.err(), Some(reason));
        assert_eq!(found.seasonality.err(), Some(reason));
        assert_eq!(found.forecast.err(), forecast);
    }
}

#[test]
fn one_infinity_costs_one_sample() {
    let mut values = walk(1000);
    values[300] = f64::INFINITY;
    let found = analyse(&every_quarter_minute(values), AS_OF_MS, &Options::default());
    assert_eq!(found.samples_used, 699);
    assert_eq!(found.forecast.unwrap().model.name, Model::STACK);
}

#[test]
fn a_series_that_has_gone_has_statistics_but_no_forecast() {
    let samples = every_quarter_minute(walk(1000));
    let found = analyse(&samples, AS_OF_MS + 300_000, &Options::default());
    assert!(found.autocorrelation.is_ok());
    assert_eq!(found.forecast, Err(Reason::Stale));
}

#[test]
fn a_young_series_gets_the_simple_forecast() {
    for length in [4, 10, 63] {
        let found = analyse(
            &every_quarter_minute(walk(length)),
            AS_OF_MS,
            &Options::default(),
        );
        let forecast = found.forecast.unwrap();
        assert_eq!(
            (forecast.model.name, forecast.mean.len()),
            (Model::LAST_VALUE, 40)
        );
        assert!(forecast.lower[39] < forecast.upper[39]);
    }
}

#[test]
fn a_forecast_has_the_whole_steps_of_ten_minutes() {
    for (step_seconds, steps) in [
        (1, Ok(600)),
        (15, Ok(40)),
        (60, Ok(10)),
        (300, Ok(2)),
        (420, Ok(1)),
        (600, Ok(1)),
        (601, Err(Reason::StepExceedsHorizon)),
    ] {
        let mut options = Options::default();
        options.grid.step = Some(Duration::from_secs(step_seconds));
        let found = analyse(&every_quarter_minute(walk(2880)), AS_OF_MS, &options);
        let found = found.forecast.map(|forecast| forecast.mean.len());
        assert_eq!(found, steps, "{step_seconds}");
    }
}

#[test]
fn a_horizon_of_nothing_or_of_years_is_refused() {
    for seconds in [0, 1_000_000_000] {
        let options = Options {
            horizon: Duration::from_secs(seconds),
            ..Options::default()
        };
        let found = analyse(&every_quarter_minute(walk(100)), AS_OF_MS, &options);
        assert_eq!(found.forecast.err(), Some(Reason::InvalidHorizon));
    }
}

#[test]
fn four_hundred_thousand_samples_are_analysed() {
    let values = seasonal(400_000);
    let first_ms = AS_OF_MS - 100 * 399_999;
    let samples: Vec<(i64, f64)> = (first_ms..=AS_OF_MS).step_by(100).zip(values).collect();
    let options = Options {
        horizon: Duration::from_secs(4),
        ..Options::default()
    };
    let found = analyse(&samples, AS_OF_MS, &options);
    assert_eq!((found.step_seconds, found.samples_used), (0.1, 400_000));
    assert!(found.autocorrelation.is_ok() && found.stationarity.unwrap().adf.is_ok());
    let period = found.seasonality.unwrap().period.unwrap();
    assert!(period.samples.abs_diff(240) <= 1);
    let forecast = found.forecast.unwrap();
    assert_eq!(
        (forecast.model.name, forecast.mean.len()),
        (Model::STACK, 40)
    );
}

#[test]
fn one_sample_in_seven_missing_costs_no_forecast() {
    let samples: Vec<(i64, f64)> = (0..1000)
        .rev()
        .filter(|back| back % 7 != 3)
        .map(|back| (AS_OF_MS - 300_000 * back, noise(back as usize)))
        .collect();
    let mut options = Options::default();
    options.grid.window = Duration::from_secs(300 * 1000);
    let found = analyse(&samples, AS_OF_MS, &options);
    assert_eq!(found.samples_used, 6);
    assert_eq!(found.forecast.unwrap().model.name, Model::STACK);
}
