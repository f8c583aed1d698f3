use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    statement::{EventsBudget, Reckoning},
    timeline::Timeline,
};
use crate::{
    budget::alert::pairs,
    sla::{AlertPair, EventsObjective},
    time::{Span, Timestamp},
};

/// A time for which an alert would have fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firing {
    /// The first end of a slice at which it fires.
    pub from: Timestamp,
    /// The first end of a slice after that at which it does not; null if it fires at the end.
    pub to: Option<Timestamp>,
}

impl EventsBudget {
    /// When each alert pair would have fired, looked at the ends of the slices in `(span.start, span.end]`, with its factor.
    /// Where too little is measured a pair stays as it was. None without a target.
    pub fn firings(
        objective: &EventsObjective,
        timeline: &Timeline,
        span: Span,
    ) -> Vec<(AlertPair, f64, Vec<Firing>)> {
        if objective.target.is_none() {
            return Vec::new();
        }
        let length = objective.budget_window.period(span.end).length;
        let reckoning = Reckoning::new(objective, timeline, span.end);
        let pairs = pairs(objective.alerts.as_deref(), length).into_iter();
        let tried = pairs.map(|pair| {
            let firings = firings(&reckoning, timeline, &pair, span);
            let factor = pair.pace.factor(pair.long, length);
            (pair, factor, firings)
        });
        tried.collect()
    }
}

fn firings(
    reckoning: &Reckoning<'_>,
    timeline: &Timeline,
    pair: &AlertPair,
    span: Span,
) -> Vec<Firing> {
    let mut firings: Vec<Firing> = Vec::new();
    let mut is_firing = false;
    let last = timeline.newest_end(span.end);
    let mut end = timeline.newest_end(span.start) + timeline.slice;
    while end <= last {
        let windows = [pair.long, pair.short];
        if windows.iter().all(|window| timeline.is_known(*window, end)) {
            let fires = reckoning.fires(pair, end);
            if fires && !is_firing {
                firings.push(Firing {
                    from: end,
                    to: None,
                });
            }
            if is_firing
                && !fires
                && let Some(over) = firings.last_mut()
            {
                over.to = Some(end);
            }
            is_firing = fires;
        }
        end = end + timeline.slice;
    }
    firings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        events::{CountedRow, Counts},
        sla::Events,
        time::SpanSet,
    };

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000).unwrap()
    }

    #[test]
    fn an_alert_fires_from_when_both_windows_burn_until_one_does_not() {
        let events = Events {
            bad: Some("errors".to_owned()),
            total: Some("requests".to_owned()),
            ..Events::default()
        };
        let objective = EventsObjective {
            target: Some(0.99),
            ..EventsObjective::new(events, Vec::new())
        };
        // All bad from minute 300 to 320 and from 500 on; nothing measured from 340 to 400.
        let is_bad = |minute: i64| (300..320).contains(&minute) || minute >= 500;
        let minutes = (0..520).filter(|minute| !(340..400).contains(minute));
        let rows: Vec<CountedRow> = minutes
            .map(|minute| CountedRow {
                span: Span {
                    start: at(minute),
                    end: at(minute + 1),
                },
                counts: Counts::new([if is_bad(minute) { 10.0 } else { 0.0 }, 10.0]),
                measured_minutes: 1,
                reach: None,
                is_final: true,
                revision: 0,
                slices: None,
            })
            .collect();
        let timeline = Timeline::new(&objective, &rows, &SpanSet::default());
        let span = Span {
            start: at(0),
            end: at(520),
        };
        let found = EventsBudget::firings(&objective, &timeline, span);
        let (fast, factor, firings) = &found[0];
        assert_eq!(
            (fast.long.as_secs(), fast.short.as_secs(), *factor),
            (3600, 300, 14.4)
        );
        // 14.4 % of an hour are 8.64 minutes: the ninth bad one makes it fire. After the last, 4.28 of 5 minutes at least
        // are good: the fifth.
        let expected = [
            Firing {
                from: at(309),
                to: Some(at(325)),
            },
            Firing {
                from: at(509),
                to: None,
            },
        ];
        assert_eq!(firings[..], expected);
        let none = EventsObjective {
            target: None,
            ..objective
        };
        assert_eq!(EventsBudget::firings(&none, &timeline, span), []);
    }
}
