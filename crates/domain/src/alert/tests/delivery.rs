use super::*;

#[test]
fn waits_grow_to_an_hour_and_end_after_three_days() {
    let mut now = at(0);
    let mut waits = Vec::new();
    for attempts in 1.. {
        match next_attempt(attempts, at(0), now, None) {
            NextAttempt::At(next) => {
                waits.push(next.since(now).as_secs());
                now = next;
            }
            NextAttempt::Never => break,
        }
    }
    assert_eq!(waits[..7], [5, 30, 120, 600, 1800, 3600, 3600]);
    assert_eq!(waits.iter().sum::<u64>() / 3600, 71);
}

#[test]
fn a_receiver_says_when_to_come_again_from_five_seconds_to_an_hour() {
    for (asked, waited) in [(0, 5), (7, 7), (3600, 3600), (90_000, 3600)] {
        let asked = Some(Duration::from_secs(asked));
        let next = next_attempt(3, at(0), at(10), asked);
        assert_eq!(next, NextAttempt::At(at(10 + waited)));
    }
}
