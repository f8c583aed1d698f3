//! A run's record while it is being made.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::Utc;
use domain::{
    MetricName, Part, Series,
    message::{
        AMBIGUOUS, BOUND, DEADLINE, EvaluatedObjective, EvaluationOutcome, EvaluationRow, Failure,
        RunDocument, Stage,
    },
};
use kafka::{KafkaUnreachable, Publication};
use prometheus::Ambiguous;
use uuid::Uuid;

use super::{fetch::NotFetched, partial::PartialAnswer, tally::Tally};
use crate::{
    request::RunRequest,
    subject::{Subject, Trigger},
};

/// The most failures of a record; a run of 10,000 broken series needs no 10,000 sentences.
const MOST_FAILURES: usize = 100;
/// What is said of warnings at most.
const MOST_WARNINGS: usize = 100;

/// What a run, or a part of one, found so far, and how long it took.
pub(super) struct Record {
    pub(super) document: RunDocument,
    pub(super) part: Part,
    /// The metrics whose series all arrived.
    pub(super) fetched: HashSet<String>,
    /// What became of the objectives of ranges.
    pub(super) tally: Tally,
    /// What became of the objectives of events.
    pub(super) events: Vec<EvaluatedObjective>,
    /// What partial answers had.
    pub(super) partial_answers: Vec<PartialAnswer>,
    pub(super) started: Instant,
    pub(super) objectives: Duration,
    pub(super) scores: Duration,
    pub(super) fetch: Duration,
    pub(super) analysis: Duration,
    pub(super) publish: Duration,
}

impl Record {
    pub(super) fn start(request: &RunRequest, trigger: Trigger) -> Self {
        Self {
            document: RunDocument {
                run_id: Uuid::new_v4().to_string(),
                as_of: request.as_of,
                started_at: Utc::now().into(),
                trigger,
                series: 0,
                samples: 0,
                bytes: 0,
                messages: 0,
                failures: Vec::new(),
                stages: Vec::new(),
                warnings: Vec::new(),
                partial: request.metrics.is_some() || request.slas.is_some(),
                evaluated: Vec::new(),
            },
            part: Part::WHOLE,
            fetched: HashSet::new(),
            tally: Tally::default(),
            events: Vec::new(),
            partial_answers: Vec::new(),
            started: Instant::now(),
            objectives: Duration::ZERO,
            scores: Duration::ZERO,
            fetch: Duration::ZERO,
            analysis: Duration::ZERO,
            publish: Duration::ZERO,
        }
    }

    pub(super) fn subject(&self) -> Subject {
        Subject {
            run: self.document.run_id.clone(),
            as_of: self.document.as_of,
        }
    }

    /// Adds a failure. Each metric that was not reached is named, for the next run, and each that a bound cuts, however
    /// many they are.
    pub(super) fn fail(&mut self, failure: Failure) {
        let is_named = [BOUND, DEADLINE].contains(&&*failure.reason);
        if self.document.failures.len() < MOST_FAILURES || is_named {
            self.document.failures.push(failure);
        }
    }

    /// Says once what Prometheus warned about.
    pub(super) fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            let known = &mut self.document.warnings;
            if known.len() < MOST_WARNINGS && !known.contains(&warning) {
                known.push(warning);
            }
        }
    }

    /// Series of a metric were left out because they differ in their metric names alone, or in nothing. An objective that
    /// they belong to is not evaluated on every series.
    pub(super) fn ambiguous(&mut self, metric: &MetricName, series: &[Ambiguous]) {
        for Ambiguous { labels, names } in series {
            let detail = if names.is_empty() {
                format!(
                    "the answer has several series with the labels {labels}: the first one counts"
                )
            } else {
                let names = names.join(" and ");
                format!(
                    "{names} have the same labels {labels}: ask for each in a [[metric]] of its own"
                )
            };
            let reason = "two of its series have the same labels";
            self.tally.fail_series(metric, labels, reason);
            let series = Series {
                metric: metric.clone(),
                labels: labels.clone(),
            };
            let failure = Failure::new("fetch", AMBIGUOUS).of_metric(metric);
            self.fail(failure.of_series(series.id().to_string()).because(detail));
        }
    }

    /// The series of a metric did not all arrive.
    pub(super) fn not_fetched(&mut self, metric: &str, error: &NotFetched) {
        tracing::warn!(event = "metric_not_fetched", metric, %error, "a metric cannot be fetched");
        let said = error.to_string();
        let failure = match error.word() {
            Some(word) => Failure::new("fetch", word).because(said),
            None => Failure::new("fetch", said),
        };
        self.fail(failure.of_metric(metric));
        let reason = match error {
            NotFetched::Deadline => "its metric was not reached before the deadline",
            NotFetched::TimedOut(_) => "its metric took too long",
            NotFetched::Prometheus(_) | NotFetched::BrokeOff => "its metric could not be fetched",
        };
        self.tally.fail_metric(metric, reason);
    }

    /// Waits for what was published and counts it.
    pub(super) async fn finish_publication(
        &mut self,
        publication: Publication<'_>,
    ) -> Result<(), KafkaUnreachable> {
        let waiting = Instant::now();
        let published = publication.finish().await?;
        self.publish += waiting.elapsed();
        self.document.messages += published.messages;
        self.document.bytes += published.bytes;
        for refusal in published.refused {
            let reason = refusal.reason.to_string();
            self.tally.refused(&refusal.id);
            self.refused_events(&refusal.id);
            self.fail(Failure::new("publish", reason).of_series(refusal.key));
        }
        Ok(())
    }

    /// A message was refused. If it is about an objective of events, that is not evaluated.
    fn refused_events(&mut self, event_id: &str) {
        let Ok(row) = event_id.parse::<EvaluationRow>() else {
            return;
        };
        let is_meant = |found: &&mut EvaluatedObjective| {
            (&found.sla, found.version, &found.objective) == (&row.sla, row.version, &row.objective)
        };
        if let Some(found) = self.events.iter_mut().find(is_meant) {
            let reason = "Kafka refused a message about it".to_owned();
            found.outcome = EvaluationOutcome::Reason(reason);
        }
    }

    pub(super) fn finish(mut self) -> RunDocument {
        let stages = [
            ("objectives", self.objectives),
            ("scores", self.scores),
            ("fetch", self.fetch),
            ("analysis", self.analysis),
            ("publish", self.publish),
            ("total", self.started.elapsed()),
        ];
        self.document.stages = stages
            .map(|(stage, took)| Stage {
                stage: stage.to_owned(),
                milliseconds: took.as_secs_f64() * 1000.0,
            })
            .into();
        self.document.evaluated = self.tally.evaluated(self.document.as_of);
        self.document.evaluated.append(&mut self.events);
        self.document
    }
}

/// Leaves so many warnings and failures in a record that is too large, and all metrics that were not reached if those are
/// kept.
pub(super) fn shorten(document: &mut RunDocument, most: usize, keeps_unreached: bool) {
    let mut others = 0;
    document.failures.retain(|failure| {
        if failure.reason == DEADLINE {
            return keeps_unreached;
        }
        others += 1;
        others <= most
    });
    document.warnings.truncate(most);
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn failed(times: usize, reasons: &[&str]) -> Record {
        let request = RunRequest::everything(Timestamp::EPOCH);
        let mut record = Record::start(&request, Trigger::Schedule);
        for _ in 0..times {
            for reason in reasons {
                record.fail(Failure::new("fetch", *reason));
            }
        }
        record
    }

    fn count(document: &RunDocument, reason: &str) -> usize {
        let failures = document.failures.iter();
        failures.filter(|failure| failure.reason == reason).count()
    }

    #[test]
    fn what_was_not_reached_and_what_a_bound_cuts_is_always_named() {
        let document = failed(300, &["broken", BOUND, DEADLINE]).document;
        assert_eq!(count(&document, BOUND), 300);
        assert_eq!(count(&document, DEADLINE), 300);
        assert!(count(&document, "broken") < MOST_FAILURES);
    }

    #[test]
    fn a_record_that_is_too_large_keeps_what_was_not_reached_for_as_long_as_it_can() {
        let mut document = failed(20, &["broken", DEADLINE]).document;
        for (most, keeps_unreached, broken, unreached) in
            [(10, true, 10, 20), (0, true, 0, 20), (0, false, 0, 0)]
        {
            shorten(&mut document, most, keeps_unreached);
            assert_eq!(count(&document, "broken"), broken);
            assert_eq!(count(&document, DEADLINE), unreached);
        }
    }
}
