//! What a format's reader makes of an SLO: fields of an objective as `POST /sla` takes them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    fault,
    sla::{self, Origin, SlaName},
};
use promql::{EventsSum, Guard, with_a_window};
use serde_json::{Map, Value, json};

use crate::{
    ImportOrigin,
    fields::{Fields, Label},
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
    pub(crate) about: About,
    /// Whether several documents may make up one SLA: those of a Sloth service of this name, or of an export.
    pub(crate) is_shared: bool,
}

impl Owner {
    /// Whether objectives of another document belong to the same SLA.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        self.is_shared && other.is_shared && self.name == other.name && self.origin == other.origin
    }

    /// Why objectives of another document that becomes the same name do not.
    pub(crate) fn refusal(&self, name: &SlaName, other: &Self) -> Refused {
        let reason = match (&self.origin, &other.origin) {
            (ImportOrigin::Document(of), ImportOrigin::Document(is))
                if self.is_shared && other.is_shared && self.name == other.name =>
            {
                format!(
                    "is a service of {}, and {} is one of {}: they are two SLAs, so give one of them another name",
                    shown(is),
                    self.place,
                    shown(of)
                )
            }
            _ => format!(
                "becomes the name `{name}`, and so does {}: give one of them another name",
                self.place
            ),
        };
        Refused::at(other.place.clone(), reason)
    }
}

/// The kind and namespace of a document.
fn shown(
    Origin {
        kind, namespace, ..
    }: &Origin,
) -> String {
    if namespace.is_empty() {
        format!("{kind} without a namespace")
    } else {
        format!("{kind} of namespace `{namespace}`")
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

impl Query {
    /// Reads a query that must be there. What nobody fills in of it is noted.
    pub(crate) fn read(
        fields: &Fields<'_>,
        name: &str,
        notes: &mut Vec<Note>,
    ) -> Result<Self, Refused> {
        let query = Self {
            text: fields.required_text(name)?.trim().to_owned(),
            place: fields.at(name),
        };
        if promql::Query::parse(&query.text).is_none() {
            return Err(Refused::at(query.place, "is empty"));
        }
        let filled = with_a_window(&query.text);
        for template in promql::templates(&filled) {
            let what =
                format!("`{template}` is kept as it stands: only `{{{{.window}}}}` is filled in");
            notes.push(Note::at(query.place.clone(), what));
        }
        Ok(query)
    }
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
    /// Reads a sum of counters that is called `name`, which may be `total`.
    pub(crate) fn read(name: &str, query: &Query) -> Result<Self, Refused> {
        let sum = if name == TOTAL {
            EventsSum::parse_guarded_total(&query.text)
        } else {
            EventsSum::parse_guarded(&query.text)
        };
        match sum {
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
        let is_a_selector = !self.text.contains(['(', '#', '\n'])
            && self.sum.terms.len() == 1
            && self.sum.guards.is_empty();
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
    let Some((whole, mut rest)) = difference else {
        let (first, second) = (Sum::read(one, first)?, Sum::read(other, second)?);
        for sum in [&first, &second] {
            counters.check(sum, notes)?;
        }
        return count(fields, (one, &first), (other, &second), notes);
    };
    let total = Sum::read(TOTAL, second)?;
    if !whole.counts_the_same(&total.sum) {
        let reason =
            "is not a sum of counters: a difference must be the total query less other events";
        return Err(Refused::at(first.place.clone(), reason));
    }
    rest.guards.extend(whole.guards);
    let rest = Sum::within(rest, first.place.clone());
    for sum in [&rest, &total] {
        counters.check(sum, notes)?;
    }
    count(fields, (opposite(one), &rest), (TOTAL, &total), notes)
}

fn without(guard: Guard) -> &'static str {
    match guard {
        Guard::OrZero => "`or vector(0)` is left out: what has no series counts as 0",
        Guard::AboveZero => "`> 0` is left out: without events there is nothing to judge",
    }
}

const TOTAL: &str = "total";

/// What the events of a total are that are not `part`.
fn opposite(part: &str) -> &'static str {
    if part == "good" { "bad" } else { "good" }
}

/// Says which events an objective counts: the two sums, by their names, and the labels of `sum by`.
pub(crate) fn count(
    fields: &mut Map<String, Value>,
    (one, first): (&str, &Sum),
    (other, second): (&str, &Sum),
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    if first.sum.by != second.sum.by {
        let reason = if first.place == second.place {
            "has sums with different `by`: both must have the same labels".to_owned()
        } else {
            let place = &first.place;
            format!("has another `by` than {place}: both must have the same labels")
        };
        return Err(Refused::at(second.place.clone(), reason));
    }
    for sum in [first, second] {
        let guards = sum.sum.guards.iter();
        notes.extend(guards.map(|guard| Note::at(sum.place.clone(), without(*guard))));
    }
    let functions: BTreeSet<&str> = [first, second]
        .iter()
        .flat_map(|sum| sum.sum.functions.iter().copied().flatten())
        .collect();
    if functions.len() > 1 {
        let what = "`increase` and `rate` stand beside each other: the ratio is that of the events, whatever the function";
        notes.push(Note::at(first.place.clone(), what));
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
    notes.extend(small_percentage(percent, share, &fields.at(name)));
    Ok(share)
}

/// The note on a percentage that may have been meant as a share.
pub(crate) fn small_percentage(percent: f64, share: f64, place: &Place) -> Option<Note> {
    let what = format!("is a percentage, so the target is {share}");
    (percent < 1.0).then(|| Note::at(place.clone(), what))
}

/// What an SLA or an objective is, for people: `display_name`, `description` and `annotations`, those that are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) fields: Map<String, Value>,
    /// Where the file says what is at a pointer into the fields.
    places: Vec<(String, Place)>,
}

impl About {
    /// Where another document says something of the SLA that this one does not say, or says otherwise.
    pub(crate) fn left_out_of<'a>(&self, other: &'a Self) -> Vec<&'a Place> {
        let fields = |about: &Self| Value::Object(about.fields.clone());
        let (own, others) = (fields(self), fields(other));
        let places = other.places.iter();
        let differing =
            places.filter(|(pointer, _)| own.pointer(pointer) != others.pointer(pointer));
        differing.map(|(_, place)| place).collect()
    }
}

/// What a file says for people. What is too long or too much is left out, and noted.
pub(crate) fn about(
    display_name: Option<Label<'_>>,
    description: Option<Label<'_>>,
    annotations: Vec<Label<'_>>,
    notes: &mut Vec<Note>,
) -> About {
    let mut about = About::default();
    if let Some(label) = display_name {
        let length = label.text.trim().chars().count();
        let longest = (sla::About::LONGEST_NAME, "characters");
        notes.extend(about.say("display_name", label, length, longest));
    }
    if let Some(label) = description {
        let length = label.text.trim().len();
        let longest = (sla::About::LONGEST_DESCRIPTION, "bytes");
        notes.extend(about.say("description", label, length, longest));
    }
    notes.extend(about.annotate(annotations));
    about
}

impl About {
    /// Keeps a text that is not too long.
    fn say(
        &mut self,
        name: &str,
        label: Label<'_>,
        length: usize,
        (longest, unit): (usize, &str),
    ) -> Option<Note> {
        let text = label.text.trim();
        if length > longest {
            let what = format!("is left out: it has more than {longest} {unit}");
            return Some(Note::at(label.place, what));
        }
        if !text.is_empty() {
            self.fields.insert(name.to_owned(), json!(text));
            self.places.push((format!("/{name}"), label.place));
        }
        None
    }

    /// Keeps as many annotations as there may be, of each name the first.
    fn annotate(&mut self, annotations: Vec<Label<'_>>) -> Vec<Note> {
        let most = sla::About::MOST_ANNOTATIONS;
        let mut kept = Map::new();
        let mut notes = Vec::new();
        for Label { name, text, place } in annotations {
            if kept.contains_key(name) {
                continue;
            }
            if kept.len() == most {
                let what = format!("is left out: there are at most {most} annotations");
                notes.push(Note::at(place, what));
                continue;
            }
            kept.insert(name.to_owned(), json!(text));
            let pointer = fault::below("/annotations", name);
            self.places.push((pointer, place));
        }
        if !kept.is_empty() {
            let kept = Value::Object(kept);
            self.fields.insert("annotations".to_owned(), kept);
        }
        notes
    }
}

/// The labels of a mapping, then its annotations that are not labels too; each of the latter is noted.
pub(crate) fn annotations<'a>(
    metadata: &Fields<'a>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Label<'a>>, Refused> {
    let mut all = metadata.labels("labels", notes)?;
    for annotation in metadata.labels("annotations", notes)? {
        let name = annotation.name;
        match all.iter().find(|label| label.name == name) {
            Some(label) if label.text != annotation.text => {
                let what =
                    format!("is left out: the label `{name}` is kept as annotation of this name");
                notes.push(Note::at(annotation.place, what));
            }
            Some(_) => {}
            None => all.push(annotation),
        }
    }
    Ok(all)
}
