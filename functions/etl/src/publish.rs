//! Writing Kafka: idempotent, acknowledged by all replicas, and counted only once acknowledged.

use std::time::Duration;

use config::KafkaConfig;
use domain::message::LARGEST_MESSAGE;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};

use crate::{login::Login, message::Message};

/// Kafka cannot be reached, or did not acknowledge in time.
#[derive(Debug, thiserror::Error)]
#[error("Kafka cannot be reached: {0}")]
pub struct KafkaUnreachable(#[source] KafkaError);

/// How long a message may wait for its acknowledgement before the run gives up on Kafka.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// What may wait in the producer's memory; a run that is faster than Kafka waits for room.
const BUFFER_KILOBYTES: u32 = 16 * 1024;
const ROOM_POLL: Duration = Duration::from_millis(5);

/// A producer for one topic.
#[derive(Clone)]
pub struct Publisher {
    producer: FutureProducer<Login>,
    topic: String,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl Publisher {
    /// A producer that connects when it has something to write.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &KafkaConfig, brokers: &str) -> Result<Self, KafkaError> {
        let login = Login::new(&config.auth);
        let mut client = login.client(config, brokers);
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            // Hundreds of series a second make few but large requests; one of five series waits this long.
            .set("linger.ms", "50")
            // A topic that takes less refuses what is larger, and the run's record tells.
            .set("message.max.bytes", LARGEST_MESSAGE.to_string())
            .set("socket.keepalive.enable", "true")
            .set("queue.buffering.max.kbytes", BUFFER_KILOBYTES.to_string())
            .set(
                "message.timeout.ms",
                DELIVERY_TIMEOUT.as_millis().to_string(),
            );
        Ok(Self {
            producer: client.create_with_context(login)?,
            topic: config.topic.clone(),
        })
    }

    /// The messages of one run.
    pub fn publication(&self) -> Publication<'_> {
        Publication {
            publisher: self,
            waiting: FuturesUnordered::new(),
            published: Published::default(),
            unreachable: None,
        }
    }
}

/// What became of the messages of one run.
#[derive(Debug, Default)]
pub struct Published {
    /// How many were acknowledged.
    pub messages: u64,
    /// The bytes of their values.
    pub bytes: u64,
    /// Those that Kafka will never take.
    pub refused: Vec<Refusal>,
}

/// A message that Kafka will never take.
#[derive(Debug)]
pub struct Refusal {
    /// The message's key.
    pub key: String,
    /// The event's id.
    pub id: String,
    /// Why.
    pub reason: KafkaError,
}

/// The messages of one run on their way.
pub struct Publication<'a> {
    publisher: &'a Publisher,
    waiting: FuturesUnordered<BoxFuture<'static, Delivery>>,
    published: Published,
    unreachable: Option<KafkaError>,
}

impl std::fmt::Debug for Publication<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publication")
            .field("published", &self.published)
            .finish_non_exhaustive()
    }
}

/// A message that is no longer on its way: what it was, and whether it was acknowledged.
struct Delivery {
    key: String,
    id: String,
    bytes: u64,
    result: Result<(), KafkaError>,
}

impl Publication<'_> {
    /// Hands a message to the producer; waits while its buffer is full. Once Kafka is known to be away the rest of the
    /// run is not even tried: [`Publication::finish`] tells.
    pub async fn send(&mut self, message: Message) {
        let Message {
            key,
            attributes,
            value,
        } = message;
        let headers = attributes.headers();
        let headers = headers.iter().fold(
            OwnedHeaders::new_with_capacity(headers.len()),
            |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(value),
                })
            },
        );
        let mut record = FutureRecord::to(&self.publisher.topic)
            .key(&key)
            .payload(&value)
            .headers(headers)
            .timestamp(attributes.time.millis());
        let bytes = value.len() as u64;
        let id = attributes.id;
        while self.unreachable.is_none() {
            match self.publisher.producer.send_result(record) {
                Ok(delivery) => {
                    self.waiting
                        .push(delivered(key, id, bytes, delivery).boxed());
                    return;
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    record = refused;
                    self.make_room().await;
                }
                Err((error, _)) => {
                    self.count(Delivery {
                        key,
                        id,
                        bytes,
                        result: Err(error),
                    });
                    return;
                }
            }
        }
    }

    /// Waits until every message is acknowledged, refused or given up.
    ///
    /// # Errors
    /// When a message was not acknowledged because Kafka is away.
    pub async fn finish(mut self) -> Result<Published, KafkaUnreachable> {
        while let Some(delivery) = self.waiting.next().await {
            self.count(delivery);
        }
        match self.unreachable {
            Some(error) => Err(KafkaUnreachable(error)),
            None => Ok(self.published),
        }
    }

    async fn make_room(&mut self) {
        match self.waiting.next().await {
            Some(delivery) => self.count(delivery),
            None => tokio::time::sleep(ROOM_POLL).await,
        }
    }

    fn count(&mut self, delivery: Delivery) {
        match delivery.result {
            Ok(()) => {
                self.published.messages += 1;
                self.published.bytes += delivery.bytes;
            }
            Err(reason) if is_refusal(&reason) => {
                let Delivery { key, id, .. } = delivery;
                self.published.refused.push(Refusal { key, id, reason });
            }
            Err(error) => self.unreachable = Some(error),
        }
    }
}

async fn delivered(key: String, id: String, bytes: u64, delivery: DeliveryFuture) -> Delivery {
    let result = match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(KafkaError::Canceled),
    };
    Delivery {
        key,
        id,
        bytes,
        result,
    }
}

fn is_refusal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{InvalidMessage, InvalidMessageSize, MessageSizeTooLarge};
    matches!(
        error.rdkafka_error_code(),
        Some(InvalidMessage | InvalidMessageSize | MessageSizeTooLarge)
    )
}
