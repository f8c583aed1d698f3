//! A broker with a topic, and triggers that read it.

use std::time::Duration;

use event_sources::{Invoker, KafkaTrigger, KafkaTriggerSettings, KafkaTriggerWatch};
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    mocking::MockCluster,
    producer::{DefaultProducerContext, FutureProducer, FutureRecord},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// A broker of its own for each test. It keeps the last 5 MB of a partition.
pub(super) struct Topic {
    pub(super) cluster: MockCluster<'static, DefaultProducerContext>,
    producer: FutureProducer,
}

/// A trigger that runs.
pub(super) struct Running {
    pub(super) watch: KafkaTriggerWatch,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(super) const NAME: &str = "things";

impl Topic {
    pub(super) fn new(partitions: i32) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(NAME, partitions, 1).unwrap();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .set("message.max.bytes", "10000000")
            .set("linger.ms", "1")
            .create()
            .unwrap();
        Self { cluster, producer }
    }

    pub(super) async fn send(&self, partition: i32, value: &str) {
        let headers = OwnedHeaders::new().insert(Header {
            key: "kind",
            value: Some(&[0x61, 0xff][..]),
        });
        let record = FutureRecord::to(NAME)
            .partition(partition)
            .key("key")
            .payload(value)
            .headers(headers);
        self.producer
            .send(record, Duration::from_secs(60))
            .await
            .unwrap();
    }

    /// `0`, `1`, … up to `count`, to one partition.
    pub(super) async fn send_numbers(&self, partition: i32, numbers: std::ops::Range<usize>) {
        for number in numbers {
            self.send(partition, &number.to_string()).await;
        }
    }

    /// The same, many of them: a batch of them at a time.
    pub(super) async fn send_many(&self, partition: i32, numbers: std::ops::Range<usize>) {
        let values: Vec<String> = numbers.map(|number| number.to_string()).collect();
        let record = |value| {
            FutureRecord::<(), _>::to(NAME)
                .partition(partition)
                .payload(value)
        };
        let queue = |value| {
            self.producer
                .send_result(record(value))
                .map_err(|(error, _)| error)
        };
        let deliveries: Result<Vec<_>, _> = values.iter().map(queue).collect();
        for delivery in deliveries.unwrap() {
            delivery.await.unwrap().unwrap();
        }
    }

    pub(super) fn settings(&self) -> KafkaTriggerSettings {
        let mut settings =
            KafkaTriggerSettings::new("function", self.cluster.bootstrap_servers(), NAME, "group");
        settings.batching_window = Duration::from_millis(20);
        // This broker answers a fetch that finds nothing only when its wait is over.
        let properties = [
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "200"),
            ("fetch.wait.max.ms", "10"),
        ];
        for (name, value) in properties {
            let property = (name.to_owned(), value.to_owned());
            settings.client_properties.extend([property]);
        }
        settings
    }
}

impl Running {
    pub(super) fn start(settings: KafkaTriggerSettings, invoker: Invoker) -> Self {
        let trigger = KafkaTrigger::new(settings, invoker).unwrap();
        let watch = trigger.watch();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(trigger.run(async {
            let _ = stopped.await;
        }));
        Self { watch, stop, task }
    }

    /// Waits until the trigger holds that many records that are not in a batch yet.
    pub(super) async fn until_waiting(&self, count: usize) {
        while self.watch.status().waiting < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// `0`, `1`, … as texts.
pub(super) fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}
