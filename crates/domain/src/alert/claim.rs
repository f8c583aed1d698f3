use std::{collections::BTreeSet, time::Duration};

use super::{Annotations, Fingerprint, Scope, storm};
use crate::{
    series::{Labels, SeriesId},
    time::Timestamp,
};

/// What an evaluation says of one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The identity.
    pub labels: Labels,
    /// The series, where it is about one.
    pub series: Option<SeriesId>,
    /// What is said.
    pub verdict: Verdict,
    /// What people read of it.
    pub annotations: Annotations,
}

/// Whether an alert holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds {
        /// Since when; `None`: since this evaluation, or an earlier one that said so as well.
        since: Option<Timestamp>,
        /// Why it is frozen, where nothing newer is known of it.
        frozen: Option<&'static str>,
    },
    /// It cannot be known now: it neither fires nor resolves.
    Unknown(&'static str),
}

/// What one complete evaluation says of everything in a scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is about.
    pub scope: Scope,
    /// When it looked.
    pub as_of: Timestamp,
    /// The labels that the scope's alerts have now, without those of series. An alert that differs from these by its severity
    /// alone is resolved for that. Empty where no version changes the severity.
    pub identities: Vec<Labels>,
    /// What it says, each identity once.
    pub claims: Vec<Claim>,
    /// Every series that it lists; `None` where it is not about series.
    pub listed: Option<BTreeSet<SeriesId>>,
    /// Series of which it says nothing else: what was said of them stays.
    pub silent: BTreeSet<SeriesId>,
    /// Series that have ended.
    pub ended: BTreeSet<SeriesId>,
    /// Whether a sample stands of any series. If none does, nothing resolves.
    pub stands: bool,
    /// How long a claim has to hold before anybody learns of it.
    pub hold: Duration,
    /// Whether a claim has to hold in two evaluations, one after the other.
    pub twice: bool,
    /// Labels without those of a series, and what people read of an alert that stands for many series; `None` where each has
    /// its own, however many there are.
    pub group: Option<(Labels, Annotations)>,
}

impl Statement {
    /// That everything is as `claims` say.
    pub fn new(scope: Scope, as_of: Timestamp, claims: Vec<Claim>) -> Self {
        Self {
            scope,
            as_of,
            identities: Vec::new(),
            claims,
            listed: None,
            silent: BTreeSet::new(),
            ended: BTreeSet::new(),
            stands: true,
            hold: Duration::ZERO,
            twice: false,
            group: None,
        }
    }

    /// Every alert that it may say holds: those of its claims, and those that stand for many of them.
    pub fn fingerprints(&self) -> BTreeSet<Fingerprint> {
        let holds = |claim: &&Claim| matches!(claim.verdict, Verdict::Holds { .. });
        let claims = self.claims.iter().filter(holds);
        let severities: BTreeSet<&str> = claims.clone().map(storm::severity).collect();
        let rest = self.group.iter().flat_map(|(labels, _)| {
            let of = severities.iter().map(|own| storm::rest(labels, own));
            of.map(|labels| Fingerprint::of(&labels))
        });
        claims.map(Claim::fingerprint).chain(rest).collect()
    }
}

impl Claim {
    /// That an alert holds since a time, or since this evaluation.
    pub fn holds(labels: Labels, since: Option<Timestamp>, annotations: Annotations) -> Self {
        Self {
            labels,
            series: None,
            verdict: Verdict::Holds {
                since,
                frozen: None,
            },
            annotations,
        }
    }

    /// Of the alert.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }
}
