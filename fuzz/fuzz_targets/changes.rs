//! Whatever the body of a change is: a draft of an SLA, an exclusion, or faults, each of which says where it is.
#![no_main]

use domain::{
    fault::Fault,
    sla::{Draft, ExclusionDraft},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if let Err(faults) = Draft::parse(&document) {
        check(&faults);
    }
    if let Err(faults) = ExclusionDraft::parse(&document) {
        check(&faults);
    }
});

fn check(faults: &[Fault]) {
    assert!(!faults.is_empty());
    for fault in faults {
        assert!(
            fault.pointer.is_empty() || fault.pointer.starts_with('/'),
            "{fault:?}"
        );
        assert!(!fault.reason.is_empty(), "{fault:?}");
    }
}
