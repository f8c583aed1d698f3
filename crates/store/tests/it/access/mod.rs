//! Getting into a database: TLS, logins that change, servers that are read-only. Each test has servers of its own.

mod server;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use config::DatabaseConfig;
use sqlx::{Connection, MySqlConnection};
use store::{Role, Store, StoreError, connect, schema, testing::Documents};
use tokio::net::{TcpListener, TcpStream};

use self::server::{Certified, OwnServer, url};

async fn execute(server: &OwnServer, statement: &'static str) {
    let mut connection = MySqlConnection::connect(&server.url("admin:admin"))
        .await
        .unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}

/// Whether the store gets in; the error if it does not.
async fn gets_in(url: &str, ca: Option<&str>) -> Result<(), StoreError> {
    let config = DatabaseConfig {
        ca: ca.map(str::to_owned),
        ..DatabaseConfig::at(url)
    };
    let store = Store::open(&config, Role::Reader).unwrap();
    match store.check_schema().await {
        // There are no tables, which it could not know from outside.
        Err(StoreError::Schema(_)) => Ok(()),
        outcome => outcome,
    }
}

#[tokio::test]
async fn a_certificate_is_verified_and_a_refusal_is_one_sentence() {
    let certified = Certified::of("127.0.0.1");
    let server = OwnServer::start(Some(&certified));
    let verified = server.url("app:one") + "?ssl-mode=VERIFY_IDENTITY";
    gets_in(&verified, Some(&certified.ca)).await.unwrap();
    let error = gets_in(&verified, None).await.unwrap_err();
    assert!(!error.is_transient());
    let said = error.to_string();
    for part in [
        "its issuer is not trusted",
        "asked for 127.0.0.1, it is for 127.0.0.1",
        "issued by CN=the CA of a test",
        "DATABASE_CA_FILE",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains('\n') && !said.contains("one@"), "{said}");
    // What the URL asks for counts.
    let unverified = server.url("app:one") + "?ssl-mode=REQUIRED";
    gets_in(&unverified, None).await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_with_both_names() {
    let certified = Certified::of("db.example");
    let server = OwnServer::start(Some(&certified));
    let of_mode = |mode| server.url("app:one") + "?ssl-mode=" + mode;
    let error = gets_in(&of_mode("VERIFY_IDENTITY"), Some(&certified.ca)).await;
    let said = error.unwrap_err().to_string();
    assert!(said.contains("it is for another name"), "{said}");
    let names = "asked for 127.0.0.1, it is for db.example and was issued by CN=the CA of a test";
    assert!(said.contains(names), "{said}");
    gets_in(&of_mode("VERIFY_CA"), Some(&certified.ca))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_a_matter_of_configuration() {
    let server = OwnServer::start(None);
    let error = gets_in(&(server.url("app:one") + "?ssl-mode=REQUIRED"), None).await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::Tls(_)), "{error:?}");
    assert!(!error.is_transient());
    assert!(error.to_string().contains("has no TLS"), "{error}");
    gets_in(&server.url("app:one"), None).await.unwrap();
}

#[tokio::test]
async fn a_login_that_is_refused_is_read_again_and_not_more_often_than_every_10_s() {
    let server = OwnServer::start(None);
    schema::load(&server.url("app:one")).await.unwrap();
    let current = Arc::new(Mutex::new(server.url("app:one")));
    let reads = Arc::new(AtomicUsize::new(0));
    let store = {
        let (current, reads) = (current.clone(), reads.clone());
        connect(&server.url("app:one"))
            .unwrap()
            .renewed_by(move || {
                reads.fetch_add(1, Ordering::Relaxed);
                let url = current.lock().unwrap().clone();
                async move { Ok::<_, String>(DatabaseConfig::at(&url)) }
            })
    };
    store.check_schema().await.unwrap();
    assert_eq!(reads.load(Ordering::Relaxed), 0);

    // The server knows the new password already, the secret does not.
    execute(&server, "ALTER USER app@'%' IDENTIFIED BY 'two'").await;
    execute(&server, "KILL USER app").await;
    let mut error = store.check_schema().await.unwrap_err();
    if let StoreError::Away(_) = error {
        // The session that was killed.
        error = store.check_schema().await.unwrap_err();
    }
    assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    assert!(error.is_transient());
    // The secret is right now, and is left alone for a while.
    *current.lock().unwrap() = server.url("app:two");
    assert!(store.check_schema().await.is_err());
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    store.check_schema().await.unwrap();
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_server_that_was_made_read_only_is_left_for_the_one_that_took_its_place() {
    let (old, new) = (OwnServer::start(None), OwnServer::start(None));
    for server in [&old, &new] {
        schema::load(&server.url("app:one")).await.unwrap();
    }
    let cluster = Cluster::of(old.address()).await;
    let store = connect(&url("app:one", cluster.port)).unwrap();
    let batch =
        [Documents::about("cpuUsage", "a").metrics("2025-01-15T08:45:00Z".parse().unwrap())];
    store.store_batch(&batch, &[]).await.unwrap();

    execute(&old, "SET GLOBAL read_only = 1").await;
    *cluster.writer.lock().unwrap() = new.address();
    // While the first connection is on its way back to the pool, another one is opened.
    let mut refused = None;
    for _ in 0..10 {
        refused = store.store_batch(&batch, &[]).await.err();
        if refused.is_some() {
            break;
        }
    }
    assert!(matches!(refused, Some(StoreError::Away(_))), "{refused:?}");
    store.store_batch(&batch, &[]).await.unwrap();
    let mut connection = MySqlConnection::connect(&new.url("admin:admin"))
        .await
        .unwrap();
    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM metrics")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(stored, 3);
}

#[tokio::test]
async fn a_session_ends_soon_and_a_readers_statement_in_time() {
    let server = OwnServer::start(None);
    for (role, time) in [(Role::Reader, 10.0), (Role::Writer, 0.0)] {
        let store = Store::open(&DatabaseConfig::at(&server.url("app:one")), role).unwrap();
        // Its connection stays with the pool while the server lists it.
        let _ = store.check_schema().await;
        let (wait, longest) = store.session_limits().await.unwrap();
        assert_eq!((wait, longest), (90, time), "{role:?}");
    }
}

/// An address behind which the writer changes, as the endpoint of a cluster's is.
struct Cluster {
    port: u16,
    writer: Arc<Mutex<SocketAddr>>,
}

impl Cluster {
    async fn of(writer: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let writer = Arc::new(Mutex::new(writer));
        let current = writer.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let writer = *current.lock().unwrap();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(writer).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { port, writer }
    }
}
