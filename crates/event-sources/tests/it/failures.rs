//! A Kafka trigger whose function, host or broker fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    function::{Function, Reply, offsets, partition},
    topic::{Running, Topic, numbers},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_batch_comes_again_as_it_was_until_it_succeeds() {
    let topic = Topic::new(1);
    topic.send_numbers(0, 0..12).await;
    let attempts = AtomicUsize::new(0);
    let function = Function::start(move |_| match attempts.fetch_add(1, Ordering::Relaxed) {
        1 => Reply::FunctionError,
        2 => Reply::ServerError,
        _ => Reply::Success,
    })
    .await;
    let mut settings = topic.settings();
    settings.batch_size = 4;
    let running = Running::start(settings, function.invoker());
    function.until_handled(0..1, 12).await;
    running.stop().await;

    let calls = function.calls();
    let batches: Vec<Vec<i64>> = calls.iter().map(|call| offsets(&call.event)).collect();
    let again = &batches[1];
    assert_eq!((&batches[2], &batches[3]), (again, again));
    assert_eq!(calls.iter().filter(|call| !call.succeeded).count(), 2);
    assert_eq!(function.handled(0), numbers(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_fails_does_not_hold_up_another() {
    let topic = Topic::new(2);
    for partition in 0..2 {
        topic.send_numbers(partition, 0..50).await;
    }
    let broken = Arc::new(AtomicBool::new(true));
    let function = {
        let broken = broken.clone();
        Function::start(move |event| {
            match partition(event) == 0 && broken.load(Ordering::Relaxed) {
                true => Reply::FunctionError,
                false => Reply::Success,
            }
        })
        .await
    };
    let mut settings = topic.settings();
    settings.batch_size = 5;
    let running = Running::start(settings, function.invoker());
    function.until_handled(1..2, 50).await;
    assert_eq!(function.handled(0), numbers(0));
    assert_eq!(running.watch.lag().await.unwrap(), 50);
    broken.store(false, Ordering::Relaxed);
    function.until_handled(0..1, 50).await;
    running.stop().await;
    for partition in 0..2 {
        assert_eq!(function.handled(partition), numbers(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_away_is_asked_again() {
    let topic = Topic::new(1);
    topic.send_numbers(0, 0..3).await;
    let away = Function::start(|_| Reply::Success).await;
    let (address, invoker) = (away.address, away.invoker());
    drop(away);
    let running = Running::start(topic.settings(), invoker);
    while running.watch.status().errors < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let function = Function::start_at(address, |_| Reply::Success).await;
    function.until_handled(0..1, 3).await;
    running.stop().await;
    assert_eq!(function.handled(0), numbers(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_and_comes_back_costs_nothing() {
    let topic = Topic::new(1);
    topic.send_numbers(0, 0..10).await;
    let function = Function::start(|_| Reply::Success).await;
    let running = Running::start(topic.settings(), function.invoker());
    function.until_handled(0..1, 10).await;
    topic.cluster.broker_down(1).unwrap();
    let sending = topic.send_numbers(0, 10..20);
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        topic.cluster.broker_up(1).unwrap();
    };
    tokio::join!(sending, back);
    function.until_handled(0..1, 20).await;
    running.stop().await;
    assert_eq!(function.handled(0), numbers(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_whose_brokers_are_away_stops_all_the_same() {
    let topic = Topic::new(1);
    let function = Function::start(|_| Reply::Success).await;
    let running = Running::start(topic.settings(), function.invoker());
    running.watch.ready().await;
    topic.cluster.broker_down(1).unwrap();
    running.stop().await;
}
