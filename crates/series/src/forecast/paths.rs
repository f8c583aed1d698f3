//! Continuations: what really followed past moments, moved to the present.

use super::{
    Path,
    origins::{Origins, Table},
    season::Season,
    similarity::{analogs, neighbours},
};

/// What a pool of paths is worth for the events and for the bands.
const NEIGHBOURS: f64 = 1.0;
const ANALOG_EVENTS: f64 = 0.2;
const CLIMATE_EVENTS: f64 = 0.1;
const ORIGIN_BANDS: f64 = 0.3;
const ANALOG_BANDS: f64 = 0.5;
const CLIMATE_BANDS: f64 = 0.03;
/// At most so many paths of a side pool for the bands ...
const MOST_BANDS: usize = 60;
/// ... and for the events: with at most 90 neighbours they stay within [`super::MAX_PATHS`].
const MOST_ANALOG_EVENTS: usize = 70;
const MOST_CLIMATE_EVENTS: usize = 40;
/// A neighbour is only moved by what its gap exceeds this share of the mean error.
const TOLERANCE: f64 = 0.7;
/// An analog is moved by this share of its gap.
const ANALOG_SHIFT: f64 = 0.5;

/// A path with a weight of its own.
pub(super) struct WeightedPath {
    pub(super) values: Vec<f64>,
    pub(super) weight: f64,
}

/// The paths that bands and events are read from.
pub(super) struct Pools {
    /// For the quantiles of each step; the weights have any sum.
    pub(super) bands: Vec<WeightedPath>,
    /// For everything about the whole horizon; the weights sum to 1.
    pub(super) events: Vec<Path>,
}

impl Pools {
    /// Gathers the pools: neighbours for both; analogs of the raw series and blocks of the whole past (climate) for
    /// events; all moments, analogs of the season-adjusted series and a little climate for the bands.
    pub(super) fn gather(
        values: &[f64],
        season: &Season,
        origins: &Origins,
        came: &Table,
        said: &Table,
    ) -> Self {
        let steps = came.steps();
        let mut pools = Self {
            bands: Vec::new(),
            events: Vec::new(),
        };
        let moved = Moved::new(origins, came, said);
        let near: Vec<WeightedPath> = neighbours(values, origins, &moved.mean_gaps())
            .into_iter()
            .map(|neighbour| WeightedPath {
                values: moved.softly(neighbour.origin),
                weight: neighbour.weight * origins.recency[neighbour.origin],
            })
            .collect();
        pools.add_events(&near, NEIGHBOURS);
        pools.add_bands(near, NEIGHBOURS);

        let past = origins.past().len();
        let everywhere = (0..past)
            .step_by(past.div_ceil(MOST_BANDS))
            .map(|origin| WeightedPath {
                values: moved.fully(origin),
                weight: origins.recency[origin],
            })
            .collect();
        pools.add_bands(everywhere, ORIGIN_BANDS);

        let raw = analog_paths(values, &[], steps, MOST_ANALOG_EVENTS);
        pools.add_events(&raw, ANALOG_EVENTS);
        let continued = &season.parts[values.len()..];
        let adjusted = analog_paths(&season.adjusted, continued, steps, MOST_BANDS);
        pools.add_bands(adjusted, ANALOG_BANDS);

        pools.add_events(&climate(values, steps, MOST_CLIMATE_EVENTS), CLIMATE_EVENTS);
        pools.add_bands(climate(values, steps, MOST_BANDS), CLIMATE_BANDS);
        pools
    }

    /// Adds a pool whose weights together become `worth`.
    fn add_bands(&mut self, pool: Vec<WeightedPath>, worth: f64) {
        let total: f64 = pool.iter().map(|path| path.weight).sum();
        self.bands.extend(pool.into_iter().map(|path| WeightedPath {
            weight: worth * path.weight / total,
            ..path
        }));
    }

    fn add_events(&mut self, pool: &[WeightedPath], worth: f64) {
        let all = NEIGHBOURS + ANALOG_EVENTS + CLIMATE_EVENTS;
        let total: f64 = pool.iter().map(|path| path.weight).sum();
        self.events.extend(pool.iter().map(|path| Path {
            values: path.values.clone(),
            weight: worth * path.weight / total / all,
        }));
    }
}

/// What came after past moments, moved by the gap between the forecast made then and the one made now.
struct Moved<'a> {
    came: &'a Table,
    gaps: Table,
    /// The mean absolute error of each step.
    errors: Vec<f64>,
}

impl<'a> Moved<'a> {
    fn new(origins: &Origins, came: &'a Table, said: &Table) -> Self {
        let past = origins.past().len();
        let steps = came.steps();
        let mut gaps = Table::zeros(steps, past);
        let mut errors = Vec::with_capacity(steps);
        for step in 0..steps {
            let said = said.row(step);
            let now = said[past];
            let mut error = 0.0;
            for ((gap, said), came) in gaps.row_mut(step).iter_mut().zip(said).zip(came.row(step)) {
                *gap = now - said;
                error += (came - said).abs();
            }
            errors.push(error / past as f64);
        }
        Self { came, gaps, errors }
    }

    /// The mean absolute gap of each moment.
    fn mean_gaps(&self) -> Vec<f64> {
        let steps = self.came.steps();
        let mut means = vec![0.0; self.came.row(0).len()];
        for step in 0..steps {
            for (mean, gap) in means.iter_mut().zip(self.gaps.row(step)) {
                *mean += gap.abs() / steps as f64;
            }
        }
        means
    }

    fn fully(&self, origin: usize) -> Vec<f64> {
        (0..self.came.steps())
            .map(|step| self.came.row(step)[origin] + self.gaps.row(step)[origin])
            .collect()
    }

    /// Moved only by what exceeds the usual error: a gap within it says nothing.
    fn softly(&self, origin: usize) -> Vec<f64> {
        self.errors
            .iter()
            .enumerate()
            .map(|(step, error)| {
                let gap = self.gaps.row(step)[origin];
                let excess = (gap.abs() - TOLERANCE * error).max(0.0);
                self.came.row(step)[origin] + excess.copysign(gap)
            })
            .collect()
    }
}

/// What followed the nearest moments, moved by half of the gap, plus the season of the horizon.
fn analog_paths(values: &[f64], season: &[f64], steps: usize, most: usize) -> Vec<WeightedPath> {
    let last = values[values.len() - 1];
    analogs(values, steps, most)
        .into_iter()
        .map(|index| {
            let shift = ANALOG_SHIFT * (last - values[index]);
            let seasonal = season.iter().copied().chain(std::iter::repeat(0.0));
            WeightedPath {
                values: values[index + 1..=index + steps]
                    .iter()
                    .zip(seasonal)
                    .map(|(value, seasonal)| value + shift + seasonal)
                    .collect(),
                weight: 1.0,
            }
        })
        .collect()
}

/// Blocks of the whole past as they were.
fn climate(values: &[f64], steps: usize, most: usize) -> Vec<WeightedPath> {
    let blocks = values.len() - steps + 1;
    values
        .windows(steps)
        .step_by(blocks.div_ceil(most))
        .map(|block| WeightedPath {
            values: block.to_vec(),
            weight: 1.0,
        })
        .collect()
}
