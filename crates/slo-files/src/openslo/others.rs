//! The documents that SLOs refer to.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use crate::{
    documents::Document,
    fields::Fields,
    report::{Note, Place, Refused, Report},
};

/// The documents of a body that are no SLOs, by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Others<'a> {
    documents: BTreeMap<(&'a str, &'a str), &'a Document>,
    referred: RefCell<BTreeSet<(String, String)>>,
}

impl<'a> Others<'a> {
    /// Adds a document of a kind; an SLO is left out.
    pub(crate) fn add(&mut self, document: &'a Document, kind: &'a str) -> Result<(), Refused> {
        if kind == "SLO" {
            return Ok(());
        }
        let fields = Fields::of(&document.value, document.place.clone())?;
        let metadata = fields.required("metadata")?;
        let name = metadata.required_text("name")?;
        if let Some(other) = self.documents.get(&(kind, name)) {
            let reason = format!(
                "is the name of another {kind}, document {}",
                other.place.document
            );
            return Err(Refused::at(metadata.at("name"), reason));
        }
        self.documents.insert((kind, name), document);
        Ok(())
    }

    /// Notes that a document is referred to, and finds it.
    pub(crate) fn refer(&self, kind: &str, name: &str) -> Option<&'a Document> {
        let found = self.documents.get(&(kind, name)).copied()?;
        let key = (kind.to_owned(), name.to_owned());
        self.referred.borrow_mut().insert(key);
        Some(found)
    }

    /// Reports what no SLO refers to, and what is not used of the others.
    pub(crate) fn finish(self, report: &mut Report) {
        let referred = self.referred.borrow();
        for ((kind, name), document) in &self.documents {
            let what = match *kind {
                "AlertNotificationTarget" => {
                    "has no use here: ALERTMANAGER_URLS and ALERT_WEBHOOKS say who gets alerts"
                        .to_owned()
                }
                _ if !referred.contains(&((*kind).to_owned(), (*name).to_owned())) => {
                    format!("is not used: no SLO of this body refers to this {kind}")
                }
                "Service" | "DataSource" => {
                    for note in unused(document, kind) {
                        report.adapt_alone(note);
                    }
                    continue;
                }
                _ => continue,
            };
            report.adapt_alone(Note::at(document.place.clone(), what));
        }
    }
}

/// Of a service the name is used, of a data source the type.
fn unused(document: &Document, kind: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    for (of, used) in [("metadata", "name"), ("spec", "type")] {
        let place = document.place.below(of);
        let places: Vec<Place> = match document.value.get(of) {
            Some(Value::Object(fields)) => {
                let unused = fields.keys().filter(|name| *name != used);
                unused.map(|name| place.below(name)).collect()
            }
            None | Some(Value::Null) => Vec::new(),
            Some(_) => vec![place],
        };
        let what = format!("of a {kind} is left out");
        notes.extend(places.into_iter().map(|place| Note::at(place, &*what)));
    }
    let known = ["apiVersion", "kind", "metadata", "spec"];
    let fields = document.value.as_object().into_iter().flatten();
    for (name, _) in fields.filter(|(name, _)| !known.contains(&name.as_str())) {
        notes.push(Note::at(
            document.place.below(name),
            format!("of a {kind} is left out"),
        ));
    }
    notes
}
