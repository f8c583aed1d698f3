//! 10,000 counters of 12 h, once a minute and each 15 s, counted for an objective: from their samples to the slices.

use std::{hint::black_box, time::Duration};

use chrono::DateTime;
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{
    Labels, Sample, Span, Timestamp,
    events::{CounterSeries, Counting},
    sla::{Events, EventsObjective},
};

const COUNTERS: usize = 10_000;
/// Counters are read over 12 h and 20 min.
const READ: Duration = Duration::from_secs(12 * 3_600 + 20 * 60);

/// What a counter shows each `step`: it begins anew now and then.
fn samples(read: Span, step: Duration) -> Vec<Sample> {
    let (mut time, mut value, mut samples) = (read.start + step, 0.0, Vec::new());
    while time <= read.end {
        let place = samples.len();
        value = if place % 1_000 == 999 {
            1.0
        } else {
            value + (place % 7) as f64
        };
        samples.push(Sample { time, value });
        time = time + step;
    }
    samples
}

fn counting(criterion: &mut Criterion) {
    let as_of = Timestamp::from(DateTime::UNIX_EPOCH) + 2 * READ;
    let read = Span {
        start: as_of - READ,
        end: as_of,
    };
    let events = Events {
        bad: Some("errors".to_owned()),
        total: Some("requests".to_owned()),
        ..Events::default()
    };
    let objective = EventsObjective::new(events, vec!["service".to_owned()]);
    let labels: Vec<Labels> = (0..COUNTERS)
        .map(|counter| {
            let (service, instance) = (format!("s{}", counter % 100), format!("i{counter}"));
            [
                ("__name__", "requests"),
                ("service", &*service),
                ("instance", &*instance),
                ("job", "api"),
            ]
            .into_iter()
            .collect()
        })
        .collect();
    let mut group = criterion.benchmark_group("counting 10,000 counters of 12 h");
    group.sample_size(10);
    for (name, step) in [("a minute", 60), ("15 s", 15)] {
        let samples = samples(read, Duration::from_secs(step));
        group.bench_function(format!("a sample each {name}"), |bencher| {
            bencher.iter(|| {
                let slices = Counting::described_slices(as_of);
                let mut counting = Counting::new(&objective, slices, read);
                for (place, labels) in labels.iter().enumerate() {
                    let counter =
                        CounterSeries::new(labels.clone(), black_box(&samples), &[], read);
                    counting.add(place % 2, &counter);
                }
                counting.finish(500)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, counting);
criterion_main!(benches);
