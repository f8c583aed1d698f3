//! How far beyond its past a series may go within a horizon.

use super::{
    extremes::{Extremes, greater, lesser},
    origins::Origins,
    quantile::Quantiles,
};

/// Nine times of ten the series did not go farther beyond all that came before.
const LEVEL: f64 = 0.9;
/// Moments with less than this part of the series before them do not count.
const KNOWN: usize = 3;

/// The least and the greatest value that a path may have, given those of every horizon.
///
/// At each past moment the series had reached some greatest value, and exceeded it by some amount within the horizon, or
/// by 0. The .9 quantile of the amounts may be added to the greatest value of all; likewise for the least. Without limits if
/// the horizon is so long that no moment counts.
pub(super) fn limits(values: &[f64], origins: &Origins, reached: &Extremes) -> (f64, f64) {
    let (mut top, mut bottom) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut extend = |values: &[f64]| {
        for value in values {
            (bottom, top) = (lesser(bottom, *value), greater(top, *value));
        }
        (bottom, top)
    };
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let mut seen = 0;
    for &origin in origins.past().iter().rev() {
        let (bottom, top) = extend(&values[seen..origin]);
        seen = origin;
        if KNOWN * origin >= values.len() {
            up.push((reached.greatest[origin] - top).max(0.0));
            down.push((bottom - reached.least[origin]).max(0.0));
        }
    }
    let (bottom, top) = extend(&values[seen..]);
    if up.is_empty() {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let weights = vec![1.0; up.len()];
    let mut quantiles = Quantiles::of(&weights);
    let [up] = quantiles.at(&up, &[LEVEL]);
    let [down] = quantiles.at(&down, &[LEVEL]);
    (bottom - down, top + up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_go_on_and_a_cycle_may_not_exceed_itself() {
        let line: Vec<f64> = (0..300).map(f64::from).collect();
        let cycle: Vec<f64> = (0..300).map(|t| f64::from(t % 20)).collect();
        for (values, expected) in [(line, (0.0, 309.0)), (cycle, (0.0, 19.0))] {
            let origins = Origins::spread(values.len(), 10).unwrap();
            let (least, greatest) = limits(&values, &origins, &Extremes::new(&values, 10));
            assert!((least - expected.0).abs() < 1e-9 && (greatest - expected.1).abs() < 1e-9);
        }
    }
}
