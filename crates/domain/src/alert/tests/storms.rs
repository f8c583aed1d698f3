//! Storms: many alerts of one name and objective at once.

use super::*;

/// How many have no alert of their own, as the firing alert that stands for those of this severity says.
fn rest(stored: &Stored, severity: &str) -> Option<String> {
    rest_by(stored, &beside_all(labels(None, severity)))
}

fn rest_by(stored: &Stored, labels: &Labels) -> Option<String> {
    let mut firing = stored
        .0
        .iter()
        .filter(|own| own.state == AlertState::Firing);
    let rest = firing.find(|own| own.labels == *labels)?;
    rest.annotations.get("value").cloned()
}

#[test]
fn a_storm_is_one_alert_beside_fifty() {
    let all = |as_of, range: std::ops::Range<usize>| {
        statement(
            as_of,
            10_000,
            range.map(|node| holds(node, as_of)).collect(),
        )
    };
    let mut stored = Stored::default();
    let changes = stored.compare(vec![all(100, 0..10_000)], 105);
    assert_eq!(told(&changes).len(), 51);
    let value = |stored: &Stored| rest(stored, "page");
    assert_eq!(value(&stored).as_deref(), Some("9950"));
    // Nobody learns of a value that changes.
    assert!(told(&stored.compare(vec![all(130, 0..9_000)], 135)).is_empty());
    assert_eq!(value(&stored).as_deref(), Some("8950"));
    // It stays until fewer than 25 hold, which then get their own.
    stored.compare(vec![all(160, 40..70)], 165);
    assert_eq!(
        (stored.firing(), value(&stored)),
        (11, Some("20".to_owned()))
    );
    stored.compare(vec![all(190, 46..70)], 195);
    assert_eq!((stored.firing(), value(&stored)), (24, None));
    // Nothing is silent all at once and over.
    stored.compare(vec![all(220, 0..60)], 225);
    assert_eq!(stored.firing(), 51);
    let silent = Statement {
        stands: false,
        ..statement(250, 60, vec![])
    };
    assert!(told(&stored.compare(vec![silent], 255)).is_empty());
    assert_eq!(stored.firing(), 51);
}

/// That all series together are in alert, and so many of them.
fn with_all(as_of: u64, series: usize) -> Statement {
    let all = Claim::holds(labels(None, "page"), Some(at(40)), Annotations::new());
    let own = (0..series).map(|node| holds(node, as_of));
    statement(as_of, 100, own.chain([all]).collect())
}

#[test]
fn the_alert_of_all_together_is_no_storm_and_belongs_to_none() {
    let mut stored = Stored::default();
    let changes = stored.compare(vec![with_all(100, 60)], 105);
    assert_eq!((told(&changes).len(), stored.0.len()), (52, 52));
    assert_eq!(rest(&stored, "page").as_deref(), Some("10"));

    // While it alone fires, each series gets an alert of its own.
    let mut stored = Stored::default();
    stored.compare(vec![with_all(100, 0)], 105);
    stored.compare(vec![with_all(130, 30)], 135);
    assert_eq!((stored.firing(), rest(&stored, "page")), (31, None));

    // It comes and goes in a storm.
    let mut stored = Stored::default();
    let storm = |as_of| statement(as_of, 100, (0..60).map(|node| holds(node, 40)).collect());
    stored.compare(vec![storm(100)], 105);
    let changes = stored.compare(vec![with_all(130, 60)], 135);
    assert_eq!(told(&changes), [("firing", 40, None)]);
    let changes = stored.compare(vec![storm(160)], 165);
    assert_eq!(told(&changes), [("resolved", 40, None)]);
    assert_eq!(rest(&stored, "page").as_deref(), Some("10"));
}

#[test]
fn where_all_together_have_no_alert_the_one_for_the_rest_has_no_label_of_its_own() {
    let storm = |as_of, series: std::ops::Range<usize>| Statement {
        group: Some((labels(None, "page"), Annotations::new())),
        ..statement(as_of, 100, series.map(|node| holds(node, 40)).collect())
    };
    let mut stored = Stored::default();
    stored.compare(vec![storm(100, 0..60)], 105);
    let rest = |stored: &Stored| rest_by(stored, &labels(None, "page"));
    assert_eq!(
        (stored.firing(), rest(&stored).as_deref()),
        (51, Some("10"))
    );
    stored.compare(vec![storm(130, 40..70)], 135);
    assert_eq!(
        (stored.firing(), rest(&stored).as_deref()),
        (11, Some("20"))
    );
    stored.compare(vec![storm(160, 46..70)], 165);
    assert_eq!((stored.firing(), rest(&stored)), (24, None));
}

#[test]
fn a_storm_is_as_urgent_as_what_it_is_made_of() {
    let of = |node, severity| Claim {
        labels: labels(Some(node), severity),
        ..holds(node, 40)
    };
    let said = |as_of, claims: Vec<Claim>| Statement {
        identities: vec![labels(None, "page"), labels(None, "ticket")],
        ..statement(as_of, 100, claims)
    };
    let tickets = || (0..60).map(|node| of(node, "ticket"));
    let mut stored = Stored::default();
    stored.compare(vec![said(100, tickets().collect())], 105);
    assert_eq!(rest(&stored, "ticket").as_deref(), Some("10"));
    assert_eq!(rest(&stored, "page"), None);

    let pages = (57..60).map(|node| of(node, "page"));
    let claims = tickets().chain(pages).collect();
    let changes = stored.compare(vec![said(130, claims)], 135);
    assert_eq!(told(&changes), [("firing", 130, None)]);
    assert_eq!(rest(&stored, "page").as_deref(), Some("3"));
    let changes = stored.compare(vec![said(160, tickets().collect())], 165);
    assert_eq!(told(&changes), [("resolved", 130, None)]);
}

#[test]
fn what_stood_for_the_rest_before_begins_anew() {
    let storm = |as_of| statement(as_of, 100, (0..60).map(|node| holds(node, as_of)).collect());
    assert_eq!(storm(100).fingerprints().len(), 61);
    let mut stored = Stored::default();
    for as_of in [100, 101] {
        stored.compare(vec![storm(as_of)], as_of);
        stored.compare(vec![statement(as_of, 100, vec![])], as_of);
    }
    let storms = stored.0.iter().filter(|own| own.series.is_none());
    let began: Vec<_> = storms.map(|own| (own.since, own.state)).collect();
    assert_eq!(began, [(at(101), AlertState::Resolved)]);
}
