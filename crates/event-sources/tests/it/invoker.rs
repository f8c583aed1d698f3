//! What a caller learns of a function's error.

use axum::{Router, routing::post};
use event_sources::{InvocationType, InvokeError, Invoker};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_functions_error_is_handed_on_whole() {
    let document = format!(r#"{{"errorMessage":"{}"}}"#, "x".repeat(10_000));
    let answer = ([("x-amz-function-error", "Unhandled")], document.clone());
    let host = Router::new().fallback(post(async || answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, host).await });
    let invoker = Invoker::new(&format!("http://{address}")).unwrap();
    let kind = InvocationType::RequestResponse;
    let error = invoker.invoke("etl", kind, b"{}".to_vec()).await;
    server.abort();
    let Err(InvokeError::Function { payload, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(payload, document);
}
