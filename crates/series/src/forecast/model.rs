use crate::{period::Period, stationarity::Verdict};

/// What is known of a series before it is forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Its period, if it has one.
    pub period: Option<Period>,
    /// What the tests say of its stationarity, if they were asked; said in the model, not used.
    pub verdict: Option<Verdict>,
}

/// What made a forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// [`Model::STACK`], [`Model::LAST_VALUE`] or [`Model::CONSTANT`].
    pub name: &'static str,
    /// The share of each candidate in the point forecast, mean over the horizon, greatest first; they sum to 1.
    pub weights: Vec<(&'static str, f64)>,
    /// The period of the season it uses, steps.
    pub period: Option<usize>,
    /// What the tests say of the stationarity of the series, if they were asked.
    pub verdict: Option<Verdict>,
    /// At how many past moments the candidates were tried.
    pub origins: usize,
}

impl Model {
    /// The name of the weighted candidates with paths from similar past moments.
    pub const STACK: &'static str = "stack";
    /// The name of the last value with the changes of the past, for short series.
    pub const LAST_VALUE: &'static str = "last_value";
    /// The name of the forecast of a series that never changed.
    pub const CONSTANT: &'static str = "constant";

    /// Why this model, in a sentence.
    pub fn why(&self) -> String {
        let season = match self.period {
            Some(period) => format!("it repeats every {period} steps"),
            None => "no period was found".to_owned(),
        };
        let tests = match self.verdict {
            Some(verdict) => format!(" and the tests call it {verdict}"),
            None => String::new(),
        };
        match (self.name, self.weights.first()) {
            (Self::STACK, Some((leader, weight))) => format!(
                "{season}{tests}; tried at {} past moments, {leader} was nearest to what came and weighs {:.0} %",
                self.origins,
                100.0 * weight
            ),
            (Self::CONSTANT, _) => "the series never changed".to_owned(),
            _ => format!("the series is too short to try candidates on it{tests}"),
        }
    }
}
