use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::{
    finding::Finding,
    score::Scores,
    sla::{ObjectiveId, SlaName},
    time::Timestamp,
};

/// `slacast.score.v1`: what came of one forecast, published by the first run that saw the end of its horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreDocument {
    /// The series.
    #[serde(flatten)]
    pub series: SeriesReference,
    /// The run that publishes it: at or after the end of the horizon.
    pub as_of: Timestamp,
    /// The present of the forecast.
    pub forecast_as_of: Timestamp,
    /// The name of the forecast's model.
    pub model: String,
    /// How good it was, or why that is not known: `few_samples`, `no_series`, `unknown_metric`, `out_of_reach` or
    /// `forecast_gone`.
    pub scores: Finding<Scores>,
    /// What came of the probability of each objective that was judged on the series then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveScore>,
}

/// A published probability, and what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveScore {
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was judged.
    pub version: u32,
    /// The objective's id.
    pub objective: ObjectiveId,
    /// The published probability of a violation, 0 to 1.
    pub probability: f64,
    /// What the model said, where the base rate was published instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_probability: Option<f64>,
    /// The base rate of the 12 h before, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<f64>,
    /// Whether a violation came; `None` where too little was seen to say that none did.
    pub happened: Option<bool>,
}
