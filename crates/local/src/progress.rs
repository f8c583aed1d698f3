//! What takes its time, shown while it does: spinners on a terminal, elsewhere a line at the end of a step, and
//! one every 30 s while it goes on. All on stderr.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

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
    /// Where there is no terminal: when a line was last written.
    written: Mutex<Instant>,
}

/// How often a step that goes on says what it is at, where there is no terminal.
const PAUSE: Duration = Duration::from_secs(30);

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
            written: Mutex::new(Instant::now()),
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
        let what = what.into();
        if self.bars.is_hidden() {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            if written.elapsed() >= PAUSE {
                *written = Instant::now();
                output::note(&format!("  {}: {what}", self.name));
            }
        }
        self.bar.set_message(what);
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
