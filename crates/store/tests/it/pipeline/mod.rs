mod evaluations;
mod idempotence;
mod refusal;
mod rows;
mod transaction;
mod violations;

use domain::Timestamp;

/// `minutes` after 2026-11-23T08:00:00Z.
fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_795_420_800_000 + minutes * 60_000).unwrap()
}
