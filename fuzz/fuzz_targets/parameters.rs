//! Whatever stands behind a route's `?`: parameters or faults, and what a page calls the next one's cursor goes on there.
#![no_main]

use domain::Timestamp;
use http_api::Query;
use libfuzzer_sys::fuzz_target;

/// The key of a list's row.
type Key = (String, u8);

fuzz_target!(|text: &[u8]| {
    let read = |text: &[u8]| Query::of_text(text, &["/metrics", "name"]);
    let mut query = read(text);
    query.limit();
    query.cursor::<Key>();
    query.metric();
    query.labels();
    query.time();
    query.window();
    query.full();
    query.sla();
    drop(query.finish());
    let mut query = read(text);
    query.shown_span(Timestamp::EPOCH);
    query.moment("as_of", Timestamp::EPOCH);
    query.skip();
    query.step();
    query.budget_window();
    query.texts("match[]");
    drop(query.finish());
    let mut query = read(text);
    query.rule_end();
    query.typed("metric", 10);
    drop(query.finish_known());

    let key: Key = (String::from_utf8_lossy(text).into_owned(), 7);
    let next = read(text).next(Timestamp::MAX, &key);
    let following = [text, b"&cursor=", next.as_bytes()].concat();
    if let Some(cursor) = read(&following).cursor::<Key>() {
        assert_eq!((cursor.pinned, cursor.after), (Timestamp::MAX, key));
    }
});
