//! The files in which people have their SLOs already: those of Sloth, Pyrra and OpenSLO become SLAs, and SLAs become
//! OpenSLO.
//!
//! Everything here is pure: YAML in, drafts of SLAs out, and a report. Each field of a file is mapped, adapted with a
//! sentence that says what it became, or refused with a reason. None is left out silently.
//!
//! - [`read`] reads a body: `yaml` makes documents of it, each format has a module of its own;
//! - [`export()`] writes an SLA as OpenSLO, of which [`read`] makes the same SLA again.

mod alerts;
mod composite;
mod documents;
mod export;
mod fields;
mod merge;
mod names;
mod openslo;
mod pyrra;
mod report;
mod shares;
mod slo;
mod sloth;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    fault::Fault,
    sla::{BudgetWindow, Draft, Origin, SlaName},
};
use serde_json::{Map, Value, json};

pub use export::export;
pub use report::{Adapted, Place, Refused};
pub use yaml::{LONGEST_BODY, Unreadable};

use report::{Note, Report};
use slo::{Owner, Slo};

/// What became of a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// The SLAs, in the order in which the body begins them.
    pub slas: Vec<ImportedSla>,
    /// What the body says in another way than an SLA, and what is not used.
    pub adapted: Vec<Adapted>,
    /// What became no SLA, and why.
    pub refused: Vec<Refused>,
}

/// An SLA of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedSla {
    /// Its name.
    pub name: SlaName,
    /// What it is to be.
    pub draft: Draft,
    /// Where it comes from.
    pub origin: ImportOrigin,
    /// Where the body names it.
    pub place: Place,
    /// Where each of its objectives stands.
    pub places: Vec<Place>,
}

/// Where an SLA of a body comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOrigin {
    /// A document of another tool.
    Document(Origin),
    /// An export: it is the SLA that has this name, wherever that came from.
    Export,
}

impl ImportOrigin {
    /// The origin of an SLA that nobody has yet.
    pub fn of_new(&self, name: &SlaName) -> Origin {
        match self {
            Self::Document(origin) => origin.clone(),
            Self::Export => Origin {
                format: "slacast".to_owned(),
                kind: "SLA".to_owned(),
                namespace: String::new(),
                name: name.to_string(),
            },
        }
    }
}

/// Reads a body of several YAML documents. `window` is that of SLOs whose format has none: Sloth's.
///
/// # Errors
/// When the body is not YAML or beyond a bound. A document that is wrong is no error: the report says so, and the others
/// go on.
pub fn read(body: &str, window: BudgetWindow) -> Result<Import, Unreadable> {
    let documents = documents::expand(yaml::parse(body)?);
    let mut report = Report::default();
    let slos = documents::slos(&documents, window, &mut report);
    Ok(assemble(slos, report))
}

/// How many documents a body has, the items of lists counted each.
///
/// # Errors
/// When the body is not YAML or beyond a bound.
pub fn count_documents(body: &str) -> Result<usize, Unreadable> {
    Ok(documents::expand(yaml::parse(body)?).len())
}

/// Puts the SLOs of each SLA together.
fn assemble(slos: Vec<Slo>, mut report: Report) -> Import {
    let mut owners: Vec<(SlaName, Owner, Vec<Slo>)> = Vec::new();
    let mut positions = BTreeMap::<SlaName, usize>::new();
    for mut slo in slos {
        let name = match names::sla(&slo.owner.name, &slo.owner.place) {
            Ok((name, note)) => {
                slo.notes.extend(note);
                name
            }
            Err(refused) => {
                report.refuse(refused);
                continue;
            }
        };
        match positions.get(&name).map(|position| &mut owners[*position]) {
            None => {
                positions.insert(name.clone(), owners.len());
                owners.push((name, slo.owner.clone(), vec![slo]));
            }
            Some((_, owner, slos)) if owner.takes(&slo.owner) => {
                for place in owner.about.left_out_of(&slo.owner.about) {
                    slo.notes
                        .retain(|note| !merge::is_contradicted(note, place));
                    let document = owner.place.document;
                    let what =
                        format!("is left out: what document {document} says of the SLA counts");
                    slo.notes.push(Note::at(place.clone(), what));
                }
                slos.push(slo);
            }
            Some((name, owner, _)) => report.refuse(owner.refusal(name, &slo.owner)),
        }
    }
    let mut import = Import::default();
    for (name, owner, slos) in owners {
        import.slas.extend(sla(name, owner, slos, &mut report));
    }
    (import.adapted, import.refused) = report.finish();
    // What was said of an SLA that was refused in the end is of none.
    let names: BTreeSet<&SlaName> = import.slas.iter().map(|sla| &sla.name).collect();
    for adapted in &mut import.adapted {
        adapted.sla = adapted.sla.take().filter(|name| names.contains(name));
    }
    import
}

fn sla(name: SlaName, owner: Owner, slos: Vec<Slo>, report: &mut Report) -> Option<ImportedSla> {
    let mut ids = BTreeMap::<String, Place>::new();
    let (mut objectives, mut places) = (Vec::new(), Vec::new());
    for slo in slos {
        for objective in slo.objectives {
            let Some(id) = names::objective(&objective.id, &objective.named_at, &name, report)
            else {
                continue;
            };
            if let Some(other) = ids.get(&id) {
                let reason = format!(
                    "becomes the id `{id}`, and so does {other}: give one of them another name"
                );
                report.refuse(Refused::at(objective.named_at, reason));
                continue;
            }
            ids.insert(id.clone(), objective.named_at.clone());
            let mut fields = objective.fields;
            fields.insert("id".to_owned(), json!(id));
            if let Some(refused) = fault(&fields, &objective.place, &objective.sources) {
                report.refuse(refused);
                continue;
            }
            report.adapt(&name, objective.notes);
            objectives.push(Value::Object(fields));
            places.push(objective.place);
        }
        report.adapt(&name, slo.notes);
    }
    let mut document = owner.about.fields;
    document.insert("name".to_owned(), json!(name));
    loop {
        if objectives.is_empty() {
            return None;
        }
        document.insert("objectives".to_owned(), json!(objectives));
        let faults = match Draft::parse(&Value::Object(document.clone())) {
            Ok(draft) => {
                return Some(ImportedSla {
                    name,
                    draft,
                    origin: owner.origin,
                    place: owner.place,
                    places,
                });
            }
            Err(faults) => faults,
        };
        // A composite may be wrong because of the others.
        let wrong: BTreeMap<usize, &Fault> = faults
            .iter()
            .filter_map(|fault| Some((position_of(fault)?, fault)))
            .collect();
        if wrong.is_empty() {
            let reason = faults.first().map(Fault::to_string).unwrap_or_default();
            report.refuse(Refused::at(owner.place, reason));
            return None;
        }
        for (position, fault) in wrong.into_iter().rev() {
            objectives.remove(position);
            report.refuse(Refused::at(places.remove(position), fault.reason.clone()));
        }
    }
}

/// Which objective of an SLA is wrong.
fn position_of(fault: &Fault) -> Option<usize> {
    let rest = fault.pointer.strip_prefix("/objectives/")?;
    rest.split('/').next()?.parse().ok()
}

/// What is wrong with an objective. `sources` says which place of the file its fields come from.
fn fault(
    fields: &Map<String, Value>,
    place: &Place,
    sources: &BTreeMap<&'static str, Place>,
) -> Option<Refused> {
    let faults = Draft::parse_some(&json!({ "objectives": [fields] })).err()?;
    let Fault { pointer, reason } = faults.into_iter().next()?;
    let within = pointer.strip_prefix("/objectives/0").unwrap_or(&pointer);
    let field = within
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let (place, reason) = match sources.get(field) {
        Some(source) => (source.clone(), reason),
        None => (place.clone(), format!("{within}: {reason}")),
    };
    Some(Refused::at(place, reason))
}
