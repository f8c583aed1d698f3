//! The forecast of series whose future is known.

use series::{
    Reason,
    forecast::{MAX_PATHS, Model, forecast},
};

fn noise(index: usize) -> f64 {
    let mut bits = (index as u64 + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn cycle(length: usize) -> Vec<f64> {
    (0..length)
        .map(|t| 100.0 + 30.0 * (std::f64::consts::TAU * t as f64 / 60.0).sin() + noise(t))
        .collect()
}

#[test]
fn a_cycle_goes_on() {
    let all = cycle(740);
    let (past, future) = all.split_at(720);
    let found = forecast(past, 20).unwrap();
    assert_eq!(found.model.name, Model::STACK);
    for (said, came) in found.mean.iter().zip(future) {
        assert!((said - came).abs() < 3.0, "{said}, {came}");
    }
    let inside = (0..20)
        .filter(|&k| (found.lower[k]..=found.upper[k]).contains(&future[k]))
        .count();
    assert!(inside >= 17, "{inside}");
}

#[test]
fn a_small_noise_on_a_great_offset_is_forecast_as_well() {
    let near: Vec<f64> = cycle(720);
    let far: Vec<f64> = near.iter().map(|value| value + 1e10).collect();
    let (near, far) = (forecast(&near, 10).unwrap(), forecast(&far, 10).unwrap());
    for (near, far) in near.mean.iter().zip(&far.mean) {
        assert!((near - (far - 1e10)).abs() < 0.01, "{near}, {far}");
    }
}

#[test]
fn what_was_never_negative_stays_so() {
    let counts: Vec<f64> = (0..720)
        .map(|t| (6.0 * noise(t)).max(0.0).round())
        .collect();
    let found = forecast(&counts, 10).unwrap();
    assert!(found.lower.iter().all(|value| *value >= 0.0));
    assert!(
        found
            .paths
            .iter()
            .flat_map(|path| &path.values)
            .all(|value| *value >= 0.0)
    );
}

#[test]
fn the_same_values_give_the_same_bytes() {
    let values = cycle(720);
    let bytes = || format!("{:?}", forecast(&values, 40).unwrap());
    assert_eq!(bytes(), bytes());
}

#[test]
fn a_constant_series_is_certain() {
    let found = forecast(&[7.0; 20], 5).unwrap();
    assert_eq!(
        (found.model.name, found.mean),
        (Model::CONSTANT, vec![7.0; 5])
    );
    let found = forecast(&[7.0; 20], 5).unwrap();
    assert_eq!(found.probability(None, Some(7.0)), Ok(0.0));
    assert_eq!(found.probability(Some(8.0), None), Ok(1.0));
}

#[test]
fn no_finite_number_of_paths_is_certain() {
    let found = forecast(&cycle(720), 10).unwrap();
    let never = found.probability(Some(-1e9), Some(1e9)).unwrap();
    let always = found.probability(Some(1e9), None).unwrap();
    assert!(0.0 < never && never < 0.01 && 0.99 < always && always < 1.0);
    assert!((never + always - 1.0).abs() < 1e-12);
}

#[test]
fn an_impossible_range_is_refused() {
    let found = forecast(&cycle(100), 10).unwrap();
    for (min, max) in [
        (Some(2.0), Some(1.0)),
        (Some(f64::NAN), None),
        (None, Some(f64::NAN)),
    ] {
        assert_eq!(found.probability(min, max), Err(Reason::InvalidRange));
    }
}

#[test]
fn paths_stay_within_their_number_for_any_length() {
    for length in (64..2000).step_by(29) {
        let found = forecast(&cycle(length), 10).unwrap();
        assert!(
            found.paths.len() <= MAX_PATHS,
            "{length}: {}",
            found.paths.len()
        );
        assert_eq!(found.model.name, Model::STACK, "{length}");
    }
}

#[test]
fn a_rule_about_whole_paths_can_be_asked() {
    let found = forecast(&cycle(720), 10).unwrap();
    let rising = found.probability_that(|path| path.windows(2).all(|pair| pair[1] > pair[0]));
    let any = found.probability_that(|_| true);
    assert!((0.0..=1.0).contains(&rising) && rising < any);
}

#[test]
fn many_paths_weigh_something_however_long_the_history_is() {
    let walk = |length: usize| -> Vec<f64> {
        let step = |level: &mut f64, index| {
            *level += noise(index);
            Some(*level)
        };
        (0..length).scan(0.0, step).collect()
    };
    let white = |length: usize| -> Vec<f64> { (0..length).map(noise).collect() };
    for (length, steps) in [(2880, 40), (8640, 120), (43_200, 40), (43_200, 600)] {
        for values in [cycle(length), walk(length), white(length)] {
            let found = forecast(&values, steps).unwrap();
            let squares: f64 = found.paths.iter().map(|path| path.weight.powi(2)).sum();
            let effective = 1.0 / squares;
            assert!(effective > 20.0, "{length}, {steps}: {effective}");
        }
    }
}

#[test]
fn a_steady_counter_goes_on_and_is_not_expected_back() {
    let mut count = 1e6;
    let all: Vec<f64> = (0..760)
        .map(|t| {
            count += 8.0 + 4.0 * noise(t);
            count
        })
        .collect();
    let (past, future) = all.split_at(720);
    let found = forecast(past, 40).unwrap();
    for (step, came) in future.iter().enumerate() {
        assert!((found.mean[step] - came).abs() < 20.0, "{step}");
        assert!(found.lower[step] > past[700] && found.upper[step] < came + 100.0);
    }
    assert!(found.probability(None, Some(past[719])).unwrap() > 0.97);
    assert!(found.probability(Some(past[600]), None).unwrap() < 0.03);
}

#[test]
fn the_intervals_of_the_horizon_agree_with_the_band() {
    for length in [10, 60, 64, 96, 240, 720] {
        for steps in [1, 10, 40] {
            let found = forecast(&cycle(length), steps).unwrap();
            let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest =
                |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(found.min.lower <= least(&found.lower));
            assert!(found.max.upper >= greatest(&found.upper));
            assert!(
                found.min.value <= found.average.value && found.average.value <= found.max.value
            );
        }
    }
}

#[test]
fn a_short_past_makes_wide_bands() {
    let width = |length: usize| {
        let found = forecast(&cycle(length), 40).unwrap();
        let widths = found.upper.iter().zip(&found.lower);
        widths.map(|(upper, lower)| upper - lower).sum::<f64>()
    };
    assert!(width(240) > width(720));
}
