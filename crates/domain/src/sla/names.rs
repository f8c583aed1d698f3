use crate::{series::MetricName, text::checked_text};

/// The SLA that is meant where none is named.
pub const DEFAULT_NAME: &str = "default";

/// What the documents of a trial call its SLA. No SLA may have this name.
const TRIAL: &str = "try";

checked_text! {
    /// The name of an SLA.
    ///
    /// JSON may also have `try`: the documents of a dry run call their SLA so, and none may have that name.
    SlaName, what: "SLA name",
    rule: "a-z or 0-9, then up to 62 of a-z 0-9 . _ -, and not `try`",
    keeps: |text| is_sla_name(text),
    also: |text| text == TRIAL
}

impl SlaName {
    /// The SLA that is meant where none is named.
    pub fn default_name() -> Self {
        Self(DEFAULT_NAME.to_owned())
    }

    /// What the documents of a trial call its SLA.
    pub fn trial() -> Self {
        Self(TRIAL.to_owned())
    }

    /// Whether it is that of a trial.
    pub fn is_trial(&self) -> bool {
        self == TRIAL
    }
}

checked_text! {
    /// The id of an objective, unique in its SLA.
    ObjectiveId, what: "objective id", rule: "1 to 63 of A-Z a-z 0-9 . _ -",
    keeps: |text| {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        (1..=63).contains(&text.len()) && text.chars().all(legal)
    },
    also: |_| false
}

impl ObjectiveId {
    /// 16 hex digits.
    pub(super) fn of_digest(digest: [u8; 8]) -> Self {
        Self(format!("{:016x}", u64::from_be_bytes(digest)))
    }
}

impl MetricName {
    /// What the series of an objective of events are called: `SLA/OBJECTIVE`. No metric of `metrics.toml` has a `/`.
    pub fn of_objective(sla: &SlaName, objective: &ObjectiveId) -> Self {
        // Both are short and have no control characters.
        Self::joined(sla, objective)
    }
}

fn is_sla_name(name: &str) -> bool {
    let legal =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    begins && name.len() <= 63 && name.chars().all(legal) && name != TRIAL
}

/// Whether `name` may be a label's, `__name__` aside: any text since Prometheus 3.
pub fn is_label_name(name: &str) -> bool {
    !name.is_empty() && name != "__name__"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_has_a_name_that_only_documents_have() {
        assert_eq!(SlaName::parse("try"), Err(SlaName::INVALID));
        let read: SlaName = serde_json::from_str("\"try\"").unwrap();
        assert!(read.is_trial() && read == SlaName::trial());
        assert!(serde_json::from_str::<SlaName>("\"Try\"").is_err());
    }

    #[test]
    fn the_error_names_the_rule() {
        assert_eq!(
            "a b".parse::<ObjectiveId>().unwrap_err().to_string(),
            "invalid objective id: must be 1 to 63 of A-Z a-z 0-9 . _ -"
        );
    }
}
