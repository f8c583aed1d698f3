//! Series as servers make them, of random numbers that depend on the kind and the draw alone.

use std::f64::consts::TAU;

use super::{Random, Series};

/// How many values each has.
pub(crate) const LENGTH: usize = 6_000;
/// From the seeds of one draw to those of the next: here are kinds for as many.
pub(crate) const DRAW: u64 = 100;

/// Goes from -1 to 1 and back in each period, which begins at 0.
pub(crate) fn wave(t: usize, period: f64) -> f64 {
    (TAU * t as f64 / period).sin()
}

/// Values from a state that goes on from sample to sample.
pub(crate) fn evolve<S>(
    seed: u64,
    mut state: S,
    next: impl Fn(&mut S, usize, &mut Random) -> f64,
) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..LENGTH)
        .map(|t| next(&mut state, t, &mut random))
        .collect()
}

/// A season, a drift and noise that remembers.
fn seasonal(seed: u64, period: f64, height: f64, drift: f64, memory: f64, noise: f64) -> Vec<f64> {
    evolve(seed, 0.0, |state, t, random| {
        *state = memory * *state + noise * random.normal();
        50.0 + drift * t as f64 + height * wave(t, period) + *state
    })
}

/// One of each kind.
pub(crate) fn series(draw: u64) -> Vec<Series> {
    let first = DRAW * draw;
    let mut made = vec![
        (
            "season with a trend",
            seasonal(first, 60.0, 8.0, 0.004, 0.8, 1.0),
        ),
        (
            "season of a third of 720",
            seasonal(first + 1, 236.0, 6.0, 0.0, 0.7, 1.0),
        ),
        (
            "season longer than 720",
            seasonal(first + 2, 1440.0, 20.0, 0.0, 0.6, 1.0),
        ),
        (
            "weak season",
            seasonal(first + 3, 120.0, 1.5, 0.0, 0.7, 1.0),
        ),
        (
            "autoregression",
            seasonal(first + 4, 1.0, 0.0, 0.0, 0.9, 1.0),
        ),
    ];
    made.push((
        "two seasons",
        evolve(first + 5, (), |(), t, random| {
            let slow = 30.0 * wave(t, 240.0).max(0.0).powi(3);
            200.0 + slow + if t % 60 < 8 { 12.0 } else { 0.0 } + 3.0 * random.normal()
        }),
    ));
    made.push((
        "random walk",
        evolve(first + 6, 1000.0, |level, _, random| {
            *level += random.normal();
            *level
        }),
    ));
    made.push((
        "level shifts",
        evolve(first + 7, (0.0, 0.0), |(level, noise), _, random| {
            if random.happens(1.0 / 300.0) {
                *level += 15.0 * random.normal();
            }
            *noise = 0.5 * *noise + 2.0 * random.normal();
            100.0 + *level + *noise
        }),
    ));
    made.push((
        "bursts",
        evolve(first + 8, 0.0, |burst, _, random| {
            *burst *= 0.85;
            if random.happens(0.012) {
                *burst += 40.0 * (0.6 * random.normal()).exp();
            }
            10.0 * (0.15 * random.normal()).exp() + *burst
        }),
    ));
    made.push((
        "scheduled spikes",
        evolve(first + 9, 40.0, |left, _, random| {
            *left -= 1.0;
            if *left < -2.0 {
                *left = 94.0 + (5.0 * random.uniform()).floor() - 2.0;
            }
            let spike = match *left {
                0.0 => 60.0,
                -1.0 => 45.0,
                -2.0 => 20.0,
                _ => 0.0,
            };
            5.0 + random.normal().abs() + spike * (0.8 + 0.4 * random.uniform())
        }),
    ));
    made.push((
        "counts",
        evolve(first + 10, (), |(), t, random| {
            random.count(3.0 + 2.5 * wave(t, 360.0))
        }),
    ));
    made.push((
        "sawtooth",
        evolve(first + 11, (), |(), t, random| {
            3.0 * (t % 97) as f64 + 2.0 * random.normal()
        }),
    ));
    made.push((
        "counter with resets",
        evolve(
            first + 12,
            (0.0, 5.0),
            |(count, rate): &mut (f64, f64), _, random| {
                *rate = (*rate + 0.05 * (5.0 - *rate) + 0.3 * random.normal()).max(0.2);
                *count = if random.happens(1.0 / 350.0) {
                    0.0
                } else {
                    *count + *rate + 0.5 * random.normal().abs()
                };
                *count
            },
        ),
    ));
    made.push((
        "steady counter",
        evolve(first + 13, 1e6, |count, _, random| {
            *count += random.count(8.0);
            *count
        }),
    ));
    made.push((
        "nearly constant",
        evolve(first + 14, 0.0, |noise, _, random| {
            *noise = 0.9 * *noise + 0.2 * random.normal();
            64.0 + f64::round(*noise)
        }),
    ));
    made.push((
        "changing spread",
        evolve(
            first + 15,
            (1.0, 0.0),
            |(variance, error): &mut (f64, f64), t, random| {
                *variance = 0.05 + 0.15 * *error * *error + 0.8 * *variance;
                *error = (*variance * (1.0 + 0.8 * wave(t, 288.0))).sqrt() * random.normal();
                20.0 + 2.0 * *error
            },
        ),
    ));
    made.push((
        "saturated",
        evolve(first + 16, 0.0, |noise, t, random| {
            *noise = 0.85 * *noise + 3.0 * random.normal();
            (85.0 + 12.0 * wave(t, 180.0) + *noise).clamp(0.0, 100.0)
        }),
    ));
    made.push((
        "on and off",
        evolve(first + 17, true, |on, _, random| {
            if random.happens(if *on { 0.03 } else { 0.015 }) {
                *on = !*on;
            }
            if *on {
                80.0 + 4.0 * random.normal()
            } else {
                15.0 + 2.0 * random.normal()
            }
        }),
    ));
    made.push((
        "latency",
        evolve(first + 18, (0.0, 0.0), |(level, tail), _, random| {
            *level = 0.95 * *level + 0.1 * random.normal();
            *tail = 0.7 * *tail
                + if random.happens(0.02) {
                    2.0 * random.uniform()
                } else {
                    0.0
                };
            0.2 * (*level + *tail + 0.2 * random.normal()).exp()
        }),
    ));
    made.push((
        "queue",
        evolve(first + 19, 0.0, |waiting: &mut f64, t, random| {
            let arrivals = random.count(4.0 + 1.5 * wave(t, 400.0));
            *waiting = (*waiting + arrivals - 4.6).max(0.0);
            waiting.round()
        }),
    ));
    made.push((
        "changing slope",
        evolve(first + 20, (500.0, 0.0), |(level, slope), _, random| {
            if random.happens(1.0 / 120.0) {
                *slope = random.normal();
            }
            *level += *slope + 0.5 * random.normal();
            *level += 0.002 * (500.0 - *level);
            *level
        }),
    ));
    made.push((
        "batch jobs",
        evolve(first + 21, (0, 0.0), |(left, height), t, random| {
            if t % 180 == 7 {
                *left = 30 + (10.0 * random.uniform()) as usize;
                *height = 40.0 + 5.0 * random.normal();
            }
            *left = usize::saturating_sub(*left, 1);
            12.0 + random.normal() + if *left > 0 { *height } else { 0.0 }
        }),
    ));
    made.push((
        "growing season",
        evolve(first + 22, (1.0, 0.0), |(height, noise), t, random| {
            *height = (*height + 0.01 * random.normal()).clamp(0.3, 3.0);
            *noise = 0.6 * *noise + random.normal();
            40.0 + 10.0 * *height * wave(t, 144.0) + *noise
        }),
    ));
    made.push((
        "heap",
        evolve(first + 23, (20.0, 90.0), |(heap, full), _, random| {
            *heap += 0.8 + 0.4 * random.normal();
            if *heap > *full {
                *heap = 20.0 + 3.0 * random.normal();
                *full = 90.0 + 10.0 * random.normal();
            }
            *heap
        }),
    ));
    made.push((
        "availability",
        evolve(first + 24, 0.0, |outage, _, random| {
            *outage *= 0.8;
            if random.happens(0.006) {
                *outage += random.uniform();
            }
            let failed = (*outage + 0.002 * random.normal().abs()).clamp(0.0, 1.0);
            100.0 * (1.0 - failed)
        }),
    ));
    made.push((
        "free disk",
        evolve(first + 25, 800.0, |free, _, random| {
            *free -= 0.1 + 0.05 * random.normal();
            if *free < 200.0 {
                *free = 800.0;
            }
            (10.0_f64 * *free).round() / 10.0
        }),
    ));
    made.push((
        "connections",
        evolve(first + 26, 50.0, |open: &mut f64, t, random| {
            let opened = random.count(3.0 * (1.0 + 0.5 * wave(t, 720.0)));
            let closed = random.count(0.06 * *open);
            *open = (*open + opened - closed).max(0.0);
            *open
        }),
    ));
    made.push((
        "heavy tails",
        evolve(first + 27, 0.0, |level, _, random| {
            let shock = random.normal() / random.uniform().max(0.05).sqrt();
            *level = 0.8 * *level + shock;
            *level
        }),
    ));
    let mut all: Vec<Series> = made
        .into_iter()
        .map(|(name, values)| Series::whole(name, values))
        .collect();
    all.push(with_gaps(first));
    all
}

/// Two seasons of which single samples and, every 500 samples, 25 in a row are missing.
fn with_gaps(first: u64) -> Series {
    let mut random = Random::new(first + 28);
    let values: Vec<f64> = evolve(first + 29, 0.0, |noise, t, random| {
        *noise = 0.6 * *noise + 1.5 * random.normal();
        30.0 + 10.0 * wave(t, 120.0) + 4.0 * wave(t + 8, 30.0) + *noise
    });
    let seen = (0..values.len())
        .map(|t| t % 500 >= 25 && !random.happens(0.03))
        .collect();
    Series {
        name: "season with gaps".to_owned(),
        values,
        seen,
    }
}
