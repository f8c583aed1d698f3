//! The answers of statsmodels 0.15.0 to the same series.
//!
//! The made series are in `tests/data`. Real ones may not be copied here; they are read from the folder `shared` beside
//! the repository where there is one.

use std::{fs::File, path::Path};

use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};
use series::{
    Reason,
    autocorrelation::autocorrelation,
    decomposition::decompose,
    kpss::{Bandwidth, kpss},
    period,
    unit_root::{Deterministic, LagSelection, adf},
};

const TIGHT: f64 = 1e-9;
/// What the reference itself is exact to where its regressors all but depend on each other.
const SOLVED: f64 = 1e-8;
/// The regressions and rules as the reference names them.
const REGRESSIONS: [(&str, Deterministic); 2] =
    [("c", Deterministic::Constant), ("ct", Deterministic::Trend)];
const SELECTIONS: [(&str, LagSelection); 4] = [
    ("AIC", LagSelection::Aic),
    ("BIC", LagSelection::Bic),
    ("t-stat", LagSelection::TStatistic),
    ("None", LagSelection::None),
];

fn read(path: &str) -> Option<Map<String, Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let file = File::open(path).ok()?;
    let mut document: Value = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    match document["series"].take() {
        Value::Object(series) => Some(series),
        other => panic!("no series but {other}"),
    }
}

/// All series with their reference answers, by name.
fn all() -> Map<String, Value> {
    let mut series = read("tests/data/statsmodels.json.gz").unwrap();
    for (name, reference) in read("../../../shared/oracle/statsmodels.json.gz").unwrap_or_default()
    {
        series.entry(name).or_insert(reference);
    }
    assert!(series.len() >= 10);
    series
}

fn numbers(value: &Value) -> Vec<f64> {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    value.as_array().unwrap().iter().map(number).collect()
}

/// Equal within `tolerance`, relative for values above 1; NaN equals NaN.
fn near(got: f64, expected: f64, tolerance: f64) -> bool {
    got.is_nan() && expected.is_nan()
        || (got - expected).abs() <= tolerance * expected.abs().max(1.0)
}

/// How far from zero the values are.
fn offset(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max, value| value.abs().max(max))
}

#[track_caller]
fn check(name: &str, what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{name}: {what}");
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            near(got, expected, tolerance),
            "{name}: {what}[{index}] is {got}, not {expected}"
        );
    }
}

/// Calls `check` with the name, values and reference of every series a technique can work on.
fn for_each_usable(mut check: impl FnMut(&str, &[f64], &Value)) {
    let mut checked = 0;
    for (name, reference) in &all() {
        let values = numbers(&reference["x"]);
        let complete = values.iter().all(|value| !value.is_nan());
        let constant = values
            .iter()
            .all(|value| value.to_bits() == values[0].to_bits());
        if complete && !constant && values.len() >= 4 {
            check(name, &values, &reference["expected"]);
            checked += 1;
        }
    }
    assert!(checked >= 7);
}

#[test]
fn what_the_reference_cannot_work_on_has_a_typed_reason() {
    let series = all();
    for (name, reason) in [
        ("constant_n720", Reason::Constant),
        ("nan_gaps_n1000", Reason::NotFinite),
        ("short_n3", Reason::TooShort),
    ] {
        let values = numbers(&series[name]["x"]);
        assert_eq!(autocorrelation(&values, None), Err(reason));
        for around in [Deterministic::Constant, Deterministic::Trend] {
            assert_eq!(adf(&values, around, LagSelection::Aic, None), Err(reason));
            assert_eq!(kpss(&values, around, Bandwidth::Automatic), Err(reason));
        }
    }
}

#[test]
fn autocorrelation_bounds_and_ljung_box_are_the_references() {
    for_each_usable(|name, values, expected| {
        // Of the series less its mean: at an offset of 1e10 the reference itself is only good to 1e-9.
        let expected = &expected["acf_shifted"];
        let got = autocorrelation(values, None).unwrap();
        let bounds = expected["confint"].as_array().unwrap();
        let bound =
            |side: usize| -> Vec<f64> { bounds.iter().map(|pair| numbers(pair)[side]).collect() };
        check(name, "acf", &got.values, &numbers(&expected["acf"]), TIGHT);
        check(name, "lower", &got.lower, &bound(0), TIGHT);
        check(name, "upper", &got.upper, &bound(1), TIGHT);
        check(name, "q", &got.q, &numbers(&expected["qstat"]), TIGHT);
        check(name, "p", &got.p, &numbers(&expected["pvalues"]), TIGHT);
    });
}

#[test]
fn the_unit_root_test_is_the_references() {
    for_each_usable(|name, values, reference| {
        for (regression, deterministic) in REGRESSIONS {
            for (selection, lag_selection) in SELECTIONS {
                let case = format!("{regression}/{selection}");
                // The reference's answer to the series as it is loses the level at great offsets; this one is to the
                // standardised series, so that only the criterion, which depends on the unit, has to come from there.
                let expected = &reference["adf_shifted"][&case];
                let criterion = &reference["adf"][&case]["icbest"];
                let got = adf(values, deterministic, lag_selection, None).unwrap();
                let case = format!("{name}: {case}");
                assert_eq!(
                    Some(got.lags as u64),
                    expected["usedlag"].as_u64(),
                    "{case}"
                );
                assert_eq!(Some(got.nobs as u64), expected["nobs"].as_u64(), "{case}");
                let number = |key: &str| expected[key].as_f64().unwrap();
                check(
                    &case,
                    "statistic",
                    &[got.statistic],
                    &[number("stat")],
                    1e-7,
                );
                check(&case, "p", &[got.pvalue], &[number("pvalue")], 1e-5);
                let critical = got.critical;
                let critical = [
                    critical.one_percent,
                    critical.five_percent,
                    critical.ten_percent,
                ];
                let levels =
                    ["1%", "5%", "10%"].map(|level| expected["crit"][level].as_f64().unwrap());
                check(&case, "critical", &critical, &levels, 1e-12);
                match got.icbest {
                    Some(_) if offset(values) > 1e6 => {}
                    Some(icbest) => check(
                        &case,
                        "icbest",
                        &[icbest],
                        &numbers(&json!([criterion])),
                        1e-7,
                    ),
                    None => assert!(criterion.is_null(), "{case}"),
                }
            }
        }
    });
}

#[test]
fn the_unit_root_test_of_steep_and_of_smooth_series_is_the_references() {
    let series = read("tests/data/steep_and_smooth.json.gz").unwrap();
    assert!(series.len() >= 8);
    for (name, reference) in &series {
        let values = numbers(&reference["x"]);
        for (regression, deterministic) in REGRESSIONS {
            for (selection, lag_selection) in SELECTIONS {
                let case = format!("{regression}/{selection}");
                let expected = &reference["adf"][&case];
                let case = format!("{name}: {case}");
                let got = adf(&values, deterministic, lag_selection, None);
                let got = got.unwrap_or_else(|reason| panic!("{case} is {reason}"));
                let counts = [got.lags, got.nobs].map(|count| Some(count as u64));
                let expected_counts = ["usedlag", "nobs"].map(|key| expected[key].as_u64());
                assert_eq!(counts, expected_counts, "{case}");
                let expected = ["stat", "pvalue"].map(|key| expected[key].as_f64().unwrap());
                check(&case, "statistic", &[got.statistic], &expected[..1], SOLVED);
                check(&case, "p", &[got.pvalue], &expected[1..], SOLVED);
            }
        }
    }
}

#[test]
fn kpss_is_the_references() {
    let bandwidths = [
        ("auto", Bandwidth::Automatic),
        ("legacy", Bandwidth::Legacy),
    ];
    for_each_usable(|name, values, expected| {
        for (regression, deterministic) in REGRESSIONS {
            for (rule, bandwidth) in bandwidths {
                let case = format!("{name}: {regression}/{rule}");
                let expected = &expected["kpss"][format!("{regression}/{rule}")];
                let got = kpss(values, deterministic, bandwidth).unwrap();
                assert_eq!(Some(got.lags as u64), expected["lags"].as_u64(), "{case}");
                let number = |key: &str| expected[key].as_f64().unwrap();
                // At an offset of 1e10 the reference's mean is off in the last digit, and with it every partial sum.
                let tolerance = if offset(values) > 1e6 { 1e-4 } else { TIGHT };
                check(
                    &case,
                    "statistic",
                    &[got.statistic],
                    &[number("stat")],
                    tolerance,
                );
                check(&case, "p", &[got.pvalue], &[number("pvalue")], tolerance);
            }
        }
    });
}

#[test]
fn kpss_of_a_gauge_of_bytes_is_that_of_exact_arithmetic() {
    // The mean in fractions, the rest in floats; the reference says 0.0874867.
    let values = numbers(&all()["large_offset_white_n2880"]["x"]);
    let got = kpss(&values, Deterministic::Constant, Bandwidth::Automatic).unwrap();
    check(
        "exact",
        "statistic",
        &[got.statistic],
        &[0.087_479_207_983_832_84],
        TIGHT,
    );
}

#[test]
fn decomposition_is_the_references() {
    for_each_usable(|name, values, expected| {
        for (period, expected) in expected["decompose"].as_object().unwrap() {
            let Ok(period) = period.parse::<usize>() else {
                continue; // extrapolated trends
            };
            let got = decompose(values, period).unwrap();
            let indices: Vec<usize> = match expected["index"].as_array() {
                Some(indices) => indices
                    .iter()
                    .map(|index| index.as_u64().unwrap() as usize)
                    .collect(),
                None => (0..values.len()).collect(),
            };
            let at =
                |part: &[f64]| -> Vec<f64> { indices.iter().map(|&index| part[index]).collect() };
            // The parts of a series on a great offset are differences of great numbers.
            let tolerance = TIGHT.max(1e-15 * offset(values));
            check(
                name,
                "trend",
                &at(&got.trend),
                &numbers(&expected["trend"]),
                TIGHT,
            );
            check(
                name,
                "seasonal",
                &at(&got.seasonal),
                &numbers(&expected["seasonal"]),
                tolerance,
            );
            check(
                name,
                "resid",
                &at(&got.resid),
                &numbers(&expected["resid"]),
                tolerance,
            );
        }
    });
}

#[test]
fn the_periods_that_series_were_made_with_are_found() {
    let series = all();
    for (name, made_with) in [
        ("seasonal_trend_noise_n2880", &[240][..]),
        ("two_seasons_n1440", &[60, 240]),
    ] {
        // The reference decomposed it by these.
        for period in made_with {
            let decomposed = &series[name]["expected"]["decompose"];
            assert!(decomposed.get(period.to_string()).is_some(), "{name}");
        }
        let found = period::detect(&numbers(&series[name]["x"])).unwrap();
        let is_near = |period: &usize| period.abs_diff(found.samples) <= 1;
        assert!(made_with.iter().any(is_near), "{name}: {found:?}");
    }
    for name in [
        "ar1_phi07_n720",
        "random_walk_n2880",
        "large_offset_white_n2880",
        "integer_gauge_n1440",
    ] {
        let values = numbers(&series[name]["x"]);
        assert_eq!(period::detect(&values), None, "{name}");
    }
}
