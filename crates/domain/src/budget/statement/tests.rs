#![allow(
    clippy::single_range_in_vec_init,
    reason = "a list of one range is meant"
)]

use std::ops::Range;

use proptest::prelude::*;

use super::super::{AttributedTime, RecordedTime, Version, in_force};
use super::*;
use crate::{
    sla::{AlertPair, Severity},
    time::{Span, SpanSet, Timestamp},
};

const DAY: i64 = 86_400;
const MONTH: i64 = 30 * DAY;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000).unwrap()
}

fn span(range: &Range<i64>) -> Span {
    Span {
        start: at(range.start),
        end: at(range.end),
    }
}

fn terms(target: f64, missing: Missing) -> Terms {
    Terms {
        target: Some(target),
        window: BudgetWindow::days(30),
        missing,
        alerts: None,
        ending: None,
    }
}

fn recorded(judged: Range<i64>, gaps: &[Range<i64>], violations: &[Range<i64>]) -> RecordedTime {
    RecordedTime {
        judged: vec![span(&judged)],
        gaps: gaps.iter().map(span).collect(),
        violations: violations.iter().map(span).collect(),
    }
}

const EVER: Span = Span {
    start: Timestamp::EPOCH,
    end: Timestamp::MAX,
};

fn account(recorded: &RecordedTime, excluded: &[Range<i64>], as_of: i64) -> Account {
    let attributed = AttributedTime::of([(EVER, recorded)]);
    let excluded: SpanSet = excluded.iter().map(span).collect();
    Account::of(
        &attributed,
        &excluded,
        at(as_of),
        &terms(0.5, Missing::Excluded),
    )
}

#[test]
fn a_budget_is_what_the_formulas_say() {
    // Judged for the last 10 days; a day of silence, 3 h of violations, one of them excluded with another day.
    let now = MONTH;
    let recorded = recorded(
        20 * DAY..now,
        &[22 * DAY..23 * DAY],
        &[25 * DAY..25 * DAY + 7_200, now - 3_600..now],
    );
    let account = account(&recorded, &[25 * DAY - DAY..25 * DAY + 3_600], now);
    let budget = Budget::of(&terms(0.99, Missing::Excluded), &account);
    let close = |one: Option<f64>, other: f64| {
        assert!((one.unwrap() - other).abs() < 1e-9, "{one:?} {other}");
    };
    let (excluded, observed) = (90_000.0, 10.0 * 86_400.0 - 90_000.0 - 86_400.0);
    close(Some(budget.bad_seconds), 7_200.0);
    close(budget.sli, 1.0 - 7_200.0 / observed);
    close(
        budget.budget_seconds,
        0.01 * (2_592_000.0 - excluded - 86_400.0),
    );
    close(budget.remaining_seconds, 24_156.0 - 7_200.0);
    close(budget.remaining_share, 16_956.0 / 24_156.0);
    close(budget.exhaustion_seconds, 16_956.0);
    close(Some(budget.unjudged_seconds), 20.0 * 86_400.0);
    close(Some(budget.excluded_seconds), excluded);
    close(Some(budget.coverage), 9.0 / 30.0);
    close(budget.burn.of_window("5m"), 100.0);
    close(budget.burn.of_window("2h"), 50.0);
    close(budget.burn.of_window("3d"), 100.0 / 72.0);
    let firing: Vec<_> = budget.alerts.iter().map(|alert| alert.firing).collect();
    assert_eq!(firing, [true, true, true, true]);
}

#[test]
fn missing_time_is_what_the_objective_says() {
    let recorded = recorded(0..MONTH, &[0..15 * DAY], &[MONTH - 864..MONTH]);
    let account = account(&recorded, &[], MONTH);
    for (missing, sli, budget_seconds, bad_seconds) in [
        (
            Missing::Excluded,
            1.0 - 864.0 / (15.0 * 86_400.0),
            12_960.0,
            864.0,
        ),
        (
            Missing::Good,
            1.0 - 864.0 / (30.0 * 86_400.0),
            25_920.0,
            864.0,
        ),
        (
            Missing::Bad,
            1.0 - (864.0 + 15.0 * 86_400.0) / (30.0 * 86_400.0),
            25_920.0,
            864.0 + 15.0 * 86_400.0,
        ),
    ] {
        let budget = Budget::of(&terms(0.99, missing), &account);
        assert!((budget.sli.unwrap() - sli).abs() < 1e-12, "{missing:?}");
        assert!((budget.budget_seconds.unwrap() - budget_seconds).abs() < 1e-6);
        assert!((budget.bad_seconds - bad_seconds).abs() < 1e-6);
    }
}

#[test]
fn before_the_first_judgement_the_budget_is_whole_and_nothing_else_is_known() {
    let budget = Budget::of(
        &terms(0.995, Missing::Bad),
        &account(&RecordedTime::default(), &[], MONTH),
    );
    assert_eq!((budget.sli, budget.exhaustion_seconds), (None, None));
    assert_eq!(budget.remaining_share, Some(1.0));
    assert!((budget.remaining_seconds.unwrap() - 12_960.0).abs() < 1e-6);
    assert_eq!(budget.unjudged_seconds.to_bits(), 2_592_000_f64.to_bits());
    assert!(budget.burn.0.iter().all(|(_, burn)| burn.is_none()));
    assert!(budget.alerts.iter().all(|alert| !alert.firing));
}

#[test]
fn without_a_target_there_is_no_budget_but_an_sli() {
    let recorded = recorded(0..MONTH, &[], &[0..DAY]);
    let terms = Terms {
        target: None,
        ..terms(0.5, Missing::Good)
    };
    let budget = Budget::of(&terms, &account(&recorded, &[], MONTH));
    assert!(
        budget
            .sli
            .is_some_and(|sli| (sli - 29.0 / 30.0).abs() < 1e-12)
    );
    assert_eq!(
        (budget.budget_seconds, budget.remaining_seconds),
        (None, None)
    );
    assert_eq!((budget.alerts.len(), budget.exhaustion_seconds), (0, None));
}

#[test]
fn alerts_are_those_of_the_workbook_that_fit_into_the_window() {
    let of_window = |window: BudgetWindow| {
        let terms = Terms {
            window,
            ..terms(0.99, Missing::Good)
        };
        let account = Account::of(
            &AttributedTime::default(),
            &SpanSet::default(),
            at(MONTH),
            &terms,
        );
        Budget::of(&terms, &account)
    };
    let month = of_window(BudgetWindow::days(30));
    let told: Vec<_> = month
        .alerts
        .iter()
        .map(|alert| {
            let (long, short) = (alert.long.as_str(), alert.short.as_str());
            (long, short, alert.severity, alert.budget_share)
        })
        .collect();
    for (told, (long, short, severity, share)) in told.iter().zip([
        ("1h", "5m", Severity::Page, 0.02),
        ("6h", "30m", Severity::Page, 0.05),
        ("1d", "2h", Severity::Ticket, 0.1),
        ("3d", "6h", Severity::Ticket, 0.1),
    ]) {
        assert_eq!((told.0, told.1, told.2), (long, short, severity));
        assert!((told.3 - share).abs() < 1e-12, "{told:?}");
    }
    assert_eq!(told.len(), 4);
    let day = of_window(BudgetWindow::days(1));
    assert_eq!(day.alerts.len(), 3);
    assert_eq!(day.burn.0.len(), 6);
}

#[test]
fn an_alert_of_its_own_may_look_further_back_than_the_budget() {
    let pair = AlertPair::default_pairs().remove(3);
    let terms = Terms {
        window: BudgetWindow::days(1),
        alerts: Some(vec![pair]),
        ..terms(0.99, Missing::Good)
    };
    let bad = recorded(0..MONTH, &[], &[MONTH - 2 * DAY..MONTH]);
    let attributed = AttributedTime::of([(EVER, &bad)]);
    let account = Account::of(&attributed, &SpanSet::default(), at(MONTH), &terms);
    let budget = Budget::of(&terms, &account);
    let [alert] = &budget.alerts[..] else {
        panic!("{:?}", budget.alerts)
    };
    assert_eq!((&*alert.long, alert.firing), ("3d", true));
    // The burn of time before the budget's.
    let burn = budget.burn.of_window("3d").unwrap();
    assert!((burn - 200.0 / 3.0).abs() < 1e-9, "{burn}");
}

#[test]
fn an_alert_whose_factor_no_burn_reaches_says_so() {
    let recorded = recorded(0..MONTH, &[], &[0..MONTH]);
    let budget = Budget::of(&terms(0.9, Missing::Good), &account(&recorded, &[], MONTH));
    let told = budget
        .alerts
        .iter()
        .map(|alert| (alert.reachable, alert.firing));
    // Ten times the budget is all there is.
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(false, false), (true, true), (true, true), (true, true)]
    );
    assert_eq!(budget.exhaustion_seconds, Some(0.0));
}

#[test]
fn a_burn_needs_half_of_its_window() {
    let with = |observed: i64| {
        let recorded = recorded(MONTH - observed..MONTH, &[], &[MONTH - 10..MONTH]);
        let budget = Budget::of(
            &terms(0.9, Missing::Excluded),
            &account(&recorded, &[], MONTH),
        );
        budget.burn.of_window("5m").is_some()
    };
    assert!(with(150));
    assert!(!with(149));
}

#[test]
fn several_series_have_the_sums() {
    let one = account(&recorded(0..MONTH, &[], &[0..DAY]), &[], MONTH);
    let two = account(&recorded(15 * DAY..MONTH, &[], &[]), &[], MONTH);
    let mut both = one.clone();
    both += &two;
    let of = |account: &Account| Budget::of(&terms(0.9, Missing::Good), account);
    let sum = of(&both);
    assert!((sum.sli.unwrap() - (1.0 - 1.0 / 45.0)).abs() < 1e-12);
    assert!((sum.coverage - 0.75).abs() < 1e-12);
    let remaining = of(&one).remaining_seconds.unwrap() + of(&two).remaining_seconds.unwrap();
    assert!((sum.remaining_seconds.unwrap() - remaining).abs() < 1e-6);
}

#[test]
fn several_series_alike_are_exhausted_when_each_is() {
    let one = account(
        &recorded(0..MONTH, &[], &[MONTH - 1_800..MONTH]),
        &[],
        MONTH,
    );
    let mut three = one.clone();
    three += &one;
    three += &one;
    let of = |account: &Account| {
        let budget = Budget::of(&terms(0.9, Missing::Good), account);
        budget.exhaustion_seconds.unwrap()
    };
    // Half of each hour is bad.
    assert!((of(&one) - (259_200.0 - 1_800.0) * 2.0).abs() < 1e-6);
    assert!((of(&three) - of(&one)).abs() < 1e-6);
}

#[test]
fn each_version_is_attributed_while_it_is_in_force() {
    let version = |version, created_at, retired_at: Option<i64>| Version {
        version,
        created_at: at(created_at),
        retired_at: retired_at.map(at),
    };
    let spans = in_force(&[
        version(2, 3 * DAY, Some(4 * DAY)),
        version(1, 2 * DAY, None),
        version(3, 6 * DAY, None),
    ]);
    let told: Vec<_> = spans.into_values().collect();
    assert_eq!(
        told,
        [
            span(&(2 * DAY - DAY / 2..3 * DAY)),
            span(&(3 * DAY..4 * DAY)),
            Span {
                start: at(6 * DAY),
                end: Timestamp::MAX
            },
        ]
    );
}

const LENGTH: i64 = 3_600;
const RECENT: i64 = 300;

fn ranges() -> impl Strategy<Value = Vec<Range<i64>>> {
    let range = (0..LENGTH + 200, 1..2_000_i64).prop_map(|(start, length)| start..start + length);
    prop::collection::vec(range, 0..4)
}

/// What was stored of one version: judged time, gaps, violations.
type Spans = [Vec<Range<i64>>; 3];

fn version() -> impl Strategy<Value = Spans> {
    [ranges(), ranges(), ranges()]
}

fn contains(ranges: &[Range<i64>], second: i64) -> bool {
    ranges.iter().any(|range| range.contains(&second))
}

/// Judged, missing, violated seconds of `seconds`, counted one by one.
fn count(
    seconds: Range<i64>,
    versions: [&Spans; 2],
    replaced_at: i64,
    excluded: &[Range<i64>],
) -> [u64; 3] {
    let mut counts = [0; 3];
    for second in seconds.filter(|second| !contains(excluded, *second)) {
        let [judged, gaps, violations] = versions[usize::from(second >= replaced_at)];
        if contains(judged, second) {
            counts[0] += 1;
            counts[1] += u64::from(contains(gaps, second));
            // A violation is attributed to the judged time, whichever version judged it.
            counts[2] += u64::from(contains(violations, second));
        }
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_budget_is_what_counting_seconds_gives(
        versions in [version(), version()],
        replaced_at in 0..LENGTH + 200,
        excluded in ranges(),
        missing in prop::sample::select(vec![Missing::Excluded, Missing::Good, Missing::Bad]),
        target in 0.01..0.99,
    ) {
        let (start, as_of) = (100, 100 + LENGTH);
        let as_recorded = |[judged, gaps, violations]: &Spans| RecordedTime {
            judged: judged.iter().map(span).collect(),
            gaps: gaps.iter().map(span).collect(),
            violations: violations.iter().map(span).collect(),
        };
        let recorded = [as_recorded(&versions[0]), as_recorded(&versions[1])];
        let attributed = AttributedTime::of([
            (Span { end: at(replaced_at), ..EVER }, &recorded[0]),
            (Span { start: at(replaced_at), ..EVER }, &recorded[1]),
        ]);
        let terms = Terms {
            window: "1h".parse().unwrap(),
            ..terms(target, missing)
        };
        let taken_out: SpanSet = excluded.iter().map(span).collect();
        let account = Account::of(&attributed, &taken_out, at(as_of), &terms);
        let budget = Budget::of(&terms, &account);

        let counted = |seconds| count(seconds, [&versions[0], &versions[1]], replaced_at, &excluded);
        let shares = |[judged, gaps, violated]: [u64; 3]| match missing {
            Missing::Excluded => (violated, judged - gaps),
            Missing::Good => (violated, judged),
            Missing::Bad => (violated + gaps, judged),
        };
        let whole = counted(start..as_of);
        let (b, total) = shares(whole);
        let (b_recent, total_recent) = shares(counted(as_of - RECENT..as_of));
        let out = (start..as_of).filter(|second| contains(&excluded, *second)).count() as f64;
        let not_there = if missing == Missing::Excluded { whole[1] as f64 } else { 0.0 };

        let close = |one: f64, other: f64| (one - other).abs() <= 1e-9 * other.abs().max(1.0);
        let same = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => close(one, other),
            (one, other) => one == other,
        };
        let sli = (total > 0).then(|| 1.0 - b as f64 / total as f64);
        prop_assert!(same(budget.sli, sli), "{:?} {sli:?}", budget.sli);
        let spendable = (1.0 - target) * (LENGTH as f64 - out - not_there);
        prop_assert!(same(budget.budget_seconds, Some(spendable)));
        prop_assert!(close(budget.bad_seconds, b as f64));
        prop_assert!(same(budget.remaining_seconds, Some(spendable - b as f64)));
        prop_assert!(close(budget.excluded_seconds, out));
        prop_assert!(close(budget.unjudged_seconds, LENGTH as f64 - out - whole[0] as f64));
        let burn = (total_recent * 2 >= RECENT as u64)
            .then(|| b_recent as f64 / total_recent as f64 / (1.0 - target));
        prop_assert!(same(budget.burn.of_window("5m"), burn));
    }
}
