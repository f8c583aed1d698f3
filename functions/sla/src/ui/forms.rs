//! What people change: each form is a request of the API, answered by the page where its change is seen.

use domain::Timestamp;
use http_api::{ApiError, Call, Fault, Form, Reply, html};
use pages::NewSla;
use serde_json::{Map, Value, json};

use super::{faults, frame, read_reply};
use crate::{SlaManager, exclusions, name_in, set, trial};

/// `GET /ui/sla`.
pub(crate) async fn new(_: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    Ok(html::once(form(call, &NewSla::default())))
}

fn form(call: &Call, new: &NewSla) -> String {
    let base = (call.path_of(""), call.base_url());
    let frame = frame(call, &base, Some(call.now), None, None);
    pages::new_sla(&frame, new)
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
    for field in ["reason", "objective"] {
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
