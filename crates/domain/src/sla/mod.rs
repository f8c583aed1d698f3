//! What an SLA is: a named, versioned set of objectives. [`Draft`] reads one from what people write.

mod about;
mod alert_pair;
mod alerting;
mod calendar;
mod composite;
mod draft;
mod events;
mod exclusion;
mod fields;
mod local_time;
mod names;
mod objective;
mod recurrence;
mod terms;
mod trial;

pub use about::{About, Origin};
pub use alert_pair::{AlertPair, Pace};
pub use alerting::{Expectation, Runbook, Severity};
pub use calendar::{Calendar, CalendarUnit, InvalidCalendar};
pub use composite::{Combine, Composite, Part};
pub use draft::Draft;
pub(crate) use events::group_of;
pub use events::{Definition, Events, EventsObjective, Given, Method, NoTraffic, SliceLength};
pub use exclusion::{ExcludedTime, Exclusion, ExclusionDraft, WrittenRule, occurrences};
pub use names::{DEFAULT_NAME, ObjectiveId, SlaName, is_label_name};
pub use objective::{AnyObjective, Objective, SampledQuery, Sla};
pub use recurrence::{InvalidRecurrence, Recurrence};
pub use terms::{
    BudgetPeriod, BudgetWindow, InvalidBudgetWindow, Missing, SeriesEnd, Terms, UnknownTerm,
};
pub use trial::Trial;
