//! What came after past moments, moved to another moment.

use super::origins::{Origins, Table};

/// How a continuation is moved from the moment it followed to the one it is a path of.
#[derive(Clone, Copy)]
pub(super) enum Shift {
    /// By what the gap between the forecasts made at both moments exceeds this share of the mean absolute error of the
    /// step: a gap within it says nothing.
    Gap { tolerance: f64 },
    /// By this share of the gap between the last values at both moments.
    Last { share: f64 },
}

/// A continuation that is a path of another moment.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// The moment it followed.
    pub(super) origin: usize,
    /// The column of that moment, if it is moved by a gap between forecasts.
    pub(super) column: usize,
    /// Its weight, above 0.
    pub(super) weight: f64,
}

/// The values that came, and what was said at each moment.
pub(super) struct Moved<'a> {
    values: &'a [f64],
    origins: &'a Origins,
    steps: usize,
    /// What was said at each moment, one moment after the other.
    said: Vec<f64>,
    /// The mean absolute error of each step.
    errors: Vec<f64>,
}

impl<'a> Moved<'a> {
    pub(super) fn new(values: &'a [f64], origins: &'a Origins, came: &Table, said: &Table) -> Self {
        let steps = came.steps();
        let past = origins.present();
        let mut by_moment = vec![0.0; (past + 1) * steps];
        let mut errors = Vec::with_capacity(steps);
        for step in 0..steps {
            let row = &said.row(step)[..=past];
            for (moment, said) in by_moment.chunks_exact_mut(steps).zip(row) {
                moment[step] = *said;
            }
            let missed = came
                .row(step)
                .iter()
                .zip(row)
                .map(|(came, said)| (came - said).abs());
            errors.push(missed.sum::<f64>() / past as f64);
        }
        Self {
            values,
            origins,
            steps,
            said: by_moment,
            errors,
        }
    }

    /// The values of a path of the moment in column `now`.
    pub(super) fn path(&self, member: Member, shift: Shift, now: usize) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.steps);
        self.each(member, shift, now, |value| values.push(value));
        values
    }

    /// The least and the greatest value of such a path.
    pub(super) fn extremes(&self, member: Member, shift: Shift, now: usize) -> (f64, f64) {
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        self.each(member, shift, now, |value| {
            least = least.min(value);
            greatest = greatest.max(value);
        });
        (least, greatest)
    }

    fn each(&self, member: Member, shift: Shift, now: usize, mut take: impl FnMut(f64)) {
        let came = &self.values[member.origin..member.origin + self.steps];
        match shift {
            Shift::Gap { tolerance } => {
                let (said_now, said_then) = (self.said_at(now), self.said_at(member.column));
                let said = said_now.iter().zip(said_then).zip(&self.errors);
                for (came, ((now, then), error)) in came.iter().zip(said) {
                    let gap = now - then;
                    let excess = (gap.abs() - tolerance * error).max(0.0);
                    take(came + excess.copysign(gap));
                }
            }
            Shift::Last { share } => {
                let last = |origin: usize| self.values[origin - 1];
                let gap = share * (last(self.origins.all[now]) - last(member.origin));
                for came in came {
                    take(came + gap);
                }
            }
        }
    }

    fn said_at(&self, column: usize) -> &[f64] {
        &self.said[column * self.steps..][..self.steps]
    }
}
