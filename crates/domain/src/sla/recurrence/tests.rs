use proptest::{collection::vec, prelude::*};

use super::*;

fn recurrence(rrule: &str, starts: &str) -> Recurrence {
    Recurrence::parse(rrule, starts, "2h", "Europe/Rome").unwrap()
}

/// The first local times of a rule.
fn locals(rrule: &str, starts: &str, many: usize) -> Vec<String> {
    let rule = Rule::parse(rrule).unwrap();
    let starts = local_time(starts).unwrap();
    let times = Occurrences::new(&rule, starts).take(many);
    times
        .map(|time| time.strftime("%Y-%m-%dT%H:%M").to_string())
        .collect()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The examples of RFC 5545, section 3.8.5.3, and what has no example there.
#[test]
fn a_rule_recurs_as_rfc_5545_says() {
    for (rrule, starts, expected) in [
        (
            "FREQ=DAILY;COUNT=3",
            "1997-09-02T09:00:00",
            "1997-09-02 1997-09-03 1997-09-04",
        ),
        (
            "FREQ=DAILY;INTERVAL=10;COUNT=3",
            "1997-09-02T09:00:00",
            "1997-09-02 1997-09-12 1997-09-22",
        ),
        (
            "FREQ=YEARLY;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
            "1998-01-30T09:00:00",
            "1998-01-30 1998-01-31 1999-01-01",
        ),
        (
            "FREQ=DAILY;BYMONTH=1",
            "1998-01-30T09:00:00",
            "1998-01-30 1998-01-31 1999-01-01",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH",
            "1997-09-02T09:00:00",
            "1997-09-02 1997-09-04 1997-09-16 1997-09-18",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05T09:00:00",
            "1997-08-05 1997-08-10 1997-08-19 1997-08-24",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05T09:00:00",
            "1997-08-05 1997-08-17 1997-08-19 1997-08-31",
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYDAY=1FR",
            "1997-09-05T09:00:00",
            "1997-09-05 1997-10-03 1997-11-07",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU",
            "1997-09-07T09:00:00",
            "1997-09-07 1997-09-28 1997-11-02 1997-11-30",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-2MO",
            "1997-09-22T09:00:00",
            "1997-09-22 1997-10-20 1997-11-17",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-3",
            "1997-09-28T09:00:00",
            "1997-09-28 1997-10-29 1997-11-28",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=2,15",
            "1997-09-02T09:00:00",
            "1997-09-02 1997-09-15 1997-10-02",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,-1",
            "1997-09-30T09:00:00",
            "1997-09-30 1997-10-01 1997-10-31",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12",
            "1997-09-10T09:00:00",
            "1997-09-10 1997-09-11 1997-09-12 1999-03-10",
        ),
        (
            "FREQ=YEARLY;BYMONTH=6,7",
            "1997-06-10T09:00:00",
            "1997-06-10 1997-07-10 1998-06-10",
        ),
        (
            "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200",
            "1997-01-01T09:00:00",
            "1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09",
        ),
        (
            "FREQ=YEARLY;BYDAY=20MO",
            "1997-05-19T09:00:00",
            "1997-05-19 1998-05-18 1999-05-17",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            "1997-05-12T09:00:00",
            "1997-05-12 1998-05-11 1999-05-17",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=20",
            "1997-05-12T09:00:00",
            "1997-05-12 1998-05-11 1999-05-17",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU",
            "1997-12-28T09:00:00",
            "1997-12-28 1999-01-03 2000-01-02",
        ),
        (
            "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
            "1997-03-13T09:00:00",
            "1997-03-13 1997-03-20 1997-03-27 1998-03-05",
        ),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "1998-02-13T09:00:00",
            "1998-02-13 1998-03-13 1998-11-13 1999-08-13",
        ),
        (
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            "1997-09-13T09:00:00",
            "1997-09-13 1997-10-11 1997-11-08",
        ),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "1996-11-05T09:00:00",
            "1996-11-05 2000-11-07 2004-11-02",
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            "1997-09-04T09:00:00",
            "1997-09-04 1997-10-07 1997-11-06",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "1997-09-29T09:00:00",
            "1997-09-29 1997-10-30 1997-11-27",
        ),
        (
            "FREQ=MONTHLY",
            "2026-01-31T09:00:00",
            "2026-01-31 2026-03-31 2026-05-31",
        ),
        (
            "FREQ=YEARLY",
            "2024-02-29T09:00:00",
            "2024-02-29 2028-02-29 2032-02-29",
        ),
    ] {
        let expected: Vec<&str> = expected.split(' ').collect();
        let found = locals(rrule, starts, expected.len());
        let dates: Vec<&str> = found.iter().map(|time| &time[..10]).collect();
        assert_eq!(dates, expected, "{rrule}");
        assert!(found.iter().all(|time| time.ends_with("T09:00")), "{rrule}");
    }
    for (rrule, starts, expected) in [
        (
            "FREQ=HOURLY;INTERVAL=3;COUNT=3",
            "1997-09-02T09:00:00",
            "1997-09-02T09:00 1997-09-02T12:00 1997-09-02T15:00",
        ),
        (
            "FREQ=MINUTELY;INTERVAL=90;COUNT=3",
            "1997-09-02T09:00:00",
            "1997-09-02T09:00 1997-09-02T10:30 1997-09-02T12:00",
        ),
        (
            "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10",
            "1997-09-02T10:20:00",
            "1997-09-02T10:20 1997-09-02T10:40 1997-09-03T09:00",
        ),
        (
            "FREQ=SECONDLY;BYHOUR=2;BYMINUTE=30;BYSECOND=0;BYDAY=SU",
            "2026-11-01T02:30:00",
            "2026-11-01T02:30 2026-11-08T02:30",
        ),
        (
            "FREQ=HOURLY;BYHOUR=4;BYMINUTE=0,30;BYMONTHDAY=1",
            "2026-11-01T04:00:00",
            "2026-11-01T04:00 2026-11-01T04:30 2026-12-01T04:00",
        ),
        (
            "FREQ=DAILY;BYHOUR=9,17;BYSETPOS=-1",
            "2026-11-01T17:00:00",
            "2026-11-01T17:00 2026-11-02T17:00",
        ),
    ] {
        let expected: Vec<&str> = expected.split(' ').collect();
        assert_eq!(locals(rrule, starts, expected.len()), expected, "{rrule}");
    }
}

#[test]
fn local_times_stay_across_changes_of_the_clock() {
    // Rome: 02:30 does not exist on 29 March 2026, and exists twice on 25 October 2026.
    for (starts, expected) in [
        (
            "2026-03-22T02:30:00",
            [
                "2026-03-22T01:30:00Z",
                "2026-03-29T01:30:00Z",
                "2026-04-05T00:30:00Z",
            ],
        ),
        (
            "2026-10-18T02:30:00",
            [
                "2026-10-18T00:30:00Z",
                "2026-10-25T00:30:00Z",
                "2026-11-01T01:30:00Z",
            ],
        ),
    ] {
        let found = recurrence("FREQ=WEEKLY;COUNT=3", starts);
        let spans = found.spans(Span {
            start: Timestamp::EPOCH,
            end: Timestamp::MAX,
        });
        let begins: Vec<String> = spans.iter().map(|span| span.start.to_string()).collect();
        assert_eq!(begins, expected);
        // The length is time that passes, whatever clocks show.
        assert!(
            spans
                .iter()
                .all(|span| span.length() == Duration::from_secs(7_200))
        );
    }
}

#[test]
fn what_comes_after_a_gap_is_in_order_and_not_left_out_by_until() {
    // Rome, 29 March 2026: 02:30 is taken as 03:30, which is after 03:00.
    let found = |until: &str| -> Vec<String> {
        let rrule = format!("FREQ=DAILY;BYDAY=SA,SU;BYHOUR=2,3;BYMINUTE=0,30;BYSETPOS=2,3{until}");
        // Of 02:00, 02:30, 03:00 and 03:30 the two in the middle.
        let rule = Recurrence::parse(&rrule, "2026-03-28T02:30:00", "5m", "Europe/Rome").unwrap();
        let spans = rule.spans(Span {
            start: time("2026-03-28T00:00:00Z"),
            end: time("2026-03-29T12:00:00Z"),
        });
        spans.iter().map(|span| span.start.to_string()).collect()
    };
    let saturday = ["2026-03-28T01:30:00Z", "2026-03-28T02:00:00Z"];
    let sunday = ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"];
    assert_eq!(found(";COUNT=4"), [saturday, sunday].concat());
    assert_eq!(
        found(";UNTIL=20260329T011000Z"),
        [&saturday[..], &sunday[..1]].concat()
    );
}

#[test]
fn a_leap_second_is_the_second_before() {
    let starts = "2026-11-01T02:00:59";
    let rule = "FREQ=DAILY;COUNT=2;BYSECOND=59,60";
    assert_eq!(
        locals(rule, starts, 3),
        ["2026-11-01T02:00", "2026-11-02T02:00"]
    );
    recurrence("FREQ=DAILY;BYSECOND=60", starts);
    assert!(Rule::parse("FREQ=DAILY;BYSECOND=61").is_err());
}

#[test]
fn a_rule_ends_with_until_or_count() {
    let until = recurrence("FREQ=DAILY;UNTIL=20261103T010000Z", "2026-11-01T02:00:00");
    assert_eq!(until.end(), time("2026-11-03T03:00:00Z"));
    let before = recurrence("FREQ=DAILY;UNTIL=20261103T005959Z", "2026-11-01T02:00:00");
    assert_eq!(before.end(), time("2026-11-02T03:00:00Z"));
    let count = recurrence("FREQ=DAILY;COUNT=2", "2026-11-01T02:00:00");
    assert_eq!(count.end(), time("2026-11-02T03:00:00Z"));
    assert_eq!(
        recurrence("FREQ=DAILY", "2026-11-01T02:00:00").end(),
        Timestamp::MAX
    );
    assert_eq!(count.first(), time("2026-11-01T01:00:00Z"));
    // One of which a part lies in the span is whole.
    let touched = count.spans(Span {
        start: time("2026-11-01T02:59:59Z"),
        end: time("2026-11-02T01:00:00Z"),
    });
    assert_eq!(touched.len(), 1);
    assert_eq!(touched[0].start, time("2026-11-01T01:00:00Z"));
}

#[test]
fn a_recurrence_names_what_is_wrong_with_it() {
    let starts = "2026-11-01T02:00:00";
    for (rrule, starts, length, zone, field) in [
        ("", starts, "2h", "Europe/Rome", "rrule"),
        ("WEEKLY", starts, "2h", "Europe/Rome", "rrule"),
        ("BYDAY=SU", starts, "2h", "Europe/Rome", "rrule"),
        ("FREQ=FORTNIGHTLY", starts, "2h", "Europe/Rome", "rrule"),
        ("RRULE:FREQ=DAILY", starts, "2h", "Europe/Rome", "rrule"),
        (
            "FREQ=DAILY;FREQ=DAILY",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        ("FREQ=DAILY;X=1", starts, "2h", "Europe/Rome", "rrule"),
        (
            "FREQ=DAILY;INTERVAL=0",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=DAILY;INTERVAL=-1",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        ("FREQ=DAILY;COUNT=0", starts, "2h", "Europe/Rome", "rrule"),
        (
            "FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=DAILY;UNTIL=20270101T000000",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=DAILY;UNTIL=20270101",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=DAILY;UNTIL=20271301T000000Z",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=DAILY;UNTIL=20261101T005959Z",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=WEEKLY;BYDAY=1SU",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        ("FREQ=WEEKLY;BYDAY=XX", starts, "2h", "Europe/Rome", "rrule"),
        (
            "FREQ=WEEKLY;BYDAY=ÄÖÜ",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=WEEKLY;BYMONTHDAY=1",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=MONTHLY;BYWEEKNO=1",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=MONTHLY;BYYEARDAY=1",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=0",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=MONTHLY;BYSETPOS=1",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        ("FREQ=DAILY;BYHOUR=24", starts, "2h", "Europe/Rome", "rrule"),
        // More than 366 in 366 days, at once, later, or in a day that is rare.
        ("FREQ=SECONDLY", starts, "2h", "Europe/Rome", "rrule"),
        (
            "FREQ=DAILY;BYHOUR=2,3",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=HOURLY;INTERVAL=23",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        (
            "FREQ=MINUTELY;BYMONTH=11;BYMONTHDAY=1",
            starts,
            "2h",
            "Europe/Rome",
            "rrule",
        ),
        // Never, and not at first.
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            starts,
            "2h",
            "Europe/Rome",
            "starts",
        ),
        (
            "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            starts,
            "2h",
            "Europe/Rome",
            "starts",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO",
            starts,
            "2h",
            "Europe/Rome",
            "starts",
        ),
        ("FREQ=DAILY;BYHOUR=3", starts, "2h", "Europe/Rome", "starts"),
        ("FREQ=DAILY", "2026-11-01", "2h", "Europe/Rome", "starts"),
        (
            "FREQ=DAILY",
            "2026-11-01T02:00:00Z",
            "2h",
            "Europe/Rome",
            "starts",
        ),
        ("FREQ=DAILY", starts, "0s", "Europe/Rome", "duration"),
        ("FREQ=DAILY", starts, "7d1s", "Europe/Rome", "duration"),
        ("FREQ=DAILY", starts, "x", "Europe/Rome", "duration"),
        ("FREQ=DAILY", starts, "2h", "Rome", "time_zone"),
        ("FREQ=DAILY", starts, "2h", "", "time_zone"),
    ] {
        let wrong = Recurrence::parse(rrule, starts, length, zone).unwrap_err();
        assert_eq!(
            wrong.field, field,
            "{rrule} {starts} {length} {zone}: {wrong}"
        );
    }
    let long = format!("FREQ=DAILY;BYHOUR={}", "2,".repeat(2_000));
    assert!(Recurrence::parse(&long, starts, "2h", "UTC").is_err());
    // As often as may be.
    for rrule in [
        "FREQ=DAILY",
        "FREQ=HOURLY;INTERVAL=24",
        "FREQ=SECONDLY;INTERVAL=86400",
    ] {
        Recurrence::parse(rrule, starts, "7d", "Europe/Rome").unwrap();
    }
}

#[test]
fn a_recurrence_is_written_as_it_was_given() {
    let given = recurrence("freq=weekly;byday=su", "2026-11-01T02:00:00");
    let text = serde_json::to_string(&given).unwrap();
    assert_eq!(
        text,
        r#"{"rrule":"freq=weekly;byday=su","starts":"2026-11-01T02:00:00","duration":"2h","time_zone":"Europe/Rome"}"#
    );
    assert_eq!(serde_json::from_str::<Recurrence>(&text).unwrap(), given);
    // What was checked when it was made is not checked by each reading.
    let other = text.replace("su", "mo");
    assert!(serde_json::from_str::<Recurrence>(&other).is_ok());
}

/// As many as `PROPTEST_CASES` says, and enough for every day.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(2_000),
        ..config
    }
}

/// What rules are made of, and what they are not.
fn any_rule() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "FREQ",
        "FREQ",
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "WKST",
        "BYMONTH",
        "BYWEEKNO",
        "BYYEARDAY",
        "BYMONTHDAY",
        "BYDAY",
        "BYHOUR",
        "BYMINUTE",
        "BYSECOND",
        "BYSETPOS",
        "X",
    ]);
    let value = prop::sample::select(vec![
        "SECONDLY",
        "MINUTELY",
        "HOURLY",
        "DAILY",
        "WEEKLY",
        "MONTHLY",
        "YEARLY",
        "1",
        "2",
        "30",
        "31",
        "53",
        "366",
        "-1",
        "-366",
        "0",
        "1000000000",
        "99999999999999999999",
        "SU",
        "MO,TU",
        "1SU",
        "-5FR",
        "53MO",
        "1,2,3",
        "59",
        "23",
        "20261231T235959Z",
        "99991231T235959Z",
        "19700101T000000Z",
        "",
        ",",
        "é",
    ]);
    let part = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    let frequency = prop::sample::select(vec![
        "SECONDLY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY",
    ]);
    prop_oneof![
        5 => (frequency, vec(part, 0..6)).prop_map(|(frequency, parts)| {
            let parts: Vec<String> = std::iter::once(format!("FREQ={frequency}")).chain(parts).collect();
            parts.join(";")
        }),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_rule_makes_reading_it_panic_or_go_on_for_ever(
        rrule in any_rule(),
        starts in prop::sample::select(vec!["2026-11-01T02:00:00", "1970-01-01T00:00:00", "9000-12-31T23:59:59", "2024-02-29T02:30:00", "x"]),
        length in prop::sample::select(vec!["1s", "2h", "7d", "8d", "0s", ""]),
        zone in prop::sample::select(vec!["UTC", "Europe/Rome", "Pacific/Apia", "Africa/Monrovia", "Mars"]),
    ) {
        if let Ok(recurrence) = Recurrence::parse(&rrule, starts, length, zone) {
            prop_assert!(recurrence.end() >= recurrence.first());
            let asked = Span { start: recurrence.first(), end: recurrence.first() + Duration::from_secs(366 * 86_400) };
            let spans = recurrence.spans(asked);
            // One more where the first day of a leap year's 366 comes again.
            prop_assert!(spans.len() <= 367, "{}", spans.len());
            prop_assert!(spans.windows(2).all(|pair| pair[0].start < pair[1].start));
        }
    }
}
