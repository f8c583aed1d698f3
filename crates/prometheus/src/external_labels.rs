//! Remote read adds the server's external labels to every series, the query API does not. A series has one identity
//! however it is read: they are taken off again.

use std::collections::BTreeMap;

use domain::{Labels, Span};
use reqwest::StatusCode;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    FetchError, Prometheus, Selector,
    query_api::seconds,
    response::{document, json, refusal},
};

/// The labels that remote read adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct ExternalLabels(BTreeMap<String, String>);

impl ExternalLabels {
    /// The label set as it is stored.
    pub(crate) fn strip(&self, labels: &mut Labels) {
        labels
            .0
            .retain(|name, value| self.0.get(name) != Some(value));
    }

    /// Their names, with commas between.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.join(", ")
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether remote read shows what there is: it takes a matcher of an external label for the server's own, and a
    /// stored label that looks like one cannot be told from what it adds.
    fn are_apart(&self, selector: &Selector, stored: &[Labels]) -> bool {
        let mut matchers = selector.matchers.iter();
        let mut stored = stored.iter().flat_map(|labels| &labels.0);
        !matchers.any(|of| self.0.contains_key(&of.label))
            && !stored.any(|(name, value)| self.0.get(name) == Some(value))
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
    /// Nothing where some servers have an empty list.
    #[serde(default)]
    warnings: Option<Vec<IgnoredAny>>,
}

/// What a selector selects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The label sets, with `__name__`.
    pub(crate) series: Vec<Labels>,
    /// Whether the server says nothing of any that may be missing.
    pub(crate) is_whole: bool,
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
    /// What remote read adds to each series; `None` where the server does not show its configuration.
    pub(crate) async fn external_labels(&self) -> Result<Option<ExternalLabels>, FetchError> {
        let response = self.get("api/v1/status/config").await?;
        match response.status() {
            status if status.is_success() => {}
            // It does not say that there is no such route.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                return Err(refusal(response).await);
            }
            _ => return Ok(None),
        }
        let body = document(response).await?;
        let read = |body: &[u8]| {
            let answer: Answer<Config> = serde_json::from_slice(body).ok()?;
            let server: Server = serde_saphyr::from_str(&answer.data.yaml).ok()?;
            Some(server.global.external_labels)
        };
        Ok(read(&body))
    }

    /// Whether remote read shows the series of a selector as they are stored. Asked once for each selector.
    pub(crate) async fn are_apart(
        &self,
        external: &ExternalLabels,
        selector: &Selector,
        range: Span,
    ) -> Result<bool, FetchError> {
        if external.is_empty() || self.learned.is_apart(&selector.text) {
            return Ok(true);
        }
        let stored = self.stored_labels(&selector.text, range).await?;
        let apart = external.are_apart(selector, &stored.series);
        if apart {
            self.learned.set_apart(&selector.text);
        } else {
            self.learned.set_not_streamed(&selector.text, None);
        }
        Ok(apart)
    }

    /// The label sets that a selector selects.
    pub(crate) async fn stored_labels(
        &self,
        selector: &str,
        range: Span,
    ) -> Result<Listed, FetchError> {
        let query = [
            ("match[]", selector.to_owned()),
            ("start", seconds(range.start.millis())),
            ("end", seconds(range.end.millis())),
        ];
        let response = self.query("api/v1/series", &query).await?;
        // `null` is how some servers write an empty list.
        let answer: Answer<Option<Vec<Labels>>> = json(&document(response).await?)?;
        Ok(Listed {
            series: answer.data.unwrap_or_default(),
            is_whole: answer.warnings.is_none_or(|warnings| warnings.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MatchOperator, Matcher};

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn external() -> ExternalLabels {
        ExternalLabels(BTreeMap::from([("zone".to_owned(), "a".to_owned())]))
    }

    #[test]
    fn what_was_added_is_taken_off() {
        for (mut read, stored) in [
            (
                labels(&[("job", "plain"), ("zone", "a")]),
                labels(&[("job", "plain")]),
            ),
            (
                labels(&[("job", "other"), ("zone", "b")]),
                labels(&[("job", "other"), ("zone", "b")]),
            ),
        ] {
            external().strip(&mut read);
            assert_eq!(read, stored);
        }
    }

    #[test]
    fn what_remote_read_would_mix_up_is_not_read_that_way() {
        let selector = |labels: &[&str]| Selector {
            text: String::new(),
            matchers: labels
                .iter()
                .map(|label| Matcher {
                    label: (*label).to_owned(),
                    operator: MatchOperator::Equal,
                    value: "a".to_owned(),
                })
                .collect(),
        };
        let plain = labels(&[("job", "x")]);
        for (matched, stored, are_apart) in [
            (&["job"][..], &[plain.clone()][..], true),
            (&[], &[labels(&[("zone", "b")])], true),
            (&["zone"], &[], false),
            (&[], &[plain, labels(&[("zone", "a")])], false),
        ] {
            assert_eq!(external().are_apart(&selector(matched), stored), are_apart);
        }
    }
}
