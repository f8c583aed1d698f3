use std::time::Instant;

/// How much of a purge is left to do this time.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    deleted: u64,
    /// When it has to end, whatever is left.
    end: Option<Instant>,
}

impl Budget {
    pub(super) fn new(most_rows: u64, end: Option<Instant>) -> Self {
        Self {
            left: most_rows,
            deleted: 0,
            end,
        }
    }

    /// How many rows may still be deleted.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0 || self.end.is_some_and(|end| Instant::now() >= end)
    }

    pub(super) fn deleted(&self) -> u64 {
        self.deleted
    }

    /// Rows were deleted.
    pub(super) fn delete(&mut self, rows: u64) {
        self.deleted += rows;
        self.look(rows);
    }

    /// Work was done that took as long as deleting `rows`.
    pub(super) fn look(&mut self, rows: u64) {
        self.left = self.left.saturating_sub(rows);
    }
}
