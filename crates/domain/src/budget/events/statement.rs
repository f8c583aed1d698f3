use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    question::instant,
    timeline::{Timeline, Window, floor},
};
use crate::{
    budget::{
        Alert, Burn,
        alert::{Standing, burn_windows, pairs},
    },
    evaluation::ObjectiveState,
    events::SLICE,
    sla::{AlertPair, BudgetPeriod, BudgetWindow, Combine, EventsObjective, Method, Severity},
    time::{Span, Timestamp, duration, seconds},
};

/// How an error budget of events stands, of one group or of all events together. Without a target nothing that follows
/// from one is known.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EventsBudget {
    /// The share that should be good.
    pub target: Option<f64>,
    /// The time it is about.
    pub budget_window: BudgetWindow,
    /// What the target is a share of.
    pub method: Method,
    /// How a composite combines its parts; only there for a composite, whose events are minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composite: Option<Combine>,
    /// Where the time begins that is added up, exclusive: at the start of the budget window, or at that of the row that is
    /// kept of it.
    pub from: Timestamp,
    /// The good events, at most `total`.
    pub good: f64,
    /// All events.
    pub total: f64,
    /// The bad events, at most `total`.
    pub bad: f64,
    /// How many good or bad events were cut off because there were more than `total`.
    pub clipped: f64,
    /// The share that was good, by the method; `None` if nothing was judged.
    pub sli: Option<f64>,
    /// How many of these events may be bad.
    pub budget_events: Option<f64>,
    /// What is left of the budget, as a share of it; negative if it is overspent, `None` if nothing was judged.
    pub remaining_share: Option<f64>,
    /// How fast the budget is spent: 1 is as fast as it lasts. `None` where less than half of the window is measured or
    /// nothing was judged.
    pub burn: Burn,
    /// Which alerts there are.
    pub alerts: Vec<Alert>,
    /// In how long the budget is gone at the pace of the last hour; `None` at no pace or, of a calendar, if that is after
    /// the period's end; 0 if it is gone.
    pub exhaustion_seconds: Option<f64>,
    /// The part of the window that is excluded, in whole slices.
    pub excluded_seconds: f64,
    /// The share of the window in which a counter stood, excluded or not.
    pub coverage: f64,
    /// The bad events of the last hour.
    #[serde(skip)]
    pub bad_of_last_hour: f64,
    /// Whether a counter stood in the last 5 minutes.
    #[serde(skip)]
    is_measured: bool,
    /// Where minutes would say more than the rows that there are.
    #[serde(skip)]
    wanted: Vec<Span>,
}

const HOUR: Duration = Duration::from_secs(3_600);
/// A group of which nothing was measured for so long has no data.
const RECENT: Duration = Duration::from_secs(300);

/// Rows are kept for so long.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

impl EventsBudget {
    /// What is left of the budget at `as_of`, as a share of it; `None` if nothing was judged or there is no target.
    pub fn remaining_share(
        objective: &EventsObjective,
        timeline: &Timeline,
        as_of: Timestamp,
    ) -> Option<f64> {
        Reckoning::new(objective, timeline, as_of).left()
    }

    /// The budget of `objective` at `as_of`, of the group that `timeline` is about.
    pub fn of(objective: &EventsObjective, timeline: &Timeline, as_of: Timestamp) -> Self {
        let reckoning = Reckoning::new(objective, timeline, as_of);
        let period = reckoning.period;
        let window = reckoning.budget_window();
        let reckoned = window.counts.reckon(timeline.given);
        let sli = window.sli(objective.method, timeline.given);
        let remaining_share = reckoning.remaining(&window);
        let elapsed = reckoning.end.since(window.from);
        let pairs = pairs(objective.alerts.as_deref(), period.length);
        let mut wanted = timeline.cut().to_vec();
        let alerts = reckoning.alerts(&pairs, &mut wanted);
        let recent = floor(as_of, SLICE) - RECENT;
        Self {
            target: objective.target,
            budget_window: objective.budget_window,
            method: objective.method,
            composite: objective
                .events
                .composite
                .as_deref()
                .map(|composite| composite.combine),
            from: window.from,
            good: reckoned.good,
            total: reckoned.total,
            bad: reckoned.bad,
            clipped: reckoned.clipped,
            sli,
            budget_events: objective
                .target
                .map(|target| (1.0 - target) * reckoned.total),
            remaining_share,
            burn: reckoning.burns(&burn_windows(&pairs, period.length)),
            alerts,
            exhaustion_seconds: remaining_share.and_then(|left| reckoning.exhaustion(left, as_of)),
            excluded_seconds: seconds(window.excluded),
            coverage: if elapsed.is_zero() {
                0.0
            } else {
                seconds(window.covered) / seconds(elapsed)
            },
            bad_of_last_hour: reckoning.burn(HOUR, reckoning.end).1,
            is_measured: timeline.last_measured() > Some(recent),
            wanted,
        }
    }

    /// Where minutes would say more than the rows that there are: hours of which an exclusion leaves out a part, or in
    /// which a frozen alert has its last word.
    pub fn wanted(&self) -> &[Span] {
        &self.wanted
    }

    /// Firing if an alert of severity page fires, no data if no counter stood in the last 5 minutes, pending if another
    /// alert fires, else ok.
    pub fn state(&self) -> ObjectiveState {
        let fires = |severity| {
            let mut alerts = self.alerts.iter();
            alerts.any(|alert| alert.firing && alert.severity == severity)
        };
        if fires(Severity::Page) {
            ObjectiveState::Firing
        } else if !self.is_measured {
            ObjectiveState::NoData
        } else if fires(Severity::Ticket) {
            ObjectiveState::Pending
        } else {
            ObjectiveState::Ok
        }
    }

    /// What is left, to order by; without a budget what was good.
    pub fn left(&self) -> f64 {
        self.remaining_share.or(self.sli).unwrap_or(f64::MAX)
    }
}

/// A budget while it is reckoned.
pub(super) struct Reckoning<'a> {
    objective: &'a EventsObjective,
    timeline: &'a Timeline,
    period: BudgetPeriod,
    /// The newest end of a slice.
    end: Timestamp,
}

impl<'a> Reckoning<'a> {
    pub(super) fn new(
        objective: &'a EventsObjective,
        timeline: &'a Timeline,
        as_of: Timestamp,
    ) -> Self {
        Self {
            objective,
            timeline,
            period: objective.budget_window.period(as_of),
            end: timeline.newest_end(as_of),
        }
    }

    /// The budget of `period` at `end`, the end of a slice.
    pub(super) fn in_period(
        objective: &'a EventsObjective,
        timeline: &'a Timeline,
        period: BudgetPeriod,
        end: Timestamp,
    ) -> Self {
        Self {
            objective,
            timeline,
            period,
            end,
        }
    }

    /// What is left of the budget, as a share of it; `None` if nothing was judged or there is no target.
    pub(super) fn left(&self) -> Option<f64> {
        self.remaining(&self.budget_window())
    }

    fn budget_window(&self) -> Window {
        // A rolling window ends with the newest slice, a calendar's begins where the period does.
        let start = match self.period.end {
            None => self.end - self.period.length,
            Some(_) => self.period.start.min(self.end),
        };
        self.timeline.window(start, self.end)
    }

    fn remaining(&self, window: &Window) -> Option<f64> {
        let sli = window.sli(self.objective.method, self.timeline.given)?;
        let target = self.objective.target?;
        Some(1.0 - (1.0 - sli) / (1.0 - target))
    }

    /// The burn of the window of this length before `end`, whether enough of it is measured or not, and its bad events.
    fn burn(&self, length: Duration, end: Timestamp) -> (Option<f64>, f64) {
        let window = self.timeline.window(end - length, end);
        let sli = window.sli(self.objective.method, self.timeline.given);
        let burn = sli
            .zip(self.objective.target)
            .map(|(sli, target)| (1.0 - sli) / (1.0 - target));
        (burn, window.counts.reckon(self.timeline.given).bad)
    }

    fn burns(&self, windows: &[Duration]) -> Burn {
        let burns = windows.iter().map(|length| {
            let burn = self.known_burn(*length);
            (duration::format(*length), burn)
        });
        Burn(burns.collect())
    }

    fn known_burn(&self, length: Duration) -> Option<f64> {
        let is_known = self.timeline.is_known(length, self.end);
        let (burn, _) = self.burn(length, self.end);
        burn.filter(|_| is_known)
    }

    fn exhaustion(&self, left: f64, as_of: Timestamp) -> Option<f64> {
        if left <= 0.0 {
            return Some(0.0);
        }
        let burn = self.known_burn(HOUR).filter(|burn| *burn > 0.0)?;
        let after = left * seconds(self.period.length) / burn;
        let is_in_time = |end: Timestamp| after <= end.seconds_since(as_of);
        self.period.end.is_none_or(is_in_time).then_some(after)
    }

    fn alerts(&self, pairs: &[AlertPair], wanted: &mut Vec<Span>) -> Vec<Alert> {
        let Some(target) = self.objective.target else {
            return Vec::new();
        };
        let alerts = pairs.iter().map(|pair| {
            let standing = self.standing(pair, wanted);
            Alert::new(pair, self.period.length, target, standing)
        });
        alerts.collect()
    }

    fn standing(&self, pair: &AlertPair, wanted: &mut Vec<Span>) -> Standing {
        let windows = [pair.long, pair.short];
        if windows
            .iter()
            .all(|window| self.timeline.is_known(*window, self.end))
        {
            let firing = self.fires(pair, self.end);
            return Standing::Measured { firing };
        }
        let last = self.timeline.last_known(windows, self.end);
        if last.is_none() {
            // Enough may have been measured before what was read.
            wanted.push(instant(self.timeline.newest_end(self.end - KEPT)));
        }
        if let Some(last) = last {
            let edges = [last, last - pair.long, last - pair.short];
            let edges = edges.map(|edge| self.timeline.newest_end(edge)).into_iter();
            let is_unread = |edge: &Timestamp| {
                self.timeline.begins().is_some_and(|begins| *edge < begins)
                    || self.timeline.is_inside_a_row(*edge)
            };
            wanted.extend(edges.filter(is_unread).map(instant));
        }
        Standing::Frozen {
            firing: last.is_some_and(|last| self.fires(pair, last)),
            unmeasured_since: last,
        }
    }

    /// Whether both windows before `end` burn faster than the factor, and the long one has enough bad events.
    pub(super) fn fires(&self, pair: &AlertPair, end: Timestamp) -> bool {
        let factor = pair.pace.factor(pair.long, self.period.length);
        let ((long, bad), (short, _)) = (self.burn(pair.long, end), self.burn(pair.short, end));
        let exceeds = |burn: Option<f64>| burn.is_some_and(|burn| burn > factor);
        exceeds(long) && exceeds(short) && bad >= self.objective.min_bad
    }
}
