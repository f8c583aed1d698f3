//! A budget over 30 days with 1,000 violations, as many gaps and 100 exclusions, from what was stored of them.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{
    Span, SpanSet, Timestamp,
    budget::{Account, AttributedTime, Budget, RecordedTime},
    sla::{BudgetWindow, Missing, Terms},
};

const MONTH: u64 = 30 * 86_400;

/// So many spans of a minute, spread over the month.
fn spans(count: u64, offset: u64) -> Vec<Span> {
    let span = |number| {
        let start = Timestamp::EPOCH + Duration::from_secs(offset + MONTH / count * number);
        Span {
            start,
            end: start + Duration::from_secs(60),
        }
    };
    (0..count).map(span).collect()
}

fn budget(criterion: &mut Criterion) {
    let month = Span {
        start: Timestamp::EPOCH,
        end: Timestamp::EPOCH + Duration::from_secs(MONTH),
    };
    let recorded = RecordedTime {
        judged: vec![month],
        gaps: spans(1_000, 1_800),
        violations: spans(1_000, 600),
    };
    let excluded: SpanSet = spans(100, 610).into_iter().collect();
    let terms = Terms {
        target: Some(0.99),
        window: BudgetWindow::ThirtyDays,
        missing: Missing::Excluded,
        ending: None,
    };
    criterion.bench_function("budget, 30 days, 1,000 violations", |bencher| {
        bencher.iter(|| {
            let time = AttributedTime::of([(month, black_box(&recorded))]);
            let account = Account::of(&time, &excluded, month.end, terms.window.length());
            Budget::of(&terms, &account)
        });
    });
}

criterion_group!(benches, budget);
criterion_main!(benches);
