//! Series as they come: what can be said of each kind, and the reason where nothing can.

use std::time::Duration;

use series::{
    Reason,
    analysis::{Options, analyse},
};

const AS_OF: i64 = 1_764_000_000_000;
const HOURS: i64 = 3_600_000;

/// A number from 0 to 1 that depends on the position alone.
fn noise(position: i64) -> f64 {
    let mut state = (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    state ^= state >> 31;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (state >> 40) as f64 / (1u64 << 24) as f64
}

/// A sample every `step_ms` within the last `span_ms`, newest at `AS_OF - late_ms`.
fn every(step_ms: i64, span_ms: i64, late_ms: i64, value: impl Fn(i64) -> f64) -> Vec<(i64, f64)> {
    let count = (span_ms - late_ms) / step_ms;
    (0..count)
        .rev()
        .map(|back| (AS_OF - late_ms - back * step_ms, value(count - back)))
        .collect()
}

fn level(position: i64) -> f64 {
    50.0 + 5.0 * noise(position)
}

struct Kind {
    name: &'static str,
    samples: Vec<(i64, f64)>,
    step_seconds: f64,
    /// Why there is no forecast, where there is none.
    forecast: Result<(), Reason>,
    /// Why nothing is known of how it follows itself, where that is so.
    memory: Result<(), Reason>,
}

fn kinds() -> Vec<Kind> {
    let known = |name, samples, step_seconds| Kind {
        name,
        samples,
        step_seconds,
        forecast: Ok(()),
        memory: Ok(()),
    };
    let two_replicas = every(15_000, 6 * HOURS, 0, level)
        .into_iter()
        .flat_map(|(time, value)| [(time - 400, value), (time, value)])
        .collect();
    // Five samples a second apart, then nothing for most of a minute.
    let bursts = every(60_000, 6 * HOURS, 0, level)
        .into_iter()
        .flat_map(|(time, value)| (0..5).rev().map(move |back| (time - back * 1_000, value)))
        .collect();
    vec![
        known("replicas", two_replicas, 15.0),
        known("bursts", bursts, 60.0),
        known(
            "five minutes apart",
            every(300_000, 12 * HOURS, 0, level),
            300.0,
        ),
        Kind {
            forecast: Err(Reason::StepExceedsHorizon),
            ..known(
                "half an hour apart",
                every(1_800_000, 12 * HOURS, 0, level),
                1_800.0,
            )
        },
        known(
            "a counter",
            every(15_000, 6 * HOURS, 0, |k| (k * 17) as f64 + noise(k)),
            15.0,
        ),
        known(
            "a counter that starts again",
            every(15_000, 6 * HOURS, 0, |k| ((k % 500) * 17) as f64),
            15.0,
        ),
        Kind {
            memory: Err(Reason::Constant),
            ..known("constant", every(15_000, 6 * HOURS, 0, |_| 7.0), 15.0)
        },
        known(
            "small integers",
            every(15_000, 6 * HOURS, 0, |k| (3.0 * noise(k)).floor()),
            15.0,
        ),
        known(
            "heavy-tailed",
            every(15_000, 6 * HOURS, 0, |k| 1.0 / (1.0 - noise(k)).powi(2)),
            15.0,
        ),
        Kind {
            forecast: Err(Reason::TooShort),
            memory: Err(Reason::TooShort),
            ..known("short", every(15_000, 45_000, 0, level), 15.0)
        },
        known(
            "a minute late",
            every(15_000, 6 * HOURS, 60_000, level),
            15.0,
        ),
        Kind {
            forecast: Err(Reason::Stale),
            ..known("gone", every(15_000, 6 * HOURS, 600_000, level), 15.0)
        },
    ]
}

#[test]
fn of_every_kind_of_series_what_can_be_said_is_and_the_rest_has_its_reason() {
    let options = Options::default();
    for kind in kinds() {
        let found = analyse(&kind.samples, AS_OF, &options);
        let name = kind.name;
        let step = found.step_seconds;
        assert!((step - kind.step_seconds).abs() < 1e-9, "{name}: {step}");
        let forecast = found.forecast.as_ref().map(drop).map_err(|reason| *reason);
        assert_eq!(forecast, kind.forecast, "{name}");
        let memory = found.autocorrelation.as_ref().map(drop);
        assert_eq!(memory.map_err(|reason| *reason), kind.memory, "{name}");
        let Ok(forecast) = &found.forecast else {
            continue;
        };
        let seen = forecast.mean.len() as f64 * step;
        assert!(seen <= options.horizon.as_secs_f64(), "{name}: {seen} s");
        assert!(
            seen + step > options.horizon.as_secs_f64(),
            "{name}: {seen} s"
        );
        assert!(
            forecast.mean.iter().all(|value| value.is_finite()),
            "{name}"
        );
    }
}

#[test]
fn a_step_that_does_not_divide_the_horizon_ends_before_it() {
    let samples = every(7_000, 6 * HOURS, 0, level);
    let found = analyse(&samples, AS_OF, &Options::default());
    assert_eq!(found.forecast.unwrap().mean.len(), 85);
    let minute = Options {
        horizon: Duration::from_secs(60),
        ..Options::default()
    };
    let found = analyse(&every(60_000, 6 * HOURS, 0, level), AS_OF, &minute);
    assert_eq!(found.forecast.unwrap().mean.len(), 1);
}
