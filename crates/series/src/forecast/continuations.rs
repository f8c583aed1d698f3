//! The ways the series may go on: for the bands and for the events.

use super::{
    MAX_PATHS, Path, backtest,
    moved::{Moved, Shift},
    origins::{Origins, Table},
    pools::{ANALOG_SHARE, ANALOGS, POOLS, STAYING, Sources, TOLERANCE, USUAL, evenly, share_of},
    reach,
    repetition::Repetition,
    season::Season,
    similarity::{Neighbour, Similarity, last_value_distances, least},
};

/// What the pools are worth for the bands: neighbours, all moments, analogs of the season-adjusted series, climate.
const NEAR_BANDS: f64 = 1.0;
const ORIGIN_BANDS: f64 = 0.3;
const ANALOG_BANDS: f64 = 0.05;
const CLIMATE_BANDS: f64 = 0.03;
/// At most so many paths of each but the first.
const MOST: usize = 60;

/// A path with a weight of its own.
pub(super) struct WeightedPath {
    pub(super) values: Vec<f64>,
    pub(super) weight: f64,
}

/// The paths that bands and events are read from.
pub(super) struct Continuations {
    /// For the quantiles of each step; the weights have any sum.
    pub(super) bands: Vec<WeightedPath>,
    /// For everything about the whole horizon; the weights sum to 1.
    pub(super) events: Vec<Path>,
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
    ) -> Vec<WeightedPath> {
        let present = self.origins.present();
        let steps = self.came.steps();
        let soft = Shift::Gap {
            tolerance: TOLERANCE,
        };
        let neighbours = sources.faded(present, near, near.len()).into_iter();
        let neighbours = neighbours
            .map(|member| WeightedPath {
                values: moved.path(member, soft, present),
                weight: member.weight,
            })
            .collect();
        let mut bands = Vec::new();
        add(&mut bands, neighbours, NEAR_BANDS);
        let columns: Vec<usize> = (0..present).collect();
        let whole = Shift::Gap { tolerance: 0.0 };
        let everywhere = evenly(&columns, MOST)
            .map(|&column| WeightedPath {
                values: moved.path(sources.member(present, column, 1.0), whole, present),
                weight: self.origins.recency[column],
            })
            .collect();
        add(&mut bands, everywhere, ORIGIN_BANDS);
        let analogs = analogs(self.season, self.origins, steps);
        add(&mut bands, analogs, staying * ANALOG_BANDS);
        add(
            &mut bands,
            climate(self.values, steps),
            staying * CLIMATE_BANDS,
        );
        bands
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
        let mut paths = Vec::with_capacity(MAX_PATHS);
        let pools = sources.pools(present, 0..present, near);
        for (pool, share) in pools.into_iter().zip(shares) {
            let members = pool.members.into_iter();
            let members = members
                .map(|member| WeightedPath {
                    values: moved.path(member, pool.shift, present),
                    weight: member.weight,
                })
                .collect();
            add(&mut paths, members, share);
        }
        let (least, greatest) = reach::limits(self.values, self.origins, self.came);
        let total: f64 = paths.iter().map(|path| path.weight).sum();
        paths
            .into_iter()
            .map(|path| Path {
                values: path
                    .values
                    .into_iter()
                    .map(|value| value.clamp(least, greatest))
                    .collect(),
                weight: path.weight / total,
            })
            .collect()
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

/// Adds a pool whose weights together become `worth`.
fn add(paths: &mut Vec<WeightedPath>, pool: Vec<WeightedPath>, worth: f64) {
    let total: f64 = pool.iter().map(|path| path.weight).sum();
    paths.extend(pool.into_iter().map(|path| WeightedPath {
        weight: worth * path.weight / total,
        ..path
    }));
}

/// What followed the moments with like last values in the season-adjusted series, moved by half of the gap, plus the season
/// of the horizon.
fn analogs(season: &Season, origins: &Origins, steps: usize) -> Vec<WeightedPath> {
    let adjusted = &season.adjusted;
    let n = adjusted.len();
    let distances = last_value_distances(adjusted, origins);
    let near = least(distances, 0, share_of(origins.present(), ANALOGS));
    evenly(&near, MOST)
        .map(|neighbour| {
            let origin = origins.all[neighbour.column];
            let shift = ANALOG_SHARE * (adjusted[n - 1] - adjusted[origin - 1]);
            let followed = adjusted[origin..origin + steps].iter();
            WeightedPath {
                values: followed
                    .zip(&season.parts[n..])
                    .map(|(value, seasonal)| value + shift + seasonal)
                    .collect(),
                weight: 1.0,
            }
        })
        .collect()
}

/// Blocks of the whole past as they were.
fn climate(values: &[f64], steps: usize) -> Vec<WeightedPath> {
    let blocks = values.len() - steps + 1;
    values
        .windows(steps)
        .step_by(blocks.div_ceil(MOST))
        .map(|block| WeightedPath {
            values: block.to_vec(),
            weight: 1.0,
        })
        .collect()
}
