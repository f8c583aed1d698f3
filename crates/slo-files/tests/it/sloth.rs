//! Sloth's own format, its Kubernetes kind and its alert windows.

use serde_json::{Value, json};

use crate::{adapted, assert_refused, objective, objectives, read, refused};

/// A service with one SLO, whose SLI and further fields are given.
fn service(sli: &str, more: &str) -> String {
    format!(
        "version: prometheus/v1
service: shop
labels: {{team: web}}
slos:
  - name: availability
    objective: 99.9
    description: Requests that are answered
    labels: {{category: http}}
    sli:
      {sli}
{more}"
    )
}

const EVENTS: &str = "events: {error_query: 'sum(rate(requests_total{code=~\"5..\"}[{{.window}}]))', total_query: 'sum(rate(requests_total[{{.window}}]))'}";

const ALERTING: &str = "    alerting:
      name: ShopErrors
      labels: {team: web}
      annotations: {summary: Many errors}
      page_alert: {labels: {severity: critical, route: phone}}
      ticket_alert: {annotations: {summary: Some errors}}
";

#[test]
fn a_service_is_an_sla_and_its_slos_are_objectives_of_events() {
    let body = service(EVENTS, ALERTING);
    let import = read(&body);
    let [sla] = &import.slas[..] else {
        panic!("{import:?}")
    };
    assert_eq!((&*sla.name, import.refused.len()), ("shop", 0));
    assert_eq!(
        json!(sla.draft.about),
        json!({"annotations": {"team": "web"}})
    );
    let carried = |labels: Value, summary: &str| json!({"name": "ShopErrors", "labels": labels, "annotations": {"summary": summary}});
    let pair = |long: &str, short: &str, factor: f64, severity: &str, mut carried: Value| {
        carried["long"] = json!(long);
        carried["short"] = json!(short);
        carried["factor"] = json!(factor);
        carried["severity"] = json!(severity);
        carried
    };
    let page = carried(
        json!({"team": "web", "severity": "critical", "route": "phone"}),
        "Many errors",
    );
    let ticket = carried(json!({"team": "web"}), "Some errors");
    assert_eq!(
        objective(&body),
        json!({
            "events": {"bad": "requests_total{code=~\"5..\"}", "total": "requests_total"},
            "target": 0.999,
            "description": "Requests that are answered",
            "annotations": {"category": "http"},
            "alerts": [
                pair("1h", "5m", 14.4, "page", page.clone()),
                pair("6h", "30m", 6.0, "page", page),
                pair("1d", "2h", 3.0, "ticket", ticket.clone()),
                pair("3d", "6h", 1.0, "ticket", ticket),
            ],
        })
    );
    assert_eq!(
        adapted(&body),
        ["0:/slos/0/alerting/page_alert/labels/severity"]
    );
}

#[test]
fn the_slow_ones_of_a_total_are_counted_by_the_fast_ones() {
    let sli = "events:
        error_query: |
          (
            sum(rate(d_count{verb!=\"WATCH\"}[{{.window}}]))
            -
            sum(rate(d_bucket{le=\"0.4\",verb!=\"WATCH\"}[{{.window}}]))
          )
        total_query: sum(rate(d_count{verb!=\"WATCH\"}[{{.window}}]))";
    let expected = json!({
        "good": "d_bucket{le=\"0.4\",verb!=\"WATCH\"}", "total": "d_count{verb!=\"WATCH\"}"
    });
    assert_eq!(objective(&service(sli, ""))["events"], expected);
    let other = sli.replace(
        "total_query: sum(rate(d_count{verb!=\"WATCH\"}",
        "total_query: sum(rate(d_count{verb=\"GET\"}",
    );
    assert_refused(
        &service(&other, ""),
        "0:/slos/0/sli/events/error_query",
        "a difference must be",
    );
}

#[test]
fn a_raw_share_of_two_sums_is_counted_and_any_other_is_a_range() {
    let raw = |query: &str| service(&format!("raw: {{error_ratio_query: '{query}'}}"), "");
    for (query, events) in [
        (
            "sum(rate(e[{{.window}}])) / sum(rate(t[{{.window}}]))",
            json!({"bad": "e", "total": "t"}),
        ),
        (
            "1 - (sum(rate(g[{{.window}}])) / sum(rate(t[{{.window}}])))",
            json!({"good": "g", "total": "t"}),
        ),
    ] {
        assert_eq!(objective(&raw(query))["events"], events, "{query}");
        assert_eq!(adapted(&raw(query)), [""; 0]);
    }
    let mean = raw("1 - avg_over_time(quality[{{.window}}])");
    let found = objective(&mean);
    assert_eq!(
        (&found["query"], &found["max"], &found["target"]),
        (
            &json!("1 - avg_over_time(quality[5m])"),
            &json!(0.001),
            &json!(0.999)
        )
    );
    assert_eq!(adapted(&mean), ["0:/slos/0/sli/raw/error_ratio_query"]);
}

#[test]
fn what_guards_a_sum_is_left_out_and_reported() {
    let events = |error: &str, total: &str| {
        format!("events: {{error_query: '{error}', total_query: '{total}'}}")
    };
    let raw = |query: &str| format!("raw: {{error_ratio_query: '{query}'}}");
    let (e, t, g) = ("sum(rate(e[5m]))", "sum(rate(t[5m]))", "sum(rate(g[5m]))");
    let (bad, good) = (
        json!({"bad": "e", "total": "t"}),
        json!({"good": "g", "total": "t"}),
    );
    let at = |name: &str| format!("0:/slos/0/sli/{name}");
    let (error, total, ratio) = (
        at("events/error_query"),
        at("events/total_query"),
        at("raw/error_ratio_query"),
    );
    for (sli, counted, places) in [
        (events(&format!("{e} or vector(0)"), t), &bad, vec![&error]),
        (
            events(
                &format!("({e} OR on() vector(0))"),
                &format!("{t} or (vector(0))"),
            ),
            &bad,
            vec![&error, &total],
        ),
        (events(e, &format!("{t} > 0")), &bad, vec![&total]),
        (
            events(&format!("{t} - ({g} or vector(0))"), &format!("{t} > 0")),
            &good,
            vec![&error, &total],
        ),
        (raw(&format!("({t} - {g}) / {t}")), &good, vec![]),
        (raw(&format!("1 - ({t} - {e}) / {t}")), &bad, vec![]),
        (
            raw(&format!("({e} or vector(0)) / ({t} > 0)")),
            &bad,
            vec![&ratio, &ratio],
        ),
    ] {
        let body = service(&sli, "");
        assert_eq!(&objective(&body)["events"], counted, "{sli}");
        assert_eq!(adapted(&body).iter().collect::<Vec<_>>(), places, "{sli}");
        let adapted = read(&body).adapted;
        assert!(adapted.iter().all(|one| one.what.contains("is left out")));
    }
    let selector = service("events: {error_query: e, total_query: t > 0}", "");
    assert_eq!(objective(&selector)["events"], bad);
    for (sli, place) in [
        (events(&format!("{e} > 0"), t), &error),
        (events(&format!("{e} or vector(1)"), t), &error),
        (
            events("sum(count_over_time((q < 5)[5m:])) or vector(0)", t),
            &error,
        ),
    ] {
        assert_refused(&service(&sli, ""), place, "not a sum");
    }
}

#[test]
fn what_differs_from_the_ratio_of_the_file_is_said() {
    let raw = |query: &str| format!("raw: {{error_ratio_query: '{query}'}}");
    let events = |error: &str, total: &str| {
        format!("events: {{error_query: '{error}', total_query: '{total}'}}")
    };
    for (sli, said) in [
        (
            events("sum(increase(e[5m]))", "sum(rate(t[5m]))"),
            vec!["`increase` and `rate`"],
        ),
        (
            raw("sum(increase(e[5m])) / sum(rate(t[5m]))"),
            vec!["`increase` and `rate`"],
        ),
        (
            events("sum(increase(e[5m]))", "sum(increase(t[1h]))"),
            vec![],
        ),
        (
            raw("avg_over_time(x[{{.window}}])"),
            vec!["time above the limit, not a mean; its windows are 5m"],
        ),
        (
            raw("avg_over_time(x[1h])"),
            vec!["time above the limit, not a mean"],
        ),
        (raw("avg(x)"), vec!["time above the limit, not a mean"]),
        (
            events(
                "sum(rate(e{s=\"{{.service}}\"}[{{.window}}]))",
                "sum(rate(t[5m]))",
            ),
            vec!["`{{.service}}` is kept as it stands"],
        ),
        (
            raw("avg_over_time(x[{{ window }}])"),
            vec![
                "`{{ window }}` is kept as it stands",
                "time above the limit, not a mean",
            ],
        ),
    ] {
        let adapted = read(&service(&sli, "")).adapted;
        assert_eq!(adapted.len(), said.len(), "{sli}: {adapted:?}");
        for said in said {
            let is_said = |what: &str| {
                if said.starts_with("time") {
                    what == format!("becomes a range: {said}")
                } else {
                    what.contains(said)
                }
            };
            assert!(
                adapted.iter().any(|one| is_said(&one.what)),
                "{said}: {adapted:?}"
            );
        }
    }
    let by = service(&raw("sum by (a) (rate(e[5m])) / sum(rate(t[5m]))"), "");
    let [(_, reason)] = &refused(&by)[..] else {
        panic!("{by}")
    };
    assert!(!reason.contains("/slos/0/sli"), "{reason}");
    let comment = service(&raw("# nothing"), "");
    assert_refused(&comment, "0:/slos/0/sli/raw/error_ratio_query", "is empty");
}

#[test]
fn a_string_in_backticks_is_one() {
    for sli in [
        r"raw: {error_ratio_query: 'sum(rate(e{code=~`5\d\d`}[{{.window}}])) / sum(rate(e[{{.window}}]))'}",
        r"events: {error_query: 'sum(rate(e{code=~`5\d\d`}[{{.window}}]))', total_query: 'sum(rate(e[{{.window}}]))'}",
    ] {
        let events = json!({"bad": r#"e{code=~"5\\d\\d"}"#, "total": "e"});
        assert_eq!(objective(&service(sli, ""))["events"], events);
    }
}

#[test]
fn a_raw_share_of_what_is_no_rate_is_a_range() {
    for query in [
        "1 - (sum(replicas_available) / sum(replicas))",
        "sum(job:errors:rate5m) / sum(job:requests:rate5m)",
        "free_bytes / size_bytes",
        "sum(rate(e[5m])) / sum(t)",
        "sum(e) / sum(rate(t[5m]))",
        "(sum(rate(a[5m])) + sum(b)) / sum(rate(t[5m]))",
    ] {
        let body = service(&format!("raw: {{error_ratio_query: '{query}'}}"), "");
        let found = objective(&body);
        assert_eq!(
            (&found["query"], found.get("events")),
            (&json!(query), None),
            "{query}"
        );
        assert_eq!(adapted(&body), ["0:/slos/0/sli/raw/error_ratio_query"]);
    }
}

#[test]
fn a_sum_without_a_rate_is_counted_as_a_counter_which_is_reported() {
    let at = |name: &str| format!("0:/slos/0/sli/events/{name}");
    let (error, total) = (at("error_query"), at("total_query"));
    for (bad, all, places) in [
        (
            "sum(job:errors:rate5m)",
            "sum(job:requests:rate5m)",
            vec![&error, &total],
        ),
        ("sum(rate(e[5m]))", "sum(t)", vec![&total]),
        ("e", "sum(increase(t[5m]))", vec![&error]),
        (
            "sum(rate(a[5m])) + sum(b)",
            "sum(rate(t[5m]))",
            vec![&error],
        ),
        ("sum(t) - sum(g)", "sum(t)", vec![&error, &total]),
    ] {
        let sli = format!("events: {{error_query: '{bad}', total_query: '{all}'}}");
        let body = service(&sli, "");
        assert!(objective(&body).get("events").is_some(), "{bad}");
        assert_eq!(adapted(&body).iter().collect::<Vec<_>>(), places, "{bad}");
        assert!(read(&body).adapted[0].what.contains("counted as a counter"));
    }
}

#[test]
fn what_cannot_be_counted_or_is_wrong_is_refused_at_its_place() {
    for (sli, place, said) in [
        (
            "plugin: {id: http, options: {job: a}}",
            "0:/slos/0/sli/plugin",
            "`http`",
        ),
        ("{}", "0:/slos/0/sli", "must have `events` or `raw`"),
        (
            "events: {error_query: a}",
            "0:/slos/0/sli/events/total_query",
            "is missing",
        ),
        (
            "events: {error_query: avg(a), total_query: b}",
            "0:/slos/0/sli/events/error_query",
            "not a sum",
        ),
        (
            "events: {error_query: a, total_query: 'rate(b[5m])'}",
            "0:/slos/0/sli/events/total_query",
            "not a sum",
        ),
        (
            "events: {error_query: 'sum by (a) (x)', total_query: 'sum by (b) (x)'}",
            "0:/slos/0/sli/events/total_query",
            "another `by`",
        ),
        (
            "events: {error_query: 5, total_query: b}",
            "0:/slos/0/sli/events/error_query",
            "must be a string",
        ),
    ] {
        assert_refused(&service(sli, ""), place, said);
    }
    for (from, to, place) in [
        ("objective: 99.9", "objective: 100", "0:/slos/0/objective"),
        ("objective: 99.9", "objective: much", "0:/slos/0/objective"),
        ("    objective: 99.9\n", "", "0:/slos/0/objective"),
        ("name: availability", "name: '!'", "0:/slos/0/name"),
        ("service: shop", "service: try", "0:/service"),
        (
            "version: prometheus/v1",
            "version: prometheus/v2",
            "0:/version",
        ),
    ] {
        assert_refused(&service(EVENTS, "").replace(from, to), place, "");
    }
    assert_refused(
        "version: prometheus/v1\nservice: a\nslos: []",
        "0:/slos",
        "must have an SLO",
    );
    assert_refused(
        "version: prometheus/v1\nslos: [{}]",
        "0:/service",
        "is missing",
    );
}

#[test]
fn an_slo_that_is_refused_leaves_the_rest_of_its_service() {
    let body = service(
        EVENTS,
        "  - {name: second, objective: 99, sli: {plugin: {id: x}}}\n",
    );
    assert_eq!(refused(&body).len(), 1);
    assert!(objectives(&body).get("shop/availability").is_some());
}

#[test]
fn alerts_may_be_off_and_unknown_fields_are_reported() {
    let off = "    alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}\n";
    assert_eq!(objective(&service(EVENTS, off))["alerts"], json!([]));
    for (word, pairs) in [("yes", 2), ("On", 2), ("y", 2), ("no", 4), ("OFF", 4)] {
        let body = service(
            EVENTS,
            &format!("    alerting: {{page_alert: {{disable: {word}}}}}\n"),
        );
        let alerts = objective(&body)["alerts"].clone();
        assert_eq!(alerts.as_array().unwrap().len(), pairs, "{word}");
    }
    let word = service(EVENTS, "    alerting: {page_alert: {disable: perhaps}}\n");
    assert_refused(
        &word,
        "0:/slos/0/alerting/page_alert/disable",
        "true or false",
    );
    let page_off = "    alerting: {page_alert: {disable: true}}\n";
    let pairs = objective(&service(EVENTS, page_off))["alerts"].clone();
    assert_eq!(
        (pairs[0]["long"].clone(), pairs.as_array().unwrap().len()),
        (json!("1d"), 2)
    );
    assert_eq!(adapted(&service(EVENTS, page_off)), [""; 0]);
    let said = "    alerting: {name: N, page_alert: {disable: true, labels: {a: b}}, ticket_alert: {disable: true}}\n";
    assert_eq!(
        adapted(&service(EVENTS, said)),
        [
            "0:/slos/0/alerting/name",
            "0:/slos/0/alerting/page_alert/labels"
        ]
    );
    let body = service(
        EVENTS,
        "    plugins: {chain: []}\n    alerting: {colour: red}\nslo_plugins: {}\n",
    );
    assert_eq!(
        adapted(&body),
        [
            "0:/slo_plugins",
            "0:/slos/0/alerting/colour",
            "0:/slos/0/plugins"
        ]
    );
}

#[test]
fn the_kubernetes_kind_is_the_same_in_camel_case_and_several_documents_are_one_service() {
    let object = |slo: &str, service: &str| {
        format!(
            "apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {{name: object-{slo}, namespace: monitoring}}
spec:
  service: {service}
  slos:
    - name: {slo}
      objective: 99
      sli: {{events: {{errorQuery: 'sum(rate(e[5m]))', totalQuery: 'sum(rate(t[5m]))'}}}}
      alerting: {{pageAlert: {{labels: {{severity: page}}}}, ticketAlert: {{disable: true}}}}
"
        )
    };
    let body = format!(
        "---\n{}---\n{}---\n{}",
        object("a", "shop"),
        object("b", "shop"),
        object("a", "bank")
    );
    let all = objectives(&body);
    let names: Vec<&String> = all.as_object().unwrap().keys().collect();
    assert_eq!(names, ["bank/a", "shop/a", "shop/b"]);
    let alerts = &all["shop/a"]["alerts"];
    assert_eq!(
        (
            alerts.as_array().unwrap().len(),
            &alerts[0]["severity"],
            alerts[0].get("labels")
        ),
        (2, &json!("page"), None)
    );
    let labelled = object("a", "shop").replace(
        "namespace: monitoring}",
        "namespace: monitoring, labels: {team: web, name: x}}",
    );
    let labelled = labelled.replace("spec:\n", "spec:\n  labels: {team: shop}\n");
    assert_eq!(adapted(&labelled), ["0:/metadata", "0:/metadata"]);
    let twice = format!("{}---\n{}", object("a", "shop"), object("a", "shop"));
    assert_refused(&twice, "1:/spec/slos/0/name", "becomes the id `a`");
}

#[test]
fn a_service_of_another_origin_is_another_one() {
    let object = |slo: &str, namespace: &str| {
        format!(
            "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {{name: n, namespace: {namespace}}}\nspec: {{service: shop, slos: [{{name: {slo}, objective: 99, sli: {{events: {{errorQuery: 'sum(rate(e[5m]))', totalQuery: 'sum(rate(t[5m]))'}}}}}}]}}\n"
        )
    };
    let one_namespace = format!("{}---\n{}", object("a", "one"), object("b", "one"));
    assert_eq!(refused(&one_namespace), []);
    for (second, said) in [
        (object("b", "two"), "namespace `two`"),
        (service(EVENTS, ""), "prometheus/v1"),
    ] {
        let body = format!("{}---\n{second}", object("a", "one"));
        let [(place, reason)] = &refused(&body)[..] else {
            panic!("{body}")
        };
        assert!(
            place == "1:/spec/service" || place == "1:/service",
            "{place}"
        );
        assert!(
            reason.contains(said) && reason.contains("namespace `one`"),
            "{reason}"
        );
        assert_eq!(objectives(&body).as_object().unwrap().len(), 1);
    }
}

#[test]
fn labels_that_another_document_of_the_service_has_otherwise_are_left_out() {
    let more = service(EVENTS, "").replace("name: availability", "name: other");
    let more = more.replace("{team: web}", "{team: shop, tier: one}");
    let body = format!("{}---\n{more}", service(EVENTS, ""));
    assert_eq!(adapted(&body), ["1:/labels/team", "1:/labels/tier"]);
    assert!(read(&body).adapted[0].what.contains("document 0"));
}

#[test]
fn alert_windows_count_where_their_period_is_the_window() {
    let windows = |period: &str| {
        format!(
            "apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: {period}
  page:
    quick: {{errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}}
    slow: {{errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}}
  ticket:
    quick: {{errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}}
    slow: {{errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}}
---
"
        )
    };
    let body = |period: &str| windows(period) + &service(EVENTS, "");
    assert_eq!(objective(&body("30d"))["alerts"][0]["factor"], json!(57.6));
    assert_eq!(adapted(&body("30d")), [""; 0]);
    assert_eq!(objective(&body("7d"))["alerts"][0]["factor"], json!(14.4));
    assert_eq!(adapted(&body("7d")), ["0:"]);
    let week = slo_files::read(&body("7d"), "7d".parse().unwrap()).unwrap();
    let objective = json!(week.slas[0].draft.objectives[0]);
    assert_eq!(
        (
            &objective["budget_window"],
            &objective["alerts"][0]["factor"]
        ),
        (&json!("7d"), &json!(13.44))
    );
    assert_eq!(adapted(&windows("30d")), ["0:"]);
    assert_refused(
        &windows("30d").replace("8,", "0,"),
        "0:/spec/page/quick/errorBudgetPercent",
        "greater than 0",
    );
}
