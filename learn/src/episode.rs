//! What a learner sees of an episode: each decision with its candidates, the choice and the reward that followed.

/// One choice among candidates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Features common to all candidates.
    pub context: Vec<f32>,
    /// Features of the candidates, one after the other.
    pub candidates: Vec<f32>,
    /// The rule's score of each candidate, before any correction; the highest is the rule's choice.
    pub base: Vec<f32>,
    /// Index of the candidate chosen.
    pub chosen: usize,
    /// Reward from this decision to the next, in the unit of the episode's value; more is better. The sum over the
    /// episode may differ from the value: what counts is how it is spread.
    pub reward: f32,
}

/// A whole episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Its decisions in order of time.
    pub decisions: Vec<Decision>,
    /// What [`Environment::play`](crate::Environment::play) would have given for it.
    pub value: f64,
}
