//! The same on every server that can be had: `PROMETHEUS_URL`, `VICTORIAMETRICS_URL`, and a newer Prometheus where
//! `PROMETHEUS3_URL` names one. They take pushed samples.

use std::time::Duration;

use config::PrometheusConfig;
use domain::{Labels, Span, Timestamp};
use prometheus::{
    Prometheus,
    testing::{PushedSample, PushedSeries, push},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{agreement::read, environment, metric};

/// How far behind the clock runs look.
const SETTLE: Duration = Duration::from_secs(5);

/// Name and address of each server.
fn servers() -> Vec<(&'static str, String)> {
    let environment = environment();
    let mut servers = vec![
        (
            "Prometheus",
            environment.required("PROMETHEUS_URL").unwrap().to_owned(),
        ),
        (
            "VictoriaMetrics",
            environment
                .required("VICTORIAMETRICS_URL")
                .unwrap()
                .to_owned(),
        ),
    ];
    let newer = environment.get("PROMETHEUS3_URL");
    servers.extend(newer.map(|url| ("Prometheus", url.to_owned())));
    servers
}

fn client(url: &str) -> Prometheus {
    let environment = environment().with([("PROMETHEUS_URL", url)]);
    Prometheus::new(&PrometheusConfig::read(&environment).unwrap()).unwrap()
}

/// Samples of five minutes, each 15 s, from a moment on that every server takes.
fn samples(from: Timestamp, of: f64) -> Vec<PushedSample> {
    let samples = (0..20).map(|k| PushedSample {
        value: of + f64::from(k % 7),
        milliseconds: from.millis() + i64::from(k) * 15_000 + 250,
    });
    samples.collect()
}

fn range(from: Timestamp) -> Span {
    Span {
        start: from,
        end: from + Duration::from_secs(320),
    }
}

/// Hands series to a server and waits until it shows them all: it may need a moment.
async fn pushed_to(url: &str, series: &[(&str, &str, f64)], from: Timestamp) {
    let labelled = series.iter().map(|(name, job, of)| {
        PushedSeries::new(&[("__name__", name), ("job", job)], samples(from, *of))
    });
    push(url, labelled.collect()).await;
    let prometheus = client(url);
    for (name, job, _) in series {
        let selector = metric(&format!("{name}{{job={job:?}}}"));
        let is_shown = async || {
            let found = read(&prometheus, &selector, range(from)).await;
            found
                .first()
                .is_some_and(|(_, samples)| samples.len() == 20)
        };
        let mut tries = 0;
        while !is_shown().await {
            tries += 1;
            assert!(tries < 600, "{url} does not show {name}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn every_server_shows_each_sample_at_its_time_and_twice_the_same() {
    for (server, url) in servers() {
        let name = format!("level_{}", Uuid::new_v4().simple());
        let from = Timestamp::from(chrono::Utc::now()).floor_to_second();
        pushed_to(&url, &[(&name, "a", 10.0), (&name, "b", 50.0)], from).await;
        let prometheus = client(&url);
        let raw = metric(&format!("{name} # by job"));
        let found = read(&prometheus, &raw, range(from)).await;
        let expected = |of: f64| {
            let samples = samples(from, of).into_iter();
            samples
                .map(|sample| (sample.milliseconds, sample.value.to_bits()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found[0],
            (r#"{job="a"}"#.to_owned(), expected(10.0)),
            "{server}"
        );
        assert_eq!(
            found[1],
            (r#"{job="b"}"#.to_owned(), expected(50.0)),
            "{server}"
        );

        let expression = metric(&format!("sum(max_over_time({name}[1m]))"));
        let sampled = read(&prometheus, &expression, range(from)).await;
        assert!(!sampled[0].1.is_empty(), "{server}");
        assert!(sampled[0].1.iter().all(|(millis, _)| millis % 15_000 == 0));
        for metric in [&raw, &expression] {
            let [once, again] = [
                read(&prometheus, metric, range(from)).await,
                read(&client(&url), metric, range(from)).await,
            ];
            assert_eq!(once, again, "{server}");
        }
    }
}

#[tokio::test]
async fn series_that_only_their_names_tell_apart_are_ambiguous_on_every_server() {
    for (server, url) in servers() {
        let id = Uuid::new_v4().simple().to_string();
        let from = Timestamp::from(chrono::Utc::now()).floor_to_second();
        let names = [format!("one_{id}"), format!("two_{id}")];
        let [one, two] = &names;
        pushed_to(
            &url,
            &[(one, "a", 1.0), (two, "a", 1.0), (two, "b", 1.0)],
            from,
        )
        .await;
        let prometheus = client(&url);
        let family = metric(&format!(r#"{{__name__=~".+_{id}"}}"#));
        let found = read(&prometheus, &family, range(from)).await;
        assert_eq!(found.len(), 1, "{server}");
        assert_eq!(found[0].0, r#"{job="b"}"#, "{server}");
        let (found, mut arriving) = tokio::sync::mpsc::channel(8);
        let fetched = prometheus
            .fetch(&family, range(from), &found)
            .await
            .unwrap();
        drop(found);
        while arriving.recv().await.is_some() {}
        let [alike] = &fetched.ambiguous[..] else {
            panic!("{server}: {fetched:?}")
        };
        assert_eq!(alike.names, names, "{server}");
    }
}

#[tokio::test]
async fn what_a_server_is_and_what_it_lacks_is_found_out() {
    for (name, url) in servers() {
        let now = Timestamp::from(chrono::Utc::now());
        let prometheus = client(&url);
        let server = prometheus.examine(now).await;
        assert_eq!(server.name.as_deref(), Some(name));
        let ways: Vec<(&str, bool)> = server
            .ways
            .iter()
            .map(|way| (way.name, way.works))
            .collect();
        let has_remote_read = name == "Prometheus";
        assert_eq!(
            ways,
            [("query API", true), ("remote read", has_remote_read)],
            "{server:?}"
        );
        let nothing = metric("rate(no_such_metric[5m])");
        let examined = prometheus.examine_metric(&nothing, now, SETTLE).await;
        let advice = examined.advice.join(" ");
        assert!(
            advice.contains("nothing is stored under no_such_metric"),
            "{examined:?}"
        );
        let refused = prometheus
            .examine_metric(&metric("rate("), now, SETTLE)
            .await;
        assert!(
            refused.error.is_some() && !refused.advice.is_empty(),
            "{refused:?}"
        );
    }
}

/// Four clients that divide the series of a metric among them: remote read asks for a quarter each, the query API for all.
#[tokio::test]
async fn series_that_nobody_wants_are_not_read() {
    for (server, url) in servers() {
        let name = format!("level_{}", Uuid::new_v4().simple());
        let from = Timestamp::from(chrono::Utc::now()).floor_to_second();
        // What a pattern could take for something else.
        let jobs = [
            "a.b", "a|b", "a+b", "(a)", r"a\b", "a$", "[a]", "", "axb", "a",
        ];
        let series: Vec<_> = jobs.iter().map(|job| (&*name, *job, 10.0)).collect();
        pushed_to(&url, &series, from).await;
        let metric = metric(&name);
        let job_of = |labels: &Labels| labels.0.get("job").cloned().unwrap_or_default();
        for part in 0..4 {
            let own: Vec<&str> = jobs.iter().skip(part).step_by(4).copied().collect();
            let prometheus = client(&url);
            let (found, mut arriving) = mpsc::channel(100);
            let wanted = |labels: &Labels| own.contains(&&*job_of(labels));
            let fetched = prometheus
                .fetch_wanted(&metric, range(from), wanted, &found)
                .await
                .unwrap();
            drop(found);
            let mut sent = Vec::new();
            while let Some(series) = arriving.recv().await {
                assert_eq!(series.samples.len(), 20, "{server}");
                sent.push(job_of(&series.labels));
            }
            let mut left_out: Vec<String> = fetched.left_out.iter().map(job_of).collect();
            if server == "Prometheus" {
                sent.sort();
                assert_eq!(sent, sorted(own.clone()));
                left_out.sort();
                let others = jobs.iter().filter(|job| !own.contains(job));
                assert_eq!(left_out, sorted(others.copied().collect()));
            } else {
                assert_eq!((sent.len(), left_out.len()), (jobs.len(), 0), "{server}");
            }
        }
    }
}

fn sorted(mut texts: Vec<&str>) -> Vec<&str> {
    texts.sort_unstable();
    texts
}
