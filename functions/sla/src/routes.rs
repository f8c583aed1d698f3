//! What the function answers.

use std::time::Duration;

use http_api::{Page, assets, login, routes};

use crate::{
    MARGIN, SlaManager,
    budget::{self, Budgets},
    check::{self, Check},
    evaluator, exclusions,
    history::{self, Point},
    import::{self, Imported},
    outlook::{self, Prediction},
    replay,
    set::{self, Retired, SlaDocument},
    trial::{self, Tried},
    ui,
    violations::{self, Violation},
};

/// An SLA's 10,000 objectives have some hundred bytes each; a Lambda function is asked with 6 MB at most.
const LONGEST_SLA: usize = 4 << 20;

/// etl is asked twice: what there is to count, and to evaluate the SLA.
const CHANGE_PATIENCE: Duration = http_api::PATIENCE
    .saturating_add(evaluator::COUNT_PATIENCE)
    .saturating_add(evaluator::PATIENCE);

routes! {
    SlaManager {
        POST "/sla" set::create {
            id: "createSla",
            summary: "create an SLA",
            curl: "-X POST {base}/sla -d '{\"name\":\"web\",\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":80,\"for\":\"1m\"}]}'",
            parameters: [EVALUATE],
            body: required "SlaRequest",
            longest_body: LONGEST_SLA,
            patience: Some(CHANGE_PATIENCE),
            answers: [200 SlaDocument ["ETag"], 201 SlaDocument ["ETag" "Location"]],
            problems: [409, 503],
        }
        POST "/sla/try" trial::answer {
            id: "trySla",
            summary: "evaluate objectives and recommend bounds, without saving anything",
            curl: "-X POST {base}/sla/try -d '{\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":80}],\"violations\":2}'",
            parameters: [],
            body: required "TrialRequest",
            patience: Some(evaluator::TRIAL_PATIENCE.saturating_add(MARGIN)),
            answers: [200 Tried<'_>],
            problems: [503],
        }
        POST "/sla/import" import::import {
            id: "importSlas",
            summary: "SLAs of a file of Sloth, Pyrra or OpenSLO; by default nothing is saved",
            curl: "-X POST '{base}/sla/import?dry_run=true' --data-binary @slo.yaml",
            parameters: [DRY_RUN, SLOTH_WINDOW],
            body: required "SloFiles",
            patience: Some(CHANGE_PATIENCE),
            answers: [200 Imported],
            problems: [503],
        }
        GET "/sla" set::list {
            id: "listSlas",
            summary: "SLAs in force, now or at a time",
            curl: "'{base}/sla?metric=cpuUsage'",
            parameters: [LIMIT, CURSOR, METRIC, LABELS, ENDS_AFTER, STARTS_BY, GOES_ON_AT],
            answers: [200 Page<SlaDocument>],
            problems: [503],
        }
        GET "/sla/{name}" set::get {
            id: "getSla",
            summary: "one SLA",
            curl: "{base}/sla/web",
            parameters: [NAME, FORMAT],
            answers: [200 SlaDocument ["ETag"]],
            texts: ["application/yaml"],
            problems: [413, 503],
        }
        PUT "/sla/{name}" set::replace {
            id: "replaceSla",
            summary: "replace an SLA by its next version",
            curl: "-X PUT {base}/sla/web -H 'If-Match: \"1\"' -d '{\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":90}]}'",
            parameters: [NAME, IF_MATCH, EVALUATE],
            body: required "SlaRequest",
            longest_body: LONGEST_SLA,
            patience: Some(CHANGE_PATIENCE),
            answers: [200 SlaDocument ["ETag"]],
            problems: [503],
        }
        DELETE "/sla/{name}" set::retire {
            id: "retireSla",
            summary: "retire an SLA; its history stays",
            curl: "-X DELETE {base}/sla/web -H 'If-Match: \"2\"'",
            parameters: [NAME, IF_MATCH],
            answers: [200 Retired<'_>],
            problems: [503],
        }
        GET "/sla/{name}/budget" budget::answer {
            id: "budget",
            summary: "error budgets of an SLA: what is left, how fast it burns, and the alerts",
            curl: "{base}/sla/web/budget",
            parameters: [NAME, BUDGET_AT, OBJECTIVE, ENTRIES, CURSOR],
            answers: [200 Budgets],
            problems: [503],
        }
        GET "/sla/{name}/history" history::answer {
            id: "slaHistory",
            summary: "what was counted or judged of an SLA, step by step",
            curl: "'{base}/sla/web/history?step=1h'",
            parameters: [NAME, LIMIT, CURSOR, HISTORY_FROM, HISTORY_TO, STEP, OBJECTIVE, PROVISIONAL, SHARE],
            answers: [200 Page<Point>],
            problems: [422, 503],
        }
        GET "/sla/{name}/violations" violations::answer {
            id: "violations",
            summary: "stored violations of an SLA, newest start first",
            curl: "'{base}/sla/web/violations?limit=5'",
            parameters: [NAME, LIMIT, CURSOR, METRIC, LABELS, ENDS_AFTER, STARTS_BY, GOES_ON_AT, OBJECTIVE],
            answers: [200 Page<Violation<'_>>],
            problems: [503],
        }
        POST "/sla/{name}/exclusions" exclusions::create {
            id: "createExclusion",
            summary: "exclude past or future time from an SLA, once or by a rule that recurs",
            curl: "-X POST {base}/sla/web/exclusions -d '{\"from\":\"2026-11-23T08:00:00Z\",\"to\":\"2026-11-23T09:00:00Z\",\"reason\":\"upgrade\"}'",
            parameters: [NAME],
            body: required "ExclusionRequest",
            answers: [201 exclusions::Shown ["Location"]],
            problems: [409, 503],
        }
        GET "/sla/{name}/exclusions" exclusions::list {
            id: "listExclusions",
            summary: "exclusions of an SLA, newest first, deleted ones included",
            curl: "{base}/sla/web/exclusions",
            parameters: [NAME, LIMIT, CURSOR, METRIC, LABELS, ENDS_AFTER, STARTS_BY, GOES_ON_AT],
            answers: [200 Page<exclusions::Shown>],
            problems: [503],
        }
        DELETE "/sla/{name}/exclusions/{id}" exclusions::delete {
            id: "deleteExclusion",
            summary: "delete an exclusion, or end one that recurs; it stays on record",
            curl: "-X DELETE {base}/sla/web/exclusions/1",
            parameters: [NAME, ID, RULE_END],
            answers: [200 exclusions::Shown],
            problems: [503],
        }
        POST "/sla/{name}/replay" replay::create {
            id: "createReplay",
            summary: "have past time of an SLA judged and counted, as far as Prometheus has it",
            curl: "-X POST {base}/sla/web/replay -d '{\"from\":\"2026-11-01T00:00:00Z\"}'",
            parameters: [NAME],
            body: required "ReplayRequest",
            answers: [202 replay::One],
            problems: [409, 503],
        }
        GET "/sla/{name}/replay" replay::list {
            id: "listReplays",
            summary: "replays of an SLA and how far they are, newest first",
            curl: "{base}/sla/web/replay",
            parameters: [NAME],
            answers: [200 replay::Replays],
            problems: [503],
        }
        DELETE "/sla/{name}/replay/{id}" replay::stop {
            id: "stopReplay",
            summary: "stop a replay; what it did stays",
            curl: "-X DELETE {base}/sla/web/replay/1",
            parameters: [NAME, REPLAY_ID],
            answers: [200 replay::One],
            problems: [503],
        }
        GET "/check_json" check::answer {
            id: "check",
            summary: "state of an SLA and its violations in the last 1h, 3h and 12h",
            curl: "'{base}/check_json?sla=web'",
            parameters: [SLA, EVALUATED_AT],
            answers: [200 Check<'_>],
            problems: [404, 503],
        }
        GET "/predict_json" outlook::answer {
            id: "predictViolations",
            summary: "violations of an SLA expected in the next 10 minutes",
            curl: "'{base}/predict_json?sla=web'",
            parameters: [SLA, EVALUATED_AT],
            answers: [200 Prediction<'_>],
            problems: [404, 503],
        }
    }
    pages {
        GET "/ui" ui::list::page, patience: Some(ui::PATIENCE);
        GET "/ui/sla" ui::forms::new;
        POST "/ui/sla" ui::forms::create, patience: Some(CHANGE_PATIENCE);
        GET "/ui/sla/{name}" ui::sla::page;
        POST "/ui/sla/{name}" ui::forms::change, patience: Some(CHANGE_PATIENCE);
        GET "/ui/sla/{name}/{id}" ui::objective::page;
        GET "/ui/sla/{name}/exclusions" ui::objective::named_exclusions;
        POST "/ui/sla/{name}/exclusions" ui::forms::exclude;
        POST "/ui/sla/{name}/exclusions/{id}/take-back" ui::forms::take_back;
        GET "/ui/try" ui::trial::page, patience: Some(evaluator::TRIAL_PATIENCE.saturating_add(MARGIN));
        GET "/ui/login" login::show;
        POST "/ui/login" login::sign_in;
        POST "/ui/logout" login::sign_out;
        GET "/ui/assets/{id}" assets::answer;
        GET "/ui/{proxy+}" ui::nowhere;
    }
}
