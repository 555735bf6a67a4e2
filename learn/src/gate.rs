//! The gate: two policies on the same sequences, and whether the candidate may take the place of the one that
//! serves.

use lepton_core::decide::guard::{Gate, PairedGain};
use lepton_core::decide::search::parallel;

use crate::Environment;

/// How two policies compare in one environment.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The environment.
    pub environment: String,
    /// Mean of the candidate.
    pub candidate: f64,
    /// Mean of the serving policy.
    pub serving: f64,
    /// Mean of the best fixed rule.
    pub best_rule: f64,
    /// Mean difference of candidate and serving policy, sequence by sequence.
    pub gain: f64,
    /// Half width of its 95% interval; `None` for a single sequence.
    pub gain_half_width: Option<f64>,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Verdict {
    /// By environment.
    pub comparisons: Vec<Comparison>,
    /// Sequences of each environment.
    pub sequences: usize,
    /// Fewest sequences on which a candidate is promoted.
    pub sequences_least: usize,
    /// Mean gain over the environments; `None` without a result.
    pub gain: Option<f64>,
    /// Half width of its 95% interval over the sequences; `None` for fewer than two.
    pub gain_half_width: Option<f64>,
    /// Whether the candidate may serve: on enough sequences it gains at least the margin in the mean, with an interval
    /// above zero, and nowhere is it shown to lose more than a twentieth.
    pub promoted: bool,
}

impl Verdict {
    /// Whether there are too few sequences for any verdict.
    pub fn too_few(&self) -> bool {
        self.sequences < self.sequences_least
    }
}

/// Plays both policies and the best rule on the sequences of `seeds` in every environment.
pub fn compare(
    candidate: &[f32],
    serving: &[f32],
    environments: &[&dyn Environment],
    seeds: &[u64],
    threads: usize,
) -> Verdict {
    let count = seeds.len();
    let results = parallel::map(environments.len() * 3 * count, threads, &|job| {
        let (environment, seed) = (environments[job / (3 * count)], seeds[job % count]);
        match job / count % 3 {
            0 => environment.play(candidate, seed),
            1 => environment.play(serving, seed),
            _ => environment.play_best_rule(seed),
        }
    });
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mut comparisons, mut gains) = (Vec::new(), Vec::new());
    // The gain of each sequence, summed over the environments.
    let mut sums = vec![0.0; count];
    for (environment, results) in environments.iter().zip(results.chunks_exact((3 * count).max(1))) {
        let (theirs, rest) = results.split_at(count);
        let (ours, rule) = rest.split_at(count);
        let differences: Vec<f64> = theirs.iter().zip(ours).map(|(a, b)| a - b).collect();
        sums.iter_mut().zip(&differences).for_each(|(sum, difference)| *sum += difference);
        let Some(gain) = PairedGain::of(&differences) else { continue };
        gains.push(gain);
        comparisons.push(Comparison {
            environment: environment.name().to_owned(),
            candidate: mean(theirs),
            serving: mean(ours),
            best_rule: mean(rule),
            gain: gain.mean,
            gain_half_width: finite(gain.half_width),
        });
    }
    let overall: Vec<f64> = sums.iter().map(|sum| sum / gains.len() as f64).collect();
    let overall = PairedGain::of(&overall).filter(|_| !gains.is_empty());
    let gate = Gate::default();
    Verdict {
        promoted: overall.is_some_and(|overall| gate.opens(&overall, &gains)),
        sequences: count,
        sequences_least: gate.pairs_least,
        gain: overall.map(|g| g.mean),
        gain_half_width: overall.and_then(|g| finite(g.half_width)),
        comparisons,
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
