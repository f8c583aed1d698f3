//! What the function answers.

use std::collections::BTreeMap;

use domain::message::{MetadataDocument, PredictionDocument, RunDocument};
use http_api::{
    Page,
    prometheus::{Failure, Success},
    routes,
};
use store::read::{DocumentRow, SeriesRow};

use crate::{
    Retrieval,
    answers::{Metadata, Metric, Prediction, Run, Series},
    exposition,
    health::{self, Health},
    history::{self, History},
    list,
    openapi::{self, OpenApi},
    prometheus::{self, Build, Data, Described, LabelSet},
    quality::{self, Quality},
    root::{self, Root},
    ui,
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
        GET "/metrics" exposition::answer {
            id: "metrics",
            summary: "minimum, maximum, average and standard deviation over the last 1h, 3h and 12h; as OpenMetrics or Prometheus text, how SLAs, runs and deliveries stand",
            curl: "'{base}/metrics?metric=cpuUsage&window=1h'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, WINDOW, FROM, TO, AS_OF, COLLECT, NAMES, EXPOSED_SLA, EXPOSED_OBJECTIVE],
            answers: [200 Page<Metric<'_>>],
            texts: [
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                "text/plain; version=0.0.4; charset=utf-8"
            ],
            problems: [413, 503],
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
        GET "/history" history::answer {
            id: "history",
            summary: "what series were like: smallest, greatest and mean value of each 5 minutes or hour",
            curl: "'{base}/history?metric=cpuUsage&step=1h'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, HISTORY_FROM, HISTORY_TO, BUCKET],
            answers: [200 Page<History>],
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
        GET "/prometheus/api/v1/query" prometheus::query {
            id: "prometheusQuery",
            summary: "values at one time, as Prometheus answers",
            curl: "'{base}/prometheus/api/v1/query?query=slacast_objective_state'",
            parameters: [QUERY, QUERY_TIME],
            patience: None,
            answers: [200 Success<Data>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/query" prometheus::query {
            id: "prometheusQueryForm",
            summary: "values at one time, as Prometheus answers",
            curl: "-X POST '{base}/prometheus/api/v1/query?query=slacast_objective_state'",
            parameters: [],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<Data>],
            errors: Failure,
            problems: [422, 503],
        }
        GET "/prometheus/api/v1/query_range" prometheus::query_range {
            id: "prometheusQueryRange",
            summary: "values at each step of a time, as Prometheus answers",
            curl: "'{base}/prometheus/api/v1/query_range?query=slacast_history_average&start=2026-11-23T08:00:00Z&end=2026-11-23T09:00:00Z&step=300'",
            parameters: [QUERY, QUERY_START, QUERY_END, QUERY_STEP],
            patience: None,
            answers: [200 Success<Data>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/query_range" prometheus::query_range {
            id: "prometheusQueryRangeForm",
            summary: "values at each step of a time, as Prometheus answers",
            curl: "-X POST '{base}/prometheus/api/v1/query_range?query=slacast_history_average&start=2026-11-23T08:00:00Z&end=2026-11-23T09:00:00Z&step=300'",
            parameters: [],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<Data>],
            errors: Failure,
            problems: [422, 503],
        }
        GET "/prometheus/api/v1/labels" prometheus::labels {
            id: "prometheusLabels",
            summary: "names of the labels of the series that can be asked for",
            curl: "'{base}/prometheus/api/v1/labels'",
            parameters: [MATCH],
            patience: None,
            answers: [200 Success<Vec<String>>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/labels" prometheus::labels {
            id: "prometheusLabelsForm",
            summary: "names of the labels of the series that can be asked for",
            curl: "-X POST '{base}/prometheus/api/v1/labels'",
            parameters: [],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<Vec<String>>],
            errors: Failure,
            problems: [422, 503],
        }
        GET "/prometheus/api/v1/label/{name}/values" prometheus::values {
            id: "prometheusLabelValues",
            summary: "values of a label of the series that can be asked for",
            curl: "'{base}/prometheus/api/v1/label/metric/values'",
            parameters: [LABEL_NAME, MATCH],
            patience: None,
            answers: [200 Success<Vec<String>>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/label/{name}/values" prometheus::values {
            id: "prometheusLabelValuesForm",
            summary: "values of a label of the series that can be asked for",
            curl: "-X POST '{base}/prometheus/api/v1/label/metric/values'",
            parameters: [LABEL_NAME],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<Vec<String>>],
            errors: Failure,
            problems: [422, 503],
        }
        GET "/prometheus/api/v1/series" prometheus::series {
            id: "prometheusSeries",
            summary: "label sets of the series that can be asked for",
            curl: "-g '{base}/prometheus/api/v1/series?match[]=slacast_objective_state'",
            parameters: [NEEDED_MATCH],
            patience: None,
            answers: [200 Success<Vec<LabelSet>>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/series" prometheus::series {
            id: "prometheusSeriesForm",
            summary: "label sets of the series that can be asked for",
            curl: "-X POST -g '{base}/prometheus/api/v1/series?match[]=slacast_objective_state'",
            parameters: [],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<Vec<LabelSet>>],
            errors: Failure,
            problems: [422, 503],
        }
        GET "/prometheus/api/v1/metadata" prometheus::metadata {
            id: "prometheusMetadata",
            summary: "what each metric that can be asked for is",
            curl: "'{base}/prometheus/api/v1/metadata'",
            parameters: [METRIC_NAME],
            patience: None,
            answers: [200 Success<BTreeMap<String, Vec<Described>>>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/metadata" prometheus::metadata {
            id: "prometheusMetadataForm",
            summary: "what each metric that can be asked for is",
            curl: "-X POST '{base}/prometheus/api/v1/metadata'",
            parameters: [],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<BTreeMap<String, Vec<Described>>>],
            errors: Failure,
            problems: [422, 503],
        }
        GET "/prometheus/api/v1/status/buildinfo" prometheus::build {
            id: "prometheusBuild",
            summary: "what answers",
            curl: "'{base}/prometheus/api/v1/status/buildinfo'",
            parameters: [],
            patience: None,
            answers: [200 Success<Build>],
            errors: Failure,
            problems: [422, 503],
        }
        POST "/prometheus/api/v1/status/buildinfo" prometheus::build {
            id: "prometheusBuildForm",
            summary: "what answers",
            curl: "-X POST '{base}/prometheus/api/v1/status/buildinfo'",
            parameters: [],
            body: form "PrometheusQuestion",
            reads: true,
            patience: None,
            answers: [200 Success<Build>],
            errors: Failure,
            problems: [422, 503],
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
            patience: None,
            answers: [200 Health, 503 Health],
            problems: [],
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
    pages {
        GET "/ui/series" ui::series;
        GET "/ui/series/{id}" ui::one_series;
        GET "/ui/runs" ui::runs;
    }
}
