//! What the budgets of an SLA say: they burn too fast, or will be gone soon.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    SpanSet, Timestamp,
    alert::{AlertName, Claim, Scope, Statement, Verdict, reason},
    budget::{Account, Alert, Budget, BudgetCalculator, ObjectiveBudgets},
    duration,
    sla::{Objective, Severity, Sla},
};
use store::{StoreError, sla::SeriesHistory};

use super::{
    Question,
    objective::labels,
    texts::{number, with},
};

/// An objective that was evaluated, when, and whether a sample stood.
type Evaluated<'a> = (&'a Objective, Timestamp, bool);

/// The longest of the usual windows whose burn is looked at.
const LONGEST_BURN: Duration = Duration::from_secs(3 * 86_400);
/// Objectives whose history is read at once.
const AT_ONCE: usize = 16;

/// The statements about the budgets of these objectives, and of those without one: that nothing burns.
pub(super) async fn statements(
    question: &Question<'_>,
    sla: &Sla,
    evaluated: &[Evaluated<'_>],
) -> Result<Vec<Statement>, StoreError> {
    let (with_target, without): (Vec<Evaluated<'_>>, Vec<_>) = evaluated
        .iter()
        .copied()
        .partition(|(objective, ..)| objective.target.is_some());
    let mut statements = Vec::new();
    for (objective, as_of, _) in without {
        for name in [AlertName::BudgetBurn, AlertName::Exhaustion] {
            let scope = Scope::of(name, &sla.name, &objective.id);
            statements.push(Statement::new(scope, as_of, Vec::new()));
        }
    }
    if with_target.is_empty() {
        return Ok(statements);
    }
    let store = question.store;
    let versions = store.version_times(&sla.name).await?;
    let excluded = store.excluded_time(&sla.name).await?;
    for chunk in with_target.chunks(AT_ONCE) {
        let ids: Vec<&str> = chunk.iter().map(|(own, ..)| own.id.as_str()).collect();
        let since = chunk.iter().map(|(own, as_of, _)| begins(own, *as_of));
        let since = since.min().unwrap_or(question.now);
        let histories = store.histories(&sla.name, &ids, since).await?;
        for (objective, as_of, stands) in chunk {
            let calculator = BudgetCalculator::new(&versions, *as_of);
            let excluded = excluded.of(&objective.id);
            let budget = rolled_up(&calculator, objective, &histories, excluded);
            statements.push(burns(question, sla, (objective, *as_of, *stands), &budget));
            statements.push(exhaustion(
                question,
                sla,
                (objective, *as_of, *stands),
                &budget,
            ));
        }
    }
    Ok(statements)
}

/// From when on the budget has to be known: all of it, where somebody wants to know when it will be gone.
fn begins(objective: &Objective, as_of: Timestamp) -> Timestamp {
    let begins = Account::begins(&objective.terms(), as_of);
    if expected(objective).is_some() {
        return begins;
    }
    let own = objective.alerts.iter().flatten().map(|pair| pair.long);
    let longest = own.chain([LONGEST_BURN]).max().unwrap_or(LONGEST_BURN);
    begins.max(as_of - longest)
}

fn expected(objective: &Objective) -> Option<Duration> {
    objective.expect.as_ref()?.exhausted_in
}

fn rolled_up(
    calculator: &BudgetCalculator,
    objective: &Objective,
    histories: &[SeriesHistory],
    excluded: &SpanSet,
) -> Budget {
    let own = histories
        .iter()
        .filter(|history| history.objective == objective.id);
    let recorded = own.map(|history| (&history.labels, &history.versions));
    let ObjectiveBudgets { rolled_up, .. } =
        calculator.budgets(&objective.terms(), recorded, excluded);
    rolled_up
}

/// The burn-rate alerts: one for the pairs of each severity.
fn burns(
    question: &Question<'_>,
    sla: &Sla,
    (objective, as_of, stands): Evaluated<'_>,
    budget: &Budget,
) -> Statement {
    let mut by_severity: BTreeMap<Severity, Vec<&Alert>> = BTreeMap::new();
    for pair in &budget.alerts {
        by_severity.entry(pair.severity).or_default().push(pair);
    }
    let claims = by_severity.into_iter().filter_map(|(severity, pairs)| {
        let burn = |pair: &Alert| budget.burn.of_window(&pair.long);
        let above = |pair: &Alert| burn(pair).map_or(0.0, |burn| burn / pair.factor);
        let firing = pairs.iter().filter(|pair| pair.firing && !pair.frozen);
        let furthest = firing.max_by(|one, other| above(one).total_cmp(&above(other)));
        let labels = labels(sla, objective, AlertName::BudgetBurn, severity.word(), None);
        let of = |summary| question.texts.of_objective(sla, objective, summary);
        if let Some(pair) = furthest {
            let burn = burn(pair).unwrap_or_default();
            let summary = format!(
                "the error budget of `{}` of SLA `{}` burns {} times as fast as it may over {} and {}; {} is the limit",
                objective.id,
                sla.name,
                number(burn),
                pair.long,
                pair.short,
                number(pair.factor)
            );
            return Some(Claim::holds(labels, None, with(of(summary), "value", number(burn))));
        }
        pairs.iter().find(|pair| pair.frozen).map(|pair| {
            let summary = format!(
                "less than half of {} or {} is measured of `{}` of SLA `{}`",
                pair.long, pair.short, objective.id, sla.name
            );
            Claim {
                labels,
                series: None,
                verdict: Verdict::Unknown(reason::UNMEASURED),
                annotations: with(
                    of(summary),
                    "unmeasured_since",
                    pair.unmeasured_since.unwrap_or(as_of),
                ),
            }
        })
    });
    let scope = Scope::of(AlertName::BudgetBurn, &sla.name, &objective.id);
    Statement {
        stands,
        ..Statement::new(scope, as_of, claims.collect())
    }
}

/// That the budget will be gone before the time that somebody wants to know of.
fn exhaustion(
    question: &Question<'_>,
    sla: &Sla,
    (objective, as_of, stands): Evaluated<'_>,
    budget: &Budget,
) -> Statement {
    let left = budget.exhaustion_seconds;
    let soon = expected(objective)
        .zip(left)
        .filter(|(within, left)| *left <= within.as_secs_f64());
    let name = AlertName::Exhaustion;
    let claim = soon.map(|(within, left)| {
        let when = match left <= 0.0 {
            true => "is gone".to_owned(),
            false => format!(
                "will be gone in {} at the pace of the last hour; {} is the limit",
                duration::format(Duration::from_secs(left as u64)),
                duration::format(within)
            ),
        };
        let summary = format!(
            "the error budget of `{}` of SLA `{}` {when}",
            objective.id, sla.name
        );
        let texts = question.texts.of_objective(sla, objective, summary);
        let labels = labels(sla, objective, name, Severity::Ticket.word(), None);
        Claim::holds(labels, None, with(texts, "value", number(left)))
    });
    let scope = Scope::of(name, &sla.name, &objective.id);
    Statement {
        stands,
        ..Statement::new(scope, as_of, claim.into_iter().collect())
    }
}
