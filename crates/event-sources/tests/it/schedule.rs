//! A schedule.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use event_sources::{InvocationType, Schedule, ScheduleExpression};
use tokio::sync::oneshot;

use super::function::{Function, Reply};

async fn run_until(schedule: Schedule, function: &Function, calls: usize) {
    let (stop, stopped) = oneshot::channel();
    let run = tokio::spawn(schedule.run(function.invoker(), async {
        let _ = stopped.await;
    }));
    function.until_called(calls).await;
    stop.send(()).unwrap();
    run.await.unwrap();
}

fn every_second() -> Schedule {
    Schedule::new(
        "rule",
        ScheduleExpression::every(Duration::from_secs(1)),
        "function",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_is_eventbridges_own() {
    let function = Function::start(|_| Reply::Success).await;
    run_until(every_second(), &function, 2).await;
    let calls = function.calls();
    let times: Vec<DateTime<Utc>> = calls
        .iter()
        .map(|call| call.event["time"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times[0] < times[1]);
    assert!(
        times
            .iter()
            .all(|time| time.trunc_subsecs(0) == *time && *time <= Utc::now())
    );
    assert_ne!(calls[0].event["id"], calls[1].event["id"]);
    let mut event = calls[0].event.clone();
    assert!(event["time"].as_str().unwrap().ends_with('Z'));
    event["id"] = "an id".into();
    event["time"] = "a time".into();
    assert_eq!(
        event,
        serde_json::json!({
            "version": "0",
            "id": "an id",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": "a time",
            "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:000000000000:rule/rule"],
            "detail": {},
        })
    );
    assert_eq!(calls[0].kind, "Event");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_that_fails_does_not_end_the_schedule() {
    let function = Function::start(|_| Reply::ServerError).await;
    run_until(every_second(), &function, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_long_invocation_ran_over_are_skipped() {
    let function = Function::start(|_| Reply::Late(Duration::from_millis(1200))).await;
    let mut schedule = every_second();
    schedule.kind = InvocationType::RequestResponse;
    run_until(schedule, &function, 2).await;
    let time = |index: usize| {
        function.calls()[index].event["time"]
            .as_str()
            .unwrap()
            .parse::<DateTime<Utc>>()
            .unwrap()
    };
    assert!((time(1) - time(0)).num_seconds() >= 2);
}
