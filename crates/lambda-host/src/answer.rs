//! What an invocation comes to, and the documents that say so.

use axum::body::Bytes;
use serde_json::json;

/// The most that Lambda takes as a request payload: 6 MiB.
pub(crate) const MAX_REQUEST_BYTES: usize = 6 * 1024 * 1024;

/// The most that Lambda takes as a response payload.
pub(crate) const MAX_RESPONSE_BYTES: usize = MAX_REQUEST_BYTES + 100;

/// An invocation's answer.
pub(crate) type Answer = Result<Bytes, Failure>;

/// Why an invocation has no answer.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The function failed; the document is what the caller of the Invoke API gets.
    Function {
        /// `{"errorType", "errorMessage"}`, or what the function itself reported.
        document: Bytes,
        /// It exceeded its timeout.
        timed_out: bool,
    },
    /// Too much waits for this function already.
    QueueFull,
    /// The host is stopping.
    Stopping,
}

impl Failure {
    /// An error that the function reported itself.
    pub(crate) fn reported(document: Bytes) -> Self {
        Self::Function {
            document,
            timed_out: false,
        }
    }

    /// An error of the function that the host noticed.
    pub(crate) fn noticed(error_type: &str, message: &str) -> Self {
        Self::reported(error_document(error_type, message))
    }

    /// The function took too long.
    pub(crate) fn timed_out(message: &str) -> Self {
        Self::Function {
            document: error_document("Sandbox.Timedout", message),
            timed_out: true,
        }
    }
}

/// An error in the shape that functions themselves report it.
fn error_document(error_type: &str, message: &str) -> Bytes {
    json!({ "errorType": error_type, "errorMessage": message })
        .to_string()
        .into()
}
