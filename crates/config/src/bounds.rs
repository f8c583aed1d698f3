use crate::{ConfigError, Environment};

/// `JUDGED_PAIRS`, default 20000: how many pairs of an objective and a series all SLAs together may have. 1 to 1,000,000.
///
/// # Errors
/// When it is malformed or out of range.
pub fn judged_pairs(environment: &Environment) -> Result<u64, ConfigError> {
    let pairs = environment.parsed("JUDGED_PAIRS")?.unwrap_or(20_000);
    if !(1..=1_000_000).contains(&pairs) {
        return Err(ConfigError::new(
            "JUDGED_PAIRS",
            "must be a number from 1 to 1000000",
        ));
    }
    Ok(pairs)
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
    fn a_number_of_pairs_out_of_range_is_refused_by_name() {
        assert_eq!(judged_pairs(&Environment::default()), Ok(20_000));
        for value in ["0", "1000001", "many"] {
            let environment = Environment::from_iter([("JUDGED_PAIRS", value)]);
            let error = judged_pairs(&environment).unwrap_err();
            assert_eq!(error.variable, "JUDGED_PAIRS");
        }
    }
}
