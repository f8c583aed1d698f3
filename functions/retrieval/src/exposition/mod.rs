//! `GET /metrics` for who asks for an exposition instead of JSON: how SLAs, runs and deliveries stand, in numbers that
//! Prometheus scrapes.

mod families;
mod format;
mod negotiation;
mod objectives;
mod series;
mod sloth;
mod system;

use domain::{Labels, Timestamp};
use http_api::{ApiError, Call, Reply, reply};
use store::read::MetricRow;

use crate::{Retrieval, database, list};

pub(crate) use families::{Described, Exposition, Group, Owner};
pub(crate) use format::number;
use negotiation::Format;
pub(crate) use series::{forecast_labels, forecasts};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// This SLA alone.
    pub(crate) sla: Option<String>,
    /// This objective alone.
    pub(crate) objective: Option<String>,
    /// Series of this metric alone.
    pub(crate) metric: Option<String>,
    /// Series that carry these labels alone.
    pub(crate) labels: Labels,
}

impl Scope {
    /// Whether it is about some SLAs or objectives alone.
    fn is_narrow(&self) -> bool {
        self.sla.is_some() || self.objective.is_some()
    }
}

/// The headers that the answer depends on.
const VARY: &str = "Accept, Authorization";
/// What makes the default answer shorter, and that about series.
const OBJECTIVE_FILTERS: &str = "`sla` or `objective`";
const SERIES_FILTERS: &str = "`metric`, `label.NAME`, `sla` or `objective`";

/// `GET /metrics`: a page of summaries as JSON, or the exposition.
pub(crate) async fn answer(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    let accept = call.accept();
    let reply = match negotiation::chosen(&accept) {
        None => list::answer::<MetricRow>(retrieval, call).await?,
        Some(format) => exposed(retrieval, call, format).await?,
    };
    Ok(reply::varying(reply, VARY))
}

async fn exposed(retrieval: &Retrieval, call: &Call, format: Format) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let of_series = query.word("collect", &["series"]).is_some();
    let mut scope = Scope {
        sla: query.sla(),
        objective: query.objective(),
        ..Scope::default()
    };
    let (names, filters) = if of_series {
        scope.metric = query.metric();
        scope.labels = query.labels();
        (None, SERIES_FILTERS)
    } else {
        (query.word("names", &["sloth"]), OBJECTIVE_FILTERS)
    };
    query.finish()?;
    let mut groups = match of_series {
        true => vec![Group::Series],
        false => vec![Group::Objectives],
    };
    // What is asked for in several parts has what is about no SLA in none of them.
    if !of_series && !scope.is_narrow() && names.is_none() {
        groups.push(Group::System);
    }
    let exposition = match names {
        Some(_) => sloth::gather(retrieval, &scope, call.now).await,
        None => gather(retrieval, &groups, &scope, call.now).await,
    };
    let text = format::write(&exposition.map_err(database)?, format);
    reply::whole_text(format.content_type(), text, filters)
}

/// What is known at `now` of these groups.
pub(crate) async fn gather(
    retrieval: &Retrieval,
    groups: &[Group],
    scope: &Scope,
    now: Timestamp,
) -> Result<Exposition, store::StoreError> {
    let mut exposition = Exposition::default();
    for group in groups {
        match group {
            Group::Objectives => objectives::add(retrieval, scope, now, &mut exposition).await?,
            Group::Series => series::add(retrieval, scope, now, &mut exposition).await?,
            Group::System => system::add(retrieval, now, &mut exposition).await?,
        }
    }
    Ok(exposition)
}
