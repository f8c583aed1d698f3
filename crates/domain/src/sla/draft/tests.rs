use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

use super::{fields::LONGEST_HOLD, *};
use crate::sla::{BudgetWindow, Missing, Terms};

/// The faults of an objective that is `{"metric": "cpuUsage", "max": 80}` with `fields` over it, as pointers.
fn faults_with(fields: Value) -> Vec<String> {
    let mut objective = json!({"metric": "cpuUsage", "max": 80});
    for (name, value) in fields.as_object().unwrap() {
        objective[name] = value.clone();
    }
    pointers(json!({"objectives": [objective]}))
}

fn pointers(document: Value) -> Vec<String> {
    match Draft::parse(&document) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.pointer).collect(),
    }
}

#[test]
fn a_named_sla_is_read() {
    let draft = Draft::parse(&json!({"name": "web", "objectives": [
        {"id": "cpu", "metric": "cpuUsage", "labels": {"nodeName": "sv122"}, "min": 0, "max": 80, "for": "1m"},
        {"metric": "cpuTemp", "max": 1e3}
    ]}))
    .unwrap();
    assert_eq!(draft.name.as_deref(), Some("web"));
    let [cpu, temperature] = &draft.objectives[..] else {
        panic!("{draft:?}");
    };
    assert_eq!(cpu.id, "cpu");
    assert_eq!(cpu.labels, [("nodeName", "sv122")].into_iter().collect());
    assert_eq!(
        (cpu.min, cpu.max, cpu.hold),
        (Some(0.0), Some(80.0), Duration::from_secs(60))
    );
    assert_eq!(
        (temperature.min, temperature.max, temperature.hold),
        (None, Some(1000.0), Duration::ZERO)
    );
}

#[test]
fn ranges_by_metric_are_read() {
    let draft =
        Draft::parse(&json!({"cpuUsage": {"min": 0, "max": 80}, "cpuTemp": {"max": 70}})).unwrap();
    assert_eq!(draft.name, None);
    let ranges: Vec<_> = draft
        .objectives
        .iter()
        .map(|o| (o.metric.as_str(), o.min, o.max))
        .collect();
    assert_eq!(
        ranges,
        [
            ("cpuTemp", None, Some(70.0)),
            ("cpuUsage", Some(0.0), Some(80.0))
        ]
    );
}

#[test]
fn null_is_the_same_as_nothing() {
    let document = json!({"name": null, "objectives": [
        {"id": null, "metric": "m", "labels": null, "min": null, "max": 1, "for": null}
    ]});
    let bare = json!({"objectives": [{"metric": "m", "max": 1}]});
    assert_eq!(Draft::parse(&document), Draft::parse(&bare));
}

#[test]
fn an_invalid_document_is_told_by_pointer() {
    for (document, expected) in [
        (json!([]), vec![""]),
        (json!({}), vec![""]),
        (json!({"name": "web"}), vec!["/objectives"]),
        (json!({"objectives": []}), vec!["/objectives"]),
        (json!({"objectives": {}}), vec!["/objectives"]),
        (json!({"objectives": [1]}), vec!["/objectives/0"]),
        (
            json!({"objectives": [{"max": 1}]}),
            vec!["/objectives/0/metric"],
        ),
        (
            json!({"objectives": [{"metric": 1, "max": 1}]}),
            vec!["/objectives/0/metric"],
        ),
        (
            json!({"objectives": [{"metric": "", "max": 1}]}),
            vec!["/objectives/0/metric"],
        ),
        (
            json!({"objectives": [{"metric": "m".repeat(256), "max": 1}]}),
            vec!["/objectives/0/metric"],
        ),
        (json!({"cpuUsage": 80}), vec!["/cpuUsage"]),
        (json!({"a/b~": {}}), vec!["/a~1b~0"]),
        (
            json!({"cpuUsage": {"max": 1, "id": "x"}}),
            vec!["/cpuUsage/id"],
        ),
        (
            json!({"name": "web", "objectives": [{"metric": "m", "max": 1}], "owner": "x"}),
            vec!["/owner"],
        ),
    ] {
        assert_eq!(pointers(document.clone()), expected, "{document}");
    }
}

#[test]
fn an_invalid_name_is_refused() {
    for name in [
        json!(""),
        json!("Web"),
        json!("-web"),
        json!("a".repeat(64)),
        json!("try"),
        json!("wéb"),
        json!(1),
    ] {
        let document = json!({"name": name, "objectives": [{"metric": "m", "max": 1}]});
        assert_eq!(pointers(document), ["/name"], "{name}");
    }
    for name in [&"a".repeat(63), "0", "web-1.eu_west"] {
        assert!(SlaName::parse(name).is_ok(), "{name}");
    }
}

#[test]
fn an_invalid_field_of_an_objective_is_told_by_pointer() {
    for (fields, expected) in [
        (json!({"min": 81}), "/objectives/0/min"),
        (json!({"max": null}), "/objectives/0"),
        (json!({"max": "80"}), "/objectives/0/max"),
        (json!({"min": "NaN"}), "/objectives/0/min"),
        (json!({"min": [[]]}), "/objectives/0/min"),
        (json!({"for": "2h"}), "/objectives/0/for"),
        (json!({"for": "1h1ms"}), "/objectives/0/for"),
        (json!({"for": "soon"}), "/objectives/0/for"),
        (json!({"for": 60}), "/objectives/0/for"),
        (json!({"for": "-1m"}), "/objectives/0/for"),
        (json!({"labels": []}), "/objectives/0/labels"),
        (json!({"labels": {"": "x"}}), "/objectives/0/labels/"),
        (
            json!({"labels": {"__name__": "x"}}),
            "/objectives/0/labels/__name__",
        ),
        (json!({"labels": {"a": 1}}), "/objectives/0/labels/a"),
        (
            json!({"labels": {"a": "x".repeat(5000)}}),
            "/objectives/0/labels/a",
        ),
        (json!({"id": ""}), "/objectives/0/id"),
        (json!({"id": "a b"}), "/objectives/0/id"),
        (json!({"id": "i".repeat(64)}), "/objectives/0/id"),
        (json!({"id": 7}), "/objectives/0/id"),
        (json!({"severity": "page"}), "/objectives/0/severity"),
        (json!({"target": 99.5}), "/objectives/0/target"),
        (json!({"target": 1.2}), "/objectives/0/target"),
        (json!({"target": 1}), "/objectives/0/target"),
        (json!({"target": 0}), "/objectives/0/target"),
        (json!({"target": -0.5}), "/objectives/0/target"),
        (json!({"target": "0.995"}), "/objectives/0/target"),
        (json!({"target": [[]]}), "/objectives/0/target"),
        (
            json!({"budget_window": "3d"}),
            "/objectives/0/budget_window",
        ),
        (json!({"budget_window": 30}), "/objectives/0/budget_window"),
        (json!({"missing": "ignored"}), "/objectives/0/missing"),
        (json!({"missing": false}), "/objectives/0/missing"),
    ] {
        assert_eq!(faults_with(fields.clone()), [expected], "{fields}");
    }
    for fields in [
        json!({"min": 80}),
        json!({"for": "1h"}),
        json!({"for": "0"}),
        json!({"min": -1e308}),
        json!({"id": "A.b_c-1"}),
        json!({"target": 0.9999999, "budget_window": "1d", "missing": "bad"}),
        json!({"target": null, "budget_window": null, "missing": null}),
    ] {
        assert!(faults_with(fields.clone()).is_empty(), "{fields}");
    }
}

#[test]
fn a_percentage_for_a_target_is_answered_with_the_share_meant() {
    for (target, meant) in [("99.5", "0.995"), ("99.99", "0.9999"), ("95", "0.95")] {
        let text = format!(r#"{{"objectives":[{{"metric":"m","max":1,"target":{target}}}]}}"#);
        let faults = Draft::parse(&serde_json::from_str(&text).unwrap()).unwrap_err();
        assert_eq!(
            faults[0].reason,
            format!("a target is a share; did you mean {meant}?")
        );
    }
}

#[test]
fn the_terms_of_a_budget_are_read_and_come_back_from_what_is_stored() {
    let document = json!({"objectives": [
        {"metric": "m", "max": 1, "target": 0.995, "budget_window": "7d", "missing": "good"},
        {"metric": "n", "max": 1}
    ]});
    let draft = Draft::parse(&document).unwrap();
    assert_eq!(
        draft.objectives[0].terms(),
        Terms {
            target: Some(0.995),
            window: BudgetWindow::SevenDays,
            missing: Missing::Good,
            ending: Some(Duration::from_secs(900)),
        }
    );
    assert_eq!(
        draft.objectives[1].terms(),
        Terms {
            target: None,
            window: BudgetWindow::ThirtyDays,
            missing: Missing::Excluded,
            ending: Some(Duration::from_secs(900)),
        }
    );
    for objective in draft.objectives {
        let mut stored = serde_json::to_value(&objective).unwrap();
        assert_eq!(
            serde_json::from_value::<Objective>(stored.clone()).unwrap(),
            objective
        );
        // Stored before there were budgets, and before series ended.
        if objective.target.is_none() {
            for field in ["target", "budget_window", "missing", "hold", "series_end"] {
                stored.as_object_mut().unwrap().remove(field);
            }
            assert_eq!(
                serde_json::from_value::<Objective>(stored).unwrap(),
                objective
            );
        }
    }
}

#[test]
fn what_the_end_of_a_series_is_is_read() {
    let ending = |fields: Value| {
        let mut objective = json!({"metric": "m", "max": 1});
        for (name, value) in fields.as_object().unwrap() {
            objective[name] = value.clone();
        }
        let draft = Draft::parse(&json!({"objectives": [objective]})).unwrap();
        draft.objectives[0].ending()
    };
    for (fields, expected) in [
        (json!({}), Some(900)),
        (json!({"hold": null, "series_end": null}), Some(900)),
        (json!({"hold": "0s"}), Some(0)),
        (json!({"hold": "12h", "series_end": "ended"}), Some(43_200)),
        (json!({"hold": "1m", "series_end": "no_data"}), None),
    ] {
        let expected = expected.map(Duration::from_secs);
        assert_eq!(ending(fields.clone()), expected, "{fields}");
    }
    for (fields, pointer) in [
        (json!({"hold": "12h1ms"}), "/objectives/0/hold"),
        (json!({"hold": 900}), "/objectives/0/hold"),
        (json!({"hold": "soon"}), "/objectives/0/hold"),
        (json!({"series_end": "gone"}), "/objectives/0/series_end"),
        (json!({"series_end": true}), "/objectives/0/series_end"),
    ] {
        assert_eq!(faults_with(fields.clone()), [pointer], "{fields}");
    }
}

#[test]
fn an_id_twice_is_refused_where_it_comes_again() {
    let objective = |id: &str| json!({"id": id, "metric": "m", "max": 1});
    let document = json!({"objectives": [objective("a"), objective("b"), objective("a")]});
    assert_eq!(pointers(document), ["/objectives/2/id"]);
    let same = json!({"metric": "m", "max": 1.0});
    assert_eq!(
        pointers(json!({"objectives": [same, same]})),
        ["/objectives/1"]
    );
}

#[test]
fn there_are_at_most_10_000_objectives() {
    let objectives = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|max| json!({"metric": "m", "max": max}))
            .collect()
    };
    assert_eq!(pointers(json!({"objectives": objectives(10_000)})), [""; 0]);
    assert_eq!(
        pointers(json!({"objectives": objectives(10_001)})),
        ["/objectives"]
    );
}

#[test]
fn all_faults_are_told_at_once_up_to_a_hundred() {
    assert_eq!(
        faults_with(json!({"min": "a", "max": "b", "for": 1})).len(),
        3
    );
    let objectives = vec![json!({}); 500];
    assert_eq!(pointers(json!({"objectives": objectives})).len(), 100);
}

#[test]
fn the_default_id_never_changes() {
    let document = json!({"cpuUsage": {"min": 20, "max": 79.5}});
    let draft = Draft::parse(&document).unwrap();
    assert_eq!(draft.objectives[0].id, "aaba6e60fac0a739");
}

#[test]
fn the_default_id_depends_on_all_five_and_on_nothing_else() {
    let id = |fields: Value| {
        Draft::parse(&json!({"objectives": [fields]}))
            .unwrap()
            .objectives[0]
            .id
            .clone()
    };
    let base = id(json!({"metric": "m", "labels": {"a": "1"}, "min": 0, "max": 80, "for": "1m"}));
    assert_eq!(base.len(), 16);
    assert_eq!(
        base,
        id(json!({"for": "60s", "max": 80.0, "min": -0.0, "labels": {"a": "1"}, "metric": "m"}))
    );
    assert_eq!(
        base,
        id(
            json!({"metric": "m", "labels": {"a": "1"}, "min": 0, "max": 80, "for": "1m",
            "target": 0.99, "budget_window": "1d", "missing": "bad"})
        )
    );
    for other in [
        json!({"metric": "n", "labels": {"a": "1"}, "min": 0, "max": 80, "for": "1m"}),
        json!({"metric": "m", "labels": {"a": "2"}, "min": 0, "max": 80, "for": "1m"}),
        json!({"metric": "m", "labels": {"a": "1"}, "max": 80, "for": "1m"}),
        json!({"metric": "m", "labels": {"a": "1"}, "min": 0, "max": 80.00000000000001, "for": "1m"}),
        json!({"metric": "m", "labels": {"a": "1"}, "min": 0, "max": 80, "for": "2m"}),
    ] {
        assert_ne!(base, id(other.clone()), "{other}");
    }
    assert_ne!(
        id(json!({"metric": "m", "min": 1})),
        id(json!({"metric": "m", "max": 1}))
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z/~]{0,8}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        "name|objectives|metric|labels|min|max|for|id|target|budget_window|missing",
        "[a-zA-Z_/~]{0,4}"
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn whatever_is_accepted_keeps_the_rules(document in any_json()) {
        match Draft::parse(&document) {
            Ok(draft) => for objective in draft.objectives {
                prop_assert!(objective.min.is_some() || objective.max.is_some());
                prop_assert!(objective.min.zip(objective.max).is_none_or(|(min, max)| min <= max));
                prop_assert!(objective.hold <= LONGEST_HOLD);
                prop_assert!(objective.target.is_none_or(|target| target > 0.0 && target < 1.0));
            },
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}

#[test]
fn a_label_may_have_any_name() {
    let labels = json!({"service.name": "checkout", "a-b": "x", "1 é": "y"});
    let draft = json!({"objectives": [{"metric": "m", "labels": labels, "max": 1}]});
    let draft = Draft::parse(&draft).unwrap();
    assert_eq!(json!(draft.objectives[0].labels), labels);
}
