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

/// When the best cost has not changed for so many generations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stagnation {
    patience: u64,
    last_best: f64,
    changed_at: u64,
}

impl Stagnation {
    /// Ends after `patience` generations without a better one.
    pub fn new(patience: u64) -> Self {
        Self { patience, last_best: f64::INFINITY, changed_at: 0 }
    }
}

impl Stop for Stagnation {
    fn is_over(&mut self, generation: u64, best: f64) -> bool {
        if best < self.last_best {
            (self.last_best, self.changed_at) = (best, generation);
        }
        generation - self.changed_at >= self.patience
    }
}

/// When one of the rules says so; all of them see every generation.
pub struct AnyOf<'a>(pub Vec<&'a mut dyn Stop>);

impl Stop for AnyOf<'_> {
    fn is_over(&mut self, generation: u64, best: f64) -> bool {
        let over: Vec<bool> = self.0.iter_mut().map(|rule| rule.is_over(generation, best)).collect();
        over.contains(&true)
    }
}
