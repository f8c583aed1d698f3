use super::Judgement;

/// How the evaluation of an objective on one series ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// No series matches the objective.
    NoSeries,
    /// The series has no sample in the range that the objective reads: it leaves the answer, its history stays.
    NoSample,
    /// Its samples were judged.
    Judged(Box<Judgement>),
}

impl Evaluated {
    /// The judgement, if there is one.
    pub fn judgement(self) -> Option<Judgement> {
        match self {
            Self::Judged(judgement) => Some(*judgement),
            Self::NoSeries | Self::NoSample => None,
        }
    }
}
