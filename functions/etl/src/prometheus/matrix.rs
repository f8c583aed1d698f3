//! The matrix of Prometheus' query API, parsed in place: no intermediate tree, no text kept.

use std::{collections::BTreeMap, fmt};

use domain::{Labels, Sample};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

use super::{FetchedSeries, time_of};

/// The series of one or several answers.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    pub(super) series: Vec<FetchedSeries>,
    pub(super) warnings: Vec<String>,
}

const MOST_WARNINGS: usize = 20;

impl Matrix {
    /// Reads an answer of `/api/v1/query` or `/api/v1/query_range`. Native histograms are left out.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if answer.data.result_type != "matrix" {
            return Err(format!("a {} instead of a matrix", answer.data.result_type));
        }
        let series = answer
            .data
            .result
            .into_iter()
            .filter(|row| !row.values.0.is_empty());
        Ok(Self {
            series: series.map(Row::into_series).collect(),
            warnings: answer
                .warnings
                .into_iter()
                .chain(answer.infos)
                .take(MOST_WARNINGS)
                .collect(),
        })
    }

    /// Puts a later part of the same query behind this one.
    pub(super) fn append(&mut self, later: Self) {
        let mut known: BTreeMap<Labels, FetchedSeries> = self
            .series
            .drain(..)
            .map(|series| (series.labels.clone(), series))
            .collect();
        for series in later.series {
            match known.get_mut(&series.labels) {
                Some(earlier) => earlier.samples.extend(series.samples),
                None => drop(known.insert(series.labels.clone(), series)),
            }
        }
        self.series.extend(known.into_values());
        self.warnings.extend(later.warnings);
        self.warnings.sort();
        self.warnings.dedup();
        self.warnings.truncate(MOST_WARNINGS);
    }
}

/// What Prometheus says went wrong, if the body is an error of its API.
pub(super) fn error_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(refusal.error.chars().take(500).collect())
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Samples,
}

impl Row {
    fn into_series(mut self) -> FetchedSeries {
        self.metric.remove("__name__");
        FetchedSeries {
            labels: Labels(self.metric),
            samples: self.values.0,
        }
    }
}

#[derive(Default)]
struct Samples(Vec<Sample>);

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Samples;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of [time, \"value\"]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Samples, A::Error> {
                let mut samples = Vec::new();
                while let Some(Pair(sample)) = pairs.next_element()? {
                    samples.push(sample);
                }
                Ok(Samples(samples))
            }
        }
        deserializer.deserialize_seq(Pairs)
    }
}

struct Pair(Sample);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (seconds, Number(value)) = <(f64, Number)>::deserialize(deserializer)?;
        let time =
            time_of(seconds).ok_or_else(|| D::Error::custom("a time beyond the year 9999"))?;
        Ok(Self(Sample { time, value }))
    }
}

/// A value, which Prometheus writes as text: `"12.5"`, `"NaN"`, `"+Inf"`.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse()
                    .map(Number)
                    .map_err(|_| E::custom(format!("`{text}` is no number")))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(result: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
    }

    #[test]
    fn values_keep_every_bit() {
        let body = body(
            r#"{"metric":{"__name__":"x","a":"1"},"values":[[1.234,"0.1"],[2,"NaN"],[3,"+Inf"],[4,"-Inf"],[5,"1e308"],[6,"5e-324"]]}"#,
        );
        let matrix = Matrix::parse(body.as_bytes()).unwrap();
        let [series] = &matrix.series[..] else {
            panic!("one series")
        };
        assert_eq!(series.labels, [("a", "1")].into_iter().collect());
        let times: Vec<i64> = series
            .samples
            .iter()
            .map(|sample| sample.time.millis())
            .collect();
        assert_eq!(times, [1234, 2000, 3000, 4000, 5000, 6000]);
        let bits: Vec<u64> = series
            .samples
            .iter()
            .map(|sample| sample.value.to_bits())
            .collect();
        let expected = [
            0.1,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e308,
            5e-324,
        ]
        .map(f64::to_bits);
        assert_eq!(bits, expected);
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        for body in [
            "",
            "[]",
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            &body(r#"{"metric":{},"values":[[1,"x"]]}"#),
            &body(r#"{"metric":{},"values":[[1e300,"1"]]}"#),
        ] {
            assert!(Matrix::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn parts_of_a_query_are_joined_by_their_labels() {
        let part = |time: u8, label: &str| {
            let row = format!(r#"{{"metric":{{"a":"{label}"}},"values":[[{time},"1"]]}}"#);
            Matrix::parse(body(&row).as_bytes()).unwrap()
        };
        let mut all = part(1, "x");
        all.append(part(2, "x"));
        all.append(part(3, "y"));
        let lengths: Vec<usize> = all
            .series
            .iter()
            .map(|series| series.samples.len())
            .collect();
        assert_eq!(lengths, [2, 1]);
    }
}
