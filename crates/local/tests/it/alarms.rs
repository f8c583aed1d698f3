//! What the alarms of the template count is what the functions log.

use std::{collections::BTreeSet, fs};

use crate::system::repository;

/// The filters of the template, each as the event and the other fields that it names.
fn filters() -> Vec<(String, BTreeSet<String>)> {
    let template = fs::read_to_string(repository().join("template.yaml")).unwrap();
    let patterns = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("FilterPattern: "));
    patterns
        .map(|pattern| {
            let event = pattern.split("$.fields.event = \"").nth(1);
            let event = event.and_then(|rest| rest.split('"').next());
            let event = event.unwrap_or_else(|| panic!("{pattern} names no event"));
            let names = pattern.split("$.fields.").skip(1);
            let names = names.map(|rest| rest.split(' ').next().unwrap().to_owned());
            (event.to_owned(), names.collect())
        })
        .collect()
}

/// The lines that a function logs with a constant event: each as the event and the names of its fields.
fn events(function: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut directories = vec![repository().join("functions").join(function).join("src")];
    let mut events = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            for rest in source.split("event = \"").skip(1) {
                let (event, fields) = rest.split_once('"').unwrap();
                let fields = fields.split(");").next().unwrap();
                let names = fields
                    .split(',')
                    .filter_map(|field| field.split(" = ").next());
                let names = names.map(|name| name.trim().to_owned());
                let names = names.chain(["event".to_owned()]);
                events.push((event.to_owned(), names.collect()));
            }
        }
    }
    events
}

#[test]
fn every_filter_of_the_template_finds_the_line_that_it_counts() {
    let events: Vec<_> = ["etl", "storage"].into_iter().flat_map(events).collect();
    let filters = filters();
    assert!(filters.len() >= 4, "{filters:?}");
    for (event, names) in filters {
        let (_, logged) = events
            .iter()
            .find(|(logged, _)| *logged == event)
            .unwrap_or_else(|| panic!("nobody logs {event}"));
        assert!(names.is_subset(logged), "{event}: {names:?}, {logged:?}");
    }
}

/// The alarms on what is no metric of AWS, each as the metric that it names.
fn own_alarms() -> Vec<String> {
    let template = fs::read_to_string(repository().join("template.yaml")).unwrap();
    let (_, alarms) = template.split_once("# ---- alarms").unwrap();
    let resources = alarms.split("Type: AWS::CloudWatch::Alarm").skip(1);
    resources
        .filter(|resource| resource.contains("Namespace: slacast\n"))
        .map(|resource| {
            let metric = resource.split("MetricName: ").nth(1).unwrap();
            metric.lines().next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn every_alarm_on_a_metric_of_ours_is_on_one_that_is_written() {
    let template = fs::read_to_string(repository().join("template.yaml")).unwrap();
    let answer = repository().join("functions/storage/src/answer.rs");
    let measured = fs::read_to_string(answer).unwrap();
    let alarms = own_alarms();
    assert!(
        alarms.iter().any(|metric| metric == "StorageLag"),
        "{alarms:?}"
    );
    for metric in alarms {
        // Counted by a filter, or a metric of its own in the function's log.
        let is_written = match metric.strip_prefix("!Sub ") {
            Some(name) => template.contains(&format!("MetricName: !Sub \"{name}\"")),
            None => measured.contains(&format!("\"{metric}\"")),
        };
        assert!(is_written, "nobody writes {metric}");
    }
}
