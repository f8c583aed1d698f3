//! Pools: what really followed moments of the past, as paths of another moment.

use std::ops::Range;

use super::{
    moved::{Member, Shift},
    origins::{Origins, by_age},
    repetition::Repetition,
    similarity::{Neighbour, Similarity},
};

/// How many pools there are.
pub(super) const POOLS: usize = 8;

/// The usual shares of the pools in the order of [`Sources::pools`]; the last one's counts only if the series repeats itself.
pub(super) const USUAL: [f64; POOLS] = [0.35, 0.33, 0.06, 0.15, 0.04, 0.03, 0.02, 0.08];
/// The pools that stay where the series was: of a series that goes elsewhere they are worth little.
pub(super) const STAYING: [usize; 3] = [2, 4, 6];

/// The nearest moments: this share of all, but at least so many; and the few nearest.
const NEAR: (f64, usize) = (0.2, 40);
const FEW: (f64, usize) = (0.1, 20);
/// The analogs: this share of all, but at least so many.
pub(super) const ANALOGS: (f64, usize) = (1.0 / 6.0, 30);
/// At most so many members of each pool; together at most [`super::MAX_PATHS`].
const MOST: [usize; POOLS] = [40, 30, 20, 40, 20, 15, 15, 20];
/// An analog is moved by this share of its gap.
pub(super) const ANALOG_SHARE: f64 = 0.5;
/// How much weight the farthest neighbour loses, and the least that is left.
const DISTANCE_FADING: f64 = 0.8;
const FAINTEST: f64 = 0.02;
/// What followed a repetition is taken up to so many samples earlier and later, each losing this much weight.
const AROUND: usize = 2;
const AROUND_FADING: f64 = 0.3;

/// Continuations that are moved in one way.
pub(super) struct Pool {
    pub(super) shift: Shift,
    pub(super) members: Vec<Member>,
}

/// What pools are made of.
pub(super) struct Sources<'a> {
    pub(super) steps: usize,
    pub(super) origins: &'a Origins,
    pub(super) similarity: &'a Similarity<'a>,
    pub(super) repetition: Option<&'a Repetition>,
}

impl Sources<'_> {
    /// The columns of the moments whose horizon was over at the one in column `now`.
    pub(super) fn older(&self, now: usize) -> Range<usize> {
        let origin = self.origins.all[now];
        let past = self.origins.past();
        let first = past.partition_point(|older| older + self.steps > origin);
        first..past.len()
    }

    /// The nearest of the older moments, nearest first.
    pub(super) fn near(&self, now: usize, older: Range<usize>) -> Vec<Neighbour> {
        let count = share_of(older.len(), NEAR);
        self.similarity.nearest(now, older, count)
    }

    /// The pools of the moment in column `now`, given the older moments and the nearest ones of them:
    ///
    /// 1. the few nearest, moved softly;
    /// 2. more of the near, moved by the whole gap;
    /// 3. the few nearest as they were;
    /// 4. all moments, moved by the whole gap;
    /// 5. those with like last values, moved by half of the gap between these;
    /// 6. all moments, moved by the whole gap between the last values: the changes of the past;
    /// 7. all moments as they were: the climate;
    /// 8. what followed one, two, ... repetitions ago, as it was.
    pub(super) fn pools(
        &self,
        now: usize,
        older: Range<usize>,
        near: &[Neighbour],
    ) -> [Pool; POOLS] {
        let few = &near[..share_of(older.len(), FEW).min(near.len())];
        let count = share_of(older.len(), ANALOGS);
        let analogs = self.similarity.analogs(now, older.clone(), count);
        let all: Vec<usize> = older.collect();
        let aged = |most: usize| -> Vec<Member> {
            let columns = evenly(&all, most);
            columns
                .map(|&column| self.member(now, column, 1.0))
                .collect()
        };
        let still = Shift::Last { share: 0.0 };
        let pool = |shift, members| Pool { shift, members };
        [
            pool(Shift::Excess, self.faded(now, few, MOST[0])),
            pool(Shift::Gap, self.faded(now, near, MOST[1])),
            pool(still, self.faded(now, few, MOST[2])),
            pool(Shift::Gap, aged(MOST[3])),
            pool(
                Shift::Last {
                    share: ANALOG_SHARE,
                },
                evenly(&analogs, MOST[4])
                    .map(|analog| Member {
                        weight: 1.0,
                        ..self.member(now, analog.column, 1.0)
                    })
                    .collect(),
            ),
            pool(Shift::Last { share: 1.0 }, aged(MOST[5])),
            pool(still, aged(MOST[6])),
            pool(still, self.repeated(now)),
        ]
    }

    /// Neighbours that weigh less the farther and the older they are.
    pub(super) fn faded(&self, now: usize, near: &[Neighbour], most: usize) -> Vec<Member> {
        let farthest = near
            .last()
            .map_or(0.0, |last| last.distance)
            .max(f64::MIN_POSITIVE);
        evenly(near, most)
            .map(|neighbour| {
                let left = 1.0 - DISTANCE_FADING * neighbour.distance / farthest;
                self.member(now, neighbour.column, left.max(FAINTEST))
            })
            .collect()
    }

    pub(super) fn member(&self, now: usize, column: usize, weight: f64) -> Member {
        let fading = &self.origins.fading;
        Member {
            origin: self.origins.all[column],
            column,
            weight: weight * fading[column] / fading[now],
        }
    }

    fn repeated(&self, now: usize) -> Vec<Member> {
        let Some(repetition) = self.repetition.filter(|found| found.has_paths()) else {
            return Vec::new();
        };
        let (origin, lag) = (self.origins.all[now], repetition.lag);
        let starts = (1..=origin / lag).flat_map(|cycle| {
            let start = origin - cycle * lag;
            let around = start.saturating_sub(AROUND).max(1)..=start + AROUND;
            around.map(move |place| (place, place.abs_diff(start)))
        });
        starts
            .filter(|(place, _)| place + self.steps <= origin)
            .take(MOST[7])
            .map(|(place, off)| Member {
                origin: place,
                column: now,
                weight: (1.0 - AROUND_FADING * off as f64) * by_age(origin - place),
            })
            .collect()
    }
}

/// At most so many of all, evenly taken.
pub(super) fn evenly<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    all.iter().step_by(all.len().div_ceil(most).max(1))
}

/// So many of `count` as the share says, but at least `fewest`, if there are so many.
pub(super) fn share_of(count: usize, (share, fewest): (f64, usize)) -> usize {
    ((count as f64 * share) as usize).max(fewest).min(count)
}
