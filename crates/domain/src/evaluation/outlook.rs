use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::RecentProbabilities;
use crate::{finding::Reason, time::Timestamp};

/// The violations to come in the next 10 minutes.
///
/// As JSON one object either way: without a forecast every number is null and `reason` says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Fields", try_from = "Fields")]
pub enum Outlook {
    /// What the forecast says of them.
    Forecast(ForecastRisk),
    /// There is no forecast: a short word says why, such as `too_short`.
    Unavailable(Reason),
}

/// What a forecast says of the violations to come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ForecastRisk {
    /// The probability that a violation has a sample in the horizon, 0 to 1.
    pub probability: f64,
    /// The probability that a violation becomes firing after `as_of`, 0 to 1.
    pub probability_new: f64,
    /// The expected number of violations.
    pub expected_violations: f64,
    /// The expected time in violation within the horizon, seconds.
    pub expected_seconds: f64,
    /// The median start over the paths that violate; `None` if less than half do; `as_of` if firing.
    pub first_crossing: Option<Timestamp>,
    /// The share of the paths that violate, 0 to 1.
    pub crossing_share: f64,
    /// What the series is forecast to do.
    pub predicted: Option<PredictedValues>,
    /// How often a violation came in 10 minutes of the last 12 h: the probability, where it was the better one.
    pub base_rate: Option<f64>,
    /// What the paths say, where the base rate is the probability instead.
    pub model_probability: Option<f64>,
    /// The scores that choice rests on.
    pub recent_scores: Option<RecentProbabilities>,
}

/// The forecast's extremes and average over the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictedValues {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The average.
    pub average: f64,
}

impl Outlook {
    /// There is no forecast, for `reason`: a short word such as `too_short`.
    pub fn unavailable(reason: &str) -> Self {
        Self::Unavailable(reason.into())
    }

    /// What the forecast says, if there is one.
    pub fn risk(&self) -> Option<&ForecastRisk> {
        match self {
            Self::Forecast(risk) => Some(risk),
            Self::Unavailable(_) => None,
        }
    }

    /// The probability of a violation, 0 to 1, if there is a forecast.
    pub fn probability(&self) -> Option<f64> {
        self.risk().map(|risk| risk.probability)
    }
}

impl ForecastRisk {
    /// Keeps `base_rate` beside the probability, to be scored, and takes it as the probability where it was better of late.
    /// What the model says is then kept beside; the scores are listed.
    ///
    /// A violation that becomes firing is one: its probability is never the greater one.
    pub fn prefer_the_better(
        &mut self,
        base_rate: Option<f64>,
        recent: Option<RecentProbabilities>,
    ) {
        self.base_rate = base_rate;
        self.recent_scores = recent;
        if let Some(base_rate) = base_rate
            && recent.is_some_and(|recent| recent.prefer_base_rate())
        {
            self.model_probability = Some(self.probability);
            self.probability = base_rate;
            self.probability_new = self.probability_new.min(base_rate);
        }
    }
}

/// Both as JSON has them.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Fields {
    probability: Option<f64>,
    probability_new: Option<f64>,
    expected_violations: Option<f64>,
    expected_seconds: Option<f64>,
    first_crossing: Option<Timestamp>,
    crossing_share: Option<f64>,
    predicted: Option<PredictedValues>,
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model_probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recent_scores: Option<RecentProbabilities>,
}

impl From<Outlook> for Fields {
    fn from(outlook: Outlook) -> Self {
        match outlook {
            Outlook::Unavailable(reason) => Self {
                reason: Some(reason),
                ..Self::default()
            },
            Outlook::Forecast(risk) => Self {
                probability: Some(risk.probability),
                probability_new: Some(risk.probability_new),
                expected_violations: Some(risk.expected_violations),
                expected_seconds: Some(risk.expected_seconds),
                first_crossing: risk.first_crossing,
                crossing_share: Some(risk.crossing_share),
                predicted: risk.predicted,
                reason: None,
                base_rate: risk.base_rate,
                model_probability: risk.model_probability,
                recent_scores: risk.recent_scores,
            },
        }
    }
}

/// An outlook that has some of a forecast's numbers, or neither these nor a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an outlook must have all numbers of a forecast or the reason why there is none")]
struct Incomplete;

impl TryFrom<Fields> for Outlook {
    type Error = Incomplete;

    fn try_from(fields: Fields) -> Result<Self, Incomplete> {
        if let (None, Some(reason)) = (fields.probability, fields.reason) {
            return Ok(Self::Unavailable(reason));
        }
        Ok(Self::Forecast(ForecastRisk {
            probability: fields.probability.ok_or(Incomplete)?,
            probability_new: fields.probability_new.ok_or(Incomplete)?,
            expected_violations: fields.expected_violations.ok_or(Incomplete)?,
            expected_seconds: fields.expected_seconds.ok_or(Incomplete)?,
            first_crossing: fields.first_crossing,
            crossing_share: fields.crossing_share.ok_or(Incomplete)?,
            predicted: fields.predicted,
            base_rate: fields.base_rate,
            model_probability: fields.model_probability,
            recent_scores: fields.recent_scores,
        }))
    }
}

impl JsonSchema for Outlook {
    fn schema_name() -> Cow<'static, str> {
        "Outlook".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Fields::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn some_numbers_alone_are_no_outlook() {
        let whole = serde_json::to_value(Outlook::Forecast(ForecastRisk::default())).unwrap();
        for field in ["probability", "probability_new", "crossing_share"] {
            let mut document = whole.clone();
            document[field] = Value::Null;
            assert!(
                serde_json::from_value::<Outlook>(document).is_err(),
                "{field}"
            );
        }
        assert!(serde_json::from_value::<Outlook>(json!({})).is_err());
        let absent = json!({"probability": null, "reason": "too_short"});
        let read: Outlook = serde_json::from_value(absent).unwrap();
        assert_eq!(read, Outlook::unavailable("too_short"));
    }
}
