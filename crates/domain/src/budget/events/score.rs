//! What the probabilities of a budget of events were worth: what came of each, by the rule that it was said by.

use std::time::Duration;

use super::{
    outlook::{EventsOutlook, SOON},
    question::EventsQuestion,
    statement::Reckoning,
    timeline::{Timeline, floor, slice_length},
};
use crate::{
    budget::alert::pairs,
    sla::{EventsObjective, Severity},
    time::{SpanSet, Timestamp},
};

/// One of the probabilities of a budget of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetProbability {
    /// That an alert of severity page fires within 10 minutes.
    Fires,
    /// That the budget is gone in an hour.
    ExhaustedInAnHour,
    /// In 6 hours.
    ExhaustedInSixHours,
    /// In a day.
    ExhaustedInADay,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Where nothing happened, so much of the time has to be known: something may have happened in the rest.
const ENOUGH: f64 = 0.9;

impl BudgetProbability {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Fires,
        Self::ExhaustedInAnHour,
        Self::ExhaustedInSixHours,
        Self::ExhaustedInADay,
    ];
    /// How far the moments lie apart whose probabilities are scored: each multiple of it since the epoch is one.
    pub const STEP: Duration = SOON;

    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fires => "fires",
            Self::ExhaustedInAnHour => "exhausted_1h",
            Self::ExhaustedInSixHours => "exhausted_6h",
            Self::ExhaustedInADay => "exhausted_1d",
        }
    }

    /// How far it looks ahead; for an alert on slices that are longer than 10 minutes, one slice.
    pub fn ahead(self, objective: &EventsObjective) -> Duration {
        match self {
            Self::Fires => SOON.max(slice_length(objective)),
            Self::ExhaustedInAnHour => HOUR,
            Self::ExhaustedInSixHours => 6 * HOUR,
            Self::ExhaustedInADay => 24 * HOUR,
        }
    }

    /// The newest moment up to `time` whose probabilities are scored.
    pub fn newest_mark(time: Timestamp) -> Timestamp {
        floor(time, Self::STEP)
    }

    /// Whether one whose time is over at `mark`, a multiple of [`BudgetProbability::STEP`], is scored: those of alerts are
    /// at each, those of the budget each hour.
    pub fn is_scored_at(self, mark: Timestamp) -> bool {
        self == Self::Fires || floor(mark, HOUR) == mark
    }

    /// What `outlook` says it is, if it says so.
    pub fn of(self, outlook: &EventsOutlook) -> Option<f64> {
        let exhausted = outlook.exhausted.known();
        match self {
            Self::Fires => outlook.fires.known().copied(),
            Self::ExhaustedInAnHour => exhausted.map(|exhausted| exhausted.in_an_hour),
            Self::ExhaustedInSixHours => exhausted.map(|exhausted| exhausted.in_six_hours),
            Self::ExhaustedInADay => exhausted.map(|exhausted| exhausted.in_a_day),
        }
    }

    /// Which rows [`BudgetProbability::happened`] needs.
    pub fn question(
        self,
        objective: &EventsObjective,
        said_at: Timestamp,
        excluded: &SpanSet,
    ) -> EventsQuestion {
        let mut times = vec![said_at];
        times.extend(self.looks(objective, said_at));
        EventsQuestion::of(objective, &times, excluded)
    }

    /// Whether what it was said of at `said_at` happened; `None` if too little is known to say that it did not.
    pub fn happened(
        self,
        objective: &EventsObjective,
        timeline: &Timeline,
        said_at: Timestamp,
    ) -> Option<bool> {
        let period = objective.budget_window.period(said_at);
        let looks = self.looks(objective, said_at);
        let happened = match self {
            Self::Fires => {
                let reckoning = Reckoning::new(objective, timeline, said_at);
                let pairs = pairs(objective.alerts.as_deref(), period.length);
                let fires = |end: Timestamp| {
                    let mut pages = pairs.iter().filter(|pair| pair.severity == Severity::Page);
                    pages.any(|pair| {
                        let mut windows = [pair.long, pair.short].into_iter();
                        windows.all(|window| timeline.is_known(window, end))
                            && reckoning.fires(pair, end)
                    })
                };
                looks.iter().any(|end| fires(*end))
            }
            _ => {
                let end = looks.last().copied().unwrap_or(said_at);
                let left = Reckoning::in_period(objective, timeline, period, end).left()?;
                left <= 0.0
            }
        };
        let start = timeline.newest_end(said_at);
        let end = looks.last().copied().unwrap_or(start);
        let known = timeline
            .known_until(end)
            .saturating_sub(timeline.known_until(start));
        (happened || known >= end.since(start).mul_f64(ENOUGH)).then_some(happened)
    }

    /// The ends of slices at which it is looked whether it happened: for alerts each 5 minutes, or each slice that is longer;
    /// for the budget the last one that is part of the calendar's period.
    fn looks(self, objective: &EventsObjective, said_at: Timestamp) -> Vec<Timestamp> {
        let slice = slice_length(objective);
        let start = floor(said_at, slice);
        let ahead = self.ahead(objective);
        if self != Self::Fires {
            let period = objective.budget_window.period(said_at);
            let end = period
                .end
                .map_or(start + ahead, |ends| ends.min(start + ahead));
            return vec![floor(end, slice).max(start)];
        }
        let step = slice.max(5 * MINUTE);
        let steps = (1_u32..).map(|count| start + step * count);
        steps.take_while(|end| *end <= start + ahead).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        events::{CountedRow, Counts},
        sla::{BudgetWindow, Events},
        time::Span,
    };

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 / 86_400_000 * 86_400_000 + minute * 60_000)
            .unwrap()
    }

    fn objective(budget_window: &str) -> EventsObjective {
        let events = Events {
            bad: Some("errors".to_owned()),
            total: Some("requests".to_owned()),
            ..Events::default()
        };
        EventsObjective {
            target: Some(0.99),
            budget_window: budget_window.parse::<BudgetWindow>().unwrap(),
            ..EventsObjective::new(events, Vec::new())
        }
    }

    /// 100 requests a minute from -1,440 to 3,000, of which so many are bad; `None`: nothing was measured.
    fn timeline(objective: &EventsObjective, bad: impl Fn(i64) -> Option<f64>) -> Timeline {
        let minutes = (-1_440..3_000).filter_map(|minute| Some((minute, bad(minute)?)));
        let rows: Vec<CountedRow> = minutes
            .map(|(minute, bad)| CountedRow {
                span: Span {
                    start: at(minute),
                    end: at(minute + 1),
                },
                counts: Counts::new([bad, 100.0]),
                measured_minutes: 1,
                reach: None,
                is_final: true,
                revision: 0,
                slices: None,
            })
            .collect();
        Timeline::new(objective, &rows, &SpanSet::default())
    }

    fn all_bad_for_20_minutes(minute: i64) -> Option<f64> {
        let is_bad = (600..620).contains(&minute);
        Some(if is_bad { 100.0 } else { 0.0 })
    }

    #[test]
    fn an_alert_that_fires_within_10_minutes_happened() {
        let objective = objective("7d");
        // From 600 on: 14.4 % of an hour, the fast pair's, is reached with the ninth.
        let all = timeline(&objective, all_bad_for_20_minutes);
        let happened = |minute| BudgetProbability::Fires.happened(&objective, &all, at(minute));
        for (said_at, expected) in [
            (590, false),
            (600, true),
            (610, true),
            // After 620 the last 5 minutes were still bad enough at 620, and are not at 625.
            (615, true),
            (620, false),
            (700, false),
        ] {
            assert_eq!(happened(said_at), Some(expected), "said at {said_at}");
        }
    }

    #[test]
    fn a_budget_that_is_used_up_at_the_end_happened() {
        // 1 % of a day's 144,000 requests are 1,440: spent in 14.4 bad minutes, and there again a day later.
        let objective = objective("1d");
        let all = timeline(&objective, all_bad_for_20_minutes);
        for (probability, said_at, expected) in [
            (BudgetProbability::ExhaustedInAnHour, 540, false),
            (BudgetProbability::ExhaustedInAnHour, 560, true),
            (BudgetProbability::ExhaustedInSixHours, 250, false),
            (BudgetProbability::ExhaustedInSixHours, 260, true),
            (BudgetProbability::ExhaustedInADay, 0, true),
            (BudgetProbability::ExhaustedInADay, 700, false),
        ] {
            let happened = probability.happened(&objective, &all, at(said_at));
            assert_eq!(
                happened,
                Some(expected),
                "{probability:?} said at {said_at}"
            );
        }
    }

    #[test]
    fn a_calendar_s_budget_is_looked_at_no_later_than_at_its_period_s_end() {
        let week = r#"{"calendar": "1w", "starts": "2026-09-21T00:00:00", "time_zone": "UTC"}"#;
        let objective = EventsObjective {
            budget_window: serde_json::from_str(week).unwrap(),
            ..objective("7d")
        };
        let period = objective.budget_window.period(at(0));
        let (said_at, ends) = (period.end.unwrap() - 2 * HOUR, period.end.unwrap());
        let looks = BudgetProbability::ExhaustedInADay.looks(&objective, said_at);
        assert_eq!(looks, [ends]);
        let looks = BudgetProbability::ExhaustedInAnHour.looks(&objective, said_at);
        assert_eq!(looks, [ends - HOUR]);
    }

    #[test]
    fn what_was_not_measured_may_have_happened() {
        let objective = objective("7d");
        let happened = |silent: std::ops::Range<i64>, bad: f64| {
            let all = timeline(&objective, |minute| {
                let bad = if (600..610).contains(&minute) {
                    bad
                } else {
                    0.0
                };
                (!silent.contains(&minute)).then_some(bad)
            });
            BudgetProbability::Fires.happened(&objective, &all, at(600))
        };
        assert_eq!(happened(600..601, 0.0), Some(false));
        assert_eq!(happened(600..602, 0.0), None);
        assert_eq!(happened(609..611, 100.0), Some(true));
    }

    #[test]
    fn what_is_scored_has_a_name_and_a_time_of_its_own() {
        let names = BudgetProbability::ALL.map(BudgetProbability::as_str);
        assert_eq!(
            names,
            ["fires", "exhausted_1h", "exhausted_6h", "exhausted_1d"]
        );
        let scored = |minute| BudgetProbability::ALL.map(|one| one.is_scored_at(at(minute)));
        assert_eq!(scored(50), [true, false, false, false]);
        assert_eq!(scored(60), [true; 4]);
    }
}
