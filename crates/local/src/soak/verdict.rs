//! What was published against what is stored and what was answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::Result;

use super::{
    answers::{Answer, Entry},
    letters,
    reader::Reader,
    record::{Record, named},
};
use crate::state::State;

/// What the checker found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// How the soak was asked for, and what became of it.
    about: String,
    messages: u64,
    runs: usize,
    facts: usize,
    set_aside: usize,
    answers: usize,
    took: Vec<String>,
    compared: usize,
    /// What is not there yet; more time may mend it.
    missing: Vec<String>,
    /// What no time mends.
    wrong: Vec<String>,
}

/// Of each kind so many are shown.
const SHOWN: usize = 20;

impl Verdict {
    /// A verdict on what was published alone: what a run says it published is on the topic, once.
    pub(super) fn new(about: String, record: &Record) -> Self {
        let mut verdict = Self {
            about,
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

    /// Notes what more time may mend.
    pub(super) fn missing(&mut self, finding: String) {
        self.missing.push(finding);
    }

    /// Notes what no time mends.
    pub(super) fn wrong(&mut self, finding: String) {
        self.wrong.push(finding);
    }

    /// Notes how much a receiver took.
    pub(super) fn took(&mut self, name: &str, changes: usize, messages: usize) {
        self.took.push(format!(
            "{name} received {changes} changes of alerts in {messages} messages"
        ));
    }

    /// Notes how much was compared with a system that nobody broke.
    pub(super) fn compared_with_undisturbed(&mut self, items: usize) {
        self.compared += items;
    }

    /// How much is missing, and how much is wrong.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.missing.len(), self.wrong.len())
    }

    /// Whether nothing is missing or wrong.
    pub(super) fn is_good(&self) -> bool {
        self.counts() == (0, 0)
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
                if !is_whole(record, objective, as_of, entries) {
                    let key = (objective.clone(), as_of.clone());
                    let published = record.evaluations.get(&key);
                    self.wrong.push(format!(
                        "an answer as of {as_of} has {entries:?} for {objective}, and {published:?} was published"
                    ));
                }
            }
        }
    }

    /// Everything that was published is stored or set aside, and nothing twice.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub(super) async fn compare_stored(&mut self, record: &Record, state: &State) -> Result<()> {
        let set_aside = letters::read(&state.database_url).await?;
        self.set_aside = set_aside.len();
        for (partition, offset) in record.unreadable.difference(&set_aside) {
            self.missing.push(format!(
                "the record {offset} of partition {partition} is not set aside"
            ));
        }
        for (partition, offset) in set_aside.difference(&record.unreadable) {
            self.wrong.push(format!(
                "the record {offset} of partition {partition} can be stored and is set aside"
            ));
        }
        let reader = Reader::new(&state.http)?;
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
            self.missing.push(format!("{what}: {name} is not stored"));
        }
        let published: BTreeSet<&str> = published.iter().copied().collect();
        for name in set.difference(&published) {
            self.wrong
                .push(format!("{what}: {name} is stored and was not published"));
        }
    }
}

/// Whether an answer has every series that a run published, each with a state that was published at that time. Two runs at
/// one time may differ by samples that came late; then the last one stored counts for each series.
fn is_whole(record: &Record, objective: &str, as_of: &str, entries: &BTreeSet<Entry>) -> bool {
    let labels = |entries: &BTreeSet<Entry>| -> BTreeSet<String> {
        entries.iter().map(|entry| entry.labels.clone()).collect()
    };
    let answered = labels(entries);
    let has_all = record
        .whole(objective, as_of)
        .any(|published| labels(published) == answered);
    let key = (objective.to_owned(), as_of.to_owned());
    let published = record.evaluations.get(&key).into_iter().flatten();
    let published: BTreeSet<&Entry> = published.flat_map(|(_, entries)| entries).collect();
    let is_published = |entry: &Entry| published.iter().any(|other| entry.agrees(other));
    has_all && entries.len() == answered.len() && entries.iter().all(is_published)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.about)?;
        writeln!(
            f,
            "{} messages of {} recorded runs; {} facts about series compared, {} records set aside, {} different answers read",
            self.messages, self.runs, self.facts, self.set_aside, self.answers
        )?;
        for took in &self.took {
            writeln!(f, "{took}")?;
        }
        writeln!(
            f,
            "{} entries of budgets, violations and states compared with an undisturbed system",
            self.compared
        )?;
        for (what, findings) in [("missing", &self.missing), ("wrong", &self.wrong)] {
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

    use super::*;

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
            // A run that was killed in the middle, and one that was not.
            let part = ("killed".to_owned(), [both[1].clone()].into());
            let whole = ("r".to_owned(), both.iter().cloned().collect());
            (key, [part, whole].into())
        });
        Record {
            evaluations: evaluations.into(),
            runs: [("r".to_owned(), json!({}))].into(),
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
        assert_eq!((verdict.missing.len(), verdict.wrong.len()), (1, 2));
        let run = json!({"messages": 3});
        let record = Record {
            runs: [("r".to_owned(), run)].into(),
            of_runs: [("r".to_owned(), 2)].into(),
            ..Record::default()
        };
        assert_eq!(Verdict::new(String::new(), &record).wrong.len(), 1);
    }
}
