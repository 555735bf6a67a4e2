//! Placing tasks as an environment of learning: a workload's mix gives sequence after sequence; a policy is judged
//! by the share of the devices that is allocated when 100% of them have been asked for.
//!
//! Sequences are drawn from the mix by their seed; given arrival orders of a study are never played here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::placement::{PlacementPolicy, Placer};
use lepton_core::decide::placement_policies::{
    LEARNED, PLACEMENT_POLICIES, PlacementContext, placement_policy,
};
use lepton_core::decide::policy::{LearnedPlacement, Mix, PlacementModel, checksum};
use lepton_core::model::{ClassId, NodeId, Task, counted};
use lepton_learn::{Apart, Environment};

use crate::workload::{PlacementWorkload, sequence};

/// The fixed rules to beat.
const BEST_RULES: [&str; 2] = ["fgd", "best-fit"];
/// Demand that arrives, as a multiple of the capacity, less what comes after the load is judged.
const LOAD: f64 = 1.02;
/// The load, in percent, that falls within half a percent of the whole.
const JUDGED_PERCENT: std::ops::RangeInclusive<f64> = 99.5..=100.5;

/// A task list with fewer orders than this gives the same sequences again: it is no test to play another one.
const ORDERS_LEAST: f64 = 1e6;

/// A workload to learn placement on.
#[derive(Debug, Clone)]
pub struct PlacementEnvironment {
    workload: PlacementWorkload,
    mix: Arc<Mix>,
    /// Why no sequence is new.
    too_few_orders: Option<String>,
    stop: Option<&'static AtomicBool>,
}

impl PlacementEnvironment {
    /// The environment of this workload.
    pub fn new(workload: PlacementWorkload) -> Self {
        let mix = Arc::new(Mix::new(&workload.cluster, &workload.target));
        let too_few_orders = (ln_orders(&workload) < ORDERS_LEAST.ln()).then(|| {
            format!(
                "its {} in fewer than a million orders, so no sequence is new",
                counted(workload.tasks.len(), "task comes", "tasks come")
            )
        });
        Self { workload, mix, too_few_orders, stop: None }
    }

    /// The same environment; when `stop` turns true, episodes end at once and are worth NaN.
    #[must_use]
    pub fn ended_by(self, stop: &'static AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    fn has_ended(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Share of the devices allocated at full demand, percent, under a policy on the sequence of `seed`.
    fn allocation(&self, policy: Box<dyn PlacementPolicy>, seed: u64) -> f64 {
        let PlacementWorkload { cluster, tasks, .. } = &self.workload;
        if self.has_ended() {
            return f64::NAN;
        }
        let arrivals = sequence(&self.workload, LOAD, seed);
        let mut order: Vec<NodeId> = cluster.nodes().collect();
        order.sort_by_key(|n| arrivals.node_rank[n.index()]);
        let mut placer = Placer::new(policy, order);
        let mut cluster = cluster.clone();
        let capacity = cluster.device_milli_capacity().max(1) as f64;
        let (mut arrived, mut sum, mut samples, mut last) = (0, 0.0, 0_u32, 0.0);
        for &row in &arrivals.order {
            if self.has_ended() {
                return f64::NAN;
            }
            let class = tasks[row as usize].class;
            arrived += cluster.class(class).demand.device_milli();
            if let Some(place) = placer.place_class(&cluster, class) {
                let task = cluster.add_task(Task::new("", class));
                cluster.place(task, place).expect("policies see only nodes on which the class fits");
            }
            last = 100.0 * cluster.device_milli_held() as f64 / capacity;
            if JUDGED_PERCENT.contains(&(100.0 * arrived as f64 / capacity)) {
                sum += last;
                samples += 1;
            }
        }
        if samples > 0 { sum / f64::from(samples) } else { last }
    }
}

/// Logarithm of the number of orders of the task list, equal tasks being interchangeable.
fn ln_orders(workload: &PlacementWorkload) -> f64 {
    let mut counts: BTreeMap<ClassId, usize> = BTreeMap::new();
    workload.tasks.iter().for_each(|task| *counts.entry(task.class).or_default() += 1);
    let ln_factorial = |n: usize| (2..=n).map(|i| (i as f64).ln()).sum::<f64>();
    ln_factorial(workload.tasks.len()) - counts.values().map(|&n| ln_factorial(n)).sum::<f64>()
}

impl Environment for PlacementEnvironment {
    fn name(&self) -> &str {
        &self.workload.name
    }

    fn about(&self) -> String {
        let PlacementWorkload { name, cluster, tasks, .. } = &self.workload;
        let demands = tasks.iter().map(|task| format!("{:?}", cluster.class(task.class).demand));
        let sum = checksum(demands.collect::<Vec<_>>().join(" ").as_bytes());
        format!("{name}: {} nodes, {} tasks with the check sum {sum}", cluster.node_count(), tasks.len())
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        // Weights of another number are of another kind of model, and worth nothing here.
        let candidate = PlacementModel::manifest_of("candidate");
        let Some(model) = PlacementModel::from_weights(weights, candidate) else { return f64::NAN };
        self.allocation(Box::new(LearnedPlacement::new(Arc::clone(&self.mix), &model)), seed)
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        BEST_RULES.map(|rule| self.play_rule(rule, seed)).into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    fn apart(&self) -> Apart<'_> {
        self.too_few_orders.as_deref().map_or(Apart::OtherSeeds, Apart::Nothing)
    }

    fn rules(&self) -> Vec<&'static str> {
        PLACEMENT_POLICIES.iter().map(|p| p.name).filter(|&name| name != LEARNED).collect()
    }

    fn play_rule(&self, rule: &str, seed: u64) -> f64 {
        let PlacementWorkload { cluster, target, .. } = &self.workload;
        let context = PlacementContext { cluster, target, seed, model: None };
        let rule = placement_policy(rule, &context).expect("only names of `rules` are asked for");
        self.allocation(rule, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::openb_like;

    #[test]
    fn a_list_of_a_few_tasks_has_no_sequence_that_is_new() {
        let mut workload = openb_like(30);
        assert!(matches!(PlacementEnvironment::new(workload.clone()).apart(), Apart::OtherSeeds));
        workload.tasks.truncate(5);
        let environment = PlacementEnvironment::new(workload);
        let Apart::Nothing(reason) = environment.apart() else { panic!("120 orders at most") };
        assert!(reason.starts_with("its 5 tasks"), "{reason}");
    }

    #[test]
    fn an_episode_depends_on_weights_and_seed_alone() {
        let environment = PlacementEnvironment::new(openb_like(30));
        let weights = PlacementModel::untrained().weights();
        assert_eq!(environment.play(&weights, 5), environment.play(&weights, 5));
        assert_ne!(environment.play(&weights, 5), environment.play(&weights, 6));
        assert!((50.0..=100.0).contains(&environment.play_best_rule(5)));
    }

    #[test]
    fn an_episode_that_is_stopped_is_worth_nothing() {
        static STOP: AtomicBool = AtomicBool::new(true);
        let environment = PlacementEnvironment::new(openb_like(30)).ended_by(&STOP);
        assert!(environment.play_rule("fgd", 5).is_nan());
    }
}
