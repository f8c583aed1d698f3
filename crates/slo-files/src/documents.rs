//! Which document is what: by `version`, or by `apiVersion` and `kind`.

use domain::sla::BudgetWindow;
use serde_json::Value;

use crate::{
    openslo, pyrra,
    report::{Note, Place, Refused, Report},
    slo::Slo,
    sloth,
};

/// A document, with its number.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// The documents, lists replaced by their items, and lists in these by theirs. An empty document keeps its number.
pub(crate) fn expand(values: Vec<Value>) -> Vec<Document> {
    let mut items = Vec::new();
    add_items(values, &mut items);
    let numbered = items.into_iter().enumerate();
    numbered
        .map(|(number, value)| Document {
            place: Place::document(number),
            value,
        })
        .collect()
}

/// A list is no deeper than a document may be.
fn add_items(values: Vec<Value>, items: &mut Vec<Value>) {
    for value in values {
        match value {
            Value::Array(list) => add_items(list, items),
            Value::Object(mut fields) if is_list(fields.get("kind")) => {
                match fields.remove("items") {
                    Some(Value::Array(list)) => add_items(list, items),
                    Some(other) => {
                        fields.insert("items".to_owned(), other);
                        items.push(Value::Object(fields));
                    }
                    None => items.push(Value::Object(fields)),
                }
            }
            other => items.push(other),
        }
    }
}

/// Kubernetes writes several objects as one of kind `List`, or `ServiceLevelObjectiveList`.
fn is_list(kind: Option<&Value>) -> bool {
    let kind = kind.and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("List"))
}

/// What a document is.
enum Kind<'a> {
    Sloth,
    SlothService,
    AlertWindows,
    Pyrra,
    OpenSlo(&'a str),
    OpenSloAlpha(&'a str),
}

/// The SLOs of all documents. What is wrong is refused, what is not used is reported.
pub(crate) fn slos(documents: &[Document], window: BudgetWindow, report: &mut Report) -> Vec<Slo> {
    let mut known = Vec::new();
    for document in documents
        .iter()
        .filter(|document| !document.value.is_null())
    {
        match kind(document) {
            Ok(kind) => known.push((document, kind)),
            Err(refused) => report.refuse(refused),
        }
    }
    let mut windows = sloth::Windows::new(window);
    let mut others = openslo::Others::default();
    for (document, kind) in &known {
        let read = match kind {
            Kind::AlertWindows => windows.read(document),
            Kind::OpenSlo(kind) => others.add(document, kind),
            _ => Ok(()),
        };
        if let Err(refused) = read {
            report.refuse(refused);
        }
    }
    let mut slos = Vec::new();
    for (document, kind) in &known {
        let read = match kind {
            Kind::Sloth => sloth::service(document, &windows, report),
            Kind::SlothService => sloth::object(document, &windows, report),
            Kind::Pyrra => pyrra::slo(document),
            Kind::OpenSlo("SLO") => openslo::slo(document, &others),
            Kind::OpenSloAlpha("SLO") => openslo::alpha(document),
            Kind::OpenSloAlpha(kind) => {
                let what = format!("a {kind} of v1alpha has no use here");
                report.adapt_alone(Note::at(document.place.clone(), what));
                continue;
            }
            Kind::AlertWindows | Kind::OpenSlo(_) => continue,
        };
        match read {
            Ok(slo) => slos.extend(Some(slo).filter(|slo| !slo.objectives.is_empty())),
            Err(refused) => {
                // What is wrong may stand in a document that the SLO refers to.
                if refused.place.document != document.place.document {
                    let reason = format!("is not made: see {}", refused.place);
                    report.refuse(Refused::at(document.place.clone(), reason));
                }
                report.refuse(refused);
            }
        }
    }
    let has_sloth = |(_, kind): &(_, Kind<'_>)| matches!(kind, Kind::Sloth | Kind::SlothService);
    windows.finish(known.iter().any(has_sloth), report);
    others.finish(report);
    slos
}

/// What an OpenSLO v1 document may be.
const OPENSLO: [&str; 7] = [
    "SLO",
    "SLI",
    "Service",
    "DataSource",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
];

fn kind(document: &Document) -> Result<Kind<'_>, Refused> {
    let Document { place, value } = document;
    let refuse = |field: &str, reason: String| Err(Refused::at(place.below(field), reason));
    let Value::Object(fields) = value else {
        return Err(Refused::at(place.clone(), "must be a mapping"));
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if !fields.contains_key("apiVersion") && fields.contains_key("version") {
        return match text("version") {
            Some("prometheus/v1") => Ok(Kind::Sloth),
            _ => refuse("version", "must be prometheus/v1".to_owned()),
        };
    }
    let Some(version) = text("apiVersion") else {
        let reason = "is missing: `version` of Sloth, or `apiVersion` and `kind`";
        return refuse("apiVersion", reason.to_owned());
    };
    let kind = text("kind");
    let one_of = |kinds: &[&str]| {
        let kinds = kinds.join(", ");
        refuse("kind", format!("of {version} must be one of {kinds}"))
    };
    match (version, kind) {
        ("sloth.slok.dev/v1", Some("PrometheusServiceLevel")) => Ok(Kind::SlothService),
        ("sloth.slok.dev/v1", Some("AlertWindows")) => Ok(Kind::AlertWindows),
        ("sloth.slok.dev/v1", _) => one_of(&["PrometheusServiceLevel", "AlertWindows"]),
        ("pyrra.dev/v1alpha1", Some("ServiceLevelObjective")) => Ok(Kind::Pyrra),
        ("pyrra.dev/v1alpha1", _) => one_of(&["ServiceLevelObjective"]),
        // Kubernetes takes no group without a domain, so operators have the same documents under another.
        ("openslo/v1" | "openslo.com/v1", Some(kind)) if OPENSLO.contains(&kind) => {
            Ok(Kind::OpenSlo(kind))
        }
        ("openslo/v1" | "openslo.com/v1", _) => one_of(&OPENSLO),
        ("openslo/v1alpha", Some(kind @ ("SLO" | "Service"))) => Ok(Kind::OpenSloAlpha(kind)),
        ("openslo/v1alpha", _) => one_of(&["SLO", "Service"]),
        _ => {
            let known = "sloth.slok.dev/v1, pyrra.dev/v1alpha1, openslo/v1 or openslo/v1alpha";
            refuse("apiVersion", format!("must be {known}"))
        }
    }
}
