//! Rows that no sequence of evaluations leaves must not stop the next one.

use proptest::prelude::*;

use super::*;
use crate::evaluation::{Side, clean, evaluate};

const NOW: i64 = 1_000_000;

fn instant(code: u8) -> Timestamp {
    at(NOW + (i64::from(code) - 200) * 300)
}

fn any_episode() -> impl Strategy<Value = Episode> {
    any::<([u8; 2], [bool; 4], Option<i8>)>().prop_map(|([start, end], flags, worst)| Episode {
        start: instant(start),
        start_known: flags[0],
        end: instant(end),
        seconds: 0.0,
        worst: worst.map(f64::from),
        worst_infinite: flags[1],
        side: if flags[2] { Side::Above } else { Side::Below },
        ongoing: flags[3],
    })
}

fn any_history() -> impl Strategy<Value = History> {
    let gaps = prop::collection::vec(any::<[u8; 2]>(), 0..4);
    let judged = prop::collection::vec(any::<[u8; 3]>(), 0..4);
    let episodes = prop::collection::vec(any_episode(), 0..4);
    (episodes, gaps, judged).prop_map(|(episodes, gaps, judged)| History {
        episodes,
        gaps: (gaps.into_iter())
            .map(|[start, end]| Span {
                start: instant(start),
                end: instant(end),
            })
            .collect(),
        judged: (judged.into_iter())
            .map(|[start, end, as_of]| JudgedSpan {
                start: instant(start),
                end: instant(end),
                as_of: instant(as_of),
            })
            .collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_history_takes_any_evaluation_in(
        mut history in any_history(),
        codes in prop::collection::vec(any::<(u8, u8)>(), 1..20),
        as_of in 150..=255_u8,
        hold in prop::sample::select(vec![0, 60, 3_600]),
        strangers in any::<(Option<u8>, u64)>(),
    ) {
        let range = objective(Some(0.0), Some(80.0), hold);
        let read: Vec<_> = (codes.iter())
            .map(|(time, value)| (instant(*time).millis() / 1_000, f64::from(*value) - 60.0))
            .collect();
        let read = clean(samples(&read));
        let evaluated = evaluate(&range, &read, STALENESS, instant(as_of));
        if let Evaluated::Judged(mut judgement) = evaluated {
            let (first_gap, staleness) = strangers;
            if let Some(end) = first_gap {
                judgement.gaps.truncate(usize::from(end) / 64);
                judgement.staleness = Duration::from_millis(staleness);
            }
            let before = history.clone();
            history.record(&Evaluated::Judged(judgement));
            let pairs = history.gaps.windows(2);
            prop_assert!(pairs.into_iter().all(|pair| pair[0].end < pair[1].start)
                || history.gaps == before.gaps);
            let mut stored = Stored(before.clone());
            stored.write(&Changes::between(&before, &history));
        }
    }
}
