//! What the budgets of an SLA say: they burn too fast, or will be gone soon.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Labels, SeriesId, SpanSet, Timestamp,
    alert::{AlertName, Annotations, Claim, Identity, Scope, Statement, Verdict, reason},
    budget::{Account, Alert, Budget, BudgetCalculator, Burn, ObjectiveBudgets},
    duration,
    sla::{Objective, Severity, Sla},
};
use store::{StoreError, sla::SeriesHistory};

use super::{
    About, Question,
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
    let excluded = store.excluded_time(&sla.name, question.now).await?;
    for chunk in with_target.chunks(AT_ONCE) {
        let ids: Vec<&str> = chunk.iter().map(|(own, ..)| own.id.as_str()).collect();
        let since = chunk.iter().map(|(own, as_of, _)| begins(own, *as_of));
        let since = since.min().unwrap_or(question.now);
        let histories = store.histories(&sla.name, &ids, since).await?;
        for (objective, as_of, stands) in chunk {
            let calculator = BudgetCalculator::new(&versions, *as_of);
            let excluded = excluded.of(&objective.id);
            let budget = rolled_up(&calculator, objective, &histories, excluded);
            let about = About::range(sla, objective);
            let burning = Burning {
                alerts: &budget.alerts,
                burn: &budget.burn,
                group: None,
            };
            let burns = burns(question, about, burning);
            let period = objective.terms().window.period(*as_of);
            let within = expected(objective).filter(|_| !period.has_just_begun(*as_of));
            let exhaustion = exhaustion(question, about, within, budget.exhaustion_seconds);
            let identities = identities(about, &budget.alerts);
            for (name, claims, identities) in [
                (AlertName::BudgetBurn, burns, identities),
                (AlertName::Exhaustion, exhaustion, Vec::new()),
            ] {
                let scope = Scope::of(name, &sla.name, &objective.id);
                statements.push(Statement {
                    stands: *stands,
                    identities,
                    ..Statement::new(scope, *as_of, claims)
                });
            }
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

/// What burns: a budget's alerts, of all series together or of one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burning<'a> {
    pub(super) alerts: &'a [Alert],
    pub(super) burn: &'a Burn,
    /// The group, where it is about one of several.
    pub(super) group: Option<(SeriesId, &'a Labels)>,
}

/// Pairs that are one alert.
type Together<'a> = (Severity, Option<&'a str>, &'a Labels);

fn together(pair: &Alert) -> Together<'_> {
    (pair.severity, pair.name.as_deref(), &pair.labels)
}

/// The labels of pairs that are one alert, of all events or series together or of one group.
fn identity(about: About<'_>, pairs: Together<'_>, group: Option<&Labels>) -> Labels {
    let (severity, called, given) = pairs;
    let identity = Identity {
        called,
        sla: Some(about.sla),
        objective: Some(about.id),
        given: Some(given),
        series: group,
        ..Identity::of_system(AlertName::BudgetBurn, severity.word())
    };
    identity.labels()
}

/// What the alerts of these pairs are known by, without the labels of groups.
pub(super) fn identities(about: About<'_>, pairs: &[Alert]) -> Vec<Labels> {
    let pairs = pairs.iter();
    pairs
        .map(|pair| identity(about, together(pair), None))
        .collect()
}

/// The burn-rate alerts: one for the pairs of each severity, name and labels.
pub(super) fn burns(question: &Question<'_>, about: About<'_>, burning: Burning<'_>) -> Vec<Claim> {
    let mut all: BTreeMap<Together<'_>, Vec<&Alert>> = BTreeMap::new();
    for pair in burning.alerts {
        all.entry(together(pair)).or_default().push(pair);
    }
    let claims = all.into_iter().filter_map(|(together, pairs)| {
        let group = burning.group.map(|(_, labels)| labels);
        let (verdict, annotations) = verdict(question, about, burning, &pairs)?;
        Some(Claim {
            labels: identity(about, together, group),
            series: burning.group.map(|(id, _)| id),
            verdict,
            annotations,
        })
    });
    claims.collect()
}

/// What is to say of pairs that are one alert; `None` if none of them fires.
fn verdict(
    question: &Question<'_>,
    about: About<'_>,
    burning: Burning<'_>,
    pairs: &[&Alert],
) -> Option<(Verdict, Annotations)> {
    let burn = |pair: &Alert| burning.burn.of_window(&pair.long);
    let above = |pair: &Alert| burn(pair).map_or(0.0, |burn| burn / pair.factor);
    let firing = pairs.iter().filter(|pair| pair.firing && !pair.frozen);
    let furthest = firing.max_by(|one, other| above(one).total_cmp(&above(other)));
    let texts = |pair: &Alert, summary| {
        let mut texts = question.texts.of_objective(about, summary);
        for (name, text) in &pair.annotations.0 {
            texts.entry(name.clone()).or_insert_with(|| text.clone());
        }
        texts
    };
    let of = match burning.group {
        Some((_, labels)) => format!("`{}` of SLA `{}` for {labels}", about.id, about.sla),
        None => format!("`{}` of SLA `{}`", about.id, about.sla),
    };
    if let Some(pair) = furthest {
        let burn = burn(pair).unwrap_or_default();
        let summary = format!(
            "the error budget of {of} burns {} times as fast as it may over {} and {}; {} is the limit",
            number(burn),
            pair.long,
            pair.short,
            number(pair.factor)
        );
        let holds = Verdict::Holds {
            since: None,
            frozen: None,
        };
        return Some((holds, with(texts(pair, summary), "value", number(burn))));
    }
    // One that never was measured, as that of the longest windows of a new SLA, keeps no other from its end.
    let fired = pairs.iter().find(|pair| pair.frozen && pair.firing);
    let all_are_frozen = pairs.iter().all(|pair| pair.frozen);
    let pair = fired.or_else(|| pairs.first().filter(|_| all_are_frozen))?;
    let summary = format!(
        "less than half of {} or {} is measured of {of}",
        pair.long, pair.short
    );
    let mut texts = texts(pair, summary);
    if let Some(since) = pair.unmeasured_since {
        texts = with(texts, "unmeasured_since", since);
    }
    Some((Verdict::Unknown(reason::UNMEASURED), texts))
}

/// That the budget will be gone before the time that somebody wants to know of: `within`, where it is gone in
/// `left_seconds` at the pace of the last hour.
pub(super) fn exhaustion(
    question: &Question<'_>,
    about: About<'_>,
    within: Option<Duration>,
    left_seconds: Option<f64>,
) -> Vec<Claim> {
    let soon = within
        .zip(left_seconds)
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
            about.id, about.sla
        );
        let texts = question.texts.of_objective(about, summary);
        let labels = labels(about, name, Severity::Ticket.word(), None);
        Claim::holds(labels, None, with(texts, "value", number(left)))
    });
    claim.into_iter().collect()
}
