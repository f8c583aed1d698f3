//! Writing Kafka: idempotent, acknowledged by all replicas, and counted only once acknowledged.

use std::time::Duration;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use rdkafka::{
    Message,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders, OwnedMessage},
    producer::{DeliveryFuture, FutureRecord, Producer as _},
};

use crate::{
    KafkaUnreachable, Publisher,
    publisher::{Producer, is_broken},
};

const ROOM_POLL: Duration = Duration::from_millis(5);
/// How many producers a publication makes after its first before it gives up on Kafka.
const MOST_RENEWALS: u32 = 2;

/// One record to write. Its timestamp is the time of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What orders it.
    pub key: String,
    /// Where it goes; `None`: where its key says.
    pub partition: Option<i32>,
    /// The id of the event, for whoever hears of its refusal.
    pub id: String,
    /// Its headers, in their order.
    pub headers: Vec<(&'static str, String)>,
    /// Its value.
    pub value: Vec<u8>,
}

/// What became of the records of one run.
#[derive(Debug, Default)]
pub struct Published {
    /// How many were acknowledged.
    pub messages: u64,
    /// The bytes of their values.
    pub bytes: u64,
    /// Those that Kafka will never take.
    pub refused: Vec<Refusal>,
}

/// A record that Kafka will never take.
#[derive(Debug)]
pub struct Refusal {
    /// The record's key.
    pub key: String,
    /// The event's id.
    pub id: String,
    /// Why.
    pub reason: KafkaError,
}

/// The records of one run on their way.
pub struct Publication<'a> {
    publisher: &'a Publisher,
    producer: Producer,
    has_begun: bool,
    renewals: u32,
    waiting: FuturesUnordered<BoxFuture<'static, Delivery>>,
    /// Those whose producer failed for good: they are sent once more.
    again: Vec<(String, String, OwnedMessage)>,
    published: Published,
    unreachable: Option<KafkaUnreachable>,
}

impl std::fmt::Debug for Publication<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publication")
            .field("published", &self.published)
            .finish_non_exhaustive()
    }
}

/// A record that is no longer on its way: what it was, and why it was not acknowledged, if it was not.
struct Delivery {
    key: String,
    id: String,
    bytes: u64,
    failure: Option<Failure>,
}

/// Why a record was not acknowledged.
struct Failure {
    error: KafkaError,
    /// The record, if it was its producer that failed for good: another one takes it.
    again: Option<OwnedMessage>,
}

impl<'a> Publication<'a> {
    pub(crate) fn new(publisher: &'a Publisher, producer: Producer) -> Self {
        Self {
            publisher,
            producer,
            has_begun: false,
            renewals: 0,
            waiting: FuturesUnordered::new(),
            again: Vec::new(),
            published: Published::default(),
            unreachable: None,
        }
    }

    /// Hands a record to the producer; waits while its buffer is full. Once Kafka is known to be away the rest of the
    /// run is not even tried: [`Publication::finish`] returns the error.
    pub async fn send(&mut self, record: impl Into<Record>) {
        if !self.has_begun {
            self.has_begun = true;
            self.producer = self.publisher.logged_in().await;
        }
        let Record {
            key,
            partition,
            id,
            headers,
            value,
        } = record.into();
        let headers = headers.iter().fold(
            OwnedHeaders::new_with_capacity(headers.len()),
            |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(value),
                })
            },
        );
        self.enqueue((key, partition), id, &value, headers).await;
    }

    /// Waits until every record is acknowledged, refused or given up.
    ///
    /// # Errors
    /// When a record was not acknowledged because Kafka is away or does not let the topic be written.
    pub async fn finish(mut self) -> Result<Published, KafkaUnreachable> {
        loop {
            while let Some((key, id, message)) = self.again.pop() {
                let headers = message.headers().cloned().unwrap_or_default();
                let value = message.payload().unwrap_or_default();
                let partition = Some(message.partition()).filter(|partition| *partition >= 0);
                self.enqueue((key, partition), id, value, headers).await;
            }
            match self.waiting.next().await {
                Some(delivery) => self.count(delivery),
                None => break,
            }
        }
        match self.unreachable {
            Some(error) => Err(error),
            None => Ok(self.published),
        }
    }

    async fn enqueue(
        &mut self,
        (key, partition): (String, Option<i32>),
        id: String,
        value: &[u8],
        headers: OwnedHeaders,
    ) {
        let publisher = self.publisher;
        let bytes = value.len() as u64;
        // Without a timestamp of its own a record gets the time of sending: retention counts from there, and brokers
        // that check timestamps take it.
        let mut record = FutureRecord::to(&publisher.config.topic)
            .key(&key)
            .payload(value)
            .headers(headers);
        record.partition = partition;
        while self.unreachable.is_none() {
            match self.producer.send_result(record) {
                Ok(delivery) => {
                    let producer = self.producer.clone();
                    let delivery = delivered(key.clone(), id, bytes, producer, delivery);
                    self.waiting.push(delivery.boxed());
                    return;
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    record = refused;
                    self.make_room().await;
                }
                Err((_, refused)) if is_broken(&self.producer) => {
                    record = refused;
                    self.renew();
                }
                Err((error, _)) => {
                    let failure = Some(Failure { error, again: None });
                    let key = key.clone();
                    self.count(Delivery {
                        key,
                        id,
                        bytes,
                        failure,
                    });
                    return;
                }
            }
        }
    }

    async fn make_room(&mut self) {
        match self.waiting.next().await {
            Some(delivery) => self.count(delivery),
            None => tokio::time::sleep(ROOM_POLL).await,
        }
    }

    fn count(&mut self, delivery: Delivery) {
        let Some(Failure { error, again }) = delivery.failure else {
            self.published.messages += 1;
            self.published.bytes += delivery.bytes;
            return;
        };
        if is_refusal(&error) {
            self.published.refused.push(Refusal {
                key: delivery.key,
                id: delivery.id,
                reason: error,
            });
            return;
        }
        match again {
            Some(message) => {
                if is_broken(&self.producer) {
                    self.renew();
                }
                self.again.push((delivery.key, delivery.id, message));
            }
            None => self.give_up(KafkaUnreachable::of(error, &self.publisher.config)),
        }
    }

    /// Goes on with another producer, unless too many failed already.
    fn renew(&mut self) {
        if self.renewals == MOST_RENEWALS {
            let why = self.producer.client().fatal_error();
            let why = why.map_or_else(String::new, |(code, reason)| format!("{code}: {reason}"));
            self.give_up(KafkaUnreachable::Fatal(why));
            return;
        }
        self.renewals += 1;
        match self.publisher.renewed() {
            Ok(producer) => self.producer = producer,
            Err(error) => self.give_up(KafkaUnreachable::Away(error)),
        }
    }

    /// Tries no more; what came first is the reason.
    fn give_up(&mut self, why: KafkaUnreachable) {
        self.unreachable.get_or_insert(why);
    }
}

async fn delivered(
    key: String,
    id: String,
    bytes: u64,
    producer: Producer,
    delivery: DeliveryFuture,
) -> Delivery {
    let failure = match delivery.await {
        Ok(Ok(_)) => None,
        Ok(Err((error, message))) => Some(Failure {
            error,
            again: is_broken(&producer).then_some(message),
        }),
        Err(_) => Some(Failure {
            error: KafkaError::Canceled,
            again: None,
        }),
    };
    Delivery {
        key,
        id,
        bytes,
        failure,
    }
}

/// Whether the brokers refuse this record whenever it comes.
fn is_refusal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        InvalidMessage, InvalidMessageSize, InvalidRecord, InvalidTimestamp, MessageSizeTooLarge,
        PolicyViolation,
    };
    matches!(
        error.rdkafka_error_code(),
        Some(
            InvalidMessage
                | InvalidMessageSize
                | InvalidRecord
                | InvalidTimestamp
                | MessageSizeTooLarge
                | PolicyViolation
        )
    )
}
