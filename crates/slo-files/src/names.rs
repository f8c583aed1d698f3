//! Names as slacast has them: lower case, what is not allowed becomes `-`, cut at 63 characters.

use domain::sla::{ObjectiveId, SlaName};

use crate::report::{Note, Place, Refused, Report};

const LONGEST: usize = 63;

/// The name that a text becomes; it may still be no name.
pub(crate) fn slug(text: &str) -> String {
    let legal =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let name: String = text
        .trim()
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| if legal(c) { c } else { '-' })
        .collect();
    let begins = |c: char| !c.is_ascii_alphanumeric();
    name.trim_start_matches(begins)
        .chars()
        .take(LONGEST)
        .collect()
}

/// The name of an SLA, and a note where it differs from the text. A text without a name in it is refused.
pub(crate) fn sla(text: &str, place: &Place) -> Result<(SlaName, Option<Note>), Refused> {
    let name = SlaName::parse(slug(text))
        .map_err(|error| Refused::at(place.clone(), error.to_string()))?;
    let note = (*name != *text).then(|| {
        let what = format!("becomes the SLA's name `{name}`");
        Note::at(place.clone(), what)
    });
    Ok((name, note))
}

/// The id of an objective: one that differs is reported, a text without one is refused.
pub(crate) fn objective(
    id: &Id,
    place: &Place,
    sla: &SlaName,
    report: &mut Report,
) -> Option<String> {
    let text = match id {
        Id::Chosen(id) => return Some(id.clone()),
        Id::Named(text) => text,
    };
    match ObjectiveId::parse(slug(text)) {
        Ok(id) => {
            if *id != **text {
                let what = format!("becomes the objective's id `{id}`");
                report.adapt(sla, vec![Note::at(place.clone(), what)]);
            }
            Some(id.to_string())
        }
        Err(error) => {
            report.refuse(Refused::at(place.clone(), error.to_string()));
            None
        }
    }
}

/// Where the id of an objective comes from.
#[derive(Clone, Debug)]
pub(crate) enum Id {
    /// The file's name for it.
    Named(String),
    /// The file has no name for it, so one was chosen; or it is an export, which has the id itself.
    Chosen(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_lower_case_and_short() {
        for (text, expected) in [
            ("my-service", "my-service"),
            ("My Service", "my-service"),
            ("Portfolio API — Latency", "portfolio-api---latency"),
            ("_a/b", "a-b"),
            (" é1", "1"),
            ("___", ""),
            ("9.x_y", "9.x_y"),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
        assert_eq!(slug(&"a".repeat(70)).len(), 63);
    }
}
