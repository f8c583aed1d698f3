//! How long it takes to read a body of many documents.

use criterion::{Criterion, criterion_group, criterion_main};
use domain::sla::BudgetWindow;

/// 1,000 SLOs, about 0.7 MB.
fn body() -> String {
    let document = |number: usize| {
        format!(
            "---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: availability-{number}
  displayName: Availability of {number}
  labels:
    team: web
spec:
  service: web
  description: The share of requests that are answered without an error
  indicator:
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            type: Prometheus
            spec:
              query: sum(rate(http_requests_total{{job=\"web-{number}\",code!~\"5..\"}}[5m]))
        total:
          metricSource:
            type: Prometheus
            spec:
              query: sum(rate(http_requests_total{{job=\"web-{number}\"}}[5m]))
  timeWindow:
    - duration: 28d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
"
        )
    };
    (0..1_000).map(document).collect()
}

fn reading(criterion: &mut Criterion) {
    let body = body();
    let import = slo_files::read(&body, BudgetWindow::default()).expect("YAML");
    assert_eq!(import.slas.len(), 1_000, "{:?}", import.refused.first());
    criterion.bench_function("read 1,000 documents", |bencher| {
        bencher.iter(|| slo_files::read(&body, BudgetWindow::default()));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = reading
}
criterion_main!(benches);
