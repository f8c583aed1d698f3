//! Deliveries: each receiver by itself, so that none waits for another.

use std::{collections::HashMap, time::Duration};

use chrono::Utc;
use domain::{Timestamp, alert::Fingerprint};
use futures::{StreamExt, future, stream};
use store::{
    StoreError,
    alert::{Attempted, Delivery, Outcome},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    Alerting,
    receivers::{Alertmanager, Attempt, Messaged, PostedAlert},
};

/// How much is said to Alertmanagers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Everything that fires, and what was resolved lately: each minute.
    Everything,
    /// What changed since they were reached.
    Changes,
}

/// Deliveries of one receiver that are attempted at once. Each takes 10 s at most.
const AT_ONCE: usize = 32;
/// An instance that is killed keeps others from its deliveries for so long; longer than an attempt takes.
const LEASE: Duration = Duration::from_secs(30);
/// A round of attempts takes no longer.
const LONGEST_ROUND: Duration = Duration::from_secs(11);
/// So long after it was resolved an alert is said to be so each minute.
const RESOLVED_FOR: Duration = Duration::from_secs(900);
/// Alerts in one request.
const ALERTS_AT_ONCE: usize = 500;
/// Whoever sends to Alertmanagers is done after so long.
const PATIENCE: Duration = Duration::from_secs(15);
/// After the database was away.
const PAUSE: Duration = Duration::from_secs(1);

impl Alerting {
    /// Delivers what is due, at `end` at the latest. Where everything is said, which the schedule asks for, also what falls due
    /// until then: one invocation that waits is enough, and leaves the others to whoever asks.
    pub(crate) async fn deliver(&self, said: Said, end: Instant) {
        let alertmanagers = async {
            if let Err(error) = self.report_to_alertmanagers(said).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "Alertmanagers do not learn what fires");
            }
        };
        let messaged = self.receivers.messaged().into_iter();
        let messaged =
            future::join_all(messaged.map(|receiver| self.deliver_to(receiver, said, end)));
        future::join(alertmanagers, messaged).await;
    }

    /// Delivers to one receiver until nothing is due, or falls due before `end`.
    async fn deliver_to(&self, receiver: Messaged<'_>, said: Said, end: Instant) {
        loop {
            let round = match self.round(receiver).await {
                Ok(attempts) if attempts > 0 => None,
                Ok(_) if said == Said::Changes => return,
                Ok(_) => match self.wait(receiver).await {
                    Ok(Some(wait)) => Some(wait),
                    Ok(None) => return,
                    Err(error) => Some(pause_after(receiver, &error)),
                },
                Err(error) => Some(pause_after(receiver, &error)),
            };
            let next = Instant::now() + round.unwrap_or_default();
            if next + LONGEST_ROUND > end {
                return;
            }
            sleep_until(next).await;
        }
    }

    /// How long nothing is due for a receiver; `None` if nothing waits, or it is disabled.
    async fn wait(&self, receiver: Messaged<'_>) -> Result<Option<Duration>, StoreError> {
        let next = self.store.next_delivery(&[receiver.name()]).await?;
        let now = now();
        if self.is_disabled(receiver.name(), now).await? {
            return Ok(None);
        }
        // Not before the moment: a time that is cut to milliseconds is not due yet.
        Ok(next.map(|next| next.since(now) + Duration::from_millis(1)))
    }

    async fn is_disabled(&self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        let disabled = self.store.disabled_receivers(now).await?;
        Ok(disabled.iter().any(|receiver| receiver.name == name))
    }

    /// Attempts what is due for a receiver, a part at a time. Returns how many attempts there were.
    async fn round(&self, receiver: Messaged<'_>) -> Result<usize, StoreError> {
        let leased_at = now();
        if self.is_disabled(receiver.name(), leased_at).await? {
            return Ok(0);
        }
        let limit = AT_ONCE as u32 * 4;
        let names = [receiver.name()];
        let due = self.store.lease_deliveries(&names, limit, leased_at, LEASE);
        let due = due.await?;
        let started = Instant::now();
        let attempted: Vec<Option<Attempted>> = stream::iter(due)
            .map(|delivery| async move {
                // What cannot begin in time is left to the next round.
                if started.elapsed() > LEASE - LONGEST_ROUND {
                    return None;
                }
                Some(attempt(receiver, delivery).await)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let attempted: Vec<Attempted> = attempted.into_iter().flatten().collect();
        for failed in attempted
            .iter()
            .filter(|one| one.outcome != Outcome::Delivered)
        {
            log(failed);
        }
        self.store.finish_attempts(&attempted, now()).await?;
        Ok(attempted.len())
    }

    /// Reports to every Alertmanager what is said now.
    async fn report_to_alertmanagers(&self, said: Said) -> Result<(), StoreError> {
        if self.receivers.alertmanagers.is_empty() {
            return Ok(());
        }
        // An older state must not come after a newer one.
        let Some(_turn) = self.store.alertmanager_turn(PATIENCE).await? else {
            return Ok(());
        };
        let alertmanagers = self.receivers.alertmanagers.iter();
        let reported = alertmanagers.map(|one| self.report(one, said));
        for reported in future::join_all(reported).await {
            reported?;
        }
        Ok(())
    }

    async fn report(&self, alertmanager: &Alertmanager, said: Said) -> Result<(), StoreError> {
        let receiver = alertmanager.name();
        let mut waiting: HashMap<Fingerprint, Vec<u64>> = HashMap::new();
        for (id, of) in self.store.waiting_deliveries(receiver).await? {
            waiting.entry(of).or_default().push(id);
        }
        let now = now();
        let of: Vec<Fingerprint> = waiting.keys().copied().collect();
        let mut alerts = self.store.alerts_of(&of).await?;
        if said == Said::Everything {
            let all = self.store.alerts_to_send(now - RESOLVED_FOR).await?;
            let others = all.into_iter();
            alerts.extend(others.filter(|alert| !waiting.contains_key(&alert.fingerprint)));
        }
        let posted = alerts.iter().filter_map(|alert| {
            let posted = PostedAlert::of(alert, self.hold, now)?;
            Some((alert.fingerprint, posted))
        });
        let (of, posted): (Vec<Fingerprint>, Vec<PostedAlert>) = posted.unzip();
        let (mut attempts, mut last) = (Vec::new(), None::<Attempt>);
        for (of, posted) in of.chunks(ALERTS_AT_ONCE).zip(posted.chunks(ALERTS_AT_ONCE)) {
            // What one that answers does not take keeps nothing else from it; one that is away is asked once.
            let is_away = |last: &Attempt| last.status().is_none_or(|status| status >= 500);
            let attempt = match last.take().filter(is_away) {
                Some(away) => away,
                None => alertmanager.post(posted).await,
            };
            let ids: Vec<u64> = of
                .iter()
                .filter_map(|own| waiting.remove(own))
                .flatten()
                .collect();
            attempts.push((ids, attempt.error().map(str::to_owned)));
            last = Some(attempt);
        }
        for (ids, error) in &attempts {
            self.finish(receiver, ids, error.as_deref(), now).await?;
        }
        let mut errors = attempts.into_iter().filter_map(|(_, error)| error);
        let error = errors.next();
        if let Some(error) = &error {
            tracing::warn!(
                event = "delivery_failed",
                receiver,
                error,
                "an Alertmanager does not learn what fires"
            );
        }
        // Of these there is nothing to say now.
        let ids: Vec<u64> = waiting.into_values().flatten().collect();
        self.finish(receiver, &ids, error.as_deref(), now).await
    }

    async fn finish(
        &self,
        receiver: &str,
        ids: &[u64],
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.store.finish_waiting(receiver, ids, error, now).await
    }
}

async fn attempt(receiver: Messaged<'_>, delivery: Delivery) -> Attempted {
    let sent = receiver.send(
        &delivery.fingerprint,
        &delivery.message,
        &delivery.body,
        now(),
    );
    let outcome = match sent.await {
        Attempt::Taken(_) => Outcome::Delivered,
        Attempt::Gone => Outcome::Disabled,
        Attempt::Failed {
            error, retry_after, ..
        } => Outcome::Failed { error, retry_after },
    };
    Attempted { delivery, outcome }
}

fn pause_after(receiver: Messaged<'_>, error: &StoreError) -> Duration {
    let (receiver, error) = (receiver.name(), error as &dyn std::error::Error);
    tracing::warn!(receiver, error, "deliveries wait for the database");
    PAUSE
}

fn log(Attempted { delivery, outcome }: &Attempted) {
    let error = match outcome {
        Outcome::Failed { error, .. } => error.as_str(),
        _ => "it answered 410: it is disabled",
    };
    tracing::warn!(
        event = "delivery_failed",
        receiver = delivery.receiver,
        message = delivery.message,
        attempts = delivery.attempts,
        error,
        "a delivery failed"
    );
}

fn now() -> Timestamp {
    Utc::now().into()
}
