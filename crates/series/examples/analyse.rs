//! Analyses series: one JSON object a line in, one JSON object a line out.
//!
//! ```text
//! echo '{"name":"load","step_seconds":60,"x":[1,2,4,null,3],"horizon_seconds":600}' | cargo run -p series --example analyse
//! ```
//!
//! In: `name`, `step_seconds`, `x` (numbers or null), `period` (samples or null), `horizon_seconds`, `range`
//! (`[min, max]`, each or all of it null). Out: the summary, the tests, the decomposition (for the period given, else
//! the one found) and the forecast. What cannot be said is `{"error": reason}` in its place; a line that cannot be read
//! or has more than a million values is answered `{"error": …}`.
//!
//! `stretch` and `stretch_start` are the length and the first index of the values that the tests and the decomposition
//! are of: the longest complete stretch.

use std::{
    fmt::Display,
    io::{self, BufRead, Write},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use series::{
    Reason,
    analysis::steps,
    autocorrelation::autocorrelation,
    decomposition::decompose,
    forecast::{Forecast, forecast},
    gaps,
    kpss::Kpss,
    period,
    stationarity::{Stationarity, stationarity},
    summary::summarize,
    unit_root::UnitRoot,
};

/// For how long a value stands where the next ones are missing.
const STALENESS_SECONDS: f64 = 300.0;
/// The most values a series may have.
const MOST_VALUES: usize = 1_000_000;

fn main() -> io::Result<()> {
    answer_all(io::stdin().lock(), io::stdout().lock())
}

/// Answers each line with a line, at once, as long as someone listens.
///
/// # Errors
///
/// When the lines cannot be read or the answers not be written.
pub(crate) fn answer_all(questions: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    for line in questions.split(b'\n') {
        let answer = answer(&line?);
        match writeln!(answers, "{answer}").and_then(|()| answers.flush()) {
            Err(failure) if failure.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(())
}

/// The answer to one line.
pub(crate) fn answer(line: &[u8]) -> Value {
    match serde_json::from_slice(line) {
        Ok(request) => analyse(&request),
        Err(malformed) => error(malformed),
    }
}

fn analyse(request: &Value) -> Value {
    let Some(x) = request["x"].as_array() else {
        return unreadable(request, "x is not an array");
    };
    if x.len() > MOST_VALUES {
        return unreadable(request, "too_long");
    }
    if let Some(other) = x
        .iter()
        .find(|value| !value.is_number() && !value.is_null())
    {
        return unreadable(
            request,
            &format!("{other} in x is neither a number nor null"),
        );
    }
    let mut values: Vec<f64> = x
        .iter()
        .map(|value| value.as_f64().unwrap_or(f64::NAN))
        .collect();
    let summary = summarize(&values);
    let step_seconds = seconds(&request["step_seconds"], 60.0).filter(|step| *step > 0.0);
    if let Some(step_seconds) = step_seconds {
        gaps::hold(
            &mut values,
            (STALENESS_SECONDS / step_seconds).ceil() as usize,
        );
    }
    let complete = gaps::longest_stretch(&values);
    let stretch = &values[complete.clone()];
    let found = period::detect(stretch);
    let period = match &request["period"] {
        Value::Null => Ok(found.map(|found| found.samples)),
        given => samples(given).map(Some),
    };
    let tests = stationarity(stretch);
    let unit_root = |test: fn(Stationarity) -> Result<UnitRoot, Reason>| {
        or_error(tests.clone().and_then(test).map(adf_document))
    };
    let level = |test: fn(Stationarity) -> Result<Kpss, Reason>| {
        or_error(tests.clone().and_then(test).map(kpss_document))
    };
    let started = Instant::now();
    let forecast = forecast_of(&values, step_seconds, &request["horizon_seconds"]);
    let microseconds = started.elapsed().as_secs_f64() * 1e6;
    json!({
        "name": request["name"],
        "n": values.len(),
        "summary": summary.map_or_else(|| error(Reason::TooShort), |summary| json!({
            "min": summary.min,
            "max": summary.max,
            "average": summary.average,
            "std": summary.std,
        })),
        "stretch": stretch.len(),
        "stretch_start": complete.start,
        "acf": or_error(acf_of(stretch)),
        "adf": {
            "c": unit_root(|tests| tests.adf),
            "ct": unit_root(|tests| tests.adf_trend),
        },
        "kpss": {
            "c": level(|tests| tests.kpss),
            "ct": level(|tests| tests.kpss_trend),
        },
        "verdict": or_error(tests.map(|tests| json!(tests.verdict.to_string()))),
        "period": found.map(|found| json!({ "samples": found.samples, "score": found.score })),
        "decompose": or_error(period.and_then(|period| decompose_of(stretch, period))),
        "us": microseconds,
        "forecast": or_error(forecast.map(|forecast| forecast_document(&forecast, &request["range"]))),
    })
}

fn error(reason: impl Display) -> Value {
    json!({ "error": reason.to_string() })
}

fn unreadable(request: &Value, reason: &str) -> Value {
    json!({ "name": request["name"], "error": reason })
}

fn or_error(found: Result<Value, Reason>) -> Value {
    found.unwrap_or_else(error)
}

/// A number, or the default where there is none; `None` for anything else.
fn seconds(value: &Value, default: f64) -> Option<f64> {
    match value {
        Value::Null => Some(default),
        value => value.as_f64(),
    }
}

fn samples(value: &Value) -> Result<usize, Reason> {
    value
        .as_f64()
        .filter(|samples| *samples >= 1.0 && samples.fract() == 0.0)
        .map(|samples| samples as usize)
        .ok_or(Reason::InvalidPeriod)
}

fn acf_of(values: &[f64]) -> Result<Value, Reason> {
    let found = autocorrelation(values, None)?;
    Ok(json!({
        "nlags": found.q.len(),
        "values": found.values,
        "lower": found.lower,
        "upper": found.upper,
        "q": found.q,
        "p": found.p,
    }))
}

fn adf_document(found: UnitRoot) -> Value {
    json!({
        "statistic": found.statistic,
        "pvalue": found.pvalue,
        "lags": found.lags,
        "nobs": found.nobs,
        "critical": {
            "1%": found.critical.one_percent,
            "5%": found.critical.five_percent,
            "10%": found.critical.ten_percent,
        },
        "icbest": found.icbest,
    })
}

fn kpss_document(found: Kpss) -> Value {
    json!({
        "statistic": found.statistic,
        "pvalue": found.pvalue,
        "lags": found.lags,
        "clipped": found.clipped,
    })
}

fn decompose_of(values: &[f64], period: Option<usize>) -> Result<Value, Reason> {
    let Some(period) = period else {
        return Ok(Value::Null);
    };
    let found = decompose(values, period)?;
    Ok(json!({
        "trend": found.trend,
        "seasonal": found.seasonal,
        "resid": found.resid,
    }))
}

fn forecast_of(
    values: &[f64],
    step_seconds: Option<f64>,
    horizon_seconds: &Value,
) -> Result<Forecast, Reason> {
    let horizon = seconds(horizon_seconds, 600.0)
        .and_then(|horizon| Duration::try_from_secs_f64(horizon).ok())
        .ok_or(Reason::InvalidHorizon)?;
    let steps = steps(horizon, step_seconds.ok_or(Reason::InvalidStep)?)?;
    forecast(&gaps::bridged(values)?, steps)
}

fn forecast_document(forecast: &Forecast, range: &Value) -> Value {
    json!({
        "model": forecast.model.name,
        "why": forecast.model.why(),
        "mean": forecast.mean,
        "lower": forecast.lower,
        "median": forecast.median,
        "upper": forecast.upper,
        "min": forecast.min.value,
        "max": forecast.max.value,
        "average": forecast.average.value,
        "probability": or_error(probability(forecast, range)),
    })
}

fn probability(forecast: &Forecast, range: &Value) -> Result<Value, Reason> {
    let bound = |bound: &Value| match bound {
        Value::Null => Ok(None),
        bound => bound.as_f64().map(Some).ok_or(Reason::InvalidRange),
    };
    match range {
        Value::Null => Ok(Value::Null),
        Value::Array(bounds) if bounds.len() == 2 => {
            match (bound(&bounds[0])?, bound(&bounds[1])?) {
                // Without a bound there is nothing to leave.
                (None, None) => Ok(Value::Null),
                (min, max) => forecast.probability(min, max).map(Value::from),
            }
        }
        _ => Err(Reason::InvalidRange),
    }
}
