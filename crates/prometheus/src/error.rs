/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Prometheus cannot be reached or does not answer in time.
    #[error("Prometheus cannot be reached: {0}")]
    Unreachable(String),
    /// Prometheus answered 429 or 503, and again after the wait that it asked for.
    #[error("Prometheus is busy: {0}")]
    Busy(String),
    /// Prometheus refuses the query.
    #[error("Prometheus refuses the query: {0}")]
    Refused(String),
    /// The answer is not what it should be.
    #[error("Prometheus' answer cannot be read: {0}")]
    Malformed(String),
    /// Every series of the metric is a native histogram.
    #[error(
        "the {0} series of this query are native histograms, which have no single value: use histogram_quantile(), \
         histogram_avg(), histogram_count() or histogram_sum()"
    )]
    NativeHistogram(u64),
    /// The answer is too large to be joined in memory.
    #[error("{0}")]
    TooLarge(String),
}

impl FetchError {
    /// The word for it in a run's failures, where there is one: `busy`, `native_histogram` or `bound`. Of other errors the
    /// sentence is the reason.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Busy(_) => Some("busy"),
            Self::NativeHistogram(_) => Some("native_histogram"),
            Self::TooLarge(_) => Some("bound"),
            Self::Unreachable(_) | Self::Refused(_) | Self::Malformed(_) => None,
        }
    }

    /// Whether no answer came at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// The error in words, without the URL: it may hold a password.
pub(crate) fn unreachable(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    FetchError::Unreachable(words)
}
