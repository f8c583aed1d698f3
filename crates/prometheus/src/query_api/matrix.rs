//! The matrix of Prometheus' query API, read series by series: no tree, no text, no other series is kept meanwhile.

use std::{
    cell::RefCell,
    fmt,
    io::{BufReader, Read},
    rc::Rc,
};

use domain::{Labels, Sample};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Body, time_of};
use crate::{FetchError, Fetched, response::shortened, sink::Row};

const MOST_WARNINGS: usize = 20;
/// How warnings begin that are about the query. Any other says that a part of the server could not be asked.
const ABOUT_THE_QUERY: [&str; 2] = ["PromQL warning", "PromQL info"];
/// How much is read from the body at once.
const BUFFER: usize = 64 << 10;

/// Reads an answer of `/api/v1/query` or `/api/v1/query_range` and hands each series to `take`, which says whether to go
/// on. Returns what the server warned about.
pub(super) fn read(body: Body, take: impl FnMut(Row) -> bool) -> Result<Fetched, FetchError> {
    let body = Rc::new(RefCell::new(body));
    let begin = {
        let body = body.clone();
        move || body.borrow_mut().begin_series()
    };
    let parsed = parse(Shared(body.clone()), begin, take);
    let body = Rc::into_inner(body).map(RefCell::into_inner);
    match (parsed, body) {
        (Ok(fetched), Some(body)) if !body.is_broken() => Ok(fetched),
        (Err(Unreadable::Refused(said)), _) => Err(FetchError::Refused(said)),
        (Err(Unreadable::Malformed(reason)), Some(body)) => Err(body.into_failure(&reason)),
        (Ok(_), Some(body)) => Err(body.into_failure("it broke off")),
        (_, None) => Err(FetchError::Malformed("its reader broke off".to_owned())),
    }
}

/// Why an answer is no matrix.
#[derive(Debug, PartialEq, Eq)]
enum Unreadable {
    /// It is an error in spite of its status; what it says.
    Refused(String),
    /// It is not what it should be.
    Malformed(String),
}

/// How many series an answer has; or why it is no matrix, or what the server says in its place.
#[cfg(feature = "testing")]
pub(crate) fn count_series(answer: &[u8]) -> Result<usize, String> {
    let mut count = 0;
    let counted = parse(
        answer,
        || {},
        |_| {
            count += 1;
            true
        },
    );
    match counted {
        Ok(_) => Ok(count),
        Err(Unreadable::Refused(reason) | Unreadable::Malformed(reason)) => Err(reason),
    }
}

struct Shared(Rc<RefCell<Body>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().read(buffer)
    }
}

fn parse(
    body: impl Read,
    begin: impl FnMut(),
    take: impl FnMut(Row) -> bool,
) -> Result<Fetched, Unreadable> {
    let mut reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, body));
    let mut answer = Answer {
        begin,
        take,
        kind: None,
        is_error: false,
        error: None,
        message: None,
        fetched: Fetched::default(),
    };
    (&mut answer)
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| Unreadable::Malformed(error.to_string()))?;
    let Answer {
        kind,
        is_error,
        error,
        message,
        fetched,
        ..
    } = answer;
    let is_matrix = kind.as_deref() == Some("matrix");
    match error.or(message.filter(|_| is_error || !is_matrix)) {
        Some(said) => Err(Unreadable::Refused(shortened(&said))),
        None if is_error => Err(Unreadable::Refused("an error without a reason".to_owned())),
        None if is_matrix => Ok(fetched),
        None => {
            let kind = kind.filter(|kind| !kind.is_empty());
            let kind = kind.as_deref().unwrap_or("document");
            let said: String = fetched
                .warnings
                .iter()
                .map(|said| format!(": {said}"))
                .collect();
            let reason = format!("a {kind} instead of a matrix{said}");
            Err(Unreadable::Malformed(shortened(&reason)))
        }
    }
}

/// The whole answer, read for what it does to its fields.
struct Answer<B, T> {
    begin: B,
    take: T,
    kind: Option<String>,
    /// Whether it is an error by its own word, in spite of its status.
    is_error: bool,
    /// What a proxy says that answers an error with a status of success.
    error: Option<String>,
    /// The same in another field.
    message: Option<String>,
    fetched: Fetched,
}

/// What an error says: a text, or a document that has one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    Document { message: String },
    Other(serde_json::Value),
}

impl Said {
    fn into_text(self) -> Option<String> {
        let text = match self {
            Self::Text(text) | Self::Document { message: text } => text,
            Self::Other(serde_json::Value::Null) => return None,
            Self::Other(other) => other.to_string(),
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Whether a warning says that the answer lacks what some stores have.
fn lacks_something(warning: &str) -> bool {
    let mut kinds = ABOUT_THE_QUERY.iter();
    !kinds.any(|kind| warning.starts_with(kind))
}

impl<B, T> Answer<B, T> {
    fn warn(&mut self, texts: Vec<String>) {
        let warnings = &mut self.fetched.warnings;
        let room = MOST_WARNINGS.saturating_sub(warnings.len());
        let texts = texts.iter().take(room);
        warnings.extend(texts.map(|text| shortened(text)));
    }
}

impl<'de, B: FnMut(), T: FnMut(Row) -> bool> DeserializeSeed<'de> for &mut Answer<B, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, B: FnMut(), T: FnMut(Row) -> bool> Visitor<'de> for &mut Answer<B, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of the query API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(field) = fields.next_key::<String>()? {
            match field.as_str() {
                "data" => fields.next_value_seed(Data(&mut *self))?,
                "warnings" => {
                    let texts: Option<Vec<String>> = fields.next_value()?;
                    let texts = texts.unwrap_or_default();
                    self.fetched.partial |= texts.iter().any(|text| lacks_something(text));
                    self.warn(texts);
                }
                "infos" => {
                    let texts: Option<Vec<String>> = fields.next_value()?;
                    self.warn(texts.unwrap_or_default());
                }
                "status" => {
                    let said = fields.next_value::<Said>()?.into_text();
                    self.is_error = said.as_deref() == Some("error");
                }
                "error" => self.error = fields.next_value::<Said>()?.into_text(),
                "message" => self.message = fields.next_value::<Said>()?.into_text(),
                // VictoriaMetrics' word for an answer that lacks what some of its nodes have.
                "isPartial" => {
                    if fields.next_value::<Option<bool>>()? == Some(true) {
                        self.fetched.partial = true;
                        self.warn(vec!["the answer is partial (isPartial)".to_owned()]);
                    }
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Data<'a, B, T>(&'a mut Answer<B, T>);

impl<'de, B: FnMut(), T: FnMut(Row) -> bool> DeserializeSeed<'de> for Data<'_, B, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, B: FnMut(), T: FnMut(Row) -> bool> Visitor<'de> for Data<'_, B, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of an answer")
    }

    /// Beside an error there is nothing.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(field) = fields.next_key::<String>()? {
            match field.as_str() {
                "resultType" => self.0.kind = Some(fields.next_value()?),
                // What is no matrix is not read; why it is none may be said further on.
                "result" if self.0.kind.as_deref().is_some_and(|kind| kind != "matrix") => {
                    fields.next_value::<IgnoredAny>()?;
                }
                "result" => fields.next_value_seed(Rows(&mut *self.0))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Rows<'a, B, T>(&'a mut Answer<B, T>);

impl<'de, B: FnMut(), T: FnMut(Row) -> bool> DeserializeSeed<'de> for Rows<'_, B, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, B: FnMut(), T: FnMut(Row) -> bool> Visitor<'de> for Rows<'_, B, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the series of a matrix")
    }

    /// How some servers write an empty list.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        loop {
            (self.0.begin)();
            let Some(Series {
                metric,
                values,
                histograms,
            }) = rows.next_element()?
            else {
                return Ok(());
            };
            let row = Row {
                labels: metric,
                samples: values.unwrap_or_default().0,
                ends: Vec::new(),
                is_histogram: histograms.is_some_and(|histograms| !histograms.is_empty()),
            };
            if !(self.0.take)(row) {
                return Err(A::Error::custom("nobody waits for it any more"));
            }
        }
    }
}

#[derive(Deserialize)]
struct Series {
    metric: Labels,
    #[serde(default)]
    values: Option<Samples>,
    #[serde(default)]
    histograms: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Samples(#[serde(deserialize_with = "samples")] Vec<Sample>);

fn samples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Sample>, D::Error> {
    let pairs = Vec::<Pair>::deserialize(deserializer)?;
    Ok(pairs.into_iter().map(|Pair(sample)| sample).collect())
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

/// A value, which Prometheus writes as text: `"12.5"`, `"NaN"`, `"+Inf"`. Others write a number.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text")
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse()
                    .map(Number)
                    .map_err(|_| E::custom(format!("`{text}` is no number")))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::*,
        sample::{Index, select},
    };

    use super::*;
    use crate::fuzz::cases;

    fn body(result: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
    }

    fn rows(body: &str) -> Result<(Vec<Row>, Fetched), Unreadable> {
        let mut rows = Vec::new();
        let fetched = parse(
            body.as_bytes(),
            || {},
            |row| {
                rows.push(row);
                true
            },
        )?;
        Ok((rows, fetched))
    }

    #[test]
    fn values_keep_every_bit() {
        let body = body(
            r#"{"metric":{"__name__":"x","a":"1"},"values":[[1.234,"0.1"],[2,"NaN"],[3,"+Inf"],[4,"-Inf"],[5,"1e308"],[6,"5e-324"]]}"#,
        );
        let (rows, _) = rows(&body).unwrap();
        let [series] = &rows[..] else {
            panic!("one series")
        };
        let labels = [("__name__", "x"), ("a", "1")].into_iter().collect();
        assert_eq!(series.labels, labels);
        let times = series.samples.iter().map(|sample| sample.time.millis());
        let times: Vec<i64> = times.collect();
        assert_eq!(times, [1234, 2000, 3000, 4000, 5000, 6000]);
        let bits = series.samples.iter().map(|sample| sample.value.to_bits());
        let bits: Vec<u64> = bits.collect();
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
            "{}",
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            r#"{"status":"success","data":{"result":[],"resultType":"scalar"}}"#,
            &body(r#"{"metric":{},"values":[[1,"x"]]}"#),
            &body(r#"{"metric":{},"values":[[1e300,"1"]]}"#),
            &format!("{}x", body("")),
            &body("")[..40],
        ] {
            assert!(rows(body).is_err(), "{body}");
        }
    }

    #[test]
    fn an_error_with_a_status_of_success_is_a_refusal_in_its_own_words() {
        for body in [
            r#"{"status":"error","errorType":"x","error":"no\norg id"}"#,
            r#"{"data":null,"error":"no org id"}"#,
            r#"{"status":"error","error":"no org id","data":{"resultType":"","result":null}}"#,
            r#"{"status":"error","data":{"resultType":"matrix","result":[]},"error":"no org id"}"#,
            r#"{"error":{"code":7,"message":"no org id"}}"#,
            r#"{"message":"no org id"}"#,
        ] {
            let refused = Unreadable::Refused("no org id".to_owned());
            assert_eq!(rows(body).unwrap_err(), refused, "{body}");
        }
        let unsaid = r#"{"status":"error","data":{"resultType":"matrix","result":[]}}"#;
        assert!(matches!(rows(unsaid), Err(Unreadable::Refused(_))));
        let good = r#"{"error":"","data":{"resultType":"matrix","result":[]}}"#;
        assert!(rows(good).is_ok());
    }

    #[test]
    fn why_an_answer_is_no_matrix_is_told_with_what_the_server_warns_about() {
        for (body, reason) in [
            (
                r#"{"data":{"resultType":"vector","result":[1]}}"#,
                "a vector instead of a matrix",
            ),
            (
                r#"{"data":{"resultType":"","result":null},"warnings":["no store matches"]}"#,
                "a document instead of a matrix: no store matches",
            ),
        ] {
            let malformed = Unreadable::Malformed(reason.to_owned());
            assert_eq!(rows(body).unwrap_err(), malformed, "{body}");
        }
    }

    #[test]
    fn a_list_of_no_histograms_is_none() {
        let of = |histograms: &str| {
            let series = format!(r#"{{"metric":{{}},"histograms":{histograms}}}"#);
            rows(&body(&series)).unwrap().0[0].is_histogram
        };
        assert!(of("[[1,{}]]"));
        assert!(!of("[]") && !of("null"));
    }

    #[test]
    fn what_is_empty_may_be_null_and_a_value_a_number() {
        let nothing = r#"{"data":{"resultType":"matrix","result":null}}"#;
        assert!(rows(nothing).unwrap().0.is_empty());
        let body = body(r#"{"metric":{},"values":null},{"metric":{},"values":[[1,2.5],[2,-3]]}"#);
        let (rows, _) = rows(&body).unwrap();
        let values: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.samples.iter().map(|sample| sample.value).collect())
            .collect();
        assert_eq!(values, [vec![], vec![2.5, -3.0]]);
    }

    #[test]
    fn what_the_server_warns_about_is_kept_wherever_it_stands() {
        let (found, fetched) = rows(
            r#"{"isPartial":true,"warnings":["a\nb"],"data":{"result":[{"metric":{}}],"stats":{"x":[1]},"resultType":"matrix"},"infos":["c"],"x":null}"#,
        )
        .unwrap();
        assert_eq!(found.len(), 1);
        let said = ["the answer is partial (isPartial)", "a b", "c"];
        assert_eq!(fetched.warnings, said);
        assert_eq!(rows(&body("")).unwrap().1, Fetched::default());
    }

    #[test]
    fn an_answer_that_lacks_what_some_stores_have_is_partial() {
        let many = format!(
            r#""warnings":[{}"store a is away"]"#,
            r#""PromQL info: x","#.repeat(30)
        );
        for (said, is_partial) in [
            (r#""isPartial":true"#, true),
            (r#""isPartial":false"#, false),
            (r#""isPartial":null"#, false),
            (r#""warnings":["store a is away"]"#, true),
            (&many, true),
            (
                r#""warnings":["PromQL warning: a bucket is missing"]"#,
                false,
            ),
            (r#""warnings":["PromQL info: no counter"]"#, false),
            (r#""warnings":null"#, false),
            (r#""infos":["no counter"]"#, false),
        ] {
            let body = format!(r#"{{{said},"data":{{"resultType":"matrix","result":[]}}}}"#);
            assert_eq!(rows(&body).unwrap().1.partial, is_partial, "{said}");
        }
    }

    proptest! {
        #![proptest_config(cases(10_000))]

        #[test]
        fn no_change_of_an_answer_makes_it_panic(
            changes in vec((any::<Index>(), 0..12_usize, select(PIECES.to_vec())), 0..4),
        ) {
            let mut text: Vec<char> = body(WHOLE).chars().collect();
            for (at, length, piece) in changes {
                let start = at.index(text.len() + 1);
                let end = (start + length).min(text.len());
                text.splice(start..end, piece.chars());
            }
            let text: String = text.into_iter().collect();
            if let Ok((rows, fetched)) = rows(&text) {
                prop_assert!(rows.len() < 10 && fetched.warnings.len() <= MOST_WARNINGS);
            }
        }
    }

    const WHOLE: &str = r#"{"metric":{"__name__":"x","a":"1"},"values":[[1.234,"0.1"],[2,"NaN"]]},{"metric":{},"histograms":[[1,{}]]}"#;
    const PIECES: [&str; 24] = [
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "true",
        "1e999",
        "-1",
        "1e300",
        "9007199254740993",
        "\"+Inf\"",
        "\\u0000",
        "\\ud800",
        "é",
        "\"error\":\"x\",",
        "\"warnings\":[1],",
        "\"data\":",
        "\"values\":",
        "\"result\":[",
        " ",
    ];

    #[test]
    fn a_native_histogram_is_noticed() {
        let histogram = r#"{"metric":{},"histograms":[[1,{"count":"1","sum":"2","buckets":[[3,"0","1","1"]]}]]}"#;
        let (rows, _) = rows(&body(histogram)).unwrap();
        assert!(rows[0].is_histogram && rows[0].samples.is_empty());
    }
}
