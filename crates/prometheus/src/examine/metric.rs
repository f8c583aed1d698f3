//! What a metric would give, and why it gives nothing.

use std::time::Duration;

use config::LONGEST_SETTLE;
use domain::{Span, Timestamp, duration};
use promql::NAME;
use tokio::sync::mpsc;

use crate::{
    FetchError, Fetched, FetchedSeries, Metric, Prometheus, Reading, Selected, Selector, selected,
};

/// What a metric would give.
#[derive(Debug, Default)]
pub struct Examined {
    /// How many series there were within the last hour.
    pub series: u64,
    /// The usual distance of their samples; `None` without two samples in a series.
    pub step: Option<Duration>,
    /// How old the newest sample is.
    pub age: Option<Duration>,
    /// What the server warned about.
    pub warnings: Vec<String>,
    /// Why it cannot be read.
    pub error: Option<FetchError>,
    /// What is not as it should be and what to do about it, a sentence each.
    pub advice: Vec<String>,
}

/// How far back is looked.
const LOOK_BACK: Duration = Duration::from_secs(3_600);
/// A series with a longer step has no forecast.
const HORIZON: Duration = domain::forecast::HORIZON;

impl Prometheus {
    /// Reads the last hour of a metric and says what is not as it should be, for runs that look `settle` behind the clock.
    pub async fn examine_metric(
        &self,
        metric: &Metric,
        now: Timestamp,
        settle: Duration,
    ) -> Examined {
        let (mut found, outcome) = self.last_hour(&metric.query, &metric.reading, now).await;
        match outcome {
            Ok(Fetched {
                warnings,
                ambiguous,
                ..
            }) => {
                found.warnings = warnings;
                for alike in ambiguous {
                    found.advice.push(format!(
                        "{} have the same labels {} and are left out: ask for each in a [[metric]] of its own",
                        alike.names.join(" and "),
                        alike.labels
                    ));
                }
                if found.series == 0 && found.advice.is_empty() {
                    found.advice.push(self.why_nothing(metric, now).await);
                }
            }
            Err(error) => found.error = Some(error),
        }
        if let Reading::Sampled {
            unparsed: Some(reason),
            ..
        } = &metric.reading
        {
            found.advice.push(format!(
                "the query is left to the server, because it is not understood here: {reason}"
            ));
        }
        found.judge(settle);
        found
    }

    /// Why a query has no series, in a sentence that says what to do.
    pub async fn why_nothing(&self, metric: &Metric, now: Timestamp) -> String {
        let selectors = selected(&metric.query);
        if selectors.is_empty() {
            return "the query has no series; the server understands it, so that it may be about nothing that is stored"
                .to_owned();
        }
        for selected in &selectors {
            match self.why_nothing_selected(selected, now).await {
                Ok(None) => {}
                Ok(Some(why)) => return why,
                Err(error) => return error.to_string(),
            }
        }
        if matches!(metric.reading, Reading::Raw { .. }) {
            return "series match, but none has a sample in the last hour: is their exporter still scraped?".to_owned();
        }
        "all that the query selects is stored, but the expression makes no series of it: do the labels on both sides of \
         its operators match?"
            .to_owned()
    }

    async fn why_nothing_selected(
        &self,
        selected: &Selected,
        now: Timestamp,
    ) -> Result<Option<String>, FetchError> {
        let selector = selected.selector();
        let range = last_hour(now);
        if self
            .stored_labels(&selector.text, range)
            .await?
            .series
            .is_empty()
        {
            let Some(name) = selected.name() else {
                return Ok(Some(format!("no series matches {}", selector.text)));
            };
            let by_name = Selected {
                matchers: selected
                    .matchers
                    .iter()
                    .filter(|matcher| matcher.label == NAME)
                    .cloned()
                    .collect(),
                range: None,
            };
            let others = self
                .stored_labels(&by_name.selector().text, range)
                .await?
                .series;
            return Ok(Some(match others.first() {
                None => format!(
                    "nothing is stored under {name} in the last hour: is its exporter scraped, and is that its name there?"
                ),
                Some(labels) => format!(
                    "{name} is stored, but no series of it matches {}; one has {labels}",
                    selector.text
                ),
            }));
        }
        let Some(looks_back) = selected.range else {
            return Ok(None);
        };
        let (read, outcome) = self.last_hour_of(selector, now).await;
        outcome?;
        Ok(read.step.filter(|step| *step * 2 > looks_back).map(|step| {
            let minutes = (step.as_secs() * 4).div_ceil(60).max(1);
            format!(
                "[{}] of {} holds fewer than two samples, because one comes every {}: look back [{minutes}m]",
                duration::format(looks_back),
                selected.name().unwrap_or("a selector"),
                duration::format(step)
            )
        }))
    }

    /// The last hour of a plain selector.
    pub(super) async fn last_hour_of(
        &self,
        selector: Selector,
        now: Timestamp,
    ) -> (Examined, Result<Fetched, FetchError>) {
        let query = selector.text.clone();
        self.last_hour(&query, &Reading::Raw { selector }, now)
            .await
    }

    async fn last_hour(
        &self,
        query: &str,
        reading: &Reading,
        now: Timestamp,
    ) -> (Examined, Result<Fetched, FetchError>) {
        let (found, mut arriving) = mpsc::channel::<FetchedSeries>(16);
        let fetch = async {
            let outcome = self.read(query, reading, last_hour(now), &found).await;
            drop(found);
            outcome.map(|(mut fetched, histograms)| {
                fetched.warnings.extend(histograms.warnings());
                fetched
            })
        };
        let collect = async {
            let (mut examined, mut steps, mut newest) = (Examined::default(), Vec::new(), None);
            while let Some(series) = arriving.recv().await {
                examined.series += 1;
                newest = newest.max(series.samples.last().map(|sample| sample.time));
                steps.extend(usual_distance(&series));
            }
            examined.step = median(steps).map(without_jitter);
            examined.age = newest.map(|newest| {
                let age = now.millis().saturating_sub(newest.millis());
                Duration::from_millis(u64::try_from(age).unwrap_or_default())
            });
            examined
        };
        let (outcome, examined) = tokio::join!(fetch, collect);
        (examined, outcome)
    }
}

impl Examined {
    /// Whether it can be read and has series.
    pub fn is_good(&self) -> bool {
        self.error.is_none() && self.series > 0
    }

    fn judge(&mut self, settle: Duration) {
        let (Some(step), Some(age)) = (self.step, self.age) else {
            return;
        };
        if step > HORIZON {
            self.advice.push(format!(
                "a sample comes every {} only: it has no forecast of the next 10 minutes, and no data from 5 minutes after a \
                 sample on; last_over_time(…[{}]) would keep its last value",
                rounded(step),
                rounded(step * 2)
            ));
        } else if age > step + LONGEST_SETTLE {
            self.advice.push(format!(
                "the newest sample is {} old though one comes every {}: is its exporter away?",
                rounded(age),
                rounded(step)
            ));
        } else if age > step + settle {
            // The newest sample is there after its age at the latest, the next one is not there after that less a step.
            let enough = rounded_up(age).min(LONGEST_SETTLE);
            self.advice.push(format!(
                "the newest sample is {} old though one comes every {}: its exporter is away, or its samples come {} to {} \
                 late, which SETTLE={} allows for (it is {} now)",
                rounded(age),
                rounded(step),
                rounded(age.saturating_sub(step)),
                rounded(enough),
                duration::format(enough),
                duration::format(settle),
            ));
        }
    }
}

fn rounded(time: Duration) -> String {
    duration::format(Duration::from_secs(time.as_secs()))
}

fn rounded_up(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

fn last_hour(now: Timestamp) -> Span {
    Span {
        start: now - LOOK_BACK,
        end: now,
    }
}

/// The median distance of a series' samples, milliseconds.
fn usual_distance(series: &FetchedSeries) -> Option<u64> {
    let pairs = series.samples.windows(2);
    let distances = pairs.map(|pair| pair[1].time.millis() - pair[0].time.millis());
    median(distances.filter_map(|distance| u64::try_from(distance).ok()))
}

/// In whole seconds, but for what is shorter than one.
fn without_jitter(milliseconds: u64) -> Duration {
    if milliseconds < 1_000 {
        Duration::from_millis(milliseconds)
    } else {
        Duration::from_secs((milliseconds + 500) / 1_000)
    }
}

fn median(values: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(step: u64, age: f64, settle: u64) -> Vec<String> {
        let mut examined = Examined {
            step: Some(Duration::from_secs(step)),
            age: Some(Duration::from_secs_f64(age)),
            ..Examined::default()
        };
        examined.judge(Duration::from_secs(settle));
        examined.advice
    }

    #[test]
    fn what_comes_late_or_seldom_is_said_with_what_to_do() {
        for (step, age, settle, said) in [
            (15, 10.0, 5, ""),
            (60, 64.0, 5, ""),
            // A minute late: a run that looks 55 s behind the clock would miss some.
            (
                15,
                70.2,
                5,
                "55s to 1m11s late, which SETTLE=1m11s allows for",
            ),
            (15, 70.2, 71, ""),
            (15, 22.0, 5, "7s to 22s late, which SETTLE=22s allows for"),
            (60, 655.0, 5, "SETTLE=10m "),
            (60, 700.0, 5, "is its exporter away?"),
            (1_800, 900.0, 5, "last_over_time(…[1h])"),
        ] {
            let advice = examined(step, age, settle).join(" ");
            assert!(advice.contains(said), "{advice}");
            assert_eq!(advice.is_empty(), said.is_empty(), "{advice}");
        }
    }
}
