//! Machines that fall silent while others of their fleet stand.

use std::time::Duration;

use domain::{Timestamp, sla::AnyObjective};
use serde_json::json;
use store::testing::{Documents, recorded};

use crate::{
    service::System,
    shop::{firing, now, put, store},
};

/// The SLA `fleet`, whose series end so.
async fn fleet(system: &System, series_end: &str) -> AnyObjective {
    let objective = json!({"id": "cpu", "metric": "cpuUsage", "max": 80, "series_end": series_end});
    put(system, "fleet", objective).await
}

/// An evaluation of these machines, of which some have had no sample for ten minutes.
async fn judged(system: &System, fleet: &AnyObjective, as_of: Timestamp, silent: [bool; 2]) {
    let AnyObjective::Range(objective) = fleet else {
        panic!("it is a range");
    };
    let documents = ["a", "b"].into_iter().zip(silent).map(|(machine, silent)| {
        let newest = if silent { 600 } else { 0 };
        let samples: Vec<_> = (0..40).map(|step| (newest + step * 15, 37.0)).collect();
        let about = Documents::about("cpuUsage", machine).under("fleet");
        about.violations_of(objective, &samples, as_of)
    });
    store(system, recorded(documents)).await;
}

#[tokio::test]
async fn a_machine_that_is_silent_is_an_alert_where_the_fleet_is_fixed() {
    for (series_end, expected) in [("no_data", &["b"][..]), ("ended", &[])] {
        let system = System::at(&[], true).await;
        let objective = fleet(&system, series_end).await;
        let silent = async || {
            let firing = firing(&system, "SlacastNoData", "instance").await;
            firing
                .into_iter()
                .map(|(machine, _)| machine)
                .collect::<Vec<_>>()
        };
        let ago = |seconds| now() - Duration::from_secs(seconds);
        judged(&system, &objective, ago(3), [false, true]).await;
        assert_eq!(silent().await, expected, "{series_end}");
        // That nothing stands at all has to last before it is an alert, and resolves none.
        judged(&system, &objective, ago(2), [true, true]).await;
        assert_eq!(silent().await, expected, "{series_end}");
        judged(&system, &objective, ago(1), [false, false]).await;
        assert_eq!(silent().await, [""; 0], "{series_end}");
    }
}
