//! The functions: built, and given the addresses of everything.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{
    compile::{PROFILE, Programs, cargo, compile},
    data::DataDirectory,
    demo::demo_metrics,
    files,
    progress::Progress,
    servers::Servers,
    template::Template,
};

/// Variables of the functions that are handed on as they are, if they are set.
const HANDED_ON: [&str; 39] = [
    "ALLOW_QUERIES",
    "DATABASE_CA_FILE",
    "DATABASE_CA_PEM",
    "JUDGED_PAIRS",
    "KAFKA_COMPRESSION",
    "KAFKA_ENCODING",
    "MOST_COUNTERS",
    "MOST_GROUPS",
    "MOST_GROUPS_OF_OBJECTIVE",
    "MOST_QUERIES",
    "SETTLE",
    "SHARDS",
    "RUN_RETENTION",
    "RETENTION_DAYS",
    "HISTORY",
    "RUST_LOG",
    "API_TOKENS",
    "PROMETHEUS_AUTH",
    "PROMETHEUS_TOKEN",
    "PROMETHEUS_USERNAME",
    "PROMETHEUS_PASSWORD",
    "PROMETHEUS_HEADERS",
    "PROMETHEUS_CA_FILE",
    "PROMETHEUS_CA_PEM",
    "ALERTMANAGER_URLS",
    "ALERTMANAGER_AUTH",
    "ALERTMANAGER_TOKEN",
    "ALERTMANAGER_USERNAME",
    "ALERTMANAGER_PASSWORD",
    "ALERT_WEBHOOKS",
    "ALERT_WEBHOOK_SECRET",
    "ALERT_SNS_TOPIC_ARN",
    "ALERT_ALLOW_PRIVATE",
    "ALERT_HOLD",
    "PUBLIC_URL",
    "AWS_ENDPOINT_URL_SNS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RUST_BACKTRACE",
];

/// The same for a Kafka that is not ours: our own asks nobody who they are.
const HANDED_ON_OF_KAFKA: [&str; 6] = [
    "KAFKA_AUTH",
    "KAFKA_USERNAME",
    "KAFKA_PASSWORD",
    "KAFKA_TLS",
    "KAFKA_CA_FILE",
    "KAFKA_CA_PEM",
];

/// Where the programs of the functions are, if they were built before: `cargo local test` says so to the tests.
pub(crate) const PROGRAMS_VARIABLE: &str = "LOCAL_PROGRAMS";

/// Builds the functions of the template, unless they were built before.
///
/// # Errors
/// When they do not compile, or there is neither cargo nor an earlier build beside this program.
pub(crate) async fn build(
    root: &Path,
    template: &Template,
    progress: &Progress,
) -> Result<Programs> {
    let names: Vec<&str> = template.functions.iter().map(|f| f.name.as_str()).collect();
    if let Some(directory) = env::var_os(PROGRAMS_VARIABLE) {
        return built_before(Path::new(&directory), &names);
    }
    let Some(cargo) = cargo() else {
        let own = env::current_exe().context("finding this program")?;
        let directory = own.parent().unwrap_or(Path::new("."));
        return built_before(directory, &names).context("cargo is not on PATH");
    };
    let step = progress.step("functions");
    let mut command = Command::new(cargo);
    // This program among them: then cargo gives what they share the features that it has been compiled with already.
    let packages = names.iter().copied().chain([env!("CARGO_PKG_NAME")]);
    command
        .args(["build", "--profile", PROFILE])
        .args(packages.flat_map(|name| ["--package", name]))
        .current_dir(root);
    let programs = compile(&mut command, &step).await?;
    if let Some(name) = names.iter().find(|name| !programs.contains_key(**name)) {
        bail!("cargo built no program `{name}`");
    }
    step.done(&names.join(", "));
    Ok(programs)
}

/// Builds the functions as `cargo lambda watch` does, one by one, so that it has nothing left to build when it is first
/// asked for one.
///
/// # Errors
/// When they do not compile or there is no cargo.
pub(crate) async fn build_for_watch(
    root: &Path,
    template: &Template,
    progress: &Progress,
) -> Result<()> {
    let cargo = cargo().context("cargo is not on PATH")?;
    for function in &template.functions {
        let step = progress.step(&function.name);
        let mut command = Command::new(&cargo);
        command
            .args(["build", "--bin", &function.name])
            .current_dir(root);
        compile(&mut command, &step).await?;
        step.done("built");
    }
    Ok(())
}

/// The variables of the functions.
///
/// # Errors
/// When the file of metrics is not there.
pub(crate) fn environment(
    root: &Path,
    data: &DataDirectory,
    template: &Template,
    servers: &Servers,
    http: &str,
    every: Duration,
) -> Result<BTreeMap<String, String>> {
    let given = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let metrics = match given("METRICS_FILE") {
        Some(path) => PathBuf::from(path),
        None if servers.demo_began.is_some() => metrics_of_demo(root, data)?,
        None => root.join("metrics.toml"),
    };
    let metrics = metrics
        .canonicalize()
        .with_context(|| format!("METRICS_FILE: {} cannot be read", metrics.display()))?;
    let of_kafka = (!servers.own_kafka).then_some(HANDED_ON_OF_KAFKA);
    let mut environment: BTreeMap<String, String> = HANDED_ON
        .iter()
        .chain(of_kafka.iter().flatten())
        .filter_map(|name| Some(((*name).to_owned(), given(name)?)))
        .collect();
    for (name, value) in [
        ("DATABASE_URL", servers.database_url.clone()),
        ("KAFKA_BROKERS", servers.kafka_brokers.clone()),
        ("KAFKA_TOPIC", topic(template)),
        ("PROMETHEUS_URL", servers.prometheus_url.clone()),
        ("METRICS_FILE", metrics.display().to_string()),
        ("ETL_URL", format!("{http}/ETL")),
        ("SCHEDULE_INTERVAL", domain::duration::format(every)),
        // The host is etl's way to itself, and storage's to alerting; it asks nobody who they are.
        ("AWS_ENDPOINT_URL_LAMBDA", http.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("ALERTING_FUNCTION", "alerting".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        // Loopback alone; tokens win if there are any.
        ("ALLOW_ANONYMOUS", "true".to_owned()),
        ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true".to_owned()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    if let Some(url) = &servers.alertmanager_url {
        environment.insert("ALERTMANAGER_URLS".to_owned(), url.clone());
    }
    let mut or_else = |name: &str, value: &str| {
        let name = name.to_owned();
        environment.entry(name).or_insert_with(|| value.to_owned());
    };
    // Receivers on this machine are what one tries out first.
    or_else("ALERT_ALLOW_PRIVATE", "true");
    or_else("PUBLIC_URL", http);
    Ok(environment)
}

/// The repository's metrics as the demo reads them, in the data directory.
fn metrics_of_demo(root: &Path, data: &DataDirectory) -> Result<PathBuf> {
    let shipped = root.join("metrics.toml");
    let text = fs::read_to_string(&shipped)
        .with_context(|| format!("{} cannot be read", shipped.display()))?;
    let path = data.path("metrics.toml");
    files::write(&path, &demo_metrics(&text))?;
    Ok(path)
}

/// Variables that some functions alone read, by the beginning of their names, the first that fits: what logs in somewhere is
/// nobody else's.
const OF_SOME_FUNCTIONS: [(&str, &[&str]); 17] = [
    ("PROMETHEUS_", &["etl"]),
    ("KAFKA_", &["etl"]),
    ("METRICS_FILE", &["etl"]),
    ("SETTLE", &["etl", "sla"]),
    ("SHARDS", &["etl"]),
    ("AWS_ENDPOINT_URL_LAMBDA", &["etl", "storage"]),
    ("AWS_ENDPOINT_URL_SNS", &["alerting"]),
    ("AWS_REGION", &["etl", "storage", "alerting"]),
    ("AWS_ACCESS_KEY_ID", &["etl", "storage", "alerting"]),
    ("AWS_SECRET_ACCESS_KEY", &["etl", "storage", "alerting"]),
    ("ETL_URL", &["sla"]),
    ("RUN_RETENTION", &["storage"]),
    ("RETENTION_DAYS", &["storage", "alerting"]),
    ("HISTORY", &["etl", "storage"]),
    ("ALERTING_FUNCTION", &["storage"]),
    ("ALERT", &["alerting"]),
    ("PUBLIC_URL", &["alerting"]),
];

/// Those of all variables that a function gets.
pub(crate) fn of_function(
    environment: &BTreeMap<String, String>,
    function: &str,
) -> BTreeMap<String, String> {
    let is_of_another = |name: &str| {
        let mut own = OF_SOME_FUNCTIONS.iter();
        own.find(|(beginning, _)| name.starts_with(beginning))
            .is_some_and(|(_, readers)| !readers.contains(&function))
            || (function == "storage" && name.starts_with("API_TOKENS"))
    };
    environment
        .iter()
        .filter(|(name, _)| !is_of_another(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The topic: `KAFKA_TOPIC`, else the template's.
pub(crate) fn topic(template: &Template) -> String {
    let given = env::var("KAFKA_TOPIC")
        .ok()
        .filter(|topic| !topic.is_empty());
    let of_trigger = || template.kafka_triggers.first().map(|t| t.topic.clone());
    given.or_else(of_trigger).unwrap_or_default()
}

/// The lines of an environment file.
pub(crate) fn environment_file(environment: &BTreeMap<String, String>) -> String {
    environment
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}={value}");
            text
        })
}

/// The programs in a directory.
fn built_before(directory: &Path, names: &[&str]) -> Result<Programs> {
    let programs: Programs = names
        .iter()
        .map(|name| ((*name).to_owned(), directory.join(name)))
        .collect();
    match programs.values().find(|program| !program.exists()) {
        Some(program) => bail!("{} was not built", program.display()),
        None => Ok(programs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_of_the_documentation_reaches_the_functions() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let text = fs::read_to_string(file).unwrap();
        let of_rows = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let is_variable = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        // Those that `environment` sets, and what only a stack in AWS has.
        let others = [
            "ALLOW_ANONYMOUS",
            "ALERTING_FUNCTION",
            "DATABASE_URL",
            "ETL_URL",
            "ETL_FUNCTION",
            "KAFKA_BROKERS",
            "KAFKA_TOPIC",
            "KAFKA_CLUSTER_ARN",
            "METRICS_FILE",
            "PROMETHEUS_URL",
            "SCHEDULE_INTERVAL",
        ];
        let reaches = |name: &str| {
            let known = HANDED_ON.iter().chain(&HANDED_ON_OF_KAFKA).chain(&others);
            known.into_iter().any(|known| *known == name)
                || name.ends_with("_SECRET_ARN")
                || name.starts_with("AWS_")
        };
        let missing: Vec<&str> = of_rows
            .filter(is_variable)
            .filter(|name| !reaches(name))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_login_is_the_variable_of_the_function_that_logs_in() {
        let all: BTreeMap<String, String> = [
            "DATABASE_URL",
            "PROMETHEUS_URL",
            "PROMETHEUS_PASSWORD",
            "KAFKA_PASSWORD",
            "ETL_URL",
            "ALERT_WEBHOOKS",
            "ALERTING_FUNCTION",
            "RETENTION_DAYS",
            "API_TOKENS",
            "RUST_LOG",
            "SETTLE",
        ]
        .map(|name| (name.to_owned(), "x".to_owned()))
        .into();
        for (function, expected) in [
            (
                "etl",
                "API_TOKENS DATABASE_URL KAFKA_PASSWORD PROMETHEUS_PASSWORD PROMETHEUS_URL RUST_LOG SETTLE",
            ),
            (
                "storage",
                "ALERTING_FUNCTION DATABASE_URL RETENTION_DAYS RUST_LOG",
            ),
            (
                "alerting",
                "ALERT_WEBHOOKS API_TOKENS DATABASE_URL RETENTION_DAYS RUST_LOG",
            ),
            ("retrieval", "API_TOKENS DATABASE_URL RUST_LOG"),
            ("sla", "API_TOKENS DATABASE_URL ETL_URL RUST_LOG SETTLE"),
        ] {
            let names: Vec<_> = of_function(&all, function).into_keys().collect();
            assert_eq!(names.join(" "), expected);
        }
    }
}
