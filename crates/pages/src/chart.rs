//! The chart of an objective: what was, what may come, and what broke.
//!
//! Of any width and one height: an outer svg without a view box holds words, rects and lines in percent; an inner one that is
//! stretched holds the paths. Time right of now is drawn wider, on its own ground, and the chart says so.

use std::fmt::Write;

use domain::{Span, Timestamp, forecast::PathPoint};
use maud::{Markup, html};

use crate::{Episode, HistoryPoint, clock, number};

/// What a chart shows.
pub(crate) struct Chart<'a> {
    /// The time that was, its end the moment of the forecast where there is one.
    pub(crate) past: Span,
    pub(crate) unit: Option<&'a str>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) history: &'a [HistoryPoint],
    pub(crate) episodes: &'a [Episode],
    pub(crate) excluded: &'a [Span],
    pub(crate) silent: &'a [Span],
    /// When a version came into force, and which.
    pub(crate) versions: &'a [(Timestamp, u32)],
    pub(crate) path: &'a [PathPoint],
}

/// The share of the width that is past, where there is a future.
pub(crate) const SPLIT: f64 = 0.74;
const WIDTH: f64 = 1000.0;
/// Where the time axis begins, of 300.
const BASE: f64 = 270.0;
/// Points of a path: more are not seen.
const MOST_POINTS: usize = 400;

/// The smallest width of what is marked, of 1000.
const NARROWEST: f64 = 1.5;
/// Marks beside each other: a chart stays light however much broke.
const MOST_BLOCKS: usize = 100;

/// A part of the time as it is drawn, of 1000.
struct Block {
    start: f64,
    end: f64,
    seconds: f64,
}

/// Rectangles from the top to a height.
fn outline(blocks: &[Block], height: f64) -> String {
    let mut path = String::new();
    for block in blocks {
        let width = tenth(block.end - block.start);
        // Writing to a text does not fail.
        let _ = write!(path, "M{} 0h{width}v{height}h-{width}z", tenth(block.start));
    }
    path
}

struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    fn of(values: &[f64]) -> Option<Self> {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        // The range of greater values would be infinite.
        let finite = finite.map(|value| value.clamp(-1e300, 1e300));
        let low = finite.clone().fold(f64::INFINITY, f64::min);
        let high = finite.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return None;
        }
        let room = match high - low {
            room if room > 0.0 && room.is_finite() => room,
            _ => low.abs().clamp(1e-6, 1e300),
        };
        // A quantity that is never negative is shown from 0 where that costs little.
        let floor = if low >= 0.0 && low < room {
            0.0
        } else {
            low - 0.06 * room
        };
        let (low, high) = (floor, high + 0.12 * room);
        let step = nice((high - low) / 4.0);
        let first = (low / step).ceil();
        let ticks = (0..7).map(|position| (first + f64::from(position)) * step);
        Some(Self {
            ticks: ticks.filter(|tick| *tick <= high).collect(),
            low,
            high,
        })
    }

    /// From the top, of 300.
    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        tenth(BASE * (1.0 - share.clamp(0.0, 1.0)))
    }

    /// From the top, in percent of the outer svg.
    fn percent(&self, value: f64) -> String {
        format!("{}%", tenth(self.y(value) / 3.0))
    }
}

/// The number of 1, 2, 2.5, 5 times a power of ten that is next to `step` and not smaller.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let of_ten = step / power;
    let multiple = [1.0, 2.0, 2.5, 5.0, 10.0];
    let multiple = multiple.into_iter().find(|own| of_ten <= *own * 1.000_001);
    multiple.unwrap_or(10.0) * power
}

fn tenth(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}

impl Chart<'_> {
    fn split(&self) -> f64 {
        if self.path.is_empty() { 1.0 } else { SPLIT }
    }

    fn end(&self) -> Timestamp {
        self.path.last().map_or(self.past.end, |last| last.time)
    }

    /// From the left, of 1000.
    fn x(&self, time: Timestamp) -> f64 {
        let split = WIDTH * self.split();
        let length = self.past.seconds().max(1.0);
        let x = if time <= self.past.end {
            split * (time.seconds_since(self.past.start) / length)
        } else {
            let to_come = self.end().seconds_since(self.past.end).max(1.0);
            split + (WIDTH - split) * (time.seconds_since(self.past.end) / to_come)
        };
        tenth(x.clamp(0.0, WIDTH))
    }

    fn percent(&self, time: Timestamp) -> String {
        format!("{}%", tenth(self.x(time) / 10.0))
    }

    fn scale(&self) -> Option<Scale> {
        let mut values = Vec::new();
        for point in self.history {
            values.extend([point.min, point.max]);
        }
        for point in self.path {
            values.extend([point.lower, point.upper]);
        }
        values.extend(self.episodes.iter().filter_map(|episode| episode.worst));
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = (high - low).max(high.abs() / 4.0);
        let bounds = self.min.into_iter().chain(self.max);
        let near = bounds.filter(|bound| {
            values.is_empty() || (*bound >= low - 2.0 * room && *bound <= high + 2.0 * room)
        });
        let near: Vec<f64> = near.collect();
        values.extend(near);
        Scale::of(&values)
    }

    /// The chart; `name` says what it is of.
    pub(crate) fn drawn(&self, name: &str, described_by: &str) -> Markup {
        let scale = self.scale();
        let time = |time: Timestamp| time.millis() / 1000;
        let unit = unit_of(self.unit);
        html! {
            div class="chart" {
                svg aria-hidden="true" {
                    @if let Some(scale) = &scale {
                        @for tick in &scale.ticks {
                            text x="100%" dx="-8" y=(scale.percent(*tick)) dy=".35em" text-anchor="end" { (number::value(*tick, self.unit)) }
                        }
                    }
                }
                svg class="plot" role="img" aria-label=(name) aria-describedby=(described_by)
                    data-t0=(time(self.past.start)) data-now=(time(self.past.end)) data-t1=(time(self.end())) data-split=(self.split())
                    data-y0=[scale.as_ref().map(|scale| scale.low)] data-y1=[scale.as_ref().map(|scale| scale.high)] data-unit=[unit] {
                    @if !self.path.is_empty() { rect class="fz" x="74%" width="26%" height="90%" {} }
                    @if let Some(scale) = &scale {
                        @for tick in &scale.ticks { line class="g" x2="100%" y1=(scale.percent(*tick)) y2=(scale.percent(*tick)) {} }
                    }
                    (self.grounds())
                    @if let Some(scale) = &scale { (self.lines(scale)) }
                    @if let Some(scale) = &scale { (self.bounds(scale)) }
                    @for (made, version) in self.versions {
                        @if self.is_shown(*made) {
                            line class="ver" x1=(self.percent(*made)) x2=(self.percent(*made)) y1="0" y2="90%" {}
                            text x=(self.percent(*made)) dx="4" y="86%" { "v" (version) }
                        }
                    }
                    (self.times())
                }
            }
        }
    }

    /// Whether the time to come has more room than as much time before it.
    fn is_drawn_wider(&self) -> bool {
        let to_come = self.end().seconds_since(self.past.end);
        (1.0 - self.split()) * self.past.seconds() > 1.1 * self.split() * to_come
    }

    fn is_shown(&self, time: Timestamp) -> bool {
        time > self.past.start && time < self.past.end
    }

    /// What of the time was silent, excluded, or in violation.
    fn grounds(&self) -> Markup {
        let middle = |block: &Block| format!("{}%", tenth((block.start + block.end) / 20.0));
        let labelled = |block: &&Block| block.end - block.start > 45.0;
        let episodes = self.episodes.iter().map(|episode| Span {
            start: episode.start,
            end: episode.end,
        });
        let episodes: Vec<Span> = episodes.collect();
        let (silent, broken) = (self.blocks(self.silent), self.blocks(&episodes));
        let excluded = self.blocks(self.excluded);
        html! {
            svg viewBox="0 0 1000 300" width="100%" height="100%" preserveAspectRatio="none" {
                @if !silent.is_empty() { path class="nod" d=(outline(&silent, BASE)) {} }
                @if !broken.is_empty() { path class="v" d=(outline(&broken, BASE)) {} path class="vm" d=(outline(&broken, 4.0)) {} }
            }
            @for block in silent.iter().filter(labelled) { text class="wide-only" x=(middle(block)) y="80%" text-anchor="middle" { "no data" } }
            // In what is stretched the hatching would be, too.
            @for block in &excluded {
                rect x=(format!("{}%", tenth(block.start / 10.0))) width=(format!("{}%", tenth((block.end - block.start) / 10.0))) height="90%" fill="url(#hatch)" {}
            }
            @for block in excluded.iter().filter(labelled) { text class="wide-only" x=(middle(block)) y="74%" text-anchor="middle" { "excluded" } }
            @if broken.len() <= 8 {
                @for block in &broken {
                    text class="t-lim wide-only" x=(middle(block)) y="4%" dy=".7em" text-anchor="middle" { (number::duration(block.seconds)) }
                }
            }
        }
    }

    /// Where spans are drawn, from left to right. Of more than [`MOST_BLOCKS`] those that are next to each other are one.
    fn blocks(&self, spans: &[Span]) -> Vec<Block> {
        let inner = spans.iter().map(|span| span.intersection(self.past));
        let mut blocks: Vec<Block> = inner
            .filter(|span| span.start < span.end)
            .map(|span| {
                let start = self.x(span.start);
                Block {
                    start,
                    end: self.x(span.end).max(start + NARROWEST),
                    seconds: span.seconds(),
                }
            })
            .collect();
        blocks.sort_by(|one, other| one.start.total_cmp(&other.start));
        if blocks.len() <= MOST_BLOCKS {
            return blocks;
        }
        let gap = WIDTH / MOST_BLOCKS as f64 - NARROWEST;
        let mut joined: Vec<Block> = Vec::new();
        for block in blocks {
            match joined.last_mut() {
                Some(last) if block.start - last.end < gap => {
                    last.end = last.end.max(block.end);
                    last.seconds += block.seconds;
                }
                _ => joined.push(block),
            }
        }
        joined
    }

    fn lines(&self, scale: &Scale) -> Markup {
        let band = |lower: fn(&PathPoint) -> Option<f64>, upper: fn(&PathPoint) -> Option<f64>| {
            let over = self
                .path
                .iter()
                .filter_map(|point| Some((point.time, upper(point)?)));
            let under = self
                .path
                .iter()
                .rev()
                .filter_map(|point| Some((point.time, lower(point)?)));
            self.closed(scale, over.chain(under))
        };
        let outer = band(|point| Some(point.lower), |point| Some(point.upper));
        let inner = band(|point| point.lower_80, |point| point.upper_80);
        let (line, around) = self.measured(scale);
        let to_come = self.path.iter().map(|point| (point.time, point.mean));
        let to_come = self.open(scale, to_come);
        html! {
            svg viewBox="0 0 1000 300" width="100%" height="100%" preserveAspectRatio="none" {
                @if !outer.is_empty() { path class="b9" d=(outer) {} }
                @if !inner.is_empty() { path class="b8" d=(inner) {} }
                @if !around.is_empty() { path class="mm" d=(around) {} }
                @if !line.is_empty() { path class="h" d=(line) {} }
                @if !to_come.is_empty() { path class="f" d=(to_come) {} }
            }
        }
    }

    /// The averages as a line, and what is between the smallest and the greatest values around it.
    fn measured(&self, scale: &Scale) -> (String, String) {
        let every = self.history.len().div_ceil(MOST_POINTS).max(1);
        let points: Vec<&HistoryPoint> = self.history.iter().step_by(every).collect();
        let usual = points
            .windows(2)
            .map(|pair| pair[1].start.seconds_since(pair[0].start))
            .fold(f64::INFINITY, f64::min);
        let mut runs: Vec<Vec<&HistoryPoint>> = Vec::new();
        for point in points {
            match runs.last_mut() {
                Some(run)
                    if run.last().is_some_and(|last| {
                        point.start.seconds_since(last.start) <= 2.5 * usual
                    }) =>
                {
                    run.push(point);
                }
                _ => runs.push(vec![point]),
            }
        }
        let (mut line, mut around) = (String::new(), String::new());
        for run in runs {
            line += &self.open(scale, run.iter().map(|point| (point.start, point.average)));
            let over = run.iter().map(|point| (point.start, point.max));
            let under = run.iter().rev().map(|point| (point.start, point.min));
            if run.iter().any(|point| point.min < point.max) {
                around += &self.area(scale, over.chain(under));
            }
        }
        (line, around)
    }

    fn open(&self, scale: &Scale, points: impl Iterator<Item = (Timestamp, f64)>) -> String {
        let mut path = String::new();
        for (position, (time, value)) in points.enumerate() {
            let command = if position == 0 { "M" } else { "L" };
            // Writing to a text does not fail.
            let _ = write!(path, "{command}{} {}", self.x(time), scale.y(value));
        }
        path
    }

    fn closed(&self, scale: &Scale, points: impl Iterator<Item = (Timestamp, f64)>) -> String {
        match self.open(scale, points) {
            path if path.is_empty() => path,
            path => path + "z",
        }
    }

    /// A closed path in whole units, each point from the one before: nobody reads it back.
    fn area(&self, scale: &Scale, points: impl Iterator<Item = (Timestamp, f64)>) -> String {
        let mut path = String::new();
        let mut before: Option<(f64, f64)> = None;
        for (time, value) in points {
            let (x, y) = (self.x(time).round(), scale.y(value).round());
            let _ = match before {
                None => write!(path, "M{x} {y}"),
                Some((last_x, last_y)) => write!(path, "l{} {}", x - last_x, y - last_y),
            };
            before = Some((x, y));
        }
        path + "z"
    }

    fn bounds(&self, scale: &Scale) -> Markup {
        let bounds = [("at least", self.min), ("at most", self.max)];
        html! {
            @for (words, bound) in bounds {
                @if let Some(bound) = bound.filter(|bound| (scale.low..=scale.high).contains(bound)) {
                    line class="lim" x2="100%" y1=(scale.percent(bound)) y2=(scale.percent(bound)) {}
                    text class="t-lim" x="4" y=(scale.percent(bound)) dy="-6" { (words) " " (number::value(bound, self.unit)) }
                }
            }
        }
    }

    fn times(&self) -> Markup {
        let split = format!("{}%", tenth(100.0 * self.split()));
        let ticks = self.ticks();
        html! {
            @for tick in &ticks {
                text class=[(tick.is_extra).then_some("wide-only")] x=(self.percent(tick.time)) y="97%" text-anchor="middle" { (tick.words) }
            }
            @if self.path.is_empty() {
                text x="100%" y="97%" text-anchor="end" { (clock::hour_and_minute(self.past.end)) }
            } @else {
                line class="now" x1=(split) x2=(split) y1="0" y2="90%" {}
                text class="t-now" x=(split) y="97%" text-anchor="middle" { (clock::hour_and_minute(self.past.end)) }
                text class="t-f" x="100%" dx="-6" y="4%" dy=".7em" text-anchor="end" { tspan class="wide-only" { "the next " } (number::duration(self.end().seconds_since(self.past.end))) @if self.is_drawn_wider() { tspan class="wide-only" { ", drawn wider" } } }
                text x="100%" y="97%" text-anchor="end" { (clock::hour_and_minute(self.end())) }
            }
        }
    }

    /// Whole times on the axis, not too near to its ends.
    fn ticks(&self) -> Vec<Tick> {
        const STEPS: [f64; 12] = [
            60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0,
            86_400.0, 604_800.0,
        ];
        let length = self.past.seconds();
        let step = STEPS.into_iter().find(|step| length / step <= 7.0);
        let step = (1000.0 * step.unwrap_or(length / 6.0)).max(1000.0) as i64;
        let first = self.past.start.millis().div_euclid(step) + 1;
        (0..9)
            .filter_map(|position| Timestamp::from_millis((first + position) * step))
            .enumerate()
            .filter(|(_, time)| {
                let x = self.x(*time);
                x > 25.0 && x < WIDTH * self.split() - 60.0 && self.is_shown(*time)
            })
            .map(|(position, time)| Tick {
                time,
                is_extra: position % 2 == 1,
                words: if step >= 86_400_000 {
                    clock::instant(time)
                        .get(5..10)
                        .unwrap_or_default()
                        .to_owned()
                } else {
                    clock::hour_and_minute(time)
                },
            })
            .collect()
    }
}

struct Tick {
    time: Timestamp,
    /// Not where there is little room.
    is_extra: bool,
    words: String,
}

/// The unit that stands after numbers that are read from the picture.
fn unit_of(unit: Option<&str>) -> Option<String> {
    let shown = number::value(2.0, unit);
    let word = shown.trim_start_matches(|c: char| c.is_ascii_digit());
    (!word.is_empty() && !matches!(unit, Some("bytes" | "bytes/s" | "ratio" | "seconds")))
        .then(|| word.to_owned())
}

/// What the colours of a chart mean.
pub(crate) fn key(with_future: bool, with_history: bool) -> Markup {
    html! {
        ul class="key" aria-hidden="true" {
            @if with_history { li { svg viewBox="0 0 24 12" { path class="h" d="M0 9l6-5 6 3 6-4 6 3" {} } "measured" } }
            li { svg viewBox="0 0 24 12" { path class="v" d="M0 0h24v12H0z" {} path class="vm" d="M0 0h24v3H0z" {} } "violation" }
            li { svg viewBox="0 0 24 12" { path fill="url(#hatch)" d="M0 0h24v12H0z" {} } "excluded" }
            li { svg viewBox="0 0 24 12" { path class="nod" d="M0 0h24v12H0z" {} } "no data" }
            @if with_future { li { svg viewBox="0 0 24 12" { path class="b9" d="M0 0h24v12H0z" {} path class="b8" d="M0 3h24v6H0z" {} path class="f" d="M0 6h24" {} } "forecast; 80 and 95 of 100 paths" } }
        }
    }
}

/// What was measured, as a table of at most 60 rows.
pub(crate) fn numbers(history: &[HistoryPoint], unit: Option<&str>, end: Timestamp) -> Markup {
    let shown = |value| number::value(value, unit);
    let every = history.len().div_ceil(60).max(1);
    html! {
        table {
            caption { "Measured" }
            thead { tr { th scope="col" { "from" } th scope="col" class="n" { "least" } th scope="col" class="n" { "average" } th scope="col" class="n" { "most" } th scope="col" class="n" { "samples" } } }
            tbody { @for point in history.iter().step_by(every) { tr {
                th scope="row" { (clock::at(point.start, end)) }
                td class="n" { (shown(point.min)) } td class="n" { (shown(point.average)) } td class="n" { (shown(point.max)) } td class="n" { (point.samples) }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        for (step, expected) in [
            (0.7, 1.0),
            (1.1, 2.0),
            (23.0, 25.0),
            (31.0, 50.0),
            (700.0, 1000.0),
        ] {
            assert!((nice(step) - expected).abs() < 1e-9, "{step}");
        }
    }

    #[test]
    fn whatever_the_values_the_scale_holds_them() {
        for values in [
            vec![1.0],
            vec![0.0],
            vec![-5.0, 5.0],
            vec![1e300, -1e300],
            vec![f64::INFINITY, 3.0],
        ] {
            let scale = Scale::of(&values).unwrap();
            for value in values {
                assert!((0.0..=BASE).contains(&scale.y(value)), "{value}");
            }
        }
        assert!(Scale::of(&[f64::NAN, f64::INFINITY]).is_none());
    }
}
