//! The repository's metrics, as the demo reads them.

/// What the repository's rates look back over: enough for a scrape each minute.
const RANGE: &str = "[5m]";
/// What the demo's look back over, which is scraped each 15 s: a spike shows at once.
const DEMO_RANGE: &str = "[1m]";

/// The counters of which the repository's metrics take rates.
const RATES: [&str; 3] = [
    r#"node_cpu_seconds_total{mode="idle"}"#,
    r#"node_network_receive_bytes_total{device!="lo"}"#,
    r#"node_network_transmit_bytes_total{device!="lo"}"#,
];

/// The metrics file with the rates of the repository's own metrics over a minute; anything else in it stays.
pub(crate) fn demo_metrics(text: &str) -> String {
    RATES.iter().fold(text.to_owned(), |text, counter| {
        text.replace(
            &format!("{counter}{RANGE}"),
            &format!("{counter}{DEMO_RANGE}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_of_the_repository_is_shorter_in_the_demo() {
        let shipped = include_str!("../../../../metrics.toml");
        assert_eq!(shipped.matches(RANGE).count(), RATES.len());
        let demo = demo_metrics(shipped);
        assert_eq!(demo.matches(RANGE).count(), 0);
        assert_eq!(demo.matches(DEMO_RANGE).count(), RATES.len());
        assert_eq!(demo_metrics("rate(x[5m])"), "rate(x[5m])");
    }
}
