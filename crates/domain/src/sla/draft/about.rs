//! The fields of an SLA or an objective that are for people.

use serde_json::{Map, Value};

use super::alerts;
use crate::{
    fault::{Faults, below},
    sla::{About, fields::text},
};

/// `display_name`, `description` and `annotations`.
pub(super) fn about(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> About {
    let display_name = text(fields, pointer, "display_name", faults);
    if let Some(name) = &display_name
        && (name.trim().is_empty() || name.chars().count() > About::LONGEST_NAME)
    {
        let reason = format!("must have 1 to {} characters", About::LONGEST_NAME);
        faults.add(&below(pointer, "display_name"), reason);
    }
    let description = text(fields, pointer, "description", faults);
    if description
        .as_ref()
        .is_some_and(|text| text.len() > About::LONGEST_DESCRIPTION)
    {
        let reason = format!("is longer than {} bytes", About::LONGEST_DESCRIPTION);
        faults.add(&below(pointer, "description"), reason);
    }
    About {
        display_name,
        description,
        annotations: alerts::labels(
            fields,
            pointer,
            "annotations",
            About::MOST_ANNOTATIONS,
            faults,
        ),
    }
}
