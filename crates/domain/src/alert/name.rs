use std::{fmt, str::FromStr};

/// The alerts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertName {
    /// A series of a range objective violates it.
    Violation,
    /// The error budget burns too fast.
    BudgetBurn,
    /// There is no data to judge an objective by.
    NoData,
    /// A violation is likely within the next 10 minutes.
    ViolationExpected,
    /// The error budget will be gone soon.
    Exhaustion,
    /// The pipeline itself fails somewhere.
    Pipeline,
    /// Everything works: its absence is the alarm.
    Watchdog,
}

/// A text that names no alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such alert")]
pub struct UnknownAlertName;

impl AlertName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Violation,
        Self::BudgetBurn,
        Self::NoData,
        Self::ViolationExpected,
        Self::Exhaustion,
        Self::Pipeline,
        Self::Watchdog,
    ];

    /// The label `alertname`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violation => "SlacastViolation",
            Self::BudgetBurn => "SlacastBudgetBurn",
            Self::NoData => "SlacastNoData",
            Self::ViolationExpected => "SlacastViolationExpected",
            Self::Exhaustion => "SlacastExhaustion",
            Self::Pipeline => "SlacastPipeline",
            Self::Watchdog => "SlacastWatchdog",
        }
    }
}

impl fmt::Display for AlertName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AlertName {
    type Err = UnknownAlertName;

    fn from_str(text: &str) -> Result<Self, UnknownAlertName> {
        let mut all = Self::ALL.into_iter();
        all.find(|name| name.as_str() == text)
            .ok_or(UnknownAlertName)
    }
}
