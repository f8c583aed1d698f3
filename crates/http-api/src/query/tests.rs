use proptest::{collection::vec, prelude::*};

use super::*;

fn query(pairs: &[(&str, &str)]) -> Query {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Query::of_pairs(pairs.iter().map(owned).collect(), &["/metrics"])
}

/// Takes all there is to take and returns the parameters that are wrong.
fn faulty(pairs: &[(&str, &str)]) -> Vec<String> {
    let mut query = query(pairs);
    query.limit();
    query.cursor::<u8>();
    query.metric();
    query.labels();
    query.window();
    query.time();
    query.full();
    query.sla();
    match query.finish() {
        Ok(()) => Vec::new(),
        Err(error) => {
            assert_eq!(error.status().as_u16(), 400);
            let body: serde_json::Value = match error.reply().body() {
                lambda_http::Body::Text(text) => serde_json::from_str(text).unwrap(),
                other => panic!("{other:?}"),
            };
            let errors = body["errors"].as_array().unwrap();
            errors
                .iter()
                .map(|error| error["parameter"].as_str().unwrap().to_owned())
                .collect()
        }
    }
}

#[test]
fn a_start_that_moves_with_the_clock_moves_by_whole_buckets() {
    let now: Timestamp = "2026-11-23T08:47:30Z".parse().unwrap();
    let from = |pairs| query(pairs).shown_span(now).from.unwrap().to_string();
    for (pairs, expected) in [
        (&[("from", "-3h")][..], "2026-11-23T05:45:00Z"),
        (&[("from", "08:12")], "2026-11-23T08:12:00Z"),
        (&[("from", "2026-11-23T06:01:02Z")], "2026-11-23T06:01:02Z"),
        (&[("from", "-3h"), ("to", "-1h")], "2026-11-23T05:47:30Z"),
    ] {
        assert_eq!(from(pairs), expected, "{pairs:?}");
    }
}

#[test]
fn what_is_not_given_is_its_default() {
    let mut query = query(&[]);
    assert_eq!(query.limit(), 100);
    assert_eq!(query.time(), TimeFilter::default());
    assert!(!query.full());
    assert_eq!(query.labels(), Labels::default());
    query.finish().unwrap();
}

#[test]
fn what_is_given_is_read() {
    let mut query = query(&[
        ("limit", "1000"),
        ("label.instance", "a:9100"),
        ("label.job", ""),
        ("window", "3h"),
        ("from", "2026-11-23T09:45:00+01:00"),
        ("full", "true"),
    ]);
    assert_eq!(query.limit(), 1000);
    assert_eq!(
        query.labels(),
        [("instance", "a:9100"), ("job", "")].into_iter().collect()
    );
    assert_eq!(query.window(), Some(Window::ThreeHours));
    assert_eq!(
        query.time().from.unwrap().to_string(),
        "2026-11-23T08:45:00Z"
    );
    assert!(query.full());
    query.finish().unwrap();
}

#[test]
fn an_as_of_narrows_the_span_to_one_run() {
    let time = |text: &str| Some(text.parse().unwrap());
    let (early, late) = ("2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z");
    for (pairs, from, to) in [
        (vec![("as_of", early)], time(early), time(early)),
        (
            vec![("as_of", early), ("to", late)],
            time(early),
            time(early),
        ),
        (
            vec![("as_of", early), ("from", late)],
            time(late),
            time(early),
        ),
    ] {
        assert_eq!(query(&pairs).time(), TimeFilter { from, to }, "{pairs:?}");
    }
}

#[test]
fn whatever_is_wrong_is_named() {
    let long = "x".repeat(9000);
    for (pairs, names) in [
        (vec![("limit", "0")], vec!["limit"]),
        (vec![("limit", "1001")], vec!["limit"]),
        (vec![("limit", "+5")], vec!["limit"]),
        (vec![("limit", "")], vec!["limit"]),
        (vec![("limit", "5"), ("limit", "5")], vec!["limit"]),
        (vec![("cursor", "x")], vec!["cursor"]),
        (vec![("metric", "")], vec!["metric"]),
        (vec![("metric", "a\0b")], vec!["metric"]),
        (vec![("metric", &long)], vec!["metric"]),
        (vec![("label.", "x")], vec!["label."]),
        (vec![("label.__name__", "x")], vec!["label.__name__"]),
        (vec![("label.a", &long[..5000])], vec!["label.a"]),
        (vec![("label.a", "1"), ("label.a", "2")], vec!["label.a"]),
        (vec![("label", "x")], vec!["label"]),
        (vec![("window", "2h")], vec!["window"]),
        (vec![("from", "yesterday")], vec!["from"]),
        (vec![("to", "2026-13-01T00:00:00Z")], vec!["to"]),
        (vec![("as_of", "1700000000")], vec!["as_of"]),
        (
            vec![
                ("from", "2026-11-23T08:45:00Z"),
                ("to", "2026-11-23T08:44:59Z"),
            ],
            vec!["from"],
        ),
        (vec![("full", "yes")], vec!["full"]),
        (vec![("sla", "Web")], vec!["sla"]),
        (
            vec![("sla", "x"), ("full", "1"), ("Limit", "1")],
            vec!["full", "Limit"],
        ),
    ] {
        assert_eq!(faulty(&pairs), names, "{pairs:?}");
    }
}

#[test]
fn a_flood_of_parameters_is_cut() {
    let names: Vec<String> = (0..500).map(|number| format!("p{number}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(faulty(&pairs).len(), 20);
}

#[test]
fn a_cursor_is_good_for_its_filters_whatever_the_limit() {
    let pinned = "2026-11-23T08:45:00Z".parse().unwrap();
    let cursor = query(&[("metric", "cpu"), ("limit", "2")]).next(pinned, 7u8);
    let mut same = query(&[("cursor", &cursor), ("metric", "cpu"), ("limit", "5")]);
    assert_eq!(same.cursor::<u8>().unwrap().after, 7);
    let mut other = query(&[("cursor", &cursor), ("metric", "mem")]);
    assert_eq!(other.cursor::<u8>(), None);
    assert!(other.finish().is_err());
}

#[test]
fn a_label_may_have_any_name() {
    let mut query = query(&[("label.service.name", "checkout"), ("label.é ✓", "1")]);
    let expected: Labels = [("service.name", "checkout"), ("é ✓", "1")]
        .into_iter()
        .collect();
    assert_eq!(query.labels(), expected);
    query.finish().unwrap();
}

#[test]
fn a_plus_that_nobody_encoded_is_read_as_one() {
    let from = |text| query(&[("from", text)]).time().from;
    assert_eq!(
        from("2026-10-25T02:30:00 02:00"),
        from("2026-10-25T00:30:00Z")
    );
    assert!(from("2026-10-25T02:30:00 02:00").is_some());
    let mut invalid = query(&[("from", "2026-10-25 02:30:00")]);
    invalid.time();
    let error = invalid.finish().unwrap_err().to_string();
    assert!(error.contains("`2026-10-25 02:30:00`"), "{error}");
    assert!(error.contains("%2B"), "{error}");
}

#[test]
fn a_cursor_is_good_for_the_names_in_its_path_alone() {
    let of = |name: &str, pairs: &[(&str, &str)]| {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Query::of_pairs(
            pairs.iter().map(owned).collect(),
            &["/sla/{name}/violations", name],
        )
    };
    let pinned = "2026-11-23T08:45:00Z".parse().unwrap();
    let cursor = of("web", &[]).next(pinned, 7u8);
    let read = |name: &str| of(name, &[("cursor", cursor.as_str())]).cursor::<u8>();
    assert!(read("web").is_some() && read("shop").is_none());
}

/// As many as `PROPTEST_CASES` says, and enough for every day.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(5_000),
        ..config
    }
}

fn any_parameter() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
        "limit",
        "cursor",
        "metric",
        "label.",
        "label.a",
        "label.__name__",
        "window",
        "from",
        "to",
        "as_of",
        "full",
        "sla",
        "step",
        "skip",
        "match[]",
        "é",
        "",
    ]);
    let value = prop::sample::select(vec![
        "",
        "0",
        "1000",
        "-1",
        "+1",
        "99999999999999999999",
        "1h",
        "9999999999999999d",
        "true",
        "all",
        "now",
        "-3h",
        "-99999999999999w",
        "08:12",
        "24:60",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00 02:00",
        "9999-12-31T23:59:59.999Z",
        "+999999-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        " ",
        "eyJ2IjoxfQ",
        "eyJ2IjoxLCJmIjoiIiwidCI6IiIsImsiOjF9",
        "%",
        "\u{0}",
        "a\u{301}",
        "web",
    ]);
    let any_of = |given: prop::sample::Select<&'static str>| prop_oneof![4 => given.prop_map(str::to_owned), 1 => any::<String>()];
    (any_of(name), any_of(value))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_parameters_make_reading_them_panic(pairs in vec(any_parameter(), 0..8), now in 0..4_000_000_000_000_i64) {
        let now = Timestamp::from_millis(now).unwrap();
        let read = || Query::of_pairs(pairs.clone(), &["/metrics", "name"]);
        let mut query = read();
        query.limit();
        query.cursor::<(String, u8)>();
        query.metric();
        query.labels();
        query.time();
        query.window();
        query.full();
        query.sla();
        let _ = query.finish();
        let mut query = read();
        query.shown_span(now);
        query.moment("as_of", now);
        query.skip();
        query.step();
        query.budget_window();
        query.texts("match[]");
        let _ = query.finish();
        let mut query = read();
        query.rule_end();
        query.typed("metric", 10);
        let _ = query.finish_known();
    }

    #[test]
    fn a_cursor_that_was_changed_is_refused_or_goes_on_in_the_same_list(at in any::<prop::sample::Index>(), with in any::<char>()) {
        let pinned = "2026-11-23T08:45:00Z".parse().unwrap();
        let whole = Cursor::encode("of this list", pinned, ("row", 7_u8));
        let mut changed: Vec<char> = whole.chars().collect();
        let at = at.index(changed.len());
        changed[at] = with;
        let changed: String = changed.into_iter().collect();
        if Cursor::<(String, u8)>::decode(&changed, "of this list").is_ok() {
            prop_assert!(Cursor::<(String, u8)>::decode(&changed, "of another").is_err());
        }
    }
}
