//! The ways the series may go on: for the bands and for the events.

use super::{
    MAX_PATHS, Path, backtest,
    extremes::{greater, lesser},
    moved::{Moved, Shift},
    origins::{Origins, Table},
    pools::{ANALOG_SHARE, ANALOGS, POOLS, STAYING, Sources, USUAL, evenly, share_of},
    reach,
    repetition::Repetition,
    season::Season,
    similarity::{Neighbour, Similarity, like_the_present},
};

/// What the pools are worth for the bands: neighbours, all moments, analogs of the season-adjusted series, climate.
const NEAR_BANDS: f64 = 1.0;
const ORIGIN_BANDS: f64 = 0.3;
const ANALOG_BANDS: f64 = 0.05;
const CLIMATE_BANDS: f64 = 0.03;
/// At most so many paths of all moments, and of each pool that is worth less.
const MOST: usize = 60;
const MOST_OF_LESS: usize = 30;

/// The paths that bands and events are read from.
pub(super) struct Continuations {
    /// For the quantiles of each step; the weights have any sum.
    pub(super) bands: Bands,
    /// For everything about the whole horizon; the weights sum to 1.
    pub(super) events: Vec<Path>,
}

/// Paths for quantiles of each step.
pub(super) struct Bands {
    /// The values of the paths, one path after the other.
    pub(super) values: Vec<f64>,
    /// The weight of each path.
    pub(super) weights: Vec<f64>,
}

impl Bands {
    /// Adds a pool whose weights together become `worth`: for each member its weight, and `path` that adds its values.
    fn add<Member>(
        &mut self,
        worth: f64,
        members: impl IntoIterator<Item = (f64, Member)>,
        mut path: impl FnMut(Member, &mut Vec<f64>),
    ) {
        let first = self.weights.len();
        for (weight, member) in members {
            self.weights.push(weight);
            path(member, &mut self.values);
        }
        scale(&mut self.weights[first..], worth);
    }
}

/// Makes weights sum to `worth`.
fn scale(weights: &mut [f64], worth: f64) {
    let total: f64 = weights.iter().sum();
    for weight in weights {
        *weight *= worth / total;
    }
}

/// What is known of the past.
pub(super) struct Past<'a> {
    pub(super) values: &'a [f64],
    pub(super) season: &'a Season,
    pub(super) repetition: Option<&'a Repetition>,
    pub(super) origins: &'a Origins,
    /// What came after each past moment.
    pub(super) came: &'a Table,
    /// What the stack said at each moment.
    pub(super) said: &'a Table,
}

impl Past<'_> {
    pub(super) fn continuations(&self) -> Continuations {
        let similarity = Similarity::new(self.values, self.origins, self.said);
        let sources = Sources {
            steps: self.came.steps(),
            origins: self.origins,
            similarity: &similarity,
            repetition: self.repetition,
        };
        let moved = Moved::new(self.values, self.origins, self.came, self.said);
        let repeats = self.repetition.is_some_and(Repetition::has_paths);
        let usual = normalised(USUAL, repeats);
        let shares = backtest::shares(self.values, &sources, &moved, usual);
        let of_staying =
            |shares: [f64; POOLS]| STAYING.map(|pool| shares[pool]).iter().sum::<f64>();
        let staying = (of_staying(shares) / of_staying(usual)).min(1.0);
        let near = sources.near(self.origins.present(), 0..self.origins.present());
        Continuations {
            bands: self.bands(&sources, &moved, &near, staying),
            events: self.events(&sources, &moved, &near, shares),
        }
    }

    /// Neighbours; all moments; and, as far as the series stays where it was, analogs of the season-adjusted series and
    /// blocks of the whole past, the climate.
    fn bands(
        &self,
        sources: &Sources<'_>,
        moved: &Moved<'_>,
        near: &[Neighbour],
        staying: f64,
    ) -> Bands {
        let present = self.origins.present();
        let steps = self.came.steps();
        let paths = near.len() + 2 * (MOST + MOST_OF_LESS);
        let mut bands = Bands {
            values: Vec::with_capacity(paths * steps),
            weights: Vec::with_capacity(paths),
        };
        let neighbours = sources.faded(present, near, near.len()).into_iter();
        bands.add(
            NEAR_BANDS,
            neighbours.map(|member| (member.weight, member)),
            |member, path| moved.push(member, Shift::Excess, present, path),
        );
        let columns: Vec<usize> = (0..present).collect();
        bands.add(
            ORIGIN_BANDS,
            evenly(&columns, MOST).map(|&column| (self.origins.recency[column], column)),
            |column, path| {
                let member = sources.member(present, column, 1.0);
                moved.push(member, Shift::Gap, present, path);
            },
        );
        let count = share_of(present, ANALOGS);
        let near = like_the_present(&self.season.adjusted, self.origins, count);
        bands.add(
            staying * ANALOG_BANDS,
            evenly(&near, MOST_OF_LESS).map(|analog| (1.0, analog.column)),
            |column, path| self.push_analog(column, path),
        );
        let blocks = self.values.len() - steps + 1;
        let climate = self
            .values
            .windows(steps)
            .step_by(blocks.div_ceil(MOST_OF_LESS));
        bands.add(
            staying * CLIMATE_BANDS,
            climate.map(|block| (1.0, block)),
            |block, path| path.extend(block),
        );
        bands
    }

    /// What followed a moment in the season-adjusted series, moved by half of the gap between the last values, plus the
    /// season of the horizon.
    fn push_analog(&self, column: usize, path: &mut Vec<f64>) {
        let Season {
            adjusted, parts, ..
        } = self.season;
        let (n, origin) = (adjusted.len(), self.origins.all[column]);
        let shift = ANALOG_SHARE * (adjusted[n - 1] - adjusted[origin - 1]);
        let followed = adjusted[origin..][..self.came.steps()].iter();
        path.extend(
            followed
                .zip(&parts[n..])
                .map(|(value, seasonal)| value + shift + seasonal),
        );
    }

    /// The pools with their shares. None goes farther than the past lets expect.
    fn events(
        &self,
        sources: &Sources<'_>,
        moved: &Moved<'_>,
        near: &[Neighbour],
        shares: [f64; POOLS],
    ) -> Vec<Path> {
        let present = self.origins.present();
        let (least, greatest) = reach::limits(self.values, self.origins, &moved.reached);
        let mut paths = Vec::with_capacity(MAX_PATHS);
        let pools = sources.pools(present, 0..present, near);
        for (pool, share) in pools.into_iter().zip(shares) {
            let total: f64 = pool.members.iter().map(|member| member.weight).sum();
            for member in pool.members {
                let mut values = Vec::with_capacity(self.came.steps());
                moved.push(member, pool.shift, present, &mut values);
                for value in &mut values {
                    *value = greater(lesser(*value, greatest), least);
                }
                paths.push(Path {
                    values,
                    weight: share * member.weight / total,
                });
            }
        }
        let total: f64 = paths.iter().map(|path| path.weight).sum();
        for path in &mut paths {
            path.weight /= total;
        }
        paths
    }
}

/// Shares that sum to 1; without the last pool if the series does not repeat itself.
fn normalised(mut shares: [f64; POOLS], repeats: bool) -> [f64; POOLS] {
    if !repeats {
        shares[POOLS - 1] = 0.0;
    }
    let sum: f64 = shares.iter().sum();
    shares.map(|share| share / sum)
}
