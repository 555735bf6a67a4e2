//! The order of jobs as a learner sees it: each choice with its candidates, and what it cost until the next one.

use std::sync::Mutex;

use lepton_core::decide::policy::{CANDIDATE_WIDTH, JobChoice, NetworkShape};
use lepton_core::decide::queue::{JobFacts, MachineView, QueuePolicy, ScoreChange, WaitingColumns};
use lepton_learn::{Decision, Episode, RecordedEnvironment};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::environment::JobsEnvironment;
use crate::jobs::{Jobs, SLOWDOWN_BOUND_SECONDS};

impl RecordedEnvironment for JobsEnvironment {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn record(&self, weights: &[f32], seed: u64, temperature: f32) -> Episode {
        let drawn = self.draw(seed);
        let chance = Pcg64Mcg::seed_from_u64(seed ^ u64::from(temperature.to_bits()));
        let log = Mutex::new(Log { chance, times: Vec::new(), decisions: Vec::new() });
        let recorder = Recorder { weights, temperature, log };
        let (value, start_seconds) = self.run(&drawn, &recorder);
        let Log { times, mut decisions, .. } = recorder.log.into_inner().unwrap_or_else(|e| e.into_inner());
        let mut cost = times.iter().map(|&now| cost_until(&drawn.jobs, &start_seconds, now));
        let mut so_far = cost.next().unwrap_or(0.0);
        let end = cost_until(&drawn.jobs, &start_seconds, f64::INFINITY);
        // A small change of the slowdown, in the unit of its logarithm.
        let unit = value.exp();
        for (decision, later) in decisions.iter_mut().zip(cost.chain([end])) {
            decision.reward = ((so_far - later) * unit) as f32;
            so_far = later;
        }
        Episode { decisions, value }
    }
}

/// By how much waiting has raised the mean slowdown up to a moment: the sum over all moments is what the whole schedule
/// costs, but for the bound of very short jobs.
fn cost_until(jobs: &Jobs, start_seconds: &[i64], now: f64) -> f64 {
    let columns = jobs.submit_seconds.iter().zip(start_seconds).zip(&jobs.run_seconds);
    let waited = columns.map(|((&submit, &start), &run)| {
        (now.min(start as f64) - submit as f64).max(0.0) / f64::from(run).max(SLOWDOWN_BOUND_SECONDS)
    });
    waited.sum::<f64>() / jobs.len().max(1) as f64
}

/// The policy of these weights, writing down what it chooses. With a temperature the scores are disturbed in such a way
/// that each candidate is chosen with a probability proportional to exp(score / temperature) (Gumbel 1954).
#[derive(Debug)]
struct Recorder<'a> {
    weights: &'a [f32],
    temperature: f32,
    log: Mutex<Log>,
}

#[derive(Debug)]
struct Log {
    chance: Pcg64Mcg,
    times: Vec<f64>,
    decisions: Vec<Decision>,
}

impl QueuePolicy for Recorder<'_> {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn about(&self) -> &'static str {
        "The learned order of jobs, writing down what it chooses."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithMachine
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds, job.size]
    }

    fn score_all(&self, machine: &MachineView<'_>, waiting: WaitingColumns<'_>, scores: &mut Vec<f64>) {
        let choice = JobChoice::new(machine, &waiting);
        let mut corrected = choice.scores(self.weights);
        let Ok(mut log) = self.log.lock() else { return };
        if self.temperature > 0.0 {
            for score in &mut corrected {
                let draw: f32 = log.chance.random::<f32>().max(f32::MIN_POSITIVE);
                *score -= self.temperature * (-draw.ln()).max(f32::MIN_POSITIVE).ln();
            }
        }
        scores.clear();
        scores.resize(waiting.first.len(), f64::INFINITY);
        // Ahead of a held job only what does not delay it may start.
        let may = |position: usize| {
            machine.held.is_none_or(|held| {
                let ends_in_time = waiting.first[position] < held.in_seconds;
                position == held.position || (waiting.second[position] <= machine.free_units && ends_in_time)
            })
        };
        let (mut decision, mut highest) = (Decision::default(), f32::NEG_INFINITY);
        let rows = choice.rows();
        let candidates = choice.positions().iter().zip(rows.chunks_exact(CANDIDATE_WIDTH)).zip(choice.base());
        for (((&position, row), &base), score) in candidates.zip(corrected) {
            scores[position as usize] = -f64::from(score);
            if !may(position as usize) {
                continue;
            }
            if score > highest {
                (highest, decision.chosen) = (score, decision.base.len());
            }
            decision.candidates.extend(row);
            decision.base.push(base);
        }
        log.times.push(machine.now_seconds);
        log.decisions.push(decision);
    }
}
