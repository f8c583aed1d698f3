//! Alertmanager's API, version 2: what fires is said again and again, and ends by itself if nobody says it any more.

use std::{fmt, time::Duration};

use config::{AlertmanagerAuth, AlertmanagerConfig, ExposeSecret};
use domain::{
    Labels, Timestamp,
    alert::{Alert, AlertName, AlertState, Annotations},
};
use reqwest::Client;
use serde::Serialize;
use url::Url;

use super::{
    address::Allowed,
    failure::{Attempt, sentence},
    resolver,
};

/// An Alertmanager.
pub struct Alertmanager {
    name: String,
    url: Url,
    auth: AlertmanagerAuth,
    client: Client,
}

impl fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Alertmanager").field(&self.name).finish()
    }
}

/// An alert as Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedAlert {
    labels: std::collections::BTreeMap<String, String>,
    annotations: Annotations,
    starts_at: Timestamp,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

/// Without the next minute's, the watchdog ends after so long.
const WATCHDOG_HOLD: Duration = Duration::from_secs(300);
/// A test ends after so long.
const TEST_HOLD: Duration = Duration::from_secs(60);

impl PostedAlert {
    /// What is said of an alert at `now`; `hold`: when it ends if nobody says it again. `None` if there is nothing to say: a
    /// watchdog is never resolved, and one that is pending nobody knows of.
    pub fn of(alert: &Alert, hold: Duration, now: Timestamp) -> Option<Self> {
        let is_watchdog = alert.scope.name == AlertName::Watchdog;
        let ends_at = match alert.state {
            AlertState::Firing if is_watchdog => now + WATCHDOG_HOLD,
            AlertState::Firing => now + hold,
            AlertState::Resolved if !is_watchdog => alert.resolved_at?,
            AlertState::Resolved | AlertState::Pending => return None,
        };
        let dashboard = alert.annotations.get("dashboard");
        Some(Self {
            labels: alert.labels.with_classic_names().0,
            annotations: Labels(alert.annotations.clone()).with_classic_names().0,
            starts_at: alert.since,
            ends_at,
            generator_url: dashboard.cloned().unwrap_or_default(),
        })
    }

    /// One that somebody asks for to see whether it arrives.
    pub fn test(now: Timestamp, dashboard: String) -> Self {
        let labels = [("alertname", "SlacastTest"), ("severity", "none")];
        let summary = "A test of the way alerts take: nothing is wrong";
        Self {
            labels: labels
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            annotations: [("summary".to_owned(), summary.to_owned())].into(),
            starts_at: now,
            ends_at: now + TEST_HOLD,
            generator_url: dashboard,
        }
    }
}

impl Alertmanager {
    pub(super) fn new(config: AlertmanagerConfig, auth: AlertmanagerAuth, client: Client) -> Self {
        Self {
            name: config.name,
            url: config.url,
            auth,
            client,
        }
    }

    /// Host and port.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn address(&self) -> &str {
        self.url.as_str()
    }

    /// Posts these alerts.
    pub async fn post(&self, alerts: &[PostedAlert]) -> Attempt {
        if let Err(refused) = resolver::judge(&self.url, Allowed::Private) {
            return Attempt::failed(refused.to_string());
        }
        let mut url = self.url.clone();
        let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let request = self.client.post(url).json(alerts);
        let request = match &self.auth {
            AlertmanagerAuth::None => request,
            AlertmanagerAuth::Basic(user, password) => {
                request.basic_auth(user, Some(password.expose_secret()))
            }
            AlertmanagerAuth::Bearer(token) => request.bearer_auth(token.expose_secret()),
        };
        match request.send().await {
            Ok(response) => match Attempt::answered(response.status(), response.headers()) {
                // An Alertmanager is asked again every minute whatever it answers.
                Attempt::Gone => Attempt::failed("it answered 410"),
                attempt => attempt,
            },
            Err(error) => Attempt::failed(sentence(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::alert::{Fingerprint, Scope};

    use super::*;

    fn named(name: &str) -> Annotations {
        [(name.to_owned(), "x".to_owned())].into()
    }

    #[test]
    fn no_name_is_one_that_an_alertmanager_does_not_take() {
        let now = Timestamp::EPOCH + Duration::from_secs(1_800_000_000);
        let labels = Labels(named("http.code"));
        let alert = Alert {
            fingerprint: Fingerprint::of(&labels),
            scope: Scope::of_system(AlertName::BudgetBurn),
            labels,
            series: None,
            annotations: named("runbook.url"),
            state: AlertState::Firing,
            frozen: false,
            since: now,
            as_of: now,
            resolved_at: None,
            reason: None,
        };
        let posted = PostedAlert::of(&alert, TEST_HOLD, now).unwrap();
        assert_eq!(posted.labels, named("http_code"));
        assert_eq!(posted.annotations, named("runbook_url"));
    }
}
