use std::{fmt, str::FromStr};

use super::Kind;
use crate::{
    series::SeriesId,
    sla::{ObjectiveId, SlaName},
    time::Timestamp,
};

/// Which row of an evaluation a `slacast.violations.v1` or `slacast.slices.v1` message is. Its text is the message's
/// `ce_id`, so that the row is known even where the document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationRow {
    /// Which of the two: [`Kind::Violations`] or [`Kind::Slices`].
    pub kind: Kind,
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was evaluated.
    pub version: u32,
    /// The objective's id.
    pub objective: ObjectiveId,
    /// The series; where none matches, that of just the objective's metric and labels. Of slices: the group's id.
    pub series: SeriesId,
    /// When.
    pub as_of: Timestamp,
}

const VIOLATIONS: &str = "violations";
const SLICES: &str = "slices";

/// A text that does not name a row of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be violations or slices, then /SLA/VERSION/OBJECTIVE/SERIES/AS_OF")]
pub struct InvalidEvaluationRow;

impl fmt::Display for EvaluationRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.kind == Kind::Slices {
            SLICES
        } else {
            VIOLATIONS
        };
        let Self {
            kind: _,
            sla,
            version,
            objective,
            series,
            as_of,
        } = self;
        write!(f, "{word}/{sla}/{version}/{objective}/{series}/{as_of}")
    }
}

impl FromStr for EvaluationRow {
    type Err = InvalidEvaluationRow;

    fn from_str(text: &str) -> Result<Self, InvalidEvaluationRow> {
        let parts: Vec<&str> = text.split('/').collect();
        let [word, sla, version, objective, series, as_of] = parts[..] else {
            return Err(InvalidEvaluationRow);
        };
        let kind = match word {
            VIOLATIONS => Kind::Violations,
            SLICES => Kind::Slices,
            _ => return Err(InvalidEvaluationRow),
        };
        let version: u32 = version.parse().map_err(|_| InvalidEvaluationRow)?;
        if version == 0 {
            return Err(InvalidEvaluationRow);
        }
        Ok(Self {
            kind,
            sla: sla.parse().map_err(|_| InvalidEvaluationRow)?,
            version,
            objective: objective.parse().map_err(|_| InvalidEvaluationRow)?,
            series: series.parse().map_err(|_| InvalidEvaluationRow)?,
            as_of: as_of.parse().map_err(|_| InvalidEvaluationRow)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "violations/web/3/cpu.a/381f8e6bdd47b5dee1642d17a7d942b8/2026-11-23T08:45:00Z";

    #[test]
    fn a_row_is_read_back_as_it_was_written() {
        let row: EvaluationRow = TEXT.parse().unwrap();
        assert_eq!(
            (row.sla.as_str(), row.version, row.objective.as_str()),
            ("web", 3, "cpu.a")
        );
        assert_eq!(
            (row.kind, row.to_string().as_str()),
            (Kind::Violations, TEXT)
        );
        let slices = TEXT.replace("violations", "slices");
        let row: EvaluationRow = slices.parse().unwrap();
        assert_eq!((row.kind, row.to_string()), (Kind::Slices, slices));
    }

    #[test]
    fn what_does_not_name_a_row_is_refused() {
        for text in [
            "",
            "metrics/381f8e6bdd47b5dee1642d17a7d942b8/2026-11-23T08:45:00Z",
            &TEXT.replace("web", "We b"),
            &TEXT.replace("/3/", "/0/"),
            &TEXT.replace("cpu.a", ""),
            &TEXT.replace("381f", "x"),
            &TEXT.replace("2026-", ""),
            &format!("{TEXT}/more"),
        ] {
            assert_eq!(
                text.parse::<EvaluationRow>(),
                Err(InvalidEvaluationRow),
                "{text}"
            );
        }
    }
}
