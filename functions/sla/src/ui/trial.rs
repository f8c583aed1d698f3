//! `GET /ui/try`: bounds tried out. It only reads, so that its address can be passed on.

use domain::{Labels, Span, Window};
use http_api::{ApiError, Call, Fault, Query, Reply, html};
use pages::{HistoryPoint, TrialPage, Tried};
use serde_json::{Map, Value, json};

use super::{faults, frame, objective::measured, read_reply};
use crate::{SlaManager, database, trial};

const LONGEST: usize = 4096;

const FIELDS: [&str; 7] = [
    "metric",
    "labels",
    "min",
    "max",
    "for",
    "violations",
    "as_of",
];

pub(crate) async fn page(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let fields = FIELDS.map(|name| (name, typed(&mut query, name)));
    query.finish()?;
    let in_force = manager.store.active_slas().await.map_err(database)?;
    let metrics = in_force
        .iter()
        .flat_map(|sla| &sla.objectives)
        .map(|own| own.metric.to_string());
    let mut metrics: Vec<String> = metrics.collect();
    metrics.sort();
    metrics.dedup();
    metrics.truncate(200);
    let mut page = TrialPage {
        fields: fields
            .iter()
            .map(|(name, text)| (*name, text.clone().unwrap_or_default()))
            .collect(),
        metrics,
        ..TrialPage::default()
    };
    if fields.iter().any(|(_, text)| text.is_some()) {
        match tried(manager, call, &fields).await {
            Ok(tried) => {
                page.history = shown_history(manager, &tried).await?;
                page.tried = Some(tried);
            }
            Err(error) => {
                page.faults = faults(error)?;
            }
        }
    }
    let base = (call.path_of(""), call.base_url());
    let shown = |now| pages::trial(&frame(call, &base, now, None, None), &page);
    Ok(if page.faults.is_empty() {
        html::page(call, shown)
    } else {
        html::refused(shown(Some(call.now)))
    })
}

/// What the worst series was like in the longest window that is reported.
async fn shown_history(manager: &SlaManager, tried: &Tried) -> Result<Vec<HistoryPoint>, ApiError> {
    let Some(worst) = tried.check_json.objectives.first() else {
        return Ok(Vec::new());
    };
    let span = Span {
        start: tried.as_of - Window::TwelveHours.length(),
        end: tried.as_of,
    };
    measured(manager, worst, span).await
}

fn typed(query: &mut Query, name: &str) -> Option<String> {
    query.typed(name, LONGEST)
}

async fn tried(
    manager: &SlaManager,
    call: &Call,
    fields: &[(&'static str, Option<String>)],
) -> Result<Tried, ApiError> {
    let (mut objective, mut request) = (Map::new(), Map::new());
    let mut wrong = Vec::new();
    for (name, text) in fields {
        let Some(text) = text else { continue };
        match *name {
            "labels" => match labels(text) {
                Some(labels) => {
                    objective.insert("labels".to_owned(), json!(labels));
                }
                None => wrong.push(Fault::of(
                    *name,
                    "must be pairs such as nodeName=demo, with commas between",
                )),
            },
            "min" | "max" => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => {
                    objective.insert((*name).to_owned(), json!(number));
                }
                _ => wrong.push(Fault::of(*name, "must be a number")),
            },
            "violations" => match text.parse::<u64>() {
                Ok(number) => {
                    request.insert("violations".to_owned(), json!(number));
                }
                Err(_) => wrong.push(Fault::of(*name, "must be a whole number")),
            },
            "as_of" => match http_api::moment(text, call.now) {
                // `now` is what a trial is about where nothing else is asked.
                Ok(_) if text == "now" => {}
                Ok(time) => {
                    request.insert("as_of".to_owned(), json!(time.floor_to_second()));
                }
                Err(reason) => wrong.push(Fault::of(*name, reason)),
            },
            _ => {
                objective.insert((*name).to_owned(), json!(text));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(ApiError::BadParameters(wrong));
    }
    request.insert("objectives".to_owned(), json!([objective]));
    let asked = call.sending("", "", &Value::Object(request));
    read_reply(&trial::answer(manager, &asked).await?)
}

/// `nodeName=demo, job=node`.
fn labels(text: &str) -> Option<Labels> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((
            name.trim().to_owned(),
            value.trim().trim_matches('"').to_owned(),
        ))
    });
    pairs.collect::<Option<Vec<_>>>().map(Labels::from_iter)
}
