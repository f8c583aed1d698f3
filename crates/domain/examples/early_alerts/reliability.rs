//! How good each probability was, whatever alerts were made of it.

use crate::{
    forward::Run,
    past::{Mean, squared},
};

/// What was said next to what happened, in ten bins.
#[derive(Debug, Default)]
pub(crate) struct Reliability {
    bins: [Bin; 10],
    published: Mean,
    model: Mean,
    base_rate: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    said: Mean,
    happened: Mean,
}

impl Reliability {
    /// Adds a run that is not violated and whose outcome is known.
    pub(crate) fn add(&mut self, run: &Run) {
        let (Some(said), Some(model), Some(base_rate), Some(happened)) =
            (run.probability, run.model, run.base_rate, run.happened)
        else {
            return;
        };
        if run.is_violated {
            return;
        }
        let bin = &mut self.bins[((10.0 * said) as usize).min(9)];
        bin.said.add(said);
        bin.happened.add(f64::from(u8::from(happened)));
        self.published.add(squared(said, happened));
        self.model.add(squared(model, happened));
        self.base_rate.add(squared(base_rate, happened));
    }

    /// How many runs in which bin, what they said, and after how many it happened.
    pub(crate) fn bins(&self) -> Vec<String> {
        let cells = self.bins.iter().map(|bin| {
            let means = bin.said.get().zip(bin.happened.get());
            means.map_or("– | – | 0".to_owned(), |(said, happened)| {
                format!("{said:.3} | {happened:.3} | {}", bin.said.count)
            })
        });
        cells.collect()
    }

    /// The Brier scores of what was published, of the model and of the base rate, the expected calibration error of what
    /// was published, the share of runs that a violation came after, and their number.
    pub(crate) fn line(&self, name: &str) -> String {
        let shown = |mean: Mean| {
            mean.get()
                .map_or("–".to_owned(), |mean| format!("{mean:.4}"))
        };
        let count = self.published.count as f64;
        let happened: f64 = self.events() / count;
        format!(
            "| {name} | {} | {happened:.3} | {} | {} | {} | {:.3} |",
            self.published.count,
            shown(self.published),
            shown(self.model),
            shown(self.base_rate),
            self.calibration_error(),
        )
    }

    fn events(&self) -> f64 {
        let of = |bin: &Bin| bin.happened.get().unwrap_or(0.0) * bin.happened.count as f64;
        self.bins.iter().map(of).sum()
    }

    /// The mean distance of what a bin said from what happened (ECE).
    fn calibration_error(&self) -> f64 {
        let of = |bin: &Bin| {
            let means = bin.said.get().zip(bin.happened.get());
            means.map_or(0.0, |(said, happened)| {
                (said - happened).abs() * bin.said.count as f64
            })
        };
        self.bins.iter().map(of).sum::<f64>() / self.published.count as f64
    }
}

/// What the columns of [`Reliability::line`] are.
pub(crate) fn heading() -> &'static str {
    "| series | probabilities | happened | Brier | of the model alone | of the base rate | ECE |\n|---|---|---|---|---|---|---|"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(said: f64, happened: Option<bool>, is_violated: bool) -> Run {
        Run {
            minute: 0,
            is_violated,
            happened,
            probability: Some(said),
            model: Some(0.5),
            base_rate: Some(0.0),
            is_worth_it: true,
            linear: [None; 2],
        }
    }

    #[test]
    fn each_bin_says_what_was_said_and_what_happened() {
        let mut found = Reliability::default();
        for (said, happened, is_violated) in [
            (0.0, Some(false), false),
            (0.05, Some(false), false),
            (0.75, Some(true), false),
            (0.75, Some(false), false),
            (1.0, Some(true), false),
            // Neither counts.
            (0.3, None, false),
            (0.3, Some(true), true),
        ] {
            found.add(&run(said, happened, is_violated));
        }
        let bins = found.bins();
        assert_eq!(bins[0], "0.025 | 0.000 | 2");
        assert_eq!(bins[3], "– | – | 0");
        assert_eq!(bins[7], "0.750 | 0.500 | 2");
        assert_eq!(bins[9], "1.000 | 1.000 | 1");
        // (0.0025 + 0.0625 + 0.5625) / 5; 0.25; 2 / 5; (0.05 + 0.5) / 5.
        assert_eq!(
            found.line("all"),
            "| all | 5 | 0.400 | 0.1255 | 0.2500 | 0.4000 | 0.110 |"
        );
    }
}
