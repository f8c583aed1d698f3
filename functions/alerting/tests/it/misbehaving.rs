//! Receivers that do not do what they should.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode};
use serde_json::Value;
use sqlx::QueryBuilder;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

use crate::{
    receiver::{Names, Receiver},
    service::System,
};

/// The only delivery after one attempt.
async fn failed(system: &System) -> Value {
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    let deliveries = system.get("/alerts/deliveries").await;
    let found = deliveries["deliveries"].as_array().unwrap().clone();
    assert_eq!(found.len(), 1, "{deliveries}");
    found[0].clone()
}

/// How many seconds from now on the next attempt is.
fn wait(delivery: &Value) -> i64 {
    let next = delivery["next_attempt"].as_str().unwrap();
    let next = chrono::DateTime::parse_from_rfc3339(next).unwrap();
    (next.to_utc() - chrono::Utc::now()).num_seconds()
}

#[tokio::test]
async fn an_answer_that_is_no_success_is_tried_again_when_it_says_so() {
    for (status, headers, error, waits) in [
        (500, vec![], "it answered 500", 0..=5),
        (
            429,
            vec![("retry-after", "120")],
            "it answered 429",
            110..=120,
        ),
        (
            503,
            vec![("retry-after", "90000")],
            "it answered 503",
            3_590..=3_600,
        ),
        (404, vec![], "it answered 404", 0..=5),
        (
            302,
            vec![("location", "http://127.0.0.1:1/")],
            "it answered 302: redirects are not followed",
            0..=5,
        ),
    ] {
        let receiver = Receiver::start().await;
        let system = System::with(&[("ops", &receiver)]).await;
        receiver.answer(status, &headers);
        let delivery = failed(&system).await;
        assert_eq!(delivery["last_error"], error);
        assert_eq!(delivery["state"], "failed");
        assert!(waits.contains(&wait(&delivery)), "{status}: {delivery}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_no_server_of_http_is_tried_again() {
    for (bytes, error) in [
        (
            &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
            "its answer breaks off or is no HTTP",
        ),
        (b"HTTP/1.1 200", "its answer breaks off or is no HTTP"),
        (b"", "its answer breaks off or is no HTTP"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes).await;
            }
        });
        let system = System::at(&[("ops", url)], true).await;
        let delivery = failed(&system).await;
        let said = delivery["last_error"].as_str().unwrap();
        assert!(
            said == error || said.starts_with("it cannot be reached"),
            "{said}"
        );
        assert_eq!(delivery["state"], "failed");
    }
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_given_up_after_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut streams = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            streams.push(stream);
            sleep(Duration::from_millis(1)).await;
        }
    });
    let system = System::at(&[("ops", url)], true).await;
    let started = std::time::Instant::now();
    let delivery = failed(&system).await;
    assert_eq!(delivery["last_error"], "it did not answer in time");
    assert!(started.elapsed().as_secs() >= 10);
}

#[tokio::test]
async fn nothing_goes_to_an_address_that_is_not_public() {
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    let names = Names(vec![
        ("inside.example.com", "10.0.0.1".parse().unwrap()),
        ("loopback.example.com", "127.0.0.1".parse().unwrap()),
        ("metadata.example.com", "169.254.169.254".parse().unwrap()),
    ]);
    let private = "its address is not public; ALERT_ALLOW_PRIVATE=true allows that";
    let metadata = "its address is one where clouds keep credentials";
    for (host, allowed, error) in [
        ("inside.example.com", false, private),
        ("loopback.example.com", false, private),
        ("127.0.0.1", false, private),
        ("[::ffff:127.0.0.1]", false, private),
        ("2130706433", false, private),
        ("169.254.169.254", true, metadata),
        ("metadata.example.com", true, metadata),
    ] {
        let url = format!("http://{host}:{port}/");
        let system = System::at(&[("ops", url)], allowed)
            .await
            .named(names.clone());
        let delivery = failed(&system).await;
        assert_eq!(delivery["last_error"], error, "{host}");
        assert!(receiver.received().is_empty(), "{host}");
    }
    let url = format!("http://loopback.example.com:{port}/");
    let system = System::at(&[("ops", url)], true).await.named(names);
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_tried_again() {
    let system = System::at(&[("ops", "http://nowhere.example.com/".to_owned())], true).await;
    let delivery = failed(&system).await;
    let error = delivery["last_error"].as_str().unwrap();
    assert!(error.starts_with("it cannot be reached"), "{error}");
    assert!(!error.contains("example"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_nobody_is_refused_and_its_name_not_shown() {
    let name = "hooks.example.com";
    let own = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut session = rustls::ServerConnection::new(Arc::new(config.clone())).unwrap();
            // The client ends it.
            let _ = session.complete_io(&mut stream.unwrap());
        }
    });
    let names = Names(vec![(name, "127.0.0.1".parse().unwrap())]);
    let url = format!("https://{name}:{port}/");
    let system = System::at(&[("ops", url)], true).await.named(names);
    let delivery = failed(&system).await;
    let error = delivery["last_error"].as_str().unwrap();
    assert!(error.starts_with("its certificate is refused"), "{error}");
    assert!(!error.contains("example"), "{error}");
}

/// So many alerts fire, and the receiver of this name knows of none.
async fn crowd(system: &System, receiver: &str, alerts: usize) {
    let fingerprints = || (0..alerts).map(|number| format!("{number:016x}"));
    let mut query = QueryBuilder::new(
        "INSERT INTO alert (fingerprint, alertname, sla, objective, series_id, state, frozen, since, as_of, labels, annotations) ",
    );
    query.push_values(fingerprints(), |mut row, fingerprint| {
        row.push_bind(fingerprint).push(
            "'SlacastViolation', '', '', '', 'firing', 0, '2026-01-01', '2026-01-01', '{}', '{}'",
        );
    });
    query.build().execute(system.database.pool()).await.unwrap();
    let mut query = QueryBuilder::new(
        "INSERT INTO outbox (receiver, fingerprint, kind, message, body, state, created_at, attempts, next_attempt) ",
    );
    query.push_values(fingerprints(), |mut row, fingerprint| {
        row.push_bind(receiver.to_owned())
            .push_bind(fingerprint.clone())
            .push("'firing'")
            .push_bind(fingerprint)
            .push("'', 'waiting', '2026-01-01', 0, '2026-01-01'");
    });
    query.build().execute(system.database.pool()).await.unwrap();
}

#[tokio::test]
async fn what_an_alertmanager_refuses_keeps_nothing_else_from_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let router = Router::new().fallback(move |_: String| {
        let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            match is_first {
                true => StatusCode::BAD_REQUEST,
                false => StatusCode::OK,
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let system = System::at(&[], true).await;
    let system = system.set("ALERTMANAGER_URLS", &format!("http://{name}"));
    crowd(&system, &name, 600).await;
    let outcomes = async || {
        let counts = sqlx::query_as(
            "SELECT CAST(SUM(state = 'delivered') AS SIGNED), \
             CAST(SUM(state = 'waiting' AND last_error = 'it answered 400') AS SIGNED) FROM outbox",
        );
        let counts: (i64, Option<i64>) = counts.fetch_one(system.database.pool()).await.unwrap();
        (counts.0, counts.1.unwrap_or_default())
    };
    system.tick().await;
    assert_eq!(outcomes().await, (100, 500));
    system.tick().await;
    assert_eq!(outcomes().await, (600, 0));
}
