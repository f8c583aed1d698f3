//! What was published against what is stored and what was answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    answers::Answer,
    record::{Record, named},
};

/// What the checker found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    faults: usize,
    messages: u64,
    runs: usize,
    facts: usize,
    answers: usize,
    /// What is published and not stored, or stored otherwise; more time may mend it.
    not_stored: Vec<String>,
    /// What no time mends.
    wrong: Vec<String>,
}

/// Of each kind so many are shown.
const SHOWN: usize = 20;

impl Verdict {
    /// A verdict on what was published alone: what a run says it published is on the topic, once.
    pub(super) fn new(faults: usize, record: &Record) -> Self {
        let mut verdict = Self {
            faults,
            messages: record.messages,
            runs: record.runs.len(),
            ..Self::default()
        };
        for (id, run) in &record.runs {
            let found = record.of_runs.get(id).copied().unwrap_or_default();
            if run["messages"] != found {
                let said = &run["messages"];
                verdict.wrong.push(format!(
                    "the run {id} says that it published {said} messages, and {found} are on the topic"
                ));
            }
        }
        verdict
    }

    /// Whether everything is stored as it was published.
    pub(super) fn is_stored(&self) -> bool {
        self.not_stored.is_empty()
    }

    /// Whether nothing is wrong.
    pub(super) fn is_good(&self) -> bool {
        self.not_stored.is_empty() && self.wrong.is_empty()
    }

    /// Every answer was a whole one of some run, and none went back in time for whoever read them in this order.
    pub(super) fn compare_answers(&mut self, record: &Record, readers: &[Vec<Answer>]) {
        for answers in readers {
            self.answers += answers.len();
            let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
            for answer in answers {
                self.compare_answer(record, answer, &mut newest);
            }
        }
    }

    fn compare_answer<'a>(
        &mut self,
        record: &Record,
        answer: &'a Answer,
        newest: &mut BTreeMap<&'a str, &'a str>,
    ) {
        let times = answer
            .objectives
            .iter()
            .filter_map(|(objective, evaluations)| {
                Some((objective.as_str(), evaluations.keys().next_back()?.as_str()))
            });
        // RFC 3339 in UTC, whole seconds: the order of the texts is that of the times.
        let top = answer.as_of.as_deref().map(|as_of| ("", as_of));
        for (what, as_of) in times.chain(top) {
            let before = newest.entry(what).or_insert(as_of);
            if as_of < *before {
                self.wrong.push(format!(
                    "an answer went back from {before} to {as_of}, objective {what:?}"
                ));
            }
            *before = as_of;
        }
        for (objective, evaluations) in &answer.objectives {
            for (as_of, entries) in evaluations {
                let published = record.evaluations.get(&(objective.clone(), as_of.clone()));
                let is_whole = published.is_some_and(|published| {
                    let mut pairs = entries.iter().zip(published);
                    entries.len() == published.len()
                        && pairs.all(|(entry, other)| entry.agrees(other))
                });
                if !is_whole {
                    self.wrong.push(format!(
                        "an answer as of {as_of} has {entries:?} for {objective}, and {published:?} was published"
                    ));
                }
            }
        }
    }

    /// Everything that was published is stored, and nothing twice.
    pub(super) async fn compare_stored(&mut self, record: &Record, http: &str) -> Result<()> {
        let client = http_client::direct()
            .timeout(Duration::from_secs(35))
            .build()?;
        let reader = Reader { client, http };
        let stored = reader.all("/runs?limit=200", "runs").await?;
        let stored: Vec<_> = stored
            .iter()
            .filter_map(|run| run["run_id"].as_str())
            .collect();
        let published: Vec<_> = record.runs.keys().map(String::as_str).collect();
        self.compare("/runs", &published, &stored);
        // A run that was killed has no record, and its time cannot be asked for.
        let recorded: BTreeSet<_> = record
            .runs
            .values()
            .filter_map(|run| run["as_of"].as_str())
            .collect();
        for ((route, as_of), facts) in &record.facts {
            if !recorded.contains(as_of.as_str()) {
                continue;
            }
            let key = match *route {
                "predict" => "predictions",
                route => route,
            };
            let path = format!("/{route}?as_of={as_of}&limit=200");
            let stored = reader.all(&path, key).await?;
            let stored: Vec<String> = stored.iter().map(named).collect();
            let stored: Vec<_> = stored.iter().map(String::as_str).collect();
            let published: Vec<_> = facts.iter().map(String::as_str).collect();
            self.facts += published.len();
            self.compare(&path, &published, &stored);
        }
        Ok(())
    }

    fn compare(&mut self, what: &str, published: &[&str], stored: &[&str]) {
        let set: BTreeSet<&str> = stored.iter().copied().collect();
        if set.len() < stored.len() {
            let twice = stored.len() - set.len();
            self.wrong.push(format!("{what}: {twice} are stored twice"));
        }
        for name in published.iter().filter(|name| !set.contains(**name)) {
            self.not_stored
                .push(format!("{what}: {name} is not stored"));
        }
        let published: BTreeSet<&str> = published.iter().copied().collect();
        for name in set.difference(&published) {
            self.wrong
                .push(format!("{what}: {name} is stored and was not published"));
        }
    }
}

struct Reader<'a> {
    client: reqwest::Client,
    http: &'a str,
}

impl Reader<'_> {
    /// Every item of a list, page by page.
    async fn all(&self, path: &str, key: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let url = format!("{}{path}{cursor}", self.http);
            let answer = self.client.get(url).send().await?.error_for_status()?;
            let mut page: Value = answer.json().await?;
            let found = page[key]
                .as_array_mut()
                .with_context(|| format!("{path} has no {key}"))?;
            items.append(found);
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} faults; {} messages of {} recorded runs; {} facts about series compared, {} different answers read",
            self.faults, self.messages, self.runs, self.facts, self.answers
        )?;
        for (what, findings) in [("not stored", &self.not_stored), ("wrong", &self.wrong)] {
            writeln!(f, "{what}: {}", findings.len())?;
            for finding in findings.iter().take(SHOWN) {
                writeln!(f, "  {finding}")?;
            }
        }
        write!(f, "{}", if self.is_good() { "PASS" } else { "FAIL" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::answers::Entry, *};

    fn entry(labels: &str, state: &str) -> Entry {
        let (labels, state) = (labels.to_owned(), state.to_owned());
        Entry { labels, state }
    }

    fn answer(as_of: &str, entries: &[Entry]) -> Answer {
        let evaluation = [(as_of.to_owned(), entries.iter().cloned().collect())];
        Answer {
            as_of: Some(as_of.to_owned()),
            objectives: [("o".to_owned(), evaluation.into())].into(),
        }
    }

    fn record() -> Record {
        let both = [entry("a", "firing"), entry("b", "ok")];
        let evaluations = ["1", "2"].map(|as_of| {
            let key = ("o".to_owned(), as_of.to_owned());
            (key, both.iter().cloned().collect())
        });
        Record {
            evaluations: evaluations.into(),
            ..Record::default()
        }
    }

    #[test]
    fn an_answer_without_a_series_of_its_run_is_found() {
        let whole = [entry("a", "firing"), entry("b", "ok")];
        for (entries, wrong) in [
            (&whole[..], 0),
            (&[entry("a", "stale"), entry("b", "stale")], 0),
            (&whole[1..], 1),
            (&[entry("a", "ok"), entry("b", "ok")], 1),
        ] {
            let mut verdict = Verdict::default();
            verdict.compare_answers(&record(), &[vec![answer("2", entries)]]);
            assert_eq!(verdict.wrong.len(), wrong, "{entries:?}");
        }
    }

    #[test]
    fn an_answer_that_goes_back_in_time_is_found() {
        let whole = [entry("a", "firing"), entry("b", "ok")];
        let answers = ["1", "2", "1"].map(|as_of| answer(as_of, &whole));
        let mut verdict = Verdict::default();
        verdict.compare_answers(&record(), &[answers[..2].to_vec()]);
        assert!(verdict.is_good());
        verdict.compare_answers(&record(), &[answers.to_vec()]);
        // The objective's and that of the whole answer.
        assert_eq!(verdict.wrong.len(), 2);
    }

    #[test]
    fn what_is_lost_doubled_or_made_up_is_found() {
        let mut verdict = Verdict::default();
        verdict.compare("x", &["a", "b"], &["a", "a", "c"]);
        assert_eq!((verdict.not_stored.len(), verdict.wrong.len()), (1, 2));
        let run = json!({"messages": 3});
        let record = Record {
            runs: [("r".to_owned(), run)].into(),
            of_runs: [("r".to_owned(), 2)].into(),
            ..Record::default()
        };
        assert_eq!(Verdict::new(0, &record).wrong.len(), 1);
    }
}
