//! What starts a run, told apart by its shape.

use chrono::{DateTime, Utc};
use domain::Timestamp;
use lambda_http::request::LambdaRequest;
use serde_json::Value;

/// What came in.
#[derive(Debug)]
pub enum Event {
    /// EventBridge's schedule.
    Schedule {
        /// The event's own time, whole seconds.
        time: Timestamp,
    },
    /// A request through the REST API, the function URL or `cargo lambda watch`.
    Http(Box<LambdaRequest>),
    /// A direct invocation with the same document as `POST /ETL`.
    Direct(Value),
}

/// Why an event cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("the event is neither a schedule's nor a request: {0}")]
pub struct UnknownEvent(String);

impl Event {
    /// Finds an event's kind by its shape.
    ///
    /// # Errors
    /// When it looks like a schedule's or a request, but is malformed.
    pub fn parse(payload: Value) -> Result<Self, UnknownEvent> {
        if payload.get("requestContext").is_some() {
            return serde_json::from_value(payload)
                .map(|request| Self::Http(Box::new(request)))
                .map_err(|error| UnknownEvent(error.to_string()));
        }
        if payload.get("detail-type").is_some() {
            return payload
                .get("time")
                .and_then(Value::as_str)
                .and_then(|time| time.parse::<DateTime<Utc>>().ok())
                .map(|time| Self::Schedule {
                    time: Timestamp::from(time).floor_to_second(),
                })
                .ok_or_else(|| UnknownEvent("`time` is missing or no RFC 3339 time".to_owned()));
        }
        Ok(Self::Direct(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schedule_is_known_by_its_detail_type() {
        let event =
            Event::parse(json!({"detail-type": "Scheduled Event", "time": "2026-11-23T08:45:00Z"}));
        assert!(
            matches!(event, Ok(Event::Schedule { time }) if time.to_string() == "2026-11-23T08:45:00Z")
        );
    }

    #[test]
    fn a_schedule_without_a_time_is_refused() {
        assert!(Event::parse(json!({"detail-type": "Scheduled Event"})).is_err());
    }

    #[test]
    fn anything_else_is_a_direct_invocation() {
        assert!(matches!(
            Event::parse(json!({"metrics": ["cpuUsage"]})),
            Ok(Event::Direct(_))
        ));
    }
}
