use std::{env, fmt::Display, process, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::json;

/// How long Lambda may take to note why a function does not start.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a function is made of; where it cannot be made, the end of the process.
///
/// The reason goes into the log, once, and to Lambda, which answers whoever invokes the function with it. Of a process
/// that just ends Lambda reports no more than `Runtime.ExitError`.
pub async fn started<T, E: Display>(function: impl Future<Output = Result<T, E>>) -> T {
    let error = match function.await {
        Ok(function) => return function,
        Err(error) => error,
    };
    let reason = format!("{error:#}");
    tracing::error!("{reason}");
    if let Ok(api) = env::var("AWS_LAMBDA_RUNTIME_API") {
        match tokio::time::timeout(PATIENCE, report(&api, &reason)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error, "Lambda does not note why"),
            Err(_) => tracing::warn!("Lambda does not note why in time"),
        }
    }
    process::exit(1)
}

/// Reports to the Runtime API at `api` why there is no function.
async fn report(api: &str, reason: &str) -> Result<(), Box<dyn std::error::Error>> {
    let scheme = if api.contains("://") { "" } else { "http://" };
    let document = json!({
        "errorType": "Configuration", "errorMessage": reason, "stackTrace": []
    });
    let request = Request::post(format!("{scheme}{api}/2018-06-01/runtime/init/error"))
        .header("content-type", "application/json")
        .header("lambda-runtime-function-error-type", "Configuration")
        .body(Full::new(Bytes::from(document.to_string())))?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    match client.request(request).await?.status() {
        StatusCode::ACCEPTED => Ok(()),
        status => Err(status.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn lambda_is_told_why_a_function_does_not_start() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // As Lambda has it, without a scheme.
        let api = listener.local_addr().unwrap().to_string();
        let reason = "DATABASE_URL: is not set";
        let told = tokio::spawn(async move { report(&api, reason).await.is_ok() });
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.contains(reason) {
            let mut piece = [0; 4096];
            let length = connection.read(&mut piece).await.unwrap();
            assert!(length > 0, "{request}");
            request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        assert!(
            request.starts_with("POST /2018-06-01/runtime/init/error "),
            "{request}"
        );
        let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        connection.write_all(answer).await.unwrap();
        assert!(told.await.unwrap());
    }
}
