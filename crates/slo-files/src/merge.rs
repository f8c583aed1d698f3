//! An export that comes back: it is the objective that it was made of, but for what was changed in it since.

use domain::{
    fault::below,
    sla::{About, AnyObjective, Draft, SlaName},
};
use serde_json::{Map, Value, json};

use crate::{
    ImportOrigin,
    documents::Document,
    export::{self, ABOUT, DOCUMENT, OBJECTIVE, SLA},
    names::Id,
    report::{Note, Place, Refused},
    slo::Slo,
};

/// The SLO of an export: of the SLA and, where they say so, the objective that its annotations name, `text` being the
/// objective as JSON. `plain` reads a document without those annotations.
pub(crate) fn exported(
    document: &Document,
    (sla, id, text): (&str, Option<&str>, Option<&str>),
    plain: impl Fn(&Document) -> Result<Slo, Refused>,
) -> Result<Slo, Refused> {
    let annotations = document.place.below("metadata").below("annotations");
    let mut read = plain(&without_annotations(document))?;
    read.owner.name = sla.to_owned();
    read.owner.place = annotations.below(SLA);
    read.owner.origin = ImportOrigin::Export;
    read.owner.is_shared = true;
    let Some(Known {
        sla,
        about,
        objective,
        fields,
    }) = text.and_then(|text| known(document, (sla, id, text)))
    else {
        let what = match text {
            Some(_) => format!("is not an objective of the SLA `{sla}`: what OpenSLO says counts"),
            None => "is missing: what OpenSLO says counts".to_owned(),
        };
        read.notes.push(Note::at(annotations.below(DOCUMENT), what));
        if let (Some(id), [objective]) = (id, &mut read.objectives[..]) {
            objective.id = Id::Chosen(id.to_owned());
            objective.named_at = annotations.below(OBJECTIVE);
        }
        return Ok(read);
    };
    let name = document
        .value
        .pointer("/metadata/name")
        .and_then(Value::as_str);
    let write = |about: &About, objective: &AnyObjective| {
        without_annotations(&Document {
            place: document.place.clone(),
            value: Value::Object(export::slo(
                &sla,
                about,
                objective,
                name.unwrap_or_default(),
            )),
        })
    };
    let written = write(&about, &objective);
    let mut places = Vec::new();
    let now = without_annotations(document);
    differences(&written.value, &now.value, &document.place, &mut places);
    let before = plain(&written)?;
    let mut fields = fields;
    let mut hanging = Vec::new();
    if let ([own], [before]) = (&read.objectives[..], &before.objectives[..]) {
        update(&mut fields, &before.fields, &own.fields);
        // What was changed may be what another field is reckoned from: that one counts as it stands, too.
        if let Some(updated) = only_objective(&sla, &fields) {
            let again = write(&about, &updated);
            differences(&again.value, &now.value, &document.place, &mut hanging);
            if let [again] = &plain(&again)?.objectives[..] {
                update(&mut fields, &again.fields, &own.fields);
            }
        }
    }
    hanging.retain(|place| !places.contains(place));
    let mut about = object(json!(about));
    let said = &mut read.owner.about.fields;
    update(&mut about, &before.owner.about.fields, said);
    *said = about;
    // What is only so because OpenSLO has no word for it is no news.
    read.notes.retain(|note| !before.notes.contains(note));
    let earlier: Vec<&Note> = before
        .objectives
        .iter()
        .flat_map(|one| &one.notes)
        .collect();
    for place in places {
        read.notes.push(Note::at(place, differs()));
    }
    for place in hanging {
        let what = "depends on what was changed: what it says here counts";
        read.notes.push(Note::at(place, what));
    }
    if let [own] = &mut read.objectives[..] {
        own.id = Id::Chosen(objective.id().to_string());
        own.named_at = annotations.below(OBJECTIVE);
        own.notes.retain(|note| !earlier.contains(&note));
        fields.remove("id");
        let left_out = complete(&mut own.fields, fields, &sla);
        if !left_out.is_empty() {
            let names = left_out.join("`, `");
            let what = format!("`{names}` cannot stand beside what OpenSLO says now: left out");
            read.notes.push(Note::at(annotations.below(DOCUMENT), what));
        }
    }
    Ok(read)
}

fn differs() -> String {
    format!("differs from {DOCUMENT}: what OpenSLO says counts")
}

/// Whether a note says that what stands at a place counts, or what it is within.
pub(crate) fn is_contradicted(note: &Note, place: &Place) -> bool {
    let rest = place.pointer.strip_prefix(&note.place.pointer);
    let is_within = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    note.place.document == place.document && is_within && note.what == differs()
}

/// What the annotations say.
struct Known {
    sla: SlaName,
    about: About,
    objective: AnyObjective,
    /// The objective as `POST /sla` takes it.
    fields: Map<String, Value>,
}

fn known(document: &Document, (sla, id, text): (&str, Option<&str>, &str)) -> Option<Known> {
    let fields = object(serde_json::from_str(text).ok()?);
    let draft = draft(sla, &fields)?;
    let about = document
        .value
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(ABOUT));
    let about = match about.and_then(Value::as_str) {
        Some(text) => serde_json::from_str(text).ok()?,
        None => About::default(),
    };
    let objective = draft.objectives.into_iter().next()?;
    let is_meant = id.is_none_or(|id| objective.id().as_str() == id);
    is_meant.then_some(Known {
        sla: draft.name?,
        about,
        objective,
        fields,
    })
}

/// Makes `fields`, what OpenSLO says now, the objective that was known. Where they contradict each other, what is known is
/// added field by field as far as it makes an objective; returns the names of the others.
fn complete(
    fields: &mut Map<String, Value>,
    known: Map<String, Value>,
    sla: &SlaName,
) -> Vec<String> {
    if draft(sla, &known).is_some() {
        *fields = known;
        return Vec::new();
    }
    let mut left_out = Vec::new();
    for (name, value) in known {
        if fields.contains_key(&name) {
            continue;
        }
        fields.insert(name.clone(), value);
        if draft(sla, fields).is_none() {
            fields.remove(&name);
            left_out.push(name);
        }
    }
    left_out
}

/// The SLA that one objective makes, if it makes one.
fn draft(sla: &str, objective: &Map<String, Value>) -> Option<Draft> {
    Draft::parse_some(&json!({"name": sla, "objectives": [objective]})).ok()
}

/// The objective that fields make, if they make one.
fn only_objective(sla: &str, fields: &Map<String, Value>) -> Option<AnyObjective> {
    draft(sla, fields)?.objectives.into_iter().next()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A document without the annotations of an export.
fn without_annotations(document: &Document) -> Document {
    let mut value = document.value.clone();
    if let Some(Value::Object(metadata)) = value.get_mut("metadata")
        && let Some(Value::Object(annotations)) = metadata.get_mut("annotations")
    {
        annotations.retain(|name, _| ![SLA, OBJECTIVE, DOCUMENT, ABOUT].contains(&name.as_str()));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    Document {
        place: document.place.clone(),
        value,
    }
}

/// Where two documents differ.
fn differences(one: &Value, other: &Value, place: &Place, found: &mut Vec<Place>) {
    let at = |member: &str| Place {
        document: place.document,
        pointer: below(&place.pointer, member),
    };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                match other.get(name) {
                    Some(other) => differences(value, other, &at(name), found),
                    None => found.push(at(name)),
                }
            }
            let added = other.keys().filter(|name| !one.contains_key(*name));
            found.extend(added.map(|name| at(name)));
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (position, (one, other)) in one.iter().zip(other).enumerate() {
                differences(one, other, &at(&position.to_string()), found);
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        _ if one == other => {}
        _ => found.push(place.clone()),
    }
}

/// Gives `fields` what `now` says in another way than `before`.
fn update(fields: &mut Map<String, Value>, before: &Map<String, Value>, now: &Map<String, Value>) {
    for (name, value) in now {
        if before.get(name) != Some(value) {
            fields.insert(name.clone(), value.clone());
        }
    }
    for name in before.keys().filter(|name| !now.contains_key(*name)) {
        fields.remove(name);
    }
}
