use series::analysis::{Options, analyse};

use super::*;

/// 12 h at 15 s of a daily shape with noise, times `scale`.
fn found(scale: f64) -> Analysis {
    let mut state = 1_u64;
    let mut noise = 0.0;
    let samples: Vec<(i64, f64)> = (1..=2_880)
        .map(|step| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            noise = 0.8 * noise + (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
            let season = (step as f64 / 120.0 * std::f64::consts::TAU).sin();
            (15_000 * step, scale * (50.0 + 5.0 * season + noise))
        })
        .collect();
    analyse(&samples, 15_000 * 2_880, &Options::default())
}

fn forecast_of(found: &Analysis) -> Forecast {
    let forecast = found.forecast.as_ref().unwrap();
    let as_of = Timestamp::from_millis(15_000 * 2_880).unwrap();
    let step = Duration::from_secs_f64(found.step_seconds);
    told(forecast, Baseline::default(), as_of, step)
}

fn digits(value: f64) -> usize {
    let text = value.to_string();
    text.chars().filter(char::is_ascii_digit).count()
}

#[test]
fn a_forecast_has_the_digits_that_say_something() {
    for scale in [1e-3, 1.0, 1e6] {
        let found = found(scale);
        let exact = found.forecast.as_ref().unwrap();
        let rounded = forecast_of(&found);
        for (k, point) in rounded.path.iter().enumerate() {
            let width = exact.upper[k] - exact.lower[k];
            for (told, exact) in [
                (point.mean, exact.mean[k]),
                (point.lower, exact.lower[k]),
                (point.median, exact.median[k]),
                (point.upper, exact.upper[k]),
            ] {
                assert!(
                    (told - exact).abs() <= 0.000_51 * width,
                    "{told} for {exact}"
                );
                assert!(digits(told) <= 8, "{told}");
            }
            assert!(point.lower <= point.lower_80.unwrap(), "{point:?}");
            assert!(point.upper_80.unwrap() <= point.upper, "{point:?}");
        }
    }
}

#[test]
fn any_range_has_the_probability_that_its_paths_give_it() {
    let found = found(1.0);
    let exact = found.forecast.as_ref().unwrap();
    let extremes = forecast_of(&found).path_extremes.unwrap();
    assert_eq!(extremes.len(), exact.paths.len());
    let sum: f64 = extremes.iter().map(|extreme| extreme.weight).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert!(extremes.is_sorted_by(|a, b| a.min <= b.min));
    for most in [50.0, 52.0, 54.0, 54.5, 55.0, 55.5, 56.0, 58.0] {
        let above = |values: &[f64]| values.iter().any(|value| *value > most);
        let of_paths = exact.paths.iter().filter(|path| above(&path.values));
        let of_paths: f64 = of_paths.map(|path| path.weight).sum();
        let of_extremes = extremes.iter().filter(|extreme| extreme.max > most);
        let of_extremes: f64 = of_extremes.map(|extreme| extreme.weight).sum();
        assert!(
            (of_paths - of_extremes).abs() < 0.02,
            "{most}: {of_paths} {of_extremes}"
        );
    }
}

#[test]
fn what_was_measured_keeps_its_digits() {
    let samples: Vec<(i64, f64)> = (1..=400).map(|step| (15_000 * step, 1.0 / 3.0)).collect();
    let found = analyse(&samples, 6_000_000, &Options::default());
    let forecast = forecast_of(&found);
    for value in [forecast.path[0].mean, forecast.average] {
        assert_eq!(value.to_bits(), (1.0_f64 / 3.0).to_bits(), "{value}");
    }
}

#[test]
fn correlations_have_fifteen_decimals_and_a_pattern_nine_digits() {
    let found = found(1.0);
    let as_of = Timestamp::from_millis(15_000 * 2_880).unwrap();
    let series = domain::Series {
        metric: "cpuUsage".parse().unwrap(),
        labels: domain::Labels::default(),
    };
    let reference = SeriesReference {
        series: series.id(),
        metric: series.metric,
        labels: series.labels,
        unit: None,
    };
    let document = metadata(reference, &found, as_of);
    let correlogram = document.autocorrelation.known().unwrap();
    let told = correlogram.correlogram.as_ref().unwrap();
    let exact = found.autocorrelation.as_ref().unwrap();
    for (told, exact) in told.values.iter().zip(&exact.values) {
        assert!((told - exact).abs() <= 5.6e-16, "{told} for {exact}");
        assert!(digits(*told) <= 16, "{told}");
    }
    let pattern = document.seasonality.known().unwrap().pattern.as_ref();
    let exact = found.seasonality.as_ref().unwrap().pattern.as_ref();
    for (told, exact) in pattern.unwrap().iter().zip(exact.unwrap()) {
        assert!((told - exact).abs() <= 1e-8, "{told} for {exact}");
        assert!(digits(*told) <= 11, "{told}");
    }
}
