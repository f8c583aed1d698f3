use store::StoreError;

use crate::ApiError;

/// The database's errors as a caller sees them: 503 for what may pass or is configured in a wrong way, 500 for a defect.
pub fn database(error: StoreError) -> ApiError {
    match error {
        StoreError::Schema(mismatch) => ApiError::NotReady(mismatch.into()),
        StoreError::Tls(fault) => ApiError::Misconfigured(fault.into()),
        error @ StoreError::Settings { .. } => ApiError::Misconfigured(error.into()),
        error if error.is_transient() => ApiError::Unavailable {
            what: "the database",
            source: error.into(),
        },
        error => ApiError::internal(error),
    }
}
