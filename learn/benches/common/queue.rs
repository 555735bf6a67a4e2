//! A small machine with one queue, to compare ways of learning on: jobs of different sizes and lengths come at random,
//! the policy chooses which waiting job goes next, and a chosen one that does not fit holds the machine until it does.
//! The rule is smallest area first. What counts is the mean bounded slowdown.

use lepton_core::decide::policy::{Network, NetworkShape};
use lepton_learn::{Decision, Environment, Episode, RecordedEnvironment};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Jobs of a sequence.
const JOBS: usize = 200;
/// Most waiting jobs that are looked at, the oldest first.
const CANDIDATES_MAX: usize = 24;
/// Run times below this count as this in a slowdown, in seconds.
const BOUND_SECONDS: f64 = 10.0;

/// A machine and the load that is offered to it.
pub(crate) struct Queue {
    name: String,
    units: u32,
    load: f64,
    shape: NetworkShape,
}

#[derive(Clone, Copy)]
struct Job {
    submit: f64,
    run: f64,
    size: u32,
}

impl Job {
    fn cost(&self, seconds: f64) -> f64 {
        seconds / self.run.max(BOUND_SECONDS)
    }
}

/// How a sequence went.
struct Run {
    decisions: Vec<Decision>,
    /// Time of each decision.
    times: Vec<f64>,
    starts: Vec<f64>,
}

impl Queue {
    pub(crate) fn new(name: &str, units: u32, load: f64, hidden: &[usize]) -> Self {
        let shape = NetworkShape { candidate: 6, context: 3, hidden: hidden.to_vec() };
        Self { name: name.to_owned(), units, load, shape }
    }

    fn jobs(&self, seed: u64) -> Vec<Job> {
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let log_units = f64::from(self.units).log2();
        let mut jobs: Vec<Job> = (0..JOBS)
            .map(|_| {
                let gap = -(1.0 - chance.random::<f64>()).ln();
                let run = (10.0_f64.ln() + chance.random::<f64>() * 1000.0_f64.ln()).exp();
                let size = (chance.random::<f64>().powf(1.5) * log_units).exp2().round() as u32;
                Job { submit: gap, run, size: size.clamp(1, self.units) }
            })
            .collect();
        let work: f64 = jobs.iter().map(|j| j.run * f64::from(j.size)).sum();
        let gaps: f64 = jobs.iter().map(|j| j.submit).sum();
        let stretch = work / (self.load * f64::from(self.units)) / gaps;
        let mut now = 0.0;
        for job in &mut jobs {
            now += job.submit * stretch;
            job.submit = now;
        }
        jobs
    }

    fn decision(&self, jobs: &[Job], waiting: &[usize], free: u32, now: f64) -> Decision {
        let share = |x: u32, of: u32| (f64::from(x) / f64::from(of.max(1))) as f32;
        let seen = &waiting[..waiting.len().min(CANDIDATES_MAX)];
        let (mut candidates, mut base) = (Vec::new(), Vec::new());
        for (rank, &i) in seen.iter().enumerate() {
            let job = jobs[i];
            let slowdown = job.cost(now - job.submit);
            candidates.extend([
                (job.run.ln() / 10.0) as f32,
                share(job.size, self.units),
                slowdown.ln_1p() as f32,
                if job.size <= free { 1.0 } else { 0.0 },
                share(job.size, free).min(2.0),
                rank as f32 / seen.len() as f32,
            ]);
            base.push(-(job.run * f64::from(job.size)).ln() as f32);
        }
        let context = vec![
            share(free, self.units),
            (waiting.len() as f32).ln_1p() / 5.0,
            seen.iter().filter(|&&i| jobs[i].size <= free).count() as f32 / seen.len() as f32,
        ];
        Decision { context, candidates, base, chosen: 0, reward: 0.0 }
    }

    /// `choose` gives the position of the chosen candidate.
    fn run(&self, jobs: &[Job], mut choose: impl FnMut(&Decision) -> usize) -> Run {
        let mut out = Run { decisions: Vec::new(), times: Vec::new(), starts: vec![0.0; jobs.len()] };
        let (mut now, mut free, mut arrived) = (0.0_f64, self.units, 0);
        let (mut running, mut waiting): (Vec<(f64, u32)>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut started = 0;
        while started < jobs.len() {
            let mut held = None;
            // Time passes until something waits and what was chosen fits.
            loop {
                running.retain(|&(end, size)| {
                    let over = end <= now;
                    free += if over { size } else { 0 };
                    !over
                });
                while arrived < jobs.len() && jobs[arrived].submit <= now {
                    waiting.push(arrived);
                    arrived += 1;
                }
                if held.is_none() && !waiting.is_empty() {
                    let mut decision = self.decision(jobs, &waiting, free, now);
                    decision.chosen = choose(&decision);
                    held = Some(waiting[decision.chosen]);
                    out.decisions.push(decision);
                    out.times.push(now);
                }
                if held.is_some_and(|i| jobs[i].size <= free) {
                    break;
                }
                let end = running.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
                now = end.min(jobs.get(arrived).map_or(f64::INFINITY, |j| j.submit));
            }
            if let Some(i) = held {
                waiting.retain(|&other| other != i);
                free -= jobs[i].size;
                running.push((now + jobs[i].run, jobs[i].size));
                out.starts[i] = now;
                started += 1;
            }
        }
        out
    }

    fn play_with(&self, jobs: &[Job], choose: impl FnMut(&Decision) -> usize) -> f64 {
        value(jobs, &self.run(jobs, choose).starts)
    }
}

/// Minus the logarithm of the mean bounded slowdown.
fn value(jobs: &[Job], starts: &[f64]) -> f64 {
    let slowdown = |(j, start): (&Job, &f64)| j.cost(start - j.submit + j.run).max(1.0);
    -(jobs.iter().zip(starts).map(slowdown).sum::<f64>() / jobs.len() as f64).ln()
}

fn best(scores: &[f32]) -> usize {
    (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0)
}

impl Environment for Queue {
    fn name(&self) -> &str {
        &self.name
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        let network = Network::new(self.shape.clone(), weights).expect("weights of the shape");
        self.play_with(&self.jobs(seed), |d| {
            let mut scores = d.base.clone();
            network.correct(&d.context, &d.candidates, &mut scores);
            best(&scores)
        })
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        self.play_with(&self.jobs(seed), |d| best(&d.base))
    }

    fn recorded(&self) -> Option<&dyn RecordedEnvironment> {
        Some(self)
    }
}

impl RecordedEnvironment for Queue {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn record(&self, weights: &[f32], seed: u64, temperature: f32) -> Episode {
        let network = Network::new(self.shape.clone(), weights).expect("weights of the shape");
        let jobs = self.jobs(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(!seed);
        let mut run = self.run(&jobs, |d| {
            let mut scores = d.base.clone();
            network.correct(&d.context, &d.candidates, &mut scores);
            // The best of scores with Gumbel noise is a draw from their softmax.
            for score in &mut scores {
                let noise = -(-chance.random::<f32>().max(f32::MIN_POSITIVE).ln()).ln();
                *score += temperature * noise;
            }
            best(&scores)
        });
        // Reward: the slowdown that waiting jobs gather until the next decision, as a share of the rule's in all.
        let rule = self.run(&jobs, |d| best(&d.base)).starts;
        let sum = |starts: &[f64]| -> f64 {
            jobs.iter().zip(starts).map(|(j, start)| j.cost(start - j.submit)).sum()
        };
        let unit = sum(&rule).max(1e-9);
        let mut ends = run.times[1..].to_vec();
        ends.push(f64::INFINITY);
        for ((decision, from), to) in run.decisions.iter_mut().zip(&run.times).zip(ends) {
            let waited = |(j, start): (&Job, &f64)| j.cost((start.min(to) - j.submit.max(*from)).max(0.0));
            let gathered: f64 = jobs.iter().zip(&run.starts).map(waited).sum();
            decision.reward = -(gathered / unit) as f32;
        }
        Episode { value: value(&jobs, &run.starts), decisions: run.decisions }
    }
}
