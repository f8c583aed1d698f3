use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use proptest::prelude::*;

use super::*;
use crate::{
    evaluation::{clean, evaluate, judgement::judge},
    series::Sample,
    sla::Objective,
};

const FIRST: i64 = 1_000_000;

/// A series, an objective and the times at which it is evaluated, in the order in which the evaluations arrive.
struct Scenario {
    objective: Objective,
    staleness: Duration,
    samples: Vec<Sample>,
    arrivals: Vec<Timestamp>,
    /// What each of them says, if it has a sample to judge.
    judgements: BTreeMap<Timestamp, Judgement>,
}

/// In seconds: two thousand samples are unreadable otherwise.
impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: &Timestamp| time.millis() / 1_000;
        let arrivals: Vec<_> = self.arrivals.iter().map(seconds).collect();
        write!(
            f,
            "for {:?}, staleness {:?}, ",
            self.objective.hold, self.staleness
        )?;
        write!(f, "evaluations at {arrivals:?}, samples")?;
        self.samples
            .iter()
            .try_for_each(|sample| write!(f, " {}:{}", seconds(&sample.time), sample.value))
    }
}

impl Scenario {
    fn new(
        objective: Objective,
        staleness: Duration,
        samples: Vec<Sample>,
        arrivals: Vec<Timestamp>,
    ) -> Self {
        let judge = |as_of: &Timestamp| {
            let evaluated = evaluate(&objective, &samples, staleness, *as_of);
            Some((*as_of, evaluated.judgement()?))
        };
        let distinct: BTreeSet<_> = arrivals.iter().collect();
        let judgements = distinct.into_iter().filter_map(judge).collect();
        Self {
            objective,
            staleness,
            samples,
            arrivals,
            judgements,
        }
    }

    /// The judgements in the order in which they arrive.
    fn arriving(&self) -> impl Iterator<Item = &Judgement> {
        self.arrivals
            .iter()
            .filter_map(|as_of| self.judgements.get(as_of))
    }

    fn range_length(&self) -> Duration {
        Duration::from_secs(12 * HOUR as u64) + self.objective.hold + STALENESS
    }

    /// The distinct evaluations that had a sample to judge, in the order of time.
    fn evaluations(&self) -> Vec<Timestamp> {
        self.judgements.keys().copied().collect()
    }

    /// Whether, whenever one arrives, every two evaluations in a row are near enough to be joined exactly, or too far to
    /// touch. What was joined inexactly once may stay so: an end that the older one saw cut off at its own time is kept.
    fn is_exact(&self) -> bool {
        let near = Duration::from_secs(12 * HOUR as u64);
        let mut arrived = BTreeSet::new();
        self.arriving().all(|judgement| {
            arrived.insert(judgement.as_of);
            let times: Vec<_> = arrived.iter().collect();
            times.windows(2).all(|pair| {
                let distance = pair[1].since(*pair[0]);
                distance <= near || distance > self.range_length()
            })
        })
    }

    /// What one evaluation of each stretch of evaluations that touch would leave.
    fn reference(&self) -> History {
        let mut stretches: Vec<JudgedSpan> = Vec::new();
        for as_of in self.evaluations() {
            let start = as_of - self.range_length();
            match stretches.last_mut() {
                Some(last) if start <= last.end => {
                    last.end = as_of;
                    last.as_of = as_of;
                }
                _ => stretches.push(JudgedSpan {
                    start,
                    end: as_of,
                    as_of,
                }),
            }
        }
        let mut history = History::default();
        for stretch in stretches {
            let range = Span {
                start: stretch.start,
                end: stretch.end,
            };
            let judged =
                judge(&self.objective, &self.samples, self.staleness.into(), range).unwrap();
            history.episodes.extend(judged.violations);
            history.gaps.extend(judged.gaps);
            history.judged.push(stretch);
        }
        history
    }
}

/// Steps between evaluations, seconds: at most 12 h, or so many that the ranges do not touch.
const STEPS: [i64; 11] = [
    0,
    15,
    30,
    290,
    HOUR,
    5 * HOUR,
    11 * HOUR,
    12 * HOUR - 1,
    12 * HOUR,
    14 * HOUR,
    26 * HOUR,
];

/// Distances between samples.
const DISTANCES: [i64; 8] = [1, 15, 60, 150, 299, 300, 301, 900];

fn scenario() -> impl Strategy<Value = Scenario> {
    let evaluations = prop::collection::vec(0..STEPS.len(), 0..5);
    let arrivals = prop::collection::vec(any::<prop::sample::Index>(), 1..9);
    let bursts = prop::collection::vec(any::<([u8; 4], u32)>(), 0..6);
    let outage = prop::option::of(any::<[u8; 3]>());
    let (holds, stalenesses) = ([0, 60, 600, HOUR as u64], [300, 60]);
    let parameters = (0..holds.len(), 0..stalenesses.len());
    (evaluations, arrivals, bursts, outage, parameters).prop_map(
        move |(evaluations, arrivals, bursts, outage, (hold, staleness))| {
            let hold = holds[hold];
            let mut times = vec![FIRST];
            for step in evaluations {
                times.push(times[times.len() - 1] + STEPS[step]);
            }
            // Where it matters: at an evaluation, at the start of its range, and where one before it would end.
            let length = 12 * HOUR + hold as i64 + 300;
            let places: Vec<_> = (times.iter())
                .flat_map(|time| [*time, time - length, time - 12 * HOUR])
                .collect();
            let mut read = Vec::new();
            if let Some([place, lasting, distance]) = outage {
                let start = places[usize::from(place) % places.len()] - 400;
                let distance = [290, 299, 310][usize::from(distance) % 3];
                let count = i64::from(lasting) * HOUR / 16 / distance;
                read.extend((0..count).map(|k| (start + k * distance, 90.0)));
            }
            for ([place, shift, distance, count], values) in bursts {
                let mut time =
                    places[usize::from(place) % places.len()] + 5 * (i64::from(shift) - 200);
                for position in 0..count % 16 {
                    let value = [90.0, 50.0, 95.0, -1.0][(values >> (2 * position)) as usize & 3];
                    read.push((time, value));
                    time += DISTANCES[usize::from(distance) % DISTANCES.len()];
                }
            }
            Scenario::new(
                objective(Some(0.0), Some(80.0), hold),
                Duration::from_secs(stalenesses[staleness]),
                clean(samples(&read)),
                arrivals
                    .iter()
                    .map(|index| at(*index.get(&times)))
                    .collect(),
            )
        },
    )
}

fn check(scenario: &Scenario) -> Result<(), TestCaseError> {
    let mut stored = Stored::default();
    for judgement in scenario.arriving() {
        stored.record(judgement);
        prop_assert!(!stored.record(judgement), "{} again", judgement.as_of);
    }
    prop_assert_eq!(&stored.0, &scenario.reference());
    for judgement in scenario.arriving() {
        prop_assert!(!stored.record(judgement), "{} once more", judgement.as_of);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_global_rejects: 100_000,
        ..ProptestConfig::with_cases(10_000)
    })]

    #[test]
    fn moving_evaluations_leave_what_one_at_the_end_leaves(scenario in scenario()) {
        prop_assume!(scenario.is_exact());
        check(&scenario)?;
    }
}

/// The first two of each are too far apart to be joined exactly, until one between them comes.
#[test]
fn an_evaluation_that_comes_last_may_join_two_that_came_before() {
    let outage = |from: i64, to: i64| (from..to).step_by(290).map(|time| (time, 90.0)).collect();
    let scattered = |times: &[i64]| times.iter().map(|time| (*time, 90.0)).collect();
    for (hold, arrivals, read) in [
        (
            0,
            &[1_000_000, 1_043_214, 1_000_015][..],
            outage(956_100, 1_000_200),
        ),
        (
            0,
            &[1_000_000, 1_043_214, 1_043_199],
            scattered(&[999_115, 999_415, 999_715]),
        ),
        (
            60,
            &[1_043_504, 1_000_000, 1_000_305],
            scattered(&[999_600, 999_890, 1_000_180]),
        ),
        (
            0,
            &[1_047_089, 1_003_600, 1_046_799],
            outage(1_003_189, 1_047_900),
        ),
        (
            0,
            &[1_000_000, 1_043_489, 1_000_290],
            scattered(&[999_761, 1_000_062]),
        ),
        (
            0,
            &[1_000_000, 1_043_489, 1_043_504, 1_000_290],
            scattered(&[999_464, 999_763, 1_000_062, 1_000_361]),
        ),
    ] {
        let read: Vec<_> = read;
        let scenario = Scenario::new(
            objective(Some(0.0), Some(80.0), hold),
            STALENESS,
            clean(samples(&read)),
            arrivals.iter().map(|as_of| at(*as_of)).collect(),
        );
        check(&scenario).unwrap();
    }
}
