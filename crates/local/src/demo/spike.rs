//! The spikes that were asked for: a file in the data directory, written by `spike`, read by the exporter.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::signal::SLOT_SECONDS;
use crate::files;

/// What can be pushed out of its range: metrics, and the share of requests that fail.
pub(crate) const METRICS: [&str; 6] = [
    "availableMem",
    "cpuUsage",
    "cpuTemp",
    "totProcesses",
    "networkThroughput",
    "errors",
];

/// Spans of time during which metrics of the demo node are out of their range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Spikes(Vec<Spike>);

/// One metric out of its range during `[from, to)`, seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Spike {
    metric: String,
    from: i64,
    to: i64,
}

/// Spikes older than this have left every window and every block that is still being written.
const KEPT_SECONDS: i64 = 31 * 86_400;

impl Spikes {
    /// Reads the file; no file means no spikes.
    ///
    /// # Errors
    /// When the file is there but cannot be read or understood.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        files::read_json(path).map(Option::unwrap_or_default)
    }

    /// Adds a spike that begins with the next slot, so that no counter that was scraped already changes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add(path: &Path, metric: &str, now: i64, seconds: i64) -> io::Result<()> {
        let mut spikes = Self::read(path)?;
        spikes.0.retain(|spike| spike.to > now - KEPT_SECONDS);
        let from = (now.div_euclid(SLOT_SECONDS) + 1) * SLOT_SECONDS;
        spikes.0.push(Spike {
            metric: metric.to_owned(),
            from,
            to: from + seconds,
        });
        files::write_json(path, &spikes)
    }

    pub(super) fn holds(&self, metric: &str, seconds: i64) -> bool {
        let mut spikes = self.0.iter();
        spikes.any(|spike| spike.metric == metric && (spike.from..spike.to).contains(&seconds))
    }

    #[cfg(test)]
    pub(super) fn of<const N: usize>(spikes: [(&str, i64, i64); N]) -> Self {
        let spike = |(metric, from, to): (&str, i64, i64)| Spike {
            metric: metric.to_owned(),
            from,
            to,
        };
        Self(spikes.map(spike).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_begins_with_the_next_slot_and_lasts_as_long_as_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spikes.json");
        Spikes::add(&path, "cpuUsage", 1_000_003, 180).unwrap();
        let spikes = Spikes::read(&path).unwrap();
        assert!(!spikes.holds("cpuUsage", 1_000_004));
        assert!(spikes.holds("cpuUsage", 1_000_005));
        assert!(spikes.holds("cpuUsage", 1_000_184));
        assert!(!spikes.holds("cpuUsage", 1_000_185));
        assert!(!spikes.holds("cpuTemp", 1_000_005));
    }
}
