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
    /// Half width of its 95% interval; infinite for a single sequence.
    pub gain_half_width: f64,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Verdict {
    /// By environment.
    pub comparisons: Vec<Comparison>,
    /// Mean gain over the environments.
    pub gain: f64,
    /// Whether the candidate may serve: it gains at least the margin in the mean, and nowhere is it shown to
    /// lose more than a twentieth.
    pub promoted: bool,
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
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let comparison = |(environment, results): (&&dyn Environment, &[f64])| {
        let (theirs, rest) = results.split_at(count);
        let (ours, rule) = rest.split_at(count);
        let gains: Vec<f64> = theirs.iter().zip(ours).map(|(a, b)| a - b).collect();
        let gain =
            PairedGain::of(&gains).unwrap_or(PairedGain { pairs: 0, mean: 0.0, half_width: f64::INFINITY });
        Comparison {
            environment: environment.name().to_owned(),
            candidate: mean(theirs),
            serving: mean(ours),
            best_rule: mean(rule),
            gain: gain.mean,
            gain_half_width: gain.half_width,
        }
    };
    let comparisons: Vec<Comparison> =
        environments.iter().zip(results.chunks_exact((3 * count).max(1))).map(comparison).collect();
    let gain = mean(&comparisons.iter().map(|c| c.gain).collect::<Vec<_>>());
    let gains: Vec<PairedGain> = (comparisons.iter())
        .map(|c| PairedGain { pairs: count, mean: c.gain, half_width: c.gain_half_width })
        .collect();
    Verdict { promoted: Gate::default().opens(&gains), gain, comparisons }
}
