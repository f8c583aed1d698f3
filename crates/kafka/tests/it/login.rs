use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use config::{ExposeSecret, KafkaAuth, KafkaConfig};
use kafka::{Publisher, Topic, answers};

use super::{config, publish, record, variable};

/// The configuration of a login at the brokers that `of` names, with more variables.
fn login(of: &str, auth: &str, password: &str, more: &[(&str, &str)]) -> (KafkaConfig, String) {
    let (brokers, username) = (variable(of), variable("KAFKA_LOGIN_USERNAME"));
    let own = [
        ("KAFKA_BROKERS", brokers.as_str()),
        ("KAFKA_AUTH", auth),
        ("KAFKA_USERNAME", &username),
        ("KAFKA_PASSWORD", password),
    ];
    let variables: Vec<_> = own.into_iter().chain(more.iter().copied()).collect();
    (config(&variables), brokers)
}

const MECHANISMS: [&str; 3] = ["plain", "scram-sha-256", "scram"];

async fn writes(config: &KafkaConfig, brokers: &str) {
    let topic = Topic::new(config.clone(), brokers.to_owned());
    assert!(topic.create(1, None).await.unwrap());
    let publisher = Publisher::new(config, brokers).unwrap();
    assert_eq!(publish(&publisher, 3).await, 3);
}

#[tokio::test]
async fn every_mechanism_logs_in() {
    let password = variable("KAFKA_LOGIN_PASSWORD");
    for auth in MECHANISMS {
        let (config, brokers) = login("KAFKA_LOGIN_BROKERS", auth, &password, &[]);
        writes(&config, &brokers).await;
    }
}

#[tokio::test]
async fn brokers_with_a_ca_of_their_own_are_trusted_by_its_file_or_its_text() {
    let (password, file) = (
        variable("KAFKA_LOGIN_PASSWORD"),
        variable("KAFKA_LOGIN_CA_FILE"),
    );
    let pem = std::fs::read_to_string(&file).unwrap();
    let trusted = [("KAFKA_CA_FILE", file.as_str()), ("KAFKA_CA_PEM", &pem)];
    for auth in MECHANISMS {
        for trusted in trusted {
            let more = [("KAFKA_TLS", "true"), trusted];
            let (config, brokers) = login("KAFKA_LOGIN_TLS_BROKERS", auth, &password, &more);
            writes(&config, &brokers).await;
        }
    }
    let untrusted = [("KAFKA_TLS", "true")];
    let (config, brokers) = login("KAFKA_LOGIN_TLS_BROKERS", "scram", &password, &untrusted);
    assert!(answers(&config, &brokers).await.is_err());
}

#[tokio::test]
async fn a_login_that_is_refused_is_an_error_that_shows_no_password() {
    for auth in MECHANISMS {
        let (config, brokers) = login("KAFKA_LOGIN_BROKERS", auth, "hunter2", &[]);
        let KafkaAuth::Password { password, .. } = &config.auth else {
            panic!("{config:?}")
        };
        assert_eq!(password.expose_secret(), "hunter2");
        assert!(answers(&config, &brokers).await.is_err());
    }
    let (config, brokers) = login("KAFKA_LOGIN_BROKERS", "scram", "hunter2", &[]);
    let publisher = Publisher::new(&config, &brokers).unwrap();
    let mut publication = publisher.publication();
    publication.send(record("a")).await;
    let error = publication.finish().await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn a_login_that_is_refused_is_read_again_by_the_next_publication() {
    let password = variable("KAFKA_LOGIN_PASSWORD");
    let (right, brokers) = login("KAFKA_LOGIN_BROKERS", "scram", &password, &[]);
    let topic = Topic::new(right.clone(), brokers.clone());
    assert!(topic.create(1, None).await.unwrap());
    // What the secret said before it was rotated.
    let (before, _) = login("KAFKA_LOGIN_BROKERS", "scram", "hunter2", &[]);
    let before = KafkaConfig {
        topic: right.topic.clone(),
        ..before
    };
    let reads = Arc::new(AtomicUsize::new(0));
    let publisher = {
        let reads = reads.clone();
        Publisher::new(&before, &brokers)
            .unwrap()
            .renewed_by(move || {
                reads.fetch_add(1, Ordering::Relaxed);
                let right = right.clone();
                async move { Ok::<_, String>(right) }
            })
    };
    let mut publication = publisher.publication();
    publication.send(record("a")).await;
    assert!(publication.finish().await.is_err());
    assert_eq!(reads.load(Ordering::Relaxed), 0);

    // Publications at one time read it once.
    let published = tokio::join!(publish(&publisher, 3), publish(&publisher, 3));
    assert_eq!(published, (3, 3));
    assert_eq!(publish(&publisher, 3).await, 3);
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_secret_that_was_just_read_is_left_alone_for_a_while() {
    let (config, brokers) = login("KAFKA_LOGIN_BROKERS", "scram", "hunter2", &[]);
    let reads = Arc::new(AtomicUsize::new(0));
    let publisher = {
        let reads = reads.clone();
        Publisher::new(&config, &brokers)
            .unwrap()
            .renewed_by(move || {
                reads.fetch_add(1, Ordering::Relaxed);
                async { Err::<KafkaConfig, _>("Secrets Manager is away") }
            })
    };
    let mut publication = publisher.publication();
    publication.send(record("a")).await;
    assert!(publication.finish().await.is_err());
    let (mut one, mut other) = (publisher.publication(), publisher.publication());
    tokio::join!(one.send(record("b")), other.send(record("c")));
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}
