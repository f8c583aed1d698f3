//! The hosts of the functions: our own, and `cargo lambda watch`.

use std::{collections::BTreeMap, env, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result};
use lambda_host::{FunctionSpec, Host, HostSpec, Route};

use crate::{
    api::Api,
    command::on_path,
    compile::Programs,
    data::DataDirectory,
    functions,
    process::{Launch, Supervised},
    progress::Progress,
    template::Template,
};

/// How many instances of a function run at once; of one that splits its work, how many of them may do so.
const INSTANCES: usize = 8;
/// The most that etl takes.
const MOST_SHARDS: usize = 32;
/// `cargo lambda watch` builds a function when it is first asked for.
const FIRST_BUILD: Duration = Duration::from_secs(30 * 60);

/// The host of built functions.
pub(super) async fn built(
    address: SocketAddr,
    template: &Template,
    mut programs: Programs,
    environment: &BTreeMap<String, String>,
    data: &DataDirectory,
) -> Result<Host> {
    let functions = template
        .functions
        .iter()
        .map(|function| {
            let program = programs
                .remove(&function.name)
                .with_context(|| format!("there is no program for {}", function.name))?;
            Ok(FunctionSpec {
                name: function.name.clone(),
                program,
                environment: functions::of_function(environment, &function.name),
                timeout: function.timeout,
                max_instances: instances(template, &function.name, environment),
                memory_mb: function.memory_mb,
                log: data.log(&function.name),
            })
        })
        .collect::<Result<_>>()?;
    let routes = template
        .routes
        .iter()
        .map(|route| Route {
            method: None,
            path: route.path.clone(),
            function: route.function.clone(),
        })
        .collect();
    Ok(Host::start(address, HostSpec::new(functions, routes)).await?)
}

/// The function that runs the ETL may invoke itself, and waits meanwhile: beside each run there is room for all its shards.
fn instances(template: &Template, function: &str, environment: &BTreeMap<String, String>) -> usize {
    let shards = environment
        .get("SHARDS")
        .filter(|_| template.runner() == Some(function))
        .and_then(|shards| shards.trim().parse().ok())
        .unwrap_or(1_usize);
    match shards.min(MOST_SHARDS) {
        0 | 1 => INSTANCES,
        shards => INSTANCES * (1 + shards),
    }
}

/// The host for working by hand.
pub(super) fn watching(
    address: SocketAddr,
    environment: &Path,
    data: &DataDirectory,
    root: &Path,
) -> Result<Launch> {
    let program = on_path(&["cargo-lambda"]).context(
        "cargo-lambda is not on PATH; `pip install cargo-lambda` brings it, or leave --watch out",
    )?;
    let mut arguments: Vec<std::ffi::OsString> = [
        "lambda",
        "watch",
        "-A",
        &address.ip().to_string(),
        "-P",
        &address.port().to_string(),
        "--env-file",
    ]
    .map(Into::into)
    .to_vec();
    arguments.push(environment.into());
    arguments.push("--manifest-path".into());
    arguments.push(root.join("Cargo.toml").into());
    Ok(Launch {
        name: "watch",
        program,
        arguments,
        environment: vec![("NO_PROXY", no_proxy().into())],
        log: data.log("watch"),
        run: data.run(),
    })
}

/// The functions of `cargo lambda watch` have its environment, and ask servers of this machine.
fn no_proxy() -> String {
    let given = env::var("NO_PROXY").or_else(|_| env::var("no_proxy"));
    let given = given.unwrap_or_default();
    format!("127.0.0.1,localhost,{given}")
}

/// Starts it and waits until it has built what it is first asked for.
pub(super) async fn built_by_watch(
    launch: Launch,
    http: &str,
    progress: &Progress,
) -> Result<Supervised> {
    let step = progress.step("cargo lambda watch");
    step.at("building the first function");
    let api = Api::new(http)?;
    let process = launch.start()?;
    let (process, ()) = process
        .ready(FIRST_BUILD, async || api.answers("/health").await)
        .await?;
    step.done("answers");
    Ok(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_parts_finds_room_for_its_parts() {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
        let template = Template::read(Path::new(template)).unwrap();
        let of = |function: &str, shards: &str| {
            let environment = [("SHARDS".to_owned(), shards.to_owned())].into();
            instances(&template, function, &environment)
        };
        assert_eq!(of("etl", "1"), INSTANCES);
        assert_eq!(of("etl", "4"), 5 * INSTANCES);
        assert_eq!(of("storage", "4"), INSTANCES);
        assert_eq!(of("alerting", "4"), INSTANCES);
        assert_eq!(of("etl", "many"), INSTANCES);
    }
}
