//! When to wake somebody: multiwindow, multi-burn-rate alerts (Beyer et al., *The Site Reliability Workbook*, 2018,
//! chapter 5), and the pair of 1d and 2h that Sloth adds to them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::sla::Severity;

/// A window whose burn is listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct BurnWindow {
    pub(super) name: &'static str,
    pub(super) length: Duration,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// All of them, shortest first.
pub(super) const BURN_WINDOWS: [BurnWindow; 7] = [
    BurnWindow::new("5m", 5 * MINUTE),
    BurnWindow::new("30m", 30 * MINUTE),
    BurnWindow::new("1h", HOUR),
    BurnWindow::new("2h", 2 * HOUR),
    BurnWindow::new("6h", 6 * HOUR),
    BurnWindow::new("1d", 24 * HOUR),
    BurnWindow::new("3d", 72 * HOUR),
];

impl BurnWindow {
    const fn new(name: &'static str, seconds: u64) -> Self {
        Self {
            name,
            length: Duration::from_secs(seconds),
        }
    }

    /// Those no longer than `length`.
    pub(super) fn within(length: Duration) -> impl Iterator<Item = &'static Self> {
        BURN_WINDOWS
            .iter()
            .take_while(move |window| window.length <= length)
    }
}

/// Fires when both windows burn faster than the factor: the long one says that it matters, the short one that it still
/// goes on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alert {
    /// The long window.
    pub long: &'static str,
    /// The short window.
    pub short: &'static str,
    /// How many times faster than sustainable the budget is spent.
    pub factor: f64,
    /// The share of the budget that is gone after the long window at that pace.
    pub budget_share: f64,
    /// Whether violations all of the time would burn that fast.
    pub reachable: bool,
    /// Whether it fires.
    pub firing: bool,
    /// How urgent it is.
    pub severity: Severity,
}

pub(super) struct Pair {
    pub(super) long: &'static str,
    pub(super) short: &'static str,
    pub(super) factor: f64,
    pub(super) severity: Severity,
}

/// Most urgent first.
pub(super) const PAIRS: [Pair; 4] = [
    Pair {
        long: "1h",
        short: "5m",
        factor: 14.4,
        severity: Severity::Page,
    },
    Pair {
        long: "6h",
        short: "30m",
        factor: 6.0,
        severity: Severity::Page,
    },
    Pair {
        long: "1d",
        short: "2h",
        factor: 3.0,
        severity: Severity::Ticket,
    },
    Pair {
        long: "3d",
        short: "6h",
        factor: 1.0,
        severity: Severity::Ticket,
    },
];
