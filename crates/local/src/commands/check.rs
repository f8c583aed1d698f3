use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::Utc;
use comfy_table::{Table, presets::NOTHING};
use config::{Environment, PrometheusConfig, settle};
use domain::duration;
use prometheus::{Examined, Metric, Prometheus, Server, metrics_file};

use serde_json::Value;

use crate::{data::DataDirectory, output};

const VARIABLE: &str = "PROMETHEUS_URL";

/// Asks a Prometheus what it is, which ways of reading it work, and what each metric of the metrics file would give. A
/// failure if one of them gives nothing.
///
/// # Errors
/// When it is not known which Prometheus, or the metrics file cannot be used.
pub(crate) async fn check(
    data: &DataDirectory,
    root: &Path,
    url: Option<&str>,
) -> Result<ExitCode> {
    let environment = environment(data, url)?;
    let config = PrometheusConfig::read(&environment)?;
    let settle = settle(&environment)?;
    let prometheus = Prometheus::new(&config)?;
    let path = metrics_path(&environment, root);
    let metrics = metrics_file::load(&path)?;
    let now = Utc::now().into();
    let server = prometheus.examine(now).await;
    output::line(&about_server(&server, &config))?;
    for advice in &server.advice {
        output::line(&format!("{advice}\n"))?;
    }
    if !server.ways.iter().any(|way| way.works) {
        output::line("No metric can be read until that is mended.")?;
        return Ok(ExitCode::FAILURE);
    }
    let mut examined = Vec::new();
    for metric in &metrics {
        let mut found = prometheus.examine_metric(metric, now, settle).await;
        // What holds for the whole server was said.
        found
            .warnings
            .retain(|warning| !server.ways.iter().any(|way| way.remark == *warning));
        examined.push((metric, found));
    }
    output::line(&about_metrics(&examined, &path))?;
    let good = examined.iter().filter(|(_, found)| found.is_good()).count();
    output::line(&summary(good, examined.len()))?;
    Ok(if good == examined.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why each metric that none of `series` belongs to has none, a sentence each.
///
/// # Errors
/// When the metrics file cannot be used.
pub(super) async fn why_nothing(url: &str, root: &Path, series: &[Value]) -> Result<Vec<String>> {
    let environment = Environment::of_process().with([(VARIABLE, url)]);
    let prometheus = Prometheus::new(&PrometheusConfig::read(&environment)?)?;
    let settle = settle(&environment)?;
    let mut sentences = Vec::new();
    for metric in metrics_file::load(&metrics_path(&environment, root))? {
        if series
            .iter()
            .any(|series| series["metric"] == metric.name.as_str())
        {
            continue;
        }
        let found = prometheus
            .examine_metric(&metric, Utc::now().into(), settle)
            .await;
        let error = found.error.iter().map(ToString::to_string);
        let said = error.chain(found.advice);
        sentences.extend(said.map(|said| format!("{}: {said}", metric.name)));
    }
    Ok(sentences)
}

fn metrics_path(environment: &Environment, root: &Path) -> PathBuf {
    let given = environment.get("METRICS_FILE");
    given.map_or_else(|| root.join("metrics.toml"), PathBuf::from)
}

/// The process' own, with the Prometheus that was asked for, or else that of a running `up`.
fn environment(data: &DataDirectory, url: Option<&str>) -> Result<Environment> {
    let own = Environment::of_process();
    if let Some(url) = url {
        return Ok(own.with([(VARIABLE, url)]));
    }
    if own.get(VARIABLE).is_some() {
        return Ok(own);
    }
    let running = data.holder()?.and_then(|holder| holder.state);
    let running = running.context(
        "which Prometheus? Say --prometheus URL, or set PROMETHEUS_URL, or start `cargo local up`",
    )?;
    Ok(own.with([(VARIABLE, running.prometheus_url.as_str())]))
}

fn about_server(server: &Server, config: &PrometheusConfig) -> String {
    let what = match (&server.name, &server.version) {
        _ if !server.answers => "No answer".to_owned(),
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(name), None) => format!("{name} of unknown version"),
        (None, _) => "A server that does not say what it is".to_owned(),
    };
    let mut table = indented();
    for (position, way) in server.ways.iter().enumerate() {
        let works = match (way.works, position) {
            (true, _) => "works",
            (false, 0) => "does not work",
            // The first way does for the others.
            (false, _) => "is not used",
        };
        table.add_row([way.name, works, &way.remark]);
    }
    format!("{what} at {}\n{}\n", config.url, table.trim_fmt())
}

fn summary(good: usize, of: usize) -> String {
    match good {
        0 => format!(
            "None of {of} metrics has series, and a run would have none. METRICS_FILE names another file of metrics; there are \
             ready ones for common exporters in metrics/."
        ),
        good if good == of => format!("All {of} metrics have series."),
        _ => format!(
            "{good} of {of} metrics have series, and every run reads them. For the others a run's `failures` say why there are \
             none."
        ),
    }
}

fn about_metrics(examined: &[(&Metric, Examined)], path: &Path) -> String {
    let mut table = indented();
    table.add_row(["metric", "series", "a sample each", "newest", ""]);
    let mut sentences = String::new();
    for (metric, found) in examined {
        let verdict = match &found.error {
            Some(_) => "cannot be read",
            None if found.series == 0 => "nothing",
            None if found.advice.is_empty() && found.warnings.is_empty() => "good",
            None => "see below",
        };
        table.add_row([
            metric.name.to_string(),
            found.series.to_string(),
            found.step.map_or_else(|| "–".to_owned(), rounded),
            found
                .age
                .map_or_else(|| "–".to_owned(), |age| format!("{} ago", rounded(age))),
            verdict.to_owned(),
        ]);
        let error = found.error.iter().map(ToString::to_string);
        let warnings = found.warnings.iter().cloned();
        for sentence in error.chain(found.advice.iter().cloned()).chain(warnings) {
            sentences += &format!("{}: {sentence}\n", metric.name);
        }
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let text = format!(
        "{file}, what it finds in the last hour\n{}\n",
        table.trim_fmt()
    );
    if sentences.is_empty() {
        text
    } else {
        format!("{text}\n{sentences}")
    }
}

fn rounded(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    duration::format(Duration::from_secs(time.as_secs()))
}

fn indented() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

#[cfg(test)]
mod tests {
    use prometheus::Way;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_below_the_table() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text =
            "[[metric]]\nname = \"a\"\nquery = \"a\"\n[[metric]]\nname = \"b\"\nquery = \"b\"\n";
        std::fs::write(file.path(), text).unwrap();
        let metrics = metrics_file::load(file.path()).unwrap();
        let good = Examined {
            series: 2,
            step: Some(Duration::from_secs(15)),
            age: Some(Duration::from_millis(900)),
            ..Examined::default()
        };
        let nothing = Examined {
            advice: vec!["nothing is stored under b".to_owned()],
            ..Examined::default()
        };
        let examined = [(&metrics[0], good), (&metrics[1], nothing)];
        let text = about_metrics(&examined, Path::new("some/metrics.toml"));
        let lines: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[2], ["a", "2", "15s", "900", "ms", "ago", "good"]);
        assert_eq!(lines[3], ["b", "0", "–", "–", "nothing"]);
        assert!(text.ends_with("\nb: nothing is stored under b\n"), "{text}");
    }

    #[test]
    fn the_last_line_says_what_a_run_would_have() {
        for (good, of, said) in [
            (0, 5, "None of 5 metrics has series"),
            (2, 5, "2 of 5 metrics have series"),
            (5, 5, "All 5 metrics have series."),
        ] {
            assert!(summary(good, of).starts_with(said));
        }
    }

    #[test]
    fn a_server_is_shown_without_its_login() {
        let variables = [(VARIABLE, "http://me:hunter2@127.0.0.1:9090")];
        let config = PrometheusConfig::read(&Environment::from_iter(variables)).unwrap();
        let server = Server {
            name: Some("Prometheus".to_owned()),
            version: Some("3.1.0".to_owned()),
            answers: true,
            advice: Vec::new(),
            ways: vec![Way {
                name: "query API",
                works: false,
                remark: "no org id".to_owned(),
            }],
        };
        let text = about_server(&server, &config);
        assert!(text.starts_with("Prometheus 3.1.0 at http://127.0.0.1:9090/"));
        assert!(
            text.contains("no org id") && !text.contains("hunter2"),
            "{text}"
        );
        for (name, answers, heading) in [
            (
                Some("VictoriaMetrics"),
                true,
                "VictoriaMetrics of unknown version at http",
            ),
            (None, true, "A server that does not say what it is at http"),
            (None, false, "No answer at http"),
        ] {
            let server = Server {
                name: name.map(str::to_owned),
                version: None,
                answers,
                ..server.clone()
            };
            let text = about_server(&server, &config);
            assert!(text.starts_with(heading), "{text}");
        }
    }
}
