//! What AWS does between an event and a Lambda function, for a machine without AWS: schedules and Kafka triggers.
//!
//! Both invoke functions through the Invoke API of whatever host is given, in the events that the real services send.

mod invoker;
mod kafka;
mod schedule;

pub use invoker::{InvocationType, InvokeError, Invoker, InvokerError};
pub use kafka::{
    KafkaSource, KafkaTrigger, KafkaTriggerError, KafkaTriggerSettings, KafkaTriggerStatus,
    KafkaTriggerWatch,
};
pub use schedule::{InvalidSchedule, Schedule, ScheduleExpression};

/// The account in the ARNs of events: there is none.
const ACCOUNT: &str = "000000000000";
