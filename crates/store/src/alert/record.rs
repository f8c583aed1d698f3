use domain::{
    Labels, SeriesId,
    alert::{Alert, Annotations, Scope},
};
use sqlx::{Arguments, Row as _, error::BoxDynError, mysql::MySqlArguments, mysql::MySqlRow};

use super::turn::NewDelivery;
use crate::{
    StoreError,
    pipeline::upsert::Row,
    read::{column_time, parsed, read_time, unexpected},
};

/// The columns of [`read`].
pub(super) const COLUMNS: &str = "fingerprint, alertname, sla, objective, series_id, CAST(state AS CHAR) AS state, frozen, \
     since, as_of, resolved_at, reason, labels, annotations";

pub(super) fn read(row: &MySqlRow) -> Result<Alert, StoreError> {
    let named = |column| -> Result<Option<String>, StoreError> {
        let text: String = row.try_get(column)?;
        Ok((!text.is_empty()).then_some(text))
    };
    let labels: Labels = serde_json::from_str(row.try_get_unchecked("labels")?)?;
    let annotations: Annotations = serde_json::from_str(row.try_get_unchecked("annotations")?)?;
    let series = named("series_id")?.map(|series| series.parse::<SeriesId>());
    let state: &str = row.try_get_unchecked("state")?;
    let resolved_at: Option<_> = row.try_get("resolved_at")?;
    Ok(Alert {
        fingerprint: parsed(row, "fingerprint")?,
        scope: Scope {
            name: parsed(row, "alertname")?,
            sla: named("sla")?,
            objective: named("objective")?,
        },
        labels,
        series: series.transpose().map_err(unexpected)?,
        annotations,
        state: state.parse().map_err(unexpected)?,
        frozen: row.try_get("frozen")?,
        since: read_time(row.try_get("since")?),
        as_of: read_time(row.try_get("as_of")?),
        resolved_at: resolved_at.map(read_time),
        reason: row.try_get("reason")?,
    })
}

/// An alert as it is written.
pub(super) struct AlertRow<'a> {
    pub(super) alert: &'a Alert,
    labels: String,
    annotations: String,
}

impl<'a> AlertRow<'a> {
    pub(super) fn new(alert: &'a Alert) -> Result<Self, StoreError> {
        Ok(Self {
            alert,
            labels: serde_json::to_string(&alert.labels)?,
            annotations: serde_json::to_string(&alert.annotations)?,
        })
    }
}

impl Row for AlertRow<'_> {
    const INTO: &'static str = "INSERT INTO alert (fingerprint, alertname, sla, objective, series_id, state, frozen, since, \
         as_of, resolved_at, reason, labels, annotations) VALUES";
    const COLUMNS: usize = 13;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE alertname = VALUES(alertname), sla = VALUES(sla), \
         objective = VALUES(objective), series_id = VALUES(series_id), state = VALUES(state), frozen = VALUES(frozen), \
         since = VALUES(since), as_of = VALUES(as_of), resolved_at = VALUES(resolved_at), reason = VALUES(reason), \
         labels = VALUES(labels), annotations = VALUES(annotations)";
    type Key = domain::alert::Fingerprint;

    fn key(&self) -> Self::Key {
        self.alert.fingerprint
    }

    fn bytes(&self) -> usize {
        self.labels.len() + self.annotations.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let Alert {
            fingerprint,
            scope,
            series,
            state,
            frozen,
            since,
            as_of,
            resolved_at,
            reason,
            ..
        } = self.alert;
        arguments.add(fingerprint.to_string())?;
        arguments.add(scope.name.as_str())?;
        arguments.add(scope.sla.as_deref().unwrap_or_default())?;
        arguments.add(scope.objective.as_deref().unwrap_or_default())?;
        arguments.add(series.map_or_else(String::new, |series| series.to_string()))?;
        arguments.add(state.word())?;
        arguments.add(*frozen)?;
        arguments.add(column_time(*since))?;
        arguments.add(column_time(*as_of))?;
        arguments.add(resolved_at.map(column_time))?;
        arguments.add(reason.as_deref())?;
        arguments.add(&*self.labels)?;
        arguments.add(&*self.annotations)
    }
}

/// A delivery as it is written, at a time.
pub(super) struct DeliveryRow<'a> {
    pub(super) place: usize,
    pub(super) delivery: &'a NewDelivery,
    pub(super) now: domain::Timestamp,
}

impl Row for DeliveryRow<'_> {
    const INTO: &'static str = "INSERT INTO outbox (receiver, fingerprint, kind, message, body, state, created_at, attempts, \
         next_attempt) VALUES";
    const COLUMNS: usize = 9;
    // A message that is there already stays as it is.
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE id = id";
    /// In the order of the changes: what comes later has the greater number.
    type Key = usize;

    fn key(&self) -> usize {
        self.place
    }

    fn bytes(&self) -> usize {
        self.delivery.body.len() + self.delivery.receiver.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let now = column_time(self.now);
        arguments.add(&*self.delivery.receiver)?;
        arguments.add(self.delivery.fingerprint.to_string())?;
        arguments.add(self.delivery.kind.word())?;
        arguments.add(&*self.delivery.message)?;
        arguments.add(&*self.delivery.body)?;
        arguments.add("waiting")?;
        arguments.add(now)?;
        arguments.add(0u32)?;
        arguments.add(now)
    }
}
