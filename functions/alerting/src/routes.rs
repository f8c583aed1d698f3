//! What the function answers.

use std::time::Duration;

use http_api::{Page, routes};

use crate::{
    Alerting,
    list::{self, AlertRow, DeliveryRow},
    test::{self, Tested},
    ui,
};

/// A receiver has 10 s, and the database as long.
const TEST_PATIENCE: Duration = Duration::from_secs(25);

routes! {
    Alerting {
        GET "/alerts" list::alerts {
            id: "listAlerts",
            summary: "alerts that fire, newest first, then those that are resolved",
            curl: "'{base}/alerts?state=firing'",
            parameters: [LIMIT, CURSOR, ALERT_STATE, ALERTED_SLA],
            answers: [200 Page<AlertRow>],
            problems: [503],
        }
        GET "/alerts/deliveries" list::deliveries {
            id: "listAlertDeliveries",
            summary: "deliveries of alerts to receivers, newest first",
            curl: "'{base}/alerts/deliveries?state=failed'",
            parameters: [LIMIT, CURSOR, DELIVERY_STATE],
            answers: [200 Page<DeliveryRow>],
            problems: [503],
        }
        POST "/alerts/deliveries/{id}/retry" list::retry {
            id: "retryAlertDelivery",
            summary: "try a delivery again at once; one that was given up gets three more days",
            curl: "-X POST {base}/alerts/deliveries/1/retry",
            parameters: [DELIVERY_ID],
            answers: [200 DeliveryRow],
            problems: [409, 503],
        }
        POST "/alerts/test" test::answer {
            id: "testAlerts",
            summary: "send a test to every receiver, and enable those that take it",
            curl: "-X POST {base}/alerts/test",
            parameters: [],
            patience: Some(TEST_PATIENCE),
            answers: [200 Tested],
            problems: [503],
        }
    }
    pages {
        GET "/ui/alerts" ui::page;
        POST "/ui/alerts/test" ui::test, patience: Some(TEST_PATIENCE);
        POST "/ui/alerts/deliveries/{id}/retry" ui::retry;
    }
}
