//! A [`PredictionDocument`]: the steps of the path are columns, and so are the model's own where the path has others.

use serde::{Deserialize, Serialize};

use super::{About, Form, Packed, Unreadable, VERSION, column, ended, flag, opened, rest};
use crate::{
    finding::Finding,
    forecast::{Forecast, PathExtreme, PathPoint},
    message::{PredictionArrays, PredictionDocument, SeriesReference},
    time::Timestamp,
};

/// The document without its key, its columns and its long array.
#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    horizon_seconds: f64,
    step_seconds: f64,
    forecast: Finding<Forecast>,
}

/// The path is in columns.
const PATH: u8 = 1;
/// Its points have an 80 % band.
const BAND_80: u8 = 2;
/// The model's own point forecast is in a column.
const MODEL_MEAN: u8 = 4;
/// The model's own quantiles are in columns.
const MODEL_BANDS: u8 = 8;

impl Packed for PredictionDocument {
    type Key = About;

    fn pack(&self) -> Vec<u8> {
        let mut document = self.clone();
        document.take_arrays();
        let Self {
            series,
            as_of,
            horizon_seconds,
            step_seconds,
            mut forecast,
        } = document;
        let columns = forecast.known_mut().map(Columns::taken_from);
        let columns = columns.unwrap_or_default();
        let mut out = vec![VERSION, columns.flags()];
        let rest = Rest {
            unit: series.unit,
            horizon_seconds,
            step_seconds,
            forecast,
        };
        rest::write(&rest, &mut out);
        columns.write(Grid::new(as_of, step_seconds), &mut out);
        out
    }

    fn unpack(bytes: &[u8], about: About) -> Result<Self, Unreadable> {
        let (form, flags, mut bytes) = opened(bytes)?;
        let mut rest: Rest = rest::read(&mut bytes)?;
        let grid = Grid::new(about.as_of, rest.step_seconds);
        let columns = Columns::read(form, flags, grid, &mut bytes)?;
        ended(bytes)?;
        match rest.forecast.known_mut() {
            Some(forecast) => columns.put_into(forecast),
            None if flags == 0 => {}
            None => return Err(Unreadable::Damaged),
        }
        Ok(Self {
            series: SeriesReference {
                series: about.series,
                metric: about.metric,
                labels: about.labels,
                unit: rest.unit,
            },
            as_of: about.as_of,
            horizon_seconds: rest.horizon_seconds,
            step_seconds: rest.step_seconds,
            forecast: rest.forecast,
        })
    }
}

/// What is taken out of a forecast.
#[derive(Default)]
struct Columns {
    /// `None` where the points are not alike: some have an 80 % band and some have none.
    path: Option<Vec<PathPoint>>,
    model_mean: Option<Vec<f64>>,
    model_bands: Option<Vec<[f64; 3]>>,
}

impl Columns {
    fn taken_from(forecast: &mut Forecast) -> Self {
        let path = &mut forecast.path;
        let with_band = path.iter().filter(|point| point.lower_80.is_some());
        let are_alike = [0, path.len()].contains(&with_band.count())
            && path
                .iter()
                .all(|point| point.lower_80.is_some() == point.upper_80.is_some());
        let baseline = forecast.baseline.as_mut();
        let (model_mean, model_bands) = baseline.map_or((None, None), |baseline| {
            (baseline.model_mean.take(), baseline.model_bands.take())
        });
        Self {
            path: are_alike.then(|| std::mem::take(path)),
            model_mean,
            model_bands,
        }
    }

    fn put_into(self, forecast: &mut Forecast) {
        if let Some(path) = self.path {
            forecast.path = path;
        }
        if let Some(baseline) = &mut forecast.baseline {
            baseline.model_mean = self.model_mean;
            baseline.model_bands = self.model_bands;
        }
    }

    fn flags(&self) -> u8 {
        let has_band = |path: &Vec<PathPoint>| path.iter().any(|point| point.lower_80.is_some());
        flag(PATH, self.path.is_some())
            | flag(BAND_80, self.path.as_ref().is_some_and(has_band))
            | flag(MODEL_MEAN, self.model_mean.is_some())
            | flag(MODEL_BANDS, self.model_bands.is_some())
    }

    fn write(&self, grid: Grid, out: &mut Vec<u8>) {
        let path = self.path.as_deref().unwrap_or_default();
        let of = |part: fn(&PathPoint) -> f64| path.iter().map(part).collect::<Vec<f64>>();
        let mean = of(|point| point.mean);
        if self.path.is_some() {
            let times: Vec<f64> = path.iter().map(|point| grid.offset(point.time)).collect();
            let along = expected_band(&mean, self.model_bands.is_some());
            column::write(&times, |before| grid.expected(before), out);
            column::write(&mean, column::last, out);
            column::write(&of(|point| point.lower), &along, out);
            column::write(&of(|point| point.median), &along, out);
            column::write(&of(|point| point.upper), &along, out);
        }
        if self.flags() & BAND_80 != 0 {
            let lower: Vec<f64> = path.iter().filter_map(|point| point.lower_80).collect();
            let upper: Vec<f64> = path.iter().filter_map(|point| point.upper_80).collect();
            column::write(&lower, column::beside(&mean), out);
            column::write(&upper, column::beside(&mean), out);
        }
        if let Some(model_mean) = &self.model_mean {
            column::write(model_mean, column::last, out);
        }
        if let Some(bands) = &self.model_bands {
            for level in 0..3 {
                let band: Vec<f64> = bands.iter().map(|band| band[level]).collect();
                column::write(&band, column::beside(&mean), out);
            }
        }
    }

    fn read(form: Form, flags: u8, grid: Grid, bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        let has = |flag| flags & flag != 0;
        if flags & !(PATH | BAND_80 | MODEL_MEAN | MODEL_BANDS) != 0 || has(BAND_80) && !has(PATH) {
            return Err(Unreadable::Damaged);
        }
        let (mut path, mut mean) = (None, Vec::new());
        if has(PATH) {
            let times = column::read(bytes, form, |before| grid.expected(before))?;
            mean = column::read(bytes, form, column::last)?;
            let along = expected_band(&mean, has(MODEL_BANDS));
            let lower = column::read(bytes, form, &along)?;
            let median = column::read(bytes, form, &along)?;
            let upper = column::read(bytes, form, &along)?;
            let columns = [&mean, &lower, &median, &upper];
            if columns.iter().any(|column| column.len() != times.len()) {
                return Err(Unreadable::Damaged);
            }
            let points = times.iter().enumerate().map(|(k, offset)| {
                Ok(PathPoint {
                    time: grid.time(*offset)?,
                    mean: mean[k],
                    lower: lower[k],
                    lower_80: None,
                    median: median[k],
                    upper_80: None,
                    upper: upper[k],
                })
            });
            path = Some(points.collect::<Result<Vec<_>, Unreadable>>()?);
        }
        if let Some(path) = path.as_mut().filter(|_| has(BAND_80)) {
            let lower = column::read(bytes, form, column::beside(&mean))?;
            let upper = column::read(bytes, form, column::beside(&mean))?;
            if [lower.len(), upper.len()] != [path.len(); 2] {
                return Err(Unreadable::Damaged);
            }
            for (point, (lower, upper)) in path.iter_mut().zip(lower.into_iter().zip(upper)) {
                (point.lower_80, point.upper_80) = (Some(lower), Some(upper));
            }
        }
        let mut model_mean = None;
        if has(MODEL_MEAN) {
            model_mean = Some(column::read(bytes, form, column::last)?);
        }
        let mut model_bands = None;
        if has(MODEL_BANDS) {
            let mut band = || column::read(bytes, form, column::beside(&mean));
            let (lower, median, upper) = (band()?, band()?, band()?);
            if [median.len(), upper.len()] != [lower.len(); 2] {
                return Err(Unreadable::Damaged);
            }
            let bands = (0..lower.len()).map(|k| [lower[k], median[k], upper[k]]);
            model_bands = Some(bands.collect());
        }
        Ok(Self {
            path,
            model_mean,
            model_bands,
        })
    }
}

/// That a band goes the way of the point, unless it is that of the last 12 h, which does not move.
fn expected_band(mean: &[f64], is_climatology: bool) -> impl Fn(&[f64]) -> f64 {
    let beside = column::beside(mean);
    move |before| {
        if is_climatology {
            column::last(before)
        } else {
            beside(before)
        }
    }
}

/// The times of a path: what they are, in milliseconds after `as_of`, and what is expected of a path with that step.
#[derive(Clone, Copy)]
struct Grid {
    as_of: Timestamp,
    step: f64,
}

impl Grid {
    fn new(as_of: Timestamp, step_seconds: f64) -> Self {
        let step = 1000.0 * step_seconds;
        Self { as_of, step }
    }

    /// Exact: no two timestamps are 2^53 ms apart.
    fn offset(self, time: Timestamp) -> f64 {
        (time.millis() - self.as_of.millis()) as f64
    }

    fn expected(self, before: &[f64]) -> f64 {
        self.step * (before.len() + 1) as f64
    }

    fn time(self, offset: f64) -> Result<Timestamp, Unreadable> {
        let whole = offset as i64;
        let time = self.as_of.millis().checked_add(whole);
        let time = time.and_then(Timestamp::from_millis);
        time.filter(|_| (whole as f64).to_bits() == offset.to_bits())
            .ok_or(Unreadable::Damaged)
    }
}

impl Packed for PredictionArrays {
    type Key = ();

    fn pack(&self) -> Vec<u8> {
        let mut out = vec![VERSION, 0];
        for part in [
            |extreme: &PathExtreme| extreme.min,
            |extreme: &PathExtreme| extreme.max,
            |extreme: &PathExtreme| extreme.weight,
        ] {
            let values: Vec<f64> = self.path_extremes.iter().map(part).collect();
            column::write(&values, column::last, &mut out);
        }
        out
    }

    fn unpack(bytes: &[u8], (): ()) -> Result<Self, Unreadable> {
        let (form, _, mut bytes) = opened(bytes)?;
        let mut column = || column::read(&mut bytes, form, column::last);
        let (min, max, weight) = (column()?, column()?, column()?);
        ended(bytes)?;
        if [max.len(), weight.len()] != [min.len(); 2] {
            return Err(Unreadable::Damaged);
        }
        let extremes = (0..min.len()).map(|k| PathExtreme {
            min: min[k],
            max: max[k],
            weight: weight[k],
        });
        Ok(Self {
            path_extremes: extremes.collect(),
        })
    }
}
