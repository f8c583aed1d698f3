//! What the Kafka client reports of itself.

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::KafkaError,
};
use tokio::sync::mpsc::UnboundedSender;
use tracing::{debug, error, info, warn};

/// Something that changed.
#[derive(Debug)]
pub(super) enum Change {
    /// Partitions that are this member's now.
    Assigned(Vec<i32>),
    /// Partitions that are not any more.
    Revoked(Vec<i32>),
    /// A broker, or all of them, cannot be reached.
    Failed(KafkaError),
}

/// The callbacks of librdkafka. They run inside a poll, so they only pass on what happened.
#[derive(Debug)]
pub(super) struct Context(UnboundedSender<Change>);

impl Context {
    pub(super) fn new(changes: UnboundedSender<Change>) -> Self {
        Self(changes)
    }

    fn tell(&self, change: Change) {
        // Nobody listens any more once the trigger is stopping.
        let _ = self.0.send(change);
    }
}

impl ClientContext for Context {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka");
        self.tell(Change::Failed(error));
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            // A pause outlasts the assignment, and it cannot be ended once the next one has begun: librdkafka drops a resume
            // that the start of a fetch overtakes, without an error.
            if let Err(error) = consumer.resume(partitions) {
                error!(%error, "revoked partitions cannot be resumed");
            }
            self.tell(Change::Revoked(numbers(partitions)));
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.tell(Change::Assigned(numbers(partitions))),
            Rebalance::Error(error) => self.tell(Change::Failed(error.clone())),
            Rebalance::Revoke(_) => {}
        }
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    let elements = partitions.elements();
    elements.iter().map(|element| element.partition()).collect()
}

/// Whether Kafka answers; says so once per change.
#[derive(Debug, Default)]
pub(super) struct Reachability {
    failing: bool,
}

impl Reachability {
    pub(super) fn failed(&mut self, topic: &str, error: &KafkaError) {
        if !self.failing {
            warn!(topic, %error, "Kafka does not answer; it is asked again");
        }
        self.failing = true;
    }

    pub(super) fn worked(&mut self, topic: &str) {
        if self.failing {
            info!(topic, "Kafka answers again");
        }
        self.failing = false;
    }
}
