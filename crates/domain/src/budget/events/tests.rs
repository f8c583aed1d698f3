#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    evaluation::ObjectiveState,
    events::{CountedRow, Counts, SliceTally},
    sla::{
        AlertPair, Events, EventsObjective, Given, Method, NoTraffic, Pace, Severity, SliceLength,
    },
    time::{Span, SpanSet, Timestamp},
};

const MINUTE: i64 = 60_000;
/// Where the first minute that is counted begins, minutes since the epoch: a multiple of an hour.
const FIRST: i64 = 29_400_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis((FIRST + minute) * MINUTE).unwrap()
}

fn span(start: i64, end: i64) -> Span {
    Span {
        start: at(start),
        end: at(end),
    }
}

fn minutes(count: i64) -> Duration {
    Duration::from_secs(60 * count.unsigned_abs())
}

/// What one minute holds; the first one ends a minute after [`FIRST`].
#[derive(Clone, Copy, Debug)]
struct Counted {
    sums: [f64; 2],
    measured: bool,
    /// How far before its start its increments reach back, seconds.
    reach: Option<i64>,
}

fn objective(method: Method) -> EventsObjective {
    let events = Events {
        good: None,
        bad: Some("errors".to_owned()),
        total: Some("requests".to_owned()),
        ..Events::default()
    };
    EventsObjective {
        target: Some(0.9),
        budget_window: "6h".parse().unwrap(),
        method,
        ..EventsObjective::new(events, Vec::new())
    }
}

fn minute_row(counted: &[Counted], place: usize) -> CountedRow {
    let (
        minute,
        Counted {
            sums,
            measured,
            reach,
        },
    ) = (place as i64, counted[place]);
    CountedRow {
        span: span(minute, minute + 1),
        counts: Counts::new(sums),
        measured_minutes: u32::from(measured),
        reach: reach.map(|seconds| at(minute) - Duration::from_secs(seconds.unsigned_abs())),
        is_final: true,
        revision: 0,
        slices: None,
    }
}

/// The minutes from `start` to `end` as one row.
fn joined(counted: &[Counted], start: usize, end: usize, of: &EventsObjective) -> CountedRow {
    let rows: Vec<CountedRow> = (start..end)
        .map(|place| minute_row(counted, place))
        .collect();
    let mut all = rows[0];
    for row in &rows[1..] {
        all.counts += row.counts;
        all.measured_minutes += row.measured_minutes;
        all.reach = all.reach.into_iter().chain(row.reach).min();
    }
    all.span = span(start as i64, end as i64);
    all.slices = (of.method != Method::Occurrences).then(|| SliceTally::of(&rows, of));
    all
}

/// What the store answers: hours that the question lets be whole as `lengths` says of each (60, 5 or 1 minutes), the others
/// as minutes.
fn rows(
    counted: &[Counted],
    question: &EventsQuestion,
    lengths: &[usize],
    of: &EventsObjective,
) -> Vec<CountedRow> {
    let is_asked = |row: &CountedRow| {
        row.span.end > question.asked.start && row.span.end <= question.asked.end
    };
    let mut rows = Vec::new();
    for (hour, length) in lengths.iter().enumerate() {
        let end = (hour * 60 + 60).min(counted.len());
        let start = (hour * 60).min(end);
        let whole = span(start as i64, start as i64 + 60);
        let is_cut = end - start < 60
            || !question.fine.length_within(whole).is_zero()
            || whole.start < question.asked.start
            || whole.end > question.asked.end;
        let length = match (is_cut, of.method) {
            (true, _) => 1,
            (false, Method::Occurrences) => *length,
            (false, _) if *length == 60 => 60,
            (false, _) => 1,
        };
        for place in (start..end).step_by(length) {
            rows.push(match length {
                1 => minute_row(counted, place),
                _ => joined(counted, place, place + length, of),
            });
        }
    }
    rows.retain(is_asked);
    rows
}

/// Asks until the budget wants no finer rows.
fn budget(
    of: &EventsObjective,
    counted: &[Counted],
    lengths: &[usize],
    excluded: &SpanSet,
    as_of: Timestamp,
) -> EventsBudget {
    let mut question = EventsQuestion::of(of, &[as_of], excluded);
    for _ in 0..10 {
        let rows = rows(counted, &question, lengths, of);
        let timeline = Timeline::new(of, &rows, excluded);
        let budget = EventsBudget::of(of, &timeline, as_of);
        match question.finer(budget.wanted()) {
            Some(finer) => question = finer,
            None => return budget,
        }
    }
    panic!("finer rows are wanted again and again");
}

#[test]
fn the_last_day_is_asked_for_however_short_the_windows_are() {
    let of = EventsObjective {
        budget_window: "1h".parse().unwrap(),
        ..objective(Method::Occurrences)
    };
    let nothing = SpanSet::default();
    let as_of = [at(1_500)];
    assert_eq!(
        EventsQuestion::of(&of, &as_of, &nothing).asked,
        span(60, 1_500)
    );
    assert_eq!(
        EventsQuestion::of_shares(&of, &as_of, &nothing).asked,
        span(1_440, 1_500)
    );
}

/// A slice as the definition has it.
#[derive(Clone, Copy, Debug)]
struct Slice {
    end: i64,
    sums: [f64; 2],
    measured: i64,
    is_excluded: bool,
}

/// All slices of an objective that end by `until`, minutes.
fn slices(of: &EventsObjective, counted: &[Counted], excluded: &SpanSet, until: i64) -> Vec<Slice> {
    let length = match of.method {
        Method::Occurrences => 1,
        _ => i64::from(of.slice.minutes()),
    };
    let ends = (1..)
        .map(|number| number * length)
        .take_while(|end| *end <= until);
    ends.map(|end| {
        let start = end - length;
        let within =
            (start..end).filter_map(|minute| Some((minute, counted.get(minute as usize)?)));
        let mut slice = Slice {
            end,
            sums: [0.0; 2],
            measured: 0,
            is_excluded: false,
        };
        let mut reach = at(start);
        for (minute, counted) in within {
            slice.sums[0] += counted.sums[0];
            slice.sums[1] += counted.sums[1];
            slice.measured += i64::from(counted.measured);
            if let Some(seconds) = counted.reach {
                reach = reach.min(at(minute) - Duration::from_secs(seconds.unsigned_abs()));
            }
        }
        slice.is_excluded = excluded
            .spans()
            .iter()
            .any(|span| span.start < at(end) && span.end > reach);
        slice
    })
    .collect()
}

/// The share that was good in the slices that end in `(from, to]`, by the method.
fn sli(of: &EventsObjective, slices: &[Slice], from: i64, to: i64) -> (Option<f64>, [f64; 2]) {
    let within = slices
        .iter()
        .filter(|slice| slice.end > from && slice.end <= to && !slice.is_excluded);
    let (mut bad, mut total) = (0.0, 0.0);
    let mut ratios = Vec::new();
    for slice in within {
        bad += slice.sums[0];
        total += slice.sums[1];
        if slice.sums[1] > 0.0 {
            ratios.push((slice.sums[1] - slice.sums[0]).max(0.0) / slice.sums[1]);
        } else if slice.measured > 0 {
            match of.no_traffic {
                NoTraffic::Excluded => {}
                NoTraffic::Good => ratios.push(1.0),
                NoTraffic::Bad => ratios.push(0.0),
            }
        }
    }
    let mean = |values: Vec<f64>| {
        let count = values.len() as f64;
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
    };
    let share = match of.method {
        Method::Occurrences => (total > 0.0).then(|| (total - bad).max(0.0) / total),
        Method::RatioTimeslices => mean(ratios),
        Method::Timeslices => {
            let target = of.slice_target().unwrap();
            mean(
                ratios
                    .iter()
                    .map(|ratio| f64::from(u8::from(*ratio >= target)))
                    .collect(),
            )
        }
    };
    (share, [bad.min(total), total])
}

fn is_known(slices: &[Slice], slice: i64, length: i64, end: i64) -> bool {
    let length = length.max(slice);
    let known: i64 = slices
        .iter()
        .filter(|one| one.end > end - length && one.end <= end)
        .map(|one| if one.is_excluded { slice } else { one.measured })
        .sum();
    known * 2 >= length
}

fn close(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * other.abs().max(1.0),
        (one, other) => one == other,
    }
}

fn counted() -> impl Strategy<Value = Counted> {
    let sums = prop_oneof![
        3 => Just([0.0, 0.0]),
        5 => (0..12u32, 1..12u32).prop_map(|(bad, total)| [f64::from(bad), f64::from(total)]),
    ];
    let reach = prop_oneof![4 => Just(15i64), 1 => 0..4_000i64];
    (sums, prop::bool::weighted(0.7), reach).prop_map(|(sums, measured, reach)| Counted {
        sums,
        measured,
        reach: (sums[1] > 0.0).then_some(reach),
    })
}

/// Minutes that are counted, with silence among them.
fn timeline() -> impl Strategy<Value = Vec<Counted>> {
    let silence = prop::collection::vec((0..900usize, 1..300usize), 0..3);
    (prop::collection::vec(counted(), 720..900), silence).prop_map(|(mut counted, silence)| {
        for (start, length) in silence {
            let end = (start + length).min(counted.len());
            for minute in counted.get_mut(start..end).into_iter().flatten() {
                *minute = Counted {
                    sums: [0.0; 2],
                    measured: false,
                    reach: None,
                };
            }
        }
        counted
    })
}

#[test]
fn a_slice_that_ends_in_a_window_is_of_it_as_a_whole() {
    let of = EventsObjective {
        slice: SliceLength::OneHour,
        budget_window: "90m".parse().unwrap(),
        alerts: Some(Vec::new()),
        ..objective(Method::RatioTimeslices)
    };
    let found = of_now(&of, &steady(720, [1.0, 10.0]));
    // Two slices end in the last 90 minutes.
    assert_eq!((found.from, found.total), (at(600), 1_200.0));
}

fn any_objective() -> impl Strategy<Value = EventsObjective> {
    let method = prop::sample::select(vec![
        Method::Occurrences,
        Method::Timeslices,
        Method::RatioTimeslices,
    ]);
    let no_traffic =
        prop::sample::select(vec![NoTraffic::Excluded, NoTraffic::Good, NoTraffic::Bad]);
    let slice = prop::sample::select(SliceLength::ALL.to_vec());
    let pair = (1..240i64, 1..240i64, 0.05..4.0f64);
    (method, no_traffic, slice, pair, 0..30u32).prop_map(
        |(method, no_traffic, slice, (one, other, factor), min_bad)| {
            let of_slices = method != Method::Occurrences;
            let pair = AlertPair {
                long: minutes(one.max(other)),
                short: minutes(one.min(other)),
                pace: Pace::Factor(factor),
                ..AlertPair::default_pairs().remove(0)
            };
            EventsObjective {
                no_traffic: if of_slices {
                    no_traffic
                } else {
                    NoTraffic::Excluded
                },
                slice: if of_slices {
                    slice
                } else {
                    SliceLength::OneMinute
                },
                slice_target: of_slices.then_some(0.5),
                min_bad: f64::from(min_bad),
                alerts: Some(vec![pair]),
                ..objective(method)
            }
        },
    )
}

fn exclusions() -> impl Strategy<Value = SpanSet> {
    let one = (0..54_000i64, 1..9_000i64).prop_map(|(start, length)| Span {
        start: at(0) + Duration::from_secs(start.unsigned_abs()),
        end: at(0) + Duration::from_secs((start + length).unsigned_abs()),
    });
    prop::collection::vec(one, 0..3).prop_map(|spans| spans.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// However the minutes are put together in rows, a budget is what looking at slice by slice gives.
    #[test]
    fn a_budget_is_what_the_definition_says(
        of in any_objective(),
        counted in timeline(),
        lengths in prop_oneof![
            Just(vec![1usize; 15]),
            prop::collection::vec(prop::sample::select(vec![1usize, 5, 60]), 15),
        ],
        excluded in exclusions(),
        before in 0..400i64,
        seconds in 0..60u64,
    ) {
        let newest = counted.len() as i64 - before;
        let as_of = at(newest) + Duration::from_secs(seconds);
        let found = budget(&of, &counted, &lengths, &excluded, as_of);

        let length = match of.method {
            Method::Occurrences => 1,
            _ => i64::from(of.slice.minutes()),
        };
        let end = newest / length * length;
        let all = slices(&of, &counted, &excluded, end);
        let (from, target) = (end - 360, of.target.unwrap());
        let (share, [bad, total]) = sli(&of, &all, from, end);
        prop_assert!(close(found.sli, share), "{:?} {share:?}", found.sli);
        prop_assert!(close(Some(found.total), Some(total)), "{} {total}", found.total);
        prop_assert!(close(Some(found.bad), Some(bad)));
        prop_assert!(close(Some(found.good), Some(total - bad)));
        prop_assert_eq!(found.from, at(from));
        let in_window = || all.iter().filter(|slice| slice.end > from);
        let measured: i64 = in_window().map(|slice| slice.measured).sum();
        prop_assert!(close(Some(found.coverage), Some(measured as f64 / 360.0)));
        let left_out = in_window().filter(|slice| slice.is_excluded).count() as i64 * length;
        // Time before the first minute that is counted may be excluded too; here there is none.
        prop_assert!(from < 0 || close(Some(found.excluded_seconds), Some(left_out as f64 * 60.0)));
        let remaining = share.map(|share| 1.0 - (1.0 - share) / (1.0 - target));
        prop_assert!(close(found.remaining_share, remaining));
        for (name, window) in [("5m", 5), ("30m", 30), ("1h", 60), ("2h", 120), ("6h", 360)] {
            let (share, _) = sli(&of, &all, end - window, end);
            let burn = share.map(|share| (1.0 - share) / (1.0 - target));
            let burn = burn.filter(|_| is_known(&all, length, window, end));
            prop_assert!(close(found.burn.of_window(name), burn), "{name} {burn:?}");
        }
        // Whether the pair fires, at the newest end at which enough is measured.
        let pair = &of.alerts.as_ref().unwrap()[0];
        let [long, short] = [pair.long, pair.short].map(|window| window.as_secs() as i64 / 60);
        let known = (0..=end / length).map(|back| end - back * length).find(|end| {
            [long, short].iter().all(|window| is_known(&all, length, *window, *end))
        });
        let alert = &found.alerts[0];
        prop_assert_eq!(alert.frozen, known != Some(end), "{:?}", alert);
        if alert.frozen && lengths.iter().any(|length| *length > 1) {
            // Of rows that are longer than a slice it is not known which of their minutes are measured.
            return Ok(());
        }
        let Pace::Factor(factor) = pair.pace else { unreachable!() };
        let fires = known.is_some_and(|end| {
            let (of_long, [bad, _]) = sli(&of, &all, end - long, end);
            let (of_short, _) = sli(&of, &all, end - short, end);
            let exceeds = |share: Option<f64>| {
                share.is_some_and(|share| (1.0 - share) / (1.0 - target) > factor)
            };
            exceeds(of_long) && exceeds(of_short) && bad >= of.min_bad
        });
        prop_assert_eq!(alert.firing, fires, "{:?} {:?}", alert, known);
        let since = known.filter(|_| alert.frozen).map(at);
        prop_assert_eq!(alert.unmeasured_since, since);
    }

    /// The sums over any steps are the sum over the whole.
    #[test]
    fn steps_add_up_to_the_whole(counted in timeline(), lengths in prop::collection::vec(prop::sample::select(vec![1usize, 5, 60]), 15)) {
        let of = objective(Method::Occurrences);
        let asked = span(0, counted.len() as i64);
        let question = EventsQuestion { asked, fine: SpanSet::default(), slices: None };
        let rows = rows(&counted, &question, &lengths, &of);
        let all: f64 = counted.iter().map(|minute| minute.sums[1]).sum();
        let measured = counted.iter().filter(|minute| minute.measured).count() as f64 * 60.0;
        for step in [HistoryStep::Hour, HistoryStep::Day] {
            let points = HistoryPoint::of_rows(&rows, Given::GoodBad, step, &HistoryPoint::finals(&rows));
            let sum = |value: fn(&HistoryPoint) -> f64| points.iter().map(value).sum::<f64>();
            let bad: f64 = counted.iter().map(|minute| minute.sums[0]).sum();
            prop_assert!(close(Some(sum(|point| point.total)), Some(all + bad)));
            prop_assert!(close(Some(sum(|point| point.measured)), Some(measured)));
            for point in &points {
                prop_assert!(point.measured > 0.0 || point.total > 0.0);
                prop_assert_eq!(step.end_at(point.end), point.end);
                prop_assert_eq!(point.is_final, point.start >= asked.start && point.end <= asked.end);
            }
        }
    }
}

#[test]
fn a_step_is_final_once_final_rows_hold_all_of_it() {
    let counted = steady(60, [1.0, 100.0]);
    let rows: Vec<CountedRow> = (0..60).map(|place| minute_row(&counted, place)).collect();
    let is_final = |own: &[CountedRow], all: &[CountedRow]| {
        let finals = HistoryPoint::finals(all);
        let points = HistoryPoint::of_rows(own, Given::GoodBad, HistoryStep::Hour, &finals);
        points.iter().all(|point| point.is_final)
    };
    assert!(is_final(&rows, &rows));
    // A minute that is counted later.
    let missing = [&rows[..30], &rows[31..]].concat();
    assert!(!is_final(&missing, &missing));
    // A group that was not there before.
    assert!(is_final(&rows[30..], &rows));
    let mut provisional = rows.clone();
    provisional[59].is_final = false;
    assert!(!is_final(&rows[30..], &provisional));
    assert!(!is_final(&provisional[30..], &rows));
}

fn steady(count: usize, sums: [f64; 2]) -> Vec<Counted> {
    let minute = Counted {
        sums,
        measured: true,
        reach: Some(15),
    };
    vec![minute; count]
}

fn of_now(of: &EventsObjective, counted: &[Counted]) -> EventsBudget {
    let as_of = at(counted.len() as i64);
    budget(of, counted, &[1; 15], &SpanSet::default(), as_of)
}

const SILENT: Counted = Counted {
    sums: [0.0; 2],
    measured: false,
    reach: None,
};

#[test]
fn a_budget_is_what_the_formulas_say() {
    let of = objective(Method::Occurrences);
    let found = of_now(&of, &steady(720, [2.0, 100.0]));
    assert_eq!(
        (found.good, found.total, found.bad),
        (35_280.0, 36_000.0, 720.0)
    );
    assert!(close(found.sli, Some(0.98)));
    assert!(close(found.budget_events, Some(3_600.0)));
    assert!(close(found.remaining_share, Some(0.8)));
    assert!(close(found.burn.of_window("1h"), Some(0.2)));
    // 0.8 of 6 h at a fifth of the pace that it lasts at.
    assert!(close(found.exhaustion_seconds, Some(0.8 * 21_600.0 / 0.2)));
    assert!(close(Some(found.coverage), Some(1.0)));
    assert_eq!(found.state(), ObjectiveState::Ok);
    let alerts: Vec<_> = found
        .alerts
        .iter()
        .map(|alert| (&alert.long[..], alert.reachable))
        .collect();
    assert_eq!(alerts, [("1h", false), ("6h", true)]);
}

#[test]
fn what_exceeds_the_total_is_cut_off_once_everything_is_added_up() {
    let of = objective(Method::Occurrences);
    let mut counted = steady(720, [0.0, 10.0]);
    // In two of the last minutes more bad events than all events.
    counted[710].sums = [15.0, 10.0];
    let found = of_now(&of, &counted);
    assert_eq!(
        (found.bad, found.total, found.clipped),
        (15.0, 3_600.0, 0.0)
    );
    let found = of_now(&of, &steady(720, [12.0, 10.0]));
    assert_eq!(
        (found.bad, found.good, found.clipped),
        (3_600.0, 0.0, 720.0)
    );
    assert_eq!(found.sli, Some(0.0));
}

#[test]
fn an_alert_freezes_where_less_than_half_is_measured() {
    let of = EventsObjective {
        target: Some(0.99),
        ..objective(Method::Occurrences)
    };
    let burning = steady(720, [50.0, 100.0]);
    let page = |budget: &EventsBudget| {
        let alert = &budget.alerts[0];
        (alert.firing, alert.frozen, alert.unmeasured_since)
    };
    let found = of_now(&of, &burning);
    assert_eq!(page(&found), (true, false, None));
    assert_eq!(found.state(), ObjectiveState::Firing);
    // Silent for 10 minutes: until 2 minutes into them 3 of the last 5 minutes were measured.
    let silent = [&burning[..], &[SILENT; 10]].concat();
    let found = of_now(&of, &silent);
    assert_eq!(page(&found), (true, true, Some(at(722))));
    assert_eq!(found.burn.of_window("5m"), None);
    assert_eq!(found.state(), ObjectiveState::Firing);
    // It comes back without traffic: enough is measured, nothing is judged, so it resolves.
    let idle = Counted {
        measured: true,
        ..SILENT
    };
    let back = [&silent[..], &[idle; 10]].concat();
    let found = of_now(&of, &back);
    assert_eq!(page(&found), (false, false, None));
    // It never was measured enough.
    let found = of_now(&of, &[SILENT; 30]);
    assert_eq!(page(&found), (false, true, None));
    assert_eq!(
        (found.state(), found.remaining_share),
        (ObjectiveState::NoData, None)
    );
}

#[test]
fn excluded_time_counts_as_measured() {
    let of = objective(Method::Occurrences);
    let counted = steady(720, [50.0, 100.0]);
    let excluded = SpanSet::from(span(600, 720));
    let found = budget(&of, &counted, &[60; 15], &excluded, at(720));
    let alert = &found.alerts[0];
    assert_eq!((alert.firing, alert.frozen), (false, false));
    assert_eq!(found.burn.of_window("1h"), None);
    assert!(close(Some(found.excluded_seconds), Some(7_200.0)));
    assert!(close(Some(found.coverage), Some(1.0)));
}

#[test]
fn an_exclusion_leaves_out_what_reaches_back_into_it() {
    let of = objective(Method::Occurrences);
    let mut counted = steady(720, [0.0, 1.0]);
    // After an exclusion of an hour the first minute reaches back by 15 s; one 2 h later by 3 h.
    counted[600].reach = Some(3 * 3_600);
    let excluded = SpanSet::from(span(420, 480));
    let found = budget(&of, &counted, &[60; 15], &excluded, at(720));
    assert_eq!(found.total, 360.0 - 62.0);
    assert!(close(Some(found.excluded_seconds), Some(62.0 * 60.0)));
}

#[test]
fn a_pair_fires_from_a_number_of_bad_events_on() {
    for (min_bad, firing) in [(60.0, true), (61.0, false)] {
        let of = EventsObjective {
            min_bad,
            target: Some(0.95),
            alerts: Some(AlertPair::default_pairs().drain(..1).collect()),
            ..objective(Method::Occurrences)
        };
        let found = of_now(&of, &steady(720, [1.0, 1.0]));
        assert_eq!(found.alerts[0].firing, firing, "{min_bad}");
    }
    let ticket = AlertPair {
        severity: Severity::Ticket,
        ..AlertPair::default_pairs().remove(0)
    };
    let of = EventsObjective {
        target: Some(0.95),
        alerts: Some(vec![ticket]),
        ..objective(Method::Occurrences)
    };
    let found = of_now(&of, &steady(720, [1.0, 1.0]));
    assert_eq!(found.state(), ObjectiveState::Pending);
    let of = EventsObjective {
        alerts: Some(Vec::new()),
        ..of
    };
    assert!(of_now(&of, &steady(720, [1.0, 1.0])).alerts.is_empty());
}

#[test]
fn a_spent_budget_is_gone_now() {
    let of = objective(Method::Occurrences);
    let found = of_now(&of, &steady(720, [10.0, 100.0]));
    assert!(found.remaining_share.is_some_and(|left| left.abs() < 1e-12));
    let spent = of_now(
        &of,
        &[steady(700, [50.0, 100.0]), vec![SILENT; 20]].concat(),
    );
    assert_eq!(spent.exhaustion_seconds, Some(0.0));
    let without = EventsObjective { target: None, ..of };
    let found = of_now(&without, &steady(720, [10.0, 100.0]));
    assert_eq!(
        (found.remaining_share, found.exhaustion_seconds),
        (None, None)
    );
    assert!(found.alerts.is_empty() && close(found.sli, Some(0.9)));
}

#[test]
fn a_window_whose_edge_falls_into_a_row_begins_with_that_row() {
    let of = EventsObjective {
        budget_window: "90m".parse().unwrap(),
        ..objective(Method::Occurrences)
    };
    let counted = steady(720, [1.0, 10.0]);
    // Hours alone are kept.
    let rows: Vec<CountedRow> = (0..12)
        .map(|hour| joined(&counted, hour * 60, hour * 60 + 60, &of))
        .collect();
    let timeline = Timeline::new(&of, &rows, &SpanSet::default());
    let found = EventsBudget::of(&of, &timeline, at(720));
    assert_eq!((found.from, found.total), (at(600), 1_200.0));
}
