//! What differs in a cloud: brokers asked of MSK, found at `AWS_ENDPOINT_URL`, and a Kafka that asks for a login, found at
//! `KAFKA_LOGIN_BROKERS`.

use config::{Environment, KafkaConfig};
use etl::topic::{is_asked_for, prepare};
use kafka::{Publisher, Topic, msk::bootstrap};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, method, path_regex},
};

use super::environment;

/// A cluster of the API's and its ARN.
async fn cluster() -> String {
    let url = environment(&[])
        .required("AWS_ENDPOINT_URL")
        .unwrap()
        .to_owned();
    let nodes = json!({"clientSubnets": ["subnet"], "instanceType": "kafka.t3.small"});
    let document = json!({
        "clusterName": format!("test-{}", Uuid::new_v4()), "kafkaVersion": "3.6.0",
        "numberOfBrokerNodes": 1, "brokerNodeGroupInfo": nodes,
    });
    let answer = http_client::builder()
        .build()
        .unwrap()
        .post(format!("{url}/v1/clusters"))
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/kafka/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .json(&document)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["clusterArn"].as_str().unwrap().to_owned()
}

/// An environment in which Kafka is a cluster of MSK.
fn of_cluster(arn: &str, more: &[(&str, &str)]) -> Environment {
    environment(&[("KAFKA_BROKERS", ""), ("KAFKA_CLUSTER_ARN", arn)]).with(more.iter().copied())
}

/// An environment in which Kafka asks for a login.
fn with_login(password: Option<&str>) -> Environment {
    let own = environment(&[]);
    let of = |variable| own.required(variable).unwrap().to_owned();
    let topic = format!("etl-test-{}", Uuid::new_v4());
    own.clone().with([
        ("KAFKA_BROKERS", of("KAFKA_LOGIN_BROKERS").as_str()),
        ("KAFKA_AUTH", "scram"),
        ("KAFKA_USERNAME", &of("KAFKA_LOGIN_USERNAME")),
        (
            "KAFKA_PASSWORD",
            password.unwrap_or(&of("KAFKA_LOGIN_PASSWORD")),
        ),
        ("KAFKA_TOPIC", &topic),
    ])
}

fn topic_of(environment: &Environment) -> (KafkaConfig, Topic) {
    let config = KafkaConfig::read(environment).unwrap();
    let brokers = environment.required("KAFKA_BROKERS").unwrap().to_owned();
    (config.clone(), Topic::new(config, brokers))
}

#[tokio::test]
async fn msk_is_asked_for_the_brokers_that_suit_the_login() {
    let arn = cluster().await;
    let scram = [
        ("KAFKA_AUTH", "scram"),
        ("KAFKA_USERNAME", "u"),
        ("KAFKA_PASSWORD", "p"),
    ];
    for (more, variable) in [
        (&[("KAFKA_TLS", "false")][..], "KAFKA_BROKERS"),
        (&scram, "KAFKA_LOGIN_BROKERS"),
    ] {
        let config = KafkaConfig::read(&of_cluster(&arn, more)).unwrap();
        let expected = environment(&[]).required(variable).unwrap().to_owned();
        assert_eq!(bootstrap(&config).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named() {
    let arn = "arn:aws:kafka:us-east-1:000000000000:cluster/absent/0";
    let config = KafkaConfig::read(&of_cluster(arn, &[("KAFKA_AUTH", "iam")])).unwrap();
    let error = format!("{:#}", bootstrap(&config).await.unwrap_err());
    assert!(
        error.contains("KAFKA_CLUSTER_ARN") && error.contains(arn),
        "{error}"
    );
}

#[tokio::test]
async fn a_topic_is_prepared_once_and_written_with_a_login() {
    let environment = with_login(None);
    let (config, topic) = topic_of(&environment);
    let event = json!({"prepare": "topic", "partitions": 2});
    assert!(is_asked_for(&event));
    for created in [true, false] {
        let answer = prepare(&topic, &event).await.unwrap();
        assert_eq!(answer, json!({"topic": config.topic, "created": created}));
    }
    let brokers = environment.required("KAFKA_BROKERS").unwrap();
    let publisher = Publisher::new(&config, brokers).unwrap();
    let mut publication = publisher.publication();
    let message = super::message();
    let bytes = message.value.len() as u64;
    publication.send(message).await;
    let published = publication.finish().await.unwrap();
    assert_eq!((published.messages, published.bytes), (1, bytes));
}

#[tokio::test]
async fn a_topic_of_a_cluster_that_asks_for_the_role_is_made_by_msk() {
    let arn = "arn:aws:kafka:us-east-1:000000000000:cluster/metrics/1";
    let msk = MockServer::start().await;
    // Lines of properties, in base64: max.message.bytes=4194304, retention.ms=259200000, min.insync.replicas=2.
    let configs = "bWF4Lm1lc3NhZ2UuYnl0ZXM9NDE5NDMwNApyZXRlbnRpb24ubXM9MjU5MjAwMDAwCm1pbi5pbnN5bmMucmVwbGljYXM9Mg==";
    let wanted =
        json!({"topicName": "t", "partitionCount": 4, "replicationFactor": 3, "configs": configs});
    let answer = |status: u16| {
        ResponseTemplate::new(status)
            .insert_header("x-amzn-errortype", "TopicExistsException")
            .set_body_json(json!({"topicName": "t"}))
    };
    let asked = || Mock::given(method("POST")).and(path_regex("/topics$"));
    asked()
        .and(body_json(&wanted))
        .respond_with(answer(200))
        .up_to_n_times(1)
        .mount(&msk)
        .await;
    asked().respond_with(answer(409)).mount(&msk).await;
    let uri = msk.uri();
    let environment = of_cluster(
        arn,
        &[
            ("KAFKA_AUTH", "iam"),
            ("KAFKA_TOPIC", "t"),
            ("AWS_ENDPOINT_URL_KAFKA", &uri),
        ],
    );
    let config = KafkaConfig::read(&environment).unwrap();
    let topic = Topic::new(config, "nobody:1".to_owned());
    let event = json!({"prepare": "topic"});
    for created in [true, false] {
        let answer = prepare(&topic, &event).await.unwrap();
        assert_eq!(answer, json!({"topic": "t", "created": created}));
    }
    let environment = environment_with_role_alone();
    let config = KafkaConfig::read(&environment).unwrap();
    let topic = Topic::new(config, "nobody:1".to_owned());
    let refused = prepare(&topic, &event).await.unwrap_err().to_string();
    assert!(refused.contains("KAFKA_CLUSTER_ARN"), "{refused}");
}

/// Brokers that ask for the role, of a cluster that nobody names.
fn environment_with_role_alone() -> Environment {
    environment(&[("KAFKA_AUTH", "iam"), ("AWS_REGION", "us-east-1")])
}

#[tokio::test]
async fn a_login_that_is_refused_is_an_error_that_shows_no_password() {
    let environment = with_login(Some("hunter2"));
    let (config, _) = topic_of(&environment);
    let brokers = environment.required("KAFKA_BROKERS").unwrap();
    let publisher = Publisher::new(&config, brokers).unwrap();
    let mut publication = publisher.publication();
    publication.send(super::message()).await;
    let error = publication.finish().await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn a_number_of_partitions_that_is_none_is_refused() {
    let (_, topic) = topic_of(&environment(&[]));
    for partitions in [json!(0), json!(1001), json!("4"), json!(1.5)] {
        let event = json!({"prepare": "topic", "partitions": partitions});
        let error = prepare(&topic, &event).await.unwrap_err();
        assert!(error.to_string().contains("partitions"), "{error}");
    }
}
