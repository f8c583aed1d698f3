//! Period detection: does the series repeat, and how often?

use std::{cell::RefCell, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::{
    moments::{centred, detrend, rescaled},
    products::dot,
    reason::refuse_unusable,
};

/// The shortest period looked for, samples.
const SHORTEST: usize = 4;
/// How many whole cycles the series must hold.
const CYCLES: usize = 3;
/// How many peaks of the periodogram are followed.
const PEAKS: usize = 6;
/// Each peak may be an overtone: its period and the multiples up to this are candidates.
const MULTIPLES: usize = 4;
/// The autocorrelation at the period must exceed this.
const ACCEPTED: f64 = 0.5;
/// And there must be a trough before it that is lower by this; else it is the slow decay of a series that remembers.
const TROUGH: f64 = 0.2;
/// A candidate replaces the best one if its autocorrelation is greater by this ...
const CLEARLY_BETTER: f64 = 0.05;
/// ... or if it is shorter and not worse by more than this: a multiple of a period is a period too.
const HARDLY_WORSE: f64 = 0.02;

/// A period found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Its length, samples, at least 4.
    pub samples: usize,
    /// The unbiased autocorrelation of the detrended series at the period, 0.5 to 1.
    pub score: f64,
}

/// Finds the period of a complete series, if it has one and the series holds at least three cycles of it.
///
/// Peaks of the periodogram (Schuster 1898) of the detrended series and their multiples are candidates; each is
/// refined to the nearest peak of the unbiased autocorrelation, which sees exact sample distances where the
/// periodogram only has bins (after Vlachos, Yu and Castelli 2005). The autocorrelation there is the score; it must
/// exceed 0.5 and a trough before the peak by 0.2. A series that no technique can work on has no period.
pub fn detect(values: &[f64]) -> Option<Period> {
    let n = values.len();
    if n < CYCLES * SHORTEST || refuse_unusable(values).is_err() {
        return None;
    }
    let (values, _) = rescaled(values);
    let mut residuals = centred(&values);
    let before = dot(&residuals, &residuals);
    detrend(&mut residuals);
    if dot(&residuals, &residuals) <= 1e-26 * before {
        return None;
    }
    let spectrum = Spectrum::of(&residuals)?;
    let longest = n / CYCLES;
    let correlogram = Correlogram::new(&spectrum.autoproducts, n, longest);
    let mut best: Option<Period> = None;
    for candidate in spectrum.candidates(longest) {
        let Some(found) = correlogram.peak_near(candidate) else {
            continue;
        };
        let better = best.is_none_or(|best| {
            found.score > best.score + CLEARLY_BETTER
                || (found.score > best.score - HARDLY_WORSE && found.samples < best.samples)
        });
        if better {
            best = Some(found);
        }
    }
    best.filter(|best| best.score > ACCEPTED)
        .map(|best| Period {
            score: best.score.min(1.0),
            ..best
        })
}

/// The periodogram, zero-padded to at least twice the length, and its inverse transform.
struct Spectrum {
    length: usize,
    power: Vec<f64>,
    autoproducts: Vec<f64>,
}

impl Spectrum {
    fn of(residuals: &[f64]) -> Option<Self> {
        let length = fast_length(2 * residuals.len() + 1);
        let transform = Transform::of(length);
        let mut padded = transform.forward.make_input_vec();
        padded[..residuals.len()].copy_from_slice(residuals);
        let mut transformed = transform.forward.make_output_vec();
        transform
            .forward
            .process(&mut padded, &mut transformed)
            .ok()?;
        let power: Vec<f64> = transformed.iter().map(Complex::norm_sqr).collect();
        for (value, power) in transformed.iter_mut().zip(&power) {
            *value = Complex::new(*power, 0.0);
        }
        transform
            .inverse
            .process(&mut transformed, &mut padded)
            .ok()?;
        Some(Self {
            length,
            power,
            autoproducts: padded,
        })
    }

    /// The periods of the greatest peaks and their multiples, greatest peak first.
    fn candidates(&self, longest: usize) -> impl Iterator<Item = usize> {
        let first = (self.length / longest).max(1);
        let last = (self.length / SHORTEST).min(self.power.len() - 1);
        let mut peaks: Vec<usize> = (first..last)
            .filter(|&bin| {
                self.power[bin] >= self.power[bin - 1] && self.power[bin] >= self.power[bin + 1]
            })
            .collect();
        let greatest_first =
            |a: &usize, b: &usize| self.power[*b].total_cmp(&self.power[*a]).then(a.cmp(b));
        if peaks.len() > PEAKS {
            peaks.select_nth_unstable_by(PEAKS, greatest_first);
            peaks.truncate(PEAKS);
        }
        peaks.sort_unstable_by(greatest_first);
        let length = self.length as f64;
        peaks
            .into_iter()
            .map(move |bin| (length / bin as f64).round() as usize)
            .flat_map(|period| (1..=MULTIPLES).map(move |multiple| period * multiple))
            .filter(move |period| (SHORTEST..=longest).contains(period))
    }
}

/// A Fourier transform of one length and its inverse.
#[derive(Clone)]
struct Transform {
    length: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl Transform {
    /// To plan one is as much work as to do it, and the series of a run are mostly of one length: each thread keeps the
    /// last.
    fn of(length: usize) -> Self {
        thread_local! {
            static LAST: RefCell<Option<Transform>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| match last {
            Some(last) if last.length == length => last.clone(),
            _ => last.insert(Self::planned(length)).clone(),
        })
    }

    fn planned(length: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        Self {
            length,
            forward: planner.plan_fft_forward(length),
            inverse: planner.plan_fft_inverse(length),
        }
    }
}

/// The unbiased autocorrelation and, for each lag, the lowest value before it.
struct Correlogram {
    n: usize,
    longest: usize,
    values: Vec<f64>,
    lowest_before: Vec<f64>,
}

impl Correlogram {
    fn new(autoproducts: &[f64], n: usize, longest: usize) -> Self {
        let values: Vec<f64> = autoproducts[..=longest + 1]
            .iter()
            .enumerate()
            .map(|(lag, product)| product / autoproducts[0] * n as f64 / (n - lag) as f64)
            .collect();
        let lowest_before = values
            .iter()
            .scan(f64::INFINITY, |lowest, &value| {
                let before = *lowest;
                *lowest = lowest.min(value);
                Some(before)
            })
            .collect();
        Self {
            n,
            longest,
            values,
            lowest_before,
        }
    }

    /// The peak within the resolution of the periodogram around a candidate.
    fn peak_near(&self, candidate: usize) -> Option<Period> {
        let width = (candidate / 20)
            .max(1)
            .max(candidate * candidate / (2 * self.n));
        let lags =
            candidate.saturating_sub(width).max(SHORTEST)..=(candidate + width).min(self.longest);
        let samples = lags.max_by(|&a, &b| self.values[a].total_cmp(&self.values[b]))?;
        let score = self.values[samples];
        let is_peak = score >= self.values[samples - 1] && score >= self.values[samples + 1];
        let stands_out = score >= TROUGH && score - self.lowest_before[samples] >= TROUGH;
        (is_peak && stands_out).then_some(Period { samples, score })
    }
}

/// The next even length that the transform does fast: a product of 2, 3 and 5.
fn fast_length(at_least: usize) -> usize {
    let mut length = at_least + at_least % 2;
    loop {
        let mut rest = length;
        for prime in [2, 3, 5] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
            }
        }
        if rest == 1 {
            return length;
        }
        length += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise in -0.5 to 0.5: the finaliser of `SplitMix64`.
    fn noise(index: usize) -> f64 {
        let mut bits = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    #[test]
    fn a_noisy_season_is_found() {
        for period in [7, 24, 60, 240] {
            let values: Vec<f64> = (0..1440)
                .map(|t| {
                    let phase = std::f64::consts::TAU * (t % period) as f64 / period as f64;
                    1e6 + 0.01 * t as f64 + 3.0 * phase.sin() + noise(t)
                })
                .collect();
            let found = detect(&values).unwrap();
            assert!(found.samples.abs_diff(period) <= 1, "{period}: {found:?}");
        }
    }

    #[test]
    fn noise_a_line_and_a_constant_have_no_period() {
        let noise: Vec<f64> = (0..1000).map(noise).collect();
        let line: Vec<f64> = (0..1000).map(f64::from).collect();
        for values in [&noise[..], &line, &[5.0; 100], &[1.0, 2.0]] {
            assert_eq!(detect(values), None);
        }
    }

    #[test]
    fn lengths_are_even_and_smooth() {
        let lengths = [11, 12, 13, 721, 5761].map(fast_length);
        assert_eq!(lengths, [12, 12, 16, 750, 5760 + 72]);
    }
}
