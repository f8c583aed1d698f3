//! Alerts: what was said of each, whom it is to reach, and whether it did.

mod list;
mod outbox;
mod receivers;
mod record;
mod system;
mod turn;

pub use list::{AlertFilter, AlertKey, DeliveryKey, DeliveryState, ListedDelivery, Retried};
pub use outbox::{Attempted, Delivery, DeliveryKind, Outcome};
pub use receivers::{DeliveryCounts, KnownReceiver, ReceiverState};
pub use system::{NewestRun, SystemFacts};
pub use turn::{NewDelivery, Turn};
