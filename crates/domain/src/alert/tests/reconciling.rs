use super::*;

#[test]
fn an_alert_fires_once_and_is_resolved_once() {
    let mut stored = Stored::default();
    let mut said = Vec::new();
    for (as_of, claims) in [
        (100, vec![holds(0, 40)]),
        (130, vec![holds(0, 40)]),
        (130, vec![holds(0, 40)]),
        (160, vec![]),
        (190, vec![]),
    ] {
        let changes = stored.compare(vec![statement(as_of, 1, claims)], as_of + 5);
        said.extend(
            told(&changes)
                .iter()
                .map(|(what, since, _)| (*what, *since)),
        );
    }
    assert_eq!(said, [("firing", 40), ("resolved", 40)]);
    assert_eq!(stored.0[0].resolved_at, Some(at(160)));
}

#[test]
fn what_fires_again_in_the_same_episode_begins_anew() {
    let mut stored = Stored::default();
    for (as_of, claims, since) in [
        (100, vec![holds(0, 40)], 40),
        (130, vec![], 40),
        (160, vec![holds(0, 40)], 160),
        (190, vec![], 160),
        (220, vec![holds(0, 200)], 200),
    ] {
        stored.compare(vec![statement(as_of, 1, claims)], as_of + 5);
        assert_eq!(stored.0[0].since, at(since), "{as_of}");
    }
}

#[test]
fn what_has_ended_does_not_fire_again_when_the_others_fall_silent() {
    let mut stored = Stored::default();
    let silent = |since| {
        let verdict = Verdict::Holds {
            since: Some(at(since)),
            frozen: Some(reason::SILENT),
        };
        Statement {
            stands: false,
            ..statement(190, 2, vec![claim(0, verdict)])
        }
    };
    stored.compare(vec![statement(100, 2, vec![holds(0, 40)])], 105);
    let ended = Statement {
        ended: [series_id(0)].into(),
        ..statement(160, 2, vec![])
    };
    stored.compare(vec![ended], 165);
    assert_eq!(stored.compare(vec![silent(40)], 195), []);
    assert_eq!(stored.firing(), 0);
    // A violation after that is new, whether the series is still there or not.
    stored.compare(vec![silent(170)], 195);
    assert_eq!(stored.firing(), 1);
}

#[test]
fn silence_resolves_nothing() {
    let mut stored = Stored::default();
    stored.compare(vec![statement(100, 2, vec![holds(0, 40)])], 105);
    // No evaluation, one in which nothing stands, and one that is older.
    for statements in [
        vec![],
        vec![Statement {
            stands: false,
            ..statement(130, 2, vec![])
        }],
        vec![statement(70, 2, vec![])],
        vec![Statement {
            silent: [series_id(0)].into(),
            ..statement(150, 2, vec![])
        }],
        vec![statement(
            160,
            2,
            vec![claim(0, Verdict::Unknown(reason::UNMEASURED))],
        )],
    ] {
        assert!(told(&stored.compare(statements.clone(), 135)).is_empty());
        assert_eq!(stored.firing(), 1, "{statements:?}");
    }
    assert!(stored.0[0].frozen);
    stored.compare(vec![statement(190, 2, vec![holds(0, 40)])], 195);
    let alert = &stored.0[0];
    assert_eq!(
        (alert.frozen, &alert.reason, alert.since),
        (false, &None, at(40))
    );
}

#[test]
fn a_resolution_says_why() {
    let firing = || {
        let mut stored = Stored::default();
        stored.compare(vec![statement(100, 2, vec![holds(0, 40)])], 105);
        stored
    };
    for (statement, reason) in [
        (statement(130, 2, vec![]), None),
        (
            Statement {
                ended: [series_id(0)].into(),
                ..statement(130, 2, vec![])
            },
            Some("ended"),
        ),
        (
            Statement {
                listed: Some([series_id(1)].into()),
                ..statement(130, 0, vec![])
            },
            Some("gone"),
        ),
        (
            Statement {
                identities: vec![labels(None, "ticket")],
                ..statement(130, 2, vec![])
            },
            Some("severity"),
        ),
    ] {
        let changes = firing().compare(vec![statement], 135);
        assert_eq!(told(&changes), [("resolved", 40, reason)]);
    }
    for (known, reason) in [
        (Known::default(), "retired"),
        (
            Known([("web".to_owned(), BTreeSet::new())].into()),
            "removed",
        ),
    ] {
        let changes = reconcile(firing().0, vec![], &known, |_| reason::STALE, at(140));
        assert_eq!(told(&changes), [("resolved", 40, Some(reason))]);
    }
}

#[test]
fn what_has_to_hold_for_a_while_is_not_said_before() {
    let held = |as_of, claims| Statement {
        hold: Duration::from_secs(90),
        ..statement(as_of, 1, claims)
    };
    let unsaid = Verdict::Holds {
        since: None,
        frozen: None,
    };
    let mut stored = Stored::default();
    let mut said = Vec::new();
    for as_of in [100, 130, 190, 220] {
        let changes = stored.compare(vec![held(as_of, vec![claim(0, unsaid.clone())])], as_of);
        said.push(told(&changes).len());
    }
    assert_eq!(said, [0, 0, 1, 0]);
    assert_eq!(stored.0[0].since, at(100));

    let mut stored = Stored::default();
    stored.compare(vec![held(100, vec![claim(0, unsaid.clone())])], 100);
    let changes = stored.compare(vec![held(130, vec![])], 130);
    assert!(matches!(changes[..], [Change::Forgets(_)]));
    assert!(stored.0.is_empty());
}

#[test]
fn what_has_to_hold_twice_needs_two_evaluations() {
    let twice = |as_of, claims| Statement {
        twice: true,
        ..statement(as_of, 1, claims)
    };
    let mut stored = Stored::default();
    let mut said = Vec::new();
    for as_of in [100, 100, 130] {
        let changes = stored.compare(vec![twice(as_of, vec![holds(0, as_of)])], as_of);
        said.push(told(&changes).len());
    }
    assert_eq!(said, [0, 0, 1]);
}

#[test]
fn a_pair_whose_severity_changed_says_so_and_others_do_not() {
    let labels = |name: &str, severity: &str, sent: Option<&str>| {
        let sent: Option<Labels> = sent.map(|sent| [("severity", sent)].into_iter().collect());
        let identity = Identity {
            called: Some(name),
            given: sent.as_ref(),
            ..Identity::of_system(AlertName::BudgetBurn, severity)
        };
        identity.labels()
    };
    let (page, ticket) = (labels("Fast", "page", None), labels("Fast", "ticket", None));
    let (slow, critical) = (
        labels("Slow", "page", None),
        labels("Fast", "page", Some("critical")),
    );
    for (before, now, reason) in [
        (&page, vec![&ticket, &slow], Some("severity")),
        (&page, vec![&critical], Some("severity")),
        (&critical, vec![&page], Some("severity")),
        // Pairs of both severities have one name: it just does not burn any more.
        (&page, vec![&page, &ticket], None),
        (&page, vec![&slow], None),
    ] {
        let said = |as_of, claims, identities: &[&Labels]| Statement {
            identities: identities.iter().map(|own| (*own).clone()).collect(),
            ..Statement::new(scope(), at(as_of), claims)
        };
        let claim = Claim::holds(before.clone(), Some(at(40)), Annotations::new());
        let mut stored = Stored::default();
        stored.compare(vec![said(100, vec![claim], &[before])], 105);
        let changes = stored.compare(vec![said(130, vec![], &now)], 135);
        assert_eq!(told(&changes), [("resolved", 40, reason)], "{now:?}");
    }
}

#[test]
fn that_no_series_stands_keeps_what_was_said_of_one_and_is_not_frozen_itself() {
    let said = |as_of, stands, claims| Statement {
        stands,
        scope: Scope::of(AlertName::NoData, "web", "cpu"),
        ..statement(as_of, 2, claims)
    };
    let mut stored = Stored::default();
    stored.compare(vec![said(100, true, vec![holds(0, 40)])], 105);
    let all = Claim::holds(labels(None, "page"), None, Annotations::new());
    let changes = stored.compare(vec![said(130, false, vec![all])], 135);
    assert_eq!(told(&changes), [("firing", 130, None)]);
    for alert in &stored.0 {
        assert_eq!(alert.frozen, alert.series.is_some(), "{}", alert.labels);
    }
    let changes = stored.compare(vec![said(160, true, vec![holds(0, 40)])], 165);
    assert_eq!(told(&changes), [("resolved", 130, None)]);
    assert_eq!(stored.firing(), 1);
}
