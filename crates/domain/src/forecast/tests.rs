use super::{
    testing::{forecast, recent},
    *,
};
use crate::{series::Sample, time::Timestamp};

#[test]
fn a_band_holds_the_point_that_is_told() {
    let mut told = forecast();
    told.baseline.as_mut().unwrap().last_value = Some(99.0);
    told.prefer_the_better(recent(1_000.0, 0.0));
    assert!(
        told.path
            .iter()
            .all(|step| step.lower < 8.1 && step.upper > 98.9)
    );
    assert!(told.max > 98.9 && told.intervals.max.upper > 98.9);
    assert!(told.average > 98.9 && told.intervals.average.upper > 98.9);
}

#[test]
fn a_forecast_of_old_is_told_as_it_is() {
    let mut told = forecast();
    told.baseline = None;
    told.prefer_the_better(recent(1_000.0, 1_000.0));
    assert_eq!(told.path, forecast().path);
}

#[test]
fn the_baseline_is_the_newest_sample_and_quantiles_of_all() {
    let of = |values: &[f64]| {
        let samples = values.iter().enumerate();
        let samples = samples.map(|(k, value)| Sample {
            time: Timestamp::from_millis(1000 * k as i64).unwrap(),
            value: *value,
        });
        Baseline::of(&samples.collect::<Vec<_>>())
    };
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    let found = of(&hundred);
    assert_eq!(
        (found.last_value, found.climatology),
        (Some(1.0), Some([3.0, 50.0, 98.0]))
    );
    assert_eq!(of(&[7.0]).climatology, Some([7.0; 3]));
    assert_eq!(of(&[]), Baseline::default());
    let infinite = of(&[1.0, 2.0, f64::INFINITY]);
    assert_eq!((infinite.last_value, infinite.climatology), (None, None));
}
