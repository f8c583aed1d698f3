//! A view of a trigger from outside.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    metadata::MetadataTopic,
};
use serde::Serialize;
use tokio::{sync::watch, task::spawn_blocking};

use super::{KafkaTriggerError, buffer::Buffer, connection::Context};

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a trigger has done and is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KafkaTriggerStatus {
    /// The partitions that are its own now, ascending.
    pub partitions: Vec<i32>,
    /// Records of invocations that succeeded.
    pub records: u64,
    /// Invocations, failed ones included.
    pub invocations: u64,
    /// Invocations that failed.
    pub errors: u64,
    /// Records that were read and wait for their batch.
    pub waiting: usize,
}

/// A view of a trigger. Clones see the same one.
#[derive(Clone, Debug)]
pub struct KafkaTriggerWatch {
    shared: Arc<Shared>,
    consumer: Weak<StreamConsumer<Context>>,
    topic: String,
}

/// What the trigger shows its views.
#[derive(Debug, Default)]
pub(super) struct Shared {
    ready: watch::Sender<bool>,
    buffers: Mutex<BTreeMap<i32, Arc<Buffer>>>,
    records: AtomicU64,
    invocations: AtomicU64,
    errors: AtomicU64,
}

impl Shared {
    pub(super) fn is_ready(&self) {
        self.ready.send_replace(true);
    }

    /// These partitions are the trigger's now, and no other.
    pub(super) fn publish(&self, buffers: BTreeMap<i32, Arc<Buffer>>) {
        *self.buffers() = buffers;
    }

    /// An invocation with that many records has ended.
    pub(super) fn invoked(&self, records: usize, succeeded: bool) {
        self.invocations.fetch_add(1, Ordering::Relaxed);
        if succeeded {
            self.records.fetch_add(records as u64, Ordering::Relaxed);
        } else {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn status(&self) -> KafkaTriggerStatus {
        let buffers = self.buffers();
        KafkaTriggerStatus {
            partitions: buffers.keys().copied().collect(),
            records: self.records.load(Ordering::Relaxed),
            invocations: self.invocations.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            waiting: buffers.values().map(|buffer| buffer.len()).sum(),
        }
    }

    fn buffers(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<Buffer>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KafkaTriggerWatch {
    pub(super) fn new(
        shared: &Arc<Shared>,
        consumer: &Arc<StreamConsumer<Context>>,
        topic: &str,
    ) -> Self {
        Self {
            shared: shared.clone(),
            consumer: Arc::downgrade(consumer),
            topic: topic.to_owned(),
        }
    }

    /// Resolves once the trigger has had partitions assigned and reads them.
    pub async fn ready(&self) {
        // The sender is as old as this view, so the only answer is the awaited one.
        let _ = self.shared.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// What it has done and is doing.
    pub fn status(&self) -> KafkaTriggerStatus {
        self.shared.status()
    }

    /// How many records of the topic its group has not handled yet: those after the committed offsets, in partitions
    /// of other members too.
    ///
    /// # Errors
    ///
    /// When the brokers do not answer or the trigger has ended.
    pub async fn lag(&self) -> Result<i64, KafkaTriggerError> {
        let consumer = self.consumer.upgrade().ok_or(KafkaTriggerError::Ended)?;
        let topic = self.topic.clone();
        let asked = spawn_blocking(move || lag(&consumer, &topic));
        asked.await.map_err(|_| KafkaTriggerError::Ended)?
    }
}

fn lag(consumer: &StreamConsumer<Context>, topic: &str) -> Result<i64, KafkaTriggerError> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let mut asked = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
        asked.add_partition(topic, partition.id());
    }
    if asked.count() == 0 {
        return Ok(0);
    }
    let committed = consumer.committed_offsets(asked, PATIENCE)?;
    let mut lag = 0;
    for element in committed.elements() {
        let (low, high) = consumer.fetch_watermarks(topic, element.partition(), PATIENCE)?;
        let next = match element.offset() {
            Offset::Offset(offset) => offset.max(low),
            // Nothing is committed yet: it starts at the oldest.
            _ => low,
        };
        lag += (high - next).max(0);
    }
    Ok(lag)
}
