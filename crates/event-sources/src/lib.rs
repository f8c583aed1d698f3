//! What AWS does between an event and a Lambda function, for a machine without AWS: schedules and Kafka triggers.
//!
//! Both invoke functions through the Invoke API of whatever host is given, in the events that the real services send.
//!
//! # Example
//!
//! When does a schedule of EventBridge run next?
//!
//! ```
//! use event_sources::ScheduleExpression;
//!
//! let now = "2026-11-23T08:44:30Z".parse().expect("a time");
//! let hourly: ScheduleExpression = "cron(15 * * * ? *)".parse()?;
//! let next = hourly.next_after(now).expect("it never ends");
//! assert_eq!(next.to_rfc3339(), "2026-11-23T09:15:00+00:00");
//!
//! // As in EventBridge, one of the two days has to be left open.
//! assert!("cron(15 * * * * *)".parse::<ScheduleExpression>().is_err());
//! # Ok::<(), event_sources::InvalidSchedule>(())
//! ```

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
