//! The metrics of the exposition: what each is called and means, and its points.

use std::{borrow::Cow, collections::BTreeMap};

use domain::{Labels, Timestamp};

/// A metric of the exposition; all are gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) group: Group,
}

/// What metrics are about, and what is read for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// SLAs, their objectives and groups of events.
    Objectives,
    /// Runs and deliveries.
    System,
    /// Series.
    Series,
}

/// A value that was known at a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    pub(crate) time: Timestamp,
}

/// The points of one metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    pub(crate) help: &'static str,
    pub(crate) points: Vec<Point>,
}

/// What points are about: labels of ours, and those of a series or group beside them.
#[derive(Clone, Debug)]
pub(crate) struct Owner<'a> {
    own: Labels,
    series: Option<&'a Labels>,
}

impl<'a> Owner<'a> {
    /// An owner with labels of ours alone.
    pub(crate) fn of<'b>(own: impl IntoIterator<Item = (&'b str, &'b str)>) -> Self {
        Self {
            own: own.into_iter().collect(),
            series: None,
        }
    }

    /// The same about a series or group with these labels.
    pub(crate) fn about<'b>(&self, series: &'b Labels) -> Owner<'b> {
        Owner {
            own: self.own.clone(),
            series: Some(series),
        }
    }

    /// The labels of a point.
    pub(crate) fn labels(&self) -> Labels {
        self.beside(self.own.clone())
    }

    /// The labels of a point that has one more of ours.
    pub(crate) fn with(&self, name: &str, value: &str) -> Labels {
        let mut own = self.own.clone();
        own.0.insert(name.to_owned(), value.to_owned());
        self.beside(own)
    }

    fn beside(&self, own: Labels) -> Labels {
        match self.series {
            Some(series) => series.beside(own),
            None => own,
        }
    }
}

/// Metrics and their points, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<Cow<'static, str>, Family>,
}

impl Exposition {
    /// Adds a point, if there is a value.
    pub(crate) fn add(
        &mut self,
        of: Described,
        labels: Labels,
        value: impl Into<Option<f64>>,
        time: Timestamp,
    ) {
        self.add_named(of.name, of.help, labels, value, time);
    }

    /// Adds a point of a metric that is called `name`, if there is a value.
    pub(crate) fn add_named(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: Labels,
        value: impl Into<Option<f64>>,
        time: Timestamp,
    ) {
        let Some(value) = value.into() else {
            return;
        };
        let family = self.families.entry(name.into());
        let family = family.or_insert_with(|| Family {
            help,
            points: Vec::new(),
        });
        family.points.push(Point {
            labels,
            value,
            time,
        });
    }

    /// Adds 1 for the word that holds and 0 for the others, each as `state`.
    pub(crate) fn add_state(
        &mut self,
        of: Described,
        owner: &Owner<'_>,
        words: &[&str],
        holds: &str,
        time: Timestamp,
    ) {
        for word in words {
            let labels = owner.with("state", word);
            self.add(of, labels, f64::from(*word == holds), time);
        }
    }
}

macro_rules! metrics {
    ($($constant:ident: $group:ident $name:literal, $help:literal;)*) => {
        $(
            pub(crate) const $constant: Described = Described {
                name: $name,
                help: $help,
                group: Group::$group,
            };
        )*

        impl Described {
            /// Every metric.
            pub(crate) const ALL: &[Self] = &[$($constant),*];
        }
    };
}

metrics! {
    EVALUATION_TIMESTAMP: Objectives "slacast_evaluation_timestamp_seconds", "When an objective was evaluated: its newest complete evaluation.";
    SLA_STATE: Objectives "slacast_sla_state", "How an SLA stands: 1 for the state of its worst objective, 0 for the others.";
    SLA_VERSION: Objectives "slacast_sla_version", "The version of an SLA that is in force.";
    OBJECTIVE_STATE: Objectives "slacast_objective_state", "How an objective stands: 1 for the state of its worst series or group, 0 for the others.";
    OBJECTIVE_SERIES: Objectives "slacast_objective_series", "Series, or groups of events, of an objective by state.";
    OBJECTIVE_VIOLATIONS: Objectives "slacast_objective_violations", "Violations of all series of an objective in a window, exclusions left out.";
    OBJECTIVE_VIOLATION_SECONDS: Objectives "slacast_objective_violation_seconds", "Time in violation of all series of an objective in a window, exclusions left out.";
    OBJECTIVE_PROBABILITY: Objectives "slacast_objective_violation_probability", "The greatest probability that a violation comes, over the series of an objective.";
    OBJECTIVE_EXPECTED: Objectives "slacast_objective_expected_violations", "How many violations are expected of all series of an objective.";
    OBJECTIVE_TARGET: Objectives "slacast_objective_target_ratio", "The share that should be good.";
    OBJECTIVE_SLI: Objectives "slacast_objective_sli_ratio", "The share that was good in the budget window.";
    OBJECTIVE_REMAINING: Objectives "slacast_objective_budget_remaining_ratio", "What is left of the error budget, as a share of it; negative if it is overspent.";
    OBJECTIVE_BUDGET_SECONDS: Objectives "slacast_objective_budget_seconds", "How long the series of an objective may be bad together in the budget window.";
    OBJECTIVE_REMAINING_SECONDS: Objectives "slacast_objective_budget_remaining_seconds", "What is left of that time; negative if it is overspent.";
    OBJECTIVE_BAD_SECONDS: Objectives "slacast_objective_bad_seconds", "How long the series of an objective were bad together in the budget window.";
    OBJECTIVE_EVENTS: Objectives "slacast_objective_events", "Events in the budget window: quality is good, bad, all, or budget for how many may be bad.";
    OBJECTIVE_EXHAUSTION: Objectives "slacast_objective_budget_exhaustion_seconds", "In how long the error budget is gone at the pace of the last hour.";
    OBJECTIVE_COVERAGE: Objectives "slacast_objective_coverage_ratio", "The share of the budget window that was measured.";
    OBJECTIVE_BURN: Objectives "slacast_objective_burn_rate", "How fast the error budget is spent in a window: 1 is as fast as it lasts.";
    GROUP_STATE: Objectives "slacast_group_state", "How a group of events stands: 1 for its state, 0 for the others.";
    GROUP_SLI: Objectives "slacast_group_sli_ratio", "The share of a group that was good in the budget window.";
    GROUP_REMAINING: Objectives "slacast_group_budget_remaining_ratio", "What is left of the error budget of a group, as a share of it; negative if it is overspent.";
    GROUP_EVENTS: Objectives "slacast_group_events", "Events of a group in the budget window: quality is good, bad, all, or budget for how many may be bad.";
    GROUP_EXHAUSTION: Objectives "slacast_group_budget_exhaustion_seconds", "In how long the error budget of a group is gone at the pace of the last hour.";
    GROUP_COVERAGE: Objectives "slacast_group_coverage_ratio", "The share of the budget window in which a group was measured.";
    GROUP_BURN: Objectives "slacast_group_burn_rate", "How fast the error budget of a group is spent in a window: 1 is as fast as it lasts.";
    RUN_TIMESTAMP: System "slacast_run_timestamp_seconds", "The time that the newest run looked at.";
    RUN_START: System "slacast_run_start_timestamp_seconds", "When the newest run started.";
    RUN_SERIES: System "slacast_run_series", "Series that the newest run found.";
    RUN_SAMPLES: System "slacast_run_samples", "Samples that the newest run read.";
    RUN_MESSAGES: System "slacast_run_messages", "Messages that the newest run published.";
    RUN_SIZE: System "slacast_run_size_bytes", "How long the messages of the newest run are together.";
    RUN_FAILURES: System "slacast_run_failures", "What went wrong in the newest run, by stage.";
    RUN_STAGE: System "slacast_run_stage_duration_seconds", "How long each stage of the newest run took.";
    GOOD_RUN_TIMESTAMP: System "slacast_good_run_timestamp_seconds", "The time that the newest run looked at which found a series and in which no metric failed.";
    DELIVERIES: System "slacast_deliveries", "Deliveries of alerts to a receiver by state, as far as they are listed.";
    RECEIVER_DISABLED: System "slacast_receiver_disabled", "1 for a receiver of alerts that said it wants nothing more.";
    SERIES_STATE: Series "slacast_series_state", "How an objective stands on a series: 1 for its state, 0 for the others.";
    SERIES_PROBABILITY: Series "slacast_series_violation_probability", "The probability that a violation of an objective comes on a series.";
    FORECAST_LOWER: Series "slacast_forecast_lower", "The 2.5 % quantile of what a series is forecast to be.";
    FORECAST_MIDDLE: Series "slacast_forecast_middle", "The median of what a series is forecast to be.";
    FORECAST_UPPER: Series "slacast_forecast_upper", "The 97.5 % quantile of what a series is forecast to be.";
    FORECASTS_SCORED: Series "slacast_forecasts_scored", "Scored forecasts of a series by model, of the last 7 days.";
    FORECAST_ERROR: Series "slacast_forecast_absolute_error", "The mean absolute error of the forecasts of a series by model, of the last 7 days.";
    FORECAST_SKILL: Series "slacast_forecast_skill_ratio", "How much smaller that error is than that of the last value; negative if it is greater.";
    FORECAST_COVERAGE: Series "slacast_forecast_coverage_ratio", "The share of samples within the 95 % band of the forecasts of a series by model, of the last 7 days.";
}
