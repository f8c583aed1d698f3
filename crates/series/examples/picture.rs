//! Draws a forecast, its band and what came as SVG.
//!
//! ```text
//! curl -s 'localhost:9090/api/v1/query_range?query=node_load1&start=…&end=…&step=15s' |
//!     jq -c '{title: "load", step_seconds: 15, x: [.data.result[0].values[][1] | tonumber]}' |
//!     cargo run -p series --example picture >forecast.svg
//! ```
//!
//! In: one JSON object with `title`, `step_seconds` and `x` (numbers or null). The last 10 minutes are held back from the
//! forecast and drawn over it.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Read, Write as _},
};

use serde::Deserialize;
use series::forecast::forecast;

const HORIZON_SECONDS: f64 = 600.0;
const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 46.0;
/// How many horizons of the past are drawn.
const PAST: usize = 5;

#[derive(Deserialize)]
struct Request {
    title: String,
    step_seconds: f64,
    x: Vec<Option<f64>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let request: Request = serde_json::from_str(&input)?;
    let steps = (HORIZON_SECONDS / request.step_seconds).round() as usize;
    let values: Vec<f64> = request
        .x
        .iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect();
    let known = values
        .len()
        .checked_sub(steps)
        .ok_or("fewer samples than the horizon has")?;
    let (past, came) = values.split_at(known);
    let forecast = forecast(&series::gaps::bridged(past)?, steps)?;

    let drawn = &past[past.len().saturating_sub(PAST * steps)..];
    let all = drawn
        .iter()
        .chain(came)
        .chain(&forecast.lower)
        .chain(&forecast.upper);
    let (low, high) = all
        .filter(|value| value.is_finite())
        .fold((f64::MAX, f64::MIN), |(low, high), &value| {
            (low.min(value), high.max(value))
        });
    let plot = Plot {
        samples: drawn.len() + steps - 1,
        low,
        span: (high - low).max(f64::MIN_POSITIVE),
    };
    let now = drawn.len() - 1;
    // What is to come starts at the newest sample.
    let joined = |path: &[f64]| [&drawn[now..], path].concat();
    let mut band = plot.points(now, &joined(&forecast.upper));
    let mut back: Vec<String> = plot
        .points(now, &joined(&forecast.lower))
        .split(' ')
        .map(str::to_owned)
        .collect();
    back.reverse();
    write!(band, " {}", back.join(" "))?;

    let mut svg = String::new();
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="none">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{MARGIN}" y="20" fill="#222222" font-size="14">{title}</text>
<polygon points="{band}" fill="#9ecae1" fill-opacity="0.6"/>
<polyline points="{history}" stroke="#444444" stroke-width="1.5"/>
<polyline points="{mean}" stroke="#08519c" stroke-width="2"/>
<polyline points="{came}" stroke="#d94801" stroke-width="1.5"/>
<line x1="{x}" y1="30" x2="{x}" y2="{bottom}" stroke="#888888" stroke-dasharray="4 4"/>"##,
        title = escaped(&request.title),
        history = plot.points(0, drawn),
        mean = plot.points(now, &joined(&forecast.mean)),
        came = plot.points(now, &joined(came)),
        x = plot.x(now),
        bottom = HEIGHT - MARGIN,
    )?;
    for value in [low, low + plot.span / 2.0, high] {
        writeln!(
            svg,
            r##"<text x="{:.1}" y="{:.1}" fill="#666666" text-anchor="end">{value:.2}</text>"##,
            MARGIN - 6.0,
            plot.y(value) + 4.0
        )?;
    }
    let time = |sample: usize| match (sample as f64 - now as f64) * request.step_seconds / 60.0 {
        0.0 => "now".to_owned(),
        minutes => format!("{minutes:+.0} min"),
    };
    for sample in [0, now / 2, now, plot.samples] {
        writeln!(
            svg,
            r##"<text x="{:.1}" y="{}" fill="#666666" text-anchor="middle">{}</text>"##,
            plot.x(sample),
            HEIGHT - MARGIN + 18.0,
            time(sample)
        )?;
    }
    for (place, (colour, text)) in [
        ("#444444", "measured"),
        ("#08519c", "forecast"),
        ("#9ecae1", "95 % band"),
        ("#d94801", "what came"),
    ]
    .into_iter()
    .enumerate()
    {
        let x = MARGIN + 110.0 * place as f64;
        writeln!(
            svg,
            r##"<rect x="{x}" y="{y}" width="18" height="4" fill="{colour}"/><text x="{}" y="{}" fill="#222222">{text}</text>"##,
            x + 24.0,
            HEIGHT - 8.0,
            y = HEIGHT - 14.0,
        )?;
    }
    writeln!(svg, "</svg>")?;
    io::stdout().write_all(svg.as_bytes())?;
    Ok(())
}

/// Where a value of a sample is on the picture.
struct Plot {
    samples: usize,
    low: f64,
    span: f64,
}

impl Plot {
    fn x(&self, sample: usize) -> f64 {
        MARGIN + (WIDTH - 2.0 * MARGIN) * sample as f64 / self.samples as f64
    }

    fn y(&self, value: f64) -> f64 {
        let top = 34.0;
        HEIGHT - MARGIN - (HEIGHT - MARGIN - top) * (value - self.low) / self.span
    }

    /// The points of a line from a sample on; missing values are left out.
    fn points(&self, first: usize, values: &[f64]) -> String {
        let points = values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite());
        points
            .map(|(sample, &value)| format!("{:.1},{:.1}", self.x(first + sample), self.y(value)))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
