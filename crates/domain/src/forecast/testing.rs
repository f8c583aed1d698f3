//! A forecast for tests, here and on the floors above.

use std::collections::BTreeMap;

use super::*;
use crate::time::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds).unwrap()
}

/// "10, between 8 and 13" at each of ten steps of a minute, said at 0.
pub(crate) fn forecast() -> Forecast {
    let interval = Interval {
        lower: 8.0,
        upper: 13.0,
    };
    Forecast {
        min: 9.0,
        max: 11.0,
        average: 10.0,
        intervals: ConfidenceIntervals {
            min: interval,
            max: interval,
            average: interval,
        },
        path: (1..=10)
            .map(|k| PathPoint {
                time: at(60 * k),
                mean: 10.0,
                lower: 8.0,
                lower_80: Some(9.0),
                median: 10.0,
                upper_80: Some(12.0),
                upper: 13.0,
            })
            .collect(),
        model: Model {
            name: "stack".to_owned(),
            why: String::new(),
            period_seconds: None,
            weights: BTreeMap::new(),
        },
        baseline: Some(Baseline {
            last_value: Some(12.0),
            climatology: Some([0.0, 10.0, 20.0]),
            ..Baseline::default()
        }),
        recent_scores: None,
        path_extremes: None,
    }
}

/// Scores of the model, and of what it is compared with.
pub(crate) fn recent(error: f64, pinball: f64) -> RecentScores {
    RecentScores {
        before: Some(at(0)),
        forecasts: MOST_RECENT,
        error,
        error_last_value: 100.0,
        pinball,
        pinball_climatology: Some(10.0),
    }
}
