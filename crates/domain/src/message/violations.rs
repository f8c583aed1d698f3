use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::{
    evaluation::{
        Episode, Evaluated, Judgement, ObjectiveState, Outlook, Silence, Windows, read_range,
    },
    sla::{Objective, SlaName},
    time::{Span, Timestamp, Window},
};

/// `slacast.violations.v1`: one objective judged on one series.
///
/// What it says follows "SLA semantics": see [`crate::evaluation`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViolationsDocument {
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was judged.
    pub version: u32,
    /// The objective, as that version has it.
    pub objective: Objective,
    /// The series it matched; `None` when no series matches, the document then says `no_data`.
    pub series: Option<SeriesReference>,
    /// When.
    pub as_of: Timestamp,
    /// How it stands at `as_of`, as far as the series itself knows: `no_data` where no sample stands.
    pub state: ObjectiveState,
    /// How it fell silent, where no sample stands at `as_of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// Why there is no data: `no_series` or `no_sample`.
    pub reason: Option<String>,
    /// Counts per window; `None` when no series matches.
    pub windows: Option<Windows>,
    /// The violations that end after `as_of - 12h`, whole, oldest first.
    pub episodes: Vec<Episode>,
    /// The violations in the judged range that end before that, oldest first: with them the range is complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Episode>,
    /// The out-of-range samples the judged range begins with, where they did not hold for long enough to be a
    /// violation of their own: they may be the rest of a longer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remainder: Option<Episode>,
    /// The maximal spans of the judged range in which no sample stands, oldest first.
    pub gaps: Vec<Span>,
    /// The range that was judged: `(as_of - 12h - for - 5m, as_of]`.
    pub judged: Span,
    /// How long a sample stands unless another follows, seconds, up to 300.
    pub staleness_seconds: f64,
    /// What is to come.
    pub outlook: Outlook,
}

impl ViolationsDocument {
    /// What `judgement` of `objective` says of `series`.
    pub fn judged(
        sla: &SlaName,
        version: u32,
        objective: &Objective,
        series: SeriesReference,
        judgement: Judgement,
        outlook: Outlook,
    ) -> Self {
        let oldest = judgement.as_of - Window::TwelveHours.length();
        let (earlier, episodes) = judgement
            .violations
            .into_iter()
            .partition(|violation| violation.end <= oldest);
        Self {
            sla: sla.clone(),
            version,
            objective: objective.clone(),
            series: Some(series),
            as_of: judgement.as_of,
            state: judgement.state,
            silence: judgement.silence,
            reason: (judgement.state == ObjectiveState::NoData).then(|| "no_sample".to_owned()),
            windows: Some(judgement.windows),
            episodes,
            earlier,
            remainder: judgement.remainder,
            gaps: judgement.gaps,
            judged: judgement.judged,
            staleness_seconds: judgement.staleness.as_secs_f64(),
            outlook,
        }
    }

    /// That no series matches `objective`.
    pub fn without_series(
        sla: &SlaName,
        version: u32,
        objective: &Objective,
        as_of: Timestamp,
    ) -> Self {
        Self {
            sla: sla.clone(),
            version,
            objective: objective.clone(),
            series: None,
            as_of,
            state: ObjectiveState::NoData,
            silence: None,
            reason: Some("no_series".to_owned()),
            windows: None,
            episodes: Vec::new(),
            earlier: Vec::new(),
            remainder: None,
            gaps: Vec::new(),
            judged: read_range(objective.hold, as_of),
            staleness_seconds: 0.0,
            outlook: Outlook::unavailable("no_series"),
        }
    }

    /// Says how the series stands in the evaluation of its whole objective, whose `ended_until` is given; see
    /// [`Stood::ended_until`](crate::evaluation::Stood::ended_until). An ended series is covered up to its end, and nothing
    /// is to come.
    pub fn settle(&mut self, ended_until: Option<Timestamp>) {
        let Some(silence) = self.silence else {
            return;
        };
        self.state = silence.state(ended_until);
        if self.state != ObjectiveState::NoData {
            self.reason = None;
        }
        if self.state == ObjectiveState::Ended {
            self.windows = self
                .windows
                .map(|windows| windows.covered(silence.coverage));
            self.outlook = Outlook::unavailable("ended");
        }
    }
}

impl From<&ViolationsDocument> for Evaluated {
    /// What was published. A judgement does not say which run of samples was open.
    fn from(document: &ViolationsDocument) -> Self {
        if document.series.is_none() {
            return Self::NoSeries;
        }
        let Some(windows) = document.windows else {
            return Self::NoSample;
        };
        let staleness = (document.staleness_seconds * 1000.0).round();
        Self::Judged(Box::new(Judgement {
            as_of: document.as_of,
            staleness: Duration::from_millis(staleness as u64),
            judged: document.judged,
            last_sample: document.as_of,
            state: document.state,
            windows,
            violations: [&document.earlier[..], &document.episodes].concat(),
            open: None,
            remainder: document.remainder.clone(),
            gaps: document.gaps.clone(),
            silence: document.silence,
            marked: Vec::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::{Continuation, STALENESS, evaluate},
        series::{Labels, Sample, Series},
    };

    fn web() -> SlaName {
        "web".parse().unwrap()
    }

    fn objective() -> Objective {
        let bounds = (Some(0.0), Some(80.0));
        let hold = Duration::from_secs(60);
        Objective {
            id: "cpu".parse().unwrap(),
            ..Objective::new("cpuUsage".parse().unwrap(), Labels::default(), bounds, hold)
        }
    }

    fn document() -> ViolationsDocument {
        document_of(&[
            (600, 50.0),
            (540, f64::INFINITY),
            (480, 93.2),
            (360, 50.0),
            (0, 50.0),
        ])
    }

    /// The document of samples of these ages, seconds.
    fn document_of(samples: &[(u64, f64)]) -> ViolationsDocument {
        let as_of: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
        let samples: Vec<_> = samples
            .iter()
            .map(|(age, value)| Sample {
                time: as_of - Duration::from_secs(*age),
                value: *value,
            })
            .collect();
        let evaluated = evaluate(&objective(), &samples, STALENESS, as_of);
        let judgement = evaluated.judgement().unwrap();
        let outlook = judgement.outlook(&objective(), Continuation::Constant(50.0), None);
        let series = Series {
            metric: "cpuUsage".parse().unwrap(),
            labels: [("nodeName", "sv122")].into_iter().collect(),
        };
        let series = SeriesReference::new(&series, None);
        ViolationsDocument::judged(&web(), 3, &objective(), series, judgement, outlook)
    }

    #[test]
    fn a_document_is_written_as_the_contract_says() {
        insta::assert_json_snapshot!(document(), @r#"
        {
          "sla": "web",
          "version": 3,
          "objective": {
            "id": "cpu",
            "metric": "cpuUsage",
            "labels": {},
            "min": 0.0,
            "max": 80.0,
            "for": "1m",
            "target": null,
            "budget_window": "30d",
            "missing": "excluded",
            "hold": "15m",
            "series_end": "ended"
          },
          "series": {
            "series": "381f8e6bdd47b5dee1642d17a7d942b8",
            "metric": "cpuUsage",
            "labels": {
              "nodeName": "sv122"
            }
          },
          "as_of": "2026-11-23T08:45:00Z",
          "state": "ok",
          "reason": null,
          "windows": {
            "1h": {
              "violations": 1,
              "out_of_range_samples": 2,
              "seconds": 180.0,
              "observed_samples": 5,
              "coverage": 0.9
            },
            "3h": {
              "violations": 1,
              "out_of_range_samples": 2,
              "seconds": 180.0,
              "observed_samples": 5,
              "coverage": 0.9
            },
            "12h": {
              "violations": 1,
              "out_of_range_samples": 2,
              "seconds": 180.0,
              "observed_samples": 5,
              "coverage": 0.9
            }
          },
          "episodes": [
            {
              "start": "2026-11-23T08:36:00Z",
              "start_known": true,
              "end": "2026-11-23T08:39:00Z",
              "seconds": 180.0,
              "worst": null,
              "worst_infinite": true,
              "side": "above",
              "ongoing": false
            }
          ],
          "gaps": [
            {
              "start": "2026-11-22T20:39:00Z",
              "end": "2026-11-23T08:35:00Z"
            },
            {
              "start": "2026-11-23T08:44:00Z",
              "end": "2026-11-23T08:45:00Z"
            }
          ],
          "judged": {
            "start": "2026-11-22T20:39:00Z",
            "end": "2026-11-23T08:45:00Z"
          },
          "staleness_seconds": 300.0,
          "outlook": {
            "probability": 0.0,
            "probability_new": 0.0,
            "expected_violations": 0.0,
            "expected_seconds": 0.0,
            "first_crossing": null,
            "crossing_share": 0.0,
            "predicted": null,
            "reason": null
          }
        }
        "#);
    }

    #[test]
    fn a_document_is_read_back_as_it_was_written() {
        let absent = ViolationsDocument::without_series(&web(), 3, &objective(), document().as_of);
        for document in [document(), absent] {
            let text = serde_json::to_string(&document).unwrap();
            assert_eq!(
                serde_json::from_str::<ViolationsDocument>(&text).unwrap(),
                document
            );
        }
    }

    #[test]
    fn what_was_judged_is_read_back_from_its_document() {
        let as_of = document().as_of;
        let absent = ViolationsDocument::without_series(&web(), 3, &objective(), as_of);
        assert_eq!(Evaluated::from(&absent), Evaluated::NoSeries);
        let samples = [(43_500, 90.0), (43_490, 50.0), (700, 85.0), (600, 50.0)];
        let document = document_of(&samples);
        let series = document.series.clone().unwrap();
        let judgement = Evaluated::from(&document).judgement().unwrap();
        assert!(judgement.remainder.is_some() && judgement.violations.len() == 1);
        let outlook = document.outlook.clone();
        let again = ViolationsDocument::judged(&web(), 3, &objective(), series, judgement, outlook);
        assert_eq!(again, document);
    }

    #[test]
    fn the_violations_that_end_in_12_hours_are_listed_and_the_earlier_ones_apart() {
        let twelve_hours = 43_200;
        let found = document_of(&[
            (twelve_hours + 350, 90.0),
            (twelve_hours + 250, 0.0),
            (twelve_hours + 60, 90.0),
            (twelve_hours, 0.0),
            (twelve_hours - 10, 90.0),
            (twelve_hours - 80, 0.0),
            (600, 0.0),
        ]);
        let ages = |episodes: &[Episode]| -> Vec<u64> {
            let age = |episode: &Episode| found.as_of.since(episode.start).as_secs();
            episodes.iter().map(age).collect()
        };
        assert_eq!(
            ages(&found.earlier),
            [twelve_hours + 350, twelve_hours + 60]
        );
        assert_eq!(ages(&found.episodes), [twelve_hours - 10]);
        assert_eq!(found.reason.as_deref(), Some("no_sample"));
        assert_eq!(found.windows.unwrap().twelve_hours.violations, 1);
    }

    #[test]
    fn an_objective_without_a_series_has_no_data() {
        let absent = ViolationsDocument::without_series(&web(), 3, &objective(), document().as_of);
        assert_eq!(absent.state, ObjectiveState::NoData);
        assert_eq!(absent.reason.as_deref(), Some("no_series"));
        assert_eq!(absent.windows, None);
        assert_eq!(absent.outlook, Outlook::unavailable("no_series"));
    }
}
