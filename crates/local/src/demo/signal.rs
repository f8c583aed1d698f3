//! What the demo node does at a time: a day's rhythm, a job every half hour, noise, an excursion now and then, and
//! what `spike` asks for. Pure functions of the time and the spikes.

use std::f64::consts::TAU;

use super::{
    noise::{share, smooth, white},
    spike::Spikes,
};

/// The signals change every so many seconds.
pub(super) const SLOT_SECONDS: i64 = 5;
/// How often the regular job starts, and how long it runs.
const JOB_EVERY: i64 = 30 * 60;
const JOB_LASTS: i64 = 8 * 60;

pub(super) const MEMORY_TOTAL: f64 = 8.0 * GIB;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const MEGABYTE: f64 = 1e6;

/// The streams of noise; each number is used once.
mod stream {
    pub(super) const LOAD_SLOW: u64 = 1;
    pub(super) const LOAD_FAST: u64 = 2;
    pub(super) const LOAD_EXCURSION: u64 = 3;
    pub(super) const MEMORY: u64 = 4;
    pub(super) const MEMORY_EXCURSION: u64 = 5;
    pub(super) const TEMPERATURE: u64 = 6;
    pub(super) const PROCESSES: u64 = 7;
    pub(super) const NETWORK: u64 = 8;
    pub(super) const NETWORK_EXCURSION: u64 = 9;
    pub(super) const TRAFFIC: u64 = 10;
    pub(super) const ERROR_EXCURSION: u64 = 11;
    pub(super) const SLOW_EXCURSION: u64 = 12;
    pub(super) const CPU: u64 = 100;
}

/// The share of one CPU that is busy, 0 to 1.
pub(super) fn busy(cpu: u64, seconds: i64, spikes: &Spikes) -> f64 {
    let own = 0.02 * white(stream::CPU + cpu, slot(seconds));
    (load(seconds, spikes) + own).clamp(0.0, 1.0)
}

/// The share of all CPUs that is busy, 0 to 1.
fn load(seconds: i64, spikes: &Spikes) -> f64 {
    let noise = 0.03 * smooth(stream::LOAD_SLOW, seconds, 300)
        + 0.02 * white(stream::LOAD_FAST, slot(seconds));
    if spikes.holds("cpuUsage", seconds) {
        return 0.96 + noise / 3.0;
    }
    let usual = 0.2 + 0.06 * day(seconds) + 0.26 * job(seconds) + noise;
    usual + 0.62 * excursion(stream::LOAD_EXCURSION, seconds, 2 * 3600, 180)
}

/// Bytes of memory that are free to use.
pub(super) fn memory_available(seconds: i64, spikes: &Spikes) -> f64 {
    if spikes.holds("availableMem", seconds) {
        return (0.9 * GIB + 0.1 * GIB * white(stream::MEMORY, slot(seconds))).round();
    }
    let used = 3.0
        + 0.5 * day(seconds)
        + 1.0 * job(seconds)
        + 0.25 * smooth(stream::MEMORY, seconds, 900)
        + 2.6 * excursion(stream::MEMORY_EXCURSION, seconds, 5 * 3600, 300);
    (MEMORY_TOTAL - used * GIB).round()
}

/// Degrees Celsius of one sensor. A package follows the load of the last minute.
pub(super) fn temperature(sensor: u64, seconds: i64, spikes: &Spikes) -> f64 {
    let noise = smooth(stream::TEMPERATURE + 50 * sensor, seconds, 120);
    if spikes.holds("cpuTemp", seconds) {
        return eighths(93.0 + noise);
    }
    let slots = 60 / SLOT_SECONDS;
    let minute = (0..slots).map(|back| load(seconds - back * SLOT_SECONDS, spikes));
    let load = minute.sum::<f64>() / slots as f64;
    eighths(41.0 + 2.0 * sensor as f64 + 28.0 * load + noise)
}

/// How many processes there are.
pub(super) fn processes(seconds: i64, spikes: &Spikes) -> f64 {
    let noise = 6.0 * smooth(stream::PROCESSES, seconds, 240)
        + 2.0 * white(stream::PROCESSES, slot(seconds));
    if spikes.holds("totProcesses", seconds) {
        return (640.0 + noise).round();
    }
    (210.0 + 25.0 * day(seconds) + 30.0 * job(seconds) + noise).round()
}

/// Bytes a second that come in; a quarter as many go out.
pub(super) fn received(seconds: i64, spikes: &Spikes) -> f64 {
    let noise =
        0.8 * smooth(stream::NETWORK, seconds, 90) + 0.4 * white(stream::NETWORK, slot(seconds));
    if spikes.holds("networkThroughput", seconds) {
        return (40.0 + noise) * MEGABYTE;
    }
    let usual = 3.0 + 1.0 * day(seconds) + 8.0 * job(seconds) + noise;
    let excursion = 24.0 * excursion(stream::NETWORK_EXCURSION, seconds, 4 * 3600, 200);
    (usual + excursion) * MEGABYTE
}

/// What the demo node's clients ask for.
pub(super) struct Traffic {
    /// Requests a second.
    pub(super) rate: f64,
    /// The share of them that fails.
    pub(super) failing: f64,
    /// The share of them that takes longer than a quarter of a second.
    pub(super) slow: f64,
}

pub(super) fn requests(seconds: i64, spikes: &Spikes) -> Traffic {
    let noise =
        3.0 * smooth(stream::TRAFFIC, seconds, 120) + 1.0 * white(stream::TRAFFIC, slot(seconds));
    let failing = if spikes.holds("errors", seconds) {
        0.3
    } else {
        0.0008 + 0.03 * excursion(stream::ERROR_EXCURSION, seconds, 8 * 3600, 120)
    };
    Traffic {
        rate: 24.0 + 10.0 * day(seconds) + 8.0 * job(seconds) + noise,
        failing,
        slow: 0.004
            + 0.02 * job(seconds)
            + 0.2 * excursion(stream::SLOW_EXCURSION, seconds, 10 * 3600, 180),
    }
}

/// -1 in the night, at 3 o'clock UTC, to 1 in the afternoon.
fn day(seconds: i64) -> f64 {
    -(TAU * (seconds - 3 * 3600).rem_euclid(86_400) as f64 / 86_400.0).cos()
}

/// 1 while the regular job runs, 0 else, with edges of half a minute.
fn job(seconds: i64) -> f64 {
    plateau(seconds.rem_euclid(JOB_EVERY), JOB_LASTS, 30)
}

/// 1 during the one excursion of each span of `every` seconds, 0 else. It lasts `usual` seconds, give or take a
/// third, and lies anywhere in its span.
fn excursion(stream: u64, seconds: i64, every: i64, usual: i64) -> f64 {
    let span = seconds.div_euclid(every);
    let lasts = usual + (usual as f64 / 3.0 * white(stream, 2 * span)) as i64;
    let latest = every - lasts;
    let start = (latest as f64 * share(stream, 2 * span + 1)) as i64;
    plateau(seconds.rem_euclid(every) - start, lasts, 15)
}

/// 1 on `[0, lasts)` and 0 outside, with edges of `edge` seconds inside.
fn plateau(seconds: i64, lasts: i64, edge: i64) -> f64 {
    let inside = seconds.min(lasts - seconds) as f64;
    (inside / edge as f64).clamp(0.0, 1.0)
}

fn slot(seconds: i64) -> i64 {
    seconds.div_euclid(SLOT_SECONDS)
}

/// Sensors measure eighths of a degree.
fn eighths(degrees: f64) -> f64 {
    (degrees * 8.0).round() / 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_435_200;

    #[test]
    fn a_day_has_a_low_night_and_a_high_afternoon() {
        assert!(day(NOON - 9 * 3600) < -0.99);
        assert!(day(NOON + 3 * 3600) > 0.99);
    }

    #[test]
    fn every_span_has_one_excursion_of_about_its_usual_length() {
        for span in 0..20 {
            let from = NOON.div_euclid(6000) * 6000 + span * 6000;
            let seconds = (from..from + 6000)
                .filter(|second| excursion(3, *second, 6000, 180) > 0.0)
                .count();
            assert!((110..=240).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn a_spike_leaves_the_range_of_the_demo_sla_at_once() {
        let spikes = Spikes::of([
            ("cpuUsage", NOON, NOON + 60),
            ("availableMem", NOON, NOON + 60),
            ("cpuTemp", NOON, NOON + 60),
            ("totProcesses", NOON, NOON + 60),
            ("networkThroughput", NOON, NOON + 60),
        ]);
        for second in NOON..NOON + 60 {
            assert!(busy(0, second, &spikes) > 0.9);
            assert!(memory_available(second, &spikes) < 1.5 * GIB);
            assert!(temperature(0, second, &spikes) > 90.0);
            assert!(processes(second, &spikes) > 600.0);
            assert!(received(second, &spikes) > 35.0 * MEGABYTE);
        }
        assert!(busy(0, NOON + 60, &spikes) < 0.9);
    }
}
