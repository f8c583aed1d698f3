//! `/prometheus/api/v1`: as much of Prometheus' HTTP API as Grafana's data source needs, over the series of the exposition, what
//! series were like and what they are forecast to be.

mod answer;
mod lines;
mod parameters;
mod points;
mod sources;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::Timestamp;
use http_api::{
    ApiError, Call, Query, Reply,
    prometheus::{ErrorType, error_type, failure, success},
};
use promql::{Asked, NAME, Reading, Unreadable};
use tokio::time::timeout;

pub(crate) use answer::{Build, Data, Described, LabelSet};
use lines::Line;
use parameters::{Span, check_timeout, check_times, instant, limit};

use crate::{Retrieval, database};

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// It is malformed.
    BadData(String),
    /// It is not answered here.
    Execution(String),
    /// Something else is wrong.
    Other(ApiError),
}

impl From<ApiError> for Unanswered {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<store::StoreError> for Unanswered {
    fn from(error: store::StoreError) -> Self {
        Self::Other(database(error))
    }
}

impl From<Unreadable> for Unanswered {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Syntax(_) => Self::BadData(error.to_string()),
            Unreadable::NotOffered(_) => Self::Execution(error.to_string()),
        }
    }
}

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The reply to a question, or to what is wrong with it.
async fn replied<T: serde::Serialize>(
    answering: impl Future<Output = Result<T, Unanswered>>,
) -> Result<Reply, ApiError> {
    let answered = timeout(PATIENCE, answering).await;
    let answered = answered.unwrap_or_else(|_| {
        let sentence = "the answer takes longer than 10 s: ask for fewer series, or a shorter time";
        Err(Unanswered::Execution(sentence.to_owned()))
    });
    match answered {
        Ok(data) => success(data),
        Err(Unanswered::BadData(error)) => failure(ErrorType::BadData, error),
        Err(Unanswered::Execution(error)) => failure(ErrorType::Execution, error),
        Err(Unanswered::Other(error)) => {
            let kind = error_type(&error);
            if kind == ErrorType::Internal {
                return Err(error);
            }
            failure(kind, error.to_string())
        }
    }
}

/// `query`: the values at one time.
pub(crate) async fn query(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        let mut query = call.query_and_form()?;
        let text = required(&mut query, "query")?;
        let time = instant(&mut query, "time")?.unwrap_or(call.now);
        check_timeout(&mut query)?;
        query.finish_known()?;
        match Reading::parse(&text)? {
            Reading::Number(value) => Ok(Data::scalar(time, value)),
            Reading::Series(asked) => {
                let span = Span::at(time);
                let lines = sources::lines(retrieval, &asked, span, call.now).await?;
                Ok(Data::vector(&lines, &asked, time))
            }
        }
    })
    .await
}

/// `query_range`: the values at each step of a time.
pub(crate) async fn query_range(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        let mut query = call.query_and_form()?;
        let text = required(&mut query, "query")?;
        let span = Span::read(&mut query)?;
        check_timeout(&mut query)?;
        query.finish_known()?;
        match Reading::parse(&text)? {
            Reading::Number(value) => Ok(Data::constant(&span, value)),
            Reading::Series(asked) => {
                let lines = sources::lines(retrieval, &asked, span, call.now).await?;
                Ok(Data::matrix(&lines, &asked, &span))
            }
        }
    })
    .await
}

/// `series`: the label sets of the series that are asked for.
pub(crate) async fn series(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        let mut query = call.query_and_form()?;
        let selectors = selectors(&mut query)?;
        check_times(&mut query)?;
        let limit = limit(&mut query)?;
        query.finish_known()?;
        if selectors.is_empty() {
            let sentence = "no match[] parameter provided";
            return Err(Unanswered::BadData(sentence.to_owned()));
        }
        let lines = matching(retrieval, &selectors, call.now).await?;
        let sets = lines.into_iter().take(limit).map(LabelSet);
        Ok(sets.collect::<Vec<_>>())
    })
    .await
}

/// `labels`: the names of the labels of the series that are asked for.
pub(crate) async fn labels(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        let mut query = call.query_and_form()?;
        let selectors = selectors(&mut query)?;
        check_times(&mut query)?;
        let limit = limit(&mut query)?;
        query.finish_known()?;
        let lines = matching(retrieval, &selectors, call.now).await?;
        let names = lines.into_iter().flat_map(BTreeMap::into_keys);
        let names: BTreeSet<String> = names.collect();
        Ok(names.into_iter().take(limit).collect::<Vec<_>>())
    })
    .await
}

/// `label/NAME/values`: the values of a label of the series that are asked for.
pub(crate) async fn values(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        let mut query = call.query_and_form()?;
        let selectors = selectors(&mut query)?;
        check_times(&mut query)?;
        let limit = limit(&mut query)?;
        query.finish_known()?;
        if call.name == NAME && selectors.is_empty() {
            let names = sources::names().map(|(name, _)| name.to_owned());
            let names: BTreeSet<String> = names.collect();
            return Ok(names.into_iter().take(limit).collect::<Vec<_>>());
        }
        let lines = matching(retrieval, &selectors, call.now).await?;
        let values = lines
            .into_iter()
            .filter_map(|mut labels| labels.remove(&call.name));
        let values: BTreeSet<String> = values.collect();
        Ok(values.into_iter().take(limit).collect())
    })
    .await
}

/// `metadata`: what each metric is.
pub(crate) async fn metadata(_: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        let mut query = call.query_and_form()?;
        let only = query.text("metric");
        let limit = limit(&mut query)?;
        query.finish_known()?;
        let described = sources::names()
            .filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
            .take(limit)
            .map(|(name, help)| (name, [Described::gauge(help)]));
        Ok(described.collect::<BTreeMap<_, _>>())
    })
    .await
}

/// `status/buildinfo`.
pub(crate) async fn build(_: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    replied(async {
        call.query_and_form()?.finish_known()?;
        Ok(Build::own())
    })
    .await
}

fn required(query: &mut Query, name: &str) -> Result<String, Unanswered> {
    let text = query.text(name);
    text.ok_or_else(|| Unanswered::BadData(format!("parameter {name:?} is missing")))
}

/// The selectors that `match[]` names.
fn selectors(query: &mut Query) -> Result<Vec<Asked>, Unanswered> {
    let texts = query.texts("match[]").into_iter();
    let selectors = texts.map(|text| match Reading::parse(&text)? {
        Reading::Series(asked) => Ok(asked),
        Reading::Number(_) => Err(Unanswered::BadData(format!("{text:?} is no selector"))),
    });
    selectors.collect()
}

/// The label sets, `__name__` included, of the series that one of these selectors asks for; without a selector of all.
async fn matching(
    retrieval: &Retrieval,
    selectors: &[Asked],
    now: Timestamp,
) -> Result<BTreeSet<BTreeMap<String, String>>, Unanswered> {
    let mut found = BTreeSet::new();
    let everything = match Reading::parse(r#"{__name__=~".+"}"#)? {
        Reading::Series(asked) => [asked],
        Reading::Number(_) => return Ok(found),
    };
    let selectors = if selectors.is_empty() {
        &everything
    } else {
        selectors
    };
    for asked in selectors {
        for line in sources::known(retrieval, asked, now).await? {
            found.insert(line.into_labels());
        }
    }
    Ok(found)
}

impl Line {
    /// Its labels, `__name__` included.
    fn into_labels(self) -> BTreeMap<String, String> {
        self.labels
    }
}
