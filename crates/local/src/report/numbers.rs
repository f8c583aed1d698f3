//! Numbers as people read them.

use std::time::Duration;

/// What a metric's numbers are divided by, and what is written beside them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    divisor: f64,
    /// `GiB`, `%`, `°C` …; empty for a bare number.
    pub(super) unit: String,
}

impl Scale {
    /// The scale for a metric of `unit` with values up to `greatest`.
    pub(super) fn of(unit: Option<&str>, greatest: f64) -> Self {
        match unit {
            Some(bytes @ ("bytes" | "bytes/s")) => {
                let (mut divisor, mut prefix) = (1.0, "");
                for larger in ["Ki", "Mi", "Gi", "Ti"] {
                    if greatest.abs() < divisor * 1024.0 {
                        break;
                    }
                    divisor *= 1024.0;
                    prefix = larger;
                }
                let unit = bytes.replace("bytes", &format!("{prefix}B"));
                Self { divisor, unit }
            }
            Some("percent") => Self::plain("%"),
            Some("celsius") => Self::plain("°C"),
            other => Self::plain(other.unwrap_or_default()),
        }
    }

    fn plain(unit: &str) -> Self {
        Self {
            divisor: 1.0,
            unit: unit.to_owned(),
        }
    }

    /// A number on this scale, with three significant digits or more; `–` if unknown.
    pub(super) fn show(&self, value: Option<f64>) -> String {
        let Some(value) = value.map(|value| value / self.divisor) else {
            return "–".to_owned();
        };
        let digits = match value.abs() {
            size if size >= 99.95 => 0,
            size if size >= 9.995 => 1,
            _ => 2,
        };
        format!("{value:.digits$}")
    }
}

/// `45 s`, `3 m 30 s`, `2 h 05 m`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} m"),
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}

/// A duration in its largest whole unit: `45 s`, `7 min`, `12 h`.
pub(super) fn age(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round();
    if seconds < 60.0 {
        format!("{seconds} s")
    } else if seconds < 3600.0 {
        format!("{} min", (seconds / 60.0).floor())
    } else {
        format!("{} h", (seconds / 3600.0).floor())
    }
}

/// A probability: `12 %`, `under 1 %`, `over 99 %`.
pub(super) fn probability(probability: f64) -> String {
    let percent = 100.0 * probability;
    if percent > 0.0 && percent < 1.0 {
        "under 1 %".to_owned()
    } else if percent > 99.0 && percent < 100.0 {
        "over 99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

/// Values as blocks of eight heights, the mean of equal parts where there are more than `width`.
pub(super) fn sparkline(values: &[f64], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = width.clamp(1, values.len().max(1));
    let means: Vec<f64> = (0..width)
        .map(|part| {
            let from = part * values.len() / width;
            let to = (part + 1) * values.len() / width;
            values[from..to].iter().sum::<f64>() / (to - from) as f64
        })
        .filter(|mean| mean.is_finite())
        .collect();
    let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = highest - lowest;
    means
        .iter()
        .map(|mean| {
            let height = match spread > 0.0 {
                true => ((mean - lowest) / spread * 7.0).round() as usize,
                false => 0,
            };
            BLOCKS[height.min(7)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_the_prefix_of_the_greatest() {
        let scale = Scale::of(Some("bytes"), 5.5 * 1024.0 * 1024.0 * 1024.0);
        assert_eq!(scale.unit, "GiB");
        assert_eq!(scale.show(Some(1_073_741_824.0)), "1.00");
        assert_eq!(Scale::of(Some("bytes/s"), 2048.0).unit, "KiB/s");
        assert_eq!(Scale::of(Some("bytes"), 10.0).unit, "B");
    }

    #[test]
    fn a_number_has_three_digits_and_an_unknown_one_a_dash() {
        let scale = Scale::of(Some("percent"), 100.0);
        for (value, shown) in [
            (0.0, "0.00"),
            (9.999, "10.0"),
            (23.456, "23.5"),
            (214.2, "214"),
        ] {
            assert_eq!(scale.show(Some(value)), shown);
        }
        assert_eq!(scale.show(None), "–");
    }

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, shown) in [
            (0, "0 s"),
            (210, "3 m 30 s"),
            (180, "3 m"),
            (605, "10 m 05 s"),
            (7500, "2 h 05 m"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), shown);
        }
        assert_eq!(age(442.0), "7 min");
        assert_eq!(age(43_200.0), "12 h");
    }

    #[test]
    fn a_probability_is_never_rounded_to_certainty() {
        assert_eq!(probability(0.0), "0 %");
        assert_eq!(probability(0.002), "under 1 %");
        assert_eq!(probability(0.123), "12 %");
        assert_eq!(probability(0.998), "over 99 %");
        assert_eq!(probability(1.0), "100 %");
    }

    #[test]
    fn a_sparkline_spans_the_blocks_and_a_constant_stays_low() {
        assert_eq!(sparkline(&[0.0, 1.0, 7.0], 10), "▁▂█");
        assert_eq!(sparkline(&[5.0; 4], 4), "▁▁▁▁");
        assert_eq!(sparkline(&[0.0, 0.0, 1.0, 1.0], 2), "▁█");
        assert_eq!(sparkline(&[], 4), "");
    }
}
