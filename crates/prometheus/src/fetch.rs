//! The series of one metric, by whichever way the server has.

use std::time::{Duration, Instant};

use domain::{Labels, Sample, Span, Timestamp};
use tokio::{
    sync::{MutexGuard, mpsc},
    time::timeout,
};

use crate::{
    FetchError, Metric, Prometheus, Reading, Selector,
    learned::Streams,
    remote_read::{self, Read},
    sink::{Histograms, Sink},
};

/// One series as it was read: in order of time, NaN included.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchedSeries {
    /// The label set, without `__name__`.
    pub labels: Labels,
    /// The samples.
    pub samples: Vec<Sample>,
    /// The times of stale markers, in order: there the series had ended, or a scrape had failed. Remote read alone shows
    /// them; empty where the query API was asked.
    pub ends: Vec<Timestamp>,
}

/// How a fetch went whose series all arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// What the server warned about, and what was read in another way than usual.
    pub warnings: Vec<String>,
    /// Series that were not sent, by their labels.
    pub ambiguous: Vec<Ambiguous>,
    /// Whether the answer lacks what some of the server's stores have.
    pub partial: bool,
    /// Series that are there and did not have to be sent, by their labels.
    pub left_out: Vec<Labels>,
}

/// Series that differ in their metric names alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// The label set, without `__name__`.
    pub labels: Labels,
    /// The names, sorted.
    pub names: Vec<String>,
}

/// How long a fetch waits for another one that finds out whether the server has remote read. After that it does without.
const OTHERS_PATIENCE: Duration = Duration::from_secs(3);

/// How a remote read of a selector came out.
enum Streamed {
    /// Every series was sent.
    Whole,
    /// The query API has to do, for what was not sent; what to say about that.
    Instead(Option<String>),
}

impl Prometheus {
    /// Sends the series of `metric` that have a sample in `range`, which is half-open at its start, each as soon as it
    /// is complete and nothing can be mistaken for it.
    ///
    /// # Errors
    /// When Prometheus is away or busy, refuses the query, or answers something else. Series sent until then are good.
    pub async fn fetch(
        &self,
        metric: &Metric,
        range: Span,
        found: &mpsc::Sender<FetchedSeries>,
    ) -> Result<Fetched, FetchError> {
        let (mut fetched, histograms) = self
            .read(&metric.query, &metric.reading, range, found)
            .await?;
        let left_out = histograms.warnings().into_iter();
        let left_out = left_out.map(|warning| format!("{}: {warning}", metric.name));
        fetched.warnings.extend(left_out);
        Ok(fetched)
    }

    /// The same of a query without a name. Returns how many native histograms were left out, too.
    pub(crate) async fn read(
        &self,
        query: &str,
        reading: &Reading,
        range: Span,
        found: &mpsc::Sender<FetchedSeries>,
    ) -> Result<(Fetched, Histograms), FetchError> {
        let mut sink = Sink::new(found, reading.has_names());
        let mut fetched = match reading {
            Reading::Raw { selector } => self.stored(selector, range, &mut sink).await?,
            Reading::Sampled { step, .. } => self.sampled(query, *step, range, &mut sink).await?,
        };
        let (ambiguous, histograms) = sink.finish().await?;
        fetched.ambiguous = ambiguous;
        Ok((fetched, histograms))
    }

    /// Sends the counters that `selector` selects and that have a sample in `range`, which is half-open at its start. They
    /// keep `__name__` among their labels.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_counters(
        &self,
        selector: &Selector,
        range: Span,
        found: &mpsc::Sender<FetchedSeries>,
    ) -> Result<Fetched, FetchError> {
        let mut sink = Sink::with_names(found);
        let mut fetched = self.stored(selector, range, &mut sink).await?;
        let (ambiguous, histograms) = sink.finish().await?;
        fetched.ambiguous = ambiguous;
        let left_out = histograms.warnings().into_iter();
        let left_out = left_out.map(|warning| format!("{}: {warning}", selector.text));
        fetched.warnings.extend(left_out);
        Ok(fetched)
    }

    /// Whether the query API alone answers, as far as that is known.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn is_query_only(&self) -> Result<bool, FetchError> {
        let is_no = |streams: MutexGuard<'_, Streams>| matches!(*streams, Streams::No { .. });
        Ok(self.is_signed() || self.streams().await?.is_some_and(is_no))
    }

    /// Reads the samples of a selector as they are stored, by remote read or else by the query API.
    async fn stored(
        &self,
        selector: &Selector,
        range: Span,
        sink: &mut Sink<'_>,
    ) -> Result<Fetched, FetchError> {
        let Streamed::Instead(warning) = self.stream(selector, range, sink).await? else {
            return Ok(Fetched::default());
        };
        let mut fetched = self.raw(&selector.text, range, sink).await?;
        fetched.warnings.extend(warning);
        Ok(fetched)
    }

    /// Tries remote read.
    async fn stream(
        &self,
        selector: &Selector,
        range: Span,
        sink: &mut Sink<'_>,
    ) -> Result<Streamed, FetchError> {
        // Amazon's has no remote read, and remote read has no GET.
        if selector.matchers.is_empty() || self.is_signed() {
            return Ok(Streamed::Instead(None));
        }
        if let Some(warning) = self.learned.not_streamed(&selector.text) {
            return Ok(Streamed::Instead(warning));
        }
        let Some(streams) = self.streams().await? else {
            return Ok(Streamed::Instead(None));
        };
        let external = match &*streams {
            Streams::No { warning, .. } => return Ok(Streamed::Instead(Some(warning.clone()))),
            Streams::Untried { external, .. } | Streams::Yes { external, .. } => external.clone(),
            Streams::Unknown => return Ok(Streamed::Instead(None)),
        };
        if !self.are_apart(&external, selector, range).await? {
            return Ok(Streamed::Instead(None));
        }
        let is_untried = matches!(*streams, Streams::Untried { .. });
        // Whoever tries it first finds out for all; others need not wait for each other.
        let held = if is_untried {
            Some(streams)
        } else {
            drop(streams);
            None
        };
        let response = match self.remote_read(selector, range).await? {
            Ok(response) => response,
            Err(why) => {
                let warning = format!(
                    "there is no remote read that can be used ({why}): the query API is asked instead"
                );
                let no = Streams::No {
                    warning: warning.clone(),
                    since: Instant::now(),
                };
                match held {
                    Some(mut streams) => *streams = no,
                    None => *self.learned.streams.lock().await = no,
                }
                return Ok(Streamed::Instead(Some(warning)));
            }
        };
        if let Some(mut streams) = held {
            *streams = Streams::Yes {
                external: external.clone(),
                since: Instant::now(),
            };
        }
        let strip = |labels: &mut Labels| external.strip(labels);
        match remote_read::read(response, range, strip, sink).await? {
            Read::Whole => Ok(Streamed::Whole),
            Read::Broken(why) => Ok(Streamed::Instead(Some(format!(
                "remote read broke off at its start ({why}): the query API is asked instead"
            )))),
            Read::Histograms => {
                let warning = Some(format!(
                    "{}: remote read sends native histograms: the query API is asked instead",
                    selector.text
                ));
                self.learned
                    .set_not_streamed(&selector.text, warning.clone());
                Ok(Streamed::Instead(warning))
            }
            Read::UnknownEncoding(encoding) => {
                let warning = format!(
                    "remote read sends chunks of an encoding that is not known here ({encoding}): the query API is asked \
                     instead"
                );
                *self.learned.streams.lock().await = Streams::No {
                    warning: warning.clone(),
                    since: Instant::now(),
                };
                Ok(Streamed::Instead(Some(warning)))
            }
        }
    }

    /// What is known of remote read; whether it may be tried is found out. `None` while another fetch takes its time to find
    /// out more.
    pub(crate) async fn streams(&self) -> Result<Option<MutexGuard<'_, Streams>>, FetchError> {
        let Ok(mut streams) = timeout(OTHERS_PATIENCE, self.learned.streams.lock()).await else {
            return Ok(None);
        };
        streams.refresh();
        if matches!(*streams, Streams::Unknown) {
            *streams = self.ask_for_streams().await?;
        }
        Ok(Some(streams))
    }

    async fn ask_for_streams(&self) -> Result<Streams, FetchError> {
        let since = Instant::now();
        let no = |why: &str| Streams::No {
            warning: format!(
                "remote read is not tried, because Prometheus {why}: the query API is asked instead"
            ),
            since,
        };
        if self.learned.is_get_only() {
            return Ok(no("takes no POST"));
        }
        Ok(match self.external_labels().await? {
            Some(external) => Streams::Untried { external, since },
            None => no("does not show its configuration, which says what labels remote read adds"),
        })
    }
}

#[cfg(test)]
mod tests;
