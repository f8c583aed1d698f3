//! What became of each objective of a run: how many rows were published, or why they do not count.

use std::{collections::HashMap, sync::Arc};

use domain::{
    Labels, Timestamp,
    evaluation::Stood,
    message::{EvaluatedObjective, EvaluationOutcome, EvaluationRow},
};

use crate::{objectives::ActiveObjective, part::EvaluatedPart};

/// Counts the rows of each objective, by its position.
#[derive(Debug, Default)]
pub(super) struct Tally {
    active: Arc<[ActiveObjective]>,
    counts: Vec<Count>,
}

#[derive(Clone, Debug, Default)]
struct Count {
    rows: u64,
    /// Whether it is about any series, of which a row need not be published yet.
    has_series: bool,
    /// When any of its series stood.
    stood: Stood,
    /// Whether every series that it may be about was read.
    concluded: bool,
    /// The first reason why the rows do not count.
    reason: Option<String>,
}

/// The reason of an objective whose metric the run did not come to.
const NOT_REACHED: &str = "its metric was not reached";

impl Tally {
    pub(super) fn new(active: Arc<[ActiveObjective]>) -> Self {
        let counts = vec![Count::default(); active.len()];
        Self { active, counts }
    }

    /// A series that it is about was read.
    pub(super) fn found(&mut self, position: usize) {
        if let Some(count) = self.counts.get_mut(position) {
            count.has_series = true;
        }
    }

    /// Adds a row that was published, of a series that stood then.
    pub(super) fn count(&mut self, position: usize, stood: &Stood) {
        if let Some(count) = self.counts.get_mut(position) {
            count.rows += 1;
            count.has_series = true;
            count.stood.join(stood);
        }
    }

    /// Every series that the objective may be about was read.
    pub(super) fn conclude(&mut self, position: usize) {
        if let Some(count) = self.counts.get_mut(position) {
            count.concluded = true;
        }
    }

    /// Whether the objective is about none of the series that were read.
    pub(super) fn is_without_series(&self, position: usize) -> bool {
        let count = self.counts.get(position);
        count.is_some_and(|count| !count.has_series && count.concluded && count.reason.is_none())
    }

    /// The objective is not evaluated on every series.
    pub(super) fn fail(&mut self, position: usize, reason: &str) {
        if let Some(count) = self.counts.get_mut(position) {
            count.reason.get_or_insert_with(|| reason.to_owned());
        }
    }

    /// No objective on the metric is evaluated on every series.
    pub(super) fn fail_metric(&mut self, metric: &str, reason: &str) {
        for position in self.of_metric(metric) {
            self.fail(position, reason);
        }
    }

    /// The objectives that a series belongs to are not evaluated on it.
    pub(super) fn fail_series(&mut self, metric: &str, labels: &Labels, reason: &str) {
        for position in self.of_metric(metric) {
            if labels.matches(&self.active[position].objective.labels) {
                self.fail(position, reason);
            }
        }
    }

    /// A message that was counted was refused. Its event id says which objective it is about, if it is about one.
    pub(super) fn refused(&mut self, event_id: &str) {
        let Ok(row) = event_id.parse::<EvaluationRow>() else {
            return;
        };
        let position = self.active.iter().position(|active| {
            active.sla == row.sla
                && active.version == row.version
                && active.objective.id == row.objective
        });
        if let Some(position) = position {
            self.fail(position, "Kafka refused a message about it");
        }
    }

    /// The positions of the objectives on a metric.
    pub(super) fn of_metric(&self, metric: &str) -> Vec<usize> {
        let active = self.active.iter().enumerate();
        active
            .filter(|(_, active)| active.objective.metric == metric)
            .map(|(position, _)| position)
            .collect()
    }

    /// Adds what a part of the run found. An objective that the part does not list was not evaluated there.
    pub(super) fn add(&mut self, part: &str, evaluated: &[EvaluatedPart]) {
        let outcomes: HashMap<_, _> = evaluated
            .iter()
            .map(|EvaluatedPart { evaluated, stood }| {
                let name = (&*evaluated.sla, evaluated.version, &*evaluated.objective);
                (name, (&evaluated.outcome, stood))
            })
            .collect();
        for (active, count) in self.active.iter().zip(&mut self.counts) {
            let name = (&*active.sla, active.version, &*active.objective.id);
            count.concluded = true;
            match outcomes.get(&name) {
                Some((EvaluationOutcome::Rows(rows), stood)) => {
                    count.rows += rows;
                    count.has_series |= *rows > 0;
                    count.stood.join(stood);
                }
                Some((EvaluationOutcome::Reason(reason), _)) => {
                    count.reason.get_or_insert_with(|| reason.clone());
                }
                None => {
                    let reason = || format!("{part} did not evaluate it");
                    count.reason.get_or_insert_with(reason);
                }
            }
        }
    }

    /// What the record of a run of that time lists.
    pub(super) fn evaluated(&self, as_of: Timestamp) -> Vec<EvaluatedObjective> {
        let counted = self.active.iter().zip(&self.counts);
        let evaluated = counted.map(|(active, count)| {
            let outcome = count.outcome();
            let is_whole = matches!(outcome, EvaluationOutcome::Rows(_));
            let ended_until = count.stood.ended_until(&active.objective, as_of);
            EvaluatedObjective {
                sla: active.sla.clone(),
                version: active.version,
                objective: active.objective.id.clone(),
                outcome,
                ended_until: ended_until.filter(|_| is_whole),
            }
        });
        evaluated.collect()
    }

    /// What a part of the run found, for [`Tally::add`].
    pub(super) fn part(&self, as_of: Timestamp) -> Vec<EvaluatedPart> {
        let evaluated = self.evaluated(as_of).into_iter();
        let parts = evaluated.zip(self.active.iter().zip(&self.counts));
        parts
            .map(|(evaluated, (active, count))| EvaluatedPart {
                evaluated,
                stood: count.stood.newest(&active.objective),
            })
            .collect()
    }
}

impl Count {
    fn outcome(&self) -> EvaluationOutcome {
        match &self.reason {
            Some(reason) => EvaluationOutcome::Reason(reason.clone()),
            None if self.concluded => EvaluationOutcome::Rows(self.rows),
            None => EvaluationOutcome::Reason(NOT_REACHED.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::sla::Draft;
    use serde_json::json;

    use super::*;

    const AS_OF: Timestamp = Timestamp::EPOCH;

    fn tally() -> Tally {
        let draft = Draft::parse(&json!({"name": "web", "objectives": [
            {"id": "a", "metric": "cpu", "max": 1},
            {"id": "a.b", "metric": "memory", "max": 1},
        ]}));
        let objectives = draft.unwrap().ranges().into_iter();
        let active = objectives.map(|objective| ActiveObjective {
            sla: "web".parse().unwrap(),
            version: 3,
            objective,
        });
        Tally::new(active.collect())
    }

    fn outcomes(tally: &Tally) -> Vec<Result<u64, String>> {
        let evaluated = tally.evaluated(AS_OF).into_iter();
        evaluated
            .map(|found| match found.outcome {
                EvaluationOutcome::Rows(rows) => Ok(rows),
                EvaluationOutcome::Reason(reason) => Err(reason),
            })
            .collect()
    }

    #[test]
    fn rows_count_once_every_series_was_read() {
        let mut tally = tally();
        tally.count(0, &Stood::default());
        tally.count(0, &Stood::default());
        let reason = || Err(NOT_REACHED.to_owned());
        assert_eq!(outcomes(&tally), [reason(), reason()]);
        tally.conclude(0);
        assert_eq!(outcomes(&tally), [Ok(2), reason()]);
        assert!(!tally.is_without_series(0) && !tally.is_without_series(1));
        tally.conclude(1);
        assert!(tally.is_without_series(1));
    }

    #[test]
    fn an_objective_whose_rows_are_held_is_not_without_series() {
        let mut tally = tally();
        tally.found(0);
        tally.conclude(0);
        assert!(!tally.is_without_series(0));
        tally.count(0, &Stood::default());
        assert_eq!(outcomes(&tally)[0], Ok(1));
    }

    #[test]
    fn a_reason_outweighs_rows_and_the_first_one_stays() {
        let mut tally = tally();
        tally.count(0, &Stood::default());
        tally.conclude(0);
        tally.fail_metric("cpu", "first");
        tally.fail(0, "second");
        assert_eq!(outcomes(&tally)[0], Err("first".to_owned()));
    }

    #[test]
    fn a_message_that_kafka_refuses_is_a_reason_for_its_objective_alone() {
        let mut tally = tally();
        for position in [0, 1] {
            tally.count(position, &Stood::default());
            tally.conclude(position);
        }
        tally.refused("prediction/0123/2026-11-23T08:45:00Z");
        let series = "0123456789abcdef0123456789abcdef";
        tally.refused(&format!(
            "violations/web/3/a.b/{series}/2026-11-23T08:45:00Z"
        ));
        let [first, second] = &outcomes(&tally)[..] else {
            panic!("two objectives")
        };
        assert_eq!(first, &Ok(1));
        assert!(second.is_err());
    }

    #[test]
    fn parts_are_added_up_and_one_that_lacks_an_objective_is_a_reason() {
        let part = |counts: [u64; 2]| {
            let mut part = tally();
            for (position, rows) in counts.into_iter().enumerate() {
                for _ in 0..rows {
                    part.count(position, &Stood::default());
                }
                part.conclude(position);
            }
            part.part(AS_OF)
        };
        let mut whole = tally();
        whole.add("shard 0", &part([2, 0]));
        whole.add("shard 1", &part([3, 0]));
        assert_eq!(outcomes(&whole), [Ok(5), Ok(0)]);
        assert!(whole.is_without_series(1));
        whole.add("shard 2", &part([1, 1])[..1]);
        assert_eq!(
            outcomes(&whole),
            [Ok(6), Err("shard 2 did not evaluate it".to_owned())]
        );
        let mut broken = tally();
        broken.fail(0, "broken");
        whole.add("shard 3", &broken.part(AS_OF));
        assert_eq!(outcomes(&whole)[0], Err("broken".to_owned()));
    }
}
