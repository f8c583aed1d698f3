//! The records of a partition that wait for their batch.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::record::Record;

/// A number of records and of the bytes of their JSON, one comma each included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

/// A queue that has its partition paused when it is full, and resumed only when it is half empty: after a resume it
/// may take a second until more comes.
#[derive(Debug)]
pub(super) struct Buffer {
    batch: Size,
    full: Size,
    state: Mutex<State>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Record>,
    bytes: usize,
    paused: bool,
}

impl Size {
    fn half(self) -> Self {
        Self {
            records: self.records / 2,
            bytes: self.bytes / 2,
        }
    }
}

impl State {
    fn reaches(&self, size: Size) -> bool {
        self.records.len() >= size.records || self.bytes >= size.bytes
    }
}

impl Buffer {
    /// For batches of at most `batch`. It is full at `full`, or at two batches if that is more.
    pub(super) fn new(batch: Size, full: Size) -> Self {
        let full = Size {
            records: full.records.max(2 * batch.records),
            bytes: full.bytes.max(2 * batch.bytes),
        };
        Self {
            batch,
            full,
            state: Mutex::default(),
            pushed: Notify::new(),
        }
    }

    /// Appends. If that fills the queue, `pause` is called, under the same lock as [`take`](Self::take) calls
    /// `resume`, so that the two cannot overtake each other.
    pub(super) fn push(&self, record: Record, pause: impl FnOnce()) {
        let mut state = self.lock();
        state.bytes += record.len() + 1;
        state.records.push_back(record);
        if !state.paused && state.reaches(self.full) {
            state.paused = true;
            pause();
        }
        drop(state);
        self.pushed.notify_one();
    }

    /// Waits until there is a record, and then at most `window` until there is a whole batch.
    pub(super) async fn wait(&self, window: Duration) {
        self.until(|state| !state.records.is_empty()).await;
        let whole = self.until(|state| state.reaches(self.batch));
        // Whole or not, the batch goes when the window is over.
        let _ = timeout(window, whole).await;
    }

    /// Takes as many records as a batch may hold, a first one that is too large for any batch included.
    pub(super) fn take(&self, resume: impl FnOnce()) -> Vec<Record> {
        let mut state = self.lock();
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(record) = state.records.front() {
            let larger = bytes + record.len() + 1;
            if batch.len() == self.batch.records || (larger > self.batch.bytes && !batch.is_empty())
            {
                break;
            }
            bytes = larger;
            batch.extend(state.records.pop_front());
        }
        state.bytes -= bytes;
        if state.paused && !state.reaches(self.full.half()) {
            state.paused = false;
            resume();
        }
        batch
    }

    /// The records in it.
    pub(super) fn len(&self) -> usize {
        self.lock().records.len()
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        while !condition(&self.lock()) {
            self.pushed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn record(offset: i64, bytes: usize) -> Record {
        let text = format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)));
        let json = RawValue::from_string(text).unwrap();
        Record { offset, json }
    }

    /// Batches of that many records and 100 bytes; full at 10 records.
    fn buffer(records: usize) -> Buffer {
        Buffer::new(
            Size {
                records,
                bytes: 100,
            },
            Size {
                records: 10,
                bytes: 0,
            },
        )
    }

    fn offsets(batch: &[Record]) -> Vec<i64> {
        batch.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn a_batch_ends_at_its_size_or_its_bytes() {
        let buffer = buffer(3);
        for (offset, bytes) in [(0, 10), (1, 10), (2, 10), (3, 60), (4, 60), (5, 10)] {
            buffer.push(record(offset, bytes), || {});
        }
        let batches: Vec<_> = (0..3).map(|_| offsets(&buffer.take(|| {}))).collect();
        assert_eq!(batches, [vec![0, 1, 2], vec![3], vec![4, 5]]);
    }

    #[test]
    fn a_record_too_large_for_any_batch_goes_alone() {
        let buffer = buffer(3);
        for (offset, bytes) in [(0, 10), (1, 500), (2, 10)] {
            buffer.push(record(offset, bytes), || {});
        }
        let batches: Vec<_> = (0..3).map(|_| offsets(&buffer.take(|| {}))).collect();
        assert_eq!(batches, [vec![0], vec![1], vec![2]]);
    }

    #[tokio::test]
    async fn a_batch_that_is_not_whole_goes_when_its_window_is_over() {
        let buffer = buffer(3);
        buffer.push(record(0, 10), || {});
        buffer.wait(Duration::from_millis(20)).await;
        assert_eq!(offsets(&buffer.take(|| {})), [0]);
    }

    proptest! {
        #[test]
        fn every_record_leaves_once_in_order_and_the_partition_is_paused_only_while_full(
            sizes in prop::collection::vec(2usize..80, 0..60),
            takes in prop::collection::vec(any::<bool>(), 0..60),
            batch_size in 1usize..8,
        ) {
            let buffer = buffer(batch_size);
            let paused = Cell::new(false);
            let mut left = Vec::new();
            let mut takes = takes.into_iter();
            for (offset, bytes) in (0..).zip(&sizes) {
                buffer.push(record(offset, *bytes), || paused.set(true));
                if paused.get() || takes.next().unwrap_or(false) {
                    left.extend(offsets(&buffer.take(|| paused.set(false))));
                }
            }
            loop {
                let batch = buffer.take(|| paused.set(false));
                if batch.is_empty() {
                    break;
                }
                prop_assert!(batch.len() <= batch_size);
                left.extend(offsets(&batch));
            }
            prop_assert!(!paused.get());
            prop_assert_eq!(left, (0..).take(sizes.len()).collect::<Vec<i64>>());
        }
    }
}
