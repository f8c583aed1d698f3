//! A replay leaves in the database what runs would have left.
#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Bucket, BucketLength, Labels, SeriesId, Span, Timestamp,
    budget::EventsQuestion,
    events::{CountedRow, Minute},
    message::group_id,
    sla::{Draft, EventsObjective, SlaName},
};
use etl::{deadline::Deadline, replay::Replaying, request::RunRequest, run::Etl, subject::Trigger};
use prometheus::testing::{PushedSample, PushedSeries};
use rdkafka::Message;
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    read::Selection,
    replay::{NewReplay, ReplayOutcome},
    sla::Condition,
    slices::budgets::rows_of,
    testing::TestDatabase,
};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{consumer, etl, moment_ago, next, pushed::push_all, records, servers::stand_in};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// What Prometheus stores where a series ends.
const STALE_MARKER: u64 = 0x7ff0_0000_0000_0002;

/// A level that is out of range now and then and silent for a while, and requests of two services.
struct Past {
    level: String,
    requests: String,
    end: Timestamp,
}

impl Past {
    async fn push() -> Self {
        let (level, requests) = (
            format!("level_{}", Uuid::new_v4().simple()),
            format!("requests_{}_total", Uuid::new_v4().simple()),
        );
        // Long enough ago for each minute to be final.
        let end = Minute::ended_by(moment_ago() - 6 * MINUTE).end();
        let first = end - 13 * HOUR;
        let times = || (1..=13 * 60_i64).map(|minute| (minute, first.millis() + minute * 60_000));
        let levels = times()
            .filter(|(minute, _)| !(650..672).contains(minute))
            .map(|(minute, milliseconds)| PushedSample {
                value: if minute % 37 < 5 { 20.0 } else { 5.0 },
                milliseconds,
            });
        let labels = [
            ("__name__", level.as_str()),
            ("instance", "a"),
            ("job", "level"),
        ];
        let mut series = vec![PushedSeries::new(&labels, levels.collect())];
        for (place, (service, code)) in [("api", "200"), ("api", "500"), ("web", "200")]
            .into_iter()
            .enumerate()
        {
            let place = place as i64;
            let labels = [
                ("__name__", requests.as_str()),
                ("code", code),
                ("instance", service),
                ("job", "requests"),
                ("service", service),
            ];
            // One begins anew now and then, one is silent for a while, and is gone for a while just before a piece ends.
            let samples = times()
                .filter(|(minute, _)| {
                    place != 2 || !((700..712).contains(minute) || (689..696).contains(minute))
                })
                .map(|(minute, milliseconds)| PushedSample {
                    value: if place == 2 && minute == 688 {
                        f64::from_bits(STALE_MARKER)
                    } else {
                        ((minute % 311) * (place + 2) + minute % 3) as f64
                    },
                    milliseconds: milliseconds - 1_000 * place,
                });
            series.push(PushedSeries::new(&labels, samples.collect()));
        }
        push_all(series).await;
        Self {
            level,
            requests,
            end,
        }
    }

    fn metrics(&self) -> String {
        format!("[[metric]]\nname = \"level\"\nquery = \"{}\"\n", self.level)
    }

    fn objectives(&self) -> Value {
        let requests = &self.requests;
        json!([
            {"id": "level", "metric": "level", "max": 10, "for": "2m", "target": 0.9},
            {"id": "twice", "query": format!("2 * {}", self.level), "max": 20, "target": 0.9},
            {"id": "availability", "by": ["service"], "target": 0.9,
                "events": {"bad": format!("{requests}{{code=\"500\"}}"), "total": requests}},
        ])
    }
}

type Kept = (
    Vec<Option<Vec<String>>>,
    BTreeMap<SeriesId, Vec<CountedRow>>,
    BTreeMap<SeriesId, Vec<Bucket>>,
);

/// A database with the SLA, and an etl that looks there.
struct System {
    database: TestDatabase,
    etl: Etl,
    topic: String,
    /// Messages on the topic.
    published: u64,
}

impl System {
    async fn new(past: &Past) -> Self {
        let database = TestDatabase::create().await;
        let draft = json!({"name": "shop", "objectives": past.objectives()});
        let draft = Draft::parse(&draft).unwrap();
        let made =
            database
                .store()
                .put_sla("shop", &draft.objectives, &Condition::Absent, moment_ago());
        made.await.unwrap();
        let (etl, topic) = etl(&past.metrics(), &[("DATABASE_URL", database.url())]).await;
        // The last run is some minutes old, and not late.
        let etl = Etl {
            interval: HOUR,
            ..etl
        };
        Self {
            database,
            etl,
            topic,
            published: 0,
        }
    }

    async fn run(&mut self, as_of: Timestamp) {
        let request = RunRequest::everything(as_of);
        let run = self.etl.run(&request, Trigger::Invoke, Deadline::default());
        self.published += run.await.unwrap().messages + 1;
    }

    /// Works off a piece. Returns where it begins; `None`: none waits.
    async fn work(&mut self) -> Option<Timestamp> {
        let replaying = Replaying::new(self.database.store().clone(), None);
        let done = replaying.work(&self.etl, Deadline::default()).await;
        if done["waits"] == "no replay waits" {
            return None;
        }
        self.published += done["replayed"]["messages"].as_u64().unwrap();
        Some(done["replayed"]["from"].as_str().unwrap().parse().unwrap())
    }

    /// Stores everything on the topic, once more what was stored before; `all`: also what says that a piece is done.
    async fn store(&self, all: bool) {
        let records = records(&self.topic, self.published as usize);
        let mut documents: Vec<Document> = records
            .into_values()
            .flatten()
            .map(|record| {
                let kind = record.headers["ce_type"].parse().unwrap();
                Document::parse(kind, record.value.as_bytes()).unwrap()
            })
            .collect();
        let is_done = |document: &Document| {
            matches!(document, Document::Replay(replay)
                if matches!(replay.found, domain::message::Replayed::Done(_)))
        };
        documents.retain(|document| all || !is_done(document));
        for documents in documents.chunks(50) {
            self.database
                .store()
                .store_batch(documents, &[])
                .await
                .unwrap();
        }
    }

    async fn replay(&self, start: Timestamp, end: Timestamp, replace: bool) {
        let asked = NewReplay {
            span: Span { start, end },
            objectives: None,
            replace,
        };
        let sla: SlaName = "shop".parse().unwrap();
        let created = self
            .database
            .store()
            .create_replay(&sla, asked, moment_ago());
        assert!(matches!(created.await.unwrap(), ReplayOutcome::Created(_)));
    }

    /// What is kept of violations, gaps and judged time; of minutes of a span that are measured or have events; and of what
    /// series were like in it.
    async fn kept(&self, span: Span) -> Kept {
        let mut contents = self.database.contents().await;
        let tables = ["episode", "gap", "judged"].map(|table| contents.remove(table));
        let store = self.database.store();
        let sla: SlaName = "shop".parse().unwrap();
        let stored = store.sla("shop").await.unwrap().unwrap();
        let objective: &EventsObjective = &stored.sla.events[0].1;
        let question = EventsQuestion::of_slices(objective, span);
        let mut minutes = BTreeMap::new();
        for service in [None, Some("api"), Some("web")] {
            let labels: Labels = service
                .map(|service| ("service", service))
                .into_iter()
                .collect();
            let group = group_id(&sla, &objective.id, &labels);
            let rows = rows_of(store, &sla, objective, group, &question);
            let mut rows = rows.await.unwrap();
            rows.retain(|row| {
                row.span.start >= span.start
                    && row.span.end <= span.end
                    && (row.measured_minutes > 0 || row.counts.sums() != [0.0; 2])
            });
            minutes.insert(group, rows);
        }
        (tables.into(), minutes, self.buckets(span).await)
    }

    /// The buckets of all series that end in a span.
    async fn buckets(&self, span: Span) -> BTreeMap<SeriesId, Vec<Bucket>> {
        let store = self.database.store();
        let selection = Selection {
            metric: None,
            labels: Labels::default(),
            from: None,
            to: None,
            pinned: moment_ago(),
            limit: 100,
        };
        let series = store.series(&selection, None).await.unwrap();
        let mut buckets = BTreeMap::new();
        for row in series.rows {
            let length = BucketLength::FiveMinutes;
            let span = (span.start, span.end);
            let found = store.buckets(row.id, length, span, 1_000).await.unwrap();
            if !found.is_empty() {
                buckets.insert(row.id, found);
            }
        }
        buckets
    }
}

#[tokio::test]
async fn a_replay_leaves_what_runs_leave_wherever_pieces_begin_and_however_often() {
    let past = Past::push().await;
    let (start, end) = (past.end - 3 * HOUR, past.end);
    let mut live = System::new(&past).await;
    let mut as_of = start;
    while as_of <= end {
        live.run(as_of).await;
        as_of = as_of + 10 * MINUTE;
    }
    live.store(true).await;
    // Of the last minutes no run knows for certain.
    let settled = Span {
        start,
        end: end - 5 * MINUTE,
    };
    let expected = live.kept(settled).await;
    assert!(expected.0.iter().all(Option::is_some), "{expected:?}");
    let all = &expected.1[&group_id(
        &"shop".parse().unwrap(),
        &"availability".parse().unwrap(),
        &Labels::default(),
    )];
    assert_eq!(all.len(), 175);
    // A piece ends at minute 690. The marker says that nothing stood there.
    let web = &expected.1[&group_id(
        &"shop".parse().unwrap(),
        &"availability".parse().unwrap(),
        &[("service", "web")].into_iter().collect(),
    )];
    let piece_ends = end - 90 * MINUTE;
    assert!(web.iter().all(|row| row.span.end != piece_ends), "{web:?}");
    // Of both objectives of ranges there are the buckets of one series each, of the bad share those of each group and of all
    // together: of 3 h but for the silence.
    let buckets: Vec<usize> = expected.2.values().map(Vec::len).collect();
    assert_eq!(buckets.len(), 5);
    assert!(buckets.iter().all(|count| *count >= 29), "{buckets:?}");
    assert!(all.iter().all(|row| row.is_final));

    let mut replayed = System::new(&past).await;
    replayed.replay(start, end, false).await;
    replayed.replay(end - 2 * HOUR, end - HOUR, false).await;
    replayed.replay(start, end - 90 * MINUTE, false).await;
    // Killed before it says that it is done: it begins again.
    assert_eq!(replayed.work().await, Some(end - HOUR));
    replayed.store(false).await;
    let mut begins = Vec::new();
    while let Some(start) = replayed.work().await {
        replayed.store(true).await;
        begins.push(start);
    }
    assert_eq!(
        begins,
        [end - HOUR, end - 90 * MINUTE, end - 2 * HOUR, start]
    );
    assert_eq!(replayed.kept(settled).await, expected);
    let contents = replayed.database.contents().await;
    for table in [
        "run",
        "metrics",
        "prediction",
        "violation",
        "evaluation",
        "score",
        "alert",
    ] {
        assert_eq!(contents.get(table), None, "{table}");
    }
    // Once more, at other ends, and over what runs left: nothing changes.
    replayed.replay(start + 20 * MINUTE, end, false).await;
    replayed.replay(start, end, false).await;
    while replayed.work().await.is_some() {
        replayed.store(true).await;
    }
    assert_eq!(replayed.kept(settled).await, expected);
    for replace in [false, true] {
        live.replay(start + 30 * MINUTE, end, replace).await;
        while live.work().await.is_some() {
            live.store(true).await;
        }
        assert_eq!(live.kept(settled).await, expected, "{replace}");
    }
}

#[tokio::test]
async fn what_was_counted_is_not_replaced_by_nothing_where_prometheus_has_it_no_more() {
    let past = Past::push().await;
    let mut system = System::new(&past).await;
    let span = Span {
        start: past.end - HOUR,
        end: past.end,
    };
    system.replay(span.start, span.end, false).await;
    while system.work().await.is_some() {
        system.store(true).await;
    }
    let expected = system.kept(span).await;
    assert!(expected.1.values().all(|rows| !rows.is_empty()));
    let nothing = stand_in(false, "").await;
    let settings = [
        ("DATABASE_URL", system.database.url()),
        ("PROMETHEUS_URL", &nothing.uri()),
    ];
    let (etl, topic) = etl(&past.metrics(), &settings).await;
    let mut forgetful = System {
        etl: Etl {
            interval: HOUR,
            ..etl
        },
        topic,
        published: 0,
        ..system
    };
    forgetful.replay(span.start, span.end, true).await;
    assert_eq!(forgetful.work().await, Some(span.start));
    forgetful.store(true).await;
    assert_eq!(forgetful.kept(span).await, expected);
}

#[tokio::test]
async fn a_piece_that_is_not_done_in_time_is_begun_again_as_a_shorter_one() {
    let past = Past::push().await;
    let system = System::new(&past).await;
    system.replay(past.end - 8 * HOUR, past.end, false).await;
    let replaying = Replaying::new(system.database.store().clone(), None);
    for _ in 0..2 {
        let done = replaying
            .work(&system.etl, Deadline::of(Duration::ZERO))
            .await;
        assert_eq!(done["waits"], "the invocation's time was over");
    }
    let done = replaying.work(&system.etl, Deadline::default()).await;
    let expected = (past.end - 2 * HOUR).to_string();
    assert_eq!(done["replayed"]["from"], expected, "{done}");
}

#[tokio::test]
async fn what_takes_too_long_is_tried_in_shorter_pieces_before_it_is_given_up() {
    // It takes every connection and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok(connection) = listener.accept().await {
            connections.push(connection);
        }
    });
    let past = Past {
        level: "level".to_owned(),
        requests: "requests_total".to_owned(),
        end: Minute::ended_by(moment_ago() - 6 * MINUTE).end(),
    };
    for objective in ["level", "availability"] {
        let mut system = System::new(&past).await;
        let silent = etl(&past.metrics(), &[("PROMETHEUS_URL", &address)]).await;
        system.etl.prometheus = silent.0.prometheus;
        let asked = NewReplay {
            span: Span {
                start: past.end - 30 * MINUTE,
                end: past.end,
            },
            objectives: Some(vec![objective.parse().unwrap()]),
            replace: false,
        };
        let sla: SlaName = "shop".parse().unwrap();
        let store = system.database.store();
        let created = store.create_replay(&sla, asked, moment_ago()).await;
        assert!(matches!(created.unwrap(), ReplayOutcome::Created(_)));
        let replaying = Replaying::new(store.clone(), None);
        // A metric, or a selector, has a third of the five sixths in which it is fetched.
        let work = async || {
            let deadline = Deadline::of(Duration::from_secs(6));
            replaying.work(&system.etl, deadline).await
        };
        let done = work().await;
        assert_eq!(done["waits"], "the invocation's time was over", "{done}");
        let done = work().await;
        let expected = (past.end - 15 * MINUTE).to_string();
        assert_eq!(done["replayed"]["from"], expected, "{done}");
    }
}

#[tokio::test]
async fn a_replay_says_which_objectives_are_beyond_the_bound_of_judged_pairs() {
    let past = Past::push().await;
    let mut system = System::new(&past).await;
    system.etl.bounds.judged_pairs = 1;
    system.replay(past.end - HOUR, past.end, false).await;
    system.work().await;
    system.store(true).await;
    let sla: SlaName = "shop".parse().unwrap();
    let replays = system.database.store().replays(&sla).await.unwrap();
    let failures = replays[0].failures.iter();
    let failures: Vec<(&str, &str)> = failures
        .map(|failure| (failure.objective.as_str(), failure.reason.as_str()))
        .collect();
    let reason = "all SLAs together have more than 1 pairs of an objective and a series";
    assert_eq!(failures, [("twice", reason)]);
}

#[tokio::test]
async fn that_a_piece_is_done_comes_after_the_rest_of_it_on_the_same_partition() {
    let past = Past::push().await;
    let mut system = System::new(&past).await;
    system.replay(past.end - HOUR, past.end, false).await;
    system.work().await;
    let consumer = consumer(&system.topic);
    let found = (0..system.published).map(|_| {
        let record = next(&consumer);
        let document: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        (record.partition(), document["found"].get("done").is_some())
    });
    let found: Vec<(i32, bool)> = found.collect();
    assert!(
        found.iter().all(|(partition, _)| *partition == 0),
        "{found:?}"
    );
    let done = found.iter().position(|(_, is_done)| *is_done);
    assert_eq!(done, Some(found.len() - 1), "{found:?}");
}
