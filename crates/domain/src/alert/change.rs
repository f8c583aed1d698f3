//! What was said, and what has to be said now.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use super::{
    Alert, AlertName, AlertState, Annotations, Claim, Fingerprint, Scope, Statement, Verdict,
    reason, storm,
};
use crate::{series::Labels, time::Timestamp};

/// The objectives in force, by SLA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(pub BTreeMap<String, BTreeSet<String>>);

impl Known {
    /// Why alerts of a scope have nothing to be about any more, if that is so.
    fn is_over(&self, scope: &Scope) -> Option<&'static str> {
        let objectives = match self.0.get(scope.sla.as_deref()?) {
            Some(objectives) => objectives,
            None => return Some(reason::RETIRED),
        };
        let is_there = scope
            .objective
            .as_ref()
            .is_none_or(|objective| objectives.contains(objective));
        (!is_there).then_some(reason::REMOVED)
    }
}

/// A change of an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It fires: receivers learn of it.
    Fires(Alert),
    /// It is resolved: receivers learn of it.
    Resolves(Alert),
    /// What is known of it changed; receivers of changes do not learn of it.
    Updates(Alert),
    /// It did not hold for long enough for anybody to learn of it.
    Forgets(Fingerprint),
}

/// What has to change at `now`.
///
/// `stored` are all alerts that are pending or firing, and the resolved ones that a statement claims. Where there is no
/// statement about a scope, its alerts are frozen for the reason that `silence` gives, unless what they are about is no
/// longer `known`. A statement older than the one that an alert was last said by changes nothing.
pub fn reconcile(
    stored: Vec<Alert>,
    statements: Vec<Statement>,
    known: &Known,
    silence: impl Fn(&Scope) -> &'static str,
    now: Timestamp,
) -> Vec<Change> {
    let mut by_scope: HashMap<Scope, Vec<Alert>> = HashMap::new();
    for alert in stored {
        by_scope.entry(alert.scope.clone()).or_default().push(alert);
    }
    let mut changes = Vec::new();
    for statement in statements {
        let alerts = by_scope.remove(&statement.scope).unwrap_or_default();
        Comparison::new(statement, alerts).changes(&mut changes);
    }
    let unsaid = by_scope.into_values().flatten();
    for alert in unsaid.filter(|alert| alert.state != AlertState::Resolved) {
        match known.is_over(&alert.scope) {
            Some(reason) => changes.push(resolved(alert, now, Some(reason))),
            None => {
                let reason = silence(&alert.scope);
                changes.extend(frozen(alert, reason));
            }
        }
    }
    changes
}

/// One statement and the alerts of its scope.
struct Comparison {
    statement: Statement,
    open: Vec<Alert>,
    resolved: HashMap<Fingerprint, Alert>,
}

impl Comparison {
    fn new(statement: Statement, alerts: Vec<Alert>) -> Self {
        let (resolved, open): (Vec<_>, Vec<_>) = alerts
            .into_iter()
            .partition(|alert| alert.state == AlertState::Resolved);
        let resolved = resolved
            .into_iter()
            .map(|alert| (alert.fingerprint, alert))
            .collect();
        Self {
            statement,
            open,
            resolved,
        }
    }

    fn changes(mut self, changes: &mut Vec<Change>) {
        let claims = self.divided();
        let claimed: HashSet<Fingerprint> = claims.iter().map(Claim::fingerprint).collect();
        let (mut matching, unclaimed): (HashMap<_, _>, Vec<_>) = {
            let open = std::mem::take(&mut self.open);
            let (matching, unclaimed): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|alert| claimed.contains(&alert.fingerprint));
            let matching = matching.into_iter();
            let matching = matching.map(|alert| (alert.fingerprint, alert)).collect();
            (matching, unclaimed)
        };
        for claim in claims {
            let fingerprint = claim.fingerprint();
            let change = match matching.remove(&fingerprint) {
                Some(alert) if alert.as_of > self.statement.as_of => None,
                Some(alert) => self.again(alert, claim),
                None => self.first(fingerprint, claim),
            };
            changes.extend(change);
        }
        for alert in unclaimed {
            if alert.as_of <= self.statement.as_of {
                changes.extend(self.unclaimed(alert));
            }
        }
    }

    /// The claims, those of many series as one.
    fn divided(&mut self) -> Vec<Claim> {
        let claims = std::mem::take(&mut self.statement.claims);
        let Some((labels, annotations)) = &self.statement.group else {
            return claims;
        };
        let firing = self.open.iter();
        let firing = firing.filter(|alert| alert.state == AlertState::Firing);
        let open: BTreeSet<Fingerprint> = firing.clone().map(|alert| alert.fingerprint).collect();
        let is_grouped = firing.clone().any(|alert| storm::is_rest(alert, labels));
        let silent = &self.statement.silent;
        let is_silent = |alert: &&Alert| alert.series.is_some_and(|own| silent.contains(&own));
        let silent = firing.filter(is_silent).count();
        storm::divide(claims, (labels, annotations), &open, silent, is_grouped)
    }

    /// What a claim makes of an alert that is pending or firing.
    fn again(&self, alert: Alert, claim: Claim) -> Option<Change> {
        match claim.verdict {
            Verdict::Unknown(reason) => {
                let mut annotations = claim.annotations;
                let before = alert.annotations.get("unmeasured_since").cloned();
                if alert.frozen
                    && let Some(before) = before
                {
                    annotations.insert("unmeasured_since".to_owned(), before);
                }
                let said = Alert {
                    annotations: [&alert.annotations, &annotations]
                        .into_iter()
                        .flat_map(|texts| texts.clone())
                        .collect(),
                    ..alert
                };
                frozen(said, reason)
            }
            Verdict::Holds { since, frozen } => {
                let began = since.map_or(alert.since, |since| since.min(alert.since));
                let is_first = alert.state == AlertState::Pending;
                // A firing alert keeps the time that receivers know.
                let since = if is_first { began } else { alert.since };
                let is_later = self.statement.as_of > alert.as_of;
                let holds = self.statement.as_of.since(began) >= self.statement.hold
                    && (!self.statement.twice || is_later);
                let frozen = frozen.or_else(|| self.frozen_without_data());
                let said = Alert {
                    annotations: with_since(claim.annotations, since),
                    frozen: frozen.is_some(),
                    reason: frozen.map(str::to_owned),
                    since,
                    as_of: self.statement.as_of,
                    series: claim.series,
                    ..alert
                };
                if is_first && holds {
                    return Some(Change::Fires(self.fired(said)));
                }
                Some(Change::Updates(said))
            }
        }
    }

    /// What a claim makes of an alert that nobody knows of now.
    fn first(&self, fingerprint: Fingerprint, claim: Claim) -> Option<Change> {
        let Verdict::Holds { since, frozen } = claim.verdict else {
            return None;
        };
        let as_of = self.statement.as_of;
        let before = self.resolved.get(&fingerprint);
        if before.is_some_and(|before| before.as_of > as_of) {
            return None;
        }
        let resolved_at = before.and_then(|before| before.resolved_at);
        // Of a series that fell silent there is nothing new to say once its alert was resolved.
        let is_over = since
            .zip(resolved_at)
            .is_some_and(|(since, resolved_at)| since <= resolved_at);
        if is_over && frozen == Some(reason::SILENT) {
            return None;
        }
        // What began before it was resolved begins anew.
        let since = since.filter(|_| !is_over).unwrap_or(as_of);
        let frozen = frozen.or_else(|| self.frozen_without_data());
        let alert = Alert {
            fingerprint,
            scope: self.statement.scope.clone(),
            annotations: with_since(claim.annotations, since),
            labels: claim.labels,
            series: claim.series,
            state: AlertState::Pending,
            frozen: frozen.is_some(),
            since,
            as_of,
            resolved_at,
            reason: frozen.map(str::to_owned),
        };
        let holds = as_of.since(since) >= self.statement.hold && !self.statement.twice;
        Some(match holds {
            true => Change::Fires(self.fired(alert)),
            false => Change::Updates(alert),
        })
    }

    /// The alert as it fires: its firing has a second of its own, by which receivers know it from the one before.
    fn fired(&self, alert: Alert) -> Alert {
        let before = self.resolved.get(&alert.fingerprint);
        let before = before.map(|before| before.since);
        let next = before.map(|before| before.floor_to_second() + Duration::from_secs(1));
        let since = next.map_or(alert.since, |next| next.max(alert.since));
        Alert {
            annotations: with_since(alert.annotations, since),
            state: AlertState::Firing,
            since,
            ..alert
        }
    }

    /// Why what is claimed is frozen where nothing stands. That nothing does is known.
    fn frozen_without_data(&self) -> Option<&'static str> {
        let Statement { stands, scope, .. } = &self.statement;
        (!stands && scope.name != AlertName::NoData).then_some(reason::NO_DATA)
    }

    /// What becomes of an alert that the statement does not claim.
    fn unclaimed(&self, alert: Alert) -> Option<Change> {
        let Statement {
            as_of,
            listed,
            silent,
            ended,
            stands,
            ..
        } = &self.statement;
        if self.has_other_severity(&alert) {
            return Some(resolved(alert, *as_of, Some(reason::SEVERITY)));
        }
        if alert.series.is_some_and(|series| ended.contains(&series)) {
            return Some(resolved(alert, *as_of, Some(reason::ENDED)));
        }
        if !stands {
            return frozen(alert, reason::NO_DATA);
        }
        // Any silent series may be one that the alert of many stands for.
        let is_silent = match alert.series {
            Some(series) => silent.contains(&series),
            None => !silent.is_empty() && self.stands_for_the_rest(&alert),
        };
        if is_silent {
            return frozen(alert, reason::SILENT);
        }
        let is_listed = match (&alert.series, listed) {
            (Some(series), Some(listed)) => listed.contains(series),
            _ => true,
        };
        let reason = (!is_listed).then_some(reason::GONE);
        Some(resolved(alert, *as_of, reason))
    }

    fn stands_for_the_rest(&self, alert: &Alert) -> bool {
        let group = self.statement.group.as_ref();
        group.is_some_and(|(labels, _)| storm::is_rest(alert, labels))
    }

    /// Whether an alert would be the same now but for its severity.
    fn has_other_severity(&self, alert: &Alert) -> bool {
        let is_own = |(name, value): (&String, &String)| alert.labels.0.get(name) == Some(value);
        let is_severity = |name: &String| SEVERITIES.contains(&name.as_str());
        let is_like = |own: &&Labels| {
            let mut labels = own.0.iter();
            labels.all(|label| is_severity(label.0) || is_own(label))
        };
        let like: Vec<&Labels> = self.statement.identities.iter().filter(is_like).collect();
        !like.is_empty() && !like.iter().any(|own| own.0.iter().all(is_own))
    }
}

/// The labels that say how urgent an alert is.
const SEVERITIES: [&str; 2] = ["severity", "slacast_severity"];

fn with_since(mut annotations: Annotations, since: Timestamp) -> Annotations {
    annotations.insert("since".to_owned(), since.to_string());
    annotations
}

fn resolved(alert: Alert, at: Timestamp, reason: Option<&str>) -> Change {
    if alert.state == AlertState::Pending {
        return Change::Forgets(alert.fingerprint);
    }
    let mut annotations = alert.annotations;
    annotations.remove("unmeasured_since");
    match reason {
        Some(reason) => drop(annotations.insert("reason".to_owned(), reason.to_owned())),
        None => drop(annotations.remove("reason")),
    }
    Change::Resolves(Alert {
        annotations,
        state: AlertState::Resolved,
        frozen: false,
        // Nothing is over before it began.
        resolved_at: Some(at.max(alert.since)),
        as_of: at.max(alert.as_of),
        reason: reason.map(str::to_owned),
        ..alert
    })
}

/// A firing alert of which nothing is known now. One that is pending waits as it is.
fn frozen(alert: Alert, reason: &str) -> Option<Change> {
    let is_so = alert.frozen && alert.reason.as_deref() == Some(reason);
    if alert.state != AlertState::Firing || is_so {
        return None;
    }
    let mut annotations = alert.annotations;
    annotations.insert("reason".to_owned(), reason.to_owned());
    Some(Change::Updates(Alert {
        annotations,
        frozen: true,
        reason: Some(reason.to_owned()),
        ..alert
    }))
}
