//! What is said of the pairs of an objective and a series, held until all series have arrived: of more than a run may judge
//! those of the smallest ids are kept, in whatever order the series arrive. It is held compressed: the document of an objective
//! with hundreds of violations has 150 kB, which take 20.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::{
    Labels, MetricName, Series, SeriesId, Timestamp,
    evaluation::{self, Stood},
    message::{BOUND, Failure},
    sla::Objective,
};
use kafka::Publication;

use super::{Plan, Record};
use crate::{
    analysis::JudgedObjective, message::Message, objectives::ActiveObjective,
    prometheus::FetchedSeries,
};

/// A series and the position of an objective.
type Pair = (SeriesId, usize);

/// What is said of all pairs together takes so much memory at most, a quarter of what the template gives.
const MOST_BYTES: usize = 128_000_000;
/// The first level takes least time.
const LEVEL: i32 = 1;

/// The pairs of the smallest ids so far.
#[derive(Debug)]
pub(super) struct Held {
    most: usize,
    most_bytes: usize,
    pairs: Mutex<Pairs>,
}

#[derive(Debug, Default)]
struct Pairs {
    /// Those that are kept; `None` is said of what belongs to another part of the run, which counts all the same.
    kept: BTreeMap<Pair, Option<Said>>,
    /// How much memory what is said of them takes.
    bytes: usize,
    /// The first one for which there was no room: nor is there for those after it.
    end: Option<Pair>,
    /// The objectives of those that are not.
    cut: BTreeSet<usize>,
}

/// What is said of a pair.
#[derive(Debug)]
pub(super) struct Said {
    /// Its value is compressed.
    message: Message,
    /// How long the value is.
    length: usize,
    stood: Stood,
}

impl Said {
    /// What a run says of a series.
    pub(super) fn of(judged: &JudgedObjective, run: &str) -> Self {
        let message = Message::of_violations(&judged.document, run);
        Self::packed(message, judged.stood.clone())
    }

    fn packed(mut message: Message, stood: Stood) -> Self {
        let length = message.value.len();
        message.value = zstd::bulk::compress(&message.value, LEVEL)
            .expect("only memory that is not there keeps zstd from compressing");
        message.value.shrink_to_fit();
        Self {
            message,
            length,
            stood,
        }
    }

    fn bytes(&self) -> usize {
        self.message.value.len()
    }

    fn unpacked(self) -> (Message, Stood) {
        let Self {
            mut message,
            length,
            stood,
        } = self;
        message.value = zstd::bulk::decompress(&message.value, length)
            .expect("what was compressed can be unpacked");
        (message, stood)
    }
}

impl Held {
    /// At most so many pairs are kept.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            most_bytes: MOST_BYTES,
            pairs: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pairs> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a pair would be kept as far as is known: others need not be judged.
    pub(super) fn has_room(&self, series: SeriesId, position: usize) -> bool {
        let pairs = self.lock();
        let last = pairs.kept.last_key_value();
        pairs.end.is_none_or(|end| (series, position) < end)
            && (pairs.kept.len() < self.most
                || last.is_some_and(|(last, _)| (series, position) <= *last))
    }

    /// Holds a pair, in place of those of the greatest ids if there is no room.
    pub(super) fn hold(&self, series: SeriesId, position: usize, said: Option<Said>) {
        let mut pairs = self.lock();
        let Pairs {
            kept,
            bytes,
            end,
            cut,
        } = &mut *pairs;
        let size = |said: &Option<Said>| said.as_ref().map_or(0, Said::bytes);
        *bytes += size(&said);
        if let Some(before) = kept.insert((series, position), said) {
            *bytes -= size(&before);
        }
        while let Some((&last, _)) = kept.last_key_value()
            && (end.is_some_and(|end| last >= end)
                || kept.len() > self.most
                || *bytes > self.most_bytes)
        {
            *end = Some(end.map_or(last, |end| end.min(last)));
            if let Some((_, Some(said))) = kept.pop_last() {
                *bytes -= said.bytes();
                cut.insert(last.1);
            }
        }
    }

    /// A pair was not judged, as there was no room.
    pub(super) fn cut(&self, position: usize) {
        self.lock().cut.insert(position);
    }

    /// Counts the pairs of a series that another part of the run judges.
    pub(super) fn count(
        &self,
        metric: &str,
        series: &FetchedSeries,
        id: SeriesId,
        active: &[ActiveObjective],
        as_of: Timestamp,
    ) {
        self.count_judged(metric, &series.labels, id, active, |objective| {
            let judged = evaluation::read_range(objective.hold, as_of);
            series.samples.iter().any(|sample| {
                let is_inside = judged.start < sample.time && sample.time <= judged.end;
                is_inside && !sample.value.is_nan()
            })
        });
    }

    /// The same of one that this part did not read: as if it had samples for each objective.
    pub(super) fn count_unread(
        &self,
        metric: &MetricName,
        labels: &Labels,
        active: &[ActiveObjective],
    ) {
        let series = Series {
            metric: metric.clone(),
            labels: labels.clone(),
        };
        self.count_judged(metric, labels, series.id(), active, |_| true);
    }

    fn count_judged(
        &self,
        metric: &str,
        labels: &Labels,
        id: SeriesId,
        active: &[ActiveObjective],
        has_samples: impl Fn(&Objective) -> bool,
    ) {
        for (position, active) in active.iter().enumerate() {
            let objective = &active.objective;
            let is_judged = objective.metric == metric
                && labels.matches(&objective.labels)
                && has_samples(objective);
            if is_judged && self.has_room(id, position) {
                self.hold(id, position, None);
            }
        }
    }
}

/// Publishes what is held once all series have arrived. An objective is evaluated in part unless none of its pairs is kept.
pub(super) async fn publish_held(
    plan: &Plan,
    record: &mut Record,
    publication: &mut Publication<'_>,
) {
    let Pairs { kept, cut, .. } = mem::take(&mut *plan.held.lock());
    let in_part: BTreeSet<usize> = kept.keys().map(|(_, position)| *position).collect();
    let most = plan.held.most;
    let detail = format!(
        "all SLAs together have more than {most} pairs of an objective and a series, or more to say of them than a run can hold: \
         those of the greatest ids are not judged"
    );
    let mut metrics = BTreeSet::new();
    for position in cut {
        metrics.insert(&*plan.active[position].objective.metric);
        if !in_part.contains(&position) {
            let reason = "the bound of judged pairs was reached";
            record.tally.fail(position, reason);
        }
    }
    for metric in metrics {
        let failure = Failure::new("evaluation", BOUND).of_metric(metric);
        record.fail(failure.because(&*detail));
    }
    let sending = Instant::now();
    for ((_, position), said) in kept {
        if let Some((message, stood)) = said.map(Said::unpacked) {
            record.tally.count(position, &stood);
            publication.send(message).await;
        }
    }
    record.publish += sending.elapsed();
}

#[cfg(test)]
mod tests {
    use domain::message::{Attributes, Encoding, Kind};

    use super::*;

    fn id(number: u8) -> SeriesId {
        format!("{number:032x}").parse().unwrap()
    }

    fn message(value: &[u8]) -> Message {
        Message {
            key: String::new(),
            attributes: Attributes {
                kind: Kind::Violations,
                encoding: Encoding::Json,
                id: String::new(),
                time: Timestamp::EPOCH,
                run: String::new(),
            },
            value: value.to_vec(),
        }
    }

    fn said() -> Said {
        Said::packed(message(b"{}"), Stood::default())
    }

    /// The pairs that are kept of those that arrive in this order, two objectives on each series.
    fn kept_by(held: &Held, arriving: impl Iterator<Item = u8>) -> Vec<(SeriesId, usize)> {
        for number in arriving {
            for position in [0, 1] {
                if held.has_room(id(number), position) {
                    held.hold(id(number), position, Some(said()));
                } else {
                    held.cut(position);
                }
            }
        }
        held.lock().kept.keys().copied().collect()
    }

    fn kept(most: u64, arriving: impl Iterator<Item = u8>) -> Vec<(SeriesId, usize)> {
        kept_by(&Held::new(most), arriving)
    }

    #[test]
    fn pairs_of_the_smallest_ids_are_kept_in_whatever_order_they_arrive() {
        let expected = [(id(1), 0), (id(1), 1), (id(2), 0)];
        assert_eq!(kept(3, 1..=9), expected);
        assert_eq!(kept(3, (1..=9).rev()), expected);
        assert_eq!(kept(3, [5, 2, 9, 1, 7].into_iter()), expected);
        assert_eq!(kept(100, 1..=9).len(), 18);
        assert_eq!(kept(0, 1..=9), []);
    }

    #[test]
    fn what_is_said_of_them_takes_no_more_memory_than_there_is() {
        let size = said().bytes();
        let orders: [&[u8]; 3] = [&[1, 2, 3, 4], &[4, 3, 2, 1], &[3, 1, 4, 2]];
        for order in orders {
            let held = Held {
                most_bytes: 3 * size + size / 2,
                ..Held::new(100)
            };
            let expected = [(id(1), 0), (id(1), 1), (id(2), 0)];
            assert_eq!(kept_by(&held, order.iter().copied()), expected);
            let pairs = held.lock();
            assert_eq!(pairs.bytes, 3 * size);
            assert_eq!(pairs.cut, BTreeSet::from([0, 1]));
        }
    }

    #[test]
    fn a_document_is_held_in_less_memory_and_published_as_it_was() {
        let episode = "{\"start\":\"2026-11-23T08:45:00Z\",\"end\":null,\"worst\":95.5},";
        let whole = message(episode.repeat(1_000).as_bytes());
        let said = Said::packed(whole.clone(), Stood::default());
        assert!(said.bytes() * 10 < whole.value.len());
        assert_eq!(said.unpacked(), (whole, Stood::default()));
    }

    #[test]
    fn what_another_part_judges_takes_room_and_is_not_told() {
        let held = Held::new(2);
        held.hold(id(3), 0, Some(said()));
        held.hold(id(1), 0, None);
        held.hold(id(2), 1, None);
        let pairs = held.lock();
        assert!(pairs.kept.values().all(Option::is_none));
        assert_eq!(pairs.cut, BTreeSet::from([0]));
    }
}
