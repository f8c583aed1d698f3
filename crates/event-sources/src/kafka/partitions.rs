//! The partitions that are this member's, each with a worker.

use std::{collections::HashMap, sync::Arc, time::Duration};

use rdkafka::Message;
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tracing::info;

use super::{
    buffer::Buffer,
    record::Record,
    worker::{Common, Worker},
};

/// How long invocations that are under way may take to end when the trigger is stopped.
const GRACE: Duration = Duration::from_secs(5);

pub(super) struct Partitions {
    common: Arc<Common>,
    partitions: HashMap<i32, Partition>,
    workers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

struct Partition {
    buffer: Arc<Buffer>,
    worker: AbortHandle,
}

impl Partitions {
    pub(super) fn new(common: Common) -> Self {
        Self {
            common: Arc::new(common),
            partitions: HashMap::new(),
            workers: JoinSet::new(),
            stop: watch::Sender::new(false),
        }
    }

    pub(super) fn assign(&mut self, assigned: &[i32]) {
        info!(topic = %self.common.settings.topic, partitions = ?assigned, "partitions were assigned");
        for &partition in assigned {
            let worker = Worker::new(&self.common, partition, self.stop.subscribe());
            let buffer = worker.buffer();
            let worker = self.workers.spawn(worker.run());
            if let Some(old) = self
                .partitions
                .insert(partition, Partition { buffer, worker })
            {
                old.worker.abort();
            }
        }
        self.publish();
        if !self.partitions.is_empty() {
            self.common.shared.is_ready();
        }
    }

    /// What is buffered or under way is dropped: whoever gets the partition starts at the committed offset.
    pub(super) fn revoke(&mut self, revoked: &[i32]) {
        info!(topic = %self.common.settings.topic, partitions = ?revoked, "partitions were revoked");
        for partition in revoked {
            if let Some(old) = self.partitions.remove(partition) {
                old.worker.abort();
            }
        }
        while self.workers.try_join_next().is_some() {}
        self.publish();
    }

    pub(super) fn push(&self, message: &impl Message) {
        let number = message.partition();
        // One that was just revoked.
        let Some(partition) = self.partitions.get(&number) else {
            return;
        };
        partition
            .buffer
            .push(Record::new(message), || self.common.pause(number));
    }

    /// Lets invocations that are under way end and their batches be committed, for five seconds.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.workers.join_next().await.is_some() {} };
        let _ = timeout(GRACE, ended).await;
        self.workers.shutdown().await;
        self.partitions.clear();
        self.publish();
    }

    fn publish(&self) {
        let buffer = |(number, partition): (&i32, &Partition)| (*number, partition.buffer.clone());
        let buffers = self.partitions.iter().map(buffer).collect();
        self.common.shared.publish(buffers);
    }
}
