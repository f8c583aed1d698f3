//! Which objectives are shown, and in what order: the worst first.

use std::cmp::Ordering;

use domain::Timestamp;

use crate::{
    Budget, Budgets, Check, CheckEntry, HistoryPoint, Prediction, PredictionEntry, State, Trust,
    name,
};

/// How a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The worst first.
    #[default]
    Worst,
    /// By name.
    Name,
    /// The likeliest to be violated first.
    Probability,
    /// The least left of the budget first.
    Left,
}

impl Sort {
    /// The words that `sort=` takes.
    pub const WORDS: &'static [&'static str] = &["worst", "name", "probability", "left"];

    /// The order of a word.
    pub fn of_word(word: &str) -> Self {
        match word {
            "name" => Self::Name,
            "probability" => Self::Probability,
            "left" => Self::Left,
            _ => Self::Worst,
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Name => "name",
            Self::Probability => "probability",
            Self::Left => "left",
        }
    }
}

/// An SLA and its objectives, as they are listed.
#[derive(Clone, Debug)]
pub struct ShownSla {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// When its newest objective was evaluated.
    pub as_of: Option<Timestamp>,
    /// Whether that is too long ago.
    pub stale: bool,
    /// Whether all objectives are of one time.
    pub complete: bool,
    /// Its objectives.
    pub rows: Vec<Row>,
}

/// An objective, on the series or of the group that stands worst.
#[derive(Clone, Debug)]
pub struct Row {
    /// How it stands there.
    pub check: CheckEntry,
    /// What is to come there.
    pub prediction: Option<PredictionEntry>,
    /// Its budget, over all of its series.
    pub budget: Option<Budget>,
    /// What its probabilities were worth.
    pub trust: Option<Trust>,
    /// What the series did in the last 3 h.
    pub history: Vec<HistoryPoint>,
}

impl Row {
    /// Whether it is in a state.
    pub fn is(&self, state: State) -> bool {
        match state {
            State::Stale => self.check.is_stale(),
            other => self.check.state == other,
        }
    }

    /// How likely a violation in the next 10 minutes is.
    pub(crate) fn probability(&self) -> Option<f64> {
        self.prediction.as_ref().and_then(|own| own.probability)
    }

    /// What is left of the budget, as a share.
    pub(crate) fn left(&self) -> Option<f64> {
        self.budget.as_ref().and_then(Budget::left)
    }

    /// Whether the budget is used up.
    pub(crate) fn is_used_up(&self) -> bool {
        self.left().is_some_and(|left| left <= 0.0)
    }

    /// How bad it is: the state, and for one that is in range whether the budget is used up.
    fn badness(&self) -> (State, bool) {
        let in_budget = self.check.state == State::Ok && !self.is_used_up();
        (self.check.state, in_budget)
    }

    fn contains(&self, text: &str) -> bool {
        let check = &self.check;
        let labels = check.labels.0.iter().chain(&check.selector.0);
        let mut texts = vec![
            check.objective.clone(),
            check.metric.clone(),
            name::of_entry(check),
        ];
        texts.extend(labels.map(|(name, value)| format!("{name}={value}")));
        texts.iter().any(|own| own.to_lowercase().contains(text))
    }
}

/// By falling probability, unknown ones last.
fn by_probability(one: &Row, other: &Row) -> Ordering {
    let known = |row: &Row| row.probability().unwrap_or(-1.0);
    known(other).total_cmp(&known(one))
}

/// By what is left, the least first, unknown ones last.
fn by_left(one: &Row, other: &Row) -> Ordering {
    let known = |row: &Row| row.left().unwrap_or(f64::INFINITY);
    known(one).total_cmp(&known(other))
}

fn by_name(one: &Row, other: &Row) -> Ordering {
    let own = |row: &Row| (name::of_entry(&row.check), row.check.objective.clone());
    own(one).cmp(&own(other))
}

fn compare(sort: Sort, one: &Row, other: &Row) -> Ordering {
    let worst = || {
        one.badness()
            .cmp(&other.badness())
            .then_with(|| by_probability(one, other))
            .then_with(|| by_left(one, other))
            .then_with(|| by_name(one, other))
    };
    match sort {
        Sort::Worst => worst(),
        Sort::Name => by_name(one, other),
        Sort::Probability => by_probability(one, other).then_with(worst),
        Sort::Left => by_left(one, other).then_with(worst),
    }
}

impl ShownSla {
    /// What the answers of the API about one SLA say, a row for each objective.
    pub fn of(
        check: Check,
        prediction: Prediction,
        budgets: Budgets,
        trust: impl Fn(&str) -> Option<Trust>,
    ) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        let mut expected = prediction.objectives;
        for entry in check.objectives {
            let own = expected
                .iter()
                .position(|own| own.objective == entry.objective && own.labels == entry.labels);
            let row = Row {
                prediction: own.map(|own| expected.swap_remove(own)),
                budget: None,
                trust: None,
                history: Vec::new(),
                check: entry,
            };
            let known = rows
                .iter_mut()
                .find(|known| known.check.objective == row.check.objective);
            match known {
                Some(known) if compare(Sort::Worst, &row, known).is_lt() => *known = row,
                Some(_) => {}
                None => rows.push(row),
            }
        }
        let mut budgets = budgets.rolled_up;
        for row in &mut rows {
            let own = budgets
                .iter()
                .position(|own| own.objective == row.check.objective);
            row.budget = own.map(|own| budgets.swap_remove(own));
            row.trust = trust(&row.check.objective);
        }
        Self {
            name: check.sla,
            version: check.version,
            as_of: check.as_of,
            stale: check.stale,
            complete: check.complete,
            rows,
        }
    }
}

/// The SLAs that have an objective in `state` whose name, metric or labels hold `text`, with these objectives alone, in order.
pub fn arranged(
    slas: Vec<ShownSla>,
    sort: Sort,
    state: Option<State>,
    text: Option<&str>,
) -> Vec<ShownSla> {
    let text = text.map(str::to_lowercase);
    let mut shown: Vec<ShownSla> = slas
        .into_iter()
        .filter_map(|mut sla| {
            let is_named = |text: &String| sla.name.to_lowercase().contains(text.as_str());
            let is_meant = text.as_ref().is_none_or(is_named);
            sla.rows.retain(|row| {
                let holds = text.as_ref().is_none_or(|text| row.contains(text));
                (is_meant || holds) && state.is_none_or(|state| row.is(state))
            });
            sla.rows.sort_by(|one, other| compare(sort, one, other));
            (!sla.rows.is_empty()).then_some(sla)
        })
        .collect();
    shown.sort_by(|one, other| {
        let named = || one.name.cmp(&other.name);
        match (sort, &one.rows[..], &other.rows[..]) {
            (Sort::Name, ..) => named(),
            (_, [first, ..], [second, ..]) => of_slas(sort, first, second).then_with(named),
            _ => named(),
        }
    });
    shown
}

/// As [`compare`] without the names, which are the SLAs' own.
fn of_slas(sort: Sort, one: &Row, other: &Row) -> Ordering {
    let worst = || {
        one.badness()
            .cmp(&other.badness())
            .then_with(|| by_probability(one, other))
            .then_with(|| by_left(one, other))
    };
    match sort {
        Sort::Probability => by_probability(one, other).then_with(worst),
        Sort::Left => by_left(one, other).then_with(worst),
        Sort::Worst | Sort::Name => worst(),
    }
}
