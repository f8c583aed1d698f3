use crate::{ConfigError, Environment};

/// How much a run judges, counts and asks at most; each is a number from 1 to 1,000,000.
///
/// What is known when an SLA is made or changed is refused then. What grows later, a run cuts, and its `failures` say `bound`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `JUDGED_PAIRS`, default 20000: pairs of an objective and a series, of all SLAs together.
    pub judged_pairs: u64,
    /// `MOST_QUERIES`, default 100: different queries that the objectives of all SLAs together bring.
    pub queries: u64,
    /// `MOST_COUNTERS`, default 20000: counters that the objectives of events of all SLAs together select.
    pub counters: u64,
    /// `MOST_GROUPS`, default 5000: groups of events of all SLAs together that have slices of their own.
    pub groups: u64,
    /// `MOST_GROUPS_OF_OBJECTIVE`, default 500: those of one objective.
    pub groups_of_objective: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            judged_pairs: 20_000,
            queries: 100,
            counters: 20_000,
            groups: 5_000,
            groups_of_objective: 500,
        }
    }
}

impl Bounds {
    /// The most counters where only the query API answers: it takes ten times as long as remote read.
    pub const COUNTERS_BY_QUERIES: u64 = 5_000;

    /// Reads all of them.
    ///
    /// # Errors
    /// When one is malformed or out of range.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let read = |variable: &str, default: u64| {
            let bound = environment.parsed(variable)?.unwrap_or(default);
            if (1..=1_000_000).contains(&bound) {
                Ok(bound)
            } else {
                let rule = "must be a number from 1 to 1000000";
                Err(ConfigError::new(variable, rule))
            }
        };
        let default = Self::default();
        Ok(Self {
            judged_pairs: read("JUDGED_PAIRS", default.judged_pairs)?,
            queries: read("MOST_QUERIES", default.queries)?,
            counters: read("MOST_COUNTERS", default.counters)?,
            groups: read("MOST_GROUPS", default.groups)?,
            groups_of_objective: read("MOST_GROUPS_OF_OBJECTIVE", default.groups_of_objective)?,
        })
    }

    /// How many counters the objectives of events of all SLAs together may select, of a server that is read by its query API
    /// alone or not.
    pub fn counters_of(&self, is_query_only: bool) -> u64 {
        if is_query_only {
            self.counters.min(Self::COUNTERS_BY_QUERIES)
        } else {
            self.counters
        }
    }
}

/// `ALLOW_QUERIES`, default true: whether SLAs, and objectives that are tried out, may bring PromQL of their own (`query`).
/// Whoever may write those reads with etl's login what a query shows.
///
/// # Errors
/// When it is neither `true` nor `false`.
pub fn queries_allowed(environment: &Environment) -> Result<bool, ConfigError> {
    match environment.get("ALLOW_QUERIES") {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(ConfigError::new("ALLOW_QUERIES", "must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_allowed_unless_that_is_false() {
        for (value, allowed) in [
            (None, Ok(true)),
            (Some("true"), Ok(true)),
            (Some("false"), Ok(false)),
            (Some("no"), Err("ALLOW_QUERIES")),
        ] {
            let variables = value.map(|value| ("ALLOW_QUERIES", value));
            let environment = Environment::from_iter(variables);
            let found = queries_allowed(&environment).map_err(|error| error.variable);
            assert_eq!(found, allowed.map_err(str::to_owned), "{value:?}");
        }
    }

    #[test]
    fn fewer_counters_are_read_by_the_query_api() {
        for (bound, by_remote_read, by_queries) in [(20_000, 20_000, 5_000), (3_000, 3_000, 3_000)]
        {
            let bounds = Bounds {
                counters: bound,
                ..Bounds::default()
            };
            assert_eq!(bounds.counters_of(false), by_remote_read);
            assert_eq!(bounds.counters_of(true), by_queries);
        }
    }

    #[test]
    fn a_bound_out_of_range_is_refused_by_name() {
        assert_eq!(Bounds::read(&Environment::default()), Ok(Bounds::default()));
        for variable in [
            "JUDGED_PAIRS",
            "MOST_QUERIES",
            "MOST_COUNTERS",
            "MOST_GROUPS",
            "MOST_GROUPS_OF_OBJECTIVE",
        ] {
            for value in ["0", "1000001", "many"] {
                let environment = Environment::from_iter([(variable, value)]);
                let error = Bounds::read(&environment).unwrap_err();
                assert_eq!(error.variable, variable);
            }
            let environment = Environment::from_iter([(variable, "7")]);
            assert_ne!(Bounds::read(&environment), Ok(Bounds::default()));
        }
    }
}
