//! Past moments at which the forecast is tried, and tables of what was said at each of them.

/// About how many past moments are looked at: never more than half as many again.
const USUAL: usize = 300;
/// The history before the oldest of them: this many samples, or an eighth of the series if that is more, but never
/// more than a third of it.
const LEAD: usize = 64;
/// The oldest of them is about this many samples ago: spread any farther, most would be too old to weigh anything, and
/// the few that do would be all that the forecast knows of the future.
const SPAN: usize = 3_000;
/// With fewer past moments nothing can be learnt from them.
const FEWEST: usize = 20;
/// A past moment this many samples ago weighs half, and what followed it as a continuation this many.
const HALF_LIFE: f64 = 400.0;
const CONTINUATION_HALF_LIFE: f64 = 800.0;
/// The smallest of these weights, so that a forecast never runs out of weight.
const FORGOTTEN: f64 = 1e-12;
/// The newest moments, whose future is known in part only: so many, so many samples apart.
const NEWEST: usize = 10;
const APART: usize = 4;

/// Moments in a series of n values. Moment `o` has seen the values before index `o`; value `o + k` is `k + 1` steps
/// after it.
pub(super) struct Origins {
    /// The past moments, newest first; the present, which is n; the newest moments, newest first.
    pub(super) all: Vec<usize>,
    /// The weight of each past moment by its age, 0 to 1.
    pub(super) recency: Vec<f64>,
    /// What a continuation weighs by the age of the moment it followed, 0 to 1: of each past moment and the present.
    pub(super) fading: Vec<f64>,
}

impl Origins {
    /// The past moments of n values whose next `steps` values are known; `None` if there are too few.
    pub(super) fn spread(n: usize, steps: usize) -> Option<Self> {
        let lead = LEAD.max(n / 8).min(n / 3);
        let lead = lead.max(n.saturating_sub(steps + SPAN));
        let room = n.checked_sub(steps + lead)?;
        if n < LEAD || room < FEWEST {
            return None;
        }
        let stride = ((room + USUAL / 2) / USUAL).max(1);
        let mut all: Vec<usize> = (lead..=n - steps).rev().step_by(stride).collect();
        let recency = all.iter().map(|origin| halved(n - origin, HALF_LIFE));
        let recency = recency.collect();
        all.push(n);
        let fading = all.iter().map(|origin| by_age(n - origin)).collect();
        let newest = (1..n - lead).step_by(APART).take(NEWEST);
        all.extend(newest.map(|ago| n - ago));
        Some(Self {
            all,
            recency,
            fading,
        })
    }

    /// The column of the present.
    pub(super) fn present(&self) -> usize {
        self.recency.len()
    }

    /// The newest moments with their columns.
    pub(super) fn newest(&self) -> impl Iterator<Item = (usize, usize)> {
        self.all
            .iter()
            .copied()
            .enumerate()
            .skip(self.present() + 1)
    }

    /// How many samples ago the oldest of the newest moments was.
    pub(super) fn oldest_of_newest(&self) -> usize {
        self.all[self.present()] - self.all[self.all.len() - 1]
    }

    /// The steps of the horizon by the number of samples that moments were taken from, above 0: the greater, the less of
    /// what can happen within a horizon has been seen.
    pub(super) fn scarcity(&self, steps: usize) -> f64 {
        let room = self.all[self.present()] - steps - self.lead();
        steps as f64 / room.max(1) as f64
    }

    /// The past moments, newest first.
    pub(super) fn past(&self) -> &[usize] {
        &self.all[..self.present()]
    }

    /// The oldest moment: as many values are known at every one.
    pub(super) fn lead(&self) -> usize {
        self.past().last().copied().unwrap_or(0)
    }
}

/// What a continuation weighs by its age, samples.
pub(super) fn by_age(age: usize) -> f64 {
    halved(age, CONTINUATION_HALF_LIFE)
}

fn halved(age: usize, half_life: f64) -> f64 {
    0.5_f64.powf(age as f64 / half_life).max(FORGOTTEN)
}

/// One value for every step and every moment.
#[derive(Clone)]
pub(super) struct Table {
    steps: usize,
    columns: usize,
    /// From one row to the next: the columns, or 0 if all rows are the same one.
    stride: usize,
    cells: Vec<f64>,
}

impl Table {
    pub(super) fn zeros(steps: usize, columns: usize) -> Self {
        Self::new(steps, columns, vec![0.0; steps * columns])
    }

    /// The same values at every step.
    pub(super) fn flat(steps: usize, cells: Vec<f64>) -> Self {
        Self {
            steps,
            columns: cells.len(),
            stride: 0,
            cells,
        }
    }

    /// A table of `row(step)(origin)`, steps counted from 0.
    pub(super) fn of<Value: Fn(usize) -> f64>(
        steps: usize,
        origins: &[usize],
        row: impl Fn(usize) -> Value,
    ) -> Self {
        let mut cells = Vec::with_capacity(steps * origins.len());
        for step in 0..steps {
            let value = row(step);
            cells.extend(origins.iter().map(|&origin| value(origin)));
        }
        Self::new(steps, origins.len(), cells)
    }

    fn new(steps: usize, columns: usize, cells: Vec<f64>) -> Self {
        Self {
            steps,
            columns,
            stride: columns,
            cells,
        }
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// All moments' values of one step.
    pub(super) fn row(&self, step: usize) -> &[f64] {
        &self.cells[step * self.stride..][..self.columns]
    }

    /// One moment's values of all steps.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        (0..self.steps).map(move |step| self.cells[step * self.stride + column])
    }

    pub(super) fn row_mut(&mut self, step: usize) -> &mut [f64] {
        &mut self.cells[step * self.stride..][..self.columns]
    }
}
