//! Scores the forecast on series whose future is known.
//!
//! ```text
//! cargo run --release -p series --example accuracy -- --steps 10 FILE.csv…
//! ```
//!
//! The series are those of `known/made.rs` and of the files, whose last column holds the values. Each is cut at 18 places into
//! `--samples` values and the `--steps` that came after them. A window that never changes is left out.
//!
//! Two halves are reported beside all series, every other series in each: constants are chosen on the first half, the
//! second shows what they are worth.

#[path = "../known/mod.rs"]
mod known;
mod score;

use std::{
    error::Error,
    io::{self, Write},
    time::Instant,
};

use clap::{Parser, value_parser};
use known::{Random, made, read};
use score::{Scored, heading, line};
use series::{forecast::forecast, gaps};

/// How many places each series is cut at.
const PLACES: usize = 18;
/// The places are the same for every horizon up to this many steps.
const LONGEST: i64 = 40;
/// A gap of up to this many samples is held, as Prometheus does at one sample a minute.
const HELD: usize = 5;

/// Scores the forecast.
#[derive(Parser)]
struct Options {
    /// Of how many samples a forecast is made.
    #[arg(long, default_value_t = 720, value_parser = value_parser!(u16).range(4..))]
    samples: u16,
    /// How far it looks ahead, samples.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u16).range(1..=LONGEST))]
    steps: u16,
    /// Which places of a series are forecast.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Prints a line for each series.
    #[arg(long)]
    each: bool,
    /// Files whose last column holds the values.
    files: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let (samples, steps) = (usize::from(options.samples), usize::from(options.steps));
    let mut all = made::series(0);
    for file in &options.files {
        all.push(read(file)?);
    }
    let mut scored = Vec::new();
    let mut seconds = 0.0;
    for (index, series) in all.iter().enumerate() {
        let mut random = Random::new(1_000 * options.seed + index as u64);
        let room = series
            .values
            .len()
            .saturating_sub(LONGEST as usize + samples);
        if room < PLACES {
            return Err(format!("{} is too short", series.name).into());
        }
        for place in 0..PLACES {
            let share = (place as f64 + random.uniform()) / PLACES as f64;
            let present = samples + (share * room as f64) as usize;
            let past = present - samples..present;
            let known = &series.values[past.clone()];
            if known
                .windows(2)
                .all(|pair| pair[0].to_bits() == pair[1].to_bits())
            {
                continue;
            }
            let mut window = known.to_vec();
            for (value, seen) in window.iter_mut().zip(&series.seen[past]) {
                if !seen {
                    *value = f64::NAN;
                }
            }
            window[samples - 1] = known[samples - 1];
            gaps::hold(&mut window, HELD);
            let window = gaps::bridged(&window)?;
            let started = Instant::now();
            let found = forecast(&window, steps)?;
            seconds += started.elapsed().as_secs_f64();
            let future = &series.values[present..present + steps];
            scored.push(Scored::new(index, known, future, &found)?);
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", heading())?;
    if options.each {
        for (index, series) in all.iter().enumerate() {
            let line = line(&series.name, &scored, |one| one.series == index);
            writeln!(out, "{line}")?;
        }
    }
    let halves = [("first half", 0), ("second half", 1)];
    for (name, half) in halves {
        writeln!(out, "{}", line(name, &scored, |one| one.series % 2 == half))?;
    }
    writeln!(out, "{}", line("all", &scored, |_| true))?;
    let microseconds = 1e6 * seconds / scored.len() as f64;
    writeln!(out, "{microseconds:.0} us a forecast")?;
    Ok(())
}
