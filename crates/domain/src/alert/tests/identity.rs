use super::*;

fn shown(labels: &Labels) -> String {
    labels.to_string()
}

#[test]
fn labels_are_the_alerts_own_then_those_given_then_the_series() {
    let series: Labels = [("sla", "mine"), ("node", "a"), ("empty", "")]
        .into_iter()
        .collect();
    let identity = Identity {
        sla: Some("web"),
        objective: Some("cpu"),
        series: Some(&series),
        ..Identity::of_system(AlertName::Violation, "page")
    };
    assert_eq!(
        shown(&identity.labels()),
        r#"{alertname="SlacastViolation",node="a",objective="cpu",series_sla="mine",severity="page",sla="web"}"#
    );
    let given: Labels = [("severity", "critical"), ("team", "sre"), ("sla", "x")]
        .into_iter()
        .collect();
    let named = Identity {
        called: Some("CheckoutBurn"),
        given: Some(&given),
        ..Identity::of_system(AlertName::BudgetBurn, "ticket")
    };
    assert_eq!(
        shown(&named.labels()),
        r#"{alertname="CheckoutBurn",severity="critical",sla="x",slacast_alert="SlacastBudgetBurn",slacast_severity="ticket",team="sre"}"#
    );
}

#[test]
fn a_fingerprint_is_the_first_64_bits_over_the_sorted_labels() {
    let one: Labels = [("alertname", "SlacastWatchdog"), ("severity", "none")]
        .into_iter()
        .collect();
    let fingerprint = Fingerprint::of(&one);
    assert_eq!(fingerprint.to_string(), "41bdfbffc46a313f");
    assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    let other: Labels = [("alertname", "SlacastWatchdogs"), ("everity", "none")]
        .into_iter()
        .collect();
    assert_ne!(fingerprint, Fingerprint::of(&other));
    for wrong in ["", "0123", "0123456789ABCDEF", "+123456789abcdef"] {
        assert_eq!(wrong.parse::<Fingerprint>(), Err(InvalidFingerprint));
    }
}

#[test]
fn alertmanager_gets_names_that_it_takes_and_no_two_alike() {
    for (names, expected) in [
        (&["http.code"][..], &["http_code"][..]),
        (&["0day"], &["_0day"]),
        (&["a.b", "a_b", "a-b"], &["a_b", "a_b_", "a_b__"]),
        (&["é"], &["_"]),
        (&["a:b"], &["a_b"]),
    ] {
        let labels: Labels = names.iter().map(|name| (*name, *name)).collect();
        let sent = labels.with_classic_names().0;
        let found: Vec<&str> = sent.keys().map(String::as_str).collect();
        assert_eq!(found, expected, "{names:?}");
        // A name that needs no change keeps its value.
        let kept = sent
            .get("a_b")
            .is_none_or(|value| value == "a_b" || !names.contains(&"a_b"));
        assert!(kept, "{sent:?}");
    }
}

#[test]
fn a_firing_has_one_id_and_its_end_another() {
    let mut stored = Stored::default();
    stored.compare(vec![statement(100, 1, vec![holds(0, 40)])], 105);
    let fingerprint = stored.0[0].fingerprint;
    let since = at(40).millis() / 1000;
    let id = stored.0[0].message_id();
    assert_eq!(id, format!("{fingerprint}-{since}-firing"));
    stored.compare(vec![statement(130, 1, vec![])], 135);
    let id = stored.0[0].message_id();
    assert_eq!(id, format!("{fingerprint}-{since}-resolved"));
}
