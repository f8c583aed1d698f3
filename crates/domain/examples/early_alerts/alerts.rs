//! Alerts, and the violations that came after them.

use crate::{
    forward::{Case, Run},
    past::{AHEAD, Mean},
};

/// An alert that still fires counts for so many minutes.
const LONGEST: usize = 60;

/// What says that a violation is to come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    /// The product: the probability, while those of the last day were worth it.
    Product(f64),
    /// The probability alone.
    Probability(f64),
    /// `predict_linear(series[15m], 600) > max`, or that of 1 h.
    Linear(usize),
}

impl Method {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Product(least) => format!("expect {least}"),
            Self::Probability(least) => format!("probability >= {least} alone"),
            Self::Linear(range) => format!("predict_linear({})", ["15m", "1h"][range]),
        }
    }

    /// Whether it says in this run that a violation is to come; `None` if it says nothing, which changes nothing.
    fn says(self, run: &Run, max: f64) -> Option<bool> {
        match self {
            Self::Product(_) if !run.is_worth_it => Some(false),
            Self::Product(least) | Self::Probability(least) => Some(run.probability? >= least),
            Self::Linear(range) => Some(run.linear[range].is_some_and(|value| value > max)),
        }
    }
}

/// From the minute in which it fires to the one in which it is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) raised: usize,
    /// `None`: it still fires in the end.
    pub(crate) ended: Option<usize>,
}

impl Alert {
    /// Whether it announced a violation that began in this minute: raised before, at most 10 minutes, or an hour if it fires
    /// until then.
    fn announced(self, began: usize) -> bool {
        let fires = self.ended.is_none_or(|ended| ended >= began);
        let longest = if fires { LONGEST } else { AHEAD };
        self.raised < began && began - self.raised <= longest
    }
}

/// The alerts of a method: one fires once a second evaluation says so after a first, as `domain::alert` has it for
/// those that hold twice, and is resolved by the first that does not.
///
/// While a violation goes on nothing is raised or resolved.
pub(crate) fn alerts(case: &Case, method: Method) -> Vec<Alert> {
    let says = case.runs.iter().map(|run| {
        let said = match run.is_violated {
            true => Said::Violated,
            false => match method.says(run, case.max) {
                Some(true) => Said::Likely,
                Some(false) => Said::Unlikely,
                None => Said::Nothing,
            },
        };
        (run.minute, said)
    });
    episodes(says)
}

#[derive(Clone, Copy, Debug)]
enum Said {
    Likely,
    Unlikely,
    Nothing,
    Violated,
}

fn episodes(says: impl Iterator<Item = (usize, Said)>) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    let mut is_pending = false;
    for (minute, said) in says {
        let open = alerts.last_mut().filter(|alert| alert.ended.is_none());
        match (said, open) {
            (Said::Unlikely, Some(alert)) => alert.ended = Some(minute),
            (Said::Likely, None) if is_pending => alerts.push(Alert {
                raised: minute,
                ended: None,
            }),
            (Said::Likely, None) => {
                is_pending = true;
                continue;
            }
            (Said::Nothing, _) => continue,
            (Said::Unlikely | Said::Violated, _) | (Said::Likely, Some(_)) => {}
        }
        is_pending = false;
    }
    alerts
}

/// What alerts and violations came to, over any number of cases.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    alerts: usize,
    right: usize,
    violations: usize,
    announced: usize,
    /// Minutes from the alert to the violation, of those announced.
    leads: Vec<usize>,
    /// The share of right alerts of each case that has any, and that of announced violations.
    right_of_each: Mean,
    announced_of_each: Mean,
}

impl Tally {
    pub(crate) fn add(&mut self, alerts: &[Alert], begun: &[usize]) {
        let is_right = |alert: &&Alert| begun.iter().any(|began| alert.announced(*began));
        let right = alerts.iter().filter(is_right).count();
        let leads = begun.iter().filter_map(|began| {
            let first = alerts.iter().find(|alert| alert.announced(*began))?;
            Some(began - first.raised)
        });
        let leads: Vec<usize> = leads.collect();
        if let Some(share) = share(right, alerts.len()) {
            self.right_of_each.add(share);
        }
        if let Some(share) = share(leads.len(), begun.len()) {
            self.announced_of_each.add(share);
        }
        self.alerts += alerts.len();
        self.right += right;
        self.violations += begun.len();
        self.announced += leads.len();
        self.leads.extend(leads);
    }

    /// As [`heading`] names them.
    pub(crate) fn line(&mut self, name: &str) -> String {
        self.leads.sort_unstable();
        let lead = self.leads.get(self.leads.len() / 2);
        let lead = lead.map_or("–".to_owned(), |minutes| format!("{minutes} min"));
        let percent = |share: Option<f64>| {
            share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
        };
        format!(
            "| {name} | {} | {} | {} | {lead} | {} | {} |",
            self.alerts,
            percent(share(self.right, self.alerts)),
            percent(share(self.announced, self.violations)),
            percent(self.right_of_each.get()),
            percent(self.announced_of_each.get()),
        )
    }
}

/// `None` of nothing.
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What the columns of [`Tally::line`] are: the last two are means over objectives, of which each counts alike.
pub(crate) fn heading() -> &'static str {
    "| alert | raised | right | announced | lead | right, by objective | announced, by objective |\n\
     |---|---|---|---|---|---|---|"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A character a minute: `+` likely, `-` unlikely, `?` nothing, `!` violated.
    fn of(said: &str) -> Vec<(usize, Option<usize>)> {
        let says = said.bytes().enumerate().map(|(minute, byte)| {
            let said = match byte {
                b'+' => Said::Likely,
                b'-' => Said::Unlikely,
                b'?' => Said::Nothing,
                _ => Said::Violated,
            };
            (minute, said)
        });
        let alerts = episodes(says).into_iter();
        alerts.map(|alert| (alert.raised, alert.ended)).collect()
    }

    #[test]
    fn an_alert_fires_with_the_second_evaluation_and_is_resolved_by_the_first_that_does_not_hold() {
        assert_eq!(of("-+-+-"), []);
        assert_eq!(of("-++-"), [(2, Some(3))]);
        assert_eq!(of("-+++"), [(2, None)]);
        assert_eq!(of("++-++--"), [(1, Some(2)), (4, Some(5))]);
    }

    #[test]
    fn where_nothing_is_said_an_alert_stays_as_it_is() {
        assert_eq!(of("+?+-"), [(2, Some(3))]);
        assert_eq!(of("++??-"), [(1, Some(4))]);
        assert_eq!(of("??"), []);
    }

    #[test]
    fn a_violation_neither_raises_nor_resolves() {
        assert_eq!(of("+!+-"), []);
        assert_eq!(of("++!!+-"), [(1, Some(5))]);
        assert_eq!(of("++!!-"), [(1, Some(4))]);
        assert_eq!(of("+!!++"), [(4, None)]);
    }

    #[test]
    fn an_alert_announces_what_begins_in_10_minutes_or_in_an_hour_while_it_fires() {
        let short = Alert {
            raised: 100,
            ended: Some(103),
        };
        let long = Alert {
            ended: Some(140),
            ..short
        };
        let endless = Alert {
            ended: None,
            ..short
        };
        for (alert, began, expected) in [
            (short, 100, false),
            (short, 99, false),
            (short, 101, true),
            (short, 110, true),
            (short, 111, false),
            (long, 111, true),
            (long, 140, true),
            (long, 141, false),
            (endless, 160, true),
            (endless, 161, false),
        ] {
            assert_eq!(alert.announced(began), expected, "{alert:?} {began}");
        }
    }

    #[test]
    fn a_tally_counts_each_alert_and_each_violation_once() {
        let alert = |raised, ended| Alert {
            raised,
            ended: Some(ended),
        };
        let mut tally = Tally::default();
        // Two alerts before one violation, one before two, one before none.
        tally.add(
            &[
                alert(10, 12),
                alert(14, 30),
                alert(100, 130),
                alert(200, 201),
            ],
            &[17, 105, 125, 300],
        );
        assert_eq!((tally.alerts, tally.right), (4, 3));
        assert_eq!((tally.violations, tally.announced), (4, 3));
        tally.leads.sort_unstable();
        assert_eq!(tally.leads, [5, 7, 25]);
        // Of another objective none was announced.
        tally.add(&[alert(10, 12)], &[30]);
        assert_eq!(
            tally.line("both"),
            "| both | 5 | 60 % | 60 % | 7 min | 38 % | 38 % |"
        );
        // One without alerts and violations has no share of them.
        tally.add(&[], &[]);
        assert_eq!(tally.right_of_each.count, 2);
        assert_eq!(
            Tally::default().line("none"),
            "| none | 0 | – | – | – | – | – |"
        );
    }
}
