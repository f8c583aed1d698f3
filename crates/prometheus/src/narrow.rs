//! Reading some of the series of a metric, without most of the others: by a matcher of the values of one label.

use std::collections::BTreeSet;

use domain::{Labels, Span};
use promql::NAME;
use tokio::sync::mpsc;

use crate::{
    FetchError, Fetched, FetchedSeries, MatchOperator, Matcher, Metric, Prometheus, Reading,
    external_labels::Listed, learned::Streams,
};

/// It pays to read less only if at most this share of the series is read, over a hundred.
const MOST_READ: usize = 75;
/// A longer pattern is not asked for, bytes.
const LONGEST_PATTERN: usize = 1 << 20;

/// What to read.
#[derive(Debug, PartialEq)]
struct Narrowed {
    /// What the wanted series match, and few of the others.
    matcher: Matcher,
    /// The others, by their labels.
    left_out: Vec<Labels>,
}

impl Prometheus {
    /// [`fetch`](Self::fetch) for whom only some series matter: it sends all that are `wanted`. Of the others it sends as few as
    /// one label allows, and names the rest ([`Fetched::left_out`]). Where the server has no remote read, the metric is an
    /// expression, or the series differ too little in each of their labels, it sends all of them.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_wanted(
        &self,
        metric: &Metric,
        range: Span,
        wanted: impl Fn(&Labels) -> bool,
        found: &mpsc::Sender<FetchedSeries>,
    ) -> Result<Fetched, FetchError> {
        let narrowed = self.narrowed(metric, range, wanted).await;
        let Some((metric, left_out)) = narrowed else {
            return self.fetch(metric, range, found).await;
        };
        let mut fetched = self.fetch(&metric, range, found).await?;
        // It may have turned out that the query API has to do, which sends everything.
        if self.is_streamed(&metric.query).await {
            fetched.left_out = left_out;
        }
        Ok(fetched)
    }

    /// The metric with one matcher more, and the series that it does not match. Whatever keeps it from being made keeps
    /// nobody from reading everything.
    async fn narrowed(
        &self,
        metric: &Metric,
        range: Span,
        wanted: impl Fn(&Labels) -> bool,
    ) -> Option<(Metric, Vec<Labels>)> {
        let Reading::Raw { selector } = &metric.reading else {
            return None;
        };
        if metric.reading.has_names() || !self.is_streamed(&selector.text).await {
            return None;
        }
        let listed = self.stored_labels(&selector.text, range).await;
        let Ok(Listed {
            series,
            is_whole: true,
        }) = listed
        else {
            return None;
        };
        let Narrowed { matcher, left_out } = narrowed(series, wanted)?;
        // The text stays: where the query API has to do after all, it is asked for everything.
        let mut selector = selector.clone();
        selector.matchers.push(matcher);
        let reading = Reading::Raw { selector };
        Some((
            Metric {
                reading,
                ..metric.clone()
            },
            left_out,
        ))
    }

    /// Whether a selector is read by remote read, as far as is known.
    async fn is_streamed(&self, selector: &str) -> bool {
        if self.is_signed() || self.learned.not_streamed(selector).is_some() {
            return false;
        }
        let streams = self.streams().await;
        let Ok(Some(streams)) = streams else {
            return false;
        };
        matches!(*streams, Streams::Untried { .. } | Streams::Yes { .. })
    }
}

/// The matcher of one label that the fewest of the others match besides all wanted series.
fn narrowed(listed: Vec<Labels>, wanted: impl Fn(&Labels) -> bool) -> Option<Narrowed> {
    let all = listed.len();
    let without_name = listed.into_iter().map(|mut labels| {
        labels.0.remove(NAME);
        labels
    });
    let (wanted, others): (Vec<Labels>, Vec<Labels>) = without_name.partition(wanted);
    let names: BTreeSet<&str> = wanted
        .iter()
        .flat_map(|labels| labels.0.keys().map(String::as_str))
        .collect();
    let by_label = names.into_iter().map(|name| {
        let values = wanted.iter().map(|labels| value(labels, name).to_owned());
        let values: BTreeSet<String> = values.collect();
        let is_matched = |labels: &&Labels| values.contains(value(labels, name));
        let matched = others.iter().filter(is_matched).count();
        let pattern = pattern(&values);
        (matched, pattern.len(), name, pattern, values)
    });
    let (matched, length, name, pattern, values) = by_label.min()?;
    if (wanted.len() + matched) * 100 > all * MOST_READ || length > LONGEST_PATTERN {
        return None;
    }
    let matcher = Matcher {
        label: name.to_owned(),
        operator: MatchOperator::Regex,
        value: pattern,
    };
    let left_out = others
        .into_iter()
        .filter(|labels| !values.contains(value(labels, &matcher.label)))
        .collect();
    Some(Narrowed { matcher, left_out })
}

/// The value of a label; a series without it has an empty one, as PromQL sees it.
fn value<'a>(Labels(labels): &'a Labels, name: &str) -> &'a str {
    labels.get(name).map_or("", String::as_str)
}

/// A regular expression that these values match alone. Prometheus looks such ones up instead of trying each value.
fn pattern(values: &BTreeSet<String>) -> String {
    let mut pattern = String::new();
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            pattern.push('|');
        }
        for character in value.chars() {
            if r"\.+*?()|[]{}^$".contains(character) {
                pattern.push('\\');
            }
            pattern.push(character);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    /// Containers of pods on hosts: each pod has a value of its own, hosts are shared by many.
    fn listed(pods: usize) -> Vec<Labels> {
        let pods = 0..pods;
        let series = pods.map(|pod| {
            labels(&[
                (NAME, "cpu"),
                ("host", &format!("h{}", pod % 3)),
                ("pod", &format!("web.{pod}")),
            ])
        });
        series.collect()
    }

    fn pod_of(labels: &Labels) -> usize {
        value(labels, "pod")[4..].parse().unwrap()
    }

    #[test]
    fn the_label_is_taken_that_leaves_the_most_out() {
        let narrowed = narrowed(listed(8), |labels| pod_of(labels) % 4 == 1).unwrap();
        assert_eq!(
            narrowed.matcher,
            Matcher {
                label: "pod".to_owned(),
                operator: MatchOperator::Regex,
                value: r"web\.1|web\.5".to_owned(),
            }
        );
        let left_out: Vec<usize> = narrowed.left_out.iter().map(pod_of).collect();
        assert_eq!(left_out, [0, 2, 3, 4, 6, 7]);
        assert!(
            narrowed
                .left_out
                .iter()
                .all(|labels| !labels.0.contains_key(NAME))
        );
    }

    #[test]
    fn a_series_without_the_label_has_an_empty_value() {
        let mut all = listed(8);
        all.push(labels(&[("host", "h9")]));
        let narrowed = narrowed(all, |labels| {
            !labels.0.contains_key("pod") || pod_of(labels) == 3
        });
        let narrowed = narrowed.unwrap();
        assert_eq!(narrowed.matcher.value, r"|web\.3");
        assert_eq!(narrowed.left_out.len(), 7);
    }

    #[test]
    fn everything_is_read_where_that_is_not_much_more() {
        assert_eq!(narrowed(Vec::new(), |_| true), None);
        assert_eq!(narrowed(listed(8), |_| false), None);
        assert_eq!(narrowed(listed(8), |labels| pod_of(labels) != 0), None);
        // Each host has wanted series.
        let by_host = listed(30).into_iter().map(|mut labels| {
            labels.0.remove("pod");
            labels
        });
        let mut number = 0;
        let wanted = |_: &Labels| true;
        assert_eq!(narrowed(by_host.clone().collect(), wanted), None);
        let some = std::cell::RefCell::new(&mut number);
        let every_fourth = |_: &Labels| {
            **some.borrow_mut() += 1;
            **some.borrow() % 4 == 0
        };
        assert_eq!(narrowed(by_host.collect(), every_fourth), None);
    }

    /// What the values between the bars of a pattern are, as Prometheus reads them.
    fn alternatives(pattern: &str) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '|' => all.push(String::new()),
                '\\' => all.last_mut().unwrap().extend(characters.next()),
                _ => all.last_mut().unwrap().push(character),
            }
        }
        all
    }

    proptest! {
        #[test]
        fn every_wanted_series_matches_and_no_series_that_is_left_out(
            series in proptest::collection::vec(("[a-c.|]{0,2}", "[x-z\\\\$]{0,2}", any::<bool>()), 0..40),
        ) {
            let listed: Vec<Labels> = series
                .iter()
                .map(|(first, second, _)| {
                    let pairs = [("first", first), ("second", second)];
                    let present = pairs.into_iter().filter(|(_, value)| !value.is_empty());
                    present.map(|(name, value)| (name.to_owned(), value.clone())).collect()
                })
                .collect();
            let wanted: BTreeSet<Labels> = listed
                .iter()
                .zip(&series)
                .filter(|(_, (.., wanted))| *wanted)
                .map(|(labels, _)| labels.clone())
                .collect();
            if let Some(Narrowed { matcher, left_out }) = narrowed(listed.clone(), |labels| wanted.contains(labels)) {
                let values = alternatives(&matcher.value);
                let is_matched = |labels: &Labels| values.iter().any(|one| one == value(labels, &matcher.label));
                prop_assert!(wanted.iter().all(is_matched));
                let unmatched: Vec<Labels> = listed.into_iter().filter(|labels| !is_matched(labels)).collect();
                prop_assert_eq!(left_out, unmatched);
            }
        }
    }
}
