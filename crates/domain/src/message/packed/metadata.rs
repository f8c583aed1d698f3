//! A [`MetadataDocument`] is JSON alone, its long arrays are columns alone.

use serde::{Deserialize, Serialize};

use super::{About, Form, Packed, Unreadable, VERSION, column, ended, flag, opened, rest};
use crate::{
    finding::Finding,
    message::{
        Autocorrelation, Correlogram, MetadataArrays, MetadataDocument, Seasonality,
        SeriesReference, Stationarity,
    },
};

/// The document without its key and its long arrays.
#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    step_seconds: f64,
    samples_used: u64,
    coverage: f64,
    autocorrelation: Finding<Autocorrelation>,
    stationarity: Finding<Stationarity>,
    seasonality: Finding<Seasonality>,
}

impl Packed for MetadataDocument {
    type Key = About;

    fn pack(&self) -> Vec<u8> {
        let mut document = self.clone();
        document.take_arrays();
        let Self {
            series,
            as_of: _,
            step_seconds,
            samples_used,
            coverage,
            autocorrelation,
            stationarity,
            seasonality,
        } = document;
        let mut out = vec![VERSION, 0];
        let rest = Rest {
            unit: series.unit,
            step_seconds,
            samples_used,
            coverage,
            autocorrelation,
            stationarity,
            seasonality,
        };
        rest::write(&rest, &mut out);
        out
    }

    fn unpack(bytes: &[u8], about: About) -> Result<Self, Unreadable> {
        let (_, _, mut bytes) = opened(bytes)?;
        let rest: Rest = rest::read(&mut bytes)?;
        ended(bytes)?;
        Ok(Self {
            series: SeriesReference {
                series: about.series,
                metric: about.metric,
                labels: about.labels,
                unit: rest.unit,
            },
            as_of: about.as_of,
            step_seconds: rest.step_seconds,
            samples_used: rest.samples_used,
            coverage: rest.coverage,
            autocorrelation: rest.autocorrelation,
            stationarity: rest.stationarity,
            seasonality: rest.seasonality,
        })
    }
}

const CORRELOGRAM: u8 = 1;
const PATTERN: u8 = 2;

impl Packed for MetadataArrays {
    type Key = ();

    fn pack(&self) -> Vec<u8> {
        let Self {
            correlogram,
            pattern,
        } = self;
        let flags = flag(CORRELOGRAM, correlogram.is_some()) | flag(PATTERN, pattern.is_some());
        let mut out = vec![VERSION, flags];
        if let Some(Correlogram {
            values,
            lower,
            upper,
        }) = correlogram
        {
            column::write(values, column::last, &mut out);
            column::write(lower, bartlett(values), &mut out);
            column::write(upper, mirrored(values, lower), &mut out);
        }
        if let Some(pattern) = pattern {
            column::write(pattern, column::last, &mut out);
        }
        out
    }

    fn unpack(bytes: &[u8], (): ()) -> Result<Self, Unreadable> {
        let (form, flags, mut bytes) = opened(bytes)?;
        let correlogram = if flags & CORRELOGRAM == 0 {
            None
        } else {
            let values = column::read(&mut bytes, form, column::last)?;
            let lower = match form {
                Form::ByBits => column::read(&mut bytes, form, column::beside(&values))?,
                Form::ByPlaces => column::read(&mut bytes, form, bartlett(&values))?,
            };
            let upper = column::read(&mut bytes, form, mirrored(&values, &lower))?;
            Some(Correlogram {
                values,
                lower,
                upper,
            })
        };
        let pattern = if flags & PATTERN == 0 {
            None
        } else {
            Some(column::read(&mut bytes, form, column::last)?)
        };
        ended(bytes)?;
        Ok(Self {
            correlogram,
            pattern,
        })
    }
}

/// That a bound is Bartlett's (1946): the square of its distance grows with each lag by twice the square of the value before,
/// times the square of its distance at the first lag.
fn bartlett(values: &[f64]) -> impl Fn(&[f64]) -> f64 {
    let distance = |lower: &[f64], lag: usize| {
        values
            .get(lag)
            .zip(lower.get(lag))
            .map(|(value, lower)| value - lower)
    };
    move |before| {
        let lag = before.len();
        let Some(value) = values.get(lag) else {
            return 0.0;
        };
        let known = lag.checked_sub(1).and_then(|lag| distance(before, lag));
        match (known, distance(before, 1)) {
            (Some(known), Some(first)) => {
                value - (known * known + 2.0 * (values[lag - 1] * first).powi(2)).sqrt()
            }
            (Some(known), None) => value - known,
            (None, _) => *value,
        }
    }
}

/// That a bound is as far above its value as the other one is below.
fn mirrored(values: &[f64], lower: &[f64]) -> impl Fn(&[f64]) -> f64 {
    |before| match (values.get(before.len()), lower.get(before.len())) {
        (Some(value), Some(lower)) => value + (value - lower),
        _ => 0.0,
    }
}
