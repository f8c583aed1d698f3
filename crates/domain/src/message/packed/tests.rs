use std::time::Duration;

use proptest::{collection::vec, option, prelude::*};

use super::{column, *};
use crate::{
    decimals::Decimals,
    finding::Finding,
    forecast::{Baseline, PathExtreme, PathPoint, testing::forecast},
    message::{
        Autocorrelation, Correlogram, MetadataArrays, MetadataDocument, PredictionArrays,
        PredictionDocument, SeriesReference,
    },
    series::Series,
};

/// Every bit pattern, and numbers as they follow each other in a document.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        -1e3..1e3,
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(5e-324),
        (-1_000_000..1_000_000_i64, 0..9_u8)
            .prop_map(|(count, places)| Decimals::new(places).number(count)),
    ]
}

/// What JSON can say.
fn finite_number() -> impl Strategy<Value = f64> {
    number().prop_map(|value| if value.is_finite() { value } else { 1.0 / 3.0 })
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn about() -> About {
    let series = Series {
        metric: "cpuUsage".parse().unwrap(),
        labels: [("nodeName", "sv122")].into_iter().collect(),
    };
    About {
        series: series.id(),
        metric: series.metric,
        labels: series.labels,
        as_of: "2026-11-23T08:45:00Z".parse().unwrap(),
    }
}

fn reference(unit: Option<&str>) -> SeriesReference {
    let about = about();
    SeriesReference {
        series: about.series,
        metric: about.metric,
        labels: about.labels,
        unit: unit.map(str::to_owned),
    }
}

fn prediction(path: Vec<PathPoint>, baseline: Option<Baseline>) -> PredictionDocument {
    let mut forecast = forecast();
    (forecast.path, forecast.baseline) = (path, baseline);
    PredictionDocument {
        series: reference(Some("percent")),
        as_of: about().as_of,
        horizon_seconds: 600.0,
        step_seconds: 15.0,
        forecast: Finding::Known(forecast),
    }
}

/// A path whose k-th point is `numbers` moved on by k.
fn path(numbers: [f64; 6], points: u32, with_band: impl Fn(u32) -> bool) -> Vec<PathPoint> {
    let point = |k: u32| {
        let [mean, lower, lower_80, median, upper_80, upper] =
            numbers.map(|number| number + f64::from(k) / 7.0);
        let band = |value| with_band(k).then_some(value);
        PathPoint {
            time: about().as_of + Duration::from_secs(15) * (k + 1),
            mean,
            lower,
            lower_80: band(lower_80),
            median,
            upper_80: band(upper_80),
            upper,
        }
    };
    (0..points).map(point).collect()
}

/// As JSON, where every digit of a number counts, and the sign of a zero.
fn json(document: &impl serde::Serialize) -> String {
    serde_json::to_string(document).unwrap()
}

#[track_caller]
fn comes_back(document: &PredictionDocument) {
    let packed = document.pack();
    let unpacked = PredictionDocument::unpack(&packed, about()).unwrap();
    assert_eq!(json(&unpacked), json(document));
    assert_eq!(unpacked.pack(), packed);
}

#[test]
fn a_forecast_without_a_path_or_with_any_path_comes_back() {
    let numbers = [50.0, 40.0, 42.0, 51.0, 58.0, 60.0];
    comes_back(&prediction(Vec::new(), None));
    comes_back(&prediction(path(numbers, 40, |_| true), None));
    comes_back(&prediction(path(numbers, 40, |_| false), None));
    // Some points have a band and some have none: such a path stays in the JSON.
    comes_back(&prediction(path(numbers, 40, |k| k > 3), None));
    let mut one_sided = path(numbers, 3, |_| true);
    one_sided[1].upper_80 = None;
    comes_back(&prediction(one_sided, None));
    let mut off_the_grid = path(numbers, 3, |_| true);
    off_the_grid[1].time = about().as_of - Duration::from_millis(1);
    comes_back(&prediction(off_the_grid, None));
    let mut unknown = prediction(Vec::new(), None);
    unknown.forecast = Finding::unknown("too_short");
    unknown.series.unit = None;
    comes_back(&unknown);
}

#[test]
fn what_the_model_said_beside_the_published_path_comes_back() {
    let numbers = [50.0, 40.0, 42.0, 51.0, 58.0, 60.0];
    for (mean, bands) in [(0, 40), (40, 0), (40, 40), (1, 3)] {
        let baseline = Baseline {
            last_value: Some(49.5),
            climatology: None,
            model_mean: (mean > 0).then(|| (0..mean).map(|k| 49.0 / f64::from(k + 3)).collect()),
            model_bands: (bands > 0).then(|| vec![[1.0, 2.0, 1.0 / 3.0]; bands]),
        };
        let path = path(numbers, 40, |_| bands == 0);
        comes_back(&prediction(path, Some(baseline)));
    }
}

#[test]
fn the_path_of_a_forecast_takes_less_than_a_fifth_of_its_json() {
    let document = prediction(
        path([78.0 / 1.1, 71.1, 72.2, 76.3, 80.4, 81.5], 40, |_| true),
        None,
    );
    let (packed, json) = (document.pack().len(), json(&document).len());
    assert!(5 * packed < json, "{packed} of {json} bytes");
}

#[test]
fn bytes_of_another_version_or_with_something_after_them_are_refused() {
    let packed = prediction(path([1.0; 6], 3, |_| true), None).pack();
    for (bytes, expected) in [
        (Vec::new(), "the version of a packed document is not known"),
        (
            [&[3], &packed[1..]].concat(),
            "the version of a packed document is not known",
        ),
        (packed[..1].to_vec(), "a packed document is damaged"),
        ([&packed[..], &[0]].concat(), "a packed document is damaged"),
        (
            packed[..packed.len() - 1].to_vec(),
            "a packed document is damaged",
        ),
    ] {
        let error = PredictionDocument::unpack(&bytes, about()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

/// Values to twelve decimals, and Bartlett's bounds of them, of a series of `samples`.
fn correlogram(samples: f64) -> Correlogram {
    let places = Decimals::new(12);
    let values: Vec<f64> = (0..41).map(|lag| places.round(0.9_f64.powi(lag))).collect();
    let bounds = |sign: f64| {
        let mut squares = 0.5;
        let bound = |(lag, value): (usize, &f64)| {
            let error = if lag == 0 {
                0.0
            } else {
                (2.0 * squares / samples).sqrt()
            };
            if lag > 0 {
                squares += value * value;
            }
            places.round(value + sign * 1.96 * error)
        };
        values.iter().enumerate().map(bound).collect()
    };
    Correlogram {
        lower: bounds(-1.0),
        upper: bounds(1.0),
        values,
    }
}

#[test]
fn bounds_of_autocorrelations_take_less_than_a_byte_each() {
    let arrays = |correlogram| MetadataArrays {
        correlogram: Some(correlogram),
        pattern: None,
    };
    let without = Correlogram {
        lower: Vec::new(),
        upper: Vec::new(),
        ..correlogram(2_880.0)
    };
    let (with, without) = (arrays(correlogram(2_880.0)).pack(), arrays(without).pack());
    assert!(
        with.len() < without.len() + 80,
        "{} {}",
        with.len(),
        without.len()
    );
}

#[test]
fn numbers_with_few_decimals_take_the_bits_that_these_have() {
    let column = |values: &[f64]| {
        let mut bytes = Vec::new();
        column::write(values, column::last, &mut bytes);
        bytes.len()
    };
    let few: Vec<f64> = (0..200)
        .map(|k| f64::from(74_000 + k * 37 % 100) / 1e3)
        .collect();
    let many: Vec<f64> = few.iter().map(|value| value / 3.0).collect();
    assert!(column(&few) < 250, "{}", column(&few));
    assert!(column(&many) > 1_000, "{}", column(&many));
}

/// What the version before this one made of a document and of the long arrays of two: read as what it was made of.
#[test]
fn bytes_of_version_1_are_read() {
    for line in include_str!("version-1.tsv").lines() {
        let [kind, packed, json] =
            <[&str; 3]>::try_from(line.split('\t').collect::<Vec<_>>()).unwrap();
        let packed: Vec<u8> = serde_json::from_str(packed).unwrap();
        let read = match kind {
            "prediction" => self::json(&PredictionDocument::unpack(&packed, about()).unwrap()),
            "metadata" => self::json(&MetadataDocument::unpack(&packed, about()).unwrap()),
            "prediction arrays" => self::json(&PredictionArrays::unpack(&packed, ()).unwrap()),
            "metadata arrays" => self::json(&MetadataArrays::unpack(&packed, ()).unwrap()),
            _ => panic!("{kind}"),
        };
        assert_eq!(read, json, "{kind}");
    }
}

fn metadata(correlogram: Option<Correlogram>) -> MetadataDocument {
    let found = |correlogram| Autocorrelation {
        nlags: 40,
        lag_one: Some(0.9),
        memory_lags: 12,
        ljung_box: None,
        correlogram: Some(correlogram),
    };
    MetadataDocument {
        series: reference(None),
        as_of: about().as_of,
        step_seconds: 15.0,
        samples_used: 2_880,
        coverage: 1.0,
        autocorrelation: correlogram.map_or_else(
            || Finding::unknown("too_short"),
            |correlogram| Finding::Known(found(correlogram)),
        ),
        stationarity: Finding::unknown("too_short"),
        seasonality: Finding::unknown("too_short"),
    }
}

#[test]
fn a_message_brings_a_document_with_its_long_arrays_and_what_it_is_about() {
    for document in [metadata(None), metadata(Some(correlogram(2_880.0)))] {
        let value = document.pack_message();
        let read = MetadataDocument::unpack_message(&value).unwrap();
        assert_eq!(json(&read), json(&document));
    }
    let mut unknown = prediction(Vec::new(), None);
    unknown.forecast = Finding::unknown("too_short");
    let numbers = [50.0, 40.0, 42.0, 51.0, 58.0, 60.0];
    let mut known = prediction(path(numbers, 40, |_| true), None);
    known.put_arrays(PredictionArrays {
        path_extremes: vec![
            PathExtreme {
                min: 40.5,
                max: 60.25,
                weight: 0.5,
            };
            2
        ],
    });
    for document in [unknown, known] {
        let value = document.pack_message();
        let read = PredictionDocument::unpack_message(&value).unwrap();
        assert_eq!(json(&read), json(&document));
        for length in 0..value.len() {
            drop(PredictionDocument::unpack_message(&value[..length]));
        }
        let of_another_version = [&[9], &value[1..]].concat();
        let error = PredictionDocument::unpack_message(&of_another_version).unwrap_err();
        assert!(matches!(error, Unreadable::Version));
    }
}

proptest! {
    #[test]
    fn a_column_comes_back_bit_for_bit(
        values in vec(number(), 0..200),
        other in vec(number(), 0..200),
    ) {
        for expected in [&column::last as &dyn Fn(&[f64]) -> f64, &column::beside(&other)] {
            let mut bytes = Vec::new();
            column::write(&values, expected, &mut bytes);
            let mut rest = bytes.as_slice();
            let read = column::read(&mut rest, Form::ByPlaces, expected).unwrap();
            prop_assert_eq!(bits(&read), bits(&values));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn long_arrays_come_back_bit_for_bit(
        values in option::of((vec(number(), 0..50), vec(number(), 0..50), vec(number(), 0..50))),
        pattern in option::of(vec(number(), 0..50)),
        extremes in vec((number(), number(), number()), 0..50),
    ) {
        let correlogram = values.map(|(values, lower, upper)| Correlogram { values, lower, upper });
        let arrays = MetadataArrays { correlogram, pattern };
        let read = MetadataArrays::unpack(&arrays.pack(), ()).unwrap();
        let columns = |arrays: &MetadataArrays| {
            let correlogram = arrays.correlogram.as_ref();
            let correlogram = correlogram.map(|found| [&found.values, &found.lower, &found.upper].map(|c| bits(c)));
            (correlogram, arrays.pattern.as_deref().map(bits))
        };
        prop_assert_eq!(columns(&read), columns(&arrays));

        let path_extremes: Vec<_> = extremes.into_iter()
            .map(|(min, max, weight)| PathExtreme { min, max, weight }).collect();
        let arrays = PredictionArrays { path_extremes };
        let read = PredictionArrays::unpack(&arrays.pack(), ()).unwrap();
        let columns = |arrays: &PredictionArrays| {
            let each = arrays.path_extremes.iter();
            bits(&each.flat_map(|one| [one.min, one.max, one.weight]).collect::<Vec<_>>())
        };
        prop_assert_eq!(columns(&read), columns(&arrays));
    }

    #[test]
    fn a_prediction_comes_back_digit_for_digit(
        numbers in vec(vec(finite_number(), 6), 0..50),
        with_band in any::<bool>(),
        last_value in option::of(finite_number()),
        model_mean in option::of(vec(finite_number(), 0..50)),
        model_bands in option::of(vec([finite_number(), finite_number(), finite_number()], 0..50)),
        step_seconds in finite_number(),
    ) {
        let points = (1..).zip(&numbers).map(|(k, numbers)| PathPoint {
            time: about().as_of + Duration::from_millis(15_001) * k,
            mean: numbers[0],
            lower: numbers[1],
            lower_80: with_band.then(|| numbers[2]),
            median: numbers[3],
            upper_80: with_band.then(|| numbers[4]),
            upper: numbers[5],
        });
        let baseline = Baseline { last_value, climatology: None, model_mean, model_bands };
        let mut document = prediction(points.collect(), Some(baseline));
        document.step_seconds = step_seconds;
        let packed = document.pack();
        let unpacked = PredictionDocument::unpack(&packed, about()).unwrap();
        prop_assert_eq!(json(&unpacked), json(&document));
    }

    #[test]
    fn whatever_the_bytes_are_they_are_read_or_refused(
        mut bytes in vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = VERSION;
        }
        let mut damaged = prediction(path([50.0, 40.0, 42.0, 51.0, 58.0, 60.0], 10, |_| true), None).pack();
        let position = at.index(damaged.len());
        damaged[position] = byte;
        let mut message = prediction(path([50.0; 6], 10, |_| true), None).pack_message();
        let position = at.index(message.len());
        message[position] = byte;
        for bytes in [&bytes, &damaged, &message] {
            // What is read can be written again; nothing panics.
            drop(MetadataDocument::unpack(bytes, about()).map(|read| read.pack()));
            drop(PredictionDocument::unpack(bytes, about()).map(|read| read.pack()));
            drop(MetadataArrays::unpack(bytes, ()).map(|read| read.pack()));
            drop(PredictionArrays::unpack(bytes, ()).map(|read| read.pack()));
            drop(MetadataDocument::unpack_message(bytes).map(|read| read.pack_message()));
            drop(PredictionDocument::unpack_message(bytes).map(|read| read.pack_message()));
        }
    }
}
