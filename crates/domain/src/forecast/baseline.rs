use serde::{Deserialize, Serialize};

use crate::{finding::finite, series::Sample};

/// The simplest forecasts there are, kept to be scored beside the model's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The newest sample; `None` where it is infinite.
    pub last_value: Option<f64>,
    /// The 2.5 %, 50 % and 97.5 % quantiles of the last 12 h; `None` where one is infinite.
    pub climatology: Option<[f64; 3]>,
    /// The model's own point forecast, one value a step, where the path has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_mean: Option<Vec<f64>>,
    /// The model's own quantiles, three a step, where the path has others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_bands: Option<Vec<[f64; 3]>>,
}

impl Baseline {
    /// The simplest forecasts from the clean samples of the last 12 h, oldest first. A quantile is the smallest sample
    /// that at least its share of the samples does not exceed.
    pub fn of(samples: &[Sample]) -> Self {
        let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        let last_value = values.last().copied().and_then(finite);
        let mut quantile = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            let position = rank.saturating_sub(1);
            if position >= values.len() {
                return None;
            }
            let (_, value, _) = values.select_nth_unstable_by(position, f64::total_cmp);
            finite(*value)
        };
        let quantiles = [0.025, 0.5, 0.975].map(&mut quantile);
        Self {
            last_value,
            climatology: match quantiles {
                [Some(lower), Some(median), Some(upper)] => Some([lower, median, upper]),
                _ => None,
            },
            ..Self::default()
        }
    }
}
