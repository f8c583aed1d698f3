//! How SLAs, objectives and groups of events stand, by their newest complete evaluations.

use std::collections::{BTreeMap, HashMap};

use domain::{
    SpanSet, Timestamp, Window,
    budget::{Account, Budget, BudgetCalculator, Burn, EventsBudget},
    evaluation::ObjectiveState,
    forecast::HORIZON,
    sla::{EventsObjective, ExcludedTime, Objective, Sla},
};
use store::{
    Store, StoreError,
    sla::{JudgedRow, JudgedRows, Since, ViolationSpans},
    slices::budgets::CountedBudgets,
};

use super::{
    Exposition, Scope,
    families::{self, Described, Owner},
};
use crate::Retrieval;

/// The states of an SLA, an objective or a group, and with `ended` those of a series.
pub(super) const STATES: [&str; 5] = ["firing", "no_data", "pending", "ok", "ended"];
/// How many intervals an evaluation may be old.
const INTERVALS: u32 = 3;
/// Objectives whose history is read at once.
const AT_ONCE: usize = 16;

/// Adds what is known of the SLAs in force.
pub(super) async fn add(
    retrieval: &Retrieval,
    scope: &Scope,
    now: Timestamp,
    exposition: &mut Exposition,
) -> Result<(), StoreError> {
    for sla in slas(retrieval, scope).await? {
        let shown = Shown {
            store: &retrieval.store,
            sla: &sla,
            oldest_fresh: oldest_fresh(retrieval, now),
            now,
        };
        shown.add(scope, exposition).await?;
    }
    Ok(())
}

/// Evaluations before this are too old to be shown.
pub(super) fn oldest_fresh(retrieval: &Retrieval, now: Timestamp) -> Timestamp {
    now - INTERVALS * retrieval.schedule_interval
}

/// The SLAs in force that are asked about, with the objectives that are.
pub(super) async fn slas(retrieval: &Retrieval, scope: &Scope) -> Result<Vec<Sla>, StoreError> {
    let mut slas = retrieval.store.active_slas().await?;
    slas.retain(|sla| {
        let only = scope.sla.as_ref();
        only.is_none_or(|only| sla.name.as_str() == only)
    });
    if let Some(only) = &scope.objective {
        for sla in &mut slas {
            sla.objectives.retain(|own| own.id.as_str() == only);
            sla.events.retain(|(_, own)| own.id.as_str() == only);
        }
    }
    Ok(slas)
}

/// An SLA of which the newest evaluations are shown.
struct Shown<'a> {
    store: &'a Store,
    sla: &'a Sla,
    oldest_fresh: Timestamp,
    now: Timestamp,
}

impl Shown<'_> {
    async fn add(&self, scope: &Scope, exposition: &mut Exposition) -> Result<(), StoreError> {
        let (store, sla) = (self.store, self.sla);
        let excluded = store.excluded_time(&sla.name, self.now).await?;
        let mut rows = store.judged_rows(sla, self.now).await?;
        rows.retain(|_, rows| rows.as_of >= self.oldest_fresh);
        let mut states = self.add_ranges(&rows, &excluded, exposition).await?;
        self.add_range_budgets(&rows, &excluded, exposition).await?;
        if !sla.events.is_empty() {
            let newest = store.newest_evaluations(sla, self.now).await?;
            for (_, objective) in &sla.events {
                let as_of = newest.get(objective.id.as_str()).copied();
                if let Some(as_of) = as_of.filter(|as_of| *as_of >= self.oldest_fresh) {
                    let excluded = excluded.of(&objective.id);
                    let state = self.add_events(objective, as_of, excluded, exposition);
                    states.push((state.await?, as_of));
                }
            }
        }
        let newest = states.iter().map(|(_, as_of)| *as_of).max();
        let (Some(newest), None) = (newest, &scope.objective) else {
            return Ok(());
        };
        // What is not known now is no data for the SLA.
        let all = sla.objectives.len() + sla.events.len();
        let unknown = (states.len() < all).then_some(ObjectiveState::NoData);
        let known = states.into_iter().map(|(state, _)| state);
        let worst = known.chain(unknown).max();
        let owner = Owner::of([("sla", sla.name.as_str())]);
        let state = word(worst.unwrap_or(ObjectiveState::NoData));
        exposition.add_state(families::SLA_STATE, &owner, &STATES[..4], state, newest);
        let version = f64::from(sla.version);
        exposition.add(families::SLA_VERSION, owner.labels(), version, newest);
        Ok(())
    }

    /// The states of the objectives of ranges, each with when it was evaluated.
    async fn add_ranges(
        &self,
        rows: &BTreeMap<String, JudgedRows>,
        excluded: &ExcludedTime,
        exposition: &mut Exposition,
    ) -> Result<Vec<(ObjectiveState, Timestamp)>, StoreError> {
        let spans = self.violations(rows, excluded).await?;
        let mut states = Vec::new();
        for objective in &self.sla.objectives {
            let Some(JudgedRows { as_of, rows }) = rows.get(objective.id.as_str()) else {
                continue;
            };
            let owner = owner(self.sla, &objective.id);
            let worst = rows.iter().map(|row| row.state);
            let worst = worst.filter(|state| *state != ObjectiveState::Ended).max();
            let state = worst.unwrap_or(ObjectiveState::NoData);
            states.push((state, *as_of));
            add_evaluated(exposition, &owner, state, *as_of);
            for word_of in STATES {
                let count = rows.iter().filter(|row| word(row.state) == word_of).count();
                let labels = owner.with("state", word_of);
                exposition.add(families::OBJECTIVE_SERIES, labels, count as f64, *as_of);
            }
            let excluded = excluded.of(&objective.id);
            let left = |row: &JudgedRow| {
                let id = objective.id.clone();
                let key = (self.sla.name.clone(), id, row.series, self.sla.version);
                let spans = spans.get(&key).map_or(&[][..], |spans| &spans[..]);
                let windows = row.windows.as_ref()?;
                Some(windows.without(excluded, spans, *as_of))
            };
            let windows: Vec<_> = rows.iter().filter_map(left).collect();
            for window in Window::ALL {
                let counts = windows.iter().map(|windows| match window {
                    Window::OneHour => windows.one_hour,
                    Window::ThreeHours => windows.three_hours,
                    Window::TwelveHours => windows.twelve_hours,
                });
                let (mut violations, mut seconds) = (0, 0.0);
                for left in counts {
                    violations += left.counts.violations;
                    seconds += left.counts.seconds;
                }
                let labels = owner.with("window", window.name());
                let count = violations as f64;
                exposition.add(
                    families::OBJECTIVE_VIOLATIONS,
                    labels.clone(),
                    count,
                    *as_of,
                );
                let of = families::OBJECTIVE_VIOLATION_SECONDS;
                exposition.add(of, labels, seconds, *as_of);
            }
            let labels = owner.with("horizon", &horizon());
            let probable = rows.iter().filter_map(|row| row.probability);
            let greatest = probable.max_by(f64::total_cmp);
            let of = families::OBJECTIVE_PROBABILITY;
            exposition.add(of, labels.clone(), greatest, *as_of);
            let expected = rows.iter().filter_map(|row| row.expected_violations);
            let sum = greatest.map(|_| expected.sum::<f64>());
            exposition.add(families::OBJECTIVE_EXPECTED, labels, sum, *as_of);
        }
        Ok(states)
    }

    /// The stored violations of objectives of whose last 12 h some time is excluded.
    async fn violations(
        &self,
        rows: &BTreeMap<String, JudgedRows>,
        excluded: &ExcludedTime,
    ) -> Result<ViolationSpans, StoreError> {
        let mut touched = Vec::new();
        for objective in &self.sla.objectives {
            let Some(JudgedRows { as_of, .. }) = rows.get(objective.id.as_str()) else {
                continue;
            };
            let last = Window::TwelveHours.until(*as_of);
            if !excluded.of(&objective.id).length_within(last).is_zero() {
                touched.push(Since {
                    sla: &self.sla.name,
                    objective: &objective.id,
                    since: last.start,
                });
            }
        }
        let mut found = self.store.violation_spans(&touched).await?;
        // Later evaluations may know of more.
        for ((_, objective, ..), spans) in &mut found {
            if let Some(rows) = rows.get(objective.as_str()) {
                spans.retain(|span| span.start <= rows.as_of);
            }
        }
        Ok(found)
    }

    async fn add_range_budgets(
        &self,
        rows: &BTreeMap<String, JudgedRows>,
        excluded: &ExcludedTime,
        exposition: &mut Exposition,
    ) -> Result<(), StoreError> {
        for (objective, as_of, budget) in
            range_budgets(self.store, self.sla, rows, excluded).await?
        {
            add_budget(exposition, &owner(self.sla, &objective.id), &budget, as_of);
        }
        Ok(())
    }

    /// The state of an objective of events.
    async fn add_events(
        &self,
        objective: &EventsObjective,
        as_of: Timestamp,
        excluded: &SpanSet,
        exposition: &mut Exposition,
    ) -> Result<ObjectiveState, StoreError> {
        let at = (excluded, as_of);
        let (store, name) = (self.store, &self.sla.name);
        let budgets = CountedBudgets::read(store, name, objective, Some(as_of), at).await?;
        let owner = owner(self.sla, &objective.id);
        let mut counts = HashMap::<ObjectiveState, u32>::new();
        for group in budgets.standing() {
            *counts.entry(group.budget.state()).or_default() += 1;
        }
        let worst = counts.keys().copied().max();
        let state = worst.unwrap_or(ObjectiveState::NoData);
        add_evaluated(exposition, &owner, state, as_of);
        for (state, word) in [
            (ObjectiveState::Firing, "firing"),
            (ObjectiveState::NoData, "no_data"),
            (ObjectiveState::Pending, "pending"),
            (ObjectiveState::Ok, "ok"),
        ] {
            let count = counts.get(&state).copied().unwrap_or_default();
            let labels = owner.with("state", word);
            exposition.add(families::OBJECTIVE_SERIES, labels, f64::from(count), as_of);
        }
        add_events_budget(exposition, &OF_OBJECTIVE, &owner, &budgets.all, as_of);
        if !objective.by.is_empty() {
            for group in budgets.standing() {
                let own = owner.about(&group.labels);
                let state = word(group.budget.state());
                exposition.add_state(families::GROUP_STATE, &own, &STATES[..4], state, as_of);
                add_events_budget(exposition, &OF_GROUP, &own, &group.budget, as_of);
            }
        }
        Ok(state)
    }
}

/// The budgets of the objectives of ranges that have a target and rows, over all of their series.
pub(super) async fn range_budgets<'a>(
    store: &Store,
    sla: &'a Sla,
    rows: &BTreeMap<String, JudgedRows>,
    excluded: &ExcludedTime,
) -> Result<Vec<(&'a Objective, Timestamp, Budget)>, StoreError> {
    let with_target = sla.objectives.iter().filter_map(|objective| {
        let rows = rows.get(objective.id.as_str())?;
        objective.target.map(|_| (objective, rows.as_of))
    });
    let with_target: Vec<(&Objective, Timestamp)> = with_target.collect();
    let mut budgets = Vec::new();
    if with_target.is_empty() {
        return Ok(budgets);
    }
    let versions = store.version_times(&sla.name).await?;
    for chunk in with_target.chunks(AT_ONCE) {
        let ids: Vec<&str> = chunk.iter().map(|(own, _)| own.id.as_str()).collect();
        let begins = chunk
            .iter()
            .map(|(own, as_of)| Account::begins(&own.terms(), *as_of));
        let since = begins.min().unwrap_or(Timestamp::EPOCH);
        let histories = store.histories(&sla.name, &ids, since).await?;
        for (objective, as_of) in chunk {
            let own = histories.iter().filter(|one| one.objective == objective.id);
            let recorded = own.map(|history| (&history.labels, &history.versions));
            let calculator = BudgetCalculator::new(&versions, *as_of);
            let excluded = excluded.of(&objective.id);
            let budget = calculator.budgets(&objective.terms(), recorded, excluded);
            budgets.push((*objective, *as_of, budget.rolled_up));
        }
    }
    Ok(budgets)
}

/// The metrics of a budget of events.
struct BudgetMetrics {
    sli: Described,
    remaining: Described,
    events: Described,
    exhaustion: Described,
    coverage: Described,
    burn: Described,
}

const OF_OBJECTIVE: BudgetMetrics = BudgetMetrics {
    sli: families::OBJECTIVE_SLI,
    remaining: families::OBJECTIVE_REMAINING,
    events: families::OBJECTIVE_EVENTS,
    exhaustion: families::OBJECTIVE_EXHAUSTION,
    coverage: families::OBJECTIVE_COVERAGE,
    burn: families::OBJECTIVE_BURN,
};
const OF_GROUP: BudgetMetrics = BudgetMetrics {
    sli: families::GROUP_SLI,
    remaining: families::GROUP_REMAINING,
    events: families::GROUP_EVENTS,
    exhaustion: families::GROUP_EXHAUSTION,
    coverage: families::GROUP_COVERAGE,
    burn: families::GROUP_BURN,
};

fn add_evaluated(
    exposition: &mut Exposition,
    owner: &Owner<'_>,
    state: ObjectiveState,
    as_of: Timestamp,
) {
    let of = families::EVALUATION_TIMESTAMP;
    exposition.add(of, owner.labels(), epoch_seconds(as_of), as_of);
    let (of, state) = (families::OBJECTIVE_STATE, word(state));
    exposition.add_state(of, owner, &STATES[..4], state, as_of);
}

fn add_budget(exposition: &mut Exposition, owner: &Owner<'_>, budget: &Budget, as_of: Timestamp) {
    for (of, value) in [
        (families::OBJECTIVE_TARGET, budget.target),
        (families::OBJECTIVE_SLI, budget.sli),
        (families::OBJECTIVE_REMAINING, budget.remaining_share),
        (families::OBJECTIVE_BUDGET_SECONDS, budget.budget_seconds),
        (
            families::OBJECTIVE_REMAINING_SECONDS,
            budget.remaining_seconds,
        ),
        (families::OBJECTIVE_BAD_SECONDS, Some(budget.bad_seconds)),
        (families::OBJECTIVE_EXHAUSTION, budget.exhaustion_seconds),
        (families::OBJECTIVE_COVERAGE, Some(budget.coverage)),
    ] {
        exposition.add(of, owner.labels(), value, as_of);
    }
    add_burn(
        exposition,
        families::OBJECTIVE_BURN,
        owner,
        &budget.burn,
        as_of,
    );
}

fn add_events_budget(
    exposition: &mut Exposition,
    metrics: &BudgetMetrics,
    owner: &Owner<'_>,
    budget: &EventsBudget,
    as_of: Timestamp,
) {
    if metrics.sli == families::OBJECTIVE_SLI {
        let of = families::OBJECTIVE_TARGET;
        exposition.add(of, owner.labels(), budget.target, as_of);
    }
    for (of, value) in [
        (metrics.sli, budget.sli),
        (metrics.remaining, budget.remaining_share),
        (metrics.exhaustion, budget.exhaustion_seconds),
        (metrics.coverage, Some(budget.coverage)),
    ] {
        exposition.add(of, owner.labels(), value, as_of);
    }
    for (quality, value) in [
        ("good", Some(budget.good)),
        ("bad", Some(budget.bad)),
        ("all", Some(budget.total)),
        ("budget", budget.budget_events),
    ] {
        let labels = owner.with("quality", quality);
        exposition.add(metrics.events, labels, value, as_of);
    }
    add_burn(exposition, metrics.burn, owner, &budget.burn, as_of);
}

fn add_burn(
    exposition: &mut Exposition,
    of: Described,
    owner: &Owner<'_>,
    burn: &Burn,
    as_of: Timestamp,
) {
    for (window, burn) in &burn.0 {
        exposition.add(of, owner.with("window", window), *burn, as_of);
    }
}

/// What points about an objective are about.
pub(super) fn owner<'a>(sla: &Sla, objective: &str) -> Owner<'a> {
    Owner::of([("sla", sla.name.as_str()), ("objective", objective)])
}

/// How far a forecast looks: `10m`.
pub(super) fn horizon() -> String {
    domain::duration::format(HORIZON)
}

pub(super) fn word(state: ObjectiveState) -> &'static str {
    match state {
        ObjectiveState::Firing => "firing",
        ObjectiveState::NoData => "no_data",
        ObjectiveState::Pending => "pending",
        ObjectiveState::Ok => "ok",
        ObjectiveState::Ended => "ended",
    }
}

/// Seconds since the epoch.
pub(super) fn epoch_seconds(time: Timestamp) -> f64 {
    time.millis() as f64 / 1000.0
}
