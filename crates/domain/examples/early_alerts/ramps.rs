//! Series that build up to something: what somebody hopes to see coming.

use crate::known::{
    Series,
    made::{DRAW, evolve, wave},
};

/// The seeds after those of `made`.
const FIRST: u64 = 50;

/// One of each kind.
pub(crate) fn series(draw: u64) -> Vec<Series> {
    let first = DRAW * draw + FIRST;
    let made = [
        ("disk, cleaned at 80", disk(first)),
        ("leak with restarts", leak(first + 1)),
        ("leak under load", leak_under_load(first + 2)),
        ("queue, its consumer stalls", queue(first + 3)),
        ("retry storm", retry_storm(first + 4)),
        ("rollout", rollout(first + 5)),
        ("connection pool", pool(first + 6)),
        ("temperature, a fan fails", temperature(first + 7)),
        ("lag of a replica", lag(first + 8)),
        ("threads by steps", threads(first + 9)),
        ("log volume", log_volume(first + 10)),
    ];
    made.into_iter()
        .map(|(name, values)| Series::whole(name, values))
        .collect()
}

/// Fills at a rate that changes with each cleaning; a cleaning in four comes late, when it has been full for a while.
fn disk(seed: u64) -> Vec<f64> {
    let start = (30.0_f64, 0.2, false, 0);
    evolve(seed, start, |(used, rate, is_late, full), _, random| {
        *used = (*used + *rate + 0.05 * random.normal()).clamp(0.0, 100.0);
        *full = if *used >= 100.0 { *full + 1 } else { 0 };
        if *full > 20 || (*used > 80.0 && !*is_late) {
            *used = 30.0 + 3.0 * random.normal();
            *rate = 0.1 + 0.25 * random.uniform();
            *is_late = random.happens(0.25);
        }
        *used
    })
}

/// Each life of the process leaks at a rate of its own, and ends at any time, at the latest when memory is full.
fn leak(seed: u64) -> Vec<f64> {
    let start = (25.0_f64, 0.2, 0.0_f64);
    evolve(seed, start, |(used, rate, noise), _, random| {
        *used += *rate;
        *noise = 0.7 * *noise + 0.5 * random.normal();
        if *used > 100.0 || random.happens(1.0 / 240.0) {
            *used = 25.0;
            *rate = 0.05 + 0.35 * random.uniform();
        }
        (*used + *noise).clamp(0.0, 100.0)
    })
}

/// The busier it is the faster it leaks; restarted every six hours and when it is full.
fn leak_under_load(seed: u64) -> Vec<f64> {
    evolve(seed, (30.0, 0.0), |(used, noise), t, random| {
        *used += 0.15 * (1.0 + 0.9 * wave(t, 1440.0)) * (1.0 + 0.3 * random.normal());
        *noise = 0.8 * *noise + 0.6 * random.normal();
        if *used > 95.0 || t % 360 == 0 {
            *used = 30.0;
        }
        *used + *noise
    })
}

/// Its consumer stalls for up to an hour, then works off what waits.
fn queue(seed: u64) -> Vec<f64> {
    evolve(seed, (30.0, 0.0), |(waiting, stalled), _, random| {
        if *stalled < 1.0 && random.happens(1.0 / 200.0) {
            *stalled = 10.0 + 50.0 * random.uniform();
        }
        *stalled = f64::max(*stalled - 1.0, 0.0);
        let done = if *stalled > 0.0 { 0.0 } else { 60.0 };
        *waiting = f64::max(*waiting + random.count(20.0) - done, 0.0);
        *waiting + random.count(10.0)
    })
}

/// Load that grows by what fails until it can grow no more.
fn retry_storm(seed: u64) -> Vec<f64> {
    evolve(seed, (20.0, 0.0), |(load, left), _, random| {
        if *left < 1.0 && random.happens(1.0 / 300.0) {
            *left = 15.0 + 25.0 * random.uniform();
        }
        *left = f64::max(*left - 1.0, 0.0);
        *load = if *left > 0.0 {
            f64::min(*load * 1.1, 100.0)
        } else {
            20.0 + 0.8 * (*load - 20.0)
        };
        *load * (1.0 + 0.05 * random.normal())
    })
}

/// Goes up in a line to any height, stays there, and is taken back.
fn rollout(seed: u64) -> Vec<f64> {
    let start = (0.0, 0.0, 0.0);
    evolve(seed, start, |(level, slope, left), _, random| {
        *left -= 1.0;
        if *left < 0.0 {
            (*slope, *left) = if *slope > 0.0 {
                (0.0, 30.0 + 90.0 * random.uniform())
            } else if *level > 1.0 {
                (-*level / 5.0, 4.0)
            } else {
                *level = 0.0;
                let minutes = 20.0 + 40.0 * random.uniform();
                match random.happens(0.01) {
                    true => (60.0 * random.uniform() / minutes, minutes),
                    false => (0.0, 0.0),
                }
            };
        }
        *level += *slope;
        30.0 + *level + random.normal()
    })
}

/// Fills with the hours of the day, and can hold no more than 100.
fn pool(seed: u64) -> Vec<f64> {
    evolve(seed, 0.0, |noise, t, random| {
        *noise = 0.95 * *noise + 2.0 * random.normal();
        (60.0 + 35.0 * wave(t, 720.0) + *noise).clamp(0.0, 100.0)
    })
}

/// Without its fan it goes up to 95, ever more slowly.
fn temperature(seed: u64) -> Vec<f64> {
    evolve(seed, (60.0, 0.0), |(level, broken), _, random| {
        if *broken < 1.0 && random.happens(1.0 / 250.0) {
            *broken = 20.0 + 60.0 * random.uniform();
        }
        *broken = f64::max(*broken - 1.0, 0.0);
        let towards = if *broken > 0.0 { 95.0 } else { 60.0 };
        *level += (towards - *level) / 30.0 + 0.3 * random.normal();
        *level
    })
}

/// A minute more in each minute in which nothing is copied.
fn lag(seed: u64) -> Vec<f64> {
    evolve(seed, (0.0, 0.0), |(lag, stopped), _, random| {
        if *stopped < 1.0 && random.happens(1.0 / 180.0) {
            *stopped = 60.0 * random.uniform();
        }
        *stopped = f64::max(*stopped - 1.0, 0.0);
        *lag = if *stopped > 0.0 {
            *lag + 1.0
        } else {
            f64::max(*lag - 5.0, 0.0)
        };
        *lag + 0.3 * random.uniform()
    })
}

/// Eight more at a time while something hangs.
fn threads(seed: u64) -> Vec<f64> {
    evolve(seed, (40.0, 0.0), |(open, hanging), _, random| {
        if *hanging < 1.0 && random.happens(1.0 / 240.0) {
            *hanging = 90.0 * random.uniform();
        }
        *hanging = f64::max(*hanging - 1.0, 0.0);
        if *hanging > 0.0 && random.happens(1.0 / 12.0) {
            *open += 8.0;
        } else if *hanging < 1.0 {
            *open = f64::max(*open - 2.0, 40.0);
        }
        *open + random.count(3.0)
    })
}

/// Grows with much noise on it, and is moved away every five hours.
fn log_volume(seed: u64) -> Vec<f64> {
    evolve(seed, (0.0, 0.0), |(written, noise), t, random| {
        *written += random.count(4.0) / 4.0;
        *noise = 0.9 * *noise + 8.0 * random.normal();
        if t % 300 == 299 {
            *written = 0.0;
        }
        100.0 + *written + *noise
    })
}
