//! A part of a run: some of the series, told apart by their ids, analysed and published as the whole run would.

use domain::{
    Labels, Series, SeriesId, Timestamp,
    message::{Failure, RunId, Stage},
};
use serde::{Deserialize, Serialize};

use super::{Etl, Record, RunError, Trigger};
use crate::request::RunRequest;

/// Which series a run is about: those whose id leaves the remainder `index` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 0 to `of` - 1.
    pub index: u32,
    /// Into how many the run is split.
    pub of: u32,
}

/// What one invocation asks another to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRequest {
    /// Which series.
    pub part: Part,
    /// The run that it is a part of.
    pub run_id: RunId,
    /// The run's.
    pub as_of: Timestamp,
    /// The run's.
    pub metrics: Option<Vec<String>>,
    /// The run's.
    pub sla: Option<String>,
}

/// What became of a part; the run's own record is told of all of them at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartDocument {
    /// As in the run's record.
    pub series: u64,
    /// As in the run's record.
    pub samples: u64,
    /// As in the run's record.
    pub bytes: u64,
    /// As in the run's record.
    pub messages: u64,
    /// As in the run's record.
    pub failures: Vec<Failure>,
    /// As in the run's record.
    pub stages: Vec<Stage>,
    /// As in the run's record.
    pub warnings: Vec<String>,
    /// The metrics whose series all arrived, those of other parts too.
    pub fetched: Vec<String>,
    /// The objectives that some series of this part was judged by: SLA, version, id.
    pub judged: Vec<(String, u32, String)>,
    /// Whether Prometheus answered nothing.
    pub prometheus_away: bool,
}

impl Part {
    /// Every series.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether it is every series.
    pub fn is_whole(self) -> bool {
        self.of <= 1
    }

    /// Whether a series belongs to it.
    pub fn owns(self, metric: &str, labels: &Labels) -> bool {
        let series = || Series {
            metric: metric.to_owned(),
            labels: labels.clone(),
        };
        self.is_whole() || self.owns_id(series().id())
    }

    /// Whether the series of that id belongs to it.
    pub fn owns_id(self, series: SeriesId) -> bool {
        if self.is_whole() {
            return true;
        }
        // Part of a digest: as good as random, and the same everywhere.
        let digits = series.to_string();
        let number = digits.get(..8).map(|text| u32::from_str_radix(text, 16));
        matches!(number, Some(Ok(number)) if number % self.of == self.index)
    }
}

impl Etl {
    /// Runs a part: fetches everything, analyses and publishes what belongs to the part. Says nothing of objectives
    /// without a series, nor of the run itself: only who knows all parts can.
    ///
    /// # Errors
    /// As [`Etl::run`], but that Prometheus is away is told in the document.
    pub async fn run_part(&self, request: &PartRequest) -> Result<PartDocument, RunError> {
        let run = RunRequest {
            metrics: request.metrics.clone(),
            sla: request.sla.clone(),
            ..RunRequest::everything(request.as_of)
        };
        let mut record = Record::start(request.as_of, Trigger::Invoke);
        record.document.run_id.clone_from(&request.run_id);
        record.part = request.part;
        let (active, due) = self.read(&run, &mut record).await?;
        let metrics = self.selected(&run, &active);
        let mut publication = self.publisher.publication();
        let prometheus_away = self
            .work(&metrics, &active, &due, &mut record, &mut publication)
            .await;
        self.give_up(&due, &record, &mut publication).await;
        record.finish_publication(publication).await?;
        let fetched = std::mem::take(&mut record.fetched);
        let judged = active
            .iter()
            .enumerate()
            .filter(|(position, _)| record.judged.contains(position))
            .map(|(_, active)| active.name())
            .collect();
        let document = record.finish();
        Ok(PartDocument {
            series: document.series,
            samples: document.samples,
            bytes: document.bytes,
            messages: document.messages,
            failures: document.failures,
            stages: document.stages,
            warnings: document.warnings,
            fetched,
            judged,
            prometheus_away,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_belongs_to_exactly_one_part() {
        for number in 0..200 {
            let labels: Labels = [("node", number.to_string())].into_iter().collect();
            for of in 1..9 {
                let owners = (0..of).filter(|index| Part { index: *index, of }.owns("m", &labels));
                assert_eq!(owners.count(), 1);
            }
        }
    }
}
