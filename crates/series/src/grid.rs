//! Hygiene: from irregular samples to a grid of equal steps.
//!
//! Scrapes jitter, miss and restart. A [`Grid`] ends at `as_of` and has a point every step before it; each point holds
//! what stands there: the newest sample at or before it, if that is younger than the staleness. This is Prometheus'
//! own rule for the value of a series at a time.

use std::time::Duration;

use crate::{
    Reason,
    gaps::{bridged, longest_complete},
};

/// The step of a series that has too few samples to tell: 15 s.
const UNKNOWN_STEP_MS: i64 = 15_000;
/// The most points a grid may have; of a longer one the newest are kept.
const MAX_POINTS: i64 = 500_000;
/// A step this near to whole seconds, as a share of it, is those seconds: the rest is jitter.
const JITTER: f64 = 0.01;

/// How samples are put onto a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridOptions {
    /// How far back from `as_of` the grid looks. Default 12 h.
    pub window: Duration,
    /// The distance of the points; by default the median distance of the samples, of which those that replicas took
    /// together count as one.
    pub step: Option<Duration>,
    /// For how long a sample stands. Default 5 min. It always stands for one step.
    pub staleness: Duration,
}

impl Default for GridOptions {
    fn default() -> Self {
        Self {
            window: Duration::from_hours(12),
            step: None,
            staleness: Duration::from_mins(5),
        }
    }
}

/// A series at equal distances, the last point at `as_of`.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The time of the first point, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// The distance of two points, milliseconds, at least 1.
    pub step_ms: i64,
    /// The values, oldest first; NaN where nothing stands. Infinities count as nothing: no mean contains them.
    pub values: Vec<f64>,
    /// The share of the points of the whole window that have a value, 0 to 1; what lies before the first sample
    /// counts as missing.
    pub coverage: f64,
}

impl Grid {
    /// Puts samples of (milliseconds since the Unix epoch, value) onto a grid that ends at `as_of_ms`.
    ///
    /// The samples may come in any order. NaN is dropped, of several values at one time the last one counts, and what
    /// is later than `as_of_ms` or older than the window is not seen.
    pub fn new(samples: &[(i64, f64)], as_of_ms: i64, options: &GridOptions) -> Self {
        let mut samples = cleaned(samples, as_of_ms, milliseconds(options.window));
        let step_ms = match options.step {
            Some(step) => milliseconds(step),
            None => {
                samples = without_replicas(samples, milliseconds(options.staleness));
                usual_step_ms(&samples)
            }
        }
        .max(1);
        let hold_ms = milliseconds(options.staleness).max(step_ms);
        let points = match samples.first() {
            Some(&(first_ms, _)) => as_of_ms.saturating_sub(first_ms) / step_ms + 1,
            None => 0,
        }
        .min(MAX_POINTS);
        let start_ms = as_of_ms.saturating_sub(step_ms.saturating_mul((points - 1).max(0)));
        let mut newest = None;
        let mut coming = samples.iter().copied().peekable();
        let values: Vec<f64> = (0..points)
            .map(|point| {
                let time_ms = start_ms + point * step_ms;
                while let Some(sample) = coming.next_if(|&(at_ms, _)| at_ms <= time_ms) {
                    newest = Some(sample);
                }
                match newest {
                    Some((at_ms, value)) if time_ms - at_ms < hold_ms && value.is_finite() => value,
                    _ => f64::NAN,
                }
            })
            .collect();
        let known = values.iter().filter(|value| !value.is_nan()).count();
        let expected = (milliseconds(options.window) / step_ms).max(1);
        Self {
            start_ms,
            step_ms,
            coverage: (known as f64 / expected as f64).min(1.0),
            values,
        }
    }

    /// The step in seconds.
    pub fn step_seconds(&self) -> f64 {
        self.step_ms as f64 / 1000.0
    }

    /// The longest stretch without a missing value; see [`crate::gaps`].
    pub fn longest_complete(&self) -> &[f64] {
        longest_complete(&self.values)
    }

    /// The history a forecast starts from; see [`bridged`].
    ///
    /// # Errors
    ///
    /// Those of [`bridged`].
    pub fn recent(&self) -> Result<Vec<f64>, Reason> {
        bridged(&self.values)
    }
}

/// Sorted by time, without NaN, one value a time, inside `(as_of - window, as_of]`.
fn cleaned(samples: &[(i64, f64)], as_of_ms: i64, window_ms: i64) -> Vec<(i64, f64)> {
    let oldest_ms = as_of_ms.saturating_sub(window_ms);
    let mut kept: Vec<(i64, f64)> = samples
        .iter()
        .copied()
        .filter(|&(time_ms, value)| time_ms > oldest_ms && time_ms <= as_of_ms && !value.is_nan())
        .collect();
    if !kept.is_sorted_by_key(|&(time_ms, _)| time_ms) {
        kept.sort_by_key(|&(time_ms, _)| time_ms);
    }
    kept.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = later.1;
        }
        same
    });
    kept
}

/// The samples without what other replicas of a scraper took at about the same time: of those that are closer than a tenth
/// of the usual interval to the first of them the latest counts.
fn without_replicas(samples: Vec<(i64, f64)>, staleness_ms: i64) -> Vec<(i64, f64)> {
    let close_ms = usual_interval_ms(&samples, staleness_ms) / 10;
    let mut kept: Vec<(i64, f64)> = Vec::with_capacity(samples.len());
    let mut first_ms = i64::MIN;
    for sample in samples {
        match kept.last_mut() {
            Some(last) if sample.0 - first_ms < close_ms => *last = sample,
            _ => {
                first_ms = sample.0;
                kept.push(sample);
            }
        }
    }
    kept
}

/// The distance of neighbours that half of the time is covered by: replicas, however many, make many short distances that
/// cover little time. What is longer than the staleness is a gap, unless everything is.
fn usual_interval_ms(samples: &[(i64, f64)], staleness_ms: i64) -> i64 {
    let distances = samples.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let mut distances: Vec<i64> = distances.collect();
    distances.sort_unstable();
    let short = distances.partition_point(|distance| *distance <= staleness_ms);
    if short > 0 {
        distances.truncate(short);
    }
    let half = distances.iter().sum::<i64>() / 2;
    let mut covered = 0;
    for distance in &distances {
        covered += distance;
        if covered >= half {
            return *distance;
        }
    }
    0
}

/// The median distance of neighbours, whole seconds if it is near enough.
fn usual_step_ms(samples: &[(i64, f64)]) -> i64 {
    let mut distances: Vec<i64> = samples
        .windows(2)
        .map(|pair| pair[1].0 - pair[0].0)
        .collect();
    if distances.is_empty() {
        return UNKNOWN_STEP_MS;
    }
    let middle = distances.len() / 2;
    let step_ms = *distances.select_nth_unstable(middle).1;
    let seconds_ms = step_ms.saturating_add(500) / 1000 * 1000;
    if seconds_ms > 0 && (step_ms - seconds_ms).abs() as f64 <= JITTER * step_ms as f64 {
        seconds_ms
    } else {
        step_ms
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AS_OF: i64 = 1_764_000_000_000;

    fn every(step_ms: i64, count: i64) -> Vec<(i64, f64)> {
        (0..count)
            .rev()
            .map(|back| (AS_OF - back * step_ms, back as f64))
            .collect()
    }

    fn grid(samples: &[(i64, f64)]) -> Grid {
        Grid::new(samples, AS_OF, &GridOptions::default())
    }

    #[test]
    fn a_regular_series_is_its_own_grid() {
        let grid = grid(&every(15_000, 2880));
        assert_eq!((grid.step_ms, grid.values.len()), (15_000, 2880));
        assert_eq!((grid.coverage, grid.start_ms), (1.0, AS_OF - 2879 * 15_000));
        assert_eq!(grid.longest_complete().len(), 2880);
    }

    #[test]
    fn jitter_does_not_change_the_step() {
        let mut samples = every(15_000, 100);
        for (index, sample) in samples.iter_mut().enumerate() {
            sample.0 -= 100 + (index as i64 * 7) % 23;
        }
        assert_eq!(grid(&samples).step_ms, 15_000);
    }

    #[test]
    fn replicas_scrape_as_one() {
        for (replicas, apart_ms) in [(2, 700), (2, 20), (3, 400), (4, 300)] {
            let alone = every(15_000, 400);
            let samples: Vec<(i64, f64)> = alone
                .iter()
                .flat_map(|&(time_ms, value)| {
                    (0..replicas).map(move |replica| (time_ms - replica * apart_ms, value))
                })
                .collect();
            let grid = grid(&samples);
            assert_eq!(grid.step_ms, 15_000, "{replicas} replicas");
            let expected: Vec<f64> = alone.iter().map(|sample| sample.1).collect();
            assert_eq!(grid.values, expected);
        }
    }

    #[test]
    fn the_later_of_two_replicas_counts() {
        let samples: Vec<(i64, f64)> = every(15_000, 100)
            .into_iter()
            .flat_map(|(time_ms, _)| [(time_ms - 900, 1.0), (time_ms - 100, 2.0)])
            .collect();
        assert_eq!(grid(&samples).values, [2.0; 100]);
    }

    #[test]
    fn gaps_bursts_and_a_change_of_the_interval_make_no_replicas() {
        let mut with_outage = every(15_000, 2_880);
        with_outage.drain(400..2_400);
        let mut faster = every(60_000, 360);
        faster.retain(|sample| sample.0 < AS_OF - 10_800_000);
        faster.extend(every(15_000, 720));
        for (samples, step_ms) in [
            (with_outage, 15_000),
            // 30 s and 60 s, as servers that thin out have it.
            (
                every(30_000, 300)
                    .into_iter()
                    .enumerate()
                    .filter(|(position, _)| position % 5 != 0)
                    .map(|(_, sample)| sample)
                    .collect(),
                30_000,
            ),
            (faster, 15_000),
            (every(1_800_000, 24), 1_800_000),
        ] {
            assert_eq!(grid(&samples).step_ms, step_ms);
        }
    }

    #[test]
    fn order_and_duplicates_do_not_matter() {
        let samples = every(60_000, 50);
        let mut shuffled = samples.clone();
        shuffled.reverse();
        shuffled.insert(0, (samples[10].0, -1.0));
        assert_eq!(grid(&shuffled), grid(&samples));
    }

    #[test]
    fn a_short_gap_holds_the_last_value_and_a_long_one_is_missing() {
        let mut samples = every(60_000, 60);
        samples.drain(20..23);
        samples.drain(40..47);
        let grid = grid(&samples);
        assert_eq!(grid.values[20..23], [40.0; 3]);
        let missing = grid.values.iter().filter(|value| value.is_nan()).count();
        assert_eq!(
            missing, 3,
            "seven are gone, the last value stands for four of them"
        );
        assert_eq!(grid.longest_complete().len(), 47);
    }

    #[test]
    fn a_series_that_has_gone_has_no_recent_history() {
        let samples: Vec<(i64, f64)> = every(15_000, 100)
            .into_iter()
            .map(|(time_ms, value)| (time_ms - 300_000, value))
            .collect();
        assert_eq!(grid(&samples).recent(), Err(Reason::Stale));
        assert_eq!(grid(&[]).recent(), Err(Reason::TooShort));
    }

    #[test]
    fn the_future_is_not_seen() {
        let mut samples = every(15_000, 10);
        samples.push((AS_OF + 1, 99.0));
        assert_eq!(grid(&samples), grid(&samples[..10]));
    }

    #[test]
    fn two_samples_far_apart_make_a_bounded_grid() {
        let options = GridOptions {
            step: Some(Duration::from_millis(1)),
            ..GridOptions::default()
        };
        let grid = Grid::new(&[(AS_OF - 40_000_000, 1.0), (AS_OF, 2.0)], AS_OF, &options);
        assert_eq!(grid.values.len(), 500_000);
        assert_eq!(grid.values.last(), Some(&2.0));
    }
}
