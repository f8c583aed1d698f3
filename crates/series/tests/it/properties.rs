//! What must hold for any input.

use proptest::{collection::vec, prelude::*};
use series::{
    Options, Reason, analyse,
    autocorrelation::{Autocorrelation, autocorrelation},
    decomposition::decompose,
    forecast::{Forecast, forecast},
    gaps,
    grid::{Grid, GridOptions},
    kpss::{Bandwidth, kpss},
    period,
    seasonality::seasonality,
    stationarity::stationarity,
    summary::summarize,
    unit_root::{Deterministic, LagSelection, adf},
};

/// Any bits: NaN, infinities, denormals and the greatest numbers among them.
fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(0.0),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(5e-324),
        -1e3..1e3,
    ]
}

/// Numbers of one kind, so that most series are not refused at the door.
fn any_finite_series(lengths: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let scale = prop_oneof![
        Just(1.0),
        Just(5e-324),
        Just(1e-300),
        Just(1e10),
        Just(1e160),
        Just(f64::MAX)
    ];
    let offset = prop_oneof![Just(0.0), Just(1.0), Just(1e8)];
    let grain = prop_oneof![Just(0.0), Just(1.0), Just(0.25)];
    (scale, offset, grain, lengths).prop_flat_map(|(scale, offset, grain, length)| {
        vec(-1.0..1.0, length).prop_map(move |values| {
            let coarse = |value: f64| {
                if grain == 0.0 {
                    value
                } else {
                    (value / grain).round() * grain
                }
            };
            let place = |value: f64| ((coarse(value) + offset) * scale).clamp(f64::MIN, f64::MAX);
            values.into_iter().map(place).collect()
        })
    })
}

/// A walk, a season and noise: something that every technique has an answer to.
fn plain_series(lengths: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    (vec(-1.0..1.0, lengths), 0.0..5.0, 4.0..60.0, -0.9..1.0).prop_map(
        |(noise, height, period, memory): (Vec<f64>, f64, f64, f64)| {
            let mut state = 0.0;
            let mut series = Vec::with_capacity(noise.len());
            for (t, noise) in noise.into_iter().enumerate() {
                state = memory * state + noise;
                series.push(state + height * (std::f64::consts::TAU * t as f64 / period).sin());
            }
            series
        },
    )
}

fn all_finite<'a>(values: impl IntoIterator<Item = &'a f64>) -> bool {
    values.into_iter().all(|value| value.is_finite())
}

fn check_autocorrelation(found: &Autocorrelation) {
    assert!(found.values.iter().all(|value| value.abs() <= 1.0));
    assert!(found.p.iter().all(|p| (0.0..=1.0).contains(p)));
    assert!(all_finite(
        found.lower.iter().chain(&found.upper).chain(&found.q)
    ));
    assert!(found.memory_lags() < found.values.len());
}

fn check_forecast(found: &Forecast, steps: usize) {
    assert_eq!(found.mean.len(), steps);
    for step in 0..steps {
        let (lower, upper) = (found.lower[step], found.upper[step]);
        assert!(lower.is_finite() && upper.is_finite());
        assert!(lower <= found.mean[step] && found.mean[step] <= upper);
        assert!(lower <= found.median[step] && found.median[step] <= upper);
    }
    for estimate in [found.min, found.max, found.average] {
        assert!(estimate.lower <= estimate.value && estimate.value <= estimate.upper);
        assert!(estimate.lower.is_finite() && estimate.upper.is_finite());
    }
    assert!(found.min.value <= found.average.value && found.average.value <= found.max.value);
    assert!(!found.paths.is_empty() && found.paths.len() <= series::forecast::MAX_PATHS);
    assert!(
        found
            .paths
            .iter()
            .all(|path| path.values.len() == steps && all_finite(&path.values))
    );
    let weight: f64 = found.paths.iter().map(|path| path.weight).sum();
    assert!((weight - 1.0).abs() < 1e-9, "paths weigh {weight}");
    let weight: f64 = found.model.weights.iter().map(|(_, weight)| weight).sum();
    assert!((weight - 1.0).abs() < 1e-9, "candidates weigh {weight}");
    for bound in [found.min.value, found.average.value, f64::MAX] {
        let probability = found
            .probability(Some(-bound.abs()), Some(bound.abs()))
            .unwrap();
        assert!((0.0..=1.0).contains(&probability));
    }
}

/// Calls everything on the same values; whatever is said must be a number.
fn call_everything(values: &[f64], period: usize, steps: usize) {
    if let Some(found) = summarize(values) {
        assert!(
            found.min <= found.max && found.std.is_none_or(|std| std >= 0.0 && std.is_finite())
        );
    }
    if let Ok(found) = autocorrelation(values, None) {
        check_autocorrelation(&found);
    }
    for around in [Deterministic::Constant, Deterministic::Trend] {
        for selection in [
            LagSelection::Aic,
            LagSelection::Bic,
            LagSelection::TStatistic,
            LagSelection::None,
        ] {
            if let Ok(found) = adf(values, around, selection, None) {
                assert!(found.statistic.is_finite() && (0.0..=1.0).contains(&found.pvalue));
                assert!(found.icbest.is_none_or(f64::is_finite));
            }
        }
        for bandwidth in [Bandwidth::Automatic, Bandwidth::Legacy] {
            if let Ok(found) = kpss(values, around, bandwidth) {
                assert!(found.statistic >= 0.0 && found.statistic.is_finite());
                assert!((0.01..=0.1).contains(&found.pvalue) && found.lags < values.len());
            }
        }
    }
    let _ = stationarity(values);
    if let Ok(found) = decompose(values, period) {
        let inner = found.inner();
        assert!(all_finite(
            found.trend[inner.clone()].iter().chain(&found.resid[inner])
        ));
        assert!(all_finite(&found.seasonal));
    }
    if let Some(found) = period::detect(values) {
        assert!((0.0..=1.0).contains(&found.score) && 3 * found.samples <= values.len());
    }
    if let Ok(found) = seasonality(values, 15.0) {
        assert!(found.slope_per_hour.is_finite() && all_finite(found.pattern.iter().flatten()));
        let strengths = found.strengths.map(|found| [found.trend, found.season]);
        assert!(
            strengths
                .iter()
                .flatten()
                .all(|strength| (0.0..=1.0).contains(strength))
        );
    }
    if let Ok(found) = forecast(values, steps) {
        check_forecast(&found, steps);
    }
}

/// As many cases as take about 20 s together. `PROPTEST_CASES=1000000` makes a fuzz run of these.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig {
            cases: 1_500,
            ..config
        },
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_bits_make_anything_panic(values in vec(any_float(), 0..120), period in 0_usize..200, steps in 0_usize..50) {
        call_everything(&values, period, steps);
    }

    #[test]
    fn finite_values_of_any_size_give_finite_answers(values in any_finite_series(0..300), period in 1_usize..100, steps in 1_usize..50) {
        call_everything(&values, period, steps);
        if values.len() >= 4 {
            check_forecast(&forecast(&values, steps).unwrap(), steps);
        }
    }

    #[test]
    fn a_plain_series_has_every_answer(values in plain_series(100..400), steps in 1_usize..45) {
        call_everything(&values, 12, steps);
        prop_assert!(stationarity(&values).unwrap().adf.is_ok());
        prop_assert!(decompose(&values, 12).is_ok());
    }

    #[test]
    fn samples_in_any_state_are_analysed(
        samples in vec((-50_000_000_i64..1_000_000, any_float()), 0..400),
        as_of_ms in any::<i64>(),
    ) {
        let samples: Vec<(i64, f64)> = samples.into_iter().map(|(ago, value)| (as_of_ms.saturating_add(ago), value)).collect();
        let found = analyse(&samples, as_of_ms, &Options::default());
        prop_assert!(found.step_seconds > 0.0 && (0.0..=1.0).contains(&found.coverage));
    }

    #[test]
    fn the_order_of_samples_does_not_matter(samples in vec((0_i64..40_000_000, -1e3..1e3), 0..200), turn in any::<prop::sample::Index>()) {
        let mut samples = samples;
        samples.sort_by_key(|sample| sample.0);
        samples.dedup_by_key(|sample| sample.0);
        let expected = analyse(&samples, 40_000_000, &Options::default());
        if !samples.is_empty() {
            let turn = turn.index(samples.len());
            samples.rotate_left(turn);
        }
        prop_assert_eq!(analyse(&samples, 40_000_000, &Options::default()), expected);
    }

    #[test]
    fn scale_by_a_power_of_two_changes_no_test(values in plain_series(60..300), exponent in -40..40_i32) {
        let scale = 2.0_f64.powi(exponent);
        let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
        prop_assert_eq!(autocorrelation(&values, None), autocorrelation(&scaled, None));
        let test = |values: &[f64]| adf(values, Deterministic::Constant, LagSelection::Bic, None).map(|found| (found.lags, found.statistic));
        prop_assert_eq!(test(&values), test(&scaled));
        let test = |values: &[f64]| kpss(values, Deterministic::Trend, Bandwidth::Automatic);
        prop_assert_eq!(test(&values), test(&scaled));
        prop_assert_eq!(period::detect(&values), period::detect(&scaled));
        let (one, other) = (forecast(&values, 8).unwrap(), forecast(&scaled, 8).unwrap());
        for (one, other) in one.mean.iter().zip(&other.mean) {
            prop_assert!((one * scale - other).abs() <= 1e-9 * other.abs().max(scale));
        }
    }

    #[test]
    fn an_offset_moves_the_forecast_and_no_test(values in plain_series(60..300), offset in 1e3..1e6) {
        let moved: Vec<f64> = values.iter().map(|value| value + offset).collect();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(1.0);
        let (a, b) = (autocorrelation(&values, None).unwrap(), autocorrelation(&moved, None).unwrap());
        prop_assert!(a.values.iter().zip(&b.values).all(|(a, b)| near(*a, *b)));
        let (a, b) = (kpss(&values, Deterministic::Constant, Bandwidth::Legacy).unwrap(), kpss(&moved, Deterministic::Constant, Bandwidth::Legacy).unwrap());
        prop_assert!(near(a.statistic, b.statistic));
        let fixed = |values: &[f64]| adf(values, Deterministic::Constant, LagSelection::None, Some(3)).unwrap().statistic;
        prop_assert!(near(fixed(&values), fixed(&moved)));
        let (a, b) = (decompose(&values, 7).unwrap(), decompose(&moved, 7).unwrap());
        prop_assert!(a.seasonal.iter().zip(&b.seasonal).all(|(a, b)| near(*a, *b)));
        // What was never negative is clamped at zero wherever that is.
        prop_assume!(values.iter().any(|value| *value < 0.0));
        let (a, b) = (forecast(&values, 8).unwrap(), forecast(&moved, 8).unwrap());
        let parts = |found: &Forecast| [found.mean.clone(), found.lower.clone(), found.median.clone(), found.upper.clone()].concat();
        prop_assert!(parts(&a).iter().zip(&parts(&b)).all(|(a, b)| near(*a, b - offset)));
        prop_assert!(near(a.average.value, b.average.value - offset));
    }

    #[test]
    fn series_analysed_in_any_order_give_what_each_gives_alone(
        series in vec(plain_series(20..400), 2..5),
        order in vec(any::<prop::sample::Index>(), 1..8),
    ) {
        let analysed = |values: &[f64]| {
            let samples: Vec<(i64, f64)> = (0..).step_by(15_000).zip(values.iter().copied()).collect();
            analyse(&samples, samples.last().map_or(0, |last| last.0), &Options::default())
        };
        // A thread of its own knows of no other series.
        let alone: Vec<_> = series.iter().map(|values| std::thread::scope(|scope| scope.spawn(|| analysed(values)).join().unwrap())).collect();
        for index in order {
            let index = index.index(series.len());
            prop_assert_eq!(&analysed(&series[index]), &alone[index]);
        }
    }

    #[test]
    fn a_grid_is_complete_where_samples_stand(steps in 1_i64..500, offset_ms in 0_i64..15_000) {
        let as_of_ms = 1_764_000_000_000;
        let samples: Vec<(i64, f64)> = (0..steps).map(|back| (as_of_ms - offset_ms - 15_000 * back, back as f64)).collect();
        let grid = Grid::new(&samples, as_of_ms, &GridOptions { step: Some(std::time::Duration::from_secs(15)), ..GridOptions::default() });
        prop_assert_eq!(grid.values.len() as i64, steps);
        prop_assert!(all_finite(&grid.values));
        prop_assert_eq!(grid.longest_complete().len() as i64, steps);
    }

    #[test]
    fn bridging_keeps_what_is_known(values in vec(prop_oneof![3 => -1e3..1e3, 1 => Just(f64::NAN)], 1..200)) {
        match gaps::bridged(&values) {
            Ok(recent) => {
                let known = &values[values.len() - recent.len()..];
                prop_assert!(all_finite(&recent));
                prop_assert!(known.iter().zip(&recent).all(|(known, recent)| known.is_nan() || known.to_bits() == recent.to_bits()));
            }
            Err(Reason::Stale) => prop_assert!(values[values.len() - 1].is_nan()),
            Err(reason) => prop_assert_eq!(reason, Reason::TooShort),
        }
    }
}
