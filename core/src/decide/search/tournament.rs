//! Tournament selection: the best of a few drawn at random. Pressure grows with their number and does not
//! depend on the scale of the costs.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::Selection;

/// The best of `size` draws (at least one), with replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tournament {
    /// Number of draws.
    pub size: usize,
}

impl Selection for Tournament {
    fn select(&self, costs: &[f64], chance: &mut Pcg64Mcg) -> usize {
        let mut winner = chance.random_range(0..costs.len());
        for _ in 1..self.size {
            let rival = chance.random_range(0..costs.len());
            if costs[rival] < costs[winner] {
                winner = rival;
            }
        }
        winner
    }
}
