//! What became of each field: where it stands in the body, and a sentence.

use std::fmt;

use domain::{fault, sla::SlaName};

/// A place in a body: a document, and a JSON pointer (RFC 6901) in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The document, counted from 0; the items of a list count each.
    pub document: usize,
    /// Where in it.
    pub pointer: String,
}

impl Place {
    /// The whole of a document.
    pub(crate) fn document(document: usize) -> Self {
        Self {
            document,
            pointer: String::new(),
        }
    }

    /// A member of what is here.
    pub(crate) fn below(&self, member: &str) -> Self {
        Self {
            document: self.document,
            pointer: fault::below(&self.pointer, member),
        }
    }

    /// An item of the list that is here.
    pub(crate) fn item(&self, position: usize) -> Self {
        self.below(&position.to_string())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of document {}", self.pointer, self.document)
    }
}

/// Something that an SLA says in another way than the file, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapted {
    /// The SLA; `None` where no SLA comes of it.
    pub sla: Option<SlaName>,
    /// Where the file says it.
    pub place: Place,
    /// What became of it.
    pub what: String,
}

/// Something of which no SLA is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub reason: String,
}

impl Refused {
    /// What is wrong at a place.
    pub(crate) fn at(place: Place, reason: impl Into<String>) -> Self {
        Self {
            place,
            reason: reason.into(),
        }
    }
}

/// What became of a field, before the name of its SLA is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) place: Place,
    pub(crate) what: String,
}

impl Note {
    pub(crate) fn at(place: Place, what: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
        }
    }
}

/// The report while a body is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    adapted: Vec<Adapted>,
    refused: Vec<Refused>,
}

impl Report {
    pub(crate) fn refuse(&mut self, refused: Refused) {
        self.refused.push(refused);
    }

    pub(crate) fn adapt(&mut self, sla: &SlaName, notes: Vec<Note>) {
        for Note { place, what } in notes {
            self.adapted.push(Adapted {
                sla: Some(sla.clone()),
                place,
                what,
            });
        }
    }

    /// Something that belongs to no SLA.
    pub(crate) fn adapt_alone(&mut self, Note { place, what }: Note) {
        self.adapted.push(Adapted {
            sla: None,
            place,
            what,
        });
    }

    /// In the order of the body, each entry once.
    pub(crate) fn finish(self) -> (Vec<Adapted>, Vec<Refused>) {
        let Self {
            mut adapted,
            mut refused,
        } = self;
        adapted.sort_by(|a, b| (&a.place, &a.sla, &a.what).cmp(&(&b.place, &b.sla, &b.what)));
        adapted.dedup();
        refused.sort_by(|a, b| a.place.cmp(&b.place));
        refused.dedup();
        (adapted, refused)
    }
}
