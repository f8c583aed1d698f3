//! A Kafka trigger whose function succeeds.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use event_sources::{KafkaSource, KafkaTrigger, KafkaTriggerError, KafkaTriggerSettings};

use tokio::sync::{mpsc, watch};

use super::{
    function::{Function, Reply, offsets, partition},
    topic::{Running, Topic, numbers},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_handled_once_and_in_its_partitions_order() {
    let topic = Topic::new(3);
    for partition in 0..3 {
        topic.send_numbers(partition, 0..200).await;
    }
    let function = Function::start(|_| Reply::Success).await;
    let mut settings = topic.settings();
    settings.batch_size = 7;
    let running = Running::start(settings, function.invoker());
    running.watch.ready().await;
    function.until_handled(0..3, 200).await;
    // Late ones would come with these.
    for partition in 0..3 {
        topic.send(partition, "200").await;
    }
    function.until_handled(0..3, 201).await;

    for partition in 0..3 {
        assert_eq!(function.handled(partition), numbers(201));
    }
    let calls = function.calls();
    assert!(
        calls
            .iter()
            .all(|call| (1..=7).contains(&offsets(&call.event).len()))
    );
    let status = running.watch.status();
    assert_eq!(status.partitions, [0, 1, 2]);
    assert_eq!((status.records, status.errors), (603, 0));
    assert_eq!(status.invocations, calls.len() as u64);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_is_lambdas_own() {
    let topic = Topic::new(1);
    topic.send(0, "{}").await;
    let function = Function::start(|_| Reply::Success).await;
    let mut settings = topic.settings();
    let cluster_arn = "arn:aws:kafka:us-east-1:000000000000:cluster/demo/1".to_owned();
    settings.source = KafkaSource::Msk {
        cluster_arn: cluster_arn.clone(),
    };
    let servers = settings.bootstrap_servers.clone();
    let running = Running::start(settings, function.invoker());
    function.until_called(1).await;
    running.stop().await;

    let call = function.calls().remove(0);
    assert_eq!(call.kind, "RequestResponse");
    assert_eq!(call.event["eventSource"], "aws:kafka");
    assert_eq!(call.event["eventSourceArn"], cluster_arn);
    assert_eq!(call.event["bootstrapServers"], servers);
    let record = &call.event["records"]["things-0"][0];
    assert!(record["timestamp"].as_i64().unwrap() > 1_600_000_000_000);
    let mut record = record.clone();
    record["timestamp"] = 0.into();
    assert_eq!(
        record,
        serde_json::json!({
            "topic": "things", "partition": 0, "offset": 0, "timestamp": 0, "timestampType": "CREATE_TIME",
            "key": "a2V5", "value": "e30=", "headers": [{"kind": [97, -1]}],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_under_way_at_the_same_time_and_each_only_once() {
    let topic = Topic::new(2);
    for partition in 0..2 {
        topic.send_numbers(partition, 0..20).await;
    }
    let under_way: Arc<Mutex<HashSet<i32>>> = Arc::default();
    let most = Arc::new(Mutex::new(0));
    let function = {
        let (under_way, most) = (under_way.clone(), most.clone());
        Function::start(move |event| {
            let partition = partition(event);
            let mut guard = under_way.lock().unwrap();
            assert!(
                guard.insert(partition),
                "partition {partition} is under way twice"
            );
            let count = guard.len();
            drop(guard);
            let mut most = most.lock().unwrap();
            *most = count.max(*most);
            let under_way = under_way.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                under_way.lock().unwrap().remove(&partition);
            });
            Reply::Late(Duration::from_millis(60))
        })
        .await
    };
    let mut settings = topic.settings();
    settings.batch_size = 2;
    let running = Running::start(settings, function.invoker());
    function.until_handled(0..2, 20).await;
    assert_eq!(*most.lock().unwrap(), 2);
    running.stop().await;
}

pub(super) struct HeldUp {
    pub(super) running: Running,
    pub(super) function: Function,
    /// Each invocation that starts.
    pub(super) starts: mpsc::UnboundedReceiver<()>,
    pub(super) go: watch::Sender<bool>,
}

/// A trigger whose function has got one record, `0`, and does not answer before the test lets it.
pub(super) async fn held_up(topic: &Topic) -> HeldUp {
    let (go, gone) = watch::channel(false);
    let (started, mut starts) = mpsc::unbounded_channel();
    let function = Function::start(move |_| {
        // Nobody may listen any more.
        let _ = started.send(());
        Reply::After(gone.clone())
    })
    .await;
    let running = Running::start(topic.settings(), function.invoker());
    topic.send(0, "0").await;
    starts.recv().await.unwrap();
    HeldUp {
        running,
        function,
        starts,
        go,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_function_is_slow_is_paused_and_nothing_is_lost() {
    let topic = Topic::new(1);
    let HeldUp {
        running,
        function,
        go,
        ..
    } = held_up(&topic).await;
    // 1.2 MB each, so that the 14th fills what is held.
    let value = |number: usize| format!("{number}{}", " ".repeat(900_000));
    for number in 1..=14 {
        topic.send(0, &value(number)).await;
        running.until_waiting(number).await;
    }
    for number in 15..=18 {
        topic.send(0, &value(number)).await;
    }
    assert_eq!(running.watch.status().waiting, 14);
    go.send_replace(true);
    function.until_handled(0..1, 19).await;
    running.stop().await;
    let handled: Vec<String> = function
        .handled(0)
        .iter()
        .map(|value| value.trim().to_owned())
        .collect();
    assert_eq!(handled, numbers(19));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_cut_at_the_payload_limit_and_a_record_beyond_it_goes_alone() {
    const LIMIT: usize = 6 * 1024 * 1024;
    let topic = Topic::new(1);
    let HeldUp {
        running,
        function,
        go,
        ..
    } = held_up(&topic).await;
    let sizes = [
        1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 10, 4_720_000, 10,
    ];
    for (sent, size) in (1..).zip(sizes) {
        topic.send(0, &"x".repeat(size)).await;
        running.until_waiting(sent).await;
    }
    go.send_replace(true);
    function.until_handled(0..1, sizes.len() + 1).await;
    running.stop().await;

    let handled: Vec<usize> = function.handled(0).iter().map(String::len).collect();
    assert_eq!(handled[1..], sizes);
    let calls = function.calls();
    let batches: Vec<Vec<i64>> = calls.iter().map(|call| offsets(&call.event)).collect();
    assert_eq!(
        batches,
        [vec![0], vec![1, 2, 3, 4], vec![5, 6, 7], vec![8], vec![9]]
    );
    assert!(
        calls
            .iter()
            .all(|call| call.bytes <= LIMIT || offsets(&call.event) == [8])
    );
}

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let function = Function::start(|_| Reply::Success).await;
    let mut settings = KafkaTriggerSettings::new("function", "127.0.0.1:1", "things", "group");
    settings.batch_size = 0;
    let error = KafkaTrigger::new(settings, function.invoker()).unwrap_err();
    assert!(matches!(
        error,
        KafkaTriggerError::Setting {
            name: "batch_size",
            ..
        }
    ));
}
