//! A Kafka trigger as a member of its group.

use std::time::Duration;

use super::{
    function::{Function, Reply},
    topic::{Running, Topic, numbers},
    trigger::held_up,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_succeed_is_not_committed_and_what_did_is() {
    let topic = Topic::new(1);
    topic.send_numbers(0, 0..5).await;
    let broken = Function::start(|_| Reply::FunctionError).await;
    let running = Running::start(topic.settings(), broken.invoker());
    broken.until_called(1).await;
    running.stop().await;

    let function = Function::start(|_| Reply::Success).await;
    let running = Running::start(topic.settings(), function.invoker());
    function.until_handled(0..1, 5).await;
    running.stop().await;
    assert_eq!(function.handled(0), numbers(5));

    let running = Running::start(topic.settings(), function.invoker());
    running.watch.ready().await;
    topic.send(0, "5").await;
    function.until_handled(0..1, 6).await;
    running.stop().await;
    assert_eq!(function.handled(0), numbers(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_under_way_is_awaited_and_committed_when_the_trigger_stops() {
    let topic = Topic::new(1);
    topic.send_numbers(0, 0..5).await;
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let slow = Function::start(move |_| {
        started.send(()).unwrap();
        Reply::Late(Duration::from_millis(500))
    })
    .await;
    let mut settings = topic.settings();
    settings.batching_window = Duration::from_secs(1);
    settings.batch_size = 5;
    let running = Running::start(settings, slow.invoker());
    starts.recv().await.unwrap();
    running.stop().await;
    assert_eq!(slow.handled(0), numbers(5));

    let function = Function::start(|_| Reply::Success).await;
    let running = Running::start(topic.settings(), function.invoker());
    running.watch.ready().await;
    topic.send(0, "5").await;
    function.until_handled(0..1, 1).await;
    running.stop().await;
    assert_eq!(function.handled(0), ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_the_partitions_and_one_that_leaves_is_replaced_without_a_gap() {
    let topic = Topic::new(4);
    for partition in 0..4 {
        topic.send_numbers(partition, 0..40).await;
    }
    let function = Function::start(|_| Reply::Late(Duration::from_millis(5))).await;
    let mut settings = topic.settings();
    settings.batch_size = 3;
    let first = Running::start(settings.clone(), function.invoker());
    first.watch.ready().await;
    let second = Running::start(settings, function.invoker());
    second.watch.ready().await;
    while first.watch.status().partitions.len() + second.watch.status().partitions.len() != 4
        || second.watch.status().partitions.is_empty()
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for partition in 0..4 {
        topic.send_numbers(partition, 40..80).await;
    }
    second.stop().await;
    for partition in 0..4 {
        topic.send_numbers(partition, 80..100).await;
    }
    for partition in 0..4 {
        while !function.handled(partition).contains(&"99".to_owned()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    first.stop().await;

    for partition in 0..4 {
        assert_eq!(without_gaps(&function.handled(partition)), 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_paused_when_it_is_revoked_is_read_by_whoever_gets_it() {
    let topic = Topic::new(1);
    let mut held_up = held_up(&topic).await;
    topic.send_many(0, 1..12_000).await;
    // As many as are held.
    held_up.running.until_waiting(10_000).await;
    let second = Running::start(topic.settings(), held_up.function.invoker());
    // Whoever has the partition now starts at its beginning.
    held_up.starts.recv().await.unwrap();
    second.stop().await;
    held_up.go.send_replace(true);
    while held_up
        .function
        .handled(0)
        .last()
        .is_none_or(|last| last != "11999")
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    held_up.running.stop().await;
    assert_eq!(without_gaps(&held_up.function.handled(0)), 12_000);
}

/// How many different numbers these are. A record may come again, but never one before those that precede it.
fn without_gaps(handled: &[String]) -> usize {
    let mut next = 0;
    for value in handled {
        let number: usize = value.parse().unwrap();
        assert!(number <= next, "{number} before {next}");
        next = next.max(number + 1);
    }
    next
}
