//! How often a property is tried.

use proptest::test_runner::Config;

/// As many cases as `PROPTEST_CASES` says, and at least so many.
pub(crate) fn cases(least: u32) -> Config {
    let config = Config::default();
    Config {
        cases: config.cases.max(least),
        ..config
    }
}
