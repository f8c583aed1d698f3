//! What holds now: the newest complete evaluations, the budgets and the pipeline itself, as statements.

mod budget;
mod events;
mod objective;
mod system;
mod texts;

use std::{collections::HashSet, time::Duration};

use domain::{
    Timestamp,
    alert::{AlertName, Known, Scope, Statement, reason},
    forecast::HORIZON,
    sla::{EventsObjective, Objective, ObjectiveId, Runbook, Sla, SlaName},
};
use store::{Store, StoreError, alert::ReceiverState, score::ScoreSelection};

pub(crate) use texts::Texts;

use objective::Judged;

/// What an alert is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) sla: &'a SlaName,
    pub(crate) id: &'a ObjectiveId,
    pub(crate) runbook: Option<&'a Runbook>,
}

impl<'a> About<'a> {
    fn range(sla: &'a Sla, objective: &'a Objective) -> Self {
        Self {
            sla: &sla.name,
            id: &objective.id,
            runbook: objective.runbook.as_ref(),
        }
    }

    fn events(sla: &'a Sla, objective: &'a EventsObjective) -> Self {
        Self {
            sla: &sla.name,
            id: &objective.id,
            runbook: objective.runbook.as_ref(),
        }
    }
}

/// What is asked, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) store: &'a Store,
    pub(crate) now: Timestamp,
    /// How often the schedule runs the ETL.
    pub(crate) interval: Duration,
    pub(crate) texts: Texts<'a>,
}

/// What holds.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) statements: Vec<Statement>,
    /// The objectives in force.
    pub(crate) known: Known,
    /// Whether everything works.
    pub(crate) watchdog: bool,
    /// Scopes of objectives without a complete evaluation so far.
    unevaluated: HashSet<(String, String)>,
}

/// So many intervals may pass without an evaluation.
const INTERVALS: u32 = 3;

impl Question<'_> {
    /// Evaluations before this are too old.
    fn oldest_fresh(&self) -> Timestamp {
        self.now - INTERVALS * self.interval
    }

    /// How long there is no data before anybody learns of it.
    fn patience(&self) -> Duration {
        INTERVALS * self.interval
    }

    /// Reads what holds; `receivers` is what is known of them.
    pub(crate) async fn holding(&self, receivers: &[ReceiverState]) -> Result<Holding, StoreError> {
        let slas = self.store.active_slas().await?;
        let configured: Vec<&str> = receivers.iter().map(|own| own.name.as_str()).collect();
        let facts = self
            .store
            .system_facts(self.now, self.oldest_fresh(), &configured);
        let facts = facts.await?;
        let mut holding = Holding {
            statements: Vec::new(),
            known: known(&slas),
            watchdog: system::works(self, &facts),
            unevaluated: HashSet::new(),
        };
        let storm = system::no_data(self, &facts, !slas.is_empty());
        let is_storm = !storm.claims.is_empty();
        holding.statements.push(storm);
        for sla in &slas {
            self.add(sla, is_storm, &mut holding).await?;
        }
        holding
            .statements
            .push(system::pipeline(self, &facts, receivers));
        holding
            .statements
            .push(system::watchdog(self, holding.watchdog));
        Ok(holding)
    }

    async fn add(
        &self,
        sla: &Sla,
        is_storm: bool,
        holding: &mut Holding,
    ) -> Result<(), StoreError> {
        let expecting = sla.objectives.iter().filter(|objective| {
            let expect = objective.expect.as_ref();
            expect.is_some_and(|expect| expect.probability.is_some())
        });
        let expecting: Vec<&str> = expecting.map(|objective| objective.id.as_str()).collect();
        // What is evaluated is never of the future.
        let rows = self.store.evaluated_rows(sla, self.now, &expecting);
        let mut rows = rows.await?;
        let scores = match expecting.is_empty() {
            true => Default::default(),
            false => self.store.objective_scores(&self.last_day(sla)).await?,
        };
        let mut with_budget = Vec::new();
        for objective in &sla.objectives {
            let id = objective.id.to_string();
            let evaluated = rows.remove(&id);
            let is_fresh = |as_of: Timestamp| as_of >= self.oldest_fresh();
            match evaluated {
                Some(rows) if is_fresh(rows.as_of) => {
                    let judged = Judged {
                        question: self,
                        sla,
                        objective,
                        rows: &rows,
                    };
                    let scores = scores.get(&(sla.name.to_string(), id));
                    holding.statements.push(judged.violation());
                    holding.statements.push(judged.expected(scores));
                    if !is_storm {
                        holding.statements.push(judged.no_data());
                    }
                    with_budget.push((objective, rows.as_of, judged.stands()));
                }
                Some(rows) => {
                    if !is_storm {
                        let stale =
                            objective::stale(self, About::range(sla, objective), rows.as_of);
                        holding.statements.push(stale);
                    }
                }
                None => {
                    if !is_storm {
                        let unevaluated =
                            objective::unevaluated(self, About::range(sla, objective));
                        holding.statements.push(unevaluated);
                    }
                    holding.unevaluated.insert((sla.name.to_string(), id));
                }
            }
        }
        let budgets = budget::statements(self, sla, &with_budget).await?;
        holding.statements.extend(budgets);
        events::add(self, sla, is_storm, holding).await?;
        Ok(())
    }

    /// What the probabilities of the last day were worth, from the start of an hour on.
    fn last_day(&self, sla: &Sla) -> ScoreSelection {
        const HOUR: i64 = 3_600_000;
        let day_before = self.now - Duration::from_secs(86_400);
        let into_the_hour = day_before.millis().rem_euclid(HOUR).unsigned_abs();
        ScoreSelection {
            from: Some(day_before - Duration::from_millis(into_the_hour)),
            to: Some(self.now - HORIZON),
            sla: Some(sla.name.to_string()),
            metric: None,
        }
    }
}

impl Holding {
    /// Why nothing is said of a scope.
    pub(crate) fn silence(&self, scope: &Scope) -> &'static str {
        let key = scope.sla.clone().zip(scope.objective.clone());
        let is_new = key.is_some_and(|key| self.unevaluated.contains(&key));
        match is_new && scope.name != AlertName::NoData {
            true => reason::NOT_EVALUATED,
            false => reason::STALE,
        }
    }
}

fn known(slas: &[Sla]) -> Known {
    let slas = slas.iter().map(|sla| {
        let ranges = sla.objectives.iter().map(|objective| &objective.id);
        let events = sla.events.iter().map(|(_, objective)| &objective.id);
        let objectives = ranges.chain(events).map(ToString::to_string);
        (sla.name.to_string(), objectives.collect())
    });
    Known(slas.collect())
}
