use http_api::Accept;

/// A format of the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) kind: Kind,
    /// Whether names may be any UTF-8, in quotes.
    pub(crate) utf8: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4.
    Text,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self.kind {
            Kind::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Kind::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The format that is wanted more than JSON; of two that are wanted alike, `OpenMetrics`.
pub(crate) fn chosen(accept: &Accept) -> Option<Format> {
    let json = accept.weight("application", "json", None);
    let openmetrics = accept.weight("application", "openmetrics-text", Some("1.0.0"));
    let text = accept.weight("text", "plain", Some("0.0.4"));
    if openmetrics.max(text) <= json {
        return None;
    }
    let kind = if openmetrics >= text {
        Kind::OpenMetrics
    } else {
        Kind::Text
    };
    Some(Format {
        kind,
        utf8: accept.has("escaping", "allow-utf-8"),
    })
}
