//! The comparison at the end of a training: weights and every fixed rule on the same sequences, which nobody has
//! learned from.

use lepton_core::decide::guard::PairedGain;
use lepton_core::decide::search::parallel;

use crate::Environment;

/// What everybody reached on sequences kept apart.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeldOut {
    /// Seeds of the sequences.
    pub seeds: Vec<u64>,
    /// By environment.
    pub environments: Vec<HeldOutEnvironment>,
    /// What the first policy gains over the best rule of each environment, in the mean over those that have one,
    /// sequence by sequence; `None` without one.
    pub gain: Option<PairedGain>,
}

/// The comparison in one environment.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeldOutEnvironment {
    /// Its name.
    pub name: String,
    /// The learned policies first, then the rules.
    pub results: Vec<HeldOutResult>,
    /// The rule with the highest mean; empty where there is no rule.
    pub best_rule: String,
    /// What the first policy gains over that rule, sequence by sequence; `None` where there is no rule.
    pub gain: Option<PairedGain>,
}

/// What one policy reached.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeldOutResult {
    /// The policy.
    pub policy: String,
    /// Its results, by sequence.
    pub values: Vec<f64>,
}

impl HeldOutResult {
    fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len().max(1) as f64
    }
}

/// Plays the sequences of `seeds` in every environment under these weights, each with its name, and under every
/// rule that the environment has.
pub fn held_out(
    policies: &[(&str, &[f32])],
    environments: &[&dyn Environment],
    seeds: &[u64],
    threads: usize,
) -> HeldOut {
    let rules: Vec<Vec<&str>> = environments.iter().map(|e| e.rules()).collect();
    let players = |e: usize| policies.len() + rules[e].len();
    let jobs: Vec<(usize, usize, u64)> = (0..environments.len())
        .flat_map(|e| (0..players(e)).flat_map(move |p| seeds.iter().map(move |&s| (e, p, s))))
        .collect();
    let played = parallel::map(jobs.len(), threads, &|job| {
        let (e, player, seed) = jobs[job];
        match policies.get(player) {
            Some((_, weights)) => environments[e].play(weights, seed),
            None => environments[e].play_rule(rules[e][player - policies.len()], seed),
        }
    });
    let mut played = played.into_iter();
    let mut of_environment = |e: usize| {
        let names = policies.iter().map(|p| p.0).chain(rules[e].iter().copied());
        let results: Vec<HeldOutResult> = names
            .map(|policy| HeldOutResult {
                policy: policy.to_owned(),
                values: played.by_ref().take(seeds.len()).collect(),
            })
            .collect();
        let best = results[policies.len()..].iter().reduce(|a, b| if b.mean() > a.mean() { b } else { a });
        let gain = best.zip(results.first()).and_then(|(rule, first)| {
            let gains: Vec<f64> = first.values.iter().zip(&rule.values).map(|(a, b)| a - b).collect();
            PairedGain::of(&gains)
        });
        let best_rule = best.map_or_else(String::new, |rule| rule.policy.clone());
        HeldOutEnvironment { name: environments[e].name().to_owned(), results, best_rule, gain }
    };
    let environments: Vec<HeldOutEnvironment> = (0..environments.len()).map(&mut of_environment).collect();
    HeldOut { seeds: seeds.to_vec(), gain: overall(&environments, seeds.len()), environments }
}

/// The mean of the gains over the environments that have a rule, sequence by sequence.
fn overall(environments: &[HeldOutEnvironment], sequences: usize) -> Option<PairedGain> {
    let pairs: Vec<(&HeldOutResult, &HeldOutResult)> = (environments.iter())
        .filter_map(|e| Some((e.results.first()?, e.results.iter().find(|r| r.policy == e.best_rule)?)))
        .collect();
    let of_sequence = |i: usize| {
        pairs.iter().map(|(first, rule)| first.values[i] - rule.values[i]).sum::<f64>() / pairs.len() as f64
    };
    PairedGain::of(&(0..sequences).map(of_sequence).collect::<Vec<_>>()).filter(|_| !pairs.is_empty())
}
