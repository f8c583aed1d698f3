//! Whatever a record's value is: a document or an error, and a document is written as what reads as the same.
#![no_main]

use domain::message::{
    HistoryDocument, MetadataDocument, MetricsDocument, PredictionDocument, ReplayDocument,
    RunDocument, ScoreDocument, SlicesDocument, ViolationsDocument,
};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, value)) = bytes.split_first() else {
        return;
    };
    match kind % 9 {
        0 => check::<MetricsDocument>(value),
        1 => check::<MetadataDocument>(value),
        2 => check::<PredictionDocument>(value),
        3 => check::<ViolationsDocument>(value),
        4 => check::<SlicesDocument>(value),
        5 => check::<HistoryDocument>(value),
        6 => check::<ReplayDocument>(value),
        7 => check::<ScoreDocument>(value),
        _ => check::<RunDocument>(value),
    }
});

fn check<Document: DeserializeOwned + Serialize>(value: &[u8]) {
    if let Ok(document) = serde_json::from_slice::<Document>(value) {
        let written = serde_json::to_vec(&document).expect("a document is JSON");
        let again: Document = serde_json::from_slice(&written).expect("what was written is read");
        assert_eq!(
            serde_json::to_vec(&again).expect("a document is JSON"),
            written
        );
    }
}
