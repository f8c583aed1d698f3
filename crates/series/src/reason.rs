use thiserror::Error;

/// Why nothing can be said of a series.
///
/// `Display` gives the short word that documents carry, such as `too_short`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Reason {
    /// Fewer samples than the technique needs (never fewer than four).
    #[error("too_short")]
    TooShort,
    /// All values are equal, so that there is no variance to explain.
    #[error("constant")]
    Constant,
    /// A value is NaN or infinite, or a result would be.
    #[error("not_finite")]
    NotFinite,
    /// The regression has no unique answer: a regressor is a combination of others, or nothing is left to explain.
    #[error("degenerate")]
    Degenerate,
    /// The present is not known: the newest sample does not stand any more.
    #[error("stale")]
    Stale,
    /// The period is 0.
    #[error("invalid_period")]
    InvalidPeriod,
    /// The step is 0.
    #[error("invalid_step")]
    InvalidStep,
    /// The step is longer than the horizon, so that nothing of it would be seen.
    #[error("step_exceeds_horizon")]
    StepExceedsHorizon,
    /// The horizon is 0 or has more steps than [`crate::forecast::MAX_STEPS`].
    #[error("invalid_horizon")]
    InvalidHorizon,
    /// A bound of the range is NaN, or its minimum is above its maximum.
    #[error("invalid_range")]
    InvalidRange,
}

/// The fewest samples any technique accepts.
pub const MIN_SAMPLES: usize = 4;

/// Refuses what no technique can work on: too few values, a value that is not finite, all values equal.
pub(crate) fn refuse_unusable(values: &[f64]) -> Result<(), Reason> {
    if values.len() < MIN_SAMPLES {
        return Err(Reason::TooShort);
    }
    if !all_finite(values) {
        return Err(Reason::NotFinite);
    }
    if is_constant(values) {
        return Err(Reason::Constant);
    }
    Ok(())
}

/// Whether no value is NaN or infinite.
pub(crate) fn all_finite(values: &[f64]) -> bool {
    are_all(values, f64::is_finite)
}

/// Whether all values are such. A block at a time, not stopping within one: most series have no other values.
pub(crate) fn are_all(values: &[f64], is_such: impl Fn(f64) -> bool) -> bool {
    let are_such = |block: &[f64]| block.iter().fold(true, |all, value| all & is_such(*value));
    let (blocks, rest) = values.as_chunks::<64>();
    blocks.iter().all(|block| are_such(block)) && are_such(rest)
}

/// Whether all values are equal.
#[expect(
    clippy::float_cmp,
    reason = "constant means equal to the last bit; anything else has a variance"
)]
pub(crate) fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}
