//! The seasonal part of a series, continued over the horizon.

use crate::{decomposition::decompose, period::Period};

/// A series without its season, and the season.
pub(super) struct Season {
    /// The period, if the series has one.
    pub(super) period: Option<usize>,
    /// The values without the seasonal part.
    pub(super) adjusted: Vec<f64>,
    /// The seasonal part of every value and of every step of the horizon; zero without a period.
    pub(super) parts: Vec<f64>,
}

impl Season {
    pub(super) fn of(values: &[f64], period: Option<Period>, steps: usize) -> Self {
        let decomposition = period.and_then(|period| decompose(values, period.samples).ok());
        let mut parts = vec![0.0; values.len() + steps];
        if let Some(decomposition) = &decomposition {
            let cycle = decomposition.last_cycle().iter().cycle();
            let all = decomposition.seasonal.iter().chain(cycle);
            for (part, seasonal) in parts.iter_mut().zip(all) {
                *part = *seasonal;
            }
        }
        Self {
            period: decomposition.map(|decomposition| decomposition.period),
            adjusted: values
                .iter()
                .zip(&parts)
                .map(|(value, part)| value - part)
                .collect(),
            parts,
        }
    }
}
