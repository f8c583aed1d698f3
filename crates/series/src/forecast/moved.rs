//! What came after past moments, moved to another moment.

use super::{
    extremes::{Extremes, extremes, greater, lesser},
    origins::{Origins, Table},
};
use crate::products::distance;

/// A gap between forecasts within this share of the mean absolute error of the step says nothing.
const TOLERANCE: f64 = 0.7;

/// How a continuation is moved from the moment it followed to the one it is a path of.
#[derive(Clone, Copy)]
pub(super) enum Shift {
    /// By the gap between the forecasts made at both moments.
    Gap,
    /// By what this gap exceeds the tolerance.
    Excess,
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
    /// The least and the greatest value of each continuation.
    pub(super) reached: Extremes,
    /// What was said at each moment, one moment after the other.
    said: Vec<f64>,
    /// The tolerance of each step.
    tolerated: Vec<f64>,
}

impl<'a> Moved<'a> {
    pub(super) fn new(values: &'a [f64], origins: &'a Origins, came: &Table, said: &Table) -> Self {
        let steps = came.steps();
        let past = origins.present();
        let mut by_moment = Vec::with_capacity((past + 1) * steps);
        for moment in 0..=past {
            by_moment.extend(said.column(moment));
        }
        let tolerated = (0..steps).map(|step| {
            let missed = distance(came.row(step), &said.row(step)[..past]);
            TOLERANCE * missed / past as f64
        });
        let tolerated = tolerated.collect();
        Self {
            values,
            origins,
            steps,
            reached: Extremes::new(values, steps),
            said: by_moment,
            tolerated,
        }
    }

    /// Adds the values of a path of the moment in column `now`.
    pub(super) fn push(&self, member: Member, shift: Shift, now: usize, path: &mut Vec<f64>) {
        let came = &self.values[member.origin..][..self.steps];
        match shift {
            Shift::Gap => path.extend(
                self.gaps(member, now)
                    .zip(came)
                    .map(|(gap, came)| came + gap),
            ),
            Shift::Excess => {
                let gaps = self.gaps(member, now).zip(&self.tolerated);
                path.extend(
                    gaps.zip(came)
                        .map(|((gap, tolerated), came)| came + excess(gap, *tolerated)),
                );
            }
            Shift::Last { share } => {
                let gap = self.last_gap(member, share, now);
                path.extend(came.iter().map(|came| came + gap));
            }
        }
    }

    /// The least and the greatest value of such a path; `path` is room for its values.
    pub(super) fn extremes(
        &self,
        member: Member,
        shift: Shift,
        now: usize,
        path: &mut Vec<f64>,
    ) -> (f64, f64) {
        if let Shift::Last { share } = shift {
            let gap = self.last_gap(member, share, now);
            let Extremes { least, greatest } = &self.reached;
            return (least[member.origin] + gap, greatest[member.origin] + gap);
        }
        path.clear();
        self.push(member, shift, now, path);
        extremes(path)
    }

    fn gaps(&self, member: Member, now: usize) -> impl Iterator<Item = f64> {
        let said = self.said_at(now).iter().zip(self.said_at(member.column));
        said.map(|(now, then)| now - then)
    }

    fn last_gap(&self, member: Member, share: f64, now: usize) -> f64 {
        let last = |origin: usize| self.values[origin - 1];
        share * (last(self.origins.all[now]) - last(member.origin))
    }

    fn said_at(&self, column: usize) -> &[f64] {
        &self.said[column * self.steps..][..self.steps]
    }
}

/// What is left of a gap beyond a tolerance on either side.
fn excess(gap: f64, tolerated: f64) -> f64 {
    gap - greater(lesser(gap, tolerated), -tolerated)
}
