//! Evaluations on answers that lack what some of Prometheus' stores have.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    mem,
};

use domain::{
    MetricName, SeriesId, Window,
    message::Failure,
    sla::{Sla, SlaName},
};
use store::sla::EvaluatedRows;

use super::{Etl, Plan, Record, metric::Judged};

/// A metric whose answer was partial, the objectives on it, and the series that it had.
pub(super) struct PartialAnswer {
    metric: MetricName,
    positions: Vec<usize>,
    series: HashSet<SeriesId>,
}

/// What is said of what cannot be had.
pub(super) const LACKING: &str = "the answer lacks what some stores have";

/// The newest complete evaluation of each objective of a version of an SLA; `None` if it cannot be read.
type Last = Option<BTreeMap<String, EvaluatedRows>>;

impl Record {
    /// The answer of a metric was partial: what it had is looked at once the run has all metrics.
    pub(super) fn answered_in_part(
        &mut self,
        metric: &MetricName,
        positions: Vec<usize>,
        judged: &Judged,
    ) {
        self.partial_answers.push(PartialAnswer {
            metric: metric.clone(),
            positions,
            series: judged.series.clone(),
        });
    }
}

impl Etl {
    /// What a partial answer lacks need not be gone. An objective is evaluated on one that has a series of it, and each that
    /// stood in the objective's last complete evaluation of the last 12 h: what stood before that is in no answer any more.
    pub(super) async fn look_at_partial_answers(&self, plan: &Plan, record: &mut Record) {
        let as_of = record.document.as_of;
        let read_from = as_of - Window::TwelveHours.length();
        let mut known = HashMap::<(&SlaName, u32), Last>::new();
        for answer in mem::take(&mut record.partial_answers) {
            let mut is_lacking = false;
            for position in answer.positions {
                let active = &plan.active[position];
                let last = match known.entry((&active.sla, active.version)) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        let sla = sla(plan, &active.sla, active.version);
                        entry.insert(self.objectives.last_evaluation(&sla, as_of).await)
                    }
                };
                let objective = active.objective.id.as_str();
                let is_there = last.as_ref().is_some_and(|last| {
                    let last = last.get(objective).filter(|last| last.as_of > read_from);
                    let rows = last.into_iter().flat_map(|last| &last.rows);
                    let stood = rows.filter(|row| row.standing.stands());
                    let mut own = stood.filter(|row| record.part.owns_id(row.series));
                    own.all(|row| answer.series.contains(&row.series))
                });
                let is_empty = record.part.is_whole() && record.tally.is_without_series(position);
                if !is_there || is_empty {
                    record.tally.fail(position, LACKING);
                    is_lacking = true;
                }
            }
            if is_lacking {
                record.fail(Failure::new("fetch", LACKING).of_metric(&answer.metric));
            }
        }
    }
}

/// A version of an SLA, as far as the run judges it.
fn sla(plan: &Plan, name: &SlaName, version: u32) -> Sla {
    let own = plan.active.iter();
    let own = own.filter(|active| active.sla == *name && active.version == version);
    Sla {
        name: name.clone(),
        version,
        objectives: own.map(|active| active.objective.clone()).collect(),
        events: Vec::new(),
    }
}
