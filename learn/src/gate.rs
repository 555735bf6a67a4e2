//! The gate: two policies on the same sequences, and whether the candidate may take the place of the one that
//! serves.

use lepton_core::decide::search::parallel;

use crate::Environment;

/// Least mean gain that a candidate must show, in the environment's unit.
const MARGIN: f64 = 0.02;
/// Loss in a single environment that a candidate may not be shown to have.
const LOSS_MAX: f64 = 0.05;

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
        let gain = mean(&gains);
        let variance = gains.iter().map(|g| (g - gain).powi(2)).sum::<f64>() / (count as f64 - 1.0);
        let half_width =
            if count > 1 { student_t(count - 1) * (variance / count as f64).sqrt() } else { f64::INFINITY };
        Comparison {
            environment: environment.name().to_owned(),
            candidate: mean(theirs),
            serving: mean(ours),
            best_rule: mean(rule),
            gain,
            gain_half_width: half_width,
        }
    };
    let comparisons: Vec<Comparison> =
        environments.iter().zip(results.chunks_exact((3 * count).max(1))).map(comparison).collect();
    let gain = mean(&comparisons.iter().map(|c| c.gain).collect::<Vec<_>>());
    let loses = |c: &Comparison| c.gain + c.gain_half_width < -LOSS_MAX;
    Verdict { promoted: gain >= MARGIN && !comparisons.iter().any(loses), gain, comparisons }
}

/// The 97.5% point of Student's t, by the expansion of Cornish and Fisher; exact to 1% from 3 degrees on.
fn student_t(degrees: usize) -> f64 {
    const NORMAL: f64 = 1.959_964;
    match degrees {
        0 => f64::INFINITY,
        1 => 12.706,
        2 => 4.303,
        _ => {
            let (z, v) = (NORMAL, degrees as f64);
            let first = (z.powi(3) + z) / 4.0;
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
            z + first / v + second / (v * v)
        }
    }
}
