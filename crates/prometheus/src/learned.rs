//! What a client has found out about its server, so that it is found out once.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::external_labels::ExternalLabels;

/// A configuration may be changed and a server replaced while a client lives.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// What is known of one server.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    get_only: AtomicBool,
    strict: AtomicBool,
    /// Held while somebody finds out, so that others wait instead of asking as well.
    pub(crate) streams: tokio::sync::Mutex<Streams>,
    /// The selectors that remote read cannot answer, and why.
    not_streamed: Mutex<HashMap<String, (Instant, Option<String>)>>,
    /// The selectors whose series have none of the external labels as their own.
    apart: Mutex<HashMap<String, Instant>>,
}

/// Whether a server has remote read.
#[derive(Debug, Default)]
pub(crate) enum Streams {
    /// Nothing was asked yet.
    #[default]
    Unknown,
    /// It shows its configuration; remote read was not tried yet.
    Untried {
        /// What remote read adds to each series.
        external: ExternalLabels,
        /// When it was asked.
        since: Instant,
    },
    /// It has remote read.
    Yes {
        /// What remote read adds to each series.
        external: ExternalLabels,
        /// When it was asked.
        since: Instant,
    },
    /// The query API has to do.
    No {
        /// What to say about that in every run.
        warning: String,
        /// When it was asked.
        since: Instant,
    },
}

impl Streams {
    /// Forgets what is too old.
    pub(crate) fn refresh(&mut self) {
        let since = match self {
            Self::Unknown => return,
            Self::Untried { since, .. } | Self::Yes { since, .. } | Self::No { since, .. } => since,
        };
        if since.elapsed() > FORGOTTEN_AFTER {
            *self = Self::Unknown;
        }
    }
}

impl Learned {
    /// Whether queries go by GET.
    pub(crate) fn is_get_only(&self) -> bool {
        self.get_only.load(Ordering::Relaxed)
    }

    /// From now on queries go by GET.
    pub(crate) fn set_get_only(&self) {
        self.get_only.store(true, Ordering::Relaxed);
    }

    /// Whether range queries have no parameter that the server may not know.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict.load(Ordering::Relaxed)
    }

    /// From now on range queries have none.
    pub(crate) fn set_strict(&self) {
        self.strict.store(true, Ordering::Relaxed);
    }

    /// Why remote read cannot answer a selector, as far as that is known: a warning, if one is due.
    pub(crate) fn not_streamed(&self, selector: &str) -> Option<Option<String>> {
        let mut known = self
            .not_streamed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| since.elapsed() <= FORGOTTEN_AFTER);
        known.get(selector).map(|(_, warning)| warning.clone())
    }

    /// From now on a selector is not asked by remote read.
    pub(crate) fn set_not_streamed(&self, selector: &str, warning: Option<String>) {
        self.not_streamed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(selector.to_owned(), (Instant::now(), warning));
    }

    /// Whether the series of a selector are known to have none of the external labels as their own.
    pub(crate) fn is_apart(&self, selector: &str) -> bool {
        let mut known = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, since| since.elapsed() <= FORGOTTEN_AFTER);
        known.contains_key(selector)
    }

    /// Remembers that.
    pub(crate) fn set_apart(&self, selector: &str) {
        self.apart
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(selector.to_owned(), Instant::now());
    }
}
