//! OpenSLO v1 and v1alpha.

use serde_json::{Value, json};

use crate::{adapted, assert_refused, objective, objectives, read};

const RATIO: &str = "ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(r{code!~\"5..\"}[5m]))'}}}, total: {metricSource: {type: prometheus, spec: {query: 'sum(rate(r[5m]))'}}}}";
const ROLLING: &str = "{duration: 28d, isRolling: true}";

/// An SLO: its indicator, method, window and entry of `objectives`, then more fields of `spec`.
fn slo(indicator: &str, method: &str, window: &str, entry: &str, more: &str) -> String {
    format!(
        "apiVersion: openslo/v1
kind: SLO
metadata: {{name: api, displayName: The API, labels: {{team: [a, b]}}, annotations: {{wiki: x}}}}
spec:
  description: Requests
  service: shop
  indicator: {{metadata: {{name: i}}, spec: {{{indicator}}}}}
  budgetingMethod: {method}
  timeWindow: [{window}]
  objectives: [{entry}]
{more}"
    )
}

fn ratio(method: &str, entry: &str) -> String {
    slo(RATIO, method, ROLLING, entry, "")
}

fn threshold(method: &str, entry: &str) -> String {
    let metric = "thresholdMetric: {metricSource: {type: Prometheus, spec: {query: lag}}}";
    slo(metric, method, ROLLING, entry, "")
}

#[test]
fn a_ratio_is_an_objective_of_events() {
    let body = ratio("Occurrences", "{displayName: Good, target: 0.999}");
    assert_eq!(
        json!(read(&body).slas[0].draft.about),
        json!({
            "display_name": "The API", "description": "Requests",
            "annotations": {"team": "a,b", "wiki": "x", "service": "shop"},
        })
    );
    assert_eq!(
        objectives(&body),
        json!({"api/api": {
            "events": {"good": "r{code!~\"5..\"}", "total": "r"},
            "target": 0.999, "budget_window": "28d", "display_name": "Good",
        }})
    );
    assert_eq!(adapted(&body), [""; 0]);
}

#[test]
fn methods_and_targets_are_those_of_the_file() {
    for (method, entry, expected) in [
        (
            "Occurrences",
            "{targetPercent: 99.9}",
            json!({"target": 0.999}),
        ),
        (
            "Timeslices",
            "{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5m}",
            json!({"method": "timeslices", "slice": "5m", "slice_target": 0.95, "target": 0.99}),
        ),
        (
            "RatioTimeslices",
            "{target: 0.99, timeSliceWindow: 1h}",
            json!({"method": "ratio_timeslices", "slice": "1h", "target": 0.99}),
        ),
        (
            "Timeslices",
            "{target: 0.99, timeSliceWindow: 1m}",
            json!({"method": "timeslices", "target": 0.99}),
        ),
        ("null", "{target: 0.99}", json!({"target": 0.99})),
        (
            "Timeslices",
            "{target: 0.99, timeSliceTarget: 1, timeSliceWindow: 1m}",
            json!({"method": "timeslices", "slice_target": 1.0_f64.next_down(), "target": 0.99}),
        ),
    ] {
        let mut found = objective(&ratio(method, entry));
        assert_eq!(found.get("slice_target"), expected.get("slice_target"));
        let fields = found.as_object_mut().unwrap();
        fields.retain(|name, _| !["events", "budget_window"].contains(&name.as_str()));
        assert_eq!(found, expected, "{method} {entry}");
    }
    for (method, entry, place) in [
        (
            "Occurrences",
            "{target: 0.9, op: gt}",
            "0:/spec/objectives/0/op",
        ),
        (
            "Occurrences",
            "{target: 0.9, value: 1}",
            "0:/spec/objectives/0/value",
        ),
        (
            "Occurrences",
            "{target: 0.9, timeSliceTarget: 0.5}",
            "0:/spec/objectives/0/timeSliceTarget",
        ),
        (
            "Timeslices",
            "{target: 0.9, timeSliceTarget: 0.5}",
            "0:/spec/objectives/0/timeSliceWindow",
        ),
        (
            "RatioTimeslices",
            "{target: 0.9, timeSliceTarget: 0.5, timeSliceWindow: 1m}",
            "0:/spec/objectives/0/timeSliceTarget",
        ),
        (
            "Timeslices",
            "{target: 0.9, timeSliceWindow: 1m}",
            "0:/spec/objectives/0/timeSliceTarget",
        ),
        (
            "Occurrences",
            "{targetPercent: 0.9995}",
            "0:/spec/objectives/0/targetPercent",
        ),
        ("null", "{target: 0.9}", "0:/spec/budgetingMethod"),
        (
            "Occurrences",
            "{target: 0.9, colour: red}",
            "0:/spec/objectives/0/colour",
        ),
        (
            "Occurrences",
            "{target: 0.9, compositeWeight: 2}",
            "0:/spec/objectives/0/compositeWeight",
        ),
    ] {
        assert_eq!(adapted(&ratio(method, entry)), [place], "{entry}");
    }
    for (method, entry, place) in [
        (
            "Timeslices",
            "{target: 0.9, timeSliceTarget: 0.5, timeSliceWindow: 2m}",
            "0:/spec/objectives/0/timeSliceWindow",
        ),
        ("Occurrences", "{}", "0:/spec/objectives/0/target"),
        ("Occurrences", "{target: 1}", "0:/spec/objectives/0/target"),
        (
            "Occurrences",
            "{target: 99.9}",
            "0:/spec/objectives/0/target",
        ),
        (
            "Occurrences",
            "{target: 0.9, targetPercent: 90}",
            "0:/spec/objectives/0/targetPercent",
        ),
        ("Sometimes", "{target: 0.9}", "0:/spec/budgetingMethod"),
    ] {
        assert_refused(&ratio(method, entry), place, "");
    }
}

#[test]
fn a_threshold_is_a_range_on_the_query() {
    let sliced = "timeSliceTarget: 1, timeSliceWindow: 1m";
    for (op, bound, value) in [
        ("lte", "max", 1.0),
        ("lt", "max", 1.0_f64.next_down()),
        ("gte", "min", 1.0),
        ("gt", "min", 1.0_f64.next_up()),
    ] {
        let body = threshold(
            "Timeslices",
            &format!("{{op: {op}, value: 1, target: 0.9, {sliced}}}"),
        );
        let found = objective(&body);
        assert_eq!(
            (&found["query"], &found[bound]),
            (&json!("lag"), &json!(value)),
            "{op}"
        );
        assert_eq!(adapted(&body), [""; 0]);
    }
    let occurrences = threshold("Occurrences", "{op: lte, value: 1, target: 0.9}");
    assert_eq!(adapted(&occurrences), ["0:/spec/budgetingMethod"]);
    let partly = threshold(
        "Timeslices",
        "{op: lte, value: 1, target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 2m}",
    );
    assert_eq!(adapted(&partly), ["0:/spec/objectives/0/timeSliceTarget"]);
    assert_eq!(objective(&partly)["step"], "2m");
    let long = threshold(
        "Timeslices",
        "{op: lte, value: 1, target: 0.9, timeSliceTarget: 1, timeSliceWindow: 1h}",
    );
    assert_eq!(adapted(&long), ["0:/spec/objectives/0/timeSliceWindow"]);
    assert_refused(
        &threshold("Occurrences", "{op: eq, value: 1, target: 0.9}"),
        "0:/spec/objectives/0/op",
        "lte",
    );
    assert_refused(
        &threshold("Occurrences", "{op: lt, target: 0.9}"),
        "0:/spec/objectives/0/value",
        "missing",
    );
    assert_refused(
        &threshold("Occurrences", "{value: 1, target: 0.9}"),
        "0:/spec/objectives/0/op",
        "missing",
    );
}

#[test]
fn raw_shares_and_counters_follow_their_rules() {
    let raw = |kind: &str, query: &str| {
        let source = format!("{{metricSource: {{type: Prometheus, spec: {{query: '{query}'}}}}}}");
        slo(
            &format!("ratioMetric: {{rawType: {kind}, raw: {source}}}"),
            "Occurrences",
            ROLLING,
            "{target: 0.95}",
            "",
        )
    };
    for (kind, query, events) in [
        (
            "success",
            "sum(rate(g[5m])) / sum(rate(t[5m]))",
            json!({"good": "g", "total": "t"}),
        ),
        (
            "failure",
            "sum(rate(b[5m])) / sum(rate(t[5m]))",
            json!({"bad": "b", "total": "t"}),
        ),
        (
            "success",
            "1 - sum(rate(b[5m])) / sum(rate(t[5m]))",
            json!({"bad": "b", "total": "t"}),
        ),
        (
            "failure",
            "1 - sum(rate(g[5m])) / sum(rate(t[5m]))",
            json!({"good": "g", "total": "t"}),
        ),
    ] {
        assert_eq!(
            objective(&raw(kind, query))["events"],
            events,
            "{kind} {query}"
        );
    }
    for (kind, bound, value, query) in [
        ("success", "min", 0.95, "quality"),
        ("failure", "max", 0.05, "quality"),
        ("success", "min", 0.95, "sum(g) / sum(t)"),
        ("failure", "max", 0.05, "1 - g / t"),
    ] {
        let body = raw(kind, query);
        assert_eq!(objective(&body)[bound], json!(value));
        assert!(adapted(&body).contains(
            &"0:/spec/indicator/spec/ratioMetric/raw/metricSource/spec/query".to_owned()
        ));
    }
    assert_refused(
        &raw("other", "x"),
        "0:/spec/indicator/spec/ratioMetric/rawType",
        "success or failure",
    );
    let gauge = RATIO
        .replace("counter: true", "counter: false")
        .replace("sum(rate(r[5m]))", "sum(r)");
    let body = slo(&gauge, "Occurrences", ROLLING, "{target: 0.9}", "");
    assert_refused(
        &body,
        "0:/spec/indicator/spec/ratioMetric/counter",
        "not a counter",
    );
    let raw_gauge = raw("failure", "sum(b) / sum(t)")
        .replace("rawType: failure", "counter: false, rawType: failure");
    assert_eq!(objective(&raw_gauge)["max"], json!(0.05));
    let rates = slo(
        &RATIO.replace("counter: true", "counter: false"),
        "Occurrences",
        ROLLING,
        "{target: 0.9}",
        "",
    );
    assert!(objective(&rates).get("events").is_some());
    assert_eq!(adapted(&rates), [""; 0]);
    let unsaid = RATIO
        .replace("counter: true, ", "")
        .replace("sum(rate(r[5m]))", "sum(r)");
    let body = slo(&unsaid, "Occurrences", ROLLING, "{target: 0.9}", "");
    assert!(objective(&body).get("events").is_some());
    assert_eq!(
        adapted(&body),
        ["0:/spec/indicator/spec/ratioMetric/total/metricSource/spec/query"]
    );
}

#[test]
fn of_good_bad_and_total_the_first_and_the_last_are_counted() {
    let source = |query: &str| format!("{{metricSource: {{spec: {{query: {query}}}}}}}");
    let indicator = format!(
        "ratioMetric: {{counter: true, good: {}, bad: {}, total: {}}}",
        source("g"),
        source("b"),
        source("t")
    );
    let body = slo(&indicator, "Occurrences", ROLLING, "{target: 0.9}", "");
    assert_eq!(
        objective(&body)["events"],
        json!({"good": "g", "total": "t"})
    );
    assert_eq!(
        read(&body).adapted[0].what,
        "is left out: good and total are counted"
    );
}

#[test]
fn a_difference_from_the_total_is_counted_by_the_rest() {
    let body = |part: &str, query: &str| {
        let source = |query: &str| format!("{{metricSource: {{spec: {{query: '{query}'}}}}}}");
        let (part_source, total) = (source(query), source("sum(rate(t[5m]))"));
        let indicator =
            format!("ratioMetric: {{counter: true, {part}: {part_source}, total: {total}}}");
        slo(&indicator, "Occurrences", ROLLING, "{target: 0.9}", "")
    };
    for (part, rest) in [("bad", "good"), ("good", "bad")] {
        let whole = body(part, "sum(rate(t[5m])) - sum(rate(x[5m]))");
        assert_eq!(
            objective(&whole)["events"],
            json!({rest: "x", "total": "t"})
        );
        assert_eq!(adapted(&whole), [""; 0]);
        let other = body(part, "sum(rate(y[5m])) - sum(rate(x[5m]))");
        let at = format!("0:/spec/indicator/spec/ratioMetric/{part}/metricSource/spec/query");
        assert_refused(&other, &at, "a difference must be");
    }
}

#[test]
fn windows_are_rolling_or_those_of_a_calendar() {
    let of = |window: &str| slo(RATIO, "Occurrences", window, "{target: 0.9}", "");
    for (window, expected, told) in [
        ("{duration: 4w, isRolling: true}", json!("28d"), &[][..]),
        (
            "{duration: 1M, isRolling: true}",
            Value::Null,
            &["0:/spec/timeWindow/0/duration"],
        ),
        (
            "{duration: 1Q, isRolling: true}",
            json!("90d"),
            &["0:/spec/timeWindow/0/duration"],
        ),
        (
            "{duration: 1Y, isRolling: true}",
            json!("365d"),
            &["0:/spec/timeWindow/0/duration"],
        ),
        ("{duration: 7d}", json!("7d"), &["0:/spec/timeWindow/0"]),
        (
            "{duration: 1M, isRolling: false, calendar: {startTime: 2022-01-31 00:00:00, timeZone: Europe/Rome}}",
            json!({"calendar": "1M", "starts": "2022-01-31T00:00:00", "time_zone": "Europe/Rome"}),
            &[],
        ),
        (
            "{duration: 1M, isRolling: false, calendar: {startTime: '2022-01-01T00:00:00Z', timeZone: UTC}}",
            json!({"calendar": "1M", "starts": "2022-01-01T00:00:00", "time_zone": "UTC"}),
            &[],
        ),
        (
            "{duration: 1M, isRolling: false, calendar: {startTime: '2022-01-01T00:00:00.000Z', timeZone: Etc/UTC}}",
            json!({"calendar": "1M", "starts": "2022-01-01T00:00:00", "time_zone": "Etc/UTC"}),
            &[],
        ),
        (
            "{duration: 1M, isRolling: false, calendar: {startTime: '2022-01-01T00:00:00.000', timeZone: Europe/Rome}}",
            json!({"calendar": "1M", "starts": "2022-01-01T00:00:00", "time_zone": "Europe/Rome"}),
            &[],
        ),
        (
            "{duration: 1w, calendar: {startTime: 2022-01-03}}",
            json!({"calendar": "1w", "starts": "2022-01-03T00:00:00", "time_zone": "UTC"}),
            &["0:/spec/timeWindow/0/calendar/timeZone"],
        ),
    ] {
        let found = objective(&of(window));
        // 30d is the default, which is left out here.
        assert_eq!(
            found.get("budget_window").cloned().unwrap_or_default(),
            expected,
            "{window}"
        );
        assert_eq!(adapted(&of(window)), told, "{window}");
    }
    for (window, place) in [
        (
            "{duration: 2w, isRolling: false, calendar: {startTime: 2022-01-01 00:00:00, timeZone: UTC}}",
            "0:/spec/timeWindow/0/duration",
        ),
        (
            "{duration: 1w, isRolling: false, calendar: {startTime: soon, timeZone: UTC}}",
            "0:/spec/timeWindow/0/calendar/startTime",
        ),
        (
            "{duration: 1w, isRolling: false, calendar: {startTime: '2022-01-01T00:00:00Z', timeZone: Europe/Rome}}",
            "0:/spec/timeWindow/0/calendar/startTime",
        ),
        (
            "{duration: 1w, isRolling: false, calendar: {startTime: 2022-01-01 00:00:00, timeZone: Moon}}",
            "0:/spec/timeWindow/0/calendar/timeZone",
        ),
        (
            "{duration: 1w, isRolling: false}",
            "0:/spec/timeWindow/0/calendar",
        ),
        (
            "{duration: 2Y, isRolling: true}",
            "0:/spec/timeWindow/0/duration",
        ),
        (
            "{duration: long, isRolling: true}",
            "0:/spec/timeWindow/0/duration",
        ),
        (
            "{duration: 1d, isRolling: true}, {duration: 2d, isRolling: true}",
            "0:/spec/timeWindow/1",
        ),
    ] {
        assert_refused(&of(window), place, "");
    }
    let without = of("").replace("  timeWindow: []\n", "");
    assert_eq!(adapted(&without), ["0:/spec/timeWindow"]);
}

#[test]
fn references_are_resolved_within_the_body() {
    let referring = ratio("Occurrences", "{target: 0.9}");
    let referring = referring.replace(
        &format!("  indicator: {{metadata: {{name: i}}, spec: {{{RATIO}}}}}\n"),
        "  indicatorRef: requests\n",
    );
    let sli = format!(
        "---\napiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: requests}}\nspec: {{{RATIO}}}\n"
    );
    let both = referring.clone() + &sli;
    assert_eq!(objective(&both)["events"]["total"], "r");
    assert_eq!(adapted(&both), [""; 0]);
    assert_refused(&referring, "0:/spec/indicatorRef", "no SLI `requests`");
    let of_other = both.replace("type: prometheus", "metricSourceRef: main");
    assert_eq!(
        adapted(&of_other),
        ["1:/spec/ratioMetric/total/metricSource/metricSourceRef"]
    );
    let source = |kind: &str| {
        format!(
            "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {{name: main}}\nspec: {{type: {kind}, connectionDetails: {{url: x}}}}\n"
        )
    };
    assert_eq!(
        adapted(&(of_other.clone() + &source("Prometheus"))),
        ["2:/spec/connectionDetails"]
    );
    let of_datadog = of_other + &source("Datadog");
    assert_refused(&of_datadog, "2:/spec/type", "`Datadog`");
    assert_refused(
        &of_datadog,
        "0:",
        "is not made: see /spec/type of document 2",
    );
    let both_say = both.replace(
        "type: prometheus",
        "type: Prometheus, metricSourceRef: main",
    );
    assert_refused(
        &(both_say.clone() + &source("Datadog")),
        "2:/spec/type",
        "`Datadog`",
    );
    assert_eq!(
        adapted(&(both_say + &source("Prometheus"))),
        ["2:/spec/connectionDetails"]
    );
    let group = ratio("Occurrences", "{target: 0.9}").replace("openslo/v1", "openslo.com/v1");
    assert_eq!(
        objective(&group),
        objective(&ratio("Occurrences", "{target: 0.9}"))
    );
    assert_eq!(adapted(&group), [""; 0]);
    let unused = ratio("Occurrences", "{target: 0.9}")
        + &sli
        + &source("Prometheus")
        + "---\n{apiVersion: openslo/v1, kind: Service, metadata: {name: other}, spec: {}}\n";
    assert_eq!(adapted(&unused), ["1:", "2:", "3:"]);
    let service = ratio("Occurrences", "{target: 0.9}")
        + "---\n{apiVersion: openslo/v1, kind: Service, metadata: {name: shop}, spec: {description: x}}\n";
    assert_eq!(adapted(&service), ["1:/spec/description"]);
    let text = service.replace("{description: x}", "hello");
    assert_eq!(adapted(&text), ["1:/spec"]);
    let twice = sli.clone() + &sli;
    assert_refused(&twice, "1:/metadata/name", "another SLI");
}

#[test]
fn policies_and_conditions_are_alerts() {
    let condition = |severity: &str, op: &str, after: &str| {
        format!(
            "{{kind: AlertCondition, metadata: {{name: c, labels: {{team: a}}}}, spec: {{severity: {severity}, condition: {{kind: burnrate, op: {op}, threshold: 2, lookbackWindow: 1h{after}}}}}}}"
        )
    };
    let policy = |conditions: &str, more: &str| {
        format!(
            "  alertPolicies: [{{kind: AlertPolicy, metadata: {{name: p}}, spec: {{conditions: [{conditions}]{more}}}}}]\n"
        )
    };
    let of = |more: &str| slo(RATIO, "Occurrences", ROLLING, "{target: 0.9}", more);
    let inline = of(&policy(&condition("page", "gte", ", alertAfter: 10m"), ""));
    assert_eq!(
        objective(&inline)["alerts"],
        json!([{"long": "1h", "short": "10m", "factor": 2.0, "severity": "page", "labels": {"team": "a"}}])
    );
    let twelfth = of(&policy(&condition("ticket", "gt", ""), ""));
    assert_eq!(objective(&twelfth)["alerts"][0]["short"], "5m");
    let other = of(&policy(
        &condition("critical", "gt", ""),
        ", notificationTargets: [{targetRef: x}]",
    ));
    assert_eq!(
        objective(&other)["alerts"][0],
        json!({"long": "1h", "short": "5m", "factor": 2.0, "severity": "ticket", "labels": {"severity": "critical", "team": "a"}})
    );
    let within = "0:/spec/alertPolicies/0/spec";
    assert_eq!(
        adapted(&other),
        [
            format!("{within}/conditions/0/spec/severity"),
            format!("{within}/notificationTargets")
        ]
    );
    let low = of(&policy(&condition("page", "lte", ""), ""));
    assert_eq!(objective(&low).get("alerts"), None);
    assert_eq!(
        adapted(&low),
        [format!("{within}/conditions/0/spec/condition/op")]
    );
    let without = condition("page", "gt", "").replace("op: gt, ", "");
    let without = of(&policy(&without, ""));
    assert_eq!(objective(&without)["alerts"][0]["factor"], 2.0);
    assert_eq!(
        adapted(&without),
        [format!("{within}/conditions/0/spec/condition/op")]
    );
    let off = of(&policy(
        &condition("page", "gt", ""),
        ", alertWhenBreaching: false",
    ));
    assert_eq!(objective(&off)["alerts"], json!([]));
    assert_eq!(adapted(&off), [format!("{within}/conditions")]);
    for reference in ["fast", "{alertPolicyRef: fast}"] {
        let referring = of(&format!("  alertPolicies: [{reference}]\n"));
        assert_eq!(adapted(&referring).len(), 1, "{reference}");
        let policy = "---\n{apiVersion: openslo/v1, kind: AlertPolicy, metadata: {name: fast, displayName: Fast}, spec: {conditions: [{conditionRef: c}]}}\n";
        let condition =
            condition("page", "gt", "").replacen("{kind", "{apiVersion: openslo/v1, kind", 1);
        let whole = referring + policy + "---\n" + &condition;
        assert_eq!(objective(&whole)["alerts"][0]["name"], "Fast");
        assert_eq!(adapted(&whole), [""; 0]);
    }
}

#[test]
fn what_a_policy_says_is_reported_where_each_condition_says_something_else() {
    let policy = |said: &str| {
        let condition = format!(
            "{{metadata: {{displayName: Fast}}, spec: {{description: {said}, condition: {{op: gt, threshold: 2, lookbackWindow: 1h}}}}}}"
        );
        let policy = format!(
            "  alertPolicies: [{{metadata: {{displayName: Burn}}, spec: {{description: Much, conditions: [{condition}]}}}}]\n"
        );
        slo(RATIO, "Occurrences", ROLLING, "{target: 0.9}", &policy)
    };
    assert_eq!(objective(&policy("Very"))["alerts"][0]["name"], "Fast");
    let name = "0:/spec/alertPolicies/0/metadata/displayName";
    let description = "0:/spec/alertPolicies/0/spec/description";
    assert_eq!(adapted(&policy("Very")), [name, description]);
    assert_eq!(adapted(&policy("Much")), [name]);
    let off = policy("Very")
        .replace(
            "{displayName: Burn}",
            "{labels: {team: a}, annotations: {link: b}}",
        )
        .replace("description: Much", "alertWhenBreaching: false");
    let within = "0:/spec/alertPolicies/0";
    assert_eq!(
        adapted(&off),
        [
            format!("{within}/metadata/annotations/link"),
            format!("{within}/metadata/labels/team"),
            format!("{within}/spec/conditions"),
        ]
    );
}

#[test]
fn a_condition_that_no_alert_can_have_is_left_out() {
    let of = |conditions: &str| {
        let policies = format!(
            "  alertPolicies: [{{kind: AlertPolicy, metadata: {{name: p}}, spec: {{conditions: [{conditions}]}}}}]\n"
        );
        slo(RATIO, "Occurrences", ROLLING, "{target: 0.9}", &policies)
    };
    let condition = |what: &str| {
        format!(
            "{{kind: AlertCondition, metadata: {{name: c}}, spec: {{condition: {{op: gt, {what}}}}}}}"
        )
    };
    let good = condition("threshold: 3, lookbackWindow: 2h");
    for (what, field) in [
        (
            "threshold: 2, lookbackWindow: 1h, alertAfter: 0m",
            "alertAfter",
        ),
        (
            "threshold: 2, lookbackWindow: 1h, alertAfter: 0s",
            "alertAfter",
        ),
        (
            "threshold: 2, lookbackWindow: 1h, alertAfter: 30s",
            "alertAfter",
        ),
        (
            "threshold: 2, lookbackWindow: 1h, alertAfter: 2h",
            "alertAfter",
        ),
        ("threshold: 0, lookbackWindow: 1h", "threshold"),
        ("threshold: -1, lookbackWindow: 1h", "threshold"),
        ("threshold: 2, lookbackWindow: 90s", "lookbackWindow"),
        ("threshold: 2, lookbackWindow: 2y", "lookbackWindow"),
        ("kind: BurnedBudget, threshold: 2", "kind"),
    ] {
        let at = format!("0:/spec/alertPolicies/0/spec/conditions/0/spec/condition/{field}");
        let beside = of(&format!("{}, {good}", condition(what)));
        let alerts = objective(&beside)["alerts"].clone();
        assert_eq!(
            alerts,
            json!([{"long": "2h", "short": "10m", "factor": 3.0, "severity": "ticket"}])
        );
        let told: Vec<String> = read(&beside)
            .adapted
            .iter()
            .map(|one| one.what.clone())
            .collect();
        assert!(told.iter().all(|what| !what.contains("usual")), "{told:?}");
        assert!(adapted(&beside).contains(&at), "{what}");
        let alone = of(&condition(what));
        assert_eq!(objective(&alone).get("alerts"), None);
        let alone = read(&alone).adapted;
        let is_told = alone.iter().any(|adapted| {
            crate::at(&adapted.place) == at && adapted.what.ends_with("; the usual alerts hold")
        });
        assert!(is_told, "{what}: {alone:?}");
    }
    assert_eq!(adapted(&of("")), ["0:/spec/alertPolicies"]);
    assert_refused(
        &of(&condition("threshold: 2, lookbackWindow: soon")),
        "0:/spec/alertPolicies/0/spec/conditions/0/spec/condition/lookbackWindow",
        "duration",
    );
    let many = vec![good; 21].join(", ");
    assert_refused(&of(&many), "0:/spec/alertPolicies", "20 are the most");
}

#[test]
fn the_service_of_an_slo_is_kept_and_a_label_that_names_another_is_reported() {
    let body = ratio("Occurrences", "{target: 0.9}");
    let labelled = body.replacen("labels: {", "labels: {service: other, ", 1);
    let about = json!(read(&labelled).slas[0].draft.about);
    assert_eq!(about["annotations"]["service"], "shop");
    assert_eq!(adapted(&labelled), ["0:/metadata"]);
}

#[test]
fn several_objectives_have_ids_of_what_they_are_called_or_their_number() {
    let ids = |entries: &str| {
        let all = objectives(&ratio("Occurrences", entries));
        all.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<String>>()
    };
    assert_eq!(
        ids("{target: 0.9, displayName: Very Good}, {target: 0.99, displayName: Better}"),
        ["api/better", "api/very-good"]
    );
    assert_eq!(
        ids("{target: 0.9, displayName: Good}, {target: 0.99, displayName: good}, {target: 0.5}"),
        ["api/objective-1", "api/objective-2", "api/objective-3"]
    );
}

#[test]
fn v1alpha_has_its_own_shape_which_v1_does_not_take() {
    let alpha = "apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: api}
spec:
  service: shop
  budgetingMethod: Occurrences
  objectives:
    - ratioMetrics:
        good: {source: prometheus, queryType: promql, query: 'sum(rate(g[{{.window}}]))'}
        total: {source: prometheus, queryType: promql, query: 'sum(rate(t[{{.window}}]))'}
      target: 0.99
  timeWindows: [{count: 4, unit: Week}]
";
    assert_eq!(
        objective(alpha),
        json!({"events": {"good": "g", "total": "t"}, "target": 0.99, "budget_window": "28d"})
    );
    assert_eq!(adapted(alpha), [""; 0]);
    let v1 = alpha.replace("v1alpha", "v1");
    assert_refused(&v1, "0:/spec/timeWindows", "v1alpha");
    let v1 = v1.replace("  timeWindows: [{count: 4, unit: Week}]\n", "");
    assert_refused(&v1, "0:/spec/objectives/0/ratioMetrics", "v1alpha");
    let threshold = "apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: lag}
spec:
  budgetingMethod: Timeslices
  indicator: {metadata: {name: i}, thresholdMetric: {source: prometheus, query: lag}}
  objectives: [{op: lte, value: 5, target: 0.9, timeSliceTarget: 1, timeSliceWindow: 1m}]
  timeWindows: [{count: 1, unit: Month, isRolling: true}]
";
    assert_eq!(objective(threshold)["max"], json!(5.0));
    assert_eq!(adapted(threshold), ["0:/spec/timeWindows/0/unit"]);
    assert_refused(
        &alpha.replace("source: prometheus", "source: datadog"),
        "0:/spec/objectives/0/ratioMetrics/good/source",
        "prometheus",
    );
}

/// An SLO whose objectives have indicators of their own; `second` is the measure of the second one.
fn composite(entries: [&str; 2], second: &str) -> String {
    let indicator =
        |measure: &str| format!("indicator: {{metadata: {{name: i}}, spec: {{{measure}}}}}");
    let source =
        |query: &str| format!("{{metricSource: {{type: Prometheus, spec: {{query: '{query}'}}}}}}");
    let ratio = format!(
        "ratioMetric: {{counter: true, bad: {}, total: {}}}",
        source("errors"),
        source("requests")
    );
    let second = match second {
        "ratio" => ratio.clone(),
        _ => format!("thresholdMetric: {}", source("lag")),
    };
    format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: shop}}\nspec:\n  service: shop\n  budgetingMethod: Occurrences\n  \
         timeWindow: [{{duration: 7d, isRolling: true}}]\n  objectives:\n  - {{displayName: api, {}, {}}}\n  - {{displayName: web, {}, {}}}\n",
        entries[0],
        indicator(&ratio),
        entries[1],
        indicator(&second),
    )
}

#[test]
fn weights_make_a_composite_of_the_objectives() {
    let body = composite(["target: 0.9, compositeWeight: 3", "target: 0.98"], "ratio");
    let import = read(&body);
    assert_eq!(import.refused, []);
    let objectives = json!(import.slas[0].draft.objectives);
    let [_, _, made] = &objectives.as_array().unwrap()[..] else {
        panic!("{objectives}")
    };
    let made = (&made["id"], &made["target"], &made["budget_window"]);
    assert_eq!(made, (&json!("composite"), &json!(0.92), &json!("7d")));
    let parts = &objectives[2]["events"]["composite"]["parts"];
    assert_eq!(
        (&parts[0]["objective"], &parts[0]["weight"]),
        (&json!("api"), &json!(3.0))
    );
    assert_eq!(
        (&parts[1]["objective"], &parts[1]["weight"]),
        (&json!("web"), &json!(1.0))
    );
    assert_eq!(adapted(&body), ["0:/spec/objectives/0/compositeWeight"]);

    let same = composite(
        [
            "target: 0.9, compositeWeight: 3",
            "target: 0.9, compositeWeight: 7",
        ],
        "ratio",
    );
    let target = json!(read(&same).slas[0].draft.objectives[2])["target"].clone();
    assert_eq!(target, 0.9);
    let without = composite(["target: 0.9", "target: 0.98"], "ratio");
    assert_eq!(read(&without).slas[0].draft.objectives.len(), 2);
    // A range has no share of bad events.
    let mixed = composite(
        [
            "target: 0.9, compositeWeight: 3",
            "target: 0.9, op: lte, value: 1, timeSliceTarget: 1",
        ],
        "threshold",
    );
    assert_eq!(read(&mixed).slas[0].draft.objectives.len(), 2);
    assert!(adapted(&mixed).contains(&"0:/spec/objectives/0/compositeWeight".to_owned()));
    assert_refused(
        &composite(["target: 0.9, compositeWeight: 0", "target: 0.9"], "ratio"),
        "0:/spec/objectives/0/compositeWeight",
        "must be greater than 0",
    );
}
