use super::{
    counted::{Counted, GroupSlices},
    counts::{Counts, Reckoned},
    slice::SliceCounts,
};
use crate::{
    series::Labels,
    sla::{Combine, Composite, NoTraffic, Part},
};

/// What the parts of a composite, in their order, were counted as, minute by minute as one.
pub(super) fn combined(composite: &Composite, counted: Vec<Counted>) -> Counted {
    let mut together = Counted::default();
    let mut of_parts = Vec::with_capacity(counted.len());
    for mut part in counted {
        together.resets += part.resets;
        together.samples += part.samples;
        of_parts.extend(part.groups.pop());
    }
    let count = of_parts.iter().map(|part| part.slices.len()).min();
    let mut minutes = GroupSlices {
        group: Labels::default(),
        slices: Vec::new(),
        uncertain: Vec::new(),
    };
    for place in 0..count.unwrap_or(0) {
        let slices: Vec<&SliceCounts> = of_parts.iter().map(|part| &part.slices[place]).collect();
        minutes.slices.push(minute(composite, &slices));
        let mut uncertain = of_parts.iter().map(|part| part.uncertain[place]);
        minutes.uncertain.push(uncertain.any(|uncertain| uncertain));
    }
    together.groups.push(minutes);
    together
}

/// A minute of a composite from those of its parts. One in which a part was not measured is not measured.
fn minute(composite: &Composite, parts: &[&SliceCounts]) -> SliceCounts {
    let measured = parts.iter().all(|part| part.measured);
    let shares = composite.parts.iter().zip(parts);
    let shares = shares.filter_map(|(part, slice)| {
        let given = part.events.given()?;
        let share = share_bad(part, Counts::new(slice.sums).reckon(given))?;
        Some((part.weight, share))
    });
    let share = measured
        .then(|| combine(composite.combine, shares))
        .flatten();
    SliceCounts {
        end: parts[0].end,
        sums: share.map_or([0.0; 2], |bad| [bad, 1.0]),
        measured,
        reach: parts.iter().filter_map(|part| part.reach).min(),
    }
}

/// One share of weighted ones; `None` without any.
fn combine(combine: Combine, shares: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    match combine {
        Combine::Weighted => {
            let (weights, sum) = shares.fold((0.0, 0.0), |(weights, sum), (weight, share)| {
                (weights + weight, sum + weight * share)
            });
            (weights > 0.0).then(|| (sum / weights).min(1.0))
        }
        Combine::Worst => shares.map(|(_, share)| share).max_by(f64::total_cmp),
    }
}

/// The share of bad events of a measured minute of a part; `None` where the minute does not count.
fn share_bad(part: &Part, minute: Reckoned) -> Option<f64> {
    match (minute.share_good(), part.no_traffic) {
        (Some(good), _) => Some(match part.slice_target {
            Some(target) => f64::from(good < target),
            None => minute.bad / minute.total,
        }),
        (None, NoTraffic::Excluded) => None,
        (None, NoTraffic::Good) => Some(0.0),
        (None, NoTraffic::Bad) => Some(1.0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "these shares are exact")]

    use super::*;
    use crate::{
        sla::{Events, ObjectiveId},
        time::Timestamp,
    };

    fn part(weight: f64, slice_target: Option<f64>, no_traffic: NoTraffic) -> Part {
        Part {
            objective: ObjectiveId::parse("part").unwrap(),
            weight,
            events: Events {
                bad: Some("errors".to_owned()),
                total: Some("requests".to_owned()),
                ..Events::default()
            },
            slice_target,
            no_traffic,
        }
    }

    fn slice((bad, total, measured): (f64, f64, bool), reach: i64) -> SliceCounts {
        SliceCounts {
            end: Timestamp::from_millis(60_000).unwrap(),
            sums: [bad, total],
            measured,
            reach: Timestamp::from_millis(reach),
        }
    }

    #[test]
    fn a_minute_is_what_its_parts_make_of_it() {
        let plain = || part(1.0, None, NoTraffic::Excluded);
        let heavy = || part(3.0, None, NoTraffic::Excluded);
        let sliced = || part(1.0, Some(0.9), NoTraffic::Excluded);
        let (some, none, dark) = ((1.0, 4.0, true), (0.0, 0.0, true), (0.0, 0.0, false));
        let good = (0.0, 8.0, true);
        for (parts, minutes, weighted, worst) in [
            ([plain(), plain()], [some, good], [0.125, 1.0], [0.25, 1.0]),
            ([plain(), heavy()], [some, good], [0.0625, 1.0], [0.25, 1.0]),
            ([plain(), heavy()], [good, some], [0.1875, 1.0], [0.25, 1.0]),
            ([plain(), heavy()], [good, none], [0.0, 1.0], [0.0, 1.0]),
            ([plain(), heavy()], [some, none], [0.25, 1.0], [0.25, 1.0]),
            ([plain(), heavy()], [none, none], [0.0, 0.0], [0.0, 0.0]),
            ([plain(), heavy()], [some, dark], [0.0, 0.0], [0.0, 0.0]),
            ([sliced(), plain()], [some, good], [0.5, 1.0], [1.0, 1.0]),
            ([sliced(), plain()], [good, some], [0.125, 1.0], [0.25, 1.0]),
            (
                [plain(), part(1.0, None, NoTraffic::Bad)],
                [some, none],
                [0.625, 1.0],
                [1.0, 1.0],
            ),
            (
                [plain(), part(1.0, None, NoTraffic::Good)],
                [some, none],
                [0.125, 1.0],
                [0.25, 1.0],
            ),
        ] {
            let slices = [slice(minutes[0], 7), slice(minutes[1], 5)];
            for (combine, sums) in [(Combine::Weighted, weighted), (Combine::Worst, worst)] {
                let composite = Composite {
                    combine,
                    parts: parts.to_vec(),
                };
                let found = minute(&composite, &[&slices[0], &slices[1]]);
                let measured = minutes.iter().all(|(_, _, measured)| *measured);
                assert_eq!(
                    (found.sums, found.measured, found.reach),
                    (sums, measured, Timestamp::from_millis(5)),
                    "{combine:?} {minutes:?}"
                );
            }
        }
    }
}
