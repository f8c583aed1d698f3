//! What an evaluation of an objective says: violations, those expected, and that there is no data.

use std::collections::BTreeSet;

use domain::{
    Labels, Timestamp,
    alert::{AlertName, Claim, Identity, Scope, Statement, Verdict, beside_all, reason},
    duration,
    evaluation::Side,
    sla::{Objective, SeriesEnd, Sla},
};
use store::{
    score::ObjectiveScores,
    sla::{EvaluatedRow, EvaluatedRows, SeriesStanding},
};

use super::{
    About, Question,
    texts::{moment, number, with},
};

/// An objective and its newest complete evaluation, which is fresh.
pub(super) struct Judged<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) sla: &'a Sla,
    pub(super) objective: &'a Objective,
    pub(super) rows: &'a EvaluatedRows,
}

const TICKET: &str = "ticket";

impl Judged<'_> {
    /// Whether a sample stands of any series.
    pub(super) fn stands(&self) -> bool {
        self.rows.rows.iter().any(|row| row.standing.stands())
    }

    /// The violations that go on.
    pub(super) fn violation(&self) -> Statement {
        let severity = self.objective.severity.word();
        let firing = self.rows.rows.iter().filter_map(|row| {
            let frozen = match row.standing {
                SeriesStanding::Firing => None,
                SeriesStanding::SilentFiring => Some(reason::SILENT),
                _ => return None,
            };
            let since = row.episode.as_ref().map(|episode| episode.start);
            let labels = self.labels(AlertName::Violation, severity, Some(row.labels.as_ref()?));
            let texts = self.question.texts;
            let texts = texts.of_objective(self.about(), self.violated(row));
            let texts = match &row.episode {
                Some(episode) => with(texts, "value", worst(episode)),
                None => texts,
            };
            let texts = match row.probability {
                Some(probability) => with(texts, "probability", probability),
                None => texts,
            };
            Some(Claim {
                labels,
                series: Some(row.series),
                verdict: Verdict::Holds { since, frozen },
                annotations: texts,
            })
        });
        Statement {
            identities: vec![self.labels(AlertName::Violation, severity, None)],
            silent: self.with(SeriesStanding::NoData),
            ..self.of_series(AlertName::Violation, severity, firing.collect())
        }
    }

    /// The series on which a violation is likely, where somebody asked for that and what was said before was worth it.
    pub(super) fn expected(&self, scores: Option<&ObjectiveScores>) -> Statement {
        let expect = self.objective.expect.as_ref();
        let least = expect.and_then(|expect| expect.probability);
        let least = least.filter(|_| scores.is_some_and(is_worth_it));
        let likely = self.rows.rows.iter().filter_map(|row| {
            let probability = row
                .probability
                .filter(|own| least.is_some_and(|least| *own >= least))?;
            let summary = format!(
                "a violation of `{}` of SLA `{}` is {} % likely within 10 minutes",
                self.objective.id,
                self.sla.name,
                number(100.0 * probability)
            );
            let texts = self.question.texts;
            let texts = texts.of_objective(self.about(), summary);
            let texts = with(texts, "value", probability);
            let name = AlertName::ViolationExpected;
            let labels = self.labels(name, TICKET, Some(row.labels.as_ref()?));
            Some(Claim {
                series: Some(row.series),
                ..Claim::holds(
                    labels,
                    Some(self.rows.as_of),
                    with(texts, "probability", probability),
                )
            })
        });
        let unknown = self.rows.rows.iter();
        let unknown = unknown.filter(|row| least.is_some() && row.probability.is_none());
        Statement {
            twice: true,
            silent: unknown.map(|row| row.series).collect(),
            ..self.of_series(AlertName::ViolationExpected, TICKET, likely.collect())
        }
    }

    /// That no sample stands: of no series, or of some of a fleet that is fixed.
    pub(super) fn no_data(&self) -> Statement {
        let claims = match self.objective.series_end {
            _ if !self.stands() => vec![self.nothing()],
            SeriesEnd::NoData => self.silent(),
            SeriesEnd::Ended => Vec::new(),
        };
        let statement = self.of_series(AlertName::NoData, TICKET, claims);
        let group = statement.group;
        Statement {
            hold: self.question.patience(),
            group: group.map(|(labels, texts)| (beside_all(labels), texts)),
            ..statement
        }
    }

    fn nothing(&self) -> Claim {
        let rows = &self.rows.rows;
        let what = match rows.len() {
            0 => "no series matches".to_owned(),
            1 => "its series has no sample".to_owned(),
            count => format!("none of its {count} series has a sample"),
        };
        let why = if rows.is_empty() {
            "no_series"
        } else {
            reason::NO_DATA
        };
        let summary = format!(
            "`{}` of SLA `{}` cannot be judged: {what}",
            self.objective.id, self.sla.name
        );
        let texts = self.question.texts.of_objective(self.about(), summary);
        let labels = self.labels(AlertName::NoData, TICKET, None);
        Claim::holds(labels, None, with(texts, "reason", why))
    }

    /// The series without a sample, each by itself.
    fn silent(&self) -> Vec<Claim> {
        let is_silent = |standing| {
            matches!(
                standing,
                SeriesStanding::NoData | SeriesStanding::SilentFiring
            )
        };
        let rows = self.rows.rows.iter();
        let silent = rows
            .filter(|row| is_silent(row.standing))
            .filter_map(|row| {
                let series = row.labels.as_ref()?;
                let summary = format!(
                    "`{}` of SLA `{}` cannot be judged for {series}: it has no sample",
                    self.objective.id, self.sla.name
                );
                let texts = self.question.texts.of_objective(self.about(), summary);
                let labels = self.labels(AlertName::NoData, TICKET, Some(series));
                let texts = with(texts, "reason", reason::NO_DATA);
                Some(Claim {
                    series: Some(row.series),
                    ..Claim::holds(labels, row.silent_since, texts)
                })
            });
        silent.collect()
    }

    fn about(&self) -> About<'_> {
        About::range(self.sla, self.objective)
    }

    fn scope(&self, name: AlertName) -> Scope {
        Scope::of(name, &self.sla.name, &self.objective.id)
    }

    fn labels(&self, name: AlertName, severity: &str, series: Option<&Labels>) -> Labels {
        labels(self.about(), name, severity, series)
    }

    fn with(&self, standing: SeriesStanding) -> BTreeSet<domain::SeriesId> {
        let rows = self.rows.rows.iter();
        let rows = rows.filter(|row| row.standing == standing);
        rows.map(|row| row.series).collect()
    }

    fn of_series(&self, name: AlertName, severity: &str, claims: Vec<Claim>) -> Statement {
        let texts = self.question.texts;
        let group = texts.of_objective(self.about(), String::new());
        Statement {
            listed: Some(self.rows.rows.iter().map(|row| row.series).collect()),
            ended: self.with(SeriesStanding::Ended),
            stands: self.stands(),
            group: Some((self.labels(name, severity, None), group)),
            ..Statement::new(self.scope(name), self.rows.as_of, claims)
        }
    }

    /// What is violated, in a sentence.
    fn violated(&self, row: &EvaluatedRow) -> String {
        let Objective { metric, id, .. } = self.objective;
        let limit = match row.episode.as_ref().map(|episode| episode.side) {
            Some(Side::Below) => self.objective.min.map(|min| format!("below {min}")),
            Some(Side::Above) => self.objective.max.map(|max| format!("above {max}")),
            None => None,
        };
        let limit = limit.unwrap_or_else(|| "out of its range".to_owned());
        let details = row.episode.as_ref().map_or_else(String::new, |episode| {
            // Of one that began before what the run read, `since` says when.
            let since = format!(" since {}", moment(episode.start));
            let since = if episode.start_known { &since } else { "" };
            format!("{since}, at worst {}", worst(episode))
        });
        format!(
            "`{metric}` is {limit}{details}: `{id}` of SLA `{}` is violated",
            self.sla.name
        )
    }
}

fn worst(episode: &domain::evaluation::Episode) -> String {
    match (episode.worst, episode.side) {
        (Some(worst), _) => number(worst),
        (None, Side::Below) => "-Inf".to_owned(),
        (None, Side::Above) => "+Inf".to_owned(),
    }
}

/// Whether the probabilities of the last day were no worse than how often violations came.
fn is_worth_it(scores: &ObjectiveScores) -> bool {
    if scores.scored == 0 || scores.with_base_rate == 0 {
        return false;
    }
    let own = scores.squares / scores.scored as f64;
    let base_rate = scores.squares_base_rate / scores.with_base_rate as f64;
    own <= base_rate
}

pub(super) fn labels(
    about: About<'_>,
    name: AlertName,
    severity: &str,
    series: Option<&Labels>,
) -> Labels {
    let identity = Identity {
        sla: Some(about.sla),
        objective: Some(about.id),
        series,
        ..Identity::of_system(name, severity)
    };
    identity.labels()
}

/// That the newest complete evaluation, at `as_of`, is too old.
pub(super) fn stale(question: &Question<'_>, about: About<'_>, as_of: Timestamp) -> Statement {
    let age = question.now.since(as_of.floor_to_second());
    let summary = format!(
        "`{}` of SLA `{}` was evaluated {} ago for the last time",
        about.id,
        about.sla,
        duration::format(std::time::Duration::from_secs(age.as_secs()))
    );
    let texts = question.texts.of_objective(about, summary);
    let labels = labels(about, AlertName::NoData, TICKET, None);
    let claim = Claim::holds(labels, Some(as_of), with(texts, "reason", reason::STALE));
    let scope = Scope::of(AlertName::NoData, about.sla, about.id);
    Statement {
        stands: false,
        ..Statement::new(scope, as_of, vec![claim])
    }
}

/// That there is no complete evaluation at all.
pub(super) fn unevaluated(question: &Question<'_>, about: About<'_>) -> Statement {
    let summary = format!("`{}` of SLA `{}` was never evaluated", about.id, about.sla);
    let texts = question.texts.of_objective(about, summary);
    let labels = labels(about, AlertName::NoData, TICKET, None);
    let texts = with(texts, "reason", reason::NOT_EVALUATED);
    let claim = Claim::holds(labels, None, texts);
    let scope = Scope::of(AlertName::NoData, about.sla, about.id);
    Statement {
        hold: question.patience(),
        stands: false,
        // Nothing is as late as this: an evaluation of the moment before ends it.
        ..Statement::new(scope, question.oldest_fresh(), vec![claim])
    }
}
