//! Remote read adds the server's external labels to every series, the query API does not. A series has one identity
//! however it is read: they are taken off again.

use std::collections::BTreeMap;

use domain::{Labels, evaluation::Span};
use serde::Deserialize;

use super::{FetchError, LabelMatcher, Prometheus, bounded_body, seconds, unreachable};

/// The labels that remote read adds.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct ExternalLabels(BTreeMap<String, String>);

impl ExternalLabels {
    /// The label set as it is stored.
    pub(super) fn strip(&self, mut labels: Labels) -> Labels {
        labels
            .0
            .retain(|name, value| self.0.get(name) != Some(value));
        labels
    }

    /// Whether remote read shows what there is: it takes a matcher of an external label for the server's own, and a
    /// stored label that looks like one cannot be told from what it adds.
    fn are_apart(&self, matchers: &[LabelMatcher], stored: &[Labels]) -> bool {
        let matched = matchers.iter().any(|of| self.0.contains_key(&of.name));
        let mut stored = stored.iter().flat_map(|labels| &labels.0);
        !matched && !stored.any(|(name, value)| self.0.get(name) == Some(value))
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
    external_labels: ExternalLabels,
}

impl Prometheus {
    /// What remote read adds to the series of `selector`, whose `matchers` are; `None` where the server does not tell its
    /// configuration, or remote read would show other series than there are.
    pub(super) async fn external_labels(
        &self,
        selector: &str,
        matchers: &[LabelMatcher],
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
        let external = global.external_labels;
        if external.0.is_empty() {
            return Ok(Some(external));
        }
        let stored = self.stored_labels(selector, range).await?;
        Ok(external.are_apart(matchers, &stored).then_some(external))
    }

    /// The label sets that `selector` selects.
    async fn stored_labels(&self, selector: &str, range: Span) -> Result<Vec<Labels>, FetchError> {
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
        Ok(answer.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn external() -> ExternalLabels {
        ExternalLabels(BTreeMap::from([("zone".to_owned(), "a".to_owned())]))
    }

    #[test]
    fn what_was_added_is_taken_off() {
        for (read, stored) in [
            (
                labels(&[("job", "plain"), ("zone", "a")]),
                labels(&[("job", "plain")]),
            ),
            (
                labels(&[("job", "other"), ("zone", "b")]),
                labels(&[("job", "other"), ("zone", "b")]),
            ),
        ] {
            assert_eq!(external().strip(read), stored);
        }
    }

    #[test]
    fn what_remote_read_would_mix_up_is_not_read_that_way() {
        let matcher = |name: &str| LabelMatcher {
            kind: 0,
            name: name.to_owned(),
            value: "a".to_owned(),
        };
        let plain = labels(&[("job", "x")]);
        for (matchers, stored, are_apart) in [
            (&[matcher("job")][..], &[plain.clone()][..], true),
            (&[], &[labels(&[("zone", "b")])], true),
            (&[matcher("zone")], &[], false),
            (&[], &[plain, labels(&[("zone", "a")])], false),
        ] {
            assert_eq!(external().are_apart(matchers, stored), are_apart);
        }
    }
}
