//! The query API: plain selectors by an instant query with a range, expressions by `query_range`, both as JSON that is
//! handed on series by series.

mod body;
mod matrix;

use std::time::Duration;

use domain::{Span, Timestamp};
use reqwest::Response;
use tokio::sync::mpsc;

use crate::{
    FetchError, Fetched, Prometheus,
    client::timeout,
    sink::{Parts, Row, Sink},
};
use body::Body;
#[cfg(feature = "testing")]
pub(crate) use matrix::count_series;
use matrix::read;

/// Prometheus refuses range queries of more points a series.
const MOST_POINTS: i64 = 11_000;
/// Into how many slices a range is cut, one after the other, where the server finds it too long.
const SLICES: [i64; 4] = [1, 4, 16, 64];
/// Without it `VictoriaMetrics` shows an expression of the last 30 s as it was before, whatever was scraped meanwhile. Others
/// pass over a parameter that they do not know, or refuse it by its name.
const NO_DELAY: (&str, &str) = ("latency_offset", "1ms");
/// Rows that wait to be taken.
const ROWS_WAITING: usize = 4;

impl Prometheus {
    /// Every real sample of a plain selector. Returns what the server warned about.
    pub(crate) async fn raw(
        &self,
        selector: &str,
        range: Span,
        sink: &mut Sink<'_>,
    ) -> Result<Fetched, FetchError> {
        let length = range.end.millis() - range.start.millis();
        let slices = |count: i64| {
            let each = (length + count - 1) / count;
            let starts = (0..count).map(move |k| range.start.millis() + k * each);
            let slices = starts.map(move |start| (start, range.end.millis().min(start + each)));
            slices
                .map(|(start, end)| Slice {
                    path: "api/v1/query",
                    parameters: vec![
                        ("query", format!("{selector}[{}ms]", end - start)),
                        ("time", seconds(end)),
                        timeout(),
                    ],
                    after: start,
                    until: end,
                })
                .collect()
        };
        self.sliced(&slices, sink).await
    }

    /// An expression at the multiples of `step` since the epoch. Returns what the server warned about.
    pub(crate) async fn sampled(
        &self,
        expression: &str,
        step: Duration,
        range: Span,
        sink: &mut Sink<'_>,
    ) -> Result<Fetched, FetchError> {
        let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
        let first = range.start.millis().div_euclid(step) + 1;
        let last = range.end.millis().div_euclid(step);
        let slices = |count: i64| {
            let points = ((last - first + count) / count).clamp(1, MOST_POINTS);
            let starts = (first..=last).step_by(points as usize);
            starts
                .map(|start| {
                    let (start, end) = (start * step, last.min(start + points - 1) * step);
                    Slice {
                        path: "api/v1/query_range",
                        parameters: vec![
                            ("query", expression.to_owned()),
                            ("start", seconds(start)),
                            ("end", seconds(end)),
                            ("step", seconds(step)),
                            (NO_DELAY.0, NO_DELAY.1.to_owned()),
                            timeout(),
                        ],
                        after: start - 1,
                        until: end,
                    }
                })
                .collect()
        };
        self.sliced(&slices, sink).await
    }

    /// Asks for a range in as few slices as the server takes. One slice is handed on while it arrives, several are joined
    /// first.
    async fn sliced(
        &self,
        slices: &(impl Fn(i64) -> Vec<Slice> + Sync),
        sink: &mut Sink<'_>,
    ) -> Result<Fetched, FetchError> {
        let mut refused = None;
        for count in SLICES {
            match self.joined(slices(count), sink).await {
                Err(error) if is_about_size(&error) => refused = Some(error),
                asked => return asked,
            }
        }
        Err(refused.unwrap_or_else(|| FetchError::Refused("the range is too long".to_owned())))
    }

    async fn joined(&self, slices: Vec<Slice>, sink: &mut Sink<'_>) -> Result<Fetched, FetchError> {
        if let [slice] = &slices[..] {
            let (rows, mut arriving) = mpsc::channel(ROWS_WAITING);
            let taking = async {
                while let Some(row) = arriving.recv().await {
                    sink.take_others(row).await?;
                }
                Ok(())
            };
            let (asked, taken) = tokio::join!(self.ask(slice, rows), taking);
            taken?;
            return asked;
        }
        let (mut parts, mut all) = (Parts::default(), Fetched::default());
        for slice in &slices {
            let (rows, mut arriving) = mpsc::channel(ROWS_WAITING);
            let adding = async {
                while let Some(row) = arriving.recv().await {
                    parts.add(row)?;
                }
                Ok(())
            };
            let (asked, added) = tokio::join!(self.ask(slice, rows), adding);
            added?;
            let Fetched {
                warnings, partial, ..
            } = asked?;
            all.warnings.extend(warnings);
            all.partial |= partial;
        }
        for row in parts.into_rows() {
            sink.take_others(row).await?;
        }
        all.warnings.sort();
        all.warnings.dedup();
        Ok(all)
    }

    /// Sends the series of one slice. Returns what the server warned about.
    async fn ask(&self, slice: &Slice, rows: mpsc::Sender<Row>) -> Result<Fetched, FetchError> {
        let response = self.asked(slice).await?;
        let (body, pump) = Body::of(response);
        let (after, until) = (slice.after, slice.until);
        let reading = tokio::task::spawn_blocking(move || {
            read(body, |mut row| {
                // Prometheus 2 includes the left edge of a range, Prometheus 3 does not.
                row.samples
                    .retain(|sample| sample.time.millis() > after && sample.time.millis() <= until);
                rows.blocking_send(row).is_ok()
            })
        });
        let (reading, ()) = tokio::join!(reading, pump);
        reading.map_err(|_| FetchError::Malformed("its reader broke off".to_owned()))?
    }

    /// Asks for one slice, without [`NO_DELAY`] where the server refuses that.
    async fn asked(&self, slice: &Slice) -> Result<Response, FetchError> {
        let mut parameters = slice.parameters.clone();
        if !self.learned.is_strict() {
            match self.query(slice.path, &parameters).await {
                Err(FetchError::Refused(said)) if said.contains(NO_DELAY.0) => {}
                asked => return asked,
            }
        }
        parameters.retain(|(name, _)| *name != NO_DELAY.0);
        let asked = self.query(slice.path, &parameters).await;
        // A query that is refused in either way may hold the name itself.
        if asked.is_ok() {
            self.learned.set_strict();
        }
        asked
    }
}

/// One request.
struct Slice {
    path: &'static str,
    parameters: Vec<(&'static str, String)>,
    /// Samples at or before this time are left out, milliseconds.
    after: i64,
    /// Samples later than this are left out.
    until: i64,
}

/// What servers say where too much was asked for at once, in small letters.
const TOO_MUCH: [&str; 17] = [
    // Prometheus, Mimir, VictoriaMetrics.
    "too many samples",
    "maximum resolution",
    "maximum number of samples",
    "maximum number of chunks",
    "memory-consumption-per-query",
    "maxsamplesperquery",
    "maxpointspertimeseries",
    "maxsamplesperseries",
    "query time range exceeds",
    // Thanos and Cortex, whose stores count for themselves.
    "chunks limit",
    "chunk bytes limit",
    "chunks size limit",
    "data size limit",
    "exceeded bytes limit",
    "samples limit",
    // Amazon's, and gRPC between the parts of a server.
    "response larger than the max (",
    "larger than max (",
];

/// Whether an error is about how much was asked for at once. Some servers say so with a status of their own failure.
fn is_about_size(error: &FetchError) -> bool {
    let (FetchError::Refused(said) | FetchError::Unreachable(said)) = error else {
        return false;
    };
    let said = said.to_lowercase();
    TOO_MUCH.iter().any(|words| said.contains(words))
}

/// Milliseconds as the decimal seconds of Prometheus' API.
pub(crate) fn seconds(milliseconds: i64) -> String {
    let (whole, rest) = (milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000));
    format!("{whole}.{rest:03}")
}

/// Seconds of Prometheus' answers as a time.
fn time_of(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millis((seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_of_too_much_is_known() {
        for said in [
            "query processing would load too many samples into memory in query execution",
            "exceeded maximum resolution of 11,000 points per timeseries",
            "the query exceeded the maximum number of chunks (limit: 2000000 chunks)",
            "the query exceeded the maximum allowed estimated amount of memory consumed by a single query (limit: 1 bytes) \
             (err-mimir-max-estimated-memory-consumption-per-query)",
            "cannot select more than -search.maxSamplesPerQuery=1000000000 samples",
            "the query time range exceeds the limit (query length: 1h, limit: 1m)",
            "exceeded chunks limit: rpc error: code = Code(422) desc = limit 1 violated (got 2)",
            "the query hit the max number of chunks limit (limit: 2000000 chunks)",
            "exceeded chunk bytes limit: limit 1 violated (got 2)",
            "the query hit the aggregated chunks size limit (limit: 10 bytes)",
            "the query hit the aggregated data size limit (limit: 10 bytes)",
            "exceeded bytes limit while fetching postings: limit 1 violated (got 2)",
            "exceeded samples limit: limit 1 violated (got 2)",
            "response larger than the max (26214400 vs 20971520) (status 413 Payload Too Large)",
            "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs 4)",
        ] {
            let said = said.to_owned();
            assert!(is_about_size(&FetchError::Refused(said.clone())), "{said}");
            assert!(
                is_about_size(&FetchError::Unreachable(said.clone())),
                "{said}"
            );
            assert!(!is_about_size(&FetchError::Busy(said.clone())), "{said}");
        }
        for said in ["no org id", "status 413 Payload Too Large", "disk full"] {
            let said = said.to_owned();
            assert!(!is_about_size(&FetchError::Refused(said.clone())), "{said}");
            assert!(!is_about_size(&FetchError::Unreachable(said)));
        }
    }
}
