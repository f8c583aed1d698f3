use domain::message::RunDocument;
use maud::html;

use crate::{
    Frame, Place, clock,
    frame::{command, scrolling},
    icon::icon,
    name, number,
};

/// How many failures, and how many warnings, of a run are shown.
const SHOWN: usize = 5;

/// A page of the list of runs, newest start first.
pub fn runs(frame: &Frame<'_>, runs: &[RunDocument], next: Option<&str>) -> String {
    let failed = runs.iter().filter(|run| !run.failures.is_empty()).count();
    let main = html! {
        h1 { "Runs" }
        @if runs.is_empty() {
            p class="lead" { "There is no run yet. The schedule starts one, and so does this:" }
            pre tabindex="0" { "curl -X POST " (frame.address) "/ETL" }
        } @else {
            p class="lead" {
                @match failed {
                    0 => { "Nothing failed in the last " (number::count(runs.len() as u64, "run", "runs")) "." },
                    failed => { b { "Something failed in " (failed) } " of the last " (number::count(runs.len() as u64, "run", "runs")) "." },
                }
            }
            (scrolling("Runs", &html! {
                table class="wide" {
                    caption class="sr" { "Runs, newest first" }
                    thead { tr { th scope="col" { "as of" } th scope="col" { "started" } th scope="col" { "by" } th scope="col" class="n" { "series" } th scope="col" class="n" { "samples" } th scope="col" class="n" { "messages" } th scope="col" class="n" { "took" } th scope="col" { "failures and warnings" } } }
                    tbody { @for run in runs { tr {
                        th scope="row" { (clock::full(run.as_of)) }
                        td { (clock::at(run.started_at, run.as_of)) }
                        td { (run.trigger.word()) }
                        td class="n" { (number::plain(run.series as f64)) } td class="n" { (number::plain(run.samples as f64)) } td class="n" { (number::plain(run.messages as f64)) }
                        td class="n" { @match took(run) { Some(took) => { (number::plain(took.round())) " ms" }, None => "–" } }
                        td {
                            @if run.failures.is_empty() && run.warnings.is_empty() { span class="soft" { "none" } }
                            @for failure in run.failures.iter().take(SHOWN) {
                                span class="bad" { (icon("firing")) (failure.metric.as_deref().unwrap_or(&failure.stage)) }
                                small { (name::cut(&failure.reason)) @if let Some(detail) = &failure.detail { ": " (name::sentence(detail)) } }
                            }
                            @if run.failures.len() > SHOWN { small { "and " (run.failures.len() - SHOWN) " more" } }
                            @for warning in run.warnings.iter().take(SHOWN) { small { "warning: " (name::sentence(warning)) } }
                            @if run.warnings.len() > SHOWN { small { "and " (number::count((run.warnings.len() - SHOWN) as u64, "more warning", "more warnings")) } }
                        }
                    } } }
                }
            }))
            @if let Some(next) = next { nav class="pages" aria-label="Pages" { a rel="next" href=(frame.link("/ui/runs", &[("cursor", next)])) { "next" } } }
        }
        section class="ask" { (command("Ask for it yourself", &format!("curl {}/runs", frame.address))) }
    };
    frame.page("Runs", Some(Place::Runs), &main)
}

/// How long the work took, milliseconds.
fn took(run: &RunDocument) -> Option<f64> {
    let total = run.stages.iter().find(|stage| stage.stage == "total");
    total.map(|total| total.milliseconds)
}
