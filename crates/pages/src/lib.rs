//! The pages: what the answers of the API look like to people. Documents in, HTML out; nothing is asked and nothing reckoned
//! here.
//!
//! A page says first in a sentence what matters, then in figures, charts and tables. It is whole without its script. A colour
//! is never the only sign of anything: a state is an icon and a word too. Every text is escaped where it is written, whatever
//! it holds.

mod alerts;
pub mod assets;
mod behind;
mod chart;
mod clock;
mod cone;
mod edit;
mod frame;
mod icon;
mod list;
mod login;
mod model;
mod name;
mod number;
mod objective;
mod order;
mod runs;
mod series;
mod sla;
mod spark;
mod state;
mod trial;

pub use alerts::{Alerts, alerts};
pub use edit::{EditedSla, edited, retiring};
pub use frame::{Frame, Moment, Place, Refusal, refusal};
pub use list::{Asked, List, list};
pub use login::login;
pub use model::{
    Alert, Budget, Budgets, Check, CheckEntry, Delivery, Episode, Exclusion, HistoryPoint,
    Occurrence, Prediction, PredictionEntry, Recommended, Series, SeriesForecast, Spent, Summary,
    Tried, Trust, TrustBin, Violation,
};
pub use number::duration;
pub use objective::{ObjectivePage, objective};
pub use order::{Row, ShownSla, Sort, arranged};
pub use runs::runs;
pub use series::{SeriesPage, one_series, series_list};
pub use sla::{NewSla, SlaPage, new_sla, sla};
pub use state::State;
pub use trial::{TrialPage, trial};
