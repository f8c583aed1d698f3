//! How the events of objectives are kept: minutes, and what those of 5 minutes, an hour and a day add up to.
//!
//! Storing writes minutes and notes their hours and days in `slice_roll_up` as due. A while after an hour is over, its
//! minutes are added up for all groups at once, and a while after a day is over its hours are (`roll_up`). A minute that is
//! stored later makes its hour and its day due again. Reading takes the coarsest rows that fit and are not due
//! (`cover`), so a sum never misses a minute and never counts one twice.

pub mod budgets;
mod cover;
mod groups;
mod length;
mod objective;
pub(crate) mod roll_up;
mod rows;

pub use groups::CountedGroup;
pub(crate) use length::Length;
pub(crate) use objective::Counted;
