//! Series and their points.

use std::collections::BTreeMap;

use domain::{Labels, Timestamp};
use promql::{Asked, At, NAME};

use super::{
    parameters::Span,
    points::{Point, value_at},
};

/// A series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// Its labels, `__name__` included.
    pub(super) labels: BTreeMap<String, String>,
    /// In the order of time.
    pub(super) points: Vec<Point>,
}

impl Line {
    /// A series of that name.
    pub(super) fn new(name: &str, labels: Labels, points: Vec<Point>) -> Self {
        let mut labels = labels.0;
        labels.insert(NAME.to_owned(), name.to_owned());
        Self { labels, points }
    }

    /// Whether it is asked for.
    pub(super) fn is_asked_for(&self, asked: &Asked) -> bool {
        asked.matches(|name| self.labels.get(name).map_or("", String::as_str))
    }

    /// Its value for the time `time` of `span`.
    pub(super) fn value(&self, asked: &Asked, span: &Span, time: Timestamp) -> Option<f64> {
        value_at(&self.points, looked_at(asked, span, time))
    }
}

/// The time that a query looks at for `time`.
pub(super) fn looked_at(asked: &Asked, span: &Span, time: Timestamp) -> Timestamp {
    let named = match asked.at {
        None => time.millis(),
        Some(At::Start) => span.start.millis(),
        Some(At::End) => span.end.millis(),
        Some(At::Time(millis)) => millis,
    };
    // Nothing is known of a time outside the calendar.
    let millis = named.saturating_sub(asked.offset_ms);
    Timestamp::from_millis(millis).unwrap_or(if millis < 0 {
        Timestamp::EPOCH
    } else {
        Timestamp::MAX
    })
}
