//! OpenSLO: v1 with its references, and the SLOs of v1alpha.

mod alpha;
mod indicator;
mod objective;
mod others;
mod policies;
mod window;

use domain::sla::Origin;
use serde_json::{Value, json};

use crate::{
    ImportOrigin,
    composite::{self, Weight},
    documents::Document,
    export::{DOCUMENT, OBJECTIVE, SLA},
    fields::{Fields, Label},
    merge,
    names::Id,
    report::{Note, Place, Refused},
    slo::{self, About, Owner, Slo},
};

pub(crate) use alpha::slo as alpha;
pub(crate) use others::Others;

/// A document of kind SLO. An export is of the SLA that it names, and the objective that it was made of, as far as it still
/// says so, but for what was changed in it since.
pub(crate) fn slo(document: &Document, others: &Others<'_>) -> Result<Slo, Refused> {
    let annotations = document.value.pointer("/metadata/annotations");
    let annotation = |name: &str| annotations?.get(name)?.as_str();
    let Some(sla) = annotation(SLA) else {
        return plain(document, others);
    };
    let origin = (sla, annotation(OBJECTIVE), annotation(DOCUMENT));
    merge::exported(document, origin, |document| plain(document, others))
}

/// A document of kind SLO as OpenSLO says it.
fn plain(document: &Document, others: &Others<'_>) -> Result<Slo, Refused> {
    let fields = Fields::of(&document.value, document.place.clone())?;
    for name in ["apiVersion", "kind"] {
        fields.get(name);
    }
    let mut notes = Vec::new();
    let metadata = fields.required("metadata")?;
    let named = named(&metadata, "openslo/v1", &mut notes)?;
    let spec = fields.required("spec")?;
    refuse_the_shape_of_alpha(&spec)?;
    let mut about = named.annotations.clone();
    if let Some(service) = spec.text("service")? {
        others.refer("Service", service);
        belongs_to(service, &mut about, &metadata, &mut notes, &spec);
    }
    let about = slo::about(
        named.display_name.clone(),
        spec.label("description")?,
        about,
        &mut notes,
    );
    let common = objective::Common {
        budgeting: objective::Budgeting::read(&spec, &mut notes)?,
        window: window::read(&spec, &mut notes)?,
        alerts: policies::read(&spec, others, &mut notes)?,
        alerts_at: spec.at("alertPolicies"),
    };
    let indicator = indicator::of(&spec, others)?;
    let items = spec.items("objectives")?;
    if items.is_empty() {
        return Err(Refused::at(spec.at("objectives"), "must have an objective"));
    }
    let count = items.len();
    let (mut objectives, mut weights) = (Vec::new(), Vec::new());
    for (place, item) in items {
        let entry = Fields::of(item, place)?;
        let own = indicator::of(&entry, others)?;
        let indicator = match (own, &indicator) {
            (Some(own), None) => own,
            (None, Some(common)) => common.clone(),
            (Some(_), Some(_)) => {
                let reason =
                    "has an indicator of its own, and so has the SLO: only one of them may";
                return Err(Refused::at(entry.place().clone(), reason));
            }
            (None, None) => {
                let reason = "must have `indicator` or `indicatorRef`";
                return Err(Refused::at(spec.place().clone(), reason));
            }
        };
        weights.push(Weight::read(&entry)?);
        objectives.push(objective::read(entry, &indicator, &common)?);
    }
    choose_ids(&mut objectives, &named.name, count);
    let composite = composite::of(&objectives, &weights, &spec.at("objectives"), &mut notes);
    objectives.extend(composite);
    spec.finish(&mut notes);
    let place = metadata.at("name");
    metadata.finish(&mut notes);
    fields.finish(&mut notes);
    Ok(Slo {
        owner: named.owner(place, about),
        objectives,
        notes,
    })
}

/// What the metadata of a document say.
struct Named<'a> {
    name: String,
    display_name: Option<Label<'a>>,
    annotations: Vec<Label<'a>>,
    origin: Origin,
}

impl Named<'_> {
    fn owner(self, place: Place, about: About) -> Owner {
        Owner {
            name: self.name,
            place,
            origin: ImportOrigin::Document(self.origin),
            about,
            is_shared: false,
        }
    }
}

fn named<'a>(
    metadata: &Fields<'a>,
    format: &str,
    notes: &mut Vec<Note>,
) -> Result<Named<'a>, Refused> {
    let name = metadata.required_text("name")?;
    Ok(Named {
        name: name.to_owned(),
        display_name: metadata.label("displayName")?,
        annotations: slo::annotations(metadata, notes)?,
        origin: Origin {
            format: format.to_owned(),
            kind: "SLO".to_owned(),
            namespace: metadata.text("namespace")?.unwrap_or_default().to_owned(),
            name: name.to_owned(),
        },
    })
}

/// Keeps the service of an SLO as an annotation; a label or an annotation of this name that says otherwise is left out.
fn belongs_to(
    service: &str,
    annotations: &mut Vec<Label<'_>>,
    metadata: &Fields<'_>,
    notes: &mut Vec<Note>,
    spec: &Fields<'_>,
) {
    let others =
        annotations.extract_if(.., |label| label.name == "service" && label.text != service);
    if others.count() > 0 {
        let what = format!("`service` is left out: the SLO says that it is of `{service}`");
        notes.push(Note::at(metadata.place().clone(), what));
    }
    annotations.push(Label {
        name: "service",
        text: service.to_owned(),
        place: spec.at("service"),
    });
}

/// Objectives have no names: what people call one becomes its id where no other is called so, else its number does. The
/// only one of an SLO has the SLO's name.
fn choose_ids(objectives: &mut [slo::Objective], name: &str, count: usize) {
    let called = |objective: &slo::Objective| {
        let name = objective.fields.get("display_name").and_then(Value::as_str);
        crate::names::slug(name.unwrap_or_default())
    };
    let names: Vec<String> = objectives.iter().map(called).collect();
    for (position, objective) in objectives.iter_mut().enumerate() {
        let own = &names[position];
        let is_unique = names.iter().filter(|name| *name == own).count() == 1;
        let id = if count == 1 {
            crate::names::slug(name)
        } else if is_unique && !own.is_empty() && !own.starts_with("objective-") {
            own.clone()
        } else {
            format!("objective-{}", position + 1)
        };
        objective.id = Id::Chosen(id);
    }
}

/// Files that say v1 and have the shape of v1alpha are common.
fn refuse_the_shape_of_alpha(spec: &Fields<'_>) -> Result<(), Refused> {
    let alpha = |place: Place, instead: &str| {
        let reason =
            format!("is the shape of openslo/v1alpha, and the document says openslo/v1: {instead}");
        Err(Refused::at(place, reason))
    };
    if spec.has("timeWindows") {
        return alpha(
            spec.at("timeWindows"),
            "write `timeWindow` with a `duration`",
        );
    }
    for (place, item) in spec.items("objectives")? {
        if item.get("ratioMetrics").is_some() {
            let instead = "write `ratioMetric` in the `spec` of an `indicator`";
            return alpha(place.below("ratioMetrics"), instead);
        }
    }
    Ok(())
}

/// A number of OpenSLO that must be there.
fn required_number(fields: &Fields<'_>, name: &str) -> Result<f64, Refused> {
    let number = fields.number(name)?;
    number.ok_or_else(|| Refused::at(fields.at(name), "is missing"))
}

/// A number as JSON, whole ones without a point.
fn number(value: f64) -> Value {
    json!(value)
}
