//! What takes its time, shown while it does: spinners on a terminal, one line a step elsewhere. All on stderr.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output;

/// The steps that are going on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    bars: MultiProgress,
}

/// One step. Dropped without [`Step::done`], it vanishes.
#[derive(Debug)]
pub(crate) struct Step {
    bars: MultiProgress,
    bar: ProgressBar,
    name: String,
    began: Instant,
}

impl Progress {
    /// Begins a step.
    pub(crate) fn step(&self, name: impl Into<String>) -> Step {
        let name = name.into();
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {msg:.dim}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        Step {
            bars: self.bars.clone(),
            bar,
            name,
            began: Instant::now(),
        }
    }

    /// Shows a line above the steps.
    pub(crate) fn line(&self, line: &str) {
        show(&self.bars, line);
    }
}

impl Step {
    /// Says what the step is at.
    pub(crate) fn at(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// Ends the step, with what came of it.
    pub(crate) fn done(self, result: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        show(
            &self.bars,
            &format!("  {}: {result} ({seconds:.1} s)", self.name),
        );
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn show(bars: &MultiProgress, line: &str) {
    if bars.is_hidden() {
        output::note(line);
    } else {
        // Only a closed terminal makes this fail.
        let _ = bars.println(line);
    }
}
