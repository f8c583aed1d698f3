//! A function that does as the event says, for the tests.

use std::{collections::BTreeMap, env, fs::OpenOptions, process, time::Duration};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    match env::var("START").as_deref() {
        Ok("exit") => {
            eprintln!("starting\nError: there is no database");
            process::exit(7);
        }
        Ok("error") => {
            let api = env::var("AWS_LAMBDA_RUNTIME_API")?;
            let url = format!("{api}/2018-06-01/runtime/init/error");
            let document = json!({"errorType": "Setup", "errorMessage": "no database"});
            http_client::builder()
                .build()?
                .post(url)
                .json(&document)
                .send()
                .await?;
            process::exit(1);
        }
        Ok("hang") => std::future::pending::<()>().await,
        Ok(marker)
            if OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(marker)
                .is_ok() =>
        {
            eprintln!("the first start fails");
            process::exit(1);
        }
        _ => {}
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let context = event.context;
    let argument = event.payload["argument"].clone();
    match event.payload["do"].as_str() {
        Some("exit") => process::exit(3),
        Some("fail") => Err("as it was told".into()),
        Some("panic") => panic!("as it was told"),
        Some("sleep") => {
            tokio::time::sleep(Duration::from_millis(argument.as_u64().unwrap_or(0))).await;
            Ok(argument)
        }
        Some("large") => {
            let length = usize::try_from(argument.as_u64().unwrap_or(0))?;
            Ok(Value::String("x".repeat(length)))
        }
        Some("environment") => Ok(json!(env::vars().collect::<BTreeMap<_, _>>())),
        Some("context") => Ok(json!({
            "request_id": context.request_id,
            "left_ms": context.deadline().duration_since(std::time::SystemTime::now())?.as_millis(),
            "arn": context.invoked_function_arn,
        })),
        Some("start_child") => {
            let child = process::Command::new("sleep").arg("600").spawn()?;
            Ok(json!(child.id()))
        }
        // Fails as often as the file named by the argument has not been grown to three lines yet.
        Some("third_time") => {
            use std::io::Write;
            let path = argument.as_str().unwrap_or_default();
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            writeln!(file, "{}", context.request_id)?;
            match std::fs::read_to_string(path)?.lines().count() {
                3 => Ok(Value::Null),
                _ => Err("not yet".into()),
            }
        }
        _ => Ok(json!({"pid": process::id(), "event": event.payload})),
    }
}
