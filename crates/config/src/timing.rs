use std::time::Duration;

use crate::{ConfigError, Environment, HistoryTerms};

/// How long rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `RUN_RETENTION`, default 48h: as long the rows of every run are kept, after that one run's an hour.
    pub every_run: Duration,
    /// `RETENTION_DAYS`, default 30: after that nothing.
    pub everything: Duration,
    /// `HISTORY`: how long is kept what series were like.
    pub history: HistoryTerms,
}

impl Retention {
    /// Reads `RUN_RETENTION`, `RETENTION_DAYS` and `HISTORY`.
    ///
    /// # Errors
    /// When one is malformed, `RUN_RETENTION` is under an hour, or `RETENTION_DAYS` is not 1 to 3650.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let every_run = environment.duration("RUN_RETENTION", Duration::from_secs(48 * 3600))?;
        if every_run < Duration::from_secs(3600) {
            return Err(ConfigError::new("RUN_RETENTION", "is shorter than 1h"));
        }
        let days = environment.parsed("RETENTION_DAYS")?.unwrap_or(30u32);
        if !(1..=3650).contains(&days) {
            return Err(ConfigError::new(
                "RETENTION_DAYS",
                "is not a number of days from 1 to 3650",
            ));
        }
        Ok(Self {
            every_run,
            everything: Duration::from_secs(u64::from(days) * 86_400),
            history: HistoryTerms::read(environment)?,
        })
    }
}

/// The longest [`settle`].
pub const LONGEST_SETTLE: Duration = Duration::from_secs(600);

/// `SETTLE`, default 5s: how far behind the clock a run looks, so that scrapes in flight have arrived. At most 10m.
///
/// # Errors
/// When it is malformed, not a whole number of seconds, or longer than 10 minutes.
pub fn settle(environment: &Environment) -> Result<Duration, ConfigError> {
    let settle = environment.duration("SETTLE", Duration::from_secs(5))?;
    if settle.subsec_nanos() != 0 || settle > LONGEST_SETTLE {
        return Err(ConfigError::new(
            "SETTLE",
            "is not a whole number of seconds up to 10m",
        ));
    }
    Ok(settle)
}

/// `SCHEDULE_INTERVAL`, default 30s: how often the schedule runs the ETL. Answers count as stale after three of them.
///
/// # Errors
/// When it is malformed or not from 1s to 1d.
pub fn schedule_interval(environment: &Environment) -> Result<Duration, ConfigError> {
    let interval = environment.duration("SCHEDULE_INTERVAL", Duration::from_secs(30))?;
    if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&interval) {
        return Err(ConfigError::new(
            "SCHEDULE_INTERVAL",
            "is not a duration from 1s to 1d",
        ));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_means_the_documented_defaults() {
        let environment = Environment::default();
        assert_eq!(settle(&environment), Ok(Duration::from_secs(5)));
        assert_eq!(schedule_interval(&environment), Ok(Duration::from_secs(30)));
        let retention = Retention::read(&environment).unwrap();
        assert_eq!(retention.every_run, Duration::from_secs(172_800));
        assert_eq!(retention.everything, Duration::from_secs(2_592_000));
    }

    #[test]
    fn a_span_out_of_range_is_refused_by_name() {
        for (variable, value) in [
            ("RUN_RETENTION", "5m"),
            ("RETENTION_DAYS", "0"),
            ("RETENTION_DAYS", "x"),
        ] {
            let error = Retention::read(&Environment::from_iter([(variable, value)])).unwrap_err();
            assert_eq!(error.variable, variable);
        }
        assert!(settle(&Environment::from_iter([("SETTLE", "500ms")])).is_err());
        assert!(schedule_interval(&Environment::from_iter([("SCHEDULE_INTERVAL", "0")])).is_err());
    }
}
