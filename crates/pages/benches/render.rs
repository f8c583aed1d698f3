//! Documents to HTML: the list of 200 SLAs, and how many bytes it has compressed.

#[path = "../tests/documents/mod.rs"]
mod documents;

use std::io::Write;

use criterion::{Criterion, criterion_group, criterion_main};
use documents::{budgets, check, prediction, shown, time};
use flate2::{Compression, write::GzEncoder};
use pages::{Asked, Frame, List, ShownSla, State};

fn slas() -> Vec<ShownSla> {
    let states = ["firing", "ok", "ok", "pending", "ok", "no_data", "ok"];
    (0..200_u32)
        .map(|number| {
            let text = format!("service-{number:03}");
            let state = states[number as usize % states.len()];
            shown(
                check(&text, state, 0.0, 60.0 + f64::from(number % 30)),
                prediction(&text, f64::from(number) / 250.0),
                budgets(&text, 1.0 - f64::from(number) / 90.0),
            )
        })
        .collect()
}

fn render(criterion: &mut Criterion) {
    let list = List {
        slas: slas(),
        counts: State::ALL.map(|state| (state, 40)).to_vec(),
        total: 200,
        fitting: 200,
        asked: Asked::default(),
    };
    let frame = Frame {
        now: Some(time("2026-11-23T08:45:06Z")),
        ..Frame::bare("")
    };
    let page = pages::list(&frame, &list);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(8));
    encoder.write_all(page.as_bytes()).expect("memory");
    let compressed = encoder.finish().expect("memory").len();
    eprintln!("200 SLAs: {} bytes, {compressed} compressed", page.len());
    criterion.bench_function("list of 200 SLAs", |bencher| {
        bencher.iter(|| pages::list(&frame, &list));
    });
}

criterion_group!(benches, render);
criterion_main!(benches);
