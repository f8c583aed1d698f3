use std::process::ExitCode;

use anyhow::{Context, Result};
use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};

use super::running;
use crate::{
    control::FUNCTIONS_PATH, data::DataDirectory, output, process::recorded_pid, state::State,
};

/// Reports what runs, and where.
///
/// # Errors
/// When nothing runs.
pub(crate) async fn status(data: &DataDirectory, as_json: bool) -> Result<ExitCode> {
    let mut state = running(data)?;
    for server in &mut state.servers {
        // A server that died has another id by now.
        if server.pid.is_some() {
            server.pid = recorded_pid(&data.run(), &server.name);
        }
    }
    let functions = functions(&state).await?;
    let bytes_per_day = bytes_per_day(&state).await;
    if as_json {
        let document = json!({
            "http": state.http,
            "database_url": state.database_url,
            "kafka_brokers": state.kafka_brokers,
            "kafka_topic": state.kafka_topic,
            "prometheus_url": state.prometheus_url,
            "data": data.root(),
            "servers": state.servers,
            "functions": functions,
            "bytes_per_day": bytes_per_day,
        });
        output::line(&format!("{document:#}"))?;
    } else {
        output::line(&for_people(&state, &functions, bytes_per_day))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What `up` answers of its functions. `cargo lambda watch` reports nothing of them: their names are all that is known.
async fn functions(state: &State) -> Result<Value> {
    let url = format!("{}{FUNCTIONS_PATH}", state.control);
    let asked = http_client::direct().build()?.get(url).send().await;
    let answer = asked.context("`up` does not answer")?;
    let told: Vec<Value> = answer.json().await.context("`up` answers nonsense")?;
    Ok(if told.is_empty() {
        state.functions.iter().map(|name| unknown(name)).collect()
    } else {
        told.into()
    })
}

fn unknown(name: &str) -> Value {
    json!({ "name": name, "pids": [], "invocations": null, "errors": null })
}

/// What the newest run took in the database, times the runs of a day; `None` before the first run or without a database.
async fn bytes_per_day(state: &State) -> Option<u64> {
    let store = store::connect(&state.database_url).ok()?;
    let bytes = store.newest_run_bytes().await.ok()??;
    Some(bytes * 86_400 / state.every_seconds.max(1))
}

fn for_people(state: &State, functions: &Value, bytes_per_day: Option<u64>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let shown = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    table.add_row(["routes".to_owned(), state.http.clone()]);
    for server in &state.servers {
        table.add_row([
            server.name.clone(),
            shown(server.port.map(|port| format!("port {port}"))),
            shown(server.pid.map(|pid| format!("process {pid}"))),
            shown(server.version.clone()),
            server.source.clone(),
        ]);
    }
    for function in functions.as_array().into_iter().flatten() {
        let count = |name: &str| shown(function[name].as_u64().map(|count| count.to_string()));
        table.add_row([
            function["name"].as_str().unwrap_or_default().to_owned(),
            format!("{} invocations", count("invocations")),
            format!("{} errors", count("errors")),
            format!("processes {}", function["pids"]),
        ]);
    }
    if let Some(bytes) = bytes_per_day {
        table.add_row([
            "database".to_owned(),
            format!("{:.1} MB a day", bytes as f64 / 1e6),
        ]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_function_is_a_dash() {
        let text = for_people(&State::of_process(1), &json!([unknown("etl")]), None);
        assert!(text.contains("– invocations"), "{text}");
    }
}
