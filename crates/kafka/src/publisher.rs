//! Who writes: one producer at a time, another one after it failed for good or a broker refused its login.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use config::{KafkaAuth, KafkaConfig};
use domain::message::LARGEST_MESSAGE;
use futures::{FutureExt, future::BoxFuture};
use rdkafka::{
    error::KafkaError,
    producer::{FutureProducer, Producer as _},
};
use tokio::{sync::Mutex, time::Instant};

use crate::{client::client, login::Login, producer::Publication};

/// How long a record may wait for its acknowledgement before the run gives up on Kafka.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// What may wait in the producer's memory; a run that is faster than Kafka waits for room.
const BUFFER_KILOBYTES: u32 = 16 * 1024;
/// How long the secret is left alone after it was read.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);

pub(crate) type Producer = FutureProducer<Login>;

/// Reads the configuration of Kafka.
type Read = dyn Fn() -> BoxFuture<'static, Result<KafkaConfig, String>> + Send + Sync;

/// Writes to one topic, by one producer at a time: one that failed for good is replaced.
#[derive(Clone)]
pub struct Publisher {
    pub(crate) config: KafkaConfig,
    brokers: String,
    current: Arc<RwLock<Current>>,
    read: Option<Arc<Read>>,
    /// When the configuration was read last.
    last_read: Arc<Mutex<Option<Instant>>>,
}

/// A producer, and how it logs in.
struct Current {
    config: KafkaConfig,
    producer: Producer,
    /// Whether a broker refused its login.
    is_refused: Arc<AtomicBool>,
}

impl Current {
    fn new(config: KafkaConfig, brokers: &str) -> Result<Self, KafkaError> {
        let login = Login::new(&config.auth);
        let is_refused = login.is_refused();
        Ok(Self {
            producer: producer(&config, brokers, login)?,
            config,
            is_refused,
        })
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.config.topic)
            .finish_non_exhaustive()
    }
}

impl Publisher {
    /// A publisher that connects when it has something to write.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &KafkaConfig, brokers: &str) -> Result<Self, KafkaError> {
        Ok(Self {
            config: config.clone(),
            brokers: brokers.to_owned(),
            current: Arc::new(RwLock::new(Current::new(config.clone(), brokers)?)),
            read: None,
            last_read: Arc::default(),
        })
    }

    /// The same, and `read` is asked for the configuration once more after a broker refused a login by password, which
    /// may have been changed. At most every 10 s.
    #[must_use]
    pub fn renewed_by<F, E>(self, read: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<KafkaConfig, E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        if !matches!(self.config.auth, KafkaAuth::Password { .. }) {
            return self;
        }
        let read = move || {
            let config = read();
            async move { config.await.map_err(|error| error.to_string()) }.boxed()
        };
        Self {
            read: Some(Arc::new(read)),
            ..self
        }
    }

    /// The records of one run.
    pub fn publication(&self) -> Publication<'_> {
        Publication::new(self, self.working())
    }

    /// The producer, by a login that was read again if a broker refused it.
    pub(crate) async fn logged_in(&self) -> Producer {
        if let Some(read) = &self.read
            && self.is_refused()
        {
            self.renew_login(read.as_ref()).await;
        }
        self.working()
    }

    fn is_refused(&self) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.is_refused.load(Ordering::Relaxed)
    }

    async fn renew_login(&self, read: &Read) {
        let mut last = self.last_read.lock().await;
        // Another publication may have been faster.
        if !self.is_refused() || last.is_some_and(|at| at.elapsed() < RENEWAL_PAUSE) {
            return;
        }
        let renewed = match read().await {
            Ok(config) => Current::new(config, &self.brokers).map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        *last = Some(Instant::now());
        match renewed {
            Ok(renewed) => {
                tracing::info!(
                    event = "kafka_login_renewed",
                    "Kafka refused the login: its secret was read again"
                );
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
            }
            Err(error) => tracing::error!(
                event = "kafka_login_not_renewed",
                error,
                "Kafka refuses the login, and its secret cannot be read again"
            ),
        }
    }

    /// The producer, a new one if this one failed for good.
    fn working(&self) -> Producer {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .producer
            .clone();
        if !is_broken(&current) {
            return current;
        }
        self.renewed().unwrap_or(current)
    }

    /// A producer after one that failed for good; that of another publication if that was faster.
    pub(crate) fn renewed(&self) -> Result<Producer, KafkaError> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((code, reason)) = current.producer.client().fatal_error() {
            tracing::warn!(
                event = "producer_renewed",
                %code,
                reason,
                "the producer failed for good: a new one takes its place"
            );
            *current = Current::new(current.config.clone(), &self.brokers)?;
        }
        Ok(current.producer.clone())
    }
}

fn producer(config: &KafkaConfig, brokers: &str, login: Login) -> Result<Producer, KafkaError> {
    let mut client = client(config, brokers);
    client
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // Documents are mostly digits: zstd makes half of what lz4 makes of them, and its first level less than all that
        // are not many times as slow. `benches/many-series` says what is left.
        .set("compression.type", config.compression.name())
        .set("compression.level", "1")
        // Hundreds of series a second make few but large requests; one of five series waits this long.
        .set("linger.ms", "50")
        // A topic that takes less refuses what is larger, and the run's record says so.
        .set("message.max.bytes", LARGEST_MESSAGE.to_string())
        .set("socket.keepalive.enable", "true")
        .set("queue.buffering.max.kbytes", BUFFER_KILOBYTES.to_string())
        .set(
            "message.timeout.ms",
            DELIVERY_TIMEOUT.as_millis().to_string(),
        );
    client.create_with_context(login)
}

/// Whether a producer refuses whatever comes. An idempotent one does so once it cannot say any more what was written.
pub(crate) fn is_broken(producer: &Producer) -> bool {
    producer.client().fatal_error().is_some()
}
