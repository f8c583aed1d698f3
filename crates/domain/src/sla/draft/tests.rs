use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

use super::{fields::LONGEST_HOLD, *};
use crate::sla::{
    AnyObjective, BudgetWindow, EventsObjective, Method, Missing, Sla, SliceLength, Terms,
};

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
    let [cpu, temperature] = &draft.ranges()[..] else {
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
    let objectives = draft.ranges();
    let ranges: Vec<_> = objectives
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
        (json!({"severity": "critical"}), "/objectives/0/severity"),
        (json!({"severity": 1}), "/objectives/0/severity"),
        (json!({"runbook": "wiki"}), "/objectives/0/runbook"),
        (json!({"runbook": ["https://w"]}), "/objectives/0/runbook"),
        (json!({"expect": 0.5}), "/objectives/0/expect"),
        (
            json!({"expect": {"chance": 0.5}}),
            "/objectives/0/expect/chance",
        ),
        (
            json!({"expect": {"probability": 0}}),
            "/objectives/0/expect/probability",
        ),
        (
            json!({"expect": {"probability": 1.1}}),
            "/objectives/0/expect/probability",
        ),
        (
            json!({"expect": {"exhausted_in": "6h"}}),
            "/objectives/0/expect/exhausted_in",
        ),
        (
            json!({"target": 0.9, "expect": {"exhausted_in": "31d"}}),
            "/objectives/0/expect/exhausted_in",
        ),
        (
            json!({"target": 0.9, "expect": {"exhausted_in": 6}}),
            "/objectives/0/expect/exhausted_in",
        ),
        (json!({"target": 99.5}), "/objectives/0/target"),
        (json!({"target": 1.2}), "/objectives/0/target"),
        (json!({"target": 1}), "/objectives/0/target"),
        (json!({"target": 0}), "/objectives/0/target"),
        (json!({"target": -0.5}), "/objectives/0/target"),
        (json!({"target": "0.995"}), "/objectives/0/target"),
        (json!({"target": [[]]}), "/objectives/0/target"),
        (
            json!({"budget_window": "30m"}),
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
        json!({"severity": "page", "runbook": "https://wiki.example.com/cpu"}),
        json!({"severity": "ticket", "expect": {"probability": 1}}),
        json!({"target": 0.99, "expect": {"probability": 0.5, "exhausted_in": "6h"}}),
        json!({"severity": null, "runbook": null, "expect": null}),
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
        draft.ranges()[0].terms(),
        Terms {
            target: Some(0.995),
            window: BudgetWindow::days(7),
            missing: Missing::Good,
            alerts: None,
            ending: Some(Duration::from_secs(900)),
        }
    );
    assert_eq!(
        draft.ranges()[1].terms(),
        Terms {
            target: None,
            window: BudgetWindow::days(30),
            missing: Missing::Excluded,
            alerts: None,
            ending: Some(Duration::from_secs(900)),
        }
    );
    for objective in draft.ranges() {
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
        draft.ranges()[0].ending()
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
    assert_eq!(draft.ranges()[0].id, "aaba6e60fac0a739");
}

#[test]
fn the_default_id_depends_on_all_five_and_on_nothing_else() {
    let id = |fields: Value| {
        Draft::parse(&json!({"objectives": [fields]}))
            .unwrap()
            .ranges()[0]
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
        "name|objectives|metric|labels|min|max|for|id|target|budget_window|missing|alerts",
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
            Ok(draft) => for objective in draft.ranges() {
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
    assert_eq!(json!(draft.ranges()[0].labels), labels);
}

#[test]
fn an_objective_with_events_is_one_of_events() {
    let events = json!({"bad": "errors", "total": "requests"});
    let draft = Draft::parse(&json!({"name": "web", "objectives": [
        {"metric": "m", "max": 1},
        {"id": "availability", "events": events, "by": ["b", "a"], "target": 0.999, "budget_window": "28d"},
        {"events": {"good": "g", "total": "t"}, "method": "timeslices", "slice": "5m", "slice_target": 0.9,
         "no_traffic": "good", "min_bad": 3},
    ]}))
    .unwrap();
    let [
        AnyObjective::Range(_),
        AnyObjective::Events(first),
        AnyObjective::Events(second),
    ] = &draft.objectives[..]
    else {
        panic!("{draft:?}")
    };
    assert_eq!(
        (first.id.as_str(), &first.by[..]),
        ("availability", &["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(
        (first.target, first.method, first.min_bad),
        (Some(0.999), Method::Occurrences, 1.0)
    );
    assert_eq!(
        (second.slice, second.slice_target, second.min_bad),
        (SliceLength::FiveMinutes, Some(0.9), 3.0)
    );
    let sla = Sla::new("web".parse().unwrap(), 1, draft.objectives.clone());
    assert_eq!(sla.all(), draft.objectives);
    for objective in &draft.objectives {
        let written = serde_json::to_value(objective).unwrap();
        let read: AnyObjective = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(&read, objective, "{written}");
    }
}

#[test]
fn what_an_objective_of_events_is_answered_with_can_be_put_back() {
    let objective = json!({"events": {"bad": "errors", "total": "requests"}, "target": 0.99});
    let draft = Draft::parse(&json!({"objectives": [objective]})).unwrap();
    let again = Draft::parse(&json!({"objectives": [draft.objectives[0]]})).unwrap();
    assert_eq!(again.objectives, draft.objectives);
}

/// An SLA with two objectives of events, one of ranges, one of long slices, and a composite of `parts`.
fn with_composite(composite: Value) -> Value {
    json!({"name": "shop", "objectives": [
        {"id": "search", "events": {"bad": "errors", "total": "requests"}, "by": ["service"]},
        {"id": "pay", "events": {"good": "paid", "total": "payments"}, "method": "timeslices", "slice_target": 0.9, "no_traffic": "good"},
        {"id": "cpu", "metric": "m", "max": 1},
        {"id": "slow", "events": {"good": "g", "total": "t"}, "method": "ratio_timeslices", "slice": "5m"},
        {"id": "all", "target": 0.99, "events": {"composite": composite}},
        {"id": "again", "events": {"composite": {"parts": [{"objective": "search"}, {"objective": "pay"}]}}},
    ]})
}

fn composite_of(draft: &Draft) -> &EventsObjective {
    match &draft.objectives[4] {
        AnyObjective::Events(objective) => objective,
        AnyObjective::Range(_) => panic!("a range"),
    }
}

#[test]
fn a_composite_counts_what_its_parts_count() {
    let parts = json!([{"objective": "search", "weight": 3}, {"objective": "pay"}]);
    let draft = Draft::parse(&with_composite(json!({"parts": parts}))).unwrap();
    let objective = composite_of(&draft);
    assert!(objective.min_bad <= 0.0);
    assert_eq!(
        json!(objective.events),
        json!({"composite": {"combine": "weighted", "parts": [
            {"objective": "search", "weight": 3.0, "events": {"bad": "errors", "total": "requests"}, "no_traffic": "excluded"},
            {"objective": "pay", "weight": 1.0, "events": {"good": "paid", "total": "payments"}, "slice_target": 0.9,
             "no_traffic": "good"},
        ]}})
    );
    let sums: Vec<&str> = objective.events.counted().map(|(_, sum)| sum).collect();
    assert_eq!(sums, ["errors", "requests", "paid", "payments"]);

    // What it is answered with can be put back, and follows the objective that changed since.
    let mut written = json!({"name": "shop", "objectives": draft.objectives});
    for objective in written["objectives"].as_array_mut().unwrap() {
        let is_occurrences = objective["method"] == "occurrences";
        let unwanted: &[&str] = if is_occurrences {
            &["slice", "slice_target"]
        } else {
            &[]
        };
        unwanted.iter().for_each(|field| {
            objective.as_object_mut().unwrap().remove(*field);
        });
    }
    assert_eq!(Draft::parse(&written).unwrap().objectives, draft.objectives);
    written["objectives"][0]["events"]["bad"] = json!("failures");
    let changed = Draft::parse(&written).unwrap();
    let events = json!(composite_of(&changed).events);
    assert_eq!(events["composite"]["parts"][0]["events"]["bad"], "failures");
    assert_ne!(composite_of(&changed).definition(), objective.definition());
}

#[test]
fn what_a_composite_counts_is_its_definition_and_not_its_names() {
    let of = |composite: Value| {
        let draft = Draft::parse(&with_composite(composite)).unwrap();
        composite_of(&draft).definition()
    };
    let parts =
        |weight: f64| json!([{"objective": "search", "weight": weight}, {"objective": "pay"}]);
    let weighted = of(json!({"parts": parts(2.0)}));
    assert_ne!(of(json!({"parts": parts(3.0)})), weighted);
    assert_ne!(
        of(json!({"combine": "worst", "parts": parts(2.0)})),
        weighted
    );
    assert_eq!(
        of(json!({"combine": "worst", "parts": parts(2.0)})),
        of(json!({"combine": "worst", "parts": parts(3.0)}))
    );
}

#[test]
fn every_wrong_field_of_a_composite_is_named() {
    let search = json!({"objective": "search"});
    let at = "/objectives/4/events/composite";
    for (wrong, pointer) in [
        (json!(1), String::new()),
        (json!({}), "/parts".to_owned()),
        (json!({"parts": [search]}), "/parts".to_owned()),
        (json!({"parts": vec![&search; 21]}), "/parts".to_owned()),
        (
            json!({"parts": [search, search]}),
            "/parts/1/objective".to_owned(),
        ),
        (json!({"parts": [search, 1]}), "/parts/1".to_owned()),
        (
            json!({"parts": [search, {}]}),
            "/parts/1/objective".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "none"}]}),
            "/parts/1/objective".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "cpu"}]}),
            "/parts/1/objective".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "slow"}]}),
            "/parts/1/objective".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "again"}]}),
            "/parts/1/objective".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "pay", "weight": 0}]}),
            "/parts/1/weight".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "pay", "weight": 1e7}]}),
            "/parts/1/weight".to_owned(),
        ),
        (
            json!({"parts": [search, {"objective": "pay", "share": 1}]}),
            "/parts/1/share".to_owned(),
        ),
        (
            json!({"combine": "best", "parts": [search, {"objective": "pay"}]}),
            "/combine".to_owned(),
        ),
        (
            json!({"of": 1, "parts": [search, {"objective": "pay"}]}),
            "/of".to_owned(),
        ),
    ] {
        assert_eq!(
            pointers(with_composite(wrong.clone())),
            [format!("{at}{pointer}")],
            "{wrong}"
        );
    }
    let right = json!({"parts": [search, {"objective": "pay"}]});
    let mut with_sum = with_composite(right.clone());
    with_sum["objectives"][4]["events"]["bad"] = json!("errors");
    assert_eq!(pointers(with_sum), ["/objectives/4/events/bad"]);
    let mut with_groups = with_composite(right);
    with_groups["objectives"][4]["by"] = json!(["service"]);
    assert_eq!(pointers(with_groups), ["/objectives/4/by"]);
}

#[test]
fn every_wrong_field_of_an_objective_of_events_is_named() {
    let right = json!({"bad": "errors", "total": "requests"});
    for (wrong, pointer) in [
        (json!({"events": 1}), "/objectives/0/events"),
        (json!({"events": {}}), "/objectives/0/events"),
        (json!({"events": {"bad": "x"}}), "/objectives/0/events"),
        (
            json!({"events": {"bad": "x", "good": "y", "total": "z"}}),
            "/objectives/0/events",
        ),
        (
            json!({"events": {"bad": "x", "all": "z"}}),
            "/objectives/0/events/all",
        ),
        (
            json!({"events": {"bad": " ", "total": "z"}}),
            "/objectives/0/events/bad",
        ),
        (
            json!({"events": {"bad": 1, "total": "z"}}),
            "/objectives/0/events/bad",
        ),
        (
            json!({"events": {"bad": "x".repeat(4097), "total": "z"}}),
            "/objectives/0/events/bad",
        ),
        (json!({"metric": "m"}), "/objectives/0/metric"),
        (json!({"max": 1}), "/objectives/0/max"),
        (json!({"by": "a"}), "/objectives/0/by"),
        (json!({"by": [1]}), "/objectives/0/by/0"),
        (json!({"by": ["__name__"]}), "/objectives/0/by/0"),
        (json!({"by": ["a", "a"]}), "/objectives/0/by/1"),
        (json!({"target": 99.9}), "/objectives/0/target"),
        (
            json!({"budget_window": "30m"}),
            "/objectives/0/budget_window",
        ),
        (json!({"method": "mean"}), "/objectives/0/method"),
        (json!({"slice": "5m"}), "/objectives/0/slice"),
        (
            json!({"method": "timeslices", "target": 0.9, "slice": "2m"}),
            "/objectives/0/slice",
        ),
        (json!({"method": "timeslices"}), "/objectives/0"),
        (json!({"slice_target": 0.9}), "/objectives/0/slice_target"),
        (json!({"no_traffic": "good"}), "/objectives/0/no_traffic"),
        (json!({"no_traffic": "none"}), "/objectives/0/no_traffic"),
        (json!({"min_bad": -1}), "/objectives/0/min_bad"),
        (json!({"id": "a b"}), "/objectives/0/id"),
    ] {
        let mut objective = json!({"events": right});
        for (field, value) in wrong.as_object().unwrap() {
            objective[field] = value.clone();
        }
        assert_eq!(
            pointers(json!({"objectives": [objective]})),
            [pointer],
            "{wrong}"
        );
    }
}

#[test]
fn an_objective_brings_its_own_alerts() {
    let pair = json!({"long": "1h", "short": "5m", "factor": 14.4});
    let events = json!({"bad": "errors", "total": "requests"});
    for alerts in [
        json!([]),
        json!([pair]),
        json!([{"long": "3d", "short": "6h", "budget_share": 0.1, "severity": "ticket", "name": "Slow burn",
            "labels": {"team": "web"}, "annotations": {"summary": "look"}}]),
    ] {
        let draft = Draft::parse(&json!({"objectives": [
            {"metric": "m", "max": 1, "target": 0.9, "alerts": alerts},
            {"events": events, "target": 0.9, "alerts": alerts},
        ]}))
        .unwrap();
        for objective in &draft.objectives {
            let written = serde_json::to_value(objective).unwrap();
            let read: AnyObjective = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(&read, objective, "{written}");
            let stored = written["alerts"].as_array().unwrap();
            assert_eq!(stored.len(), alerts.as_array().unwrap().len());
        }
    }
    let alerts = |wrong: Value| {
        let mut pair = pair.clone();
        for (field, value) in wrong.as_object().unwrap() {
            pair[field] = value.clone();
        }
        pointers(json!({"objectives": [{"metric": "m", "max": 1, "alerts": [pair]}]}))
    };
    for (wrong, at) in [
        (json!({"long": "4m"}), "/short"),
        (json!({"long": null}), "/long"),
        (json!({"long": "90s"}), "/long"),
        (json!({"short": 5}), "/short"),
        (json!({"short": "2y"}), "/short"),
        (json!({"factor": 0}), "/factor"),
        (json!({"factor": "fast"}), "/factor"),
        (json!({"budget_share": 0.1}), ""),
        (json!({"factor": null}), ""),
        (json!({"factor": null, "budget_share": -1}), "/budget_share"),
        (json!({"severity": "critical"}), "/severity"),
        (json!({"name": " "}), "/name"),
        (json!({"labels": []}), "/labels"),
        (json!({"labels": {"": "x"}}), "/labels/"),
        (json!({"annotations": {"a": 1}}), "/annotations/a"),
        (json!({"window": "1h"}), "/window"),
    ] {
        assert_eq!(
            alerts(wrong.clone()),
            [format!("/objectives/0/alerts/0{at}")],
            "{wrong}"
        );
    }
    assert_eq!(
        pointers(json!({"objectives": [{"metric": "m", "max": 1, "alerts": {}}]})),
        ["/objectives/0/alerts"]
    );
}

#[test]
fn a_budget_window_may_follow_a_calendar() {
    let calendar =
        json!({"calendar": "1M", "starts": "2026-01-01T00:00:00", "time_zone": "Europe/Rome"});
    let events = json!({"bad": "errors", "total": "requests"});
    let draft = Draft::parse(&json!({"objectives": [
        {"metric": "m", "max": 1, "target": 0.9, "budget_window": calendar},
        {"events": events, "target": 0.9, "budget_window": calendar},
    ]}))
    .unwrap();
    for objective in &draft.objectives {
        let written = serde_json::to_value(objective).unwrap();
        assert_eq!(written["budget_window"], calendar);
        let read: AnyObjective = serde_json::from_value(written).unwrap();
        assert_eq!(&read, objective);
    }
    for (wrong, at) in [
        (json!({"calendar": "1D"}), "/calendar"),
        (json!({"starts": "today"}), "/starts"),
        (json!({"starts": 1}), "/starts"),
        (json!({"time_zone": null}), "/time_zone"),
        (json!({"time_zone": "Nowhere/City"}), "/time_zone"),
        (json!({"zone": "UTC"}), "/zone"),
    ] {
        let mut window = calendar.clone();
        for (field, value) in wrong.as_object().unwrap() {
            window[field] = value.clone();
        }
        let document = json!({"objectives": [{"metric": "m", "max": 1, "budget_window": window}]});
        assert_eq!(
            pointers(document),
            [format!("/objectives/0/budget_window{at}")],
            "{wrong}"
        );
    }
}

#[test]
fn a_range_may_be_about_a_query_of_its_own() {
    let objective = |fields: Value| {
        let mut objective = json!({"query": " max(load) ", "max": 1});
        for (name, value) in fields.as_object().unwrap() {
            objective[name] = value.clone();
        }
        json!({"name": "web", "objectives": [objective]})
    };
    let of = |fields| Draft::parse(&objective(fields)).unwrap().ranges().remove(0);
    let load = of(json!({"id": "load"}));
    let query = load.query.clone().unwrap();
    assert_eq!(
        (load.metric.as_str(), &*query.text, query.step),
        ("web/load", "max(load)", Duration::from_secs(60))
    );
    assert_eq!(
        of(json!({"step": "15s"})).query.unwrap().step,
        Duration::from_secs(15)
    );
    let unnamed = of(json!({}));
    assert_eq!(unnamed.metric, format!("web/{}", unnamed.id).as_str());
    assert_ne!(unnamed.id, of(json!({"step": "15s"})).id);
    for (fields, pointer) in [
        (json!({"query": ""}), "/objectives/0/query"),
        (json!({"query": 1}), "/objectives/0/query"),
        (json!({"query": "x".repeat(4097)}), "/objectives/0/query"),
        (json!({"metric": "m"}), "/objectives/0/metric"),
        (json!({"step": "6m"}), "/objectives/0/step"),
        (json!({"step": "1500ms"}), "/objectives/0/step"),
        (json!({"step": 60}), "/objectives/0/step"),
        (
            json!({"query": null, "metric": "m", "step": "1m"}),
            "/objectives/0/step",
        ),
    ] {
        assert_eq!(pointers(objective(fields)), [pointer]);
    }
    let by_metric = json!({"m": {"max": 1, "query": "x"}});
    assert_eq!(pointers(by_metric), ["/m/query"]);
    let draft = Draft::parse(&objective(json!({"id": "load"}))).unwrap();
    let moved = draft.objectives_of(&"shop".parse().unwrap()).remove(0);
    assert_eq!(moved.metric().unwrap(), "shop/load");
}

#[test]
fn an_sla_and_its_objectives_say_what_they_are_for_people() {
    let about =
        json!({"display_name": "Web", "description": "Pages", "annotations": {"team": "a"}});
    let mut range = json!({"id": "a", "metric": "m", "max": 1});
    let mut events = json!({"id": "b", "events": {"bad": "e", "total": "t"}});
    let mut document = json!({"name": "web"});
    for target in [&mut range, &mut events, &mut document] {
        for (name, value) in about.as_object().unwrap() {
            target[name] = value.clone();
        }
    }
    document["objectives"] = json!([range, events]);
    let draft = Draft::parse(&document).unwrap();
    let expected: crate::sla::About = serde_json::from_value(about).unwrap();
    assert_eq!(draft.about, expected);
    for objective in &draft.objectives {
        assert_eq!(*objective.about(), expected);
        let written = serde_json::to_string(objective).unwrap();
        let read: AnyObjective = serde_json::from_str(&written).unwrap();
        assert_eq!(read, *objective, "{written}");
    }
    for (fields, pointer) in [
        (json!({"display_name": ""}), "/objectives/0/display_name"),
        (
            json!({"display_name": "x".repeat(256)}),
            "/objectives/0/display_name",
        ),
        (
            json!({"description": "x".repeat(4097)}),
            "/objectives/0/description",
        ),
        (
            json!({"annotations": {"a": 1}}),
            "/objectives/0/annotations/a",
        ),
        (json!({"annotations": []}), "/objectives/0/annotations"),
    ] {
        assert_eq!(faults_with(fields), [pointer]);
    }
}
