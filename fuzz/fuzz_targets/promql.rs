//! Whatever a query says, and however deep: it is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promql::{EventsShare, EventsSum, Query, Reading};

// A panic that is caught is an answer; libFuzzer's own hook ends the process at each.
fuzz_target!(init: drop(std::panic::take_hook()), |text: &str| {
    drop(Query::parse(text));
    drop(Reading::parse(text));
    drop(EventsShare::parse(text));
    drop(EventsSum::difference(text));
    drop(EventsSum::parse_guarded_total(text));
    drop(EventsSum::parse(text));
});
