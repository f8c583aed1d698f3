//! What is made of judgements: outcomes, base rates, and what exclusions leave.

use proptest::prelude::*;

use super::{
    properties::{AS_OF, bounded, found, hold, read_samples},
    *,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_came_is_what_an_evaluation_at_the_end_of_the_horizon_finds(
        read in read_samples(),
        hold in hold(),
        back in 0..2_000_i64,
        staleness in prop::sample::select(vec![300, 60, 15]),
    ) {
        let (range, told) = (bounded(hold), AS_OF - back);
        let staleness = Duration::from_secs(staleness);
        let read = clean(samples(&read));
        let horizon = span(told, told + 600);
        let at_its_end = evaluate(&range, &read, staleness, horizon.end);
        let came = at_its_end.judgement().is_some_and(|judgement| {
            judgement.violations.iter().any(|violation| {
                let side = |value| if value > 80.0 { Side::Above } else { Side::Below };
                let mut samples = within(&read, horizon).iter();
                samples.any(|sample| {
                    let is_out = !(0.0..=80.0).contains(&sample.value);
                    let in_it = violation.start <= sample.time && sample.time <= violation.end;
                    is_out && in_it && side(sample.value) == violation.side
                })
            })
        });
        let known = coverage(&read, staleness, horizon) >= 0.9;
        let expected = if came { Some(true) } else { known.then_some(false) };
        prop_assert_eq!(outcome(&range, &read, staleness, at(told)), expected);
    }

    #[test]
    fn the_base_rate_is_between_never_and_always(read in read_samples(), hold in hold()) {
        let range = bounded(hold);
        let read = clean(samples(&read));
        let outcomes = (1..=72).map(|k| outcome(&range, &read, STALENESS, at(AS_OF - 600 * k)));
        let known: Vec<bool> = outcomes.flatten().collect();
        let events = known.iter().filter(|came| **came).count();
        match base_rate(&range, &read, STALENESS, at(AS_OF)) {
            None => prop_assert!(known.is_empty()),
            Some(rate) => {
                prop_assert!(rate > 0.0 && rate < 1.0);
                let counted = rate * (known.len() as f64 + 1.0) - 0.5;
                prop_assert!((counted - events as f64).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn exclusions_take_out_what_counting_seconds_gives(
        read in read_samples(),
        hold in hold(),
        excluded in prop::collection::vec((0..12_000_i64, 0..6_000_i64), 0..5),
    ) {
        if let Some(judgement) = found(&bounded(hold), &read, 300) {
            let excluded: Vec<_> = (excluded.iter())
                .map(|(age, length)| span(AS_OF - age, AS_OF - age + length))
                .collect();
            let violations: Vec<_> = judgement.violations.iter().map(Episode::span).collect();
            let intervals = excluded.iter().copied().collect();
            let left = judgement.windows.without(&intervals, &violations, at(AS_OF));
            let pairs = [
                (left.one_hour, judgement.windows.one_hour, 3_600),
                (left.three_hours, judgement.windows.three_hours, 10_800),
                (left.twelve_hours, judgement.windows.twelve_hours, 43_200),
            ];
            for (left, whole, length) in pairs {
                let is_excluded = |second: i64| {
                    excluded.iter().any(|span| span.start <= at(second) && at(second) < span.end)
                };
                let seconds = |violation: &Span| {
                    let (start, end) = (violation.start.millis() / 1_000, violation.end.millis() / 1_000);
                    start.max(AS_OF - length)..end
                };
                let (mut kept, mut taken, mut count) = (0, 0, 0);
                for violation in &violations {
                    let inside = seconds(violation);
                    let begins_now = violation.start == violation.end && !is_excluded(AS_OF);
                    let out = inside.clone().filter(|second| is_excluded(*second)).count();
                    let all = inside.count();
                    taken += out;
                    kept += all - out;
                    count += u64::from(all > out || begins_now);
                }
                prop_assert_eq!(left.counts.violations, count);
                prop_assert_eq!(left.counts.seconds.to_bits(), (kept as f64).to_bits());
                prop_assert_eq!(left.excluded_seconds.to_bits(), (taken as f64).to_bits());
                prop_assert_eq!(left.counts.out_of_range_samples, whole.out_of_range_samples);
                prop_assert_eq!(left.counts.observed_samples, whole.observed_samples);
                prop_assert_eq!(left.counts.coverage.to_bits(), whole.coverage.to_bits());
            }
        }
    }
}
