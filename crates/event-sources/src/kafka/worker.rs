//! The batches of one partition, one after the other.

use std::{error::Error, sync::Arc, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer, StreamConsumer},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode,
};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tracing::{error, warn};

use crate::{InvocationType, Invoker};

use super::{
    buffer::{Buffer, Size},
    connection::Context,
    event::Envelope,
    record::Record,
    settings::KafkaTriggerSettings,
    watch::Shared,
};

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What is held of a partition, apart from a few megabytes in librdkafka's own queue.
const FULL: Size = Size {
    records: 10_000,
    bytes: 16 * 1024 * 1024,
};

/// What all workers of a trigger have in common.
pub(super) struct Common {
    pub(super) settings: KafkaTriggerSettings,
    pub(super) invoker: Invoker,
    pub(super) consumer: Arc<StreamConsumer<Context>>,
    pub(super) shared: Arc<Shared>,
}

impl Common {
    pub(super) fn pause(&self, partition: i32) {
        if let Err(error) = self.consumer.pause(&self.list(partition)) {
            error!(partition, %error, "a partition cannot be paused");
        }
    }

    pub(super) fn resume(&self, partition: i32) {
        if let Err(error) = self.consumer.resume(&self.list(partition)) {
            error!(partition, %error, "a partition cannot be resumed");
        }
    }

    fn list(&self, partition: i32) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.settings.topic, partition);
        list
    }
}

/// Invokes the function with the batches of a partition and commits them.
pub(super) struct Worker {
    common: Arc<Common>,
    partition: i32,
    buffer: Arc<Buffer>,
    envelope: Envelope,
    stop: watch::Receiver<bool>,
}

/// The trigger is stopping: the batch at hand is left as it is.
struct Stopping;

impl Worker {
    pub(super) fn new(common: &Arc<Common>, partition: i32, stop: watch::Receiver<bool>) -> Self {
        let envelope = Envelope::new(&common.settings, partition);
        let batch = Size {
            records: common.settings.batch_size,
            bytes: envelope.room(),
        };
        let buffer = Buffer::new(batch, FULL);
        Self {
            common: common.clone(),
            partition,
            buffer: Arc::new(buffer),
            envelope,
            stop,
        }
    }

    /// Where the partition's records go.
    pub(super) fn buffer(&self) -> Arc<Buffer> {
        self.buffer.clone()
    }

    /// Runs until the trigger stops. Dropped at any moment, it leaves nothing committed that was not handled.
    pub(super) async fn run(mut self) {
        while self.batch().await.is_ok() {}
    }

    async fn batch(&mut self) -> Result<(), Stopping> {
        tokio::select! {
            biased;
            () = stopped(&mut self.stop) => return Err(Stopping),
            () = self.buffer.wait(self.common.settings.batching_window) => {}
        }
        let batch = self.buffer.take(|| self.common.resume(self.partition));
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let next = last.offset + 1;
        self.deliver(&batch).await?;
        self.commit(next).await
    }

    /// Invokes the function with this batch until it succeeds.
    async fn deliver(&mut self, batch: &[Record]) -> Result<(), Stopping> {
        let mut wait = FIRST_WAIT;
        loop {
            let result = self.invoke(batch).await;
            self.common.shared.invoked(batch.len(), result.is_ok());
            let Err(error) = result else {
                return Ok(());
            };
            let partition = self.partition;
            let records = batch.len();
            warn!(partition, records, error = error.as_ref(), again_in = ?wait, "the invocation with a batch failed");
            wait = self.pause(wait).await?;
        }
    }

    async fn invoke(&self, batch: &[Record]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let event = self.envelope.event(batch)?;
        let function = &self.common.settings.function;
        let kind = InvocationType::RequestResponse;
        self.common.invoker.invoke(function, kind, event).await?;
        Ok(())
    }

    /// Commits `next`, the offset after the last record handled, until the group has it.
    async fn commit(&mut self, next: i64) -> Result<(), Stopping> {
        let mut wait = FIRST_WAIT;
        while let Err(error) = self.try_commit(next).await {
            warn!(partition = self.partition, next, %error, again_in = ?wait, "the commit of a batch failed");
            wait = self.pause(wait).await?;
        }
        Ok(())
    }

    async fn try_commit(&self, next: i64) -> KafkaResult<()> {
        let mut offsets = self.common.list(self.partition);
        offsets.set_all_offsets(Offset::Offset(next))?;
        let consumer = self.common.consumer.clone();
        let commit = spawn_blocking(move || consumer.commit(&offsets, CommitMode::Sync));
        commit
            .await
            .unwrap_or(Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::Fail)))
    }

    /// Waits; the next wait is twice as long.
    async fn pause(&mut self, wait: Duration) -> Result<Duration, Stopping> {
        tokio::select! {
            () = stopped(&mut self.stop) => Err(Stopping),
            () = sleep(wait) => Ok((wait * 2).min(LONGEST_WAIT)),
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
