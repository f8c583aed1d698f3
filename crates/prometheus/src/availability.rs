//! Whether Prometheus is there, as one run sees it.

use std::time::Duration;

use tokio::{pin, sync::Mutex, time::timeout};

use crate::{FetchError, Prometheus};

/// A run asks for many metrics. Of a Prometheus that has fallen silent it must not find out anew for each of them:
/// somebody may wait for the run, behind a REST API for 29 s.
#[derive(Debug, Default)]
pub struct Availability(Mutex<Belief>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Belief {
    #[default]
    There,
    /// It did not answer a query, which may be that query's fault.
    Doubtful,
    /// It does not answer the simplest one either.
    Away,
}

/// How long a query takes after which it is in doubt whether Prometheus is there.
const LONG: Duration = Duration::from_secs(15);

impl Availability {
    /// Waits for a query, unless Prometheus is away already. Whether it is, is asked of a query that takes long, too.
    ///
    /// # Errors
    /// Those of the query, or when Prometheus is away.
    pub async fn wait_for<T>(
        &self,
        prometheus: &Prometheus,
        query: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        self.wait_and_doubt_after(LONG, prometheus, query).await
    }

    async fn wait_and_doubt_after<T>(
        &self,
        long: Duration,
        prometheus: &Prometheus,
        query: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        self.check(prometheus).await?;
        pin!(query);
        loop {
            let Ok(answer) = timeout(long, &mut query).await else {
                self.doubt().await;
                self.check(prometheus).await?;
                continue;
            };
            if matches!(answer, Err(FetchError::Unreachable(_))) {
                self.doubt().await;
            }
            return answer;
        }
    }

    /// A query went without an answer.
    async fn doubt(&self) {
        let mut belief = self.0.lock().await;
        if *belief == Belief::There {
            *belief = Belief::Doubtful;
        }
    }

    /// Asks Prometheus whether it is there, if that is in doubt.
    async fn check(&self, prometheus: &Prometheus) -> Result<(), FetchError> {
        let mut belief = self.0.lock().await;
        if *belief == Belief::Doubtful {
            *belief = if prometheus.answers().await {
                Belief::There
            } else {
                Belief::Away
            };
        }
        match *belief {
            Belief::Away => Err(FetchError::Unreachable(
                "it did not answer the queries before".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use config::{Environment, PrometheusConfig};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;

    fn at(url: &str) -> Prometheus {
        let environment: Environment = [("PROMETHEUS_URL", url)].into_iter().collect();
        Prometheus::new(&PrometheusConfig::read(&environment).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn one_query_without_an_answer_is_that_querys_fault() {
        let server = MockServer::start().await;
        let answer = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .expect(1)
            .mount(&server)
            .await;
        let (availability, prometheus) = (Availability::default(), at(&server.uri()));
        availability.check(&prometheus).await.unwrap();
        availability.doubt().await;
        for _ in 0..3 {
            availability.check(&prometheus).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_query_that_takes_long_is_given_up_where_prometheus_is_away() {
        let long = Duration::from_millis(20);
        // Port 1 is nobody's.
        let (availability, prometheus) = (Availability::default(), at("http://127.0.0.1:1"));
        let silent = std::future::pending::<Result<(), FetchError>>();
        let answer = availability.wait_and_doubt_after(long, &prometheus, silent);
        assert!(answer.await.is_err());
        let never = async { unreachable!("it is away") };
        let answer: Result<(), _> = availability.wait_for(&prometheus, never).await;
        assert!(answer.is_err());
        // One that answers the simplest query is there, however long another one takes.
        let server = MockServer::start().await;
        let answer = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .mount(&server)
            .await;
        let (availability, prometheus) = (Availability::default(), at(&server.uri()));
        let slow = async {
            tokio::time::sleep(5 * long).await;
            Ok(7)
        };
        let answer = availability.wait_and_doubt_after(long, &prometheus, slow);
        assert_eq!(answer.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_prometheus_that_is_away_is_asked_once() {
        // Port 1 is nobody's.
        let (availability, prometheus) = (Availability::default(), at("http://127.0.0.1:1"));
        availability.check(&prometheus).await.unwrap();
        availability.doubt().await;
        assert!(availability.check(&prometheus).await.is_err());
        availability.doubt().await;
        assert_eq!(*availability.0.lock().await, Belief::Away);
    }
}
