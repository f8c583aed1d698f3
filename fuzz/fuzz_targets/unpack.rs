//! Whatever bytes a row or a packed message has: a document or an error, and a document can be packed again.
//!
//! `cargo fuzz run unpack --sanitizer none -- -runs=1000000`. The property tests of `domain::message` damage whole documents, and
//! hold what is packed against what is unpacked.
#![no_main]

use domain::{
    Labels, Series,
    message::{
        About, MetadataArrays, MetadataDocument, Packed, PackedMessage, PredictionArrays,
        PredictionDocument,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let series = Series {
        metric: "m".parse().expect("a metric name"),
        labels: Labels::default(),
    };
    let about = About {
        series: series.id(),
        metric: series.metric,
        labels: series.labels,
        as_of: "2026-11-23T08:45:00Z".parse().expect("a time"),
    };
    check::<MetadataDocument>(bytes, about.clone());
    check::<PredictionDocument>(bytes, about);
    check::<MetadataArrays>(bytes, ());
    check::<PredictionArrays>(bytes, ());
    check_message::<MetadataDocument>(bytes);
    check_message::<PredictionDocument>(bytes);
});

/// What can be read has one form, which reads as the same: the numbers of a column need not be in their shortest form.
fn check<P: Packed>(bytes: &[u8], key: P::Key)
where
    P::Key: Clone,
{
    if let Ok(read) = P::unpack(bytes, key.clone()) {
        let packed = read.pack();
        let again = P::unpack(&packed, key).expect("what was packed is read");
        assert_eq!(again.pack(), packed);
    }
}

/// The same of a message.
fn check_message<Message: PackedMessage>(bytes: &[u8]) {
    if let Ok(read) = Message::unpack_message(bytes) {
        let packed = read.pack_message();
        let again = Message::unpack_message(&packed).expect("what was packed is read");
        assert_eq!(again.pack_message(), packed);
    }
}
