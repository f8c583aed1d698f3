use std::{future::Future, time::Duration};

use crate::{ApiError, Reply};

/// The answer, if it is there before `patience` is over.
///
/// # Errors
/// Those of `answer`, and that `what` is away if there is no answer by then: whoever waits for a Lambda function behind a
/// REST API gets nothing but a bare 504 after 29 s.
pub(crate) async fn within(
    patience: Duration,
    what: &'static str,
    answer: impl Future<Output = Result<Reply, ApiError>>,
) -> Result<Reply, ApiError> {
    match tokio::time::timeout(patience, answer).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(ApiError::Unavailable {
            what,
            source: elapsed.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply;

    #[tokio::test]
    async fn who_says_nothing_is_away() {
        let patience = Duration::from_millis(20);
        let silence = within(patience, "the database", std::future::pending()).await;
        let problem = silence.unwrap_err().reply();
        assert_eq!(problem.status(), 503);
        assert!(problem.headers().contains_key("retry-after"));
        let answer = within(patience, "the database", async { reply::ok(&1) }).await;
        assert_eq!(answer.unwrap().status(), 200);
    }
}
