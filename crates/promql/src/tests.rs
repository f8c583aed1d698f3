//! What must hold for any text.

use proptest::{collection::vec, prelude::*};

use crate::{EventsShare, EventsSum, Query, Reading, selected, with_a_window};

/// As many as `PROPTEST_CASES` says, and enough for every day.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(5_000),
        ..config
    }
}

/// What PromQL is made of, and what it is not.
fn any_query() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "up",
        "sum",
        "rate",
        "by",
        "without",
        "on",
        "group_left",
        "offset",
        "bool",
        "and",
        "or",
        "unless",
        "atan2",
        "inf",
        "nan",
        "1",
        "0x1f",
        "1e400",
        "5m",
        "1d2h",
        "(",
        "(",
        ")",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        "=",
        "!=",
        "=~",
        "!~",
        "==",
        "<",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "@",
        ":",
        "#",
        "\n",
        "\"",
        "'",
        "`",
        "\\",
        "a",
        "le",
        "le=\"1\"",
        "{{.window}}",
        "{{",
        "start()",
        "é",
        "\u{0}",
        " ",
        "job=~\"[\"",
        "job=\"a\"",
    ]);
    prop_oneof![
        3 => vec(word, 0..24).prop_map(|words| words.concat()),
        1 => any::<String>(),
    ]
}

fn read_everything(text: &str) {
    let _ = Reading::parse(text);
    let _ = EventsShare::parse(text);
    let _ = EventsSum::difference(text);
    let _ = EventsSum::parse_guarded_total(text);
    let _ = with_a_window(text);
    for selected in selected(text) {
        let _ = (selected.name(), selected.selector());
    }
    if let Ok(sum) = EventsSum::parse(text) {
        assert!(sum.counts_the_same(&sum));
        assert_eq!(sum.terms.len(), sum.selectors.len());
    }
    if let Some(Query::Selector(selector)) = Query::parse(text) {
        // What is read again is the same selector.
        if !selector.matchers.is_empty() {
            let again = crate::Selector::of(selector.matchers.clone());
            let Some(Query::Selector(read)) = Query::parse(&again.text) else {
                panic!("{} is not read again", again.text)
            };
            assert_eq!(read.matchers, selector.matchers);
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_text_makes_reading_it_panic(text in any_query()) {
        read_everything(&text);
    }
}

/// Whoever may write an SLA may write such a text: reading it must not take more stack than a thread has.
#[test]
fn no_depth_makes_reading_it_overflow_the_stack() {
    for (open, middle, close) in [
        ("(", "up", ")"),
        ("-", "up", ""),
        ("- ", "1", ""),
        ("sum(", "up", ")"),
        ("1+", "1", ""),
        ("1*", "1", ""),
        ("1^", "1", ""),
        ("up and ", "up", ""),
        ("up==", "up", ""),
        ("{", "", "}"),
        ("up{a=\"1\",", "b=\"1\"", "}"),
        ("[", "", "]"),
        ("max_over_time(", "up", "[5m:1m])"),
        ("", "up", " offset 5m"),
        ("", "up", "[5m:1m]"),
        ("{{", "", "}}"),
    ] {
        for depth in [50, 499, 1_000, 20_000] {
            read_everything(&format!(
                "{}{middle}{}",
                open.repeat(depth),
                close.repeat(depth)
            ));
        }
    }
}
