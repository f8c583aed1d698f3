//! How to ask for what a panel shows: of the API, in PromQL of `/prometheus`, and as OpenSLO.

use std::fmt::Write as _;

use domain::Labels;
use maud::{Markup, html};

use crate::{Frame, ObjectivePage, clock, name};

/// The questions behind the panels of an objective.
pub(crate) struct Behind<'a> {
    base: &'a str,
    sla: String,
    objective: String,
    page: &'a ObjectivePage,
}

impl<'a> Behind<'a> {
    pub(crate) fn new(frame: &Frame<'a>, page: &'a ObjectivePage) -> Self {
        Self {
            base: frame.address,
            sla: name::segment(&page.sla),
            objective: name::segment(&page.row.check.objective),
            page,
        }
    }

    /// What the series was like, and what is to come of it.
    pub(crate) fn chart(&self) -> Markup {
        let Self { base, sla, .. } = self;
        let check = &self.page.row.check;
        let (metric, from) = (
            name::segment(&check.metric),
            clock::instant(self.page.span.start),
        );
        let curl = format!(
            "curl '{base}/check_json?sla={sla}'\ncurl '{base}/predict_json?sla={sla}'\n\
             curl '{base}/history?metric={metric}&step=5m&from={from}'\ncurl '{base}/predict?metric={metric}'"
        );
        let series = selector(&[("metric", &check.metric)], &check.labels);
        let promql = [
            "history_average",
            "forecast_lower",
            "forecast_middle",
            "forecast_upper",
        ]
        .map(|metric| format!("slacast_{metric}{series}"));
        shown(&curl, &promql.join("\n"), "")
    }

    /// What is left of the budget, and how fast it is spent.
    pub(crate) fn budget(&self) -> Markup {
        let Self {
            base,
            sla,
            objective,
            ..
        } = self;
        let curl = format!(
            "curl '{base}/sla/{sla}/budget?objective={objective}'\n\
             curl '{base}/sla/{sla}/history?objective={objective}&step=1h'"
        );
        let own = self.selector();
        let promql = format!(
            "slacast_objective_budget_remaining_ratio{own}\nslacast_objective_burn_rate{own}\nslacast_objective_sli_ratio{own}"
        );
        let openslo = format!("curl '{base}/sla/{sla}?format=openslo'");
        shown(&curl, &promql, &openslo)
    }

    /// What broke.
    pub(crate) fn violations(&self) -> Markup {
        let Self {
            base,
            sla,
            objective,
            ..
        } = self;
        let from = clock::instant(self.page.span.start);
        let curl = format!("curl '{base}/sla/{sla}/violations?objective={objective}&from={from}'");
        shown(
            &curl,
            &format!("slacast_objective_violations{}", self.selector()),
            "",
        )
    }

    /// What forecasts were worth.
    pub(crate) fn trust(&self) -> Markup {
        let Self { base, sla, .. } = self;
        let curl = format!("curl '{base}/forecasts/quality?sla={sla}'");
        let promql = format!("slacast_objective_violation_probability{}", self.selector());
        shown(&curl, &promql, "")
    }

    /// What is excluded.
    pub(crate) fn exclusions(&self) -> Markup {
        let Self { base, sla, .. } = self;
        shown(&format!("curl '{base}/sla/{sla}/exclusions'"), "", "")
    }

    fn selector(&self) -> String {
        let objective = &self.page.row.check.objective;
        let own = [("sla", &self.page.sla), ("objective", objective)];
        selector(&own, &Labels::default())
    }
}

fn shown(curl: &str, promql: &str, openslo: &str) -> Markup {
    html! {
        details class="ask" {
            summary { "Ask for it yourself" }
            pre tabindex="0" { (curl) }
            @if !promql.is_empty() { p class="soft" { "In PromQL, of the data source " code { "/prometheus" } ":" } pre tabindex="0" { (promql) } }
            @if !openslo.is_empty() { p class="soft" { "The SLA as OpenSLO:" } pre tabindex="0" { (openslo) } }
        }
    }
}

/// A selector of these labels and of those of a series whose names can stand in one.
fn selector(own: &[(&str, &String)], labels: &Labels) -> String {
    let is_name = |name: &str| {
        let mut characters = name.chars();
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
        characters.next().is_some_and(is_first)
            && characters.all(|c| is_first(c) || c.is_ascii_digit())
    };
    let own_pairs = own.iter().map(|(name, value)| ((*name).to_owned(), *value));
    let of_series = labels.0.iter().filter(|(name, _)| is_name(name));
    let of_series = of_series.map(|(name, value)| {
        let is_taken = own.iter().any(|(taken, _)| taken == name);
        let prefix = if is_taken { "series_" } else { "" };
        (format!("{prefix}{name}"), value)
    });
    let mut selector = String::new();
    for (name, value) in own_pairs.chain(of_series) {
        let separator = if selector.is_empty() { "{" } else { "," };
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        let value = value.replace('\n', "\\n");
        // Writing to a text does not fail.
        let _ = write!(selector, "{separator}{name}=\"{value}\"");
    }
    selector + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_escaped_and_leaves_out_what_cannot_be_a_name() {
        let labels: Labels = [
            ("instance", "a\"\\\n"),
            ("http.route", "/"),
            ("metric", "m"),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            selector(&[("metric", &"cpu".to_owned())], &labels),
            r#"{metric="cpu",instance="a\"\\\n",series_metric="m"}"#
        );
    }
}
