//! The SLA objectives a run judges: read from MySQL, or the ones read last while MySQL is away.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{
    MetricName, Timestamp,
    message::{EvaluatedObjective, EvaluationOutcome, Failure},
    sla::{EventsObjective, Objective, ObjectiveId, Sla, SlaName},
};
use store::{Store, StoreError, sla::EvaluatedRows};

/// An objective of the SLA version in force when a run starts.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveObjective {
    /// The SLA's name.
    pub sla: SlaName,
    /// Its version.
    pub version: u32,
    /// The objective.
    pub objective: Objective,
}

/// An objective of events of the SLA version in force when a run starts.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveEvents {
    /// The SLA's name.
    pub sla: SlaName,
    /// Its version.
    pub version: u32,
    /// The objective.
    pub objective: EventsObjective,
}

impl ActiveEvents {
    /// What its series are called: `SLA/OBJECTIVE`.
    pub fn metric(&self) -> MetricName {
        MetricName::of_objective(&self.sla, &self.objective.id)
    }

    /// What a run's record says of it.
    pub(crate) fn evaluated(&self, outcome: EvaluationOutcome) -> EvaluatedObjective {
        EvaluatedObjective {
            sla: self.sla.clone(),
            version: self.version,
            objective: self.objective.id.clone(),
            outcome,
            ended_until: None,
        }
    }
}

impl ActiveObjective {
    /// Whether it is about a query of its own.
    pub fn has_query(&self) -> bool {
        self.objective.query.is_some()
    }

    /// SLA, version and id: its key.
    pub fn name(&self) -> (SlaName, u32, ObjectiveId) {
        let id = self.objective.id.clone();
        (self.sla.clone(), self.version, id)
    }
}

/// Where the objectives come from.
#[derive(Debug)]
pub struct Objectives {
    store: Store,
    last: Mutex<Option<Vec<Sla>>>,
}

/// A run must not wait longer for a database that is away.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

impl Objectives {
    /// Nothing is read yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            last: Mutex::new(None),
        }
    }

    /// The SLAs in force, those that were made first at the front. While MySQL is away: those read last, if any, and a failure that says so.
    pub async fn current(&self) -> (Vec<Sla>, Option<Failure>) {
        let read = tokio::time::timeout(PATIENCE, self.oldest_first()).await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = match read {
            Ok(Ok(slas)) => {
                *last = Some(slas.clone());
                return (slas, None);
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the objectives cannot be read"
                );
                unreadable(&error)
            }
            Err(_) => "MySQL does not answer".to_owned(),
        };
        let (slas, instead) = match &*last {
            Some(slas) => (slas.clone(), "the objectives read last are used"),
            None => (Vec::new(), "this run judges no objective"),
        };
        let failure = Failure::new("objectives", format!("{reason}: {instead}"));
        (slas, Some(failure))
    }
}

impl Objectives {
    /// The newest complete evaluation of each objective of a version of an SLA, at or before `as_of`; `None` if it cannot be
    /// read.
    pub(crate) async fn last_evaluation(
        &self,
        sla: &Sla,
        as_of: Timestamp,
    ) -> Option<BTreeMap<String, EvaluatedRows>> {
        let read = self.store.evaluated_rows(sla, as_of, &[]);
        let read = tokio::time::timeout(PATIENCE, read).await.ok()?;
        let noted = read.inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "the last evaluation cannot be read");
        });
        noted.ok()
    }

    /// The order matters where there is more to judge and to count than a run may: what was made last is left out.
    async fn oldest_first(&self) -> Result<Vec<Sla>, StoreError> {
        let mut slas = self.store.active_slas().await?;
        let begun = self.store.sla_beginnings().await?;
        slas.sort_by_cached_key(|sla| begun.get(sla.name.as_str()).copied());
        Ok(slas)
    }
}

/// Why the database cannot be read, as a run's record says it.
pub(crate) fn unreadable(error: &StoreError) -> String {
    match error {
        StoreError::Schema(_)
        | StoreError::Tls(_)
        | StoreError::Denied(_)
        | StoreError::Settings { .. } => error.to_string(),
        _ => "MySQL cannot be read".to_owned(),
    }
}

/// The metrics that objectives bring themselves: the queries of those of ranges, and the bad shares of those of events.
pub(crate) fn metrics_of(
    active: &[ActiveObjective],
    counted: &[ActiveEvents],
) -> HashSet<MetricName> {
    let queried = active.iter().filter(|active| active.has_query());
    let queried = queried.map(|active| active.objective.metric.clone());
    queried
        .chain(counted.iter().map(ActiveEvents::metric))
        .collect()
}

/// The objectives of `slas`, one by one: those of ranges, and those of events.
pub fn flatten(slas: Vec<Sla>) -> (Vec<ActiveObjective>, Vec<ActiveEvents>) {
    let (mut ranges, mut counted) = (Vec::new(), Vec::new());
    for sla in slas {
        let Sla {
            name,
            version,
            objectives,
            events,
        } = sla;
        ranges.extend(objectives.into_iter().map(|objective| ActiveObjective {
            sla: name.clone(),
            version,
            objective,
        }));
        counted.extend(events.into_iter().map(|(_, objective)| ActiveEvents {
            sla: name.clone(),
            version,
            objective,
        }));
    }
    (ranges, counted)
}
