//! A server that says what a test wants to whoever connects, for what no server says when it is asked to.

use std::net::Ipv4Addr;

use sqlx::{
    Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// How it was tried to connect to a server that sends these packets, each but the first after the client's next one, and
/// the error it came to.
pub(crate) async fn connecting(packets: &[Vec<u8>]) -> (MySqlConnectOptions, sqlx::Error) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(listener.local_addr().unwrap().port())
        .username("app")
        .password("one")
        .ssl_mode(MySqlSslMode::Disabled);
    let server = async {
        let (mut client, _) = listener.accept().await.unwrap();
        for (turn, packet) in packets.iter().enumerate() {
            if turn > 0 {
                let read = client.read(&mut [0; 1024]).await.unwrap();
                assert!(read > 0);
            }
            let mut head = u32::try_from(packet.len()).unwrap().to_le_bytes();
            head[3] = u8::try_from(2 * turn).unwrap();
            client.write_all(&head).await.unwrap();
            client.write_all(packet).await.unwrap();
        }
        client
    };
    let (connected, _client) = tokio::join!(MySqlConnection::connect_with(&options), server);
    (options, connected.unwrap_err())
}

/// The packet of an error.
pub(crate) fn error(number: u16, sentence: &str) -> Vec<u8> {
    let [low, high] = number.to_le_bytes();
    [&[0xff, low, high], &b"#HY000"[..], sentence.as_bytes()].concat()
}
