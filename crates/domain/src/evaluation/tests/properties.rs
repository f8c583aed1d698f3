use proptest::prelude::*;

use super::{
    reading::{read, reading_of},
    *,
};

pub(super) const AS_OF: i64 = 1_000_000;

/// Distances between samples: twins, scrape steps, around the staleness and beyond it.
const DISTANCES: [i64; 16] = [
    0, 1, 7, 14, 15, 15, 16, 30, 40, 60, 298, 299, 300, 301, 1_000, 7_000,
];

/// Values on, inside and outside of the bounds 0 and 80, with what else a float can be.
const VALUES: [f64; 16] = [
    90.0,
    90.0,
    90.0,
    95.5,
    85.0,
    80.0,
    80.0,
    50.0,
    50.0,
    0.0,
    -0.0,
    -1.0,
    -30.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// Samples as they are read, oldest last, from shortly after `AS_OF` backwards. A byte is a distance and a value:
/// thousands of cases are generated faster that way.
pub(super) fn read_samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let steps = prop::collection::vec(any::<u8>(), 0..60);
    (steps, -20..400_i64).prop_map(|(steps, age)| {
        let mut time = AS_OF - age;
        let step = |step: u8| {
            time -= DISTANCES[usize::from(step >> 4)];
            (time, VALUES[usize::from(step & 15)])
        };
        steps.into_iter().map(step).collect()
    })
}

/// Samples near the ends of the windows and of the read range too.
fn spread_samples(hold: i64) -> impl Strategy<Value = Vec<(i64, f64)>> {
    let edges = [0, 3_600, 10_800, 43_200, 43_500 + hold];
    let shifts = [-300, -299, -16, -1, 0, 1, 15, 298, 299, 300, 301];
    let near = prop::collection::vec(any::<[u8; 3]>(), 0..20);
    (read_samples(), near, any::<bool>()).prop_map(move |(mut read, near, reversed)| {
        read.extend(near.into_iter().map(|[edge, shift, value]| {
            let edge = edges[usize::from(edge) % edges.len()];
            let shift = shifts[usize::from(shift) % shifts.len()];
            (AS_OF - edge + shift, VALUES[usize::from(value & 15)])
        }));
        if reversed {
            read.reverse();
        }
        read
    })
}

pub(super) fn hold() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![0, 1, 15, 60, 300, 3_600])
}

pub(super) fn found(range: &Objective, read: &[(i64, f64)], staleness: i64) -> Option<Judgement> {
    found_marked(range, read, &[], staleness)
}

/// The same with stale markers.
fn found_marked(
    range: &Objective,
    read: &[(i64, f64)],
    markers: &[i64],
    staleness: i64,
) -> Option<Judgement> {
    let markers: Vec<_> = markers.iter().map(|marker| at(*marker)).collect();
    let validity = Validity {
        staleness: Duration::from_secs(staleness as u64),
        markers: &markers,
    };
    evaluate(range, &clean(samples(read)), validity, at(AS_OF)).judgement()
}

/// Stale markers near the samples, in order.
fn markers_near(read: &[(i64, f64)], places: &[(u8, i64)]) -> Vec<i64> {
    let mut markers: Vec<i64> = places
        .iter()
        .filter_map(|(place, shift)| {
            let (time, _) = read.get(usize::from(*place) % read.len().max(1))?;
            Some(time + shift)
        })
        .filter(|marker| *marker <= AS_OF)
        .collect();
    markers.sort_unstable();
    markers
}

fn marker_places() -> impl Strategy<Value = Vec<(u8, i64)>> {
    let shifts = prop::sample::select(vec![-1_i64, 0, 1, 15, 60, 299, 300, 301]);
    prop::collection::vec((any::<u8>(), shifts), 0..6)
}

pub(super) fn bounded(hold: i64) -> Objective {
    objective(Some(0.0), Some(80.0), hold as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_judgement_is_what_a_reader_of_the_text_computes(
        (hold, read_in_order) in hold().prop_flat_map(|hold| (Just(hold), spread_samples(hold))),
        bounds in prop::sample::select(vec![
            (Some(0.0), Some(80.0)), (None, Some(80.0)), (Some(0.0), None), (Some(80.0), Some(80.0)),
        ]),
        staleness in prop::sample::select(vec![300, 60, 15]),
        places in marker_places(),
    ) {
        let range = objective(bounds.0, bounds.1, hold as u64);
        let markers = markers_near(&read_in_order, &places);
        let judgement = found_marked(&range, &read_in_order, &markers, staleness);
        let expected = read(&range, &read_in_order, &markers, staleness, AS_OF);
        prop_assert_eq!(judgement.as_ref().map(reading_of), expected);
    }

    #[test]
    fn no_state_depends_on_a_marker(
        read in read_samples(),
        hold in hold(),
        places in marker_places(),
        silence in prop::sample::select(vec![0, 60, 900, 43_200]),
    ) {
        let range = Objective { silence: Duration::from_secs(silence), ..bounded(hold) };
        let markers = markers_near(&read, &places);
        let unmarked = found(&range, &read, 300);
        let marked = found_marked(&range, &read, &markers, 300);
        prop_assert_eq!(unmarked.is_some(), marked.is_some());
        if let (Some(unmarked), Some(marked)) = (unmarked, marked) {
            prop_assert_eq!(unmarked.state, marked.state);
            let silence = |found: &Judgement| found.silence.map(|it| (it.since, it.state));
            prop_assert_eq!(silence(&unmarked), silence(&marked));
            // Nor that of any other series of the objective.
            prop_assert_eq!(Stood::of(&unmarked), Stood::of(&marked));
            // What a marker changes is a gap that is there without it.
            let gaps = |found: &Judgement| found.gaps.iter().copied().collect::<crate::time::SpanSet>();
            prop_assert!(gaps(&unmarked).difference(&gaps(&marked)).is_empty());
            prop_assert_eq!(unmarked.gaps.len(), marked.gaps.len());
        }
    }

    #[test]
    fn what_a_marker_changes_is_final_five_minutes_later(
        read in read_samples(),
        hold in hold(),
        places in marker_places(),
        later in prop::collection::vec(0..2_000_i64, 0..5),
    ) {
        let markers = markers_near(&read, &places);
        let range = bounded(hold);
        let gaps = |read: &[(i64, f64)], as_of: i64| {
            let markers: Vec<_> = markers.iter().map(|marker| at(*marker)).collect();
            let validity = Validity { staleness: STALENESS, markers: &markers };
            let judgement = evaluate(&range, &clean(samples(read)), validity, at(as_of)).judgement();
            judgement.map_or(Vec::new(), |found| found.gaps)
        };
        let until = |gaps: Vec<Span>, end: i64| -> Vec<Span> {
            let early = span(AS_OF - 40_000, end);
            let cut = gaps.into_iter().map(|gap| gap.intersection(early));
            cut.filter(|gap| gap.start < gap.end).collect()
        };
        let mut more: Vec<(i64, f64)> = read.iter().copied().filter(|(time, value)| *time <= AS_OF && !value.is_nan()).collect();
        let before = until(gaps(&more, AS_OF), AS_OF - 300);
        if !more.is_empty() {
            more.extend(later.iter().map(|after| (AS_OF + 1 + after, 50.0)));
            prop_assert_eq!(before, until(gaps(&more, AS_OF + 2_500), AS_OF - 300));
        }
    }

    #[test]
    fn a_longer_window_counts_no_less(read in read_samples(), hold in hold()) {
        if let Some(Judgement { windows, .. }) = found(&bounded(hold), &read, 300) {
            let counts = [windows.one_hour, windows.three_hours, windows.twelve_hours];
            for pair in counts.windows(2) {
                prop_assert!(pair[0].violations <= pair[1].violations);
                prop_assert!(pair[0].out_of_range_samples <= pair[1].out_of_range_samples);
                prop_assert!(pair[0].seconds <= pair[1].seconds);
                prop_assert!(pair[0].observed_samples <= pair[1].observed_samples);
            }
        }
    }

    #[test]
    fn thinning_an_excursion_leaves_its_seconds(
        gaps in prop::collection::vec(1..=100_i64, 2..40),
        kept in prop::collection::vec(any::<bool>(), 40),
        hold in hold(),
    ) {
        let mut time = AS_OF - 20_000;
        let mut excursion = vec![(time - 30, 0.0)];
        for gap in &gaps {
            excursion.push((time, 90.0));
            time += gap;
        }
        excursion.push((time, 0.0));
        excursion.push((AS_OF, 0.0));
        let whole = found(&bounded(hold), &excursion, 300).unwrap();

        let (mut position, mut last_kept) = (0, 0);
        excursion.retain(|(time, value)| {
            position += 1;
            let must_stay = *value < 80.0 || position == 2 || time - last_kept > 200;
            let stays = must_stay || kept[position % kept.len()];
            if stays {
                last_kept = *time;
            }
            stays
        });
        let thinned = found(&bounded(hold), &excursion, 300).unwrap();
        prop_assert_eq!(&whole.violations, &thinned.violations);
        prop_assert_eq!(
            whole.windows.twelve_hours.seconds.to_bits(),
            thinned.windows.twelve_hours.seconds.to_bits()
        );
    }

    #[test]
    fn samples_and_seconds_of_adjacent_windows_add_up(
        read in read_samples(),
        hold in hold(),
        cuts in [0..43_200_i64, 0..43_200_i64, 0..43_200_i64],
    ) {
        let read = clean(samples(&read));
        let mut cuts = cuts.map(|age| AS_OF - age);
        cuts.sort_unstable();
        let range = bounded(hold);
        let counts = |start, end| {
            judgement::counts_between(&range, &read, STALENESS, read_range(range.hold, at(AS_OF)), span(start, end))
        };
        let (one, other) = (counts(cuts[0], cuts[1]), counts(cuts[1], cuts[2]));
        let both = counts(cuts[0], cuts[2]);
        prop_assert_eq!(one.observed_samples + other.observed_samples, both.observed_samples);
        prop_assert_eq!(
            one.out_of_range_samples + other.out_of_range_samples,
            both.out_of_range_samples
        );
        prop_assert!((one.seconds + other.seconds - both.seconds).abs() < 1e-6);
    }

    #[test]
    fn widening_a_range_adds_no_samples_and_without_for_no_seconds(
        read in read_samples(),
        hold in hold(),
        wider in (0.0..60.0_f64, 0.0..20.0_f64),
    ) {
        let wide = |hold| objective(Some(0.0 - wider.0), Some(80.0 + wider.1), hold as u64);
        if let (Some(narrow), Some(wide)) = (
            found(&bounded(hold), &read, 300),
            found(&wide(hold), &read, 300),
        ) {
            prop_assert!(
                wide.windows.twelve_hours.out_of_range_samples
                    <= narrow.windows.twelve_hours.out_of_range_samples
            );
        }
        if let (Some(narrow), Some(wide)) =
            (found(&bounded(0), &read, 300), found(&wide(0), &read, 300))
        {
            prop_assert!(wide.windows.twelve_hours.seconds <= narrow.windows.twelve_hours.seconds);
        }
    }

    #[test]
    fn shifting_time_shifts_the_answer(
        read in read_samples(),
        hold in hold(),
        shift in -1_000_000_000..1_000_000_000_i64,
    ) {
        let read = clean(samples(&read));
        let moved = |time: Timestamp| Timestamp::from_millis(time.millis() + shift).unwrap();
        let moved_span = |span: &Span| Span { start: moved(span.start), end: moved(span.end) };
        let later: Vec<_> = read
            .iter()
            .map(|sample| Sample { time: moved(sample.time), ..*sample })
            .collect();
        let range = bounded(hold);
        let one = evaluate(&range, &read, STALENESS, at(AS_OF)).judgement();
        let other = evaluate(&range, &later, STALENESS, moved(at(AS_OF))).judgement();
        prop_assert_eq!(one.is_some(), other.is_some());
        if let (Some(one), Some(other)) = (one, other) {
            prop_assert_eq!(one.state, other.state);
            prop_assert_eq!(one.windows, other.windows);
            let moved_gaps: Vec<_> = one.gaps.iter().map(moved_span).collect();
            prop_assert_eq!(moved_gaps, other.gaps);
            let moved_violations: Vec<_> = one
                .violations
                .into_iter()
                .map(|episode| Episode {
                    start: moved(episode.start),
                    end: moved(episode.end),
                    ..episode
                })
                .collect();
            prop_assert_eq!(moved_violations, other.violations);
        }
    }

    #[test]
    fn coverage_is_what_counting_seconds_gives(
        distances in prop::collection::vec(1..80_i64, 0..12),
        start in -50..500_i64,
        length in 1..300_i64,
        staleness in 1..60_i64,
    ) {
        let mut time = 0;
        let times: Vec<_> = distances
            .iter()
            .map(|distance| {
                time += distance;
                time
            })
            .collect();
        let read: Vec<_> = times.iter().map(|time| sample(*time, 0.0)).collect();
        let stands = |second: &i64| times.iter().any(|t| t <= second && *second < t + staleness);
        let counted = (start..start + length).filter(stands).count();
        let found = coverage(&read, Duration::from_secs(staleness as u64), span(start, start + length));
        prop_assert!((found - counted as f64 / length as f64).abs() < 1e-12);
    }
}
