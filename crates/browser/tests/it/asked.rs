//! What the browser is led to, and what it has to find there.

/// A page's name, where it is, and what it has to say.
pub(crate) type Page<'a> = (&'a str, &'a str, &'a str);

/// Every page but that of a series, and what it has to say.
pub(crate) const PAGES: [Page<'static>; 16] = [
    ("list", "/ui", "out of their ranges now"),
    (
        "list-empty",
        "/ui?q=nothing-is-called-so",
        "No objective fits",
    ),
    ("list-then", "/ui?as_of=-1m", "As it was known at"),
    (
        "list-before-anything",
        "/ui?as_of=2020-01-01T00:00:00Z",
        "no data",
    ),
    ("sla", "/ui/sla/web", "in range"),
    ("objective", "/ui/sla/web/cpu", "likely"),
    (
        "objective-before-anything",
        "/ui/sla/web/cpu?as_of=2020-01-01T00:00:00Z",
        "has no data",
    ),
    (
        "objective-events",
        "/ui/sla/shop/availability",
        "Error budget",
    ),
    (
        "objective-hostile",
        "/ui/sla/a-service-whose-name-is-as-long-as-names-may-be-at-63-character/cpu",
        "cpuUsage",
    ),
    ("series", "/ui/series", "cpuUsage"),
    ("runs", "/ui/runs", "Something failed in"),
    ("alerts", "/ui/alerts", "Deliveries"),
    ("alerts-then", "/ui/alerts?as_of=-1h", "is not known"),
    ("try", "/ui/try", "Nothing is saved"),
    ("new", "/ui/sla", "A new SLA"),
    ("nowhere", "/ui/nowhere", "There is no such page"),
];

/// Those that an empty database has, and how they say how to fill it.
pub(crate) const EMPTY: [Page<'static>; 5] = [
    ("list", "/ui", "There is no SLA yet"),
    ("series", "/ui/series", "series"),
    ("runs", "/ui/runs", "There is no run yet"),
    ("alerts", "/ui/alerts", "No alert fires"),
    ("try", "/ui/try", "Nothing is saved"),
];

/// What pages say of SLAs, alerts and series in every other state.
pub(crate) const STATES: [Page<'static>; 14] = [
    ("list-firing", "/ui?state=firing&sort=probability", "firing"),
    ("list-ok", "/ui?state=ok", "and not on this page"),
    (
        "list-refused",
        "/ui?state=nonsense",
        "This cannot be done as it was asked",
    ),
    ("sla-in-part", "/ui/sla/in-part", "In part"),
    ("sla-new", "/ui/sla/archive", "not evaluated yet"),
    (
        "objective-trusted",
        "/ui/sla/search/cpu?from=-12h",
        "Forecasts like this one said",
    ),
    (
        "objective-of-then",
        "/ui/sla/web/cpu?from=-2h&to=-1h",
        "h that were",
    ),
    (
        "series-none",
        "/ui/series?q=nothing",
        "No series has this metric",
    ),
    ("series-then", "/ui/series?as_of=-1m", "As it was known at"),
    ("alerts-frozen", "/ui/alerts?state=frozen", "frozen"),
    ("alerts-resolved", "/ui/alerts?state=resolved", "resolved"),
    (
        "alerts-tested",
        "/ui/alerts?delivered=1&failed=1",
        "failed at 1",
    ),
    (
        "try-result",
        "/ui/try?metric=cpuUsage&max=40&for=1m",
        "would have been kept",
    ),
    (
        "try-refused",
        "/ui/try?metric=cpuUsage&max=much",
        "must be a number",
    ),
];

/// A form that is filled in and sent, and what the page after it says.
pub(crate) struct Sent {
    pub(crate) page: &'static str,
    pub(crate) path: &'static str,
    /// What a reader does before, as a script.
    pub(crate) before: &'static str,
    pub(crate) fields: &'static [(&'static str, &'static str)],
    pub(crate) button: &'static str,
    pub(crate) says: &'static str,
}

const OPEN: &str = "document.querySelectorAll('details').forEach(own => own.open = true)";
const OUTDATED: &str = "document.querySelectorAll('details').forEach(own => own.open = true); \
    document.querySelectorAll('[name=version]').forEach(own => own.value = 7)";

pub(crate) const FORMS: [Sent; 7] = [
    Sent {
        page: "new-preview",
        path: "/ui/sla",
        before: "",
        fields: &[],
        button: "[value=preview]",
        says: "What it would report",
    },
    Sent {
        page: "new-refused",
        path: "/ui/sla",
        before: "",
        fields: &[("#document", "{")],
        button: "[value=create]",
        says: "is not JSON",
    },
    Sent {
        page: "new-taken",
        path: "/ui/sla",
        before: "",
        fields: &[],
        button: "[value=create]",
        says: "in force already",
    },
    Sent {
        page: "retiring",
        path: "/ui/sla/web",
        before: "",
        fields: &[],
        button: "[value=retire]",
        says: "Retire web?",
    },
    Sent {
        page: "outdated",
        path: "/ui/sla/web",
        before: OUTDATED,
        fields: &[],
        button: "[value=replace]",
        says: "somebody changed it since you looked",
    },
    Sent {
        page: "replace-refused",
        path: "/ui/sla/web",
        before: OPEN,
        fields: &[("#document", "{")],
        button: "[value=replace]",
        says: "is not JSON",
    },
    Sent {
        page: "exclusion-refused",
        path: "/ui/sla/web/cpu",
        before: OPEN,
        fields: &[
            ("#ex-from", "soon"),
            ("#ex-to", "now"),
            ("#ex-reason", "none"),
        ],
        button: "form.stack button",
        says: "/from",
    },
];
