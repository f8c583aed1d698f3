//! What a format's reader makes of an SLO: fields of an objective as `POST /sla` takes them.

use std::collections::BTreeMap;

use promql::EventsSum;
use serde_json::{Map, Value, json};

use crate::{
    ImportOrigin,
    fields::Fields,
    names::Id,
    report::{Note, Place, Refused},
    shares,
};

/// The objectives of one document for an SLA, and what is to say of the rest of the document.
#[derive(Clone, Debug)]
pub(crate) struct Slo {
    pub(crate) owner: Owner,
    pub(crate) objectives: Vec<Objective>,
    pub(crate) notes: Vec<Note>,
}

/// The SLA that objectives belong to.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The name, as the file has it.
    pub(crate) name: String,
    /// Where the file has it.
    pub(crate) place: Place,
    pub(crate) origin: ImportOrigin,
    /// `display_name`, `description` and `annotations`.
    pub(crate) about: Map<String, Value>,
    /// Whether several documents may make up one SLA: those of a Sloth service of this name, or of an export.
    pub(crate) is_shared: bool,
}

impl Owner {
    /// Whether objectives of another document belong to the same SLA.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        let is_export = |owner: &Self| matches!(owner.origin, ImportOrigin::Export);
        let are_alike = is_export(self) == is_export(other);
        are_alike && self.is_shared && other.is_shared && self.name == other.name
    }
}

/// An objective.
#[derive(Clone, Debug)]
pub(crate) struct Objective {
    pub(crate) id: Id,
    /// Where the file names it.
    pub(crate) named_at: Place,
    /// Where it stands.
    pub(crate) place: Place,
    /// All but its id.
    pub(crate) fields: Map<String, Value>,
    /// Where the file says what some of the fields say.
    pub(crate) sources: BTreeMap<&'static str, Place>,
    pub(crate) notes: Vec<Note>,
}

/// PromQL of a file, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// What a file says of whether its queries select counters.
#[derive(Clone, Debug)]
pub(crate) enum Counters {
    /// They do.
    Said,
    /// It says nothing.
    Unsaid,
    /// They do not, it says at a place: only `rate` and `increase` make counters of them.
    Denied(Place),
}

impl Counters {
    /// What a flag says: `counter` of OpenSLO.
    pub(crate) fn of_flag(fields: &Fields<'_>, name: &str) -> Result<Self, Refused> {
        Ok(match fields.flag(name)? {
            Some(true) => Self::Said,
            Some(false) => Self::Denied(fields.at(name)),
            None => Self::Unsaid,
        })
    }

    /// Checks that a sum is of counters, as far as can be known. Where only its being counted says so, that is noted.
    fn check(&self, sum: &Sum, notes: &mut Vec<Note>) -> Result<(), Refused> {
        if sum.sum.has_rates() {
            return Ok(());
        }
        match self {
            Self::Said => {}
            Self::Unsaid => {
                let terms = sum.sum.without_rates().join("`, `");
                let what =
                    format!("has no `rate` or `increase`: `{terms}` is counted as a counter");
                notes.push(Note::at(sum.place.clone(), what));
            }
            Self::Denied(place) => {
                let reason = "is false: what is not a counter cannot be counted";
                return Err(Refused::at(place.clone(), reason));
            }
        }
        Ok(())
    }
}

/// A sum of counters that a file gives, and where.
pub(crate) struct Sum {
    pub(crate) sum: EventsSum,
    text: String,
    place: Place,
}

impl Sum {
    /// Reads a sum of counters.
    pub(crate) fn read(query: &Query) -> Result<Self, Refused> {
        match EventsSum::parse(&query.text) {
            Ok(sum) => Ok(Self {
                sum,
                text: query.text.trim().to_owned(),
                place: query.place.clone(),
            }),
            Err(error) => Err(Refused::at(
                query.place.clone(),
                format!("is not a sum of counters: {error}"),
            )),
        }
    }

    /// A sum that is a part of a text.
    pub(crate) fn within(sum: EventsSum, place: Place) -> Self {
        Self {
            text: sum.terms.join(" + "),
            sum,
            place,
        }
    }

    /// A selector as it stands, other terms as selectors.
    fn written(&self) -> String {
        let is_a_selector = !self.text.contains(['(', '#', '\n']) && self.sum.terms.len() == 1;
        if is_a_selector {
            self.text.clone()
        } else {
            self.sum.terms.join(" + ")
        }
    }
}

/// Counts the events of two queries of a file, each by the name of what it selects: `good`, `bad` or `total`. What is
/// written as the total less other events is counted by these.
pub(crate) fn count_queries(
    fields: &mut Map<String, Value>,
    (one, first): (&str, &Query),
    (other, second): (&str, &Query),
    counters: &Counters,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    let difference = EventsSum::difference(&first.text).filter(|_| other == TOTAL);
    let Some((whole, rest)) = difference else {
        let (first, second) = (Sum::read(first)?, Sum::read(second)?);
        for sum in [&first, &second] {
            counters.check(sum, notes)?;
        }
        return count(fields, (one, &first), (other, &second));
    };
    let total = Sum::read(second)?;
    if !whole.counts_the_same(&total.sum) {
        let reason =
            "is not a sum of counters: a difference must be the total query less other events";
        return Err(Refused::at(first.place.clone(), reason));
    }
    let rest = Sum::within(rest, first.place.clone());
    for sum in [&rest, &total] {
        counters.check(sum, notes)?;
    }
    count(fields, (opposite(one), &rest), (TOTAL, &total))
}

const TOTAL: &str = "total";

/// What the events of a total are that are not `part`.
pub(crate) fn opposite(part: &str) -> &'static str {
    if part == "good" { "bad" } else { "good" }
}

/// Says which events an objective counts: the two sums, by their names, and the labels of `sum by`.
pub(crate) fn count(
    fields: &mut Map<String, Value>,
    (one, first): (&str, &Sum),
    (other, second): (&str, &Sum),
) -> Result<(), Refused> {
    if first.sum.by != second.sum.by {
        let reason = format!(
            "has another `by` than {}: both must have the same labels",
            first.place
        );
        return Err(Refused::at(second.place.clone(), reason));
    }
    let events = json!({ one: first.written(), other: second.written() });
    fields.insert("events".to_owned(), events);
    if let Some(by) = &first.sum.by {
        fields.insert("by".to_owned(), json!(by));
    }
    Ok(())
}

/// The target that a percentage is. One below 1 is noted: it may have been meant as a share.
pub(crate) fn target(
    fields: &Fields<'_>,
    name: &str,
    notes: &mut Vec<Note>,
) -> Result<f64, Refused> {
    let percent = fields.number(name)?;
    let percent = percent.ok_or_else(|| Refused::at(fields.at(name), "is missing"))?;
    if !(percent > 0.0 && percent < 100.0) {
        let reason = "must be a percentage greater than 0 and less than 100";
        return Err(Refused::at(fields.at(name), reason));
    }
    let share = shares::of_percent(percent);
    if percent < 1.0 {
        let what = format!("is a percentage, so the target is {share}");
        notes.push(Note::at(fields.at(name), what));
    }
    Ok(share)
}

/// `display_name`, `description` and `annotations`, those that are there.
pub(crate) fn about(
    display_name: Option<&str>,
    description: Option<&str>,
    annotations: Vec<(&str, String)>,
) -> Map<String, Value> {
    let mut about = Map::new();
    let mut text = |name: &str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            about.insert(name.to_owned(), json!(text.trim()));
        }
    };
    text("display_name", display_name);
    text("description", description);
    if !annotations.is_empty() {
        let mut map = Map::new();
        for (name, value) in annotations {
            map.entry(name).or_insert_with(|| json!(value));
        }
        about.insert("annotations".to_owned(), Value::Object(map));
    }
    about
}

/// The labels of a mapping, then its annotations that are not labels too; each of the latter is noted.
pub(crate) fn annotations<'a>(
    metadata: &Fields<'a>,
    notes: &mut Vec<Note>,
) -> Result<Vec<(&'a str, String)>, Refused> {
    let mut all = metadata.labels("labels")?;
    for (name, value) in metadata.labels("annotations")? {
        match all.iter().find(|(label, _)| *label == name) {
            Some((_, label)) if *label != value => {
                let place = metadata.at("annotations").below(name);
                let what =
                    format!("is left out: the label `{name}` is kept as annotation of this name");
                notes.push(Note::at(place, what));
            }
            Some(_) => {}
            None => all.push((name, value)),
        }
    }
    Ok(all)
}
