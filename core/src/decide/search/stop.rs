//! Stop rules. Time is not among them: who has a clock writes a rule around it.

use super::Stop;

/// After so many generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generations(pub u64);

impl Stop for Generations {
    fn is_over(&mut self, generation: u64, _best: f64) -> bool {
        generation >= self.0
    }
}
