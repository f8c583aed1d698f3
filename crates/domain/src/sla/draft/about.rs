//! The fields of an SLA or an objective that are for people.

use serde_json::{Map, Value};

use super::alerts;
use crate::{
    fault::{Faults, below},
    sla::{About, fields::text},
};

const LONGEST_NAME: usize = 255;
const LONGEST_DESCRIPTION: usize = 4096;
const MOST_ANNOTATIONS: usize = 64;

/// `display_name`, `description` and `annotations`.
pub(super) fn about(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> About {
    let display_name = text(fields, pointer, "display_name", faults);
    if let Some(name) = &display_name
        && (name.trim().is_empty() || name.chars().count() > LONGEST_NAME)
    {
        let reason = format!("must have 1 to {LONGEST_NAME} characters");
        faults.add(&below(pointer, "display_name"), reason);
    }
    let description = text(fields, pointer, "description", faults);
    if description
        .as_ref()
        .is_some_and(|text| text.len() > LONGEST_DESCRIPTION)
    {
        let reason = format!("is longer than {LONGEST_DESCRIPTION} bytes");
        faults.add(&below(pointer, "description"), reason);
    }
    About {
        display_name,
        description,
        annotations: alerts::labels(fields, pointer, "annotations", MOST_ANNOTATIONS, faults),
    }
}
