//! What the pipeline says of itself.

use domain::{
    Labels, Timestamp,
    alert::{AlertName, Claim, Identity, Scope, Statement},
    duration,
    message::Failure,
};
use store::alert::{NewestRun, ReceiverState, SystemFacts};

use super::{
    Question,
    texts::{moment, with},
};

const TICKET: &str = "ticket";
/// The severity of the watchdog.
const NONE: &str = "none";

/// Whether everything works: something was evaluated lately, and what is due is delivered.
pub(super) fn works(question: &Question<'_>, facts: &SystemFacts) -> bool {
    is_fresh(question, facts.newest_evaluation) && facts.stuck_since.is_none()
}

fn is_fresh(question: &Question<'_>, evaluation: Option<Timestamp>) -> bool {
    evaluation.is_some_and(|as_of| as_of >= question.oldest_fresh())
}

/// The watchdog's alert.
pub(super) fn watchdog(question: &Question<'_>, works: bool) -> Statement {
    let summary = "slacast evaluates and delivers: if this stops, look at it".to_owned();
    let texts = question.texts.of_page("/ui/alerts", summary);
    let labels = Identity::of_system(AlertName::Watchdog, NONE).labels();
    let claim = works.then(|| Claim::holds(labels, None, texts));
    let scope = Scope::of_system(AlertName::Watchdog);
    Statement::new(scope, question.now, claim.into_iter().collect())
}

/// That there is no data at all: one alert for all objectives.
pub(super) fn no_data(
    question: &Question<'_>,
    facts: &SystemFacts,
    has_objectives: bool,
) -> Statement {
    let run = facts.newest_run.as_ref();
    let newest = run.filter(|run| run.as_of >= question.oldest_fresh());
    let why = match newest.and_then(unread) {
        Some(failure) => Some(format!("no metric can be read: {}", cut(&failure.reason))),
        None if is_fresh(question, facts.newest_evaluation) => None,
        None => Some(match run {
            Some(run) => format!(
                "nothing is evaluated; the newest run is of {}",
                moment(run.as_of)
            ),
            None => "nothing is evaluated, and there is no run".to_owned(),
        }),
    };
    let claim = why.filter(|_| has_objectives).map(|why| {
        let labels = Identity::of_system(AlertName::NoData, TICKET).labels();
        let texts = question
            .texts
            .of_page("/ui/runs", format!("no objective can be judged: {why}"));
        Claim::holds(labels, None, with(texts, "reason", why))
    });
    let scope = Scope::of_system(AlertName::NoData);
    let hold = match facts.newest_evaluation {
        // A new system gets the time to evaluate something.
        None => question.patience(),
        Some(_) => std::time::Duration::ZERO,
    };
    Statement {
        hold,
        ..Statement::new(scope, question.now, claim.into_iter().collect())
    }
}

/// Why a run found no series at all, if that is a failure.
fn unread(run: &NewestRun) -> Option<&Failure> {
    let mut failures = run.failures.iter().filter(|_| run.series == 0);
    failures.find(|failure| failure.metric.is_some())
}

/// Why a run failed as a whole: not for one message that was refused, nor for scores, which the next run makes up for.
fn failed(run: &NewestRun) -> Option<&Failure> {
    let is_whole = |failure: &&Failure| {
        failure.metric.is_none() && failure.series.is_none() && failure.stage != "scores"
    };
    run.failures.iter().find(is_whole).or_else(|| unread(run))
}

/// What fails in the pipeline, each by itself.
pub(super) fn pipeline(
    question: &Question<'_>,
    facts: &SystemFacts,
    receivers: &[ReceiverState],
) -> Statement {
    let mut claims = Vec::new();
    let mut add = |cause: &str, of: Option<(&str, &str)>, since, page: &str, summary: String| {
        let mut labels: Labels = Identity::of_system(AlertName::Pipeline, TICKET).labels();
        labels.0.insert("cause".to_owned(), cause.to_owned());
        labels
            .0
            .extend(of.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let texts = question.texts.of_page(page, summary);
        claims.push(Claim::holds(labels, since, with(texts, "reason", cause)));
    };
    if let Some(run) = &facts.newest_run {
        if let Some(failure) = failed(run) {
            let summary = format!(
                "the run of {} failed at stage {}: {}",
                moment(run.as_of),
                failure.stage,
                cut(&failure.reason)
            );
            add("run_failed", None, None, "/ui/runs", summary);
        }
        let lag = facts.newest_known.map(|known| known.since(run.as_of));
        if let Some(lag) = lag.filter(|lag| *lag > question.patience()) {
            let summary = format!(
                "storage lags: the newest row is {} newer than the newest run's record",
                duration::format(lag)
            );
            add("storage_lag", None, None, "/ui/runs", summary);
        }
    }
    if let Some((count, since)) = facts.dead_letters {
        let summary = format!(
            "{count} records were set aside since {}: see dead_letter",
            moment(since)
        );
        add("dead_letters", None, Some(since), "/ui/runs", summary);
    }
    for (metric, runs) in &facts.failing_for_an_hour {
        let summary = format!("`{metric}` fails for an hour, in each of {runs} runs");
        add(
            "metric_failed",
            Some(("metric", metric.as_str())),
            None,
            "/ui/runs",
            summary,
        );
    }
    for receiver in receivers {
        if let Some(since) = receiver.disabled_at {
            let name = receiver.name.as_str();
            let summary = format!(
                "the receiver `{name}` answered 410 and is disabled; POST /alerts/test enables it once it takes that"
            );
            let since = Some(since);
            add(
                "receiver_disabled",
                Some(("receiver", name)),
                since,
                "/ui/alerts",
                summary,
            );
        }
    }
    Statement::new(Scope::of_system(AlertName::Pipeline), question.now, claims)
}

fn cut(reason: &str) -> String {
    reason.chars().take(300).collect()
}
