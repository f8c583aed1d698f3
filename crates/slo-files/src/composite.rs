//! Several objectives in one budget: those of OpenSLO become a composite, and a composite becomes PromQL.

use std::collections::{BTreeMap, BTreeSet};

use domain::sla::{Combine, Composite, Events, Part};
use promql::EventsSum;
use serde_json::{Map, Value, json};

use crate::{
    fields::Fields,
    names::Id,
    report::{Note, Place, Refused},
    slo::Objective,
};

/// What the composite of an SLO is called.
const NAME: &str = "composite";

/// The `compositeWeight` of an entry of `objectives`.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    place: Place,
    weight: Option<f64>,
}

impl Weight {
    /// Reads it.
    pub(crate) fn read(entry: &Fields<'_>) -> Result<Self, Refused> {
        let place = entry.at("compositeWeight");
        let weight = entry.number("compositeWeight")?;
        if weight.is_some_and(|weight| weight <= 0.0) {
            return Err(Refused::at(place, "must be greater than 0"));
        }
        Ok(Self { place, weight })
    }
}

/// The composite of the objectives of an SLO, if one of them has a weight. `at` is the place of the objectives.
pub(crate) fn of(
    objectives: &[Objective],
    weights: &[Weight],
    at: &Place,
    notes: &mut Vec<Note>,
) -> Option<Objective> {
    if weights.iter().all(|one| one.weight.is_none()) {
        return None;
    }
    let why_not = if objectives.len() < *Composite::PARTS.start() {
        Some("there is no other objective to be weighed against".to_owned())
    } else if objectives.len() > *Composite::PARTS.end() {
        let most = Composite::PARTS.end();
        Some(format!("a composite has at most {most} parts"))
    } else if !objectives.iter().all(can_be_a_part) {
        let why = "a composite is made, minute by minute, of objectives that count events, and one of these does not";
        Some(why.to_owned())
    } else {
        None
    };
    if let Some(why_not) = why_not {
        let given = weights.iter().filter(|weight| weight.weight.is_some());
        let what = format!("is left out: {why_not}");
        notes.extend(given.map(|weight| Note::at(weight.place.clone(), what.clone())));
        return None;
    }
    let names: Vec<&str> = objectives.iter().filter_map(chosen_id).collect();
    let parts = names.iter().zip(weights).map(|(name, weight)| {
        let weight = weight.weight.unwrap_or(1.0);
        json!({"objective": name, "weight": weight})
    });
    let parts: Vec<Value> = parts.collect();
    let (target, sum) =
        objectives
            .iter()
            .zip(weights)
            .fold((0.0, 0.0), |(target, sum), (objective, weight)| {
                let weight = weight.weight.unwrap_or(1.0);
                let own = objective.fields.get("target").and_then(Value::as_f64);
                (target + weight * own.unwrap_or_default(), sum + weight)
            });
    let target = same_target(objectives).unwrap_or(target / sum);
    let mut fields = Map::new();
    let composite = json!({"combine": Combine::Weighted, "parts": parts});
    fields.insert("events".to_owned(), json!({ "composite": composite }));
    fields.insert("target".to_owned(), json!(target));
    for name in ["budget_window", "alerts"] {
        let own = objectives.first().and_then(|one| one.fields.get(name));
        fields.extend(own.map(|own| (name.to_owned(), own.clone())));
    }
    let taken: BTreeSet<&str> = names.into_iter().collect();
    let mut id = NAME.to_owned();
    while taken.contains(id.as_str()) {
        id.push_str("-of-all");
    }
    let target_of = format!(
        "weighs this objective in the composite `{id}`. OpenSLO gives that no target of its own: {target} is the mean of the \
         objectives' targets by their weights"
    );
    for (position, weight) in weights
        .iter()
        .filter(|one| one.weight.is_some())
        .enumerate()
    {
        let what = match position {
            0 => target_of.clone(),
            _ => format!("weighs this objective in the composite `{id}`"),
        };
        notes.push(Note::at(weight.place.clone(), what));
    }
    Some(Objective {
        id: Id::Chosen(id),
        named_at: at.clone(),
        place: at.clone(),
        fields,
        sources: BTreeMap::new(),
        notes: Vec::new(),
    })
}

fn chosen_id(objective: &Objective) -> Option<&str> {
    match &objective.id {
        Id::Chosen(id) => Some(id),
        Id::Named(_) => None,
    }
}

/// Whether it counts events minute by minute.
fn can_be_a_part(objective: &Objective) -> bool {
    let field = |name: &str| objective.fields.get(name).and_then(Value::as_str);
    let is_by_slices = field("method").is_some_and(|method| method != "occurrences");
    let is_longer = field("slice").is_some_and(|slice| slice != "1m");
    objective.fields.contains_key("events") && !(is_by_slices && is_longer)
}

/// The target that all of them have; a mean of equal ones may be another number.
fn same_target(objectives: &[Objective]) -> Option<f64> {
    let target = |objective: &Objective| objective.fields.get("target").and_then(Value::as_f64);
    let first = target(objectives.first()?)?;
    let mut all = objectives.iter();
    all.all(|one| target(one).is_some_and(|own| own.to_bits() == first.to_bits()))
        .then_some(first)
}

/// The share of bad events of the last 5 minutes that a composite stands for, as PromQL.
pub(crate) fn query(composite: &Composite) -> String {
    let shares = composite.parts.iter().map(|part| (part, share(part)));
    match composite.combine {
        Combine::Weighted => {
            let terms = shares.map(|(part, share)| format!("{} * ({share})", part.weight));
            let terms: Vec<String> = terms.collect();
            let weights: f64 = composite.parts.iter().map(|part| part.weight).sum();
            format!("({}) / {weights}", terms.join(" + "))
        }
        Combine::Worst => {
            let named = shares.map(|(part, share)| {
                format!(
                    r#"label_replace({share}, "part", "{}", "", "")"#,
                    part.objective
                )
            });
            let named: Vec<String> = named.collect();
            format!("max({})", named.join(" or "))
        }
    }
}

fn share(part: &Part) -> String {
    let Events {
        good, bad, total, ..
    } = &part.events;
    match (good, bad, total) {
        (None, Some(bad), Some(total)) => format!("{} / {}", rate(bad), rate(total)),
        (Some(good), Some(bad), _) => {
            format!("{} / ({} + {})", rate(bad), rate(good), rate(bad))
        }
        (good, _, total) => {
            let [good, total] = [good, total].map(|sum| sum.as_deref().map_or(String::new(), rate));
            format!("1 - {good} / {total}")
        }
    }
}

/// How many events of a sum there are a second.
fn rate(sum: &str) -> String {
    let selectors = EventsSum::parse(sum).map(|sum| sum.terms);
    let terms: Vec<String> = selectors
        .unwrap_or_default()
        .iter()
        .map(|selector| format!("sum(rate({selector}[5m]))"))
        .collect();
    match &terms[..] {
        [one] => one.clone(),
        _ => format!("({})", terms.join(" + ")),
    }
}
