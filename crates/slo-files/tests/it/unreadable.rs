//! What must hold for any body.

use domain::sla::BudgetWindow;
use proptest::{collection::vec, prelude::*};

/// As many as `PROPTEST_CASES` says, and enough for every day.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(2_000),
        ..config
    }
}

const FILES: [&str; 4] = [
    "version: prometheus/v1\nservice: web\nslos:\n- name: a\n  objective: 99.9\n  sli:\n    events:\n      error_query: sum(rate(e[{{.window}}]))\n      total_query: sum(rate(t[{{.window}}]))\n  alerting: {name: x, page_alert: {disable: true}}\n",
    "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  service: web\n  budgetingMethod: Occurrences\n  timeWindow: [{duration: 28d, isRolling: true}]\n  objectives: [{target: 0.99}]\n  indicator:\n    metadata: {name: i}\n    spec:\n      ratioMetric:\n        counter: true\n        good: {metricSource: {type: Prometheus, spec: {query: g}}}\n        total: {metricSource: {type: Prometheus, spec: {query: t}}}\n",
    "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: a}\nspec:\n  target: '99'\n  window: 2w\n  indicator: {ratio: {errors: {metric: 'e{code=~\"5..\"}'}, total: {metric: t}, grouping: [job]}}\n",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: sloth.slok.dev/v1, kind: PrometheusServiceLevel, metadata: {name: a}, spec: {service: s, slos: []}}\n",
];

/// What YAML and these files are made of.
fn any_piece() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "&a ",
        "*a",
        "<<: ",
        "---\n",
        "...\n",
        "? ",
        "| \n",
        "\"",
        "'",
        "#",
        "!!str ",
        "!!binary ",
        "%YAML 9\n",
        "null",
        "~",
        "-1",
        "1e400",
        ".nan",
        "0.999",
        "99.999999999999999999",
        "1M",
        "5m",
        "9999999999999999999d",
        "kind: SLO",
        "metadata: ",
        "name: \u{0}",
        "é",
        "\t",
    ]);
    piece.prop_map(str::to_owned)
}

/// A file with some of it replaced, left out or put in.
fn any_body() -> impl Strategy<Value = String> {
    let changed = (
        prop::sample::select(FILES.to_vec()),
        vec(
            (any::<prop::sample::Index>(), 0..30_usize, any_piece()),
            0..5,
        ),
    );
    prop_oneof![
        4 => changed.prop_map(|(file, changes)| {
            let mut text: Vec<char> = file.chars().collect();
            for (at, length, piece) in changes {
                let start = at.index(text.len() + 1);
                let end = (start + length).min(text.len());
                text.splice(start..end, piece.chars());
            }
            text.into_iter().collect()
        }),
        1 => vec(any_piece(), 0..30).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_body_makes_reading_it_panic(body in any_body()) {
        if let Ok(import) = slo_files::read(&body, BudgetWindow::default()) {
            prop_assert!(slo_files::count_documents(&body).is_ok());
            for sla in import.slas {
                prop_assert!(!sla.draft.objectives.is_empty());
            }
        }
    }
}

/// Whoever may write an SLA may send such a file.
#[test]
fn no_query_of_a_file_overflows_the_stack() {
    for query in [
        "(".repeat(20_000),
        "1+".repeat(20_000),
        "sum(".repeat(5_000),
    ] {
        for (file, before, after) in [
            (FILES[0], "error_query: ", "\n"),
            (FILES[0], "total_query: ", "\n"),
            (FILES[1], "{query: ", "}"),
            (FILES[2], "errors: {metric: ", "}, total"),
        ] {
            let (start, rest) = file.split_once(before).unwrap();
            let (_, end) = rest.split_once(after).unwrap();
            let body = format!("{start}{before}\"{query}\"{after}{end}");
            let _ = slo_files::read(&body, BudgetWindow::default());
        }
    }
}
