//! Where the series of one fetch go: on to whoever waits for them, or held back until no other can be mistaken for them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use domain::{Labels, Sample, Timestamp};
use promql::NAME;
use tokio::sync::mpsc;

use crate::{
    FetchError,
    fetch::{Ambiguous, FetchedSeries},
};

/// The most samples that are held back: 160 MB of them.
const MOST_HELD: usize = 10_000_000;

/// One series as a server shows it.
#[derive(Debug)]
pub(crate) struct Row {
    /// With `__name__`, where it has one.
    pub(crate) labels: Labels,
    pub(crate) samples: Vec<Sample>,
    /// The times of stale markers, where they are shown.
    pub(crate) ends: Vec<Timestamp>,
    /// Whether it has native histograms.
    pub(crate) is_histogram: bool,
}

/// Takes the series of one fetch.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    found: &'a mpsc::Sender<FetchedSeries>,
    /// Whether series keep their names.
    keeps_names: bool,
    /// Series that may differ in their names alone.
    held: Option<BTreeMap<Labels, Vec<(String, FetchedSeries)>>>,
    held_samples: usize,
    /// What was taken, as far as a second way of reading may show it again.
    taken: HashSet<u64>,
    /// What was sent, and the labels of what came again.
    sent: HashSet<u64>,
    doubled: BTreeSet<Labels>,
    /// How many series had samples.
    series: u64,
    histograms: Histograms,
}

/// How many series had native histograms, which were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histograms {
    /// Without a number.
    alone: u64,
    /// Beside numbers.
    mixed: u64,
}

impl Histograms {
    /// What to say of them.
    pub(crate) fn warnings(self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.alone > 0 {
            warnings.push(format!(
                "{} series are native histograms and were left out",
                self.alone
            ));
        }
        if self.mixed > 0 {
            warnings.push(format!(
                "{} series have native histograms beside numbers; these were left out",
                self.mixed
            ));
        }
        warnings
    }
}

impl<'a> Sink<'a> {
    /// Hands series on to `found`. With `has_names`, those that have a name wait until all have arrived.
    pub(crate) fn new(found: &'a mpsc::Sender<FetchedSeries>, has_names: bool) -> Self {
        Self {
            found,
            keeps_names: false,
            held: has_names.then(BTreeMap::new),
            held_samples: 0,
            taken: HashSet::new(),
            sent: HashSet::new(),
            doubled: BTreeSet::new(),
            series: 0,
            histograms: Histograms::default(),
        }
    }

    /// Hands series on to `found` with their names, each at once.
    pub(crate) fn with_names(found: &'a mpsc::Sender<FetchedSeries>) -> Self {
        Self {
            keeps_names: true,
            ..Self::new(found, false)
        }
    }

    /// Whether nothing was taken yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.series == 0
    }

    /// Takes a series, and remembers it for [`Self::take_others`].
    pub(crate) async fn take_first(&mut self, row: Row) -> Result<(), FetchError> {
        self.taken.insert(identity(&row.labels));
        self.take(row).await
    }

    /// Takes a series unless [`Self::take_first`] did.
    pub(crate) async fn take_others(&mut self, row: Row) -> Result<(), FetchError> {
        if self.taken.contains(&identity(&row.labels)) {
            return Ok(());
        }
        self.take(row).await
    }

    async fn take(&mut self, row: Row) -> Result<(), FetchError> {
        let Row {
            mut labels,
            samples,
            ends,
            is_histogram,
        } = row;
        if samples.is_empty() {
            self.histograms.alone += u64::from(is_histogram);
            return Ok(());
        }
        self.histograms.mixed += u64::from(is_histogram);
        self.series += 1;
        let name = if self.keeps_names {
            None
        } else {
            labels.0.remove(NAME)
        };
        let series = FetchedSeries {
            labels,
            samples,
            ends,
        };
        match (&mut self.held, name) {
            (Some(held), Some(name)) => {
                self.held_samples += series.samples.len();
                if self.held_samples > MOST_HELD {
                    return Err(too_large(
                        "series of several metric names cannot be compared",
                    ));
                }
                let alike = held.entry(series.labels.clone()).or_default();
                alike.push((name, series));
            }
            // Of series with the same labels the first one counts.
            _ if !self.sent.insert(identity(&series.labels)) => {
                self.doubled.insert(series.labels);
            }
            _ => self.send(series).await,
        }
        Ok(())
    }

    async fn send(&self, series: FetchedSeries) {
        // The receiver is gone only when the run was given up.
        let _ = self.found.send(series).await;
    }

    /// Hands on what was held back, but series that differ in their names alone. Returns those and what came more than once,
    /// and how many native histograms were left out.
    pub(crate) async fn finish(mut self) -> Result<(Vec<Ambiguous>, Histograms), FetchError> {
        if self.series == 0 && self.histograms.alone > 0 {
            return Err(FetchError::NativeHistogram(self.histograms.alone));
        }
        let doubled = self.doubled.iter().map(|labels| Ambiguous {
            labels: labels.clone(),
            names: Vec::new(),
        });
        let mut ambiguous: Vec<Ambiguous> = doubled.collect();
        for (labels, mut alike) in self.held.take().unwrap_or_default() {
            if alike.len() > 1 {
                let mut names: Vec<String> = alike.into_iter().map(|(name, _)| name).collect();
                names.sort();
                ambiguous.push(Ambiguous { labels, names });
            } else if let Some((_, series)) = alike.pop() {
                self.send(series).await;
            }
        }
        Ok((ambiguous, self.histograms))
    }
}

/// Why parts of an answer cannot be joined.
pub(crate) fn too_large(what: &str) -> FetchError {
    FetchError::TooLarge(format!(
        "more than {} million samples: {what}; ask for fewer series in one [[metric]]",
        MOST_HELD / 1_000_000
    ))
}

/// The parts of series whose time is read slice by slice.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    rows: BTreeMap<Labels, Row>,
    /// Those of a second series with the same labels.
    doubled: Vec<Row>,
    samples: usize,
}

impl Parts {
    /// Puts a later part behind the earlier ones.
    pub(crate) fn add(&mut self, row: Row) -> Result<(), FetchError> {
        self.samples += row.samples.len();
        if self.samples > MOST_HELD {
            return Err(too_large("its slices cannot be joined"));
        }
        match self.rows.get_mut(&row.labels) {
            Some(earlier) if overlaps(earlier, &row) => self.doubled.push(row),
            Some(earlier) => {
                earlier.samples.extend(row.samples);
                earlier.is_histogram |= row.is_histogram;
            }
            None => drop(self.rows.insert(row.labels.clone(), row)),
        }
        Ok(())
    }

    /// The whole series.
    pub(crate) fn into_rows(self) -> impl Iterator<Item = Row> {
        self.rows.into_values().chain(self.doubled)
    }
}

/// Whether a part begins before the earlier ones end: it is one of another series.
fn overlaps(earlier: &Row, part: &Row) -> bool {
    let last = earlier.samples.last().map(|sample| sample.time);
    let first = part.samples.first().map(|sample| sample.time);
    last.zip(first).is_some_and(|(last, first)| first <= last)
}

fn identity(labels: &Labels) -> u64 {
    let mut hasher = DefaultHasher::new();
    labels.0.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(labels: &[(&str, &str)], value: f64) -> Row {
        let time = Timestamp::EPOCH;
        Row {
            labels: labels.iter().copied().collect(),
            samples: vec![Sample { time, value }],
            ends: Vec::new(),
            is_histogram: false,
        }
    }

    async fn taken(has_names: bool, rows: Vec<Row>) -> (Vec<String>, Vec<Ambiguous>) {
        let (found, mut arriving) = mpsc::channel(16);
        let mut sink = Sink::new(&found, has_names);
        for row in rows {
            sink.take_first(row).await.unwrap();
        }
        let (ambiguous, _) = sink.finish().await.unwrap();
        drop(found);
        let mut labels = Vec::new();
        while let Some(series) = arriving.recv().await {
            labels.push(series.labels.to_string());
        }
        (labels, ambiguous)
    }

    #[tokio::test]
    async fn series_that_only_their_names_tell_apart_are_ambiguous_in_whatever_order_they_come() {
        let rows = || {
            vec![
                row(&[(NAME, "b"), ("job", "x")], 1.0),
                row(&[(NAME, "a"), ("job", "y")], 2.0),
                row(&[(NAME, "a"), ("job", "x")], 3.0),
                row(&[("job", "z")], 4.0),
            ]
        };
        let forwards = taken(true, rows()).await;
        let backwards = taken(true, rows().into_iter().rev().collect()).await;
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.0.len(), 2);
        let [alike] = &forwards.1[..] else {
            panic!("{forwards:?}")
        };
        assert_eq!(alike.names, ["a", "b"]);
        assert_eq!(alike.labels, [("job", "x")].into_iter().collect());
    }

    #[tokio::test]
    async fn of_series_with_the_same_labels_the_first_counts_and_the_others_are_told() {
        let doubled = || row(&[("job", "x")], 1.0);
        let rows = vec![doubled(), row(&[("job", "y")], 2.0), doubled(), doubled()];
        let mut parts = Parts::default();
        for row in [doubled(), row(&[("job", "y")], 2.0), doubled()] {
            parts.add(row).unwrap();
        }
        for rows in [rows, parts.into_rows().collect()] {
            let (found, ambiguous) = taken(false, rows).await;
            assert_eq!(found.len(), 2);
            let [told] = &ambiguous[..] else {
                panic!("{ambiguous:?}")
            };
            assert_eq!(told.labels, [("job", "x")].into_iter().collect());
            assert!(told.names.is_empty());
        }
    }

    #[tokio::test]
    async fn histograms_alone_are_an_error_and_beside_numbers_they_are_counted() {
        let histogram = || Row {
            samples: Vec::new(),
            is_histogram: true,
            ..row(&[("le", "1")], 0.0)
        };
        let (found, _arriving) = mpsc::channel(16);
        let mut sink = Sink::new(&found, false);
        sink.take_first(histogram()).await.unwrap();
        let failed = sink.finish().await;
        assert!(
            matches!(failed, Err(FetchError::NativeHistogram(1))),
            "{failed:?}"
        );
        let mut sink = Sink::new(&found, false);
        sink.take_first(histogram()).await.unwrap();
        sink.take_first(row(&[], 1.0)).await.unwrap();
        let mixed = Row {
            is_histogram: true,
            ..row(&[("le", "2")], 1.0)
        };
        sink.take_first(mixed).await.unwrap();
        let (_, histograms) = sink.finish().await.unwrap();
        assert_eq!(
            histograms.warnings(),
            [
                "1 series are native histograms and were left out",
                "1 series have native histograms beside numbers; these were left out"
            ]
        );
        assert!(Histograms::default().warnings().is_empty());
    }

    #[test]
    fn slices_of_a_series_are_joined_by_its_labels() {
        let mut parts = Parts::default();
        for (label, second) in [("x", 1), ("x", 2), ("y", 1)] {
            let mut part = row(&[("a", label)], 1.0);
            part.samples[0].time = Timestamp::EPOCH + Duration::from_secs(second);
            parts.add(part).unwrap();
        }
        let lengths: Vec<usize> = parts.into_rows().map(|row| row.samples.len()).collect();
        assert_eq!(lengths, [2, 1]);
    }
}
