use super::{counts::Counts, slice::SliceCounts};
use crate::{
    series::{Labels, Sample},
    sla::Given,
    time::Timestamp,
};

/// What was counted of an objective.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// The groups by their label values, and last, where `by` is not empty, all of them together.
    pub groups: Vec<GroupSlices>,
    /// How many groups there are beyond those that are listed; they count in the sum over all.
    pub cut: usize,
    /// How often counters went back.
    pub resets: u64,
    /// How many samples they had that have a predecessor.
    pub samples: u64,
}

impl Counted {
    /// Whether counters went back so often that they may be none: at a tenth of their samples, or more.
    pub fn goes_back_often(&self) -> bool {
        self.resets > 0 && self.resets * 10 >= self.samples
    }
}

/// The slices of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSlices {
    /// The values of the labels `by`; none for all events together.
    pub group: Labels,
    /// Every slice that was asked for, in order.
    pub slices: Vec<SliceCounts>,
    /// Of each slice, whether the predecessor of one of its samples may lie before what was read.
    pub(super) uncertain: Vec<bool>,
}

impl GroupSlices {
    /// The slices that end after `start`.
    pub fn since(&self, start: Timestamp) -> &[SliceCounts] {
        let first = self.slices.partition_point(|slice| slice.end <= start);
        &self.slices[first..]
    }

    /// The bad share of each slice with events, at the slice's end; slices that are not known for certain are left out.
    /// `given`: which sums they hold.
    pub fn bad_shares(&self, given: Given) -> Vec<Sample> {
        let certain = self.slices.iter().zip(&self.uncertain);
        let certain = certain.filter(|(_, is_uncertain)| !**is_uncertain);
        let shares = certain.filter_map(|(slice, _)| {
            let reckoned = Counts::new(slice.sums).reckon(given);
            let value = 1.0 - reckoned.share_good()?;
            Some(Sample {
                time: slice.end,
                value,
            })
        });
        shares.collect()
    }
}
