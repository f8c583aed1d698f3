//! How the objectives of events stand, group by group: what `/check_json` and `/predict_json` share.

use domain::{
    Labels, MetricName, SeriesId, Timestamp,
    budget::Alert,
    evaluation::{ObjectiveState, worst_first},
    sla::{EventsObjective, ExcludedTime},
};
use store::{
    Store, StoreError,
    sla::EvaluatedEvents,
    slices::budgets::{AskedBudgets, CountedBudgets, GroupBudget},
};

use crate::standing::{NOT_EVALUATED, STALE, Standing};

/// Why a group has no data: none of its counters stood in the last 5 minutes.
const NOT_MEASURED: &str = "not_measured";
/// Why an objective has no data: nothing was counted in its window.
const NO_SERIES: &str = "no_series";
/// Groups of one objective in an answer.
const MOST_GROUPS: usize = 100;

/// How an objective of events stands.
pub(crate) struct StandingGroups<'a> {
    /// Its place among all objectives of the SLA.
    pub(crate) place: usize,
    pub(crate) objective: &'a EventsObjective,
    /// The metric that its share of bad events is.
    pub(crate) metric: MetricName,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) in_exclusion: bool,
    /// How many groups there are, how many of them fire, and how many have no data.
    pub(crate) series: u64,
    pub(crate) firing: u64,
    pub(crate) no_data: u64,
    /// The worst first, at least one, at most 100.
    pub(crate) groups: Vec<StandingGroup>,
}

/// How a group stands.
pub(crate) struct StandingGroup {
    pub(crate) labels: Labels,
    /// Its identity, if there is such a group.
    pub(crate) id: Option<SeriesId>,
    pub(crate) state: ObjectiveState,
    pub(crate) reason: Option<&'static str>,
    /// Those that fire.
    pub(crate) alerts: Vec<Alert>,
}

/// How the objectives of events stand, in the order given.
pub(crate) async fn read<'a>(
    standing: &'a Standing,
    excluded: &ExcludedTime,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<StandingGroups<'a>>, StoreError> {
    let asked = asked(standing, excluded, now);
    let counted = CountedBudgets::read_all(store, &asked).await?;
    Ok(of(standing, excluded, now, &counted))
}

/// What [`of`] needs of each objective of events.
pub(crate) fn asked<'a>(
    standing: &'a Standing,
    excluded: &'a ExcludedTime,
    now: Timestamp,
) -> Vec<AskedBudgets<'a>> {
    let events = standing.evaluation.events.iter();
    let asked = events.map(|evaluated| AskedBudgets {
        sla: &standing.evaluation.name,
        objective: &evaluated.objective,
        as_of: evaluated.as_of,
        excluded: excluded.of(&evaluated.objective.id),
        moment: now,
    });
    asked.collect()
}

/// How the objectives of events stand by what was `counted` of each.
pub(crate) fn of<'a>(
    standing: &'a Standing,
    excluded: &ExcludedTime,
    now: Timestamp,
    counted: &[CountedBudgets],
) -> Vec<StandingGroups<'a>> {
    let sla = &standing.evaluation.name;
    let mut all = Vec::new();
    for (evaluated, counted) in standing.evaluation.events.iter().zip(counted) {
        let EvaluatedEvents {
            place,
            objective,
            as_of,
        } = evaluated;
        let excluded = excluded.of(&objective.id);
        let moment = as_of.unwrap_or(now);
        let mut groups: Vec<StandingGroup> = if as_of.is_none() {
            vec![StandingGroup::without(NOT_EVALUATED)]
        } else {
            counted.standing().map(StandingGroup::of).collect()
        };
        let series = if as_of.is_some() {
            groups.len() as u64
        } else {
            0
        };
        if groups.is_empty() {
            groups.push(StandingGroup::without(NO_SERIES));
        }
        // What was known too long ago says nothing of how the objective stands now.
        if as_of.is_some_and(|as_of| standing.is_too_old(as_of)) {
            for group in &mut groups {
                group.state = ObjectiveState::NoData;
                group.reason = Some(STALE);
                group.alerts.clear();
            }
        }
        // They come with the least left first, which stays the order within a state.
        groups.sort_by(|one, other| worst_first((one.state, 0.0), (other.state, 0.0)));
        let count = |wanted| {
            let states = groups.iter().map(|group| group.state);
            (states.filter(|state| *state == wanted).count() as u64).min(series)
        };
        let (firing, no_data) = (count(ObjectiveState::Firing), count(ObjectiveState::NoData));
        groups.truncate(MOST_GROUPS);
        all.push(StandingGroups {
            place: *place,
            objective,
            metric: MetricName::of_objective(sla, &objective.id),
            as_of: *as_of,
            in_exclusion: excluded.contains(moment),
            series,
            firing,
            no_data,
            groups,
        });
    }
    all
}

impl StandingGroup {
    fn of(group: &GroupBudget) -> Self {
        let state = group.budget.state();
        let alerts = group.budget.alerts.iter().filter(|alert| alert.firing);
        Self {
            labels: group.labels.clone(),
            id: Some(group.id),
            state,
            reason: (state == ObjectiveState::NoData).then_some(NOT_MEASURED),
            alerts: alerts.cloned().collect(),
        }
    }

    fn without(reason: &'static str) -> Self {
        Self {
            labels: Labels::default(),
            id: None,
            state: ObjectiveState::NoData,
            reason: Some(reason),
            alerts: Vec::new(),
        }
    }
}

/// Puts what is answered of ranges, objective by objective, and of events together, in the order of the objectives.
pub(crate) fn in_order<T>(ranges: Vec<Vec<T>>, events: Vec<(usize, Vec<T>)>) -> Vec<T> {
    let mut ranges = ranges.into_iter();
    let mut all: Vec<Vec<T>> = Vec::new();
    for (place, entries) in events {
        all.extend(ranges.by_ref().take(place.saturating_sub(all.len())));
        all.push(entries);
    }
    all.extend(ranges);
    all.into_iter().flatten().collect()
}
