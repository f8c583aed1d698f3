//! What the function answers.

use domain::message::{MetadataDocument, PredictionDocument, RunDocument};
use http_api::{Page, routes};
use store::read::{DocumentRow, MetricRow, SeriesRow};

use crate::{
    Retrieval,
    answers::{Metadata, Metric, Prediction, Run, Series},
    health::{self, Health},
    list,
    openapi::{self, OpenApi},
    quality::{self, Quality},
    root::{self, Root},
    version::{self, Version},
};

routes! {
    Retrieval {
        GET "/" root::answer {
            id: "root",
            summary: "all routes",
            curl: "{base}/",
            parameters: [],
            answers: [200 Root],
            problems: [],
        }
        GET "/series" list::answer::<SeriesRow> {
            id: "series",
            summary: "series seen so far",
            curl: "'{base}/series?metric=cpuUsage'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, FROM, TO, AS_OF],
            answers: [200 Page<Series<'_>>],
            problems: [503],
        }
        GET "/metrics" list::answer::<MetricRow> {
            id: "metrics",
            summary: "minimum, maximum, average and standard deviation over the last 1h, 3h and 12h",
            curl: "'{base}/metrics?metric=cpuUsage&window=1h'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, WINDOW, FROM, TO, AS_OF],
            answers: [200 Page<Metric<'_>>],
            problems: [503],
        }
        GET "/metadata" list::answer::<DocumentRow<MetadataDocument>> {
            id: "metadata",
            summary: "autocorrelation, stationarity and seasonality",
            curl: "'{base}/metadata?metric=cpuUsage'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, FROM, TO, AS_OF, FULL],
            answers: [200 Page<Metadata<'_>>],
            problems: [503],
        }
        GET "/predict" list::answer::<DocumentRow<PredictionDocument>> {
            id: "predict",
            summary: "forecast of the next 10 minutes",
            curl: "'{base}/predict?metric=cpuUsage'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, FROM, TO, AS_OF, FULL],
            answers: [200 Page<Prediction<'_>>],
            problems: [503],
        }
        GET "/forecasts/quality" quality::answer {
            id: "forecastQuality",
            summary: "accuracy of past forecasts",
            curl: "'{base}/forecasts/quality?metric=cpuUsage'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, FROM, TO, AS_OF, SCORED_SLA],
            answers: [200 Quality<'_>],
            problems: [503],
        }
        GET "/runs" list::answer::<RunDocument> {
            id: "runs",
            summary: "runs, newest first, with their failures and the time of each stage",
            curl: "'{base}/runs?limit=5'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, FROM, TO, AS_OF],
            answers: [200 Page<Run<'_>>],
            problems: [503],
        }
        GET "/health" health::answer {
            id: "health",
            summary: "whether the database answers and runs succeed",
            curl: "{base}/health",
            parameters: [],
            answers: [200 Health],
            problems: [503],
        }
        GET "/version" version::answer {
            id: "version",
            summary: "version of the program and of the database's schema",
            curl: "{base}/version",
            parameters: [],
            answers: [200 Version],
            problems: [503],
        }
        GET "/openapi.json" openapi::answer {
            id: "openapi",
            summary: "this API as an OpenAPI 3.1 document",
            curl: "{base}/openapi.json",
            parameters: [],
            answers: [200 OpenApi],
            problems: [],
        }
    }
}
