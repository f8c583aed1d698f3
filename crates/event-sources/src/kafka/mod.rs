//! A Kafka trigger, as Lambda's event source mapping is one.

mod buffer;
mod connection;
mod event;
mod partitions;
mod record;
mod settings;
mod watch;
mod worker;

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use rdkafka::consumer::{Consumer, StreamConsumer};
use tokio::{sync::mpsc, task::spawn_blocking, time::sleep};

use crate::Invoker;

use self::{
    connection::{Change, Context, Reachability},
    partitions::Partitions,
    watch::Shared,
    worker::Common,
};

pub use settings::{KafkaSource, KafkaTriggerError, KafkaTriggerSettings};
pub use watch::{KafkaTriggerStatus, KafkaTriggerWatch};

/// After an error, so that errors that come in a row do not spin.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// A consumer group's member that invokes a function with what it reads.
///
/// Batches of one partition are invoked one after the other, in order, and a batch whose invocation fails again and
/// again until it succeeds; only then is it committed. Partitions do not wait for each other.
pub struct KafkaTrigger {
    settings: KafkaTriggerSettings,
    invoker: Invoker,
    consumer: Arc<StreamConsumer<Context>>,
    changes: mpsc::UnboundedReceiver<Change>,
    shared: Arc<Shared>,
}

impl KafkaTrigger {
    /// Asks to join the group; nothing is read or invoked before [`run`](Self::run). Brokers that are away are no
    /// error: they are asked again. Must be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When a setting is out of range or librdkafka refuses one.
    pub fn new(
        settings: KafkaTriggerSettings,
        invoker: Invoker,
    ) -> Result<Self, KafkaTriggerError> {
        let (sender, changes) = mpsc::unbounded_channel();
        let consumer: StreamConsumer<Context> = settings
            .client()?
            .create_with_context(Context::new(sender))?;
        consumer.subscribe(&[&settings.topic])?;
        Ok(Self {
            settings,
            invoker,
            consumer: Arc::new(consumer),
            changes,
            shared: Arc::default(),
        })
    }

    /// A view of the trigger that outlives [`run`](Self::run).
    pub fn watch(&self) -> KafkaTriggerWatch {
        KafkaTriggerWatch::new(&self.shared, &self.consumer, &self.settings.topic)
    }

    /// Runs until `shutdown`. Then invocations that are under way have five seconds to end, and
    /// the group is left.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            settings,
            invoker,
            consumer,
            mut changes,
            shared,
        } = self;
        let topic = settings.topic.clone();
        let mut partitions = Partitions::new(Common {
            settings,
            invoker,
            consumer: consumer.clone(),
            shared,
        });
        let mut reachability = Reachability::default();
        let mut shutdown = pin!(shutdown);
        loop {
            let received = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(change) = changes.recv() => {
                    apply(change, &mut partitions, &mut reachability, &topic);
                    continue;
                }
                received = consumer.recv() => received,
            };
            // One poll may report an assignment and return a message that belongs to it.
            while let Ok(change) = changes.try_recv() {
                apply(change, &mut partitions, &mut reachability, &topic);
            }
            match received {
                Ok(message) => {
                    reachability.worked(&topic);
                    partitions.push(&message);
                }
                Err(error) => {
                    reachability.failed(&topic, &error);
                    sleep(AFTER_ERROR).await;
                }
            }
        }
        partitions.stop().await;
        // Leaving the group waits for the brokers.
        let _ = spawn_blocking(move || drop(consumer)).await;
    }
}

fn apply(
    change: Change,
    partitions: &mut Partitions,
    reachability: &mut Reachability,
    topic: &str,
) {
    match change {
        Change::Assigned(assigned) => {
            reachability.worked(topic);
            partitions.assign(&assigned);
        }
        Change::Revoked(revoked) => partitions.revoke(&revoked),
        Change::Failed(error) => reachability.failed(topic, &error),
    }
}

impl fmt::Debug for KafkaTrigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("KafkaTrigger");
        debug
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
