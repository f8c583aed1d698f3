//! `GET /sla/{name}/budget`: what is left of the error budgets, from what is kept of the evaluations.

use std::collections::BTreeMap;

use domain::{
    Labels, SpanSet, Timestamp,
    budget::{Account, AttributedTime, Budget, in_force},
    evaluation::Span,
    sla::Objective,
};
use http_api::{ApiError, Call, Reply, reply};
use serde::Serialize;
use store::sla::SeriesHistory;

use crate::{Endpoint, SlaManager, database, set::missing};

#[derive(Serialize)]
struct Budgets {
    sla: String,
    version: u32,
    as_of: Option<Timestamp>,
    age_seconds: Option<f64>,
    /// Of each objective on each series.
    objectives: Vec<Entry>,
    /// Of each objective on all of its series together.
    rolled_up: Vec<Entry>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    objective: String,
    metric: String,
    /// The series'; none where several are rolled up, or there is none.
    labels: Labels,
    selector: Labels,
    /// How many series the objective has in the window.
    series: usize,
    in_exclusion: bool,
    #[serde(flatten)]
    budget: Budget,
}

/// Objectives whose history is read at once.
const OBJECTIVES_AT_ONCE: usize = 64;
/// An answer ends with the objectives that bring it to so many entries: a Lambda function may answer 6 MB.
const MOST_ENTRIES: usize = 2_000;
/// Of one objective.
const MOST_SERIES: usize = 100;

pub(crate) async fn answer(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let cursor = query.cursor::<usize>();
    let asked = query.as_of();
    let only = query.objective();
    query.finish()?;
    let (store, name) = (&manager.store, &call.name);
    let stored = store.sla(name).await.map_err(database)?;
    let sla = stored.ok_or_else(|| missing(name))?.sla;
    let as_of = match asked.or(cursor.as_ref().map(|cursor| cursor.pinned)) {
        Some(asked) => Some(asked),
        None => store
            .newest_evaluation(name, sla.version, Timestamp::MAX)
            .await
            .map_err(database)?,
    };
    let reckoning = Reckoning {
        in_force: in_force(&store.version_times(name).await.map_err(database)?),
        as_of: as_of.unwrap_or(now),
    };
    let excluded = store.excluded_time(name).await.map_err(database)?;
    let first = cursor.map_or(0, |cursor| cursor.after);
    let wanted: Vec<&Objective> = sla
        .objectives
        .iter()
        .filter(|objective| only.as_ref().is_none_or(|only| *only == objective.id))
        .collect();
    let (mut objectives, mut rolled_up) = (Vec::new(), Vec::new());
    let mut done = first.min(wanted.len());
    for chunk in wanted[done..].chunks(OBJECTIVES_AT_ONCE) {
        if objectives.len() >= MOST_ENTRIES {
            break;
        }
        let ids: Vec<&str> = chunk
            .iter()
            .map(|objective| objective.id.as_str())
            .collect();
        let longest = chunk.iter().map(|objective| objective.budget_window).max();
        let since = reckoning.as_of - longest.unwrap_or_default().length();
        let histories = store.histories(name, &ids, since).await.map_err(database)?;
        for objective in chunk {
            let own = histories
                .iter()
                .filter(|history| history.objective == objective.id);
            let (entries, sum) = reckoning.of(objective, own, excluded.of(&objective.id));
            objectives.extend(entries);
            rolled_up.push(sum);
        }
        done += chunk.len();
    }
    reply::ok(&Budgets {
        sla: sla.name,
        version: sla.version,
        as_of,
        age_seconds: as_of.map(|as_of| now.since(as_of).as_millis() as f64 / 1000.0),
        objectives,
        rolled_up,
        next: (done < wanted.len()).then(|| query.next(reckoning.as_of, done)),
    })
}

/// When, and which version counts when.
struct Reckoning {
    in_force: BTreeMap<u32, Span>,
    as_of: Timestamp,
}

impl Reckoning {
    /// The entries of an objective, the least left first, and all of its series together.
    fn of<'a>(
        &self,
        objective: &Objective,
        histories: impl Iterator<Item = &'a SeriesHistory>,
        excluded: &SpanSet,
    ) -> (Vec<Entry>, Entry) {
        let terms = objective.terms();
        let account =
            |time: &AttributedTime| Account::of(time, excluded, self.as_of, terms.window.length());
        let accounts: Vec<(&Labels, Account)> = histories
            .map(|history| (&history.labels, account(&self.attributed(history))))
            .filter(|(_, account)| account.is_judged())
            .collect();
        let entry = |labels: Labels, account: &Account| Entry {
            objective: objective.id.clone(),
            metric: objective.metric.clone(),
            labels,
            selector: objective.labels.clone(),
            series: accounts.len(),
            in_exclusion: excluded.contains(self.as_of),
            budget: Budget::of(&terms, account),
        };
        let Some(((_, first), others)) = accounts.split_first() else {
            let nothing = account(&AttributedTime::default());
            let entry = || entry(Labels::default(), &nothing);
            return (vec![entry()], entry());
        };
        let mut sum = first.clone();
        for (_, account) in others {
            sum += account;
        }
        let mut entries: Vec<Entry> = accounts
            .iter()
            .map(|(labels, account)| entry((*labels).clone(), account))
            .collect();
        entries.sort_by(|one, other| one.left().total_cmp(&other.left()));
        entries.truncate(MOST_SERIES);
        (entries, entry(Labels::default(), &sum))
    }

    /// The time of the series: of each version what it judged while it was in force.
    fn attributed(&self, history: &SeriesHistory) -> AttributedTime {
        let versions = history.versions.iter();
        AttributedTime::of(versions.filter_map(|(version, recorded)| {
            let in_force = self.in_force.get(version)?;
            Some((*in_force, recorded))
        }))
    }
}

impl Entry {
    /// What is left, to order by; without a budget what was good.
    fn left(&self) -> f64 {
        let budget = &self.budget;
        budget.remaining_seconds.or(budget.sli).unwrap_or(f64::MAX)
    }
}
