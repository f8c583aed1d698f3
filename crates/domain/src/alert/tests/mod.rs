mod delivery;
mod identity;
mod interleaving;
mod reconciling;
mod storms;

use std::{collections::BTreeSet, time::Duration};

use super::*;
use crate::{
    series::{Labels, Series, SeriesId},
    time::Timestamp,
};

/// So many seconds after a time that is nobody's.
fn at(seconds: u64) -> Timestamp {
    Timestamp::EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn scope() -> Scope {
    Scope::of(AlertName::Violation, "web", "cpu")
}

fn series_labels(node: usize) -> Labels {
    [("node", node.to_string())].into_iter().collect()
}

fn series_id(node: usize) -> SeriesId {
    let series = Series {
        metric: "cpuUsage".parse().unwrap(),
        labels: series_labels(node),
    };
    series.id()
}

fn labels(node: Option<usize>, severity: &str) -> Labels {
    let series = node.map(series_labels);
    let identity = Identity {
        sla: Some("web"),
        objective: Some("cpu"),
        series: series.as_ref(),
        ..Identity::of_system(AlertName::Violation, severity)
    };
    identity.labels()
}

fn claim(node: usize, verdict: Verdict) -> Claim {
    Claim {
        labels: labels(Some(node), "page"),
        series: Some(series_id(node)),
        verdict,
        annotations: Annotations::new(),
    }
}

fn holds(node: usize, since: u64) -> Claim {
    let since = Some(at(since));
    claim(
        node,
        Verdict::Holds {
            since,
            frozen: None,
        },
    )
}

/// An evaluation that lists `listed` series, of which these claims are made.
fn statement(as_of: u64, listed: usize, claims: Vec<Claim>) -> Statement {
    Statement {
        identities: vec![labels(None, "page")],
        listed: Some((0..listed).map(series_id).collect()),
        group: Some((beside_all(labels(None, "page")), Annotations::new())),
        ..Statement::new(scope(), at(as_of), claims)
    }
}

fn known() -> Known {
    let objectives = BTreeSet::from(["cpu".to_owned()]);
    Known([("web".to_owned(), objectives)].into())
}

/// What is stored, as the store keeps it.
#[derive(Clone, Default)]
struct Stored(Vec<Alert>);

impl Stored {
    fn compare(&mut self, statements: Vec<Statement>, now: u64) -> Vec<Change> {
        let changes = reconcile(
            self.0.clone(),
            statements,
            &known(),
            |_| reason::STALE,
            at(now),
        );
        for change in &changes {
            self.apply(change);
        }
        changes
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Fires(alert) | Change::Resolves(alert) | Change::Updates(alert) => {
                self.0.retain(|own| own.fingerprint != alert.fingerprint);
                self.0.push(alert.clone());
            }
            Change::Forgets(fingerprint) => self.0.retain(|own| own.fingerprint != *fingerprint),
        }
    }

    fn firing(&self) -> usize {
        let firing = self.0.iter();
        firing.filter(|own| own.state == AlertState::Firing).count()
    }
}

/// The changes as receivers see them: what, since when in seconds, and why.
fn told(changes: &[Change]) -> Vec<(&'static str, i64, Option<&str>)> {
    let since = |alert: &Alert| (alert.since.millis() - at(0).millis()) / 1000;
    let seen = changes.iter().filter_map(|change| match change {
        Change::Fires(alert) => Some(("firing", since(alert), alert.reason.as_deref())),
        Change::Resolves(alert) => Some(("resolved", since(alert), alert.reason.as_deref())),
        Change::Updates(_) | Change::Forgets(_) => None,
    });
    seen.collect()
}
