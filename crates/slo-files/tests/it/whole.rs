//! Bodies of several documents.

use slo_files::{ImportOrigin, LONGEST_BODY, Unreadable};

use crate::{adapted, assert_refused, read, refused};

fn pyrra(name: &str) -> String {
    format!(
        "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {{name: {name}}}
spec: {{target: 99, window: 7d, indicator: {{ratio: {{errors: {{metric: e}}, total: {{metric: t}}}}}}}}
"
    )
}

#[test]
fn one_document_that_is_wrong_leaves_the_others() {
    let body = format!(
        "{}---\nkind: ConfigMap\napiVersion: v1\n---\n- 5\n---\n{}",
        pyrra("a"),
        pyrra("b")
    );
    let names: Vec<String> = read(&body)
        .slas
        .iter()
        .map(|sla| sla.name.to_string())
        .collect();
    assert_eq!(names, ["a", "b"]);
    let places: Vec<String> = refused(&body).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["1:/apiVersion", "2:"]);
}

#[test]
fn what_a_document_is_must_be_known() {
    for (body, place) in [
        ("a: 1", "0:/apiVersion"),
        ("version: prometheus/v9", "0:/version"),
        ("{apiVersion: openslo/v2, kind: SLO}", "0:/apiVersion"),
        ("{apiVersion: openslo/v1, kind: Budget}", "0:/kind"),
        ("{apiVersion: openslo/v1}", "0:/kind"),
        ("{apiVersion: sloth.slok.dev/v1, kind: X}", "0:/kind"),
        ("text", "0:"),
    ] {
        assert_refused(body, place, "");
    }
    assert_eq!(read("---\n---\n").refused, []);
}

#[test]
fn items_of_lists_count_as_documents() {
    let object = pyrra("a").replace('\n', "\n    ");
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n  - {object}\n  - {{kind: X}}\n---\n{{kind: Y}}\n"
    );
    let places: Vec<String> = refused(&list).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["1:/apiVersion", "2:/apiVersion"]);
    assert_eq!(read(&list).slas.len(), 1);
    let within = format!(
        "- {}",
        list.split("---").next().unwrap().replace('\n', "\n  ")
    );
    assert_eq!(refused(&within)[0].0, "1:/apiVersion");
    assert_eq!(read(&within).slas.len(), 1);
    let sequence = "- {kind: X}\n- {kind: Y}\n";
    let places: Vec<String> = refused(sequence)
        .into_iter()
        .map(|(place, _)| place)
        .collect();
    assert_eq!(places, ["0:/apiVersion", "1:/apiVersion"]);
}

#[test]
fn names_become_those_of_slas_and_the_second_of_two_alike_is_refused() {
    let body = pyrra("'My API'");
    assert_eq!(&*read(&body).slas[0].name, "my-api");
    assert_eq!(adapted(&body), ["0:/metadata/name"]);
    let twice = body + "---\n" + &pyrra("my-api");
    assert_refused(&twice, "1:/metadata/name", "becomes the name `my-api`");
    assert_eq!(read(&twice).slas.len(), 1);
    let long = "a".repeat(70);
    assert_eq!(read(&pyrra(&long)).slas[0].name.len(), 63);
}

#[test]
fn what_is_refused_names_no_sla() {
    let body = pyrra("my-api") + "---\n" + &pyrra("'My API'");
    assert_eq!(adapted(&body), [""; 0]);
    let body = pyrra("'My API'").replace("name: 'My API'", "name: 'My API', labels: {'': x}");
    for adapted in read(&body).adapted {
        assert_eq!(adapted.sla.is_some(), !read(&body).slas.is_empty());
    }
}

#[test]
fn what_is_too_long_or_too_much_for_people_is_left_out_where_it_stands() {
    let long = "x".repeat(4097);
    let labels = |count: usize| {
        let labels: Vec<String> = (0..count)
            .map(|number| format!("l{number:02}: x"))
            .collect();
        format!("{{{}}}", labels.join(", "))
    };
    let openslo = |metadata: &str, spec: &str, condition: &str| {
        format!(
            "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: a, {metadata}}}\nspec: {{{spec} budgetingMethod: Occurrences, timeWindow: [{{duration: 30d, isRolling: true}}], indicator: {{spec: {{ratioMetric: {{counter: true, bad: {{metricSource: {{spec: {{query: e}}}}}}, total: {{metricSource: {{spec: {{query: t}}}}}}}}}}}}, objectives: [{{target: 0.9}}], alertPolicies: [{{metadata: {{name: p}}, spec: {{conditions: [{{metadata: {{name: c, {condition}}}, spec: {{condition: {{op: gt, threshold: 2, lookbackWindow: 1h}}}}}}]}}}}]}}\n"
        )
    };
    let sloth = |labels: &str, alerting: &str| {
        format!(
            "version: prometheus/v1\nservice: a\nslos: [{{name: a, objective: 99, labels: {labels}, sli: {{events: {{error_query: 'sum(rate(e[5m]))', total_query: 'sum(rate(t[5m]))'}}}}, alerting: {alerting}}}]\n"
        )
    };
    let of_condition = "0:/spec/alertPolicies/0/spec/conditions/0/metadata";
    for (body, places) in [
        (
            pyrra(&format!(
                "a, annotations: {{kubectl.kubernetes.io/last: {long}, kept: x}}"
            )),
            vec!["0:/metadata/annotations/kubectl.kubernetes.io~1last"],
        ),
        (
            pyrra(&format!("a, labels: {}", labels(66))),
            vec!["0:/metadata/labels/l64", "0:/metadata/labels/l65"],
        ),
        (
            pyrra("a, labels: {'': x, __name__: y}"),
            vec!["0:/metadata/labels/", "0:/metadata/labels/__name__"],
        ),
        (
            openslo(&format!("displayName: {}", "é".repeat(256)), "", ""),
            vec!["0:/metadata/displayName"],
        ),
        (
            openslo("", &format!("description: {long},"), ""),
            vec!["0:/spec/description"],
        ),
        (
            openslo("", "", &format!("displayName: {}", "x".repeat(256))),
            vec![&*format!("{of_condition}/displayName")],
        ),
        (
            openslo("", "", &format!("annotations: {{b: {long}}}")),
            vec![&*format!("{of_condition}/annotations/b")],
        ),
        (
            openslo("", "", &format!("labels: {}", labels(21))),
            vec![&*format!("{of_condition}/labels/l20")],
        ),
        (
            sloth(&format!("{{a: {long}}}"), "{}"),
            vec!["0:/slos/0/labels/a"],
        ),
        (
            sloth(
                "{}",
                &format!("{{labels: {}, name: \"a\\nb\"}}", labels(21)),
            ),
            vec!["0:/slos/0/alerting/labels/l20", "0:/slos/0/alerting/name"],
        ),
        (
            sloth(
                "{}",
                &format!("{{page_alert: {{annotations: {{a: {long}}}}}}}"),
            ),
            vec!["0:/slos/0/alerting/page_alert/annotations/a"],
        ),
    ] {
        assert_eq!(refused(&body), [], "{places:?}");
        assert_eq!(adapted(&body), places);
    }
}

#[test]
fn the_origin_is_format_kind_namespace_and_name() {
    let body = pyrra("a").replace("{name: a}", "{name: a, namespace: web}");
    let import = read(&body);
    let ImportOrigin::Document(origin) = &import.slas[0].origin else {
        panic!("{import:?}");
    };
    assert_eq!(
        [
            &origin.format,
            &origin.kind,
            &origin.namespace,
            &origin.name
        ],
        ["pyrra.dev/v1alpha1", "ServiceLevelObjective", "web", "a"]
    );
}

#[test]
fn a_number_that_json_does_not_have_is_wrong_where_it_stands_and_leaves_the_others() {
    let body = pyrra("a").replacen("target: 99", "target: .nan", 1) + "---\n" + &pyrra("b");
    assert_eq!(refused(&body)[0].0, "0:/spec/target");
    assert_eq!(read(&body).slas.len(), 1);
}

#[test]
fn a_body_that_is_no_yaml_or_too_long_is_an_error() {
    let window = Default::default();
    assert!(matches!(
        slo_files::read("a: [", window),
        Err(Unreadable::NotYaml { .. })
    ));
    let long = " ".repeat(LONGEST_BODY + 1);
    assert_eq!(slo_files::read(&long, window), Err(Unreadable::TooLong));
}

#[test]
fn an_export_and_a_service_of_one_name_are_two() {
    let sloth = "version: prometheus/v1\nservice: web\nslos: [{name: a, objective: 99, sli: {events: {error_query: e, total_query: t}}}]\n";
    let export = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: web-b, annotations: {slacast/sla: web, slacast/objective: b}}\nspec: {budgetingMethod: Occurrences, timeWindow: [{duration: 30d, isRolling: true}], indicator: {spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: e}}}, total: {metricSource: {spec: {query: t}}}}}}, objectives: [{target: 0.9}]}\n";
    for (body, refused_at, id) in [
        (
            format!("{sloth}---\n{export}"),
            "1:/metadata/annotations/slacast~1sla",
            "a",
        ),
        (format!("{export}---\n{sloth}"), "1:/service", "b"),
    ] {
        assert_refused(&body, refused_at, "becomes the name `web`");
        let [sla] = &read(&body).slas[..] else {
            panic!("{body}")
        };
        let ids: Vec<&str> = sla
            .draft
            .objectives
            .iter()
            .map(|one| one.id().as_str())
            .collect();
        assert_eq!(ids, [id]);
    }
}
