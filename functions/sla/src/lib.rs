//! The sla function: the SLA set, and what was found of it, over HTTP.
//!
//! It owns the tables of the SLA set and reads the rest. It judges nothing itself: etl does, and is asked to as soon as an
//! SLA changes or is tried out.

mod advice;
mod bound;
mod budget;
mod check;
mod counters;
mod evaluator;
mod events;
mod exclusions;
mod export;
mod history;
mod import;
mod kind;
mod lint;
mod outlook;
mod reliability;
mod replay;
mod response_size;
mod routes;
mod set;
mod standing;
mod standing_groups;
mod trial;
mod ui;
mod violations;

use std::time::Duration;

use config::Bounds;
use domain::sla::SlaName;
use http_api::{ApiError, Call, database};
use store::Store;

pub use evaluator::{Evaluator, InvalidEvaluator};
pub use reliability::ReadLast;
pub use routes::{ROUTES, operations, pages};

/// What an answer needs, made once per instance.
#[derive(Debug)]
pub struct SlaManager {
    /// Where the SLA set and the evaluations are.
    pub store: Store,
    /// Who is asked to evaluate an SLA that changed.
    pub evaluator: Evaluator,
    /// How often the schedule runs the ETL: an evaluation is stale after three of these.
    pub schedule_interval: Duration,
    /// How far behind the clock a run looks; what is evaluated as of later than that far ahead is not known yet.
    pub settle: Duration,
    /// How much all SLAs together may make a run judge, count and ask.
    pub bounds: Bounds,
    /// Whether objectives may bring PromQL of their own.
    pub queries_allowed: bool,
    /// What probabilities were worth, as it was read last.
    pub read_last: ReadLast,
}

/// What the database may take after etl has judged objectives that are tried: a REST API gives 29 s for all of it.
const MARGIN: Duration = Duration::from_secs(3);

/// The SLA's name in the path.
fn name_in(call: &Call) -> Result<SlaName, ApiError> {
    SlaName::parse(&*call.name).map_err(|_| set::missing(&call.name))
}
