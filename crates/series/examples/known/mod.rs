//! Series whose future is known: made ones, and those of files.

pub(crate) mod made;
mod random;

use std::{error::Error, fs};

pub(crate) use random::Random;

/// A series, a value a step.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    /// Whether somebody who looks at it gets to see the sample.
    pub(crate) seen: Vec<bool>,
}

impl Series {
    /// One without gaps.
    pub(crate) fn whole(name: &str, values: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            seen: vec![true; values.len()],
            values,
        }
    }
}

/// The last column of a CSV file that begins with a line of names.
pub(crate) fn read(file: &str) -> Result<Series, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let values = text
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap_or_default().trim().parse())
        .collect::<Result<Vec<f64>, _>>()?;
    let name = file.rsplit('/').next().unwrap_or_default();
    Ok(Series::whole(name, values))
}
