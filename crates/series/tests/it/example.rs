//! `examples/analyse.rs` answers every line, and in the shape that others rely on.

#[path = "../../examples/analyse.rs"]
#[expect(dead_code, reason = "its main is not called here")]
mod analyse;

use std::io::{self, Write};

use analyse::{answer, answer_all};
use serde_json::{Value, json};

fn ask(request: &Value) -> Value {
    answer(request.to_string().as_bytes())
}

/// A cycle of 20 samples with a little noise.
fn cycle(length: usize) -> Vec<f64> {
    (0..length)
        .map(|t| {
            let noise = (43_758.5 * (12.9898 * t as f64).sin()).fract();
            50.0 + 10.0 * (std::f64::consts::TAU * t as f64 / 20.0).sin() + noise
        })
        .collect()
}

#[track_caller]
fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_series_is_answered_in_full() {
    let x = cycle(200);
    let got = ask(&json!({
        "name": "load", "step_seconds": 60, "x": x, "period": null, "horizon_seconds": 600, "range": [0, 58], "seed": 1,
    }));
    for key in [
        "name",
        "n",
        "summary",
        "acf",
        "adf",
        "kpss",
        "verdict",
        "period",
        "decompose",
        "us",
        "forecast",
    ] {
        assert!(got.get(key).is_some(), "{key}");
    }
    assert_eq!(keys(&got["summary"]), ["average", "max", "min", "std"]);
    assert_eq!(
        keys(&got["acf"]),
        ["lower", "nlags", "p", "q", "upper", "values"]
    );
    assert_eq!(keys(&got["adf"]), ["c", "ct"]);
    assert_eq!(
        keys(&got["adf"]["c"]),
        ["critical", "icbest", "lags", "nobs", "pvalue", "statistic"]
    );
    assert_eq!(keys(&got["adf"]["c"]["critical"]), ["1%", "10%", "5%"]);
    assert_eq!(got["acf"]["values"].as_array().map(Vec::len), Some(41));
    assert_eq!(got["period"]["samples"], 20);
    assert_eq!(
        got["decompose"]["trend"].as_array().map(Vec::len),
        Some(200)
    );
    for key in ["mean", "lower", "upper"] {
        assert_eq!(
            got["forecast"][key].as_array().map(Vec::len),
            Some(10),
            "{key}"
        );
    }
    for key in ["min", "max", "average", "probability"] {
        assert!(got["forecast"][key].is_f64(), "{key}");
    }
}

#[test]
fn the_period_given_is_decomposed_and_the_one_found_is_said() {
    let got = ask(&json!({"x": cycle(200), "step_seconds": 60, "period": 7}));
    assert_eq!(got["period"]["samples"], 20);
    let seasonal = got["decompose"]["seasonal"].as_array().unwrap();
    assert_eq!(seasonal[0], seasonal[7]);
}

#[test]
fn short_gaps_are_held_and_long_ones_cut() {
    let mut x: Vec<Value> = cycle(300).into_iter().map(Value::from).collect();
    x[280..282].fill(Value::Null);
    x[40..60].fill(Value::Null);
    let got = ask(&json!({"x": x, "step_seconds": 60}));
    assert_eq!(
        ["n", "stretch", "stretch_start"].map(|key| got[key].as_u64()),
        [Some(300), Some(240), Some(60)]
    );
    assert_eq!(got["forecast"]["model"], "stack");
}

#[test]
fn what_cannot_be_said_is_an_error_in_its_place() {
    let x = cycle(30);
    let short = json!([1, 2, 3]);
    let same = json!([4, 4, 4, 4, 4, 4, 4, 4]);
    let cases = [
        (json!({"x": []}), "/summary", "too_short"),
        (
            json!({"x": [null, null, null, null, null]}),
            "/summary",
            "too_short",
        ),
        (json!({"x": short}), "/acf", "too_short"),
        (json!({"x": short}), "/adf/c", "too_short"),
        (json!({"x": short}), "/forecast", "too_short"),
        (json!({"x": same}), "/acf", "constant"),
        (json!({"x": same}), "/kpss/ct", "constant"),
        (json!({"x": same}), "/verdict", "constant"),
        (json!({"x": x, "period": 16}), "/decompose", "too_short"),
        (
            json!({"x": x, "period": -3}),
            "/decompose",
            "invalid_period",
        ),
        (
            json!({"x": x, "period": 2.5}),
            "/decompose",
            "invalid_period",
        ),
        (
            json!({"x": x, "step_seconds": 0}),
            "/forecast",
            "invalid_step",
        ),
        (
            json!({"x": x, "step_seconds": "60"}),
            "/forecast",
            "invalid_step",
        ),
        (
            json!({"x": x, "horizon_seconds": -600}),
            "/forecast",
            "invalid_horizon",
        ),
        (
            json!({"x": x, "horizon_seconds": 0}),
            "/forecast",
            "invalid_horizon",
        ),
        (
            json!({"x": x, "horizon_seconds": 1e300}),
            "/forecast",
            "invalid_horizon",
        ),
        (
            json!({"x": x, "horizon_seconds": 1e12}),
            "/forecast",
            "invalid_horizon",
        ),
        (
            json!({"x": x, "range": [2, 1]}),
            "/forecast/probability",
            "invalid_range",
        ),
        (
            json!({"x": x, "range": [2]}),
            "/forecast/probability",
            "invalid_range",
        ),
    ];
    for (request, place, reason) in cases {
        let got = ask(&request);
        let error = got.pointer(place).map(|place| place["error"].clone());
        assert_eq!(error, Some(json!(reason)), "{request}");
    }
}

#[test]
fn a_constant_series_is_forecast_with_certainty() {
    let got = ask(&json!({"x": [4, 4, 4, 4, 4, 4], "range": [null, 3]}));
    assert_eq!(got["forecast"]["model"], "constant");
    assert_eq!(got["forecast"]["mean"], json!(vec![4.0; 10]));
    assert_eq!(got["forecast"]["probability"], 1.0);
}

#[test]
fn a_line_that_cannot_be_read_is_answered() {
    let lines: [&[u8]; 8] = [
        b"",
        b"not json",
        b"{",
        b"[1, 2]",
        b"\xff\xfe",
        b"{\"x\": [1e999]}",
        b"{\"x\": [\"a\"]}",
        b"{\"x\": {}}",
    ];
    for line in lines {
        assert!(answer(line)["error"].is_string(), "{line:?}");
    }
}

#[test]
fn every_line_of_a_stream_gets_a_line() {
    let good = json!({"name": "good", "x": cycle(100)}).to_string();
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let deep_x = [b"{\"x\":".as_slice(), &deep, b"}"].concat();
    let junk: [&[u8]; 9] = [
        b"",
        b"\r",
        b"junk",
        b"\xff\xfe\x00",
        b"{\"x\":[1,2",
        &deep,
        &deep_x,
        b"null",
        b"{\"x\":[NaN]}",
    ];
    let mut stream = Vec::new();
    for line in junk {
        stream.extend([good.as_bytes(), b"\n", line, b"\n"].concat());
    }
    // The last line has no end.
    stream.extend(good.as_bytes());
    let mut answers = Vec::new();
    answer_all(&stream[..], &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 2 * junk.len() + 1);
    for (place, answer) in answers.iter().enumerate() {
        if place % 2 == 0 {
            assert_eq!(answer["name"], "good");
            assert_eq!(answer["forecast"]["model"], "stack");
        } else {
            assert!(answer["error"].is_string(), "{answer}");
        }
    }
}

#[test]
fn more_than_a_million_values_are_refused() {
    let mut line = b"{\"name\":\"long\",\"x\":[0".to_vec();
    line.extend(b",0".repeat(1_000_000));
    line.extend(b"]}");
    assert_eq!(answer(&line), json!({"name": "long", "error": "too_long"}));
}

#[test]
fn an_end_of_listening_is_no_failure() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(answer_all(&b"1\n2\n"[..], Closed).is_ok());
}

#[test]
fn a_range_without_bounds_has_no_probability() {
    let got = ask(&json!({"x": cycle(100), "range": [null, null]}));
    assert!(got["forecast"]["probability"].is_null());
}

#[test]
fn extreme_numbers_get_numbers() {
    for x in [
        json!([1e308, -1e308, 1.7e308, 2, 3, -1.7e308]),
        json!([5e-324, 1e-323, 0, 5e-324, 1e-323, 0]),
    ] {
        let got = ask(&json!({"x": x, "range": [0, 1]}));
        assert!(got["acf"]["values"].is_array() && got["forecast"]["mean"].is_array());
        assert!(
            got["forecast"]["mean"]
                .as_array()
                .unwrap()
                .iter()
                .all(Value::is_number)
        );
    }
}
