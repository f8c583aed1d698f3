//! A host in a process of its own, for the tests: `test_host FUNCTION LOG` prints its URL and runs until it is killed.

use std::{collections::BTreeMap, env, future, io::Write, time::Duration};

use lambda_host::{FunctionSpec, Host, HostSpec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(program), Some(log)) = (arguments.next(), arguments.next()) else {
        return Err("test_host FUNCTION LOG".into());
    };
    let function = FunctionSpec {
        name: "function".to_owned(),
        program: program.into(),
        environment: BTreeMap::new(),
        timeout: Duration::from_secs(30),
        max_instances: 1,
        memory_mb: 128,
        log: log.into(),
    };
    let host = Host::start(
        ([127, 0, 0, 1], 0).into(),
        HostSpec::new(vec![function], Vec::new()),
    )
    .await?;
    writeln!(std::io::stdout(), "{}", host.url())?;
    future::pending().await
}
