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

#[cfg(test)]
mod tests {
    use super::*;

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
