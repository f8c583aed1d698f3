//! The sentences about windows and about what a document lists. Times are seconds before `as_of`.

use super::*;

#[test]
fn windows_are_half_open() {
    let hour = 3_600;
    let found = judged(
        0,
        &[(hour, 90.0), (hour - 1, 90.0), (hour - 2, 0.0), (0, 90.0)],
    );
    let counts = found.windows.one_hour;
    assert_eq!(counts.observed_samples, 3);
    assert_eq!(counts.out_of_range_samples, 2);
    assert_eq!(found.windows.three_hours.out_of_range_samples, 3);
}

#[test]
fn a_violation_counts_where_it_ends_after_the_start_of_the_window() {
    let hour = 3_600;
    for (start, end, count, inside) in [
        (hour + 60, hour, 0, 0.0),
        (hour + 60, hour - 1, 1, 1.0),
        (hour + 60, 0, 1, 3_600.0),
    ] {
        let mut ages: Vec<_> = (0..)
            .map(|k| (start - 60 * k, 90.0))
            .take_while(|(age, _)| *age > end)
            .collect();
        ages.push((end, 0.0));
        let found = judged(0, &ages);
        let counts = found.windows.one_hour;
        assert_eq!(counts.violations, count, "{start} to {end}");
        assert!((counts.seconds - inside).abs() < 1e-9, "{start} to {end}");
        assert_eq!(found.windows.three_hours.violations, 1);
    }
}

#[test]
fn out_of_range_samples_are_counted_whatever_for_says() {
    let found = judged(3_600, &[(100, 90.0), (50, 90.0), (10, 0.0)]);
    assert_eq!(found.windows.one_hour.out_of_range_samples, 2);
    assert_eq!(found.windows.one_hour.violations, 0);
    assert_eq!(found.windows.one_hour.seconds.to_bits(), 0.0_f64.to_bits());
}

#[test]
fn the_gaps_and_the_standing_samples_fill_the_judged_range() {
    let found = judged(0, &[(1_000, 0.0), (900, 0.0), (100, 0.0)]);
    let judged = AS_OF - 43_200 - 300;
    assert_eq!(
        found.gaps,
        [span(judged, AS_OF - 1_000), span(AS_OF - 600, AS_OF - 100)]
    );
    // It is young: that counts from its first sample.
    let covered = f64::from(100 + 300 + 100) / 1_000.0;
    assert!((found.windows.one_hour.coverage - covered).abs() < 1e-15);
}

#[test]
fn a_wider_range_may_have_more_violations() {
    let read = samples(&[(10, 90.0), (20, 85.0), (30, 90.0), (40, 0.0)]);
    for (max, count) in [(80.0, 1), (87.0, 2)] {
        let found = evaluate(&objective(None, Some(max), 0), &read, STALENESS, at(50));
        let found = found.judgement().unwrap();
        assert_eq!(found.violations.len(), count, "at most {max}");
    }
}
