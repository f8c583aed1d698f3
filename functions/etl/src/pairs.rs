//! How many pairs of an objective and a series may still be judged: a bound on what a run costs, whatever the SLAs are.

use std::sync::atomic::{AtomicU64, Ordering};

/// The pairs that are left, shared by the workers.
#[derive(Debug)]
pub struct Pairs {
    most: u64,
    left: AtomicU64,
}

impl Pairs {
    /// At most so many.
    pub fn new(most: u64) -> Self {
        Self {
            most,
            left: AtomicU64::new(most),
        }
    }

    /// Takes one pair; false if none is left.
    pub(crate) fn take(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok()
    }

    /// What to say of pairs that were not judged.
    pub(crate) fn cut(&self) -> String {
        let most = self.most;
        format!("all SLAs together have more than {most} pairs of an objective and a series")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_pairs_are_taken_than_there_are() {
        let pairs = Pairs::new(2);
        assert_eq!([(); 4].map(|()| pairs.take()), [true, true, false, false]);
    }
}
