//! Whether Prometheus is there, as one run sees it.

use tokio::sync::Mutex;

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

impl Availability {
    /// A query went without an answer.
    pub async fn doubt(&self) {
        let mut belief = self.0.lock().await;
        if *belief == Belief::There {
            *belief = Belief::Doubtful;
        }
    }

    /// Asks Prometheus whether it is there, if that is in doubt.
    ///
    /// # Errors
    /// When it is away.
    pub async fn check(&self, prometheus: &Prometheus) -> Result<(), FetchError> {
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
