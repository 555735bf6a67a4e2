//! Where policies are tried: an episode is one run over a sequence that its seed determines.

/// Plays episodes. The same weights and seed give the same result.
pub trait Environment: Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// What a policy of these weights reaches on the sequence of `seed`; more is better.
    fn play(&self, weights: &[f32], seed: u64) -> f64;

    /// What the best fixed rule reaches on the same sequence.
    fn play_best_rule(&self, seed: u64) -> f64;

    /// Names of the fixed rules that it can play.
    fn rules(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// What one of [`rules`](Self::rules) reaches on the sequence of `seed`.
    fn play_rule(&self, rule: &str, seed: u64) -> f64 {
        let _ = rule;
        self.play_best_rule(seed)
    }
}
