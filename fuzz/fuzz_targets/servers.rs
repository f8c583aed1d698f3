//! Whatever a server sends, in a stream of remote read, in whole frames of one or as an answer of the query API, and whatever
//! a file of metrics says: series, metrics, or an error with a reason.
#![no_main]

use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use prometheus::testing::{frame, read_matrix, read_metrics_file, read_stream};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 4 {
        0 => check_stream(rest.to_vec()),
        1 => {
            let (first, second) = rest.split_at(usize::from(kind / 4).min(rest.len()));
            check_stream([frame(first), frame(second)].concat());
        }
        2 => drop(read_matrix(rest).map_err(|reason| assert!(!reason.is_empty()))),
        _ => check_file(&String::from_utf8_lossy(rest)),
    }
});

fn check_stream(bytes: Vec<u8>) {
    let length = bytes.len();
    match block_on(read_stream(bytes)) {
        // A sample takes two bits at least.
        Ok(series) => {
            let samples: usize = series.iter().map(|series| series.samples.len()).sum();
            assert!(samples <= 4 * length, "{samples} samples of {length} bytes");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn check_file(text: &str) {
    match read_metrics_file(text) {
        Ok(metrics) => assert!(metrics > 0),
        Err((position, reason)) => {
            assert!(position <= text.len() && text.is_char_boundary(position));
            assert!(!reason.is_empty());
        }
    }
}
