//! What holds is compared with what was said; each change is written with what every receiver is to be told of it.

use std::time::Duration;

use domain::{
    Timestamp,
    alert::{Alert, AlertName, AlertState, Change, Fingerprint, Scope, Statement, reconcile},
};
use store::{
    StoreError,
    alert::{DeliveryKind, NewDelivery},
};

use crate::{
    Alerting,
    holding::{Question, Texts},
    message,
};

/// What a comparison came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) fired: usize,
    pub(crate) resolved: usize,
}

/// How long a comparison waits for another one to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Alerting {
    /// Compares once at `now`; `None` if another instance does all the time.
    pub(crate) async fn compare(&self, now: Timestamp) -> Result<Option<Compared>, StoreError> {
        let Some(mut turn) = self.store.comparing_turn(PATIENCE).await? else {
            return Ok(None);
        };
        let receivers = self.receivers.known();
        let receivers = self.store.know_receivers(&receivers, now).await?;
        let question = Question {
            store: &self.store,
            now,
            interval: self.schedule_interval,
            texts: self.texts(),
        };
        let mut holding = question.holding(&receivers).await?;
        let mut stored = turn.open_alerts().await?;
        let claimed = holding.statements.iter().flat_map(Statement::fingerprints);
        let open: std::collections::HashSet<Fingerprint> =
            stored.iter().map(|alert| alert.fingerprint).collect();
        let unknown: Vec<Fingerprint> = claimed
            .filter(|fingerprint| !open.contains(fingerprint))
            .collect();
        stored.extend(turn.resolved_alerts(&unknown).await?);
        let before = stored.clone();
        let statements = std::mem::take(&mut holding.statements);
        let silence = |scope: &Scope| holding.silence(scope);
        let changes = reconcile(stored, statements, &holding.known, silence, now);
        let changes: Vec<Change> = changes
            .into_iter()
            .filter(|change| is_news(change, &before))
            .collect();
        let deliveries = self.deliveries(&changes, &before, holding.watchdog, now);
        turn.write(&changes, &deliveries, now).await?;
        let count = |of: fn(&Change) -> bool| changes.iter().filter(|change| of(change)).count();
        let compared = Compared {
            fired: count(|change| matches!(change, Change::Fires(_))),
            resolved: count(|change| matches!(change, Change::Resolves(_))),
        };
        for change in &changes {
            log(change);
        }
        Ok(Some(compared))
    }

    pub(crate) fn texts(&self) -> Texts<'_> {
        Texts {
            public_url: &self.public_url,
        }
    }

    /// What each receiver is to be told of the changes, and that everything works.
    fn deliveries(
        &self,
        changes: &[Change],
        before: &[Alert],
        works: bool,
        now: Timestamp,
    ) -> Vec<NewDelivery> {
        let mut deliveries = Vec::new();
        for change in changes {
            let (alert, kind) = match change {
                Change::Fires(alert) => (alert, DeliveryKind::Firing),
                Change::Resolves(alert) => (alert, DeliveryKind::Resolved),
                Change::Updates(_) | Change::Forgets(_) => continue,
            };
            if alert.scope.name == AlertName::Watchdog {
                continue;
            }
            let message = alert.message_id();
            let delivery = |receiver: &str, body: &str| NewDelivery {
                receiver: receiver.to_owned(),
                fingerprint: alert.fingerprint,
                kind,
                message: message.clone(),
                body: body.to_owned(),
            };
            let body = message::of_change(alert, now);
            let messaged = self.receivers.messaged().into_iter();
            deliveries.extend(messaged.map(|own| delivery(own.name(), &body)));
            // What goes to an Alertmanager is made when it is sent.
            let alertmanagers = self.receivers.alertmanagers.iter();
            deliveries.extend(alertmanagers.map(|own| delivery(own.name(), "")));
        }
        if works {
            let fired = changes.iter().filter_map(|change| match change {
                Change::Fires(alert) => Some(alert),
                _ => None,
            });
            let is_watchdog = |alert: &&Alert| {
                alert.scope.name == AlertName::Watchdog && alert.state == AlertState::Firing
            };
            if let Some(watchdog) = fired.chain(before).find(is_watchdog) {
                deliveries.extend(self.watchdogs(watchdog, now));
            }
        }
        deliveries
    }

    /// The watchdog of this hour, for those that want it. What was written before stays as it is.
    fn watchdogs(&self, watchdog: &Alert, now: Timestamp) -> Vec<NewDelivery> {
        let hour = now.millis().div_euclid(HOUR_MS) * (HOUR_MS / 1000);
        let messaged = self.receivers.messaged().into_iter();
        let wanting = messaged.filter(|own| own.has_watchdog());
        let deliveries = wanting.map(|own| NewDelivery {
            receiver: own.name().to_owned(),
            fingerprint: watchdog.fingerprint,
            kind: DeliveryKind::Watchdog,
            message: format!("{}-{hour}-watchdog", watchdog.fingerprint),
            body: message::of_watchdog(watchdog, now),
        });
        deliveries.collect()
    }
}

const HOUR_MS: i64 = 3_600_000;

/// Whether something is different afterwards.
fn is_news(change: &Change, before: &[Alert]) -> bool {
    match change {
        Change::Updates(alert) => !before.contains(alert),
        _ => true,
    }
}

fn log(change: &Change) {
    let (event, alert) = match change {
        Change::Fires(alert) => ("alert_fires", alert),
        Change::Resolves(alert) => ("alert_resolved", alert),
        Change::Updates(_) | Change::Forgets(_) => return,
    };
    tracing::info!(
        event,
        fingerprint = %alert.fingerprint,
        labels = %alert.labels,
        since = %alert.since,
        reason = alert.reason.as_deref(),
        "an alert changes"
    );
}
