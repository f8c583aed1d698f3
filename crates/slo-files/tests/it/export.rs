//! An SLA becomes OpenSLO, and OpenSLO the same SLA.

use domain::sla::{BudgetWindow, Draft};
use proptest::prelude::*;
use serde_json::{Value, json};
use slo_files::{ImportOrigin, export};

use crate::{adapted, read};

fn draft(document: Value) -> Draft {
    Draft::parse(&document).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn written(draft: &Draft) -> String {
    export(
        draft.name.as_ref().unwrap(),
        &draft.about,
        &draft.objectives,
    )
}

fn assert_comes_back(draft: &Draft) {
    let yaml = written(draft);
    let import = read(&yaml);
    assert_eq!((import.adapted, import.refused), (vec![], vec![]), "{yaml}");
    let [sla] = &import.slas[..] else {
        panic!("{yaml}")
    };
    assert_eq!(sla.draft, *draft, "{yaml}");
    assert_eq!(sla.origin, ImportOrigin::Export);
}

fn example() -> Draft {
    draft(json!({
        "name": "web", "display_name": "Web", "description": "Pages\nand forms",
        "annotations": {"team": "a", "service": "shop", "true": "\u{2028}é\"\\"},
        "objectives": [
            {"id": "Errors", "events": {"bad": "e{code=~\"5..\"}", "total": "t"}, "by": ["b", "a"], "target": 0.999, "min_bad": 3,
             "alerts": [{"long": "1h30m", "short": "5m", "budget_share": 0.02, "severity": "ticket", "name": "Fast", "labels": {"a": "b"}}]},
            {"id": "errors", "events": {"good": "g # all", "bad": "b"}, "method": "timeslices", "slice": "5m", "slice_target": 0.9,
             "no_traffic": "good", "description": "of slices"},
            {"id": "lag", "query": "max(lag)", "step": "15s", "min": 0.1, "max": 1e21, "target": 0.9, "for": "1m", "alerts": [],
             "budget_window": {"calendar": "1M", "starts": "2026-01-31T00:00:00", "time_zone": "Europe/Rome"}},
            {"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "min": -5, "missing": "bad", "series_end": "no_data",
             "severity": "ticket", "runbook": "https://wiki.example.com/cpu", "expect": {"probability": 0.5}, "hold": "0s",
             "budget_window": "36h"},
            {"id": "all", "target": 0.99, "budget_window": "7d", "events": {"composite": {"parts": [
                {"objective": "Errors", "weight": 3}, {"objective": "either"}]}}},
            {"id": "either", "events": {"good": "sum(rate(x[5m]))", "bad": "y + z"}, "method": "timeslices", "slice_target": 0.9,
             "no_traffic": "bad"},
            {"id": "worst", "events": {"composite": {"combine": "worst", "parts": [{"objective": "either"}, {"objective": "Errors"}]}}},
        ],
    }))
}

#[test]
fn an_export_is_valid_openslo_with_a_comment_where_openslo_has_no_word() {
    let yaml = written(&example());
    for said in [
        "apiVersion: \"openslo/v1\"",
        "slacast/document says null",
        "metrics.toml",
        "timeZone: \"Europe/Rome\"",
        "lookbackWindow: \"90m\"",
        "duration: \"36h\"",
        "service: \"shop\"",
    ] {
        assert!(yaml.contains(said), "{said}\n{yaml}");
    }
    assert_eq!(yaml.matches("---\n").count(), 7);
    let weighted = "(3 * (sum(rate(e{code=~\"5..\"}[5m])) / sum(rate(t[5m]))) + 1 * \
                    ((sum(rate(y[5m])) + sum(rate(z[5m]))) / (sum(rate(x[5m])) + (sum(rate(y[5m])) + sum(rate(z[5m])))))) / 4";
    assert!(yaml.contains(&json!(weighted).to_string()), "{yaml}");
    let worst = "max(label_replace((sum(rate(y[5m])) + ";
    assert!(yaml.contains(worst), "{yaml}");
}

#[test]
fn an_export_comes_back_as_the_same_sla() {
    assert_comes_back(&example());
}

#[test]
fn what_was_changed_in_an_export_counts_and_is_reported() {
    let yaml = written(&example());
    let changed = yaml.replacen("target: 0.999", "target: 0.99", 1);
    assert_eq!(adapted(&changed), ["0:/spec/objectives/0/target"]);
    let objectives = &read(&changed).slas[0].draft.objectives;
    let objective = json!(objectives[0]);
    assert_eq!(
        (
            &objective["target"],
            &objective["by"],
            &objective["min_bad"]
        ),
        (&json!(0.99), &json!(["a", "b"]), &json!(3.0))
    );
    assert_eq!(objectives[1..], example().objectives[1..]);
    let other_kind = written(&draft(json!({"name": "web", "objectives": [
        {"id": "Lag", "query": "max(lag)", "max": 5, "for": "1m", "runbook": "https://x.example/a", "target": 0.9}]})));
    let at = other_kind.find("thresholdMetric:").unwrap();
    let indent = at - other_kind[..at].rfind('\n').unwrap() - 1;
    let source =
        |query| format!("{{metricSource: {{type: Prometheus, spec: {{query: {query}}}}}}}");
    let ratio = format!(
        "ratioMetric: {{counter: true, bad: {}, total: {}}}\n{}was:",
        source("e"),
        source("t"),
        " ".repeat(indent)
    );
    let other_kind = other_kind.replacen("thresholdMetric:", &ratio, 1);
    let import = read(&other_kind);
    assert_eq!(import.refused, [], "{other_kind}");
    let objective = json!(import.slas[0].draft.objectives[0]);
    assert_eq!(
        (
            &objective["id"],
            &objective["events"]["bad"],
            &objective["runbook"]
        ),
        (&json!("Lag"), &json!("e"), &json!("https://x.example/a"))
    );
    assert!(adapted(&other_kind).contains(&"0:/metadata/annotations/slacast~1document".to_owned()));
    let of_metric = written(&draft(json!({"name": "web", "objectives": [
        {"id": "cpu", "metric": "cpuUsage", "max": 80, "for": "1m", "hold": "1h", "target": 0.9}]})));
    let other_query = of_metric.replacen("query: \"cpuUsage", "query: \"sum(up) # ", 1);
    let import = read(&other_query);
    assert_eq!(import.refused, [], "{other_query}");
    let objective = json!(import.slas[0].draft.objectives[0]);
    assert_eq!(
        [&objective["query"], &objective["for"], &objective["hold"]],
        ["sum(up) #", "1m", "1h"]
    );
    let spoilt = yaml.replacen("slacast/document: \"{", "slacast/document: \"", 1);
    assert!(adapted(&spoilt).contains(&"0:/metadata/annotations/slacast~1document".to_owned()));
}

#[test]
fn what_only_a_later_document_of_an_export_says_of_the_sla_is_left_out() {
    let yaml = written(&example());
    let at = yaml.rfind("description: \"Pages").unwrap();
    let edited = format!(
        "{}{}",
        &yaml[..at],
        yaml[at..].replacen("Pages", "Sheets", 1)
    );
    let import = read(&edited);
    assert_eq!(import.slas[0].draft, example());
    let [adapted] = &import.adapted[..] else {
        panic!("{:?}", import.adapted)
    };
    assert_eq!(adapted.place.pointer, "/spec/description");
    assert!(adapted.what.contains("is left out"), "{}", adapted.what);
}

#[test]
fn what_hangs_on_a_change_counts_as_the_document_says_it() {
    let slices = written(&draft(json!({"name": "web", "objectives": [
        {"id": "errors", "events": {"bad": "e", "total": "t"}, "method": "timeslices", "target": 0.99}]})));
    let share = written(&draft(json!({"name": "web", "objectives": [
        {"id": "errors", "events": {"bad": "e", "total": "t"}, "target": 0.99, "budget_window": "7d",
         "alerts": [{"long": "1h", "short": "5m", "budget_share": 0.02, "severity": "page"}]}]})));
    for (yaml, from, to, changed, hanging, field, value) in [
        (
            &slices,
            "target: 0.99\n",
            "target: 0.95\n",
            "/spec/objectives/0/target",
            "/spec/objectives/0/timeSliceTarget",
            "/slice_target",
            json!(0.99),
        ),
        (
            &share,
            "duration: \"7d\"",
            "duration: \"30d\"",
            "/spec/timeWindow/0/duration",
            "/spec/alertPolicies/0/spec/conditions/0/spec/condition/threshold",
            "/alerts/0/factor",
            json!(3.36),
        ),
    ] {
        assert!(yaml.contains(from), "{yaml}");
        let edited = yaml.replacen(from, to, 1);
        let found = json!(read(&edited).slas[0].draft.objectives[0]);
        assert_eq!(found.pointer(field), Some(&value), "{found}");
        let mut places = [format!("0:{changed}"), format!("0:{hanging}")];
        places.sort();
        assert_eq!(adapted(&edited), places);
    }
    let both = slices
        .replacen("target: 0.99\n", "target: 0.95\n", 1)
        .replacen("timeSliceTarget: 0.99", "timeSliceTarget: 0.95", 1);
    let found = json!(read(&both).slas[0].draft.objectives[0]);
    assert_eq!(found["slice_target"], json!(0.95));
    let share = share.replacen("op: \"gte\"", "op: \"gt\"", 1);
    let found = json!(read(&share).slas[0].draft.objectives[0]);
    assert_eq!(found["alerts"][0]["budget_share"], json!(0.02));
}

/// An export without annotations of these names.
fn without(yaml: &str, names: &[&str]) -> String {
    let is_kept = |line: &&str| {
        let line = line.trim_start().replace('"', "");
        !names.iter().any(|name| line.starts_with(name))
    };
    let lines: Vec<&str> = yaml.lines().filter(is_kept).collect();
    lines.join("\n")
}

#[test]
fn an_export_is_of_the_sla_that_it_names_whatever_else_it_says() {
    let yaml = written(&draft(json!({"name": "web", "objectives": [
        {"id": "Lag", "query": "max(lag)", "max": 5, "target": 0.9},
        {"id": "Errors", "events": {"bad": "e", "total": "t"}, "target": 0.9},
    ]})));
    for (names, ids) in [
        (&["slacast/objective:"][..], ["Lag", "Errors"]),
        (&["slacast/document:"], ["Lag", "Errors"]),
        (
            &["slacast/document:", "slacast/objective:"],
            ["web-lag", "web-errors"],
        ),
    ] {
        let import = read(&without(&yaml, names));
        assert_eq!(import.refused, [], "{names:?}\n{yaml}");
        let [sla] = &import.slas[..] else {
            panic!("{names:?}: {import:?}")
        };
        assert_eq!((&*sla.name, &sla.origin), ("web", &ImportOrigin::Export));
        let found = sla.draft.objectives.iter();
        let found: Vec<&str> = found.map(|one| one.id().as_str()).collect();
        assert_eq!(found, ids, "{names:?}\n{yaml}");
    }
    let spoilt = yaml.replace("slacast/document: \"{", "slacast/document: \"");
    let found = read(&spoilt).slas.remove(0).draft.objectives;
    assert_eq!((&**found[0].id(), &**found[1].id()), ("Lag", "Errors"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{1,12}", "\\PC{1,12}"].prop_filter("texts are not empty", |text| {
        !text.trim().is_empty() && text.trim() == text
    })
}

fn share() -> impl Strategy<Value = f64> {
    (1e-6..1.0_f64).prop_filter("a share is below 1", |share| *share < 1.0)
}

fn alerts() -> impl Strategy<Value = Value> {
    let pair = (1_u64..10_000, any::<bool>(), 0.01..100.0_f64, text()).prop_map(|(minutes, is_share, pace, name)| {
        let pace_name = if is_share { "budget_share" } else { "factor" };
        json!({"long": format!("{minutes}m"), "short": "1m", pace_name: pace, "name": name, "labels": {"l": name}})
    });
    prop_oneof![
        Just(Value::Null),
        prop::collection::vec(pair, 0..3).prop_map(|pairs| json!(pairs)),
    ]
}

fn window() -> impl Strategy<Value = Value> {
    prop_oneof![
        (3_600_u64..31_536_000).prop_map(|seconds| json!(format!("{seconds}s"))),
        prop::sample::select(vec!["1w", "1M", "1Q", "1Y"])
            .prop_map(|unit| json!({"calendar": unit, "starts": "2026-01-31T12:00:01", "time_zone": "America/New_York"})),
    ]
}

fn objective() -> impl Strategy<Value = Value> {
    let events = (0..3_usize, prop::sample::select(vec!["occurrences", "timeslices", "ratio_timeslices"]), share()).prop_map(
        |(given, method, share)| {
            let given = [["good", "bad"], ["good", "total"], ["bad", "total"]][given];
            let mut objective = json!({"events": {given[0]: "sum(rate(x{a=\"b\"}[5m]))", given[1]: "y + z"}, "method": method, "by": ["n"]});
            if method == "timeslices" {
                objective["slice_target"] = json!(share);
            }
            objective
        },
    );
    let range = (any::<bool>(), -1e9..1e9_f64, 1_u64..300, any::<bool>()).prop_map(
        |(is_query, bound, step, is_max)| {
            let side = if is_max { "max" } else { "min" };
            if is_query {
                json!({"query": "max(x) by (a)", "step": format!("{step}s"), side: bound})
            } else {
                json!({"metric": "cpuUsage", side: bound, "labels": {"job": "a\"b"}})
            }
        },
    );
    let kind = prop_oneof![events, range];
    (
        kind,
        prop::option::of(share()),
        window(),
        alerts(),
        prop::option::of(text()),
    )
        .prop_map(|(mut objective, target, window, alerts, name)| {
            objective["target"] = json!(target);
            objective["budget_window"] = window;
            objective["alerts"] = alerts;
            objective["display_name"] = json!(name);
            objective
        })
}

proptest! {
    #[test]
    fn import_of_an_export_is_the_same_sla(
        objectives in prop::collection::vec(objective(), 1..5),
        about in (prop::option::of(text()), prop::option::of(text()), prop::collection::btree_map(text(), text(), 0..3)),
    ) {
        let mut objectives = objectives;
        for (number, objective) in objectives.iter_mut().enumerate() {
            objective["id"] = json!(format!("o.{number}"));
        }
        let (display_name, description, annotations) = about;
        let document = json!({
            "name": "web", "display_name": display_name, "description": description,
            "annotations": annotations, "objectives": objectives,
        });
        assert_comes_back(&draft(document));
    }
}

/// An export with another value of a field, in quotation marks or not.
fn edited(yaml: &str, field: &str, value: &str) -> String {
    let edit = |line: &str| match line.trim_start().split_once(": ") {
        Some((name, _)) if name == field => {
            let indent = line.len() - line.trim_start().len();
            format!("{}{name}: {value}", " ".repeat(indent))
        }
        _ => line.to_owned(),
    };
    let lines: Vec<String> = yaml.lines().map(edit).collect();
    lines.join("\n")
}

proptest! {
    #[test]
    fn what_openslo_says_in_an_edited_export_is_what_counts(
        objective in objective(),
        target in share(),
        days in 1..365_u32,
        which in 1..4_u8,
    ) {
        let mut objective = objective;
        objective["id"] = json!("o");
        let mut yaml = written(&draft(json!({"name": "web", "objectives": [objective]})));
        if which & 1 > 0 {
            yaml = edited(&yaml, "target", &target.to_string());
        }
        if which & 2 > 0 && yaml.contains("isRolling: true") {
            yaml = edited(&yaml, "duration", &format!("\"{days}d\""));
        }
        let import = read(&yaml);
        prop_assert_eq!(&import.refused, &vec![]);
        let again = written(&import.slas[0].draft);
        let said = |yaml: &str| without(yaml, &["slacast/document:", "#", "---"]);
        prop_assert_eq!(said(&again), said(&yaml));
    }
}

#[test]
fn the_window_of_sloth_changes_no_export() {
    let yaml = written(&example());
    let import = slo_files::read(&yaml, BudgetWindow::days(7)).unwrap();
    assert_eq!(import.slas[0].draft, example());
}
