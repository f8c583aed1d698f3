//! Remote read and the query API show the same series, to the last bit. What scrapes rarely have is pushed to Prometheus,
//! which has to take it (`--web.enable-remote-write-receiver`) and has external labels.

use std::time::Duration;

use config::PrometheusConfig;
use domain::{Span, Timestamp};
use prometheus::{
    FetchedSeries, Metric, Prometheus, Reading, Selector,
    testing::{PushedSample, PushedSeries, push},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{environment, metric, moment_ago};

pub(crate) type Read = Vec<(String, Vec<(i64, u64)>)>;

/// The series of a metric: labels, then times and the bits of the values. One NaN is as good as another.
pub(crate) async fn read(prometheus: &Prometheus, metric: &Metric, range: Span) -> Read {
    let (found, mut arriving) = mpsc::channel::<FetchedSeries>(4);
    let collect = async {
        let mut all = Vec::new();
        while let Some(series) = arriving.recv().await {
            let samples = series.samples.iter().map(|sample| {
                let value = if sample.value.is_nan() {
                    f64::NAN
                } else {
                    sample.value
                };
                (sample.time.millis(), value.to_bits())
            });
            all.push((series.labels.to_string(), samples.collect()));
        }
        all.sort();
        all
    };
    let fetch = async {
        let warnings = prometheus.fetch(metric, range, &found).await.unwrap();
        drop(found);
        warnings
    };
    tokio::join!(fetch, collect).1
}

/// What both ways show of a selector.
async fn both_ways(selector: &str, range: Span) -> [Read; 2] {
    let prometheus = Prometheus::new(&PrometheusConfig::read(&environment()).unwrap()).unwrap();
    let streamed = metric(selector);
    let asked = Metric {
        // Without matchers there is nothing to stream by: the query API has to do.
        reading: Reading::Raw {
            selector: Selector {
                text: streamed.query.clone(),
                matchers: Vec::new(),
            },
        },
        ..streamed.clone()
    };
    [
        read(&prometheus, &streamed, range).await,
        read(&prometheus, &asked, range).await,
    ]
}

#[tokio::test]
async fn scraped_series_agree() {
    let range = Span {
        start: moment_ago() - Duration::from_secs(12 * 3600),
        end: moment_ago(),
    };
    for selector in [
        r#"{__name__=~"node_memory_MemAvailable_bytes|node_network_.*_bytes_total",job!=""}"#,
        "node_memory_MemAvailable_bytes",
    ] {
        let [streamed, asked] = both_ways(selector, range).await;
        assert!(!streamed.is_empty());
        assert!(streamed.iter().all(|(labels, _)| !labels.contains("zone")));
        assert_eq!(streamed, asked);
    }
}

/// What Prometheus writes where a series ends.
const STALE_MARKER: u64 = 0x7ff0_0000_0000_0002;

/// A sample a second, more or less, of values that are hard to write down: 420 of them, so that they fill chunks.
fn awkward(from: Timestamp) -> Vec<PushedSample> {
    let hard = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::from_bits(STALE_MARKER),
        f64::MIN_POSITIVE / 8.0,
        f64::MAX,
        0.1 + 0.2,
        1e-300,
        9_007_199_254_740_993.0,
    ];
    (0..420)
        // A gap, and before it the end of the series.
        .filter(|k| !(150..210).contains(k))
        .map(|k: i64| {
            let jitter = (k * 7919) % 700 - 350;
            let value = match k {
                149 => f64::from_bits(STALE_MARKER),
                // A counter that starts again now and then, in between what is hard.
                k if k % 3 > 0 => ((k % 97) * 1_000_003) as f64 / 7.0,
                k => hard[(k / 3) as usize % hard.len()],
            };
            PushedSample {
                value,
                milliseconds: from.millis() + 1000 * (k + 1) + jitter,
            }
        })
        .collect()
}

#[tokio::test]
async fn jitter_gaps_resets_and_values_that_are_hard_to_write_agree() {
    let name = format!("awkward_{}", Uuid::new_v4().simple());
    // From now on: Prometheus takes nothing that is older than its newest block, and what is 10 minutes ahead.
    let from = Timestamp::from(chrono::Utc::now()).floor_to_second();
    let samples = awkward(from);
    let name_label = ("__name__", name.as_str());
    let url = environment().required("PROMETHEUS_URL").unwrap().to_owned();
    push(
        &url,
        vec![
            PushedSeries::new(&[name_label, ("job", "a")], samples.clone()),
            PushedSeries::new(
                &[name_label, ("job", "b"), ("zone", "elsewhere")],
                samples.clone(),
            ),
        ],
    )
    .await;
    let range = Span {
        start: from + Duration::from_secs(10),
        end: from + Duration::from_secs(600),
    };
    let expected = |of: &PushedSample| {
        let is_inside = of.milliseconds > range.start.millis();
        let value = if of.value.is_nan() {
            f64::NAN
        } else {
            of.value
        };
        (is_inside && of.value.to_bits() != STALE_MARKER)
            .then(|| (of.milliseconds, value.to_bits()))
    };
    let expected: Vec<_> = samples.iter().filter_map(expected).collect();
    let [streamed, asked] = both_ways(&name, range).await;
    assert_eq!(streamed.len(), 2);
    for (labels, samples) in &streamed {
        assert_eq!(samples, &expected, "{labels}");
    }
    assert_eq!(streamed, asked);

    // Beside one that has the external label itself, remote read would make two series one.
    push(
        &url,
        vec![PushedSeries::new(
            &[name_label, ("job", "a"), ("zone", "test")],
            samples,
        )],
    )
    .await;
    for selector in [name.clone(), format!(r#"{name}{{zone="test"}}"#)] {
        let [streamed, asked] = both_ways(&selector, range).await;
        assert_eq!(streamed.len(), if selector == name { 3 } else { 1 });
        assert_eq!(streamed, asked);
    }
}
