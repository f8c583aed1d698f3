//! What an SLA is: a named, versioned set of objectives. [`Draft`] reads one from what people write.

mod draft;
mod exclusion;
mod fields;
mod names;
mod objective;
mod terms;
mod trial;

pub use draft::Draft;
pub use exclusion::{ExcludedTime, Exclusion, ExclusionDraft};
pub use names::{DEFAULT_NAME, ObjectiveId, SlaName, is_label_name};
pub use objective::{Objective, Sla};
pub use terms::{BudgetWindow, Missing, SeriesEnd, Terms, UnknownTerm};
pub use trial::Trial;
