//! Whatever is in a file: SLAs that can be created and a report, or a sentence.
#![no_main]

use domain::sla::BudgetWindow;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    let window: BudgetWindow = "30d".parse().expect("a window");
    match slo_files::read(body, window) {
        Ok(import) => {
            for place in import.slas.iter().map(|sla| &sla.place) {
                assert!(
                    place.pointer.is_empty() || place.pointer.starts_with('/'),
                    "{place:?}"
                );
            }
        }
        Err(unreadable) => assert!(!unreadable.to_string().is_empty()),
    }
});
