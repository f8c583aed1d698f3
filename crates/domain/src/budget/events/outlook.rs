//! What is to come of a budget of events, from what followed the moments that were like this one.
//!
//! A moment of the past is like this one if the budget burned about as fast before it: over a short and over a longer time, by
//! no more than a factor of two. What followed each of them may follow now, and so may what the last minutes were, once more,
//! which counts as much as four such moments: nothing in the past may be like an outage that is the first one. The
//! probability is the share of these futures in which it happens, m of them, towards one half by `(m p + 1/2) / (m + 1)`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    question::{EventsQuestion, instant},
    statement::EventsBudget,
    timeline::{Timeline, Window, floor, slice_length},
};
use crate::{
    budget::alert::pairs,
    evaluation::ObjectiveState,
    finding::Finding,
    sla::{AlertPair, BudgetPeriod, EventsObjective, Severity},
    time::{SpanSet, Timestamp},
};

/// What is to come of the budget of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsOutlook {
    /// The probability that an alert of severity page fires within 10 minutes.
    pub fires: Finding<f64>,
    /// The probabilities that the budget is gone.
    pub exhausted: Finding<Exhausted>,
}

/// The probabilities that a budget is gone at the end of some time from now; of a calendar, at the latest at its period's end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ProbabilityExhausted")]
pub struct Exhausted {
    /// In an hour.
    #[serde(rename = "1h")]
    pub in_an_hour: f64,
    /// In 6 hours.
    #[serde(rename = "6h")]
    pub in_six_hours: f64,
    /// In a day.
    #[serde(rename = "1d")]
    pub in_a_day: f64,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// How far an alert is looked ahead.
pub(super) const SOON: Duration = Duration::from_secs(600);
/// How far back moments like this one are looked for: for alerts, and for the budget.
const RECENT: Duration = DAY;
const PAST: Duration = Duration::from_secs(8 * 86_400);
/// The last minutes once more count as much as so many moments.
const ONCE_MORE: f64 = 4.0;
/// Burns this slow are all alike.
const SLOW: f64 = 0.1;
/// Moments are alike if their burns are within a factor of two.
const ALIKE: f64 = std::f64::consts::LN_2;

/// There is no alert that could fire.
const NO_PAGE: &str = "no_page_alert";
/// Without a target there is no budget.
const NO_TARGET: &str = "no_target";
/// Nothing was judged in the budget's window.
const NOT_JUDGED: &str = "nothing_judged";
/// Less than a tenth of a calendar's period is over.
const TOO_EARLY: &str = "too_early";
/// Nothing was measured in the last 5 minutes.
const NOT_MEASURED: &str = "not_measured";

impl EventsQuestion {
    /// What [`EventsOutlook::of`] needs: rows of 5 minutes of the last day, of an hour of the last 8 days, and where what is
    /// part of the budget now leaves its window.
    pub fn of_outlook(objective: &EventsObjective, as_of: Timestamp, excluded: &SpanSet) -> Self {
        let mut question = Self::of(objective, &[as_of], excluded);
        let end = floor(as_of, slice_length(objective));
        let begins = question.asked.start;
        let leaves = [HOUR, 6 * HOUR, DAY].map(|ahead| begins + ahead);
        question.asked.start = begins.min(end - PAST);
        let at_each = |from: Timestamp, step: Duration| {
            let from = floor(from, step);
            let steps = (0_u32..).map(move |count| from + step * count);
            steps.take_while(move |time| *time < as_of)
        };
        let edges = at_each(end - RECENT, HOUR)
            .chain(at_each(end - PAST, DAY))
            .chain(leaves)
            .map(instant);
        question.fine = edges.chain(question.fine.spans().iter().copied()).collect();
        question
    }
}

impl EventsOutlook {
    /// Nothing can be said, for `reason`.
    pub fn unknown(reason: &str) -> Self {
        Self {
            fires: Finding::unknown(reason),
            exhausted: Finding::unknown(reason),
        }
    }

    /// What is to come of the group that `timeline` is about.
    pub fn of(objective: &EventsObjective, timeline: &Timeline, as_of: Timestamp) -> Self {
        let budget = EventsBudget::of(objective, timeline, as_of);
        if budget.state() == ObjectiveState::NoData {
            return Self::unknown(NOT_MEASURED);
        }
        let Some(target) = objective.target else {
            return Self::unknown(NO_TARGET);
        };
        let look = Look {
            objective,
            timeline,
            target,
            period: objective.budget_window.period(as_of),
            end: timeline.newest_end(as_of),
        };
        Self {
            fires: look.fires(),
            exhausted: if budget.remaining_share.is_none() {
                Finding::unknown(NOT_JUDGED)
            } else if look.period.has_just_begun(as_of) {
                Finding::unknown(TOO_EARLY)
            } else {
                Finding::Known(Exhausted {
                    in_an_hour: look.exhausted(HOUR),
                    in_six_hours: look.exhausted(6 * HOUR),
                    in_a_day: look.exhausted(DAY),
                })
            },
        }
    }
}

/// A look ahead from one moment.
struct Look<'a> {
    objective: &'a EventsObjective,
    timeline: &'a Timeline,
    target: f64,
    period: BudgetPeriod,
    /// The newest end of a slice.
    end: Timestamp,
}

impl Look<'_> {
    fn fires(&self) -> Finding<f64> {
        let mut pairs = pairs(self.objective.alerts.as_deref(), self.period.length);
        pairs.retain(|pair| pair.severity == Severity::Page);
        if pairs.is_empty() {
            return Finding::unknown(NO_PAGE);
        }
        let step = self.timeline.slice.max(5 * MINUTE);
        let ahead = if step < SOON { SOON } else { step };
        let moments = Moments {
            step,
            ahead,
            since: self.end - RECENT,
            burns: [step, HOUR.max(step)],
        };
        let fires = |future: &Future| {
            let mut after = step;
            while after <= ahead {
                if pairs
                    .iter()
                    .any(|pair| self.pair_fires(pair, future, after))
                {
                    return true;
                }
                after += step;
            }
            false
        };
        Finding::Known(self.share(&moments, fires))
    }

    /// Whether a pair fires so long from now.
    fn pair_fires(&self, pair: &AlertPair, future: &Future, after: Duration) -> bool {
        let factor = pair.pace.factor(pair.long, self.period.length);
        let burns = [pair.long, pair.short].map(|length| {
            // A window that is shorter than what is to come lies in it whole.
            let skipped = after.saturating_sub(length.max(self.timeline.slice));
            let to_come = future.window(self.timeline, skipped, after);
            let past = length.saturating_sub(after);
            let known = self.timeline.window(self.end - past, self.end);
            let all = known.and(&to_come);
            let bad = all.counts.reckon(self.timeline.given).bad;
            (self.burn_of(&all), bad)
        });
        let [(long, bad), (short, _)] = burns;
        let exceeds = |burn: Option<f64>| burn.is_some_and(|burn| burn > factor);
        exceeds(long) && exceeds(short) && bad >= self.objective.min_bad
    }

    /// The probability that the budget is gone so long from now.
    fn exhausted(&self, ahead: Duration) -> f64 {
        let ahead = self.period.end.map_or(ahead, |ends| {
            ahead.min(Duration::from_millis(
                u64::try_from(ends.millis() - self.end.millis()).unwrap_or(0),
            ))
        });
        let step = self.timeline.slice.max(HOUR);
        let moments = Moments {
            step,
            ahead,
            since: self.end - PAST,
            burns: [step, 6 * HOUR],
        };
        let begins = match self.period.end {
            None => self.end + ahead - self.period.length,
            Some(_) => self.period.start,
        };
        let known = self.timeline.window(begins.min(self.end), self.end);
        self.share(&moments, |future| {
            let to_come = future.window(self.timeline, Duration::ZERO, ahead);
            let burn = self.burn_of(&known.and(&to_come));
            burn.is_some_and(|burn| burn >= 1.0)
        })
    }

    /// The share of futures in which something happens.
    fn share(&self, moments: &Moments, happens: impl Fn(&Future) -> bool) -> f64 {
        let once_more = Future {
            start: self.end - moments.step,
            length: moments.step,
        };
        let now = self.burns(moments, self.end);
        let mut count = ONCE_MORE;
        let mut happened = if happens(&once_more) { ONCE_MORE } else { 0.0 };
        let mut time = self.end - moments.ahead;
        while time > moments.since {
            let future = Future {
                start: time,
                length: moments.ahead,
            };
            let measured = self.timeline.window(time, time + moments.ahead).measured;
            let is_known = measured * 2 >= moments.ahead;
            if is_known && are_alike(now, self.burns(moments, time)) {
                count += 1.0;
                if happens(&future) {
                    happened += 1.0;
                }
            }
            time = time - moments.step;
        }
        (happened + 0.5) / (count + 1.0)
    }

    /// How fast the budget burned before a moment.
    fn burns(&self, moments: &Moments, time: Timestamp) -> [Option<f64>; 2] {
        let burn = |length| self.burn_of(&self.timeline.window(time - length, time));
        moments.burns.map(burn)
    }

    fn burn_of(&self, window: &Window) -> Option<f64> {
        let sli = window.sli(self.objective.method, self.timeline.given)?;
        Some((1.0 - sli) / (1.0 - self.target))
    }
}

/// Which moments of the past are compared.
struct Moments {
    /// How far they lie apart.
    step: Duration,
    /// What followed them is looked at for so long.
    ahead: Duration,
    since: Timestamp,
    /// The windows before them whose burns are compared.
    burns: [Duration; 2],
}

/// What may come: what was counted from `start` on, again and again if that is shorter than what is looked at.
struct Future {
    start: Timestamp,
    length: Duration,
}

impl Future {
    /// What it counts between two times from now.
    fn window(&self, timeline: &Timeline, from: Duration, to: Duration) -> Window {
        if to <= self.length {
            return timeline.window(self.start + from, self.start + to);
        }
        let once = timeline.window(self.start, self.start + self.length);
        let times = (to.saturating_sub(from)).as_millis() / self.length.as_millis().max(1);
        let mut all = once;
        for _ in 1..times {
            all = all.and(&once);
        }
        all
    }
}

/// Whether the budget burned about as fast before two moments. No burn is like no burn alone.
fn are_alike(one: [Option<f64>; 2], other: [Option<f64>; 2]) -> bool {
    let mut both = one.into_iter().zip(other);
    both.all(|both| match both {
        (Some(one), Some(other)) => ((one + SLOW) / (other + SLOW)).ln().abs() <= ALIKE,
        (None, None) => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        events::{CountedRow, Counts},
        sla::Events,
        time::Span,
    };

    const MINUTES: i64 = 9 * 24 * 60;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 / 86_400_000 * 86_400_000 + minute * 60_000)
            .unwrap()
    }

    fn objective() -> EventsObjective {
        let events = Events {
            bad: Some("errors".to_owned()),
            total: Some("requests".to_owned()),
            ..Events::default()
        };
        EventsObjective {
            target: Some(0.99),
            budget_window: "7d".parse::<crate::sla::BudgetWindow>().unwrap(),
            ..EventsObjective::new(events, Vec::new())
        }
    }

    /// 100 requests a minute, of which so many are bad.
    fn timeline(bad: impl Fn(i64) -> f64) -> Timeline {
        let rows: Vec<CountedRow> = (0..MINUTES)
            .map(|minute| CountedRow {
                span: Span {
                    start: at(minute),
                    end: at(minute + 1),
                },
                counts: Counts::new([bad(minute), 100.0]),
                measured_minutes: 1,
                reach: None,
                is_final: true,
                revision: 0,
                slices: None,
            })
            .collect();
        Timeline::new(&objective(), &rows, &SpanSet::default())
    }

    fn outlook(bad: impl Fn(i64) -> f64) -> (f64, Exhausted) {
        let found = EventsOutlook::of(&objective(), &timeline(bad), at(MINUTES));
        (
            *found.fires.known().unwrap(),
            *found.exhausted.known().unwrap(),
        )
    }

    #[test]
    fn while_nothing_is_bad_hardly_anything_is_to_come() {
        let (fires, exhausted) = outlook(|_| 0.0);
        assert!(fires < 0.01, "{fires}");
        assert!(exhausted.in_a_day < 0.01, "{exhausted:?}");
    }

    #[test]
    fn the_first_outage_goes_on_more_likely_than_not() {
        // 30 % for an hour: a burn of 30.
        let (fires, exhausted) = outlook(|minute| if minute >= MINUTES - 60 { 30.0 } else { 0.0 });
        assert!(fires > 0.8, "{fires}");
        // An hour of it is a sixth of the budget of 10,080 bad requests: a day more than uses it up.
        assert!(exhausted.in_an_hour < 0.2, "{exhausted:?}");
        assert!(exhausted.in_a_day > 0.8, "{exhausted:?}");
    }

    #[test]
    fn what_outages_like_this_one_led_to_is_what_this_one_may_lead_to() {
        // An hour of it, each 6 hours, that always ends after 50 minutes more.
        let bad = |minute: i64| {
            if (minute - MINUTES + 10).rem_euclid(360) < 60 {
                4.0
            } else {
                0.0
            }
        };
        let (fires, _) = outlook(bad);
        // A burn of 4 fires no page.
        assert!(fires < 0.05, "{fires}");
        let worse = |minute: i64| {
            let since = (minute - MINUTES + 10).rem_euclid(360);
            match since {
                0..10 => 2.0,
                10..60 => 60.0,
                _ => 0.0,
            }
        };
        // Each time a burn of 2 led to one of 60.
        let (fires, _) = outlook(worse);
        assert!(fires > 0.4, "{fires}");
        let never = |minute: i64| if minute >= MINUTES - 10 { 2.0 } else { 0.0 };
        assert!(outlook(never).0 < fires);
    }

    #[test]
    fn a_budget_that_is_gone_is_gone_until_what_spent_it_leaves_the_window() {
        let spent_at = |ago: i64| {
            move |minute: i64| {
                if (MINUTES - ago..MINUTES - ago + 300).contains(&minute) {
                    90.0
                } else {
                    0.0
                }
            }
        };
        let (_, yesterday) = outlook(spent_at(2 * 24 * 60));
        assert!(yesterday.in_a_day > 0.9, "{yesterday:?}");
        // All of it lies 6 days and 20 h back.
        let (_, leaves) = outlook(spent_at(7 * 24 * 60 - 240));
        assert!(leaves.in_an_hour > 0.9, "{leaves:?}");
        assert!(leaves.in_a_day < 0.2, "{leaves:?}");
    }

    #[test]
    fn what_cannot_be_said_has_a_reason() {
        let timeline = timeline(|_| 0.0);
        let reasons = |change: &dyn Fn(&mut EventsObjective), as_of| {
            let mut changed = objective();
            change(&mut changed);
            let found = EventsOutlook::of(&changed, &timeline, as_of);
            [found.fires.reason(), found.exhausted.reason()].map(|reason| reason.map(str::to_owned))
        };
        let both = |reason: &str| [Some(reason.to_owned()), Some(reason.to_owned())];
        let now = at(MINUTES);
        assert_eq!(reasons(&|_| {}, now), [None, None]);
        assert_eq!(reasons(&|one| one.target = None, now), both(NO_TARGET));
        assert_eq!(reasons(&|_| {}, now + HOUR), both(NOT_MEASURED));
        let silent = reasons(&|one| one.alerts = Some(Vec::new()), now);
        assert_eq!(silent, [Some(NO_PAGE.to_owned()), None]);
    }
}
