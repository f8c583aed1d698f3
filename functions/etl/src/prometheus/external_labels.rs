//! Remote read adds the server's external labels to every series, the query API does not. A series has one identity
//! however it is read: they are taken off again.

use std::collections::{BTreeMap, HashSet};

use domain::{Labels, evaluation::Span};
use serde::Deserialize;

use super::{FetchError, Prometheus, bounded_body, seconds, unreachable};

/// The labels that remote read adds.
#[derive(Debug, Default)]
pub(super) struct ExternalLabels {
    added: BTreeMap<String, String>,
    /// The label sets as they are stored. A series may have a label of its own that looks like an external one.
    own: HashSet<Labels>,
}

impl ExternalLabels {
    /// The label set as it is stored.
    pub(super) fn strip(&self, mut labels: Labels) -> Labels {
        if self.added.is_empty() || self.own.contains(&labels) {
            return labels;
        }
        labels
            .0
            .retain(|name, value| self.added.get(name) != Some(value));
        labels
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Config {
    yaml: String,
}

#[derive(Default, Deserialize)]
struct Server {
    #[serde(default)]
    global: Global,
}

#[derive(Default, Deserialize)]
struct Global {
    #[serde(default)]
    external_labels: BTreeMap<String, String>,
}

impl Prometheus {
    /// What remote read adds to the series of `selector`; `None` where the server does not tell its configuration.
    pub(super) async fn external_labels(
        &self,
        selector: &str,
        range: Span,
    ) -> Result<Option<ExternalLabels>, FetchError> {
        let request = self.authorized(self.http.get(self.address("api/v1/status/config")));
        let response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let body = bounded_body(response).await?;
        let Ok(Answer {
            data: Config { yaml },
        }) = serde_json::from_slice(&body)
        else {
            return Ok(None);
        };
        let Ok(Server { global }) = serde_saphyr::from_str::<Server>(&yaml) else {
            return Ok(None);
        };
        let mut external = ExternalLabels {
            added: global.external_labels,
            own: HashSet::new(),
        };
        if !external.added.is_empty() {
            external.own = self.own_label_sets(selector, range).await?;
        }
        Ok(Some(external))
    }

    async fn own_label_sets(
        &self,
        selector: &str,
        range: Span,
    ) -> Result<HashSet<Labels>, FetchError> {
        let query = [
            ("match[]", selector.to_owned()),
            ("start", seconds(range.start.millis())),
            ("end", seconds(range.end.millis())),
        ];
        let request = self
            .authorized(self.http.post(self.address("api/v1/series")))
            .form(&query);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(FetchError::Refused(format!("series: status {status}")));
        }
        let body = bounded_body(response).await?;
        let answer: Answer<Vec<Labels>> = serde_json::from_slice(&body)
            .map_err(|error| FetchError::Malformed(error.to_string()))?;
        let sets = answer.data.into_iter().map(|mut labels| {
            labels.0.remove("__name__");
            labels
        });
        Ok(sets.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    #[test]
    fn an_added_label_is_taken_off_and_an_own_one_stays() {
        let external = ExternalLabels {
            added: BTreeMap::from([("zone".to_owned(), "a".to_owned())]),
            own: HashSet::from([
                labels(&[("job", "own"), ("zone", "a")]),
                labels(&[("job", "plain")]),
            ]),
        };
        for (read, stored) in [
            (
                labels(&[("job", "plain"), ("zone", "a")]),
                labels(&[("job", "plain")]),
            ),
            (
                labels(&[("job", "own"), ("zone", "a")]),
                labels(&[("job", "own"), ("zone", "a")]),
            ),
            (
                labels(&[("job", "other"), ("zone", "b")]),
                labels(&[("job", "other"), ("zone", "b")]),
            ),
        ] {
            assert_eq!(external.strip(read), stored);
        }
    }
}
