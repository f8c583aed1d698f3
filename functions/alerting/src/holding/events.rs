//! What the objectives of events say: their budgets burn too fast or will be gone soon, or nothing is measured.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Timestamp,
    alert::{AlertName, Claim, Scope, Statement, beside_all, reason},
    sla::{EventsObjective, Sla},
};
use store::{
    StoreError,
    slices::budgets::{CountedBudgets, GroupBudget},
};

use super::{
    About, Holding, Question,
    budget::{Burning, burns, exhaustion, identities},
    objective::{self, labels},
    texts::with,
};

/// A counter stands for 5 minutes: so much is measured of what is there.
const MEASURED: Duration = Duration::from_secs(5 * 60);

/// Adds the statements about the objectives of events of an SLA.
pub(super) async fn add(
    question: &Question<'_>,
    sla: &Sla,
    is_storm: bool,
    holding: &mut Holding,
) -> Result<(), StoreError> {
    if sla.events.is_empty() {
        return Ok(());
    }
    let store = question.store;
    let newest = store.newest_evaluations(sla, question.now).await?;
    let excluded = store.excluded_time(&sla.name, question.now).await?;
    for (_, objective) in &sla.events {
        let about = About::events(sla, objective);
        match newest.get(objective.id.as_str()) {
            Some(as_of) if *as_of >= question.oldest_fresh() => {
                let excluded = (excluded.of(&objective.id), *as_of);
                let read =
                    CountedBudgets::read(store, &sla.name, objective, Some(*as_of), excluded);
                let counted = Counted {
                    question,
                    about,
                    objective,
                    as_of: *as_of,
                    budgets: read.await?,
                };
                holding.statements.push(counted.burns());
                holding.statements.push(counted.exhaustion());
                if !is_storm {
                    holding.statements.push(counted.no_data());
                }
            }
            Some(as_of) => {
                if !is_storm {
                    let stale = objective::stale(question, about, *as_of);
                    holding.statements.push(stale);
                }
            }
            None => {
                if !is_storm {
                    let unevaluated = objective::unevaluated(question, about);
                    holding.statements.push(unevaluated);
                }
                let id = (sla.name.to_string(), objective.id.to_string());
                holding.unevaluated.insert(id);
            }
        }
    }
    Ok(())
}

/// An objective of events and its newest complete evaluation, which is fresh.
struct Counted<'a> {
    question: &'a Question<'a>,
    about: About<'a>,
    objective: &'a EventsObjective,
    as_of: Timestamp,
    budgets: CountedBudgets,
}

impl Counted<'_> {
    /// Whether anything was measured of late.
    fn stands(&self) -> bool {
        let recent = self.as_of - MEASURED;
        let groups = &self.budgets.groups;
        groups
            .iter()
            .any(|group| group.last_measured > Some(recent))
    }

    fn statement(&self, name: AlertName, claims: Vec<Claim>) -> Statement {
        let scope = Scope::of(name, self.about.sla, self.about.id);
        Statement {
            stands: self.stands(),
            ..Statement::new(scope, self.as_of, claims)
        }
    }

    /// What burns: of all events together, and of each group where there are several.
    fn burns(&self) -> Statement {
        let all = Burning {
            alerts: &self.budgets.all.alerts,
            burn: &self.budgets.all.burn,
            group: None,
        };
        let mut claims = burns(self.question, self.about, all);
        let groups: &[GroupBudget] = if self.objective.by.is_empty() {
            &[]
        } else {
            &self.budgets.groups
        };
        for group in groups.iter().filter(|group| !group.is_ended) {
            let own = Burning {
                alerts: &group.budget.alerts,
                burn: &group.budget.burn,
                group: Some((group.id, &group.labels)),
            };
            claims.extend(burns(self.question, self.about, own));
        }
        let texts = self.question.texts.of_objective(self.about, String::new());
        let many = beside_all(labels(self.about, AlertName::BudgetBurn, "page", None));
        let ended = groups.iter().filter(|group| group.is_ended);
        let ended: BTreeSet<_> = ended.map(|group| group.id).collect();
        Statement {
            identities: identities(self.about, &self.budgets.all.alerts),
            listed: Some(groups.iter().map(|group| group.id).collect()),
            ended,
            group: Some((many, texts)),
            ..self.statement(AlertName::BudgetBurn, claims)
        }
    }

    /// That the budget will be gone soon, where enough bad events say so.
    fn exhaustion(&self) -> Statement {
        let all = &self.budgets.all;
        let period = self.objective.budget_window.period(self.as_of);
        let says_something =
            all.bad_of_last_hour >= self.objective.min_bad && !period.has_just_begun(self.as_of);
        let within = self.objective.expect.as_ref();
        let within = within.filter(|_| says_something);
        let within = within.and_then(|expect| expect.exhausted_in);
        let claims = exhaustion(self.question, self.about, within, all.exhaustion_seconds);
        self.statement(AlertName::Exhaustion, claims)
    }

    /// That no counter stands.
    fn no_data(&self) -> Statement {
        let mut claims = Vec::new();
        if !self.stands() {
            let summary = format!(
                "no event of `{}` of SLA `{}` can be counted: none of its counters has a sample",
                self.about.id, self.about.sla
            );
            let texts = self.question.texts.of_objective(self.about, summary);
            let labels = labels(self.about, AlertName::NoData, "ticket", None);
            claims.push(Claim::holds(
                labels,
                None,
                with(texts, "reason", reason::NO_DATA),
            ));
        }
        let scope = Scope::of(AlertName::NoData, self.about.sla, self.about.id);
        Statement {
            hold: self.question.patience(),
            ..Statement::new(scope, self.as_of, claims)
        }
    }
}
