//! Facts about counting, and the same counts by the words of the definition, one sample at a time.
#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    series::{Labels, Sample},
    sla::{Events, EventsObjective},
    time::{Span, Timestamp},
};

const NOW: i64 = 100_000_020_000;
const STALENESS_MS: i64 = 300_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms).unwrap()
}

fn objective(by: &[&str]) -> EventsObjective {
    let events = Events {
        bad: Some("errors".to_owned()),
        total: Some("requests".to_owned()),
        ..Events::default()
    };
    EventsObjective::new(events, by.iter().map(|name| (*name).to_owned()).collect())
}

/// A counter, the place of the sum it belongs to, its samples and its stale markers, milliseconds.
#[derive(Clone, Debug)]
struct Given {
    place: usize,
    labels: Vec<(&'static str, &'static str)>,
    samples: Vec<(i64, f64)>,
    markers: Vec<i64>,
}

fn given(place: usize, labels: &[(&'static str, &'static str)], samples: &[(i64, f64)]) -> Given {
    Given {
        place,
        labels: labels.to_vec(),
        samples: samples.to_vec(),
        markers: Vec::new(),
    }
}

fn minutes(count: i64, as_of: i64) -> Span {
    let end = as_of.div_euclid(60_000) * 60_000;
    Span {
        start: at(end - count * 60_000),
        end: at(as_of),
    }
}

fn count(by: &[&str], counters: &[Given], slices: Span) -> Counted {
    let read = Span {
        start: slices.end - LOOKBACK - Duration::from_secs(20 * 60),
        end: slices.end,
    };
    let mut counting = Counting::new(&objective(by), slices, read);
    for given in counters {
        let within = |time: &i64| at(*time) > read.start && at(*time) <= read.end;
        let samples: Vec<Sample> = given
            .samples
            .iter()
            .filter(|(time, _)| within(time))
            .map(|(time, value)| Sample {
                time: at(*time),
                value: *value,
            })
            .collect();
        let markers = given.markers.iter().filter(|time| within(time));
        let markers: Vec<Timestamp> = markers.map(|time| at(*time)).collect();
        let labels: Labels = given.labels.iter().copied().collect();
        counting.add(
            given.place,
            &CounterSeries::new(labels, &samples, &markers, read),
        );
    }
    counting.finish(500)
}

/// The sums of the second place, of the one group that there is, by minute before `NOW`'s.
fn totals(counters: &[Given], count_of: i64) -> Vec<f64> {
    let counted = count(&[], counters, minutes(count_of, NOW));
    let slices = counted.groups.first().map(|group| &group.slices[..]);
    slices
        .unwrap_or_default()
        .iter()
        .map(|slice| slice.sums[1])
        .collect()
}

/// `count` samples, one each `step` ms, the last one at `end`.
fn steady(end: i64, step: i64, count: i64, per_sample: f64) -> Vec<(i64, f64)> {
    let nth = |n: i64| (end - (count - 1 - n) * step, 100.0 + n as f64 * per_sample);
    (0..count).map(nth).collect()
}

const SLICE_END: i64 = NOW / 60_000 * 60_000;

#[test]
fn an_increment_belongs_to_the_slice_that_holds_its_time() {
    let samples = [
        (SLICE_END - 60_001, 10.0),
        (SLICE_END - 60_000, 13.0),
        (SLICE_END - 59_999, 14.0),
        (SLICE_END, 20.0),
    ];
    // The first three are within a second, but no scrape goes beyond the end of a slice.
    assert_eq!(totals(&[given(1, &[], &samples)], 2), [0.0, 7.0]);
}

#[test]
fn samples_within_a_second_are_one_with_the_greatest_value() {
    let samples = [
        (SLICE_END - 50_000, 10.0),
        (SLICE_END - 20_000, 15.0),
        (SLICE_END - 19_500, 14.0),
        (SLICE_END - 19_001, 16.0),
        (SLICE_END - 19_000, 17.0),
    ];
    assert_eq!(totals(&[given(1, &[], &samples)], 1), [7.0]);
    let one_behind = [
        (SLICE_END - 20_000, 15.0),
        (SLICE_END - 19_500, 14.0),
        (SLICE_END, 16.0),
    ];
    assert_eq!(totals(&[given(1, &[], &one_behind)], 1), [1.0]);
}

#[test]
fn after_a_reset_the_value_itself_counts() {
    let samples = [
        (SLICE_END - 90_000, 10.0),
        (SLICE_END - 60_000, 12.0),
        (SLICE_END - 1, 5.0),
    ];
    let counters = [given(1, &[], &samples)];
    assert_eq!(totals(&counters, 2), [2.0, 5.0]);
    assert_eq!(count(&[], &counters, minutes(2, NOW)).resets, 1);
}

#[test]
fn what_goes_back_at_a_tenth_of_its_samples_may_be_no_counter() {
    let often = |every: i64| {
        let nth = |place: i64| {
            let value = if every > 0 { place % every } else { place };
            (NOW - (40 - place) * 15_000, value as f64)
        };
        let samples: Vec<(i64, f64)> = (0..=40).map(nth).collect();
        let counted = count(&[], &[given(1, &[], &samples)], minutes(15, NOW));
        assert_eq!(counted.samples, 40);
        (counted.resets, counted.goes_back_often())
    };
    assert_eq!(often(0), (0, false));
    assert_eq!(often(2), (20, true));
    assert_eq!(often(10), (4, true));
    assert_eq!(often(11), (3, false));
}

#[test]
fn what_is_no_number_is_left_out() {
    let samples = [
        (SLICE_END - 50_000, 10.0),
        (SLICE_END - 30_000, f64::NAN),
        (SLICE_END - 20_000, f64::INFINITY),
        (SLICE_END - 10_000, 12.0),
    ];
    assert_eq!(totals(&[given(1, &[], &samples)], 1), [2.0]);
}

#[test]
fn no_predecessor_is_older_than_twelve_hours() {
    let half_a_day = 12 * 3_600_000;
    for (before, expected) in [(half_a_day, 7.0), (half_a_day + 1, 0.0)] {
        let samples = [(SLICE_END - before, 3.0), (SLICE_END, 10.0)];
        assert_eq!(
            totals(&[given(1, &[], &samples)], 1),
            [expected],
            "{before}"
        );
    }
}

#[test]
fn a_first_value_counts_if_its_target_was_scraped_before_and_kept_that_series() {
    let target = [("instance", "a"), ("job", "j")];
    let labels = |code: &'static str| [&target[..], &[("code", code)]].concat();
    let old = given(0, &labels("200"), &steady(SLICE_END, 15_000, 40, 0.0));
    let new = |time: i64| given(1, &labels("500"), &[(time, 4.0)]);
    // The same scrape.
    assert_eq!(totals(&[old.clone(), new(SLICE_END - 15_000)], 1), [4.0]);
    // Another time.
    assert_eq!(totals(&[old.clone(), new(SLICE_END - 15_001)], 1), [0.0]);
    // A target that has just appeared: all of its series are new.
    let appeared = [
        new(SLICE_END),
        given(0, &labels("200"), &[(SLICE_END, 9.0)]),
    ];
    assert_eq!(totals(&appeared, 1), [0.0]);
    // Another target, and no target.
    for labels in [
        vec![("instance", "b"), ("job", "j")],
        vec![("instance", "a")],
        vec![("instance", ""), ("job", "j")],
    ] {
        let other = given(1, &labels, &[(SLICE_END - 15_000, 4.0)]);
        assert_eq!(totals(&[old.clone(), other], 1), [0.0], "{labels:?}");
    }
}

#[test]
fn a_slice_is_measured_if_a_counter_of_the_total_stands_at_its_end() {
    let measured = |counters: &[Given]| -> Vec<bool> {
        let counted = count(&[], counters, minutes(8, NOW));
        let slices = counted.groups.first().map(|group| group.slices.clone());
        slices
            .unwrap_or_default()
            .iter()
            .map(|slice| slice.measured)
            .collect()
    };
    let back = |minutes: i64| SLICE_END - minutes * 60_000;
    // Stands for 5 minutes: at its own end, not at the end of the 5th minute after it.
    let alone = given(1, &[], &[(back(6), 1.0)]);
    let expected = [false, true, true, true, true, true, false, false];
    assert_eq!(measured(&[alone]), expected);
    let other_sum = given(0, &[], &steady(SLICE_END, 15_000, 40, 1.0));
    assert_eq!(measured(&[other_sum]), [false; 8]);
    // A marker ends it, once 5 minutes have passed without a sample.
    let ended = Given {
        markers: vec![back(5) + 1],
        ..given(1, &[], &[(back(7), 1.0)])
    };
    let expected = [true, true, true, false, false, false, false, false];
    assert_eq!(measured(&[ended]), expected);
    let too_early = Given {
        markers: vec![back(3)],
        ..given(1, &[], &[(back(4), 1.0)])
    };
    assert_eq!(measured(&[too_early])[3..], [true; 5]);
}

#[test]
fn an_increment_reaches_back_to_its_predecessor() {
    let samples = [
        (SLICE_END - 200_000, 1.0),
        (SLICE_END - 30_000, 2.0),
        (SLICE_END, 3.0),
    ];
    let counted = count(&[], &[given(1, &[], &samples)], minutes(2, NOW));
    let reach: Vec<_> = counted.groups[0]
        .slices
        .iter()
        .map(|slice| slice.reach)
        .collect();
    assert_eq!(reach, [None, Some(at(SLICE_END - 200_000))]);
}

#[test]
fn groups_beyond_the_bound_count_in_the_sum_over_all() {
    let counters: Vec<Given> = ["c", "a", "b"]
        .map(|name| given(1, &[("service", name)], &steady(SLICE_END, 30_000, 10, 1.0)))
        .into();
    let read = minutes(1, NOW);
    let mut counting = Counting::new(&objective(&["service"]), read, Counting::read_range(read));
    for counter in &counters {
        let samples: Vec<Sample> = counter
            .samples
            .iter()
            .map(|(time, value)| Sample {
                time: at(*time),
                value: *value,
            })
            .collect();
        let labels = counter.labels.iter().copied().collect();
        let series = CounterSeries::new(labels, &samples, &[], Counting::read_range(read));
        counting.add(1, &series);
    }
    let counted = counting.finish(2);
    let groups: Vec<_> = counted
        .groups
        .iter()
        .map(|group| group.group.clone())
        .collect();
    let group = |name| [("service", name)].into_iter().collect::<Labels>();
    assert_eq!(groups, [group("a"), group("b"), Labels::default()]);
    assert_eq!(counted.cut, 1);
    assert_eq!(counted.groups[2].slices[0].sums, [0.0, 6.0]);
}

#[test]
fn the_bad_share_of_a_slice_is_known_where_its_predecessors_were_read() {
    let requests = given(1, &[], &steady(SLICE_END, 15_000, 119, 4.0));
    let errors = given(0, &[], &steady(SLICE_END, 15_000, 119, 1.0));
    let begun = requests.samples[0].0;
    assert!(begun > SLICE_END - 30 * 60_000 && begun < SLICE_END - 29 * 60_000);
    let counted = count(&[], &[requests, errors], minutes(40, NOW));
    let shares = counted.groups[0].bad_shares(crate::sla::Given::BadTotal);
    // Twelve hours before their first samples were not read: that slice is left out. Those before it have no events.
    assert_eq!(shares.len(), 29);
    assert!(shares.iter().all(|share| share.value == 0.25), "{shares:?}");
    assert_eq!(shares[28].time, at(SLICE_END));
    assert_eq!(counted.groups[0].since(at(SLICE_END - 120_000)).len(), 2);
}

/// The samples that are left once NaN is dropped and replicas are joined: where each begins, its time, and its value.
fn scrapes(samples: &[(i64, f64)]) -> Vec<(i64, i64, f64)> {
    let slice = |time: i64| (time + 59_999).div_euclid(60_000);
    let mut scrapes: Vec<(i64, i64, f64)> = Vec::new();
    for (time, value) in samples.iter().filter(|(_, value)| value.is_finite()) {
        match scrapes.last_mut() {
            Some((first, last, greatest))
                if time - *first < 1_000 && slice(*time) == slice(*first) =>
            {
                *last = *time;
                *greatest = greatest.max(*value);
            }
            _ => scrapes.push((*time, *time, *value)),
        }
    }
    scrapes
}

/// The sums and whether it is measured of the slice that ends at `end`, over all counters, sample by sample.
fn by_definition(counters: &[Given], end: i64, read_from: i64, as_of: i64) -> ([f64; 2], bool) {
    let read: Vec<Vec<(i64, i64, f64)>> = counters
        .iter()
        .map(|given| {
            let seen = given
                .samples
                .iter()
                .filter(|(time, _)| *time > read_from && *time <= as_of);
            scrapes(&seen.copied().collect::<Vec<_>>())
        })
        .collect();
    let predecessor = |samples: &[(i64, i64, f64)], time: i64| {
        let earlier = samples
            .iter()
            .filter(|(_, other, _)| *other < time && time - other <= 43_200_000);
        earlier.max_by_key(|(_, other, _)| *other).copied()
    };
    let target = |given: &Given| {
        let label = |name| {
            let found = given.labels.iter().find(|(label, _)| *label == name);
            found
                .map(|(_, value)| *value)
                .filter(|value| !value.is_empty())
        };
        Some((label("instance")?, label("job")?))
    };
    let (mut sums, mut measured) = ([0.0; 2], false);
    for (position, (given, samples)) in counters.iter().zip(&read).enumerate() {
        for (_, time, value) in samples
            .iter()
            .filter(|(_, time, _)| *time > end - 60_000 && *time <= end)
        {
            sums[given.place] += match predecessor(samples, *time) {
                Some((_, _, before)) if value < &before => value.max(0.0),
                Some((_, _, before)) => value - before,
                None => {
                    let vouches = |(other, others): (usize, &Vec<(i64, i64, f64)>)| {
                        let same =
                            target(given).is_some() && target(given) == target(&counters[other]);
                        other != position
                            && same
                            && others.iter().any(|(_, at, _)| at == time)
                            && predecessor(others, *time).is_some()
                    };
                    if read.iter().enumerate().any(vouches) {
                        value.max(0.0)
                    } else {
                        0.0
                    }
                }
            };
        }
        if given.place == 1 {
            let stands = samples.iter().enumerate().any(|(place, (_, time, _))| {
                let next = samples
                    .get(place + 1)
                    .map_or(i64::MAX, |(begins, ..)| *begins);
                let mut until = (time + STALENESS_MS).min(next);
                if next > time + STALENESS_MS && time + STALENESS_MS <= as_of {
                    let marker = given.markers.iter().find(|marker| *marker > time);
                    until = until.min(marker.copied().unwrap_or(i64::MAX));
                }
                *time <= end && end < until
            });
            measured |= stands;
        }
    }
    (sums, measured)
}

prop_compose! {
    fn counter()(
        place in 0..2usize,
        labels in prop::sample::select(vec![
            vec![("instance", "a"), ("job", "j")],
            vec![("instance", "b"), ("job", "j")],
            vec![("instance", "a")],
        ]),
        steps in prop::collection::vec(
            (prop_oneof![8 => 14_000..16_000i64, 2 => 0..900i64, 1 => 60_000..400_000i64], 0..9u32, 0..40u32),
            0..60,
        ),
        begins in 0..900_000i64,
        aligned in any::<bool>(),
        markers in prop::collection::btree_set(0..1_200_000i64, 0..3),
    ) -> Given {
        let (mut time, mut value) = (NOW - 1_200_000 + begins, 5.0);
        let mut samples = Vec::new();
        for (step, increase, event) in steps {
            time += if aligned { 15_000 } else { step };
            match event {
                0 => value = 0.0,
                1 => { samples.push((time, f64::NAN)); continue; }
                _ => value += f64::from(increase),
            }
            samples.push((time, value));
        }
        let markers = markers.into_iter().map(|offset| NOW - 1_200_000 + offset).collect();
        Given { place, labels, samples, markers }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn counting_is_what_the_definition_says(counters in prop::collection::vec(counter(), 0..5)) {
        let slices = minutes(20, NOW);
        let counted = count(&[], &counters, slices);
        let read_from = (slices.end - LOOKBACK - Duration::from_secs(20 * 60)).millis();
        for slice in counted.groups.iter().flat_map(|group| &group.slices) {
            let (sums, measured) = by_definition(&counters, slice.end.millis(), read_from, NOW);
            prop_assert_eq!(slice.sums, sums, "{}", slice.end);
            prop_assert_eq!(slice.measured, measured, "{}", slice.end);
        }
    }

    /// Whatever is counted together, in whatever order, the groups add up to the whole.
    #[test]
    fn groups_add_up_to_the_whole(mut counters in prop::collection::vec(counter(), 1..5)) {
        let slices = minutes(20, NOW);
        let apart = count(&["instance"], &counters, slices);
        counters.reverse();
        let together = count(&[], &counters, slices);
        let all = apart.groups.last().unwrap();
        prop_assert_eq!(&all.group, &Labels::default());
        prop_assert_eq!(&all.slices, &together.groups[0].slices);
        for (place, whole) in all.slices.iter().enumerate() {
            let mut sum = Counts::default();
            for group in &apart.groups[..apart.groups.len() - 1] {
                sum += Counts::new(group.slices[place].sums);
            }
            prop_assert_eq!(sum, Counts::new(whole.sums));
        }
    }

    /// A slice that is over for 5 minutes is the same in every later run.
    #[test]
    fn a_later_run_counts_the_same(counters in prop::collection::vec(counter(), 1..4), later in 0..10i64) {
        let early = count(&[], &counters, minutes(15, NOW - 600_000));
        let late = count(&[], &counters, minutes(25, NOW - 600_000 + later * 60_000));
        let [early, late] = [early, late].map(|counted| counted.groups.into_iter().next());
        if let (Some(early), Some(late)) = (early, late) {
            for slice in early.slices {
                let same = late.slices.iter().find(|other| other.end == slice.end).unwrap();
                prop_assert_eq!(slice.sums, same.sums);
                if slice.end + Duration::from_secs(300) <= at(NOW - 600_000) {
                    prop_assert_eq!(slice.measured, same.measured);
                }
            }
        }
    }
}
