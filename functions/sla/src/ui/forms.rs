//! What people change: each form is a request of the API, answered by the page where its change is seen.

use domain::{Timestamp, sla::SlaName};
use http_api::{ApiError, Call, Fault, Form, Reply, html};
use pages::{EditedSla, Frame, NewSla};
use serde_json::{Map, Value, json};

use super::{faults, frame, read_reply};
use crate::{SlaManager, database, exclusions, name_in, set, trial};

/// `GET /ui/sla`.
pub(crate) async fn new(_: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let base = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        let frame = frame(call, &base, now, None, None);
        pages::new_sla(&frame, &NewSla::default())
    }))
}

fn form(call: &Call, new: &NewSla) -> String {
    shown(call, |frame| pages::new_sla(frame, new))
}

/// `POST /ui/sla`: `document` is saved, or with `do=preview` tried.
pub(crate) async fn create(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut fields = call.form()?;
    let typed = fields.take("document");
    let is_preview = fields.take("do").as_deref() == Some("preview");
    fields.finish()?;
    let mut new = NewSla {
        document: typed.clone(),
        ..NewSla::default()
    };
    let text = typed.unwrap_or_default();
    let made = match serde_json::from_str::<Value>(&text) {
        Err(error) => Err(ApiError::NotJson(error.to_string())),
        Ok(document) if is_preview => match preview(manager, call, &document).await {
            Ok(preview) => {
                new.preview = Some(preview);
                return Ok(html::once(form(call, &new)));
            }
            Err(error) => Err(error),
        },
        Ok(document) => set::create(manager, &call.sending_text(&text))
            .await
            .map(|reply| {
                let named = document["name"].as_str().map(str::to_owned);
                (reply, named)
            }),
    };
    match made {
        Ok((_, name)) => {
            let name = name.unwrap_or_else(|| domain::sla::DEFAULT_NAME.to_owned());
            html::see_other(&call.path_of(&format!("/ui/sla/{name}")))
        }
        Err(ApiError::Conflict(reason)) => {
            new.faults = vec![("/name".to_owned(), reason)];
            Ok(html::contradicting(form(call, &new)))
        }
        Err(error) => {
            new.faults = faults(error)?;
            Ok(html::refused(form(call, &new)))
        }
    }
}

async fn preview(
    manager: &SlaManager,
    call: &Call,
    document: &Value,
) -> Result<pages::Tried, ApiError> {
    let objectives = document.get("objectives").cloned().unwrap_or(json!([]));
    let asked = call.sending("", "", &json!({ "objectives": objectives }));
    read_reply(&trial::answer(manager, &asked).await?)
}

/// `POST /ui/sla/{name}`: with `do=replace` puts `document` in the place of `version`; with `do=retire` asks whether to retire
/// it, and with `sure=yes` does so.
pub(crate) async fn change(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let name = name_in(call)?;
    let mut fields = call.form()?;
    let [act, version, document, sure] =
        ["do", "version", "document", "sure"].map(|field| fields.take(field));
    fields.finish()?;
    let mut wrong = Vec::new();
    let version = version.and_then(|version| version.parse::<u32>().ok());
    if version.is_none() {
        wrong.push(Fault::at("/version", "must be the version that is changed"));
    }
    if !matches!(act.as_deref(), Some("replace" | "retire")) {
        wrong.push(Fault::at("/do", "must be replace or retire"));
    }
    let (Some(version), true) = (version, wrong.is_empty()) else {
        return Err(ApiError::Invalid(wrong));
    };
    match (act.as_deref(), sure.as_deref()) {
        (Some("retire"), Some("yes")) => retire(manager, call, &name, version).await,
        (Some("retire"), _) => Ok(html::once(retiring(call, &name, version, None))),
        _ => replace(manager, call, &name, version, document.unwrap_or_default()).await,
    }
}

async fn replace(
    manager: &SlaManager,
    call: &Call,
    name: &SlaName,
    version: u32,
    document: String,
) -> Result<Reply, ApiError> {
    let replaced = match serde_json::from_str::<Value>(&document) {
        Err(error) => Err(ApiError::NotJson(error.to_string())),
        Ok(written) => {
            let asked = call.sending(name, "", &written).of_version(version);
            set::replace(manager, &asked).await
        }
    };
    let mut edited = EditedSla {
        name: name.to_string(),
        version,
        document,
        ..EditedSla::default()
    };
    match replaced {
        Ok(_) => html::see_other(&call.path_of(&format!("/ui/sla/{name}"))),
        Err(ApiError::PreconditionFailed(_)) => {
            edited.newest = in_force(manager, name).await?;
            Ok(html::outdated(shown(call, |frame| {
                pages::edited(frame, &edited)
            })))
        }
        Err(error) => {
            edited.faults = faults(error)?;
            Ok(html::refused(shown(call, |frame| {
                pages::edited(frame, &edited)
            })))
        }
    }
}

async fn retire(
    manager: &SlaManager,
    call: &Call,
    name: &SlaName,
    version: u32,
) -> Result<Reply, ApiError> {
    let asked = call.asking(name, "", &[]).of_version(version);
    match set::retire(manager, &asked).await {
        Ok(_) => html::see_other(&call.path_of("/ui")),
        Err(ApiError::PreconditionFailed(_)) => {
            let newest = in_force(manager, name).await?.map(|(version, _)| version);
            Ok(html::outdated(retiring(call, name, version, newest)))
        }
        Err(error) => Err(error),
    }
}

fn retiring(call: &Call, name: &SlaName, version: u32, newest: Option<u32>) -> String {
    shown(call, |frame| pages::retiring(frame, name, version, newest))
}

/// A page that is an answer to this request alone.
fn shown(call: &Call, page: impl Fn(&Frame<'_>) -> String) -> String {
    let base = (call.path_of(""), call.base_url());
    page(&frame(call, &base, Some(call.now), None, None))
}

/// The version of an SLA in force, and the document that would make it again.
pub(super) async fn in_force(
    manager: &SlaManager,
    name: &str,
) -> Result<Option<(u32, String)>, ApiError> {
    let Some(stored) = manager.store.sla(name).await.map_err(database)? else {
        return Ok(None);
    };
    let version = stored.sla.version;
    let mut document = Map::new();
    document.insert("name".to_owned(), json!(stored.sla.name));
    if let Value::Object(about) = json!(stored.about) {
        document.extend(about);
    }
    document.insert("objectives".to_owned(), json!(stored.sla.all()));
    let mut document = Value::Object(document);
    leave_out_nulls(&mut document);
    let text = serde_json::to_string_pretty(&document).map_err(ApiError::internal)?;
    Ok(Some((version, text)))
}

fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}

/// `POST /ui/sla/{name}/exclusions`.
pub(crate) async fn exclude(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let name = name_in(call)?;
    let mut fields = call.form()?;
    let mut document = Map::new();
    let mut wrong = Vec::new();
    for field in ["from", "to"] {
        match moment(&mut fields, field, call.now) {
            Ok(Some(time)) => {
                document.insert(field.to_owned(), json!(time));
            }
            Ok(None) => {}
            Err(reason) => wrong.push(Fault::at(format!("/{field}"), reason)),
        }
    }
    for field in [
        "reason",
        "objective",
        "rrule",
        "starts",
        "duration",
        "time_zone",
    ] {
        if let Some(text) = fields.take(field) {
            document.insert(field.to_owned(), json!(text));
        }
    }
    fields.finish()?;
    if !wrong.is_empty() {
        return Err(ApiError::Invalid(wrong));
    }
    let objective = document
        .get("objective")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let asked = call.sending(&name, "", &Value::Object(document));
    exclusions::create(manager, &asked).await?;
    let path = match objective {
        Some(objective) => format!("/ui/sla/{name}/{objective}"),
        None => format!("/ui/sla/{name}"),
    };
    html::see_other(&call.path_of(&path))
}

/// `POST /ui/sla/{name}/exclusions/{id}/take-back`.
pub(crate) async fn take_back(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let name = name_in(call)?;
    call.form()?.finish()?;
    exclusions::delete(manager, &call.asking(&name, &call.id, &[])).await?;
    html::see_other(&call.path_of(&format!("/ui/sla/{name}")))
}

/// A time as people type it.
fn moment(fields: &mut Form, field: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    match fields.take(field) {
        Some(text) => http_api::moment(&text, now).map(Some),
        None => Ok(None),
    }
}
