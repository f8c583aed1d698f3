//! Any interleaving of evaluations, comparisons, kills and deliveries: every change is delivered at least once, in the order
//! of its alert, under an id of its own, and nothing is resolved that a complete evaluation does not resolve.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const SERIES: usize = 3;

/// What a series does in an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Well,
    Violates,
    Silent,
    Absent,
}

#[derive(Clone, Debug)]
enum Step {
    /// The world as the next evaluation finds it, and whether that is complete.
    Evaluate([Stands; SERIES], bool),
    /// A comparison, which is killed before it commits or not.
    Compare { killed: bool },
    /// The oldest waiting delivery of some alert: the receiver takes it or not, and who sends is killed before that is
    /// stored or not.
    Deliver {
        alert: usize,
        taken: bool,
        killed: bool,
    },
}

fn stands() -> impl Strategy<Value = Stands> {
    prop_oneof![
        Just(Stands::Well),
        Just(Stands::Violates),
        Just(Stands::Silent),
        Just(Stands::Absent),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (prop::array::uniform3(stands()), any::<bool>()).prop_map(|(all, complete)| Step::Evaluate(all, complete)),
        3 => any::<bool>().prop_map(|killed| Step::Compare { killed }),
        4 => (0..SERIES, any::<bool>(), any::<bool>()).prop_map(|(alert, taken, killed)| Step::Deliver {
            alert,
            taken,
            killed,
        }),
    ]
}

/// The newest complete evaluation as a statement, and the states it has.
fn said(as_of: u64, all: [Stands; SERIES]) -> Statement {
    let silent = |node| {
        claim(
            node,
            Verdict::Holds {
                since: Some(at(0)),
                frozen: Some(reason::SILENT),
            },
        )
    };
    let there = all.iter().enumerate();
    let listed = there.clone().filter(|(_, one)| **one != Stands::Absent);
    let claims = there.filter_map(|(node, one)| match one {
        Stands::Violates => Some(holds(node, as_of)),
        Stands::Silent => Some(silent(node)),
        Stands::Well | Stands::Absent => None,
    });
    Statement {
        listed: Some(listed.map(|(node, _)| series_id(node)).collect()),
        stands: all
            .iter()
            .any(|one| matches!(one, Stands::Well | Stands::Violates)),
        ..statement(as_of, SERIES, claims.collect())
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_out_of_order_or_resolved_by_silence(steps in prop::collection::vec(step(), 1..80)) {
        let mut stored = Stored::default();
        // One receiver's deliveries, in the order they were written, until they are known to be delivered.
        let mut waiting: Vec<(Fingerprint, String)> = Vec::new();
        let mut written: Vec<(Fingerprint, String)> = Vec::new();
        let mut received: Vec<(Fingerprint, String)> = Vec::new();
        let mut newest: Option<(u64, [Stands; SERIES])> = None;
        let fingerprints: Vec<Fingerprint> =
            (0..SERIES).map(|node| Fingerprint::of(&labels(Some(node), "page"))).collect();
        for (step, now) in steps.into_iter().zip((100..).step_by(30)) {
            match step {
                Step::Evaluate(all, true) => newest = Some((now, all)),
                Step::Evaluate(_, false) => {}
                Step::Compare { killed } => {
                    let statements = newest.iter().map(|(as_of, all)| said(*as_of, *all));
                    let before = stored.clone();
                    let changes = stored.compare(statements.collect(), now);
                    if killed {
                        stored = before;
                        continue;
                    }
                    for change in changes {
                        let alert = match change {
                            Change::Fires(alert) => alert,
                            Change::Resolves(alert) => {
                                let node = fingerprints.iter().position(|own| *own == alert.fingerprint).unwrap();
                                let (_, all) = newest.unwrap();
                                prop_assert!(matches!(all[node], Stands::Well | Stands::Absent));
                                prop_assert!(all.iter().any(|one| matches!(one, Stands::Well | Stands::Violates)));
                                alert
                            }
                            Change::Updates(_) | Change::Forgets(_) => continue,
                        };
                        waiting.push((alert.fingerprint, alert.message_id()));
                        written.push((alert.fingerprint, alert.message_id()));
                    }
                }
                Step::Deliver { alert, taken, killed } => {
                    let first = waiting.iter().position(|(of, _)| *of == fingerprints[alert]);
                    if let Some(first) = first {
                        if taken {
                            received.push(waiting[first].clone());
                        }
                        if taken && !killed {
                            waiting.remove(first);
                        }
                    }
                }
            }
        }
        // What still waits is delivered in the end.
        received.extend(waiting);
        let ids: HashSet<&String> = written.iter().map(|(_, id)| id).collect();
        prop_assert_eq!(ids.len(), written.len(), "two changes have one id");
        let mut first_seen: HashMap<Fingerprint, Vec<&String>> = HashMap::new();
        for (of, id) in &received {
            let seen = first_seen.entry(*of).or_default();
            if !seen.contains(&id) {
                seen.push(id);
            }
        }
        let mut expected: BTreeMap<Fingerprint, Vec<&String>> = BTreeMap::new();
        for (of, id) in &written {
            expected.entry(*of).or_default().push(id);
        }
        for (of, ids) in expected {
            prop_assert_eq!(&first_seen[&of], &ids);
            let turns = ids.iter().enumerate();
            for (place, id) in turns {
                let wanted = if place % 2 == 0 { "firing" } else { "resolved" };
                prop_assert!(id.ends_with(wanted));
            }
        }
    }
}
