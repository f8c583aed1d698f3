//! An SLA as OpenSLO.

use http_api::{ApiError, Reply, reply};
use store::sla::StoredSla;

/// The documents of an SLA, in YAML.
///
/// # Errors
/// When they are too long for an answer.
pub(crate) fn export(stored: &StoredSla) -> Result<Reply, ApiError> {
    let sla = &stored.sla;
    let text = slo_files::export(&sla.name, &stored.about, &sla.all());
    reply::whole_text("application/yaml", text, "Accept: application/json")
}
