"""A Kafka trigger with Lambda's semantics: a batch is delivered until its function takes it, then committed."""

import base64
import contextlib
import logging
import time
from collections import defaultdict

from confluent_kafka import Consumer, TopicPartition
from localstack.services.lambda_.event_source_mapping.pollers.poller import EmptyPollResultsException, Poller

LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.5
_LONGEST_PAUSE = 30.0


class KafkaPoller(Poller):
    """Reads one topic for one event source mapping."""

    def __init__(self, mapping, processor):
        super().__init__(source_arn=None, processor=processor)
        endpoints = mapping["SelfManagedEventSource"]["Endpoints"]
        # The API's spelling, and CloudFormation's, which LocalStack does not translate.
        brokers = endpoints.get("KAFKA_BOOTSTRAP_SERVERS") or endpoints["KafkaBootstrapServers"]
        self._brokers = ",".join(brokers)
        self._topics = mapping["Topics"]
        self._batch_size = mapping.get("BatchSize", 100)
        self._group = mapping.get("SelfManagedKafkaEventSourceConfig", {}).get("ConsumerGroupId") or mapping["UUID"]
        self._reset = "latest" if mapping.get("StartingPosition") == "LATEST" else "earliest"
        self._consumer = None
        self._pause = 0.0
        # A Kafka event is not a list of records.
        processor.sender.payload_dict = False

    def event_source(self):
        return "SelfManagedKafka"

    def poll_events(self):
        # Anything but this one exception ends LocalStack's poller for good.
        try:
            messages = self._read()
        except Exception as error:
            LOG.error("Kafka cannot be read: %s", error)
            self._forget()
            messages = []
        if not messages:
            raise EmptyPollResultsException("kafka", self._brokers)
        try:
            self.processor.sender.send_events(self._event(messages))
            self._consumer.commit(asynchronous=False)
            self._pause = 0.0
        except Exception as error:
            LOG.error("a batch is not taken, and will be delivered again: %s", error)
            self._rewind(messages)

    def _read(self):
        if self._consumer is None:
            self._consumer = Consumer(
                {
                    "bootstrap.servers": self._brokers,
                    "group.id": self._group,
                    "auto.offset.reset": self._reset,
                    "enable.auto.commit": False,
                }
            )
            self._consumer.subscribe(self._topics)
        return [message for message in self._consumer.consume(self._batch_size, _POLL_SECONDS) if not message.error()]

    def _rewind(self, messages):
        first = {}
        for message in messages:
            first.setdefault((message.topic(), message.partition()), message.offset())
        try:
            for (topic, partition), offset in first.items():
                self._consumer.seek(TopicPartition(topic, partition, offset))
        except Exception as error:
            # The partition is no longer this consumer's: the next one goes on behind the last commit.
            LOG.error("Kafka cannot be read again from where it was: %s", error)
            self._forget()
        self._pause = min(max(2 * self._pause, 0.5), _LONGEST_PAUSE)
        time.sleep(self._pause)

    def _event(self, messages):
        records = defaultdict(list)
        for message in messages:
            records[f"{message.topic()}-{message.partition()}"].append(_record(message))
        return {"eventSource": "SelfManagedKafka", "bootstrapServers": self._brokers, "records": records}

    def close(self):
        self._forget()

    def _forget(self):
        """The next time that Kafka is read there is a new consumer."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(Exception):
                consumer.close()


def _record(message):
    record = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1],
        "timestampType": "CREATE_TIME",
        "headers": [{name: list(value or b"")} for name, value in message.headers() or []],
    }
    for name, value in (("key", message.key()), ("value", message.value())):
        if value is not None:
            record[name] = base64.b64encode(value).decode()
    return record
