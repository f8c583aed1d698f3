//! The demo node's counters and gauges at a time.

use super::{
    signal::{self, SLOT_SECONDS},
    spike::Spikes,
};

/// The value of `nodeName` and `instance` of the demo node.
pub(crate) const NODE: &str = "demo";

/// The demo node. What it shows depends on the time, on when it began and on the spikes alone: whoever asks, and
/// however often, gets the same value for the same time.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    began: i64,
    totals: Totals,
}

/// One metric family and its series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    /// Without `_total`, `_bucket`, `_count` and `_sum`.
    pub(crate) name: &'static str,
    /// What its series are.
    pub(crate) kind: Kind,
    /// The series.
    pub(crate) series: Vec<Line>,
}

/// What the series of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// May be anything.
    Gauge,
    /// Counts how many values are at most so large.
    Histogram,
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// What follows the family's name: `_total`, `_bucket`, `_count`, `_sum` or nothing.
    pub(crate) suffix: &'static str,
    /// Labels, as they are written between braces.
    pub(crate) labels: String,
    /// The value.
    pub(crate) value: f64,
}

/// What has added up over all whole slots before `until`.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    until: i64,
    busy_seconds: [f64; 2],
    received: f64,
    /// Requests by status code, as [`CODES`].
    requests: [f64; 3],
    /// Requests that took no longer than each of [`BUCKETS`].
    within: [f64; 5],
    /// How long all requests took together, seconds.
    took: f64,
}

const CODES: [&str; 3] = ["200", "404", "503"];
/// Seconds.
const BUCKETS: [&str; 5] = ["0.05", "0.1", "0.25", "0.5", "1.0"];
const TRANSMITTED_PER_RECEIVED: f64 = 0.25;

impl Node {
    /// A node whose counters were zero at `began`, seconds since the Unix epoch.
    pub(crate) fn new(began: i64) -> Self {
        let began = began.div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
        Self {
            began,
            totals: Totals::at(began),
        }
    }

    /// What the node shows at `time`, milliseconds since the Unix epoch. Cheap when the times only go forward.
    pub(crate) fn families(&mut self, time_ms: i64, spikes: &Spikes) -> Vec<Family> {
        let seconds = time_ms.div_euclid(1000);
        if seconds < self.totals.until {
            self.totals = Totals::at(self.began);
        }
        self.totals.advance(seconds, spikes);
        let part = (time_ms - self.totals.until * 1000) as f64 / 1000.0;
        let totals = self.totals.plus(part.max(0.0), spikes);
        let elapsed = ((time_ms - self.began * 1000) as f64 / 1000.0).max(0.0);
        let mut cpu = Vec::new();
        for (number, busy) in totals.busy_seconds.into_iter().enumerate() {
            for (mode, value) in [
                ("idle", elapsed - busy),
                ("iowait", 0.05 * busy),
                ("system", 0.25 * busy),
                ("user", 0.7 * busy),
            ] {
                cpu.push((format!(r#"cpu="{number}",mode="{mode}""#), value));
            }
        }
        let temperatures = (0..2)
            .map(|sensor| {
                let labels = format!(r#"chip="platform_coretemp_0",sensor="temp{}""#, sensor + 1);
                (labels, signal::temperature(sensor, seconds, spikes))
            })
            .collect();
        let device = r#"device="eth0""#;
        let gauge = |name, value| family(name, Kind::Gauge, vec![(String::new(), value)]);
        let counter = |name, value: f64| {
            family(
                name,
                Kind::Counter,
                vec![(device.to_owned(), value.floor())],
            )
        };
        let requests = CODES.iter().zip(totals.requests);
        let requests = requests.map(|(code, count)| (format!("code=\"{code}\""), count.floor()));
        vec![
            totals.durations(),
            family("demo_http_requests", Kind::Counter, requests.collect()),
            family("node_cpu_seconds", Kind::Counter, cpu),
            family("node_hwmon_temp_celsius", Kind::Gauge, temperatures),
            gauge(
                "node_memory_MemAvailable_bytes",
                signal::memory_available(seconds, spikes),
            ),
            gauge("node_memory_MemTotal_bytes", signal::MEMORY_TOTAL),
            counter("node_network_receive_bytes", totals.received),
            counter(
                "node_network_transmit_bytes",
                totals.received * TRANSMITTED_PER_RECEIVED,
            ),
            gauge("node_processes_pids", signal::processes(seconds, spikes)),
        ]
    }
}

impl Totals {
    fn at(until: i64) -> Self {
        Self {
            until,
            ..Self::default()
        }
    }

    /// Adds the whole slots that end at or before `seconds`.
    fn advance(&mut self, seconds: i64, spikes: &Spikes) {
        while self.until + SLOT_SECONDS <= seconds {
            let next = self.until + SLOT_SECONDS;
            *self = self.plus(SLOT_SECONDS as f64, spikes);
            self.until = next;
        }
    }

    /// The totals `part` seconds into the slot that begins at `until`.
    fn plus(self, part: f64, spikes: &Spikes) -> Self {
        let [first, second] = self.busy_seconds;
        Self {
            until: self.until,
            busy_seconds: [
                first + part * signal::busy(0, self.until, spikes),
                second + part * signal::busy(1, self.until, spikes),
            ],
            received: self.received + part * signal::received(self.until, spikes),
            ..self.with_requests(part, &signal::requests(self.until, spikes))
        }
    }

    /// The same with the requests of `part` seconds.
    fn with_requests(self, part: f64, traffic: &signal::Traffic) -> Self {
        let signal::Traffic {
            rate,
            failing,
            slow,
        } = traffic;
        let count = rate * part;
        let shares = [1.0 - failing - NOT_FOUND, NOT_FOUND, *failing];
        // Of those that are not slow, so many are within each bucket; the slow ones take from a half to a whole second.
        let quick = [0.62, 0.87, 1.0, 1.0, 1.0];
        let late = [0.0, 0.0, 0.0, 0.3, 1.0];
        let within = |place: usize| count * ((1.0 - slow) * quick[place] + slow * late[place]);
        let mut next = self;
        for (place, share) in shares.into_iter().enumerate() {
            next.requests[place] += count * share;
        }
        for (place, total) in next.within.iter_mut().enumerate() {
            *total += within(place);
        }
        next.took += count * ((1.0 - slow) * 0.06 + slow * 0.7);
        next
    }

    /// How long requests took, as a histogram. Its count is what its last bucket shows.
    fn durations(&self) -> Family {
        let count = self.within[BUCKETS.len() - 1].floor();
        let buckets = BUCKETS.iter().zip(self.within).map(|(bound, count)| Line {
            suffix: "_bucket",
            labels: format!("le=\"{bound}\""),
            value: count.floor(),
        });
        let line = |suffix, labels: &str, value| Line {
            suffix,
            labels: labels.to_owned(),
            value,
        };
        let rest = [
            line("_bucket", "le=\"+Inf\"", count),
            line("_count", "", count),
            line("_sum", "", self.took),
        ];
        Family {
            name: "demo_http_request_duration_seconds",
            kind: Kind::Histogram,
            series: buckets.chain(rest).collect(),
        }
    }
}

/// The share of requests for what is not there.
const NOT_FOUND: f64 = 0.01;

fn family(name: &'static str, kind: Kind, series: Vec<(String, f64)>) -> Family {
    let suffix = if kind == Kind::Counter { "_total" } else { "" };
    let lines = series.into_iter().map(|(labels, value)| Line {
        suffix,
        labels,
        value,
    });
    Family {
        name,
        kind,
        series: lines.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: i64 = 1_795_400_000;

    fn counters(families: &[Family]) -> Vec<f64> {
        let counters = families.iter().filter(|family| family.kind != Kind::Gauge);
        counters
            .flat_map(|family| family.series.iter().map(|line| line.value))
            .collect()
    }

    #[test]
    fn counters_never_go_down_spike_or_not() {
        let spikes = Spikes::of([
            ("cpuUsage", BEGAN + 600, BEGAN + 780),
            ("networkThroughput", BEGAN + 900, BEGAN + 960),
            ("errors", BEGAN + 1000, BEGAN + 1100),
        ]);
        let mut node = Node::new(BEGAN);
        let mut before = counters(&node.families(BEGAN * 1000, &spikes));
        for step in 1..3000 {
            let now = counters(&node.families(BEGAN * 1000 + step * 777, &spikes));
            assert!(before.iter().zip(&now).all(|(before, now)| before <= now));
            before = now;
        }
    }

    #[test]
    fn there_is_no_seam_between_the_history_and_what_is_scraped_later() {
        let spikes = Spikes::default();
        let mut in_one_go = Node::new(BEGAN);
        for step in 0..500 {
            let time = (BEGAN + 15 * step) * 1000;
            let asked_once = Node::new(BEGAN).families(time, &spikes);
            assert_eq!(in_one_go.families(time, &spikes), asked_once);
        }
    }

    #[test]
    fn a_later_spike_does_not_change_what_was_shown() {
        let time = (BEGAN + 3600) * 1000;
        let spikes = Spikes::of([("cpuUsage", BEGAN + 3605, BEGAN + 3700)]);
        assert_eq!(
            Node::new(BEGAN).families(time, &spikes),
            Node::new(BEGAN).families(time, &Spikes::default())
        );
    }

    #[test]
    fn a_histogram_grows_with_its_bounds_and_ends_at_its_count() {
        let families = Node::new(BEGAN).families((BEGAN + 100_000) * 1000, &Spikes::default());
        let lines = &families[0].series;
        let buckets: Vec<f64> = lines[..6].iter().map(|line| line.value).collect();
        assert!(buckets.is_sorted(), "{buckets:?}");
        assert_eq!((lines[6].suffix, lines[6].value), ("_count", buckets[5]));
        let requests: f64 = families[1].series.iter().map(|line| line.value).sum();
        assert!(
            (requests - buckets[5]).abs() <= 3.0,
            "{requests} {buckets:?}"
        );
    }

    #[test]
    fn a_cpu_spends_every_second_in_one_mode() {
        let families = Node::new(BEGAN).families((BEGAN + 1000) * 1000, &Spikes::default());
        let cpu = families
            .iter()
            .find(|family| family.name == "node_cpu_seconds");
        let sum: f64 = cpu.unwrap().series[..4].iter().map(|line| line.value).sum();
        assert!((sum - 1000.0).abs() < 1e-6, "{sum}");
    }
}
