//! Messages that etl published before, one a line: `ce_type`, a tab, the value. What is read is written as it was.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use domain::message::{
    HistoryDocument, Kind, MetadataDocument, MetricsDocument, PredictionDocument, ReplayDocument,
    RunDocument, ScoreDocument, SlicesDocument, ViolationsDocument,
};
use serde::{Serialize, de::DeserializeOwned};

const RECORDED: &str = include_str!("messages/recorded.tsv");

fn written_again<Document: DeserializeOwned + Serialize>(text: &str) -> String {
    let document: Document = serde_json::from_str(text).unwrap();
    serde_json::to_string(&document).unwrap()
}

fn recorded() -> impl Iterator<Item = (Kind, &'static str)> {
    RECORDED.lines().map(|line| {
        let (kind, value) = line.split_once('\t').unwrap();
        (kind.parse().unwrap(), value)
    })
}

#[test]
fn what_was_published_before_is_written_byte_for_byte_as_it_was() {
    let mut messages = BTreeMap::new();
    for (kind, value) in recorded() {
        let again = match kind {
            Kind::Metrics => written_again::<MetricsDocument>(value),
            Kind::Metadata => written_again::<MetadataDocument>(value),
            Kind::Prediction => written_again::<PredictionDocument>(value),
            Kind::Violations => written_again::<ViolationsDocument>(value),
            Kind::Slices => written_again::<SlicesDocument>(value),
            Kind::History => written_again::<HistoryDocument>(value),
            Kind::Replay => written_again::<ReplayDocument>(value),
            Kind::Score => written_again::<ScoreDocument>(value),
            Kind::Run => written_again::<RunDocument>(value),
        };
        assert_eq!(again, value);
        *messages.entry(kind).or_insert(0) += 1;
    }
    let counts: Vec<(Kind, i32)> = messages.into_iter().collect();
    assert_eq!(
        counts.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        Kind::ALL
    );
    assert!(counts.iter().all(|(_, count)| *count >= 3), "{counts:?}");
}
