//! How far beyond its past a series may go within a horizon.

use super::{
    origins::{Origins, Table},
    quantile::weighted_quantiles,
};

/// Nine times of ten the series did not go farther beyond all that came before.
const LEVEL: f64 = 0.9;
/// Moments with less than this part of the series before them do not count.
const KNOWN: usize = 3;

/// The least and the greatest value that a path may have.
///
/// At each past moment the series had reached some greatest value, and exceeded it by some amount within the horizon, or
/// by 0. The .9 quantile of the amounts may be added to the greatest value of all; likewise for the least. Without limits if
/// the horizon is so long that no moment counts.
pub(super) fn limits(values: &[f64], origins: &Origins, came: &Table) -> (f64, f64) {
    let past = origins.past();
    let mut greatest = vec![f64::NEG_INFINITY; past.len()];
    let mut least = vec![f64::INFINITY; past.len()];
    for step in 0..came.steps() {
        for ((greatest, least), came) in greatest.iter_mut().zip(&mut least).zip(came.row(step)) {
            *greatest = greatest.max(*came);
            *least = least.min(*came);
        }
    }
    let (mut top, mut bottom) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut up, mut down) = (
        Vec::with_capacity(past.len()),
        Vec::with_capacity(past.len()),
    );
    let mut seen = 0;
    for (column, &origin) in past.iter().enumerate().rev() {
        for value in &values[seen..origin] {
            top = top.max(*value);
            bottom = bottom.min(*value);
        }
        seen = origin;
        if KNOWN * origin >= values.len() {
            up.push(((greatest[column] - top).max(0.0), 1.0));
            down.push(((bottom - least[column]).max(0.0), 1.0));
        }
    }
    for value in &values[seen..] {
        top = top.max(*value);
        bottom = bottom.min(*value);
    }
    if up.is_empty() {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let [up] = weighted_quantiles(&mut up, &[LEVEL]);
    let [down] = weighted_quantiles(&mut down, &[LEVEL]);
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
            let came = Table::of(10, origins.past(), |step| {
                let values = &values;
                move |origin| values[origin + step]
            });
            let (least, greatest) = limits(&values, &origins, &came);
            assert!((least - expected.0).abs() < 1e-9 && (greatest - expected.1).abs() < 1e-9);
        }
    }
}
