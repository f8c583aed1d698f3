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
