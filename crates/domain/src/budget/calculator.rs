use std::{collections::BTreeMap, time::Duration};

use super::{Account, AttributedTime, Budget, RecordedTime, Version, freeze::freeze, in_force};
use crate::{
    sla::Terms,
    time::{Span, SpanSet, Timestamp},
};

/// Calculates the budgets of one SLA's objectives at one time, from what was stored of their evaluations.
#[derive(Clone, Debug)]
pub struct BudgetCalculator {
    /// When each version of the SLA was in force.
    in_force: BTreeMap<u32, Span>,
    as_of: Timestamp,
}

/// What was stored of an objective on one series, by version of the SLA.
pub type RecordedVersions = BTreeMap<u32, RecordedTime>;

/// The budgets of one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveBudgets<Series> {
    /// That of each series of which any of the budget window was judged, the one with the least left first.
    pub of_series: Vec<(Series, Budget)>,
    /// That of all these series together.
    pub rolled_up: Budget,
}

/// An evaluation reads so much more than 12 h at most: an hour of `for`, and 5 minutes.
const LONGEST_LEAD: Duration = Duration::from_secs(65 * 60);

impl BudgetCalculator {
    /// For an SLA that has had these versions, at `as_of`.
    pub fn new(versions: &[Version], as_of: Timestamp) -> Self {
        Self {
            in_force: in_force(versions),
            as_of,
        }
    }

    /// The present.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The budgets of an objective with these terms on its series, `excluded` taken out.
    pub fn budgets<'a, Series>(
        &self,
        terms: &Terms,
        series: impl IntoIterator<Item = (Series, &'a RecordedVersions)>,
        excluded: &SpanSet,
    ) -> ObjectiveBudgets<Series> {
        let account = |time: &AttributedTime| Account::of(time, excluded, self.as_of, terms);
        let (series, mut times): (Vec<Series>, Vec<AttributedTime>) = series
            .into_iter()
            .map(|(series, recorded)| (series, self.attributed(recorded)))
            .unzip();
        if let Some(hold) = terms.ending {
            AttributedTime::end_silent(&mut times, hold, self.as_of);
        }
        let mut all: Option<Account> = None;
        let (mut of_series, mut judged) = (Vec::new(), Vec::new());
        for (series, time) in series.into_iter().zip(times) {
            let own = account(&time);
            if !own.is_judged() {
                continue;
            }
            let mut budget = Budget::of(terms, &own);
            freeze(
                &mut budget,
                terms,
                std::slice::from_ref(&time),
                excluded,
                self.as_of,
            );
            of_series.push((series, budget));
            judged.push(time);
            match &mut all {
                Some(all) => *all += &own,
                None => all = Some(own),
            }
        }
        of_series.sort_by(|(_, one), (_, other)| one.left().total_cmp(&other.left()));
        let all = all.unwrap_or_else(|| account(&AttributedTime::default()));
        let mut rolled_up = Budget::of(terms, &all);
        freeze(&mut rolled_up, terms, &judged, excluded, self.as_of);
        ObjectiveBudgets {
            of_series,
            rolled_up,
        }
    }

    /// Of each version what it judged while it was in force. The first one answers for all the time before that was replayed.
    pub fn attributed(&self, recorded: &RecordedVersions) -> AttributedTime {
        let first = self.in_force.keys().next();
        AttributedTime::of(recorded.iter().filter_map(|(version, recorded)| {
            let mut in_force = *self.in_force.get(version)?;
            let since_first = recorded.judged.iter().map(|span| span.start).min();
            let is_replayed =
                since_first.is_some_and(|start| start < in_force.start - LONGEST_LEAD);
            if first == Some(version) && is_replayed {
                in_force.start = Timestamp::EPOCH;
            }
            Some((in_force, recorded))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sla::{BudgetWindow, Missing};

    const DAY: u64 = 86_400;

    fn span(start: u64, end: u64) -> Span {
        let at = |seconds| Timestamp::EPOCH + Duration::from_secs(seconds);
        Span {
            start: at(start),
            end: at(end),
        }
    }

    /// Judged over the whole day, with this many seconds of violation at its end.
    fn recorded(violation: u64) -> RecordedVersions {
        let time = RecordedTime {
            judged: vec![span(0, DAY)],
            violations: vec![span(DAY - violation, DAY)],
            ..RecordedTime::default()
        };
        BTreeMap::from([(1, time)])
    }

    fn budgets(series: &[(&'static str, RecordedVersions)]) -> ObjectiveBudgets<&'static str> {
        let version = Version {
            version: 1,
            created_at: Timestamp::EPOCH,
            retired_at: None,
        };
        let terms = Terms {
            target: Some(0.99),
            window: BudgetWindow::days(1),
            missing: Missing::Excluded,
            alerts: None,
            ending: Some(Duration::from_secs(900)),
        };
        let calculator = BudgetCalculator::new(&[version], span(0, DAY).end);
        let series = series.iter().map(|(name, recorded)| (*name, recorded));
        calculator.budgets(&terms, series, &SpanSet::default())
    }

    #[test]
    fn the_series_with_the_least_left_comes_first_and_all_are_summed_up() {
        let found = budgets(&[
            ("one", recorded(10)),
            ("never judged", RecordedVersions::new()),
            ("other", recorded(100)),
        ]);
        let listed: Vec<_> = found
            .of_series
            .iter()
            .map(|(series, budget)| (*series, budget.bad_seconds))
            .collect();
        assert_eq!(listed, [("other", 100.0), ("one", 10.0)]);
        let all = (found.rolled_up.bad_seconds, found.rolled_up.target);
        assert_eq!(all, (110.0, Some(0.99)));
    }

    #[test]
    fn an_alert_freezes_where_less_than_half_is_measured() {
        // In violation until 20:00; then nothing stands for 4 minutes, or for 40.
        let silent = |minutes: u64| {
            let end = 20 * 3_600;
            let time = RecordedTime {
                judged: vec![span(0, end + 60 * minutes)],
                gaps: vec![span(end, end + 60 * minutes)],
                violations: vec![span(3_600, end)],
            };
            (end + 60 * minutes, BTreeMap::from([(1, time)]))
        };
        for (minutes, expected) in [
            (2, (true, false, None)),
            (4, (true, true, Some(20 * 3_600 + 120))),
            (40, (true, true, Some(20 * 3_600 + 120))),
        ] {
            let (end, recorded) = silent(minutes);
            let version = Version {
                version: 1,
                created_at: Timestamp::EPOCH,
                retired_at: None,
            };
            let terms = Terms {
                target: Some(0.99),
                window: BudgetWindow::days(1),
                missing: Missing::Excluded,
                alerts: None,
                ending: None,
            };
            let calculator = BudgetCalculator::new(&[version], span(0, end).end);
            let found = calculator.budgets(&terms, [("one", &recorded)], &SpanSet::default());
            for budget in [&found.of_series[0].1, &found.rolled_up] {
                let page = &budget.alerts[0];
                let since = page
                    .unmeasured_since
                    .map(|since| since.millis() as u64 / 1_000);
                assert_eq!((page.firing, page.frozen, since), expected, "{minutes}");
            }
        }
        // What is excluded counts as measured: nothing is judged, so it does not fire.
        let (end, recorded) = silent(40);
        let excluded = SpanSet::from(span(0, end));
        let version = Version {
            version: 1,
            created_at: Timestamp::EPOCH,
            retired_at: None,
        };
        let terms = Terms {
            target: Some(0.99),
            window: BudgetWindow::days(1),
            missing: Missing::Excluded,
            alerts: None,
            ending: None,
        };
        let calculator = BudgetCalculator::new(&[version], span(0, end).end);
        let found = calculator.budgets(&terms, [("one", &recorded)], &excluded);
        let page = &found.rolled_up.alerts[0];
        assert_eq!((page.firing, page.frozen), (false, false));
    }

    #[test]
    fn without_a_judged_series_the_whole_budget_is_left() {
        let found = budgets(&[("never judged", RecordedVersions::new())]);
        assert!(found.of_series.is_empty());
        assert_eq!(found.rolled_up.sli, None);
        assert_eq!(found.rolled_up.remaining_share, Some(1.0));
    }

    #[test]
    fn a_version_that_was_never_made_answers_for_nothing() {
        let found = budgets(&[("one", BTreeMap::from([(2, RecordedTime::default())]))]);
        assert!(found.of_series.is_empty());
    }

    /// Judged over the whole day, standing in one span of it, with a violation at the end of that or none.
    fn present(start: u64, end: u64, violation: u64) -> RecordedVersions {
        let gaps = [span(0, start), span(end, DAY)].into_iter();
        let time = RecordedTime {
            judged: vec![span(0, DAY)],
            gaps: gaps.filter(|gap| gap.start < gap.end).collect(),
            violations: vec![span(end - violation, end)],
        };
        BTreeMap::from([(1, time)])
    }

    #[test]
    fn a_series_counts_for_the_time_in_which_it_was_there() {
        let hour = 3_600;
        let there = present(0, DAY, 0);
        for (name, series, other, length, coverage) in [
            ("whole", present(0, DAY, 0), &there, DAY, 1.0),
            ("young", present(20 * hour, DAY, 0), &there, DAY, 1.0),
            (
                "seen late, not young",
                present(300, DAY, 0),
                &there,
                DAY,
                1.0 - 300.0 / 86_400.0,
            ),
            ("ended", present(0, 6 * hour, 0), &there, 6 * hour, 1.0),
            (
                "young and ended",
                present(hour, 6 * hour, 0),
                &there,
                5 * hour,
                1.0,
            ),
            (
                "ended in a violation",
                present(0, 6 * hour, 60),
                &there,
                6 * hour,
                1.0,
            ),
            (
                "kept in a violation",
                present(0, DAY - 899, 60),
                &there,
                DAY,
                1.0 - 899.0 / 86_400.0,
            ),
            (
                "held long enough",
                present(0, DAY - 900, 60),
                &there,
                DAY - 900,
                1.0,
            ),
            (
                "none stands",
                present(0, 6 * hour, 0),
                &present(0, 7 * hour, 0),
                DAY,
                0.25,
            ),
        ] {
            let found = budgets(&[("one", series), ("other", other.clone())]);
            let (_, one) = found
                .of_series
                .iter()
                .find(|(name, _)| *name == "one")
                .unwrap();
            assert!(
                (one.coverage - coverage).abs() < 1e-12,
                "{name}: {}",
                one.coverage
            );
            let missing = length as f64 * (1.0 - one.coverage);
            let spendable = match name {
                "young" => (DAY - 20 * hour) as f64,
                _ => length as f64 - missing,
            };
            let budget = one.budget_seconds.unwrap();
            assert!((budget - 0.01 * spendable).abs() < 1e-6, "{name}: {budget}");
        }
    }

    #[test]
    fn series_that_ended_leave_the_burn_of_those_that_are_there() {
        let there = present(DAY - 1_800, DAY, 600);
        let ended = |name| (name, present(0, DAY - 7_200, 0));
        let found = budgets(&[("one", there), ended("a"), ended("b"), ended("c")]);
        let burn = found.rolled_up.burn.of_window("1h");
        assert!(
            burn.is_some_and(|burn| (burn - 600.0 / 1_800.0 / 0.01).abs() < 1e-9),
            "{burn:?}"
        );
        // One alone spends what is left, a third of its time.
        let (left, gone_in) = (
            found.rolled_up.remaining_seconds,
            found.rolled_up.exhaustion_seconds,
        );
        let (left, gone_in) = (left.unwrap(), gone_in.unwrap());
        assert!((gone_in - 3.0 * left).abs() < 1e-6, "{gone_in} {left}");
    }
}
