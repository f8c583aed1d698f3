//! An SLA as OpenSLO.

use http_api::{Reply, reply};
use store::sla::StoredSla;

/// The documents of an SLA, in YAML.
pub(crate) fn export(stored: &StoredSla) -> Reply {
    let sla = &stored.sla;
    reply::yaml(slo_files::export(&sla.name, &stored.about, &sla.all()))
}
