//! Reading Prometheus: plain selectors by remote read where there is one, everything else by the query API.

mod availability;
mod external_labels;
mod matrix;
mod remote_read;

use std::time::{Duration, SystemTime};

use aws::Signer;
use config::{ExposeSecret, PrometheusAuth, PrometheusConfig};
use domain::{Labels, Sample, Timestamp, evaluation::Span};
use reqwest::{Request, RequestBuilder, StatusCode, header::HeaderValue};
use tokio::sync::mpsc;
use url::Url;

use crate::metrics_file::{Metric, Reading};
pub(crate) use availability::Availability;
use matrix::Matrix;
pub use remote_read::protocol::{LabelMatcher, MatchType};

/// A client of one Prometheus.
#[derive(Clone, Debug)]
pub struct Prometheus {
    http: reqwest::Client,
    url: Url,
    auth: PrometheusAuth,
    /// Where every request is signed.
    signer: Option<Signer>,
}

/// One series as it was read: in order of time, NaN included.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchedSeries {
    /// The label set, without `__name__`.
    pub labels: Labels,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Prometheus cannot be reached, does not answer in time, or is overloaded.
    #[error("Prometheus cannot be reached: {0}")]
    Unreachable(String),
    /// Prometheus refuses the query.
    #[error("Prometheus refuses the query: {0}")]
    Refused(String),
    /// The answer is not what it should be.
    #[error("Prometheus' answer cannot be read: {0}")]
    Malformed(String),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long Prometheus may be silent.
const SILENCE: Duration = Duration::from_secs(20);
/// How long the simplest query may take.
const PROBE: Duration = Duration::from_secs(3);
/// How long an answer may take, its analysis meanwhile included: less than the function's own time, so that the run's
/// record tells.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);
/// A body beyond this is refused rather than held in memory.
const LARGEST_BODY: usize = 512 << 20;
/// Prometheus refuses range queries of more points a series.
const MOST_POINTS: i64 = 11_000;

impl Prometheus {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// When the TLS back end cannot be set up.
    pub fn new(config: &PrometheusConfig) -> Result<Self, reqwest::Error> {
        Self::patient(config, SILENCE)
    }

    fn patient(config: &PrometheusConfig, silence: Duration) -> Result<Self, reqwest::Error> {
        let http = http_client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(silence)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            url: config.url.clone(),
            auth: config.auth.clone(),
            signer: match &config.auth {
                PrometheusAuth::SigV4 {
                    region,
                    credentials,
                } => Some(Signer::new(credentials, region, "aps")),
                _ => None,
            },
        })
    }

    /// Sends the series of `metric` that have a sample in `range`, which is half-open at its start, each as soon as it
    /// is complete. Answers what Prometheus warned about.
    ///
    /// # Errors
    /// When Prometheus is away, refuses the query, or answers something else. Series sent until then are good.
    pub async fn fetch(
        &self,
        metric: &Metric,
        range: Span,
        found: &mpsc::Sender<FetchedSeries>,
    ) -> Result<Vec<String>, FetchError> {
        let matrix = match &metric.reading {
            Reading::Raw { matchers } => {
                if self
                    .remote_read(&metric.query, matchers, range, found)
                    .await?
                {
                    return Ok(Vec::new());
                }
                self.raw(&metric.query, range).await?
            }
            Reading::Sampled { step } => self.sampled(&metric.query, *step, range).await?,
        };
        for series in matrix.series {
            // The receiver is gone only when the run was given up.
            let _ = found.send(series).await;
        }
        Ok(matrix.warnings)
    }

    /// Tries remote read; false where there is none.
    async fn remote_read(
        &self,
        selector: &str,
        matchers: &[LabelMatcher],
        range: Span,
        found: &mpsc::Sender<FetchedSeries>,
    ) -> Result<bool, FetchError> {
        // Amazon's has no remote read.
        if matchers.is_empty() || self.signer.is_some() {
            return Ok(false);
        }
        let Some(external) = self.external_labels(selector, matchers, range).await? else {
            return Ok(false);
        };
        let request = self.authorized(self.http.post(self.address("api/v1/read")));
        let outcome = remote_read::read(
            request,
            matchers,
            range,
            |labels| external.strip(labels),
            found,
        )
        .await?;
        Ok(outcome == remote_read::Outcome::Complete)
    }

    /// Every real sample of a plain selector, by an instant query with a range. Prometheus 2 includes the left edge,
    /// Prometheus 3 does not: it is cut off here.
    async fn raw(&self, selector: &str, range: Span) -> Result<Matrix, FetchError> {
        let milliseconds = range.end.millis() - range.start.millis();
        let query = [
            ("query", format!("{selector}[{milliseconds}ms]")),
            ("time", seconds(range.end.millis())),
        ];
        let mut matrix = self.ask("api/v1/query", &query).await?;
        for series in &mut matrix.series {
            series
                .samples
                .retain(|sample| sample.time > range.start && sample.time <= range.end);
        }
        matrix.series.retain(|series| !series.samples.is_empty());
        Ok(matrix)
    }

    /// An expression at the multiples of `step` since the epoch, in as many requests as the limit of points needs.
    async fn sampled(
        &self,
        expression: &str,
        step: Duration,
        range: Span,
    ) -> Result<Matrix, FetchError> {
        let step = step.as_millis() as i64;
        let first = (range.start.millis().div_euclid(step) + 1) * step;
        let last = range.end.millis().div_euclid(step) * step;
        let mut all = Matrix::default();
        let mut from = first;
        while from <= last {
            let to = last.min(from + (MOST_POINTS - 1) * step);
            let query = [
                ("query", expression.to_owned()),
                ("start", seconds(from)),
                ("end", seconds(to)),
                ("step", seconds(step)),
            ];
            all.append(self.ask("api/v1/query_range", &query).await?);
            from = to + step;
        }
        Ok(all)
    }

    async fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Matrix, FetchError> {
        let request = self
            .authorized(self.http.post(self.address(path)))
            .form(query);
        let request = self.signed(request.build().map_err(unreachable)?)?;
        let response = self.http.execute(request).await.map_err(unreachable)?;
        let status = response.status();
        let body = bounded_body(response).await?;
        if status.is_success() {
            return Matrix::parse(&body).map_err(FetchError::Malformed);
        }
        let reason = matrix::error_of(&body).unwrap_or_else(|| format!("status {status}"));
        Err(match status {
            StatusCode::BAD_REQUEST
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN => FetchError::Refused(reason),
            _ => FetchError::Unreachable(reason),
        })
    }

    /// Whether it answers anything at all, soon.
    async fn answers(&self) -> bool {
        let query = [("query", "1".to_owned())];
        let answer = tokio::time::timeout(PROBE, self.ask("api/v1/query", &query)).await;
        answer.is_ok_and(|answer| !matches!(answer, Err(FetchError::Unreachable(_))))
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    fn signed(&self, mut request: Request) -> Result<Request, FetchError> {
        let Some(signer) = &self.signer else {
            return Ok(request);
        };
        let body = request.body().and_then(|body| body.as_bytes());
        let signature = signer
            .sign(
                request.method().as_str(),
                request.url().as_str(),
                &[],
                body.unwrap_or_default(),
                SystemTime::now(),
            )
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        for (name, value) in signature {
            let value = HeaderValue::try_from(value)
                .map_err(|error| FetchError::Unreachable(error.to_string()))?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.auth {
            PrometheusAuth::None | PrometheusAuth::SigV4 { .. } => request,
            PrometheusAuth::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose_secret()))
            }
            PrometheusAuth::Bearer(token) => request.bearer_auth(token.expose_secret()),
        }
    }
}

async fn bounded_body(mut response: reqwest::Response) -> Result<Vec<u8>, FetchError> {
    let mut body =
        Vec::with_capacity(response.content_length().unwrap_or(0).min(64 << 20) as usize);
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(FetchError::Malformed(format!(
                "it is larger than {} MB",
                LARGEST_BODY >> 20
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error in words, without the URL: it may hold a password.
fn unreachable(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    FetchError::Unreachable(words)
}

/// Milliseconds as the decimal seconds of Prometheus' API.
fn seconds(milliseconds: i64) -> String {
    let (whole, rest) = (milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000));
    format!("{whole}.{rest:03}")
}

/// Seconds of Prometheus' answers as a time.
fn time_of(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millis((seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use config::Environment;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What is read of a server that sends an answer in pieces, with pauses between them.
    async fn answered(pause: Duration) -> Result<Matrix, FetchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4096]).await;
            let body = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            for piece in std::iter::once(head.as_str()).chain(body.split_inclusive(':')) {
                let _ = connection.write_all(piece.as_bytes()).await;
                tokio::time::sleep(pause).await;
            }
        });
        let environment: Environment = [("PROMETHEUS_URL", url.as_str())].into_iter().collect();
        let config = PrometheusConfig::read(&environment).unwrap();
        let prometheus = Prometheus::patient(&config, Duration::from_millis(500)).unwrap();
        prometheus.ask("api/v1/query", &[]).await
    }

    #[tokio::test]
    async fn a_slow_answer_is_waited_for_and_a_silent_prometheus_is_away() {
        // In all it takes longer than the longest silence.
        answered(Duration::from_millis(150)).await.unwrap();
        let silent = answered(Duration::from_secs(5)).await;
        assert!(
            matches!(silent, Err(FetchError::Unreachable(_))),
            "{silent:?}"
        );
    }
}
