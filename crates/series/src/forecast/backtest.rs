//! What each pool of paths would have been worth at past moments, and the shares that follow from it.

use super::{
    moved::Moved,
    pools::{POOLS, Pool, Sources},
    quantile::sorted,
};

/// At how many past moments: 32 would make probabilities 1 to 3 % better and take three times as long.
const MOMENTS: usize = 6;
/// With fewer older moments there is nothing to choose neighbours from.
const FEWEST_OLDER: usize = 40;
/// The quantiles of what came before that are bounds which the series may pass, upwards or, seen from the other end,
/// downwards. They are moved outwards by a share of the distance of the outermost two.
const BOUNDS: [f64; 3] = [0.8, 0.95, 0.98];
const OUTWARDS: f64 = 0.02;
/// About so many values of the past make the quantiles.
const SAMPLED: usize = 240;
/// What the squared distance of the shares from the usual ones costs beside the mean squared error of probabilities.
const LOYALTY: f64 = 0.03;
/// The steps of the descent, and how far each goes.
const DESCENTS: usize = 60;
const RATE: f64 = 4.0;

/// The shares of the pools, given the usual ones; both sum to 1.
///
/// They are a linear opinion pool (Stone 1961) with the weights that would have given the least mean Brier score of
/// probabilities to leave usual ranges, at past moments with the paths of what was older still: stacked regression on the
/// simplex (Breiman 1996), drawn to the usual shares like a ridge regression, by exponentiated gradient descent (Kivinen
/// and Warmuth 1997).
pub(super) fn shares(
    values: &[f64],
    sources: &Sources<'_>,
    moved: &Moved<'_>,
    usual: [f64; POOLS],
) -> [f64; POOLS] {
    let mut sums = Sums::default();
    let past = sources.origins.past();
    let tested = past.len().saturating_sub(FEWEST_OLDER);
    for column in (0..tested).step_by(tested.div_ceil(MOMENTS).max(1)) {
        let older = sources.older(column);
        if older.len() < FEWEST_OLDER {
            break;
        }
        let near = sources.near(column, older.clone());
        let pools = sources.pools(column, older, &near);
        sums.add_moment(values, sources, moved, column, &pools);
    }
    if sums.weight > 0.0 {
        sums.descend(usual)
    } else {
        usual
    }
}

/// The least and the greatest value of a path, and its weight in its pool.
struct Extremes {
    least: f64,
    greatest: f64,
    weight: f64,
}

/// The normal equations of outcomes on what the pools said.
#[derive(Default)]
struct Sums {
    products: [[f64; POOLS]; POOLS],
    targets: [f64; POOLS],
    weight: f64,
}

impl Sums {
    fn add_moment(
        &mut self,
        values: &[f64],
        sources: &Sources<'_>,
        moved: &Moved<'_>,
        column: usize,
        pools: &[Pool; POOLS],
    ) {
        let origin = sources.origins.all[column];
        let weight = sources.origins.fading[column];
        let mut room = Vec::with_capacity(sources.steps);
        let paths = pools.each_ref().map(|pool| {
            let total: f64 = pool.members.iter().map(|member| member.weight).sum();
            let extremes = pool.members.iter().map(|member| {
                let (least, greatest) = moved.extremes(*member, pool.shift, column, &mut room);
                let weight = member.weight / total;
                Extremes {
                    least,
                    greatest,
                    weight,
                }
            });
            extremes.collect::<Vec<_>>()
        });
        let (least, greatest) = (moved.reached.least[origin], moved.reached.greatest[origin]);
        let bounds = Bounds::of(&values[..origin]);
        for (low, high) in bounds.0 {
            self.add(weight, &paths, greatest > high, |path| path.greatest > high);
            self.add(weight, &paths, least < low, |path| path.least < low);
        }
        let (low, high) = bounds.0[BOUNDS.len() - 1];
        self.add(weight, &paths, least < low || greatest > high, |path| {
            path.least < low || path.greatest > high
        });
    }

    /// Adds an event: whether it happened, and which paths say so.
    fn add(
        &mut self,
        weight: f64,
        paths: &[Vec<Extremes>; POOLS],
        happened: bool,
        says: impl Fn(&Extremes) -> bool,
    ) {
        let mut said = paths.each_ref().map(|pool| {
            let saying = pool.iter().filter(|path| says(path));
            saying.map(|path| path.weight).sum::<f64>()
        });
        for (said, pool) in said[1..].iter_mut().zip(&paths[1..]) {
            // An empty pool says what the first does.
            if pool.is_empty() {
                *said = f64::NAN;
            }
        }
        let first = said[0];
        let said = said.map(|said| if said.is_nan() { first } else { said });
        for (one, products) in said.iter().zip(&mut self.products) {
            for (other, product) in said.iter().zip(products) {
                *product += weight * one * other;
            }
        }
        if happened {
            for (said, target) in said.iter().zip(&mut self.targets) {
                *target += weight * said;
            }
        }
        self.weight += weight;
    }

    fn descend(&self, usual: [f64; POOLS]) -> [f64; POOLS] {
        let mut shares = usual;
        for _ in 0..DESCENTS {
            let mut next = shares;
            for (pool, share) in next.iter_mut().enumerate() {
                let said = self.products[pool].iter().zip(&shares);
                let said: f64 = said.map(|(product, share)| product * share).sum();
                let slope = (said - self.targets[pool]) / self.weight
                    + LOYALTY * (shares[pool] - usual[pool]);
                *share *= (-RATE * slope).exp();
            }
            let sum: f64 = next.iter().sum();
            shares = next.map(|share| share / sum);
        }
        shares
    }
}

/// Pairs of a lower and an upper bound of what came before.
struct Bounds([(f64, f64); BOUNDS.len()]);

impl Bounds {
    fn of(before: &[f64]) -> Self {
        let sampled = before.iter().step_by((before.len() / SAMPLED).max(1));
        let sampled = sorted(sampled.copied());
        let at = |level: f64| sampled[(level * (sampled.len() - 1) as f64).round() as usize];
        let pairs = BOUNDS.map(|level| (at(1.0 - level), at(level)));
        let (lowest, highest) = pairs[BOUNDS.len() - 1];
        let outwards = OUTWARDS * (highest - lowest);
        Self(pairs.map(|(low, high)| (low - outwards, high + outwards)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pools speak, of which one is always right.
    #[test]
    fn the_pool_that_was_right_is_believed_more() {
        let path = |greatest| {
            vec![Extremes {
                least: 0.0,
                greatest,
                weight: 1.0,
            }]
        };
        let mut sums = Sums::default();
        for moment in 0..20 {
            let happened = moment % 2 == 0;
            let right = if happened { 9.0 } else { 1.0 };
            let paths = [right, 10.0 - right, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0].map(path);
            sums.add(1.0, &paths, happened, |path| path.greatest > 5.0);
        }
        let usual = [1.0 / POOLS as f64; POOLS];
        let shares = sums.descend(usual);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(
            shares[0] > 2.0 * usual[0] && shares[1] < 0.2 * usual[1],
            "{shares:?}"
        );
    }

    #[test]
    fn bounds_lie_outside_the_quantiles_of_what_came_before() {
        let before: Vec<f64> = (0..=1000).map(f64::from).collect();
        let bounds = Bounds::of(&before).0;
        for ((low, high), level) in bounds.into_iter().zip(BOUNDS) {
            let margin = OUTWARDS * 960.0;
            assert!((high - (1000.0 * level + margin)).abs() < 5.0, "{high}");
            assert!(
                (low - (1000.0 * (1.0 - level) - margin)).abs() < 5.0,
                "{low}"
            );
        }
    }
}
