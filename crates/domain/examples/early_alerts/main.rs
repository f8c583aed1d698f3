//! How often alerts on what is to come are right, next to a threshold on PromQL's `predict_linear`.
//!
//! ```text
//! cargo run --release -p domain --example early_alerts -- FILE.csv…
//! ```
//!
//! The series are those of the files, whose last column holds the values, and made ones: those that `accuracy` of crate
//! `series` has, in another draw (`--draw`), and those of `ramps.rs`. A value is a sample of one minute; of a
//! file the last 6,000 count. Of each series two objectives are made of its first 12 h: their 99 % quantile, which may not
//! be exceeded, and their 95 % quantile, which may be for less than 3 minutes. From there a run each minute says, by the
//! functions that the product says it by, how likely a violation is in the next 10 minutes.

mod alerts;
mod forward;
#[path = "../../../series/examples/known/mod.rs"]
mod known;
mod linear;
mod past;
mod ramps;
mod reliability;

use std::{
    error::Error,
    io::{self, Write},
    num::NonZeroUsize,
    thread,
};

use alerts::{Method, Tally};
use clap::Parser;
use forward::{Bound, Case, FIRST, forward};
use known::{
    Series,
    made::{self, LENGTH},
    read,
};
use past::AHEAD;
use reliability::Reliability;

const BOUNDS: [Bound; 2] = [
    Bound {
        quantile: 0.99,
        minutes: 0,
    },
    Bound {
        quantile: 0.95,
        minutes: 3,
    },
];
const METHODS: [Method; 10] = [
    Method::Product(0.3),
    Method::Product(0.5),
    Method::Product(0.7),
    Method::Product(0.9),
    Method::Linear(0),
    Method::Linear(1),
    Method::Probability(0.3),
    Method::Probability(0.5),
    Method::Probability(0.7),
    Method::Probability(0.9),
];

/// Where a series is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Real,
    Ramp,
    Other,
}

/// Counts how often alerts on what is to come are right.
#[derive(Parser)]
struct Options {
    /// Which draw of the made series.
    #[arg(long, default_value_t = 1)]
    draw: u64,
    /// Looks at every n-th series only.
    #[arg(long, default_value = "1")]
    every: NonZeroUsize,
    /// Prints lines for each series and objective.
    #[arg(long)]
    each: bool,
    /// Files whose last column holds the values.
    files: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut all = Vec::new();
    for file in &options.files {
        all.push((Origin::Real, newest(read(file)?)?));
    }
    let ramps = ramps::series(options.draw).into_iter();
    all.extend(ramps.map(|series| (Origin::Ramp, series)));
    let others = made::series(options.draw).into_iter();
    all.extend(others.map(|series| (Origin::Other, series)));
    let all: Vec<_> = all.into_iter().step_by(options.every.get()).collect();
    let cases = cases(&all);

    let mut out = io::stdout().lock();
    if options.each {
        for (_, case) in &cases {
            report(&mut out, &case.name, &[case])?;
        }
    }
    let groups: [(&str, &[Origin]); 5] = [
        ("real", &[Origin::Real]),
        ("made", &[Origin::Ramp, Origin::Other]),
        ("made: that build up", &[Origin::Ramp]),
        ("made: others", &[Origin::Other]),
        ("all", &[Origin::Real, Origin::Ramp, Origin::Other]),
    ];
    for (name, origins) in groups {
        let chosen = cases.iter().filter(|(of, _)| origins.contains(of));
        let chosen: Vec<&Case> = chosen.map(|(_, case)| case).collect();
        report(&mut out, name, &chosen)?;
    }
    Ok(())
}

/// The last 6,000 samples, as many as the made series have.
fn newest(mut series: Series) -> Result<Series, Box<dyn Error>> {
    let older = series.values.len().saturating_sub(LENGTH);
    series.values.drain(..older);
    series.seen.drain(..older);
    if series.values.len() <= FIRST + AHEAD {
        return Err(format!("{} has too few samples", series.name).into());
    }
    Ok(series)
}

/// All runs over all series, on two threads.
fn cases(all: &[(Origin, Series)]) -> Vec<(Origin, Case)> {
    let of = |(origin, series): &(Origin, Series)| {
        let cases = forward(series, &BOUNDS).into_iter();
        cases.map(|case| (*origin, case)).collect::<Vec<_>>()
    };
    let (first, second) = all.split_at(all.len() / 2);
    thread::scope(|scope| {
        let second = scope.spawn(move || second.iter().flat_map(of).collect::<Vec<_>>());
        let mut cases: Vec<_> = first.iter().flat_map(of).collect();
        cases.extend(second.join().expect("it ends"));
        cases
    })
}

fn report(out: &mut impl Write, name: &str, cases: &[&Case]) -> io::Result<()> {
    let violations: usize = cases.iter().map(|case| case.begun.len()).sum();
    let objectives = cases.len();
    writeln!(
        out,
        "\n## {name}: {objectives} objectives, {violations} violations"
    )?;
    writeln!(out, "\n{}", alerts::heading())?;
    for method in METHODS {
        let mut tally = Tally::default();
        for case in cases {
            tally.add(&alerts::alerts(case, method), &case.begun);
        }
        writeln!(out, "{}", tally.line(&method.name()))?;
    }
    let mut found = Reliability::default();
    for run in cases.iter().flat_map(|case| &case.runs) {
        found.add(run);
    }
    writeln!(out, "\n{}\n{}", reliability::heading(), found.line(name))?;
    writeln!(out, "\n| bin | said | happened | n |\n|---|---|---|---|")?;
    for (bin, cells) in found.bins().iter().enumerate() {
        let (lower, upper) = (bin as f64 / 10.0, (bin + 1) as f64 / 10.0);
        writeln!(out, "| {lower:.1} to {upper:.1} | {cells} |")?;
    }
    Ok(())
}
