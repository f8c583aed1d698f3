use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::{
    finding::Finding,
    forecast::{Forecast, PathExtreme},
    time::Timestamp,
};

/// `slacast.prediction.v1`: what one series will do in the next 10 minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionDocument {
    /// The series.
    #[serde(flatten)]
    pub series: SeriesReference,
    /// The present of the forecast: nothing later was seen.
    pub as_of: Timestamp,
    /// How far it looks, seconds: 600.
    pub horizon_seconds: f64,
    /// The distance of its points, seconds.
    pub step_seconds: f64,
    /// The forecast, or why there is none.
    pub forecast: Finding<Forecast>,
}

/// The long array of a [`PredictionDocument`]: stored apart from it, kept for an hour, answered only in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionArrays {
    /// The extremes of the forecast's paths.
    pub path_extremes: Vec<PathExtreme>,
}

impl PredictionDocument {
    /// A copy of the long array; `None` if it has none.
    pub fn arrays(&self) -> Option<PredictionArrays> {
        let path_extremes = self.forecast.known()?.path_extremes.clone()?;
        Some(PredictionArrays { path_extremes })
    }

    /// Takes the long array out of the document; `None` if it has none.
    pub fn take_arrays(&mut self) -> Option<PredictionArrays> {
        let path_extremes = self.forecast.known_mut()?.path_extremes.take()?;
        Some(PredictionArrays { path_extremes })
    }

    /// Puts the long array back to where [`Self::take_arrays`] took it from.
    pub fn put_arrays(&mut self, arrays: PredictionArrays) {
        if let Some(forecast) = self.forecast.known_mut() {
            forecast.path_extremes = Some(arrays.path_extremes);
        }
    }
}
