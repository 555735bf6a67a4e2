//! The rehearsal of placement: before the learned policy serves on a cluster, it and the best fixed rules fill an
//! empty model of the cluster with a few sequences drawn from the expected mix, and the one that allocates most
//! serves.
//!
//! It needs the capacity of the nodes and the mix, which FGD has to know too; a large cluster is scaled down with
//! equal shares of the types of nodes. It is a function of these and the options, and leaves out memory, rules
//! about other tasks, and what runs already.

use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use super::{GuardDecision, GuardOptions};
use crate::decide::placement::{PlacementPolicy, Placer};
use crate::decide::placement_policies::{LEARNED, PlacementContext, placement_policy};
use crate::decide::policy::{LearnedPlacement, Mix, PlacementModel};
use crate::model::fragmentation::TargetWorkload;
use crate::model::{CameTask, ClassId, Cluster, NodeId, NodeSpec, ResourceSchema, Serving, Task, TaskClass};

/// The fixed rules that the model has to beat.
const RULES: [&str; 2] = ["fgd", "best-fit"];
/// Demand that arrives, as a multiple of the capacity, less what comes after the load is judged.
const LOAD: f64 = 1.02;
/// Arrived demand, as a share of the capacity, at which allocations are judged.
const JUDGED: std::ops::RangeInclusive<f64> = 0.995..=1.005;
/// Most tasks of a sequence, per node: a mix that hardly asks for devices ends before they are full.
const TASKS_PER_NODE_MAX: usize = 200;

/// How a rehearsal goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RehearsalOptions {
    /// Nodes of the model of the cluster; a larger cluster is scaled down.
    pub nodes_max: usize,
    /// Sequences times nodes that are played, about: small clusters, whose sequences differ more, play more.
    pub node_sequences: usize,
    /// Fewest and most sequences.
    pub sequences: (usize, usize),
    /// Seed of the sequences.
    pub seed: u64,
    /// What the model must show.
    pub guard: GuardOptions,
}

impl Default for RehearsalOptions {
    fn default() -> Self {
        let guard = GuardOptions { window: usize::MAX, ..GuardOptions::default() };
        Self { nodes_max: 400, node_sequences: 4_000, sequences: (8, 24), seed: 0x6775_6172_6400, guard }
    }
}

/// What a policy reached in a rehearsal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsed {
    /// The policy.
    pub policy: &'static str,
    /// Devices allocated when all of them have been asked for, percent, mean over the sequences.
    pub allocation_percent: f64,
}

/// Who serves on a cluster, and what was rehearsed to find out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsal {
    /// The policy that serves.
    pub serves: &'static str,
    /// Whether that is the model or a rule, why, and what the model gained over the best rule.
    pub decision: GuardDecision,
    /// The learned policy and the rules.
    pub policies: Vec<Rehearsed>,
    /// Sequences that each of them played.
    pub sequences: usize,
    /// Nodes of the model of the cluster.
    pub nodes: usize,
}

impl Rehearsal {
    /// The policy that serves on this cluster and mix. `learned` is the learned policy for them.
    pub fn policy(
        &self,
        learned: &LearnedPlacement,
        context: &PlacementContext<'_>,
    ) -> Box<dyn PlacementPolicy> {
        match self.decision.serving {
            Serving::Model => Box::new(learned.clone()),
            Serving::Rule => placement_policy(self.serves, context).expect("the rules are registered"),
        }
    }
}

/// Rehearses the model on the empty cluster. `mix` is the cluster's own.
pub fn rehearse(
    cluster: &Cluster,
    target: &TargetWorkload,
    mix: &Arc<Mix>,
    model: &PlacementModel,
    options: &RehearsalOptions,
) -> Rehearsal {
    let stage = Stage::new(cluster, target, options.nodes_max.max(1));
    let nodes = stage.cluster.node_count();
    let (least, most) = options.sequences;
    let count = (options.node_sequences / nodes.max(1)).clamp(least, most.max(least));
    let count = if stage.counts.is_empty() { 0 } else { count };
    let mix = if nodes == cluster.node_count() {
        Arc::clone(mix)
    } else {
        Arc::new(Mix::new(&stage.cluster, target))
    };
    let learned = LearnedPlacement::new(mix, model);
    let policy = |name: &str| -> Box<dyn PlacementPolicy> {
        let context = PlacementContext { cluster: &stage.cluster, target, seed: 0, model: None };
        match name {
            LEARNED => Box::new(learned.clone()),
            rule => placement_policy(rule, &context).expect("the rules are registered"),
        }
    };
    let mut reached: Vec<(&'static str, Vec<f64>)> =
        std::iter::once(LEARNED).chain(RULES).map(|name| (name, Vec::new())).collect();
    for number in 0..count as u64 {
        let sequence = stage.sequence(options.seed.wrapping_add(number));
        for (name, results) in &mut reached {
            results.push(stage.play(policy(name), &sequence));
        }
    }
    let mean = |results: &[f64]| results.iter().sum::<f64>() / results.len().max(1) as f64;
    // Of equal rules the first stays.
    let best = (2..reached.len())
        .fold(1, |best, i| if mean(&reached[i].1) > mean(&reached[best].1) { i } else { best });
    let gains: Vec<f64> =
        reached[0].1.iter().zip(&reached[best].1).map(|(model, rule)| model - rule).collect();
    let decision = options.guard.decide(Serving::Rule, &gains);
    Rehearsal {
        serves: if decision.serving == Serving::Model { LEARNED } else { reached[best].0 },
        decision,
        policies: (reached.iter())
            .map(|&(policy, ref results)| Rehearsed { policy, allocation_percent: mean(results) })
            .collect(),
        sequences: count,
        nodes,
    }
}

/// An empty model of the cluster, and how many tasks of each class a sequence has in the mean.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    counts: Vec<(ClassId, f64)>,
}

/// Classes in order of arrival, and the nodes in order of preference among equals.
pub(super) struct Sequence {
    arrivals: Vec<ClassId>,
    order: Vec<NodeId>,
}

impl Stage {
    pub(super) fn new(cluster: &Cluster, target: &TargetWorkload, nodes_max: usize) -> Self {
        let mut stage = empty_model(cluster, nodes_max);
        let shapes: Vec<(ClassId, f64)> = (target.all_shapes())
            .filter_map(|s| {
                Some((stage.add_class(TaskClass::of_demand([s.cpu_millicores, 0], s.devices)).ok()?, s.share))
            })
            .collect();
        let asked: f64 =
            shapes.iter().map(|&(c, share)| share * stage.class(c).demand.device_milli() as f64).sum();
        let wanted = LOAD * stage.device_milli_capacity() as f64;
        let tasks_max = (TASKS_PER_NODE_MAX * stage.node_count()) as f64;
        let tasks = if asked > 0.0 { (wanted / asked).min(tasks_max) } else { 0.0 };
        let counts = if tasks > 0.0 {
            shapes.iter().map(|&(c, share)| (c, share * tasks)).collect()
        } else {
            Vec::new()
        };
        Self { cluster: stage, counts }
    }

    /// A stage for tasks that have come: they come again in their order, from the first anew, until all devices have been asked for.
    /// None where they ask for none.
    pub(super) fn of_tasks<'a>(
        cluster: &Cluster,
        came: impl ExactSizeIterator<Item = &'a CameTask>,
        nodes_max: usize,
    ) -> Option<(Self, Sequence)> {
        let mut stage = empty_model(cluster, nodes_max);
        let classes: Vec<ClassId> = came
            .filter_map(|t| stage.add_class(TaskClass::of_demand([t.cpu_millicores, 0], t.devices)).ok())
            .collect();
        let asks = |&class: &ClassId| stage.class(class).demand.device_milli();
        let tasks_max = TASKS_PER_NODE_MAX * stage.node_count();
        let wanted = (LOAD * stage.device_milli_capacity() as f64) as i64;
        let (mut asked, mut arrivals) = (0, Vec::new());
        if !classes.iter().any(|class| asks(class) > 0) {
            return None;
        }
        for class in classes.iter().cycle().take(tasks_max) {
            if asked >= wanted {
                break;
            }
            asked += asks(class);
            arrivals.push(*class);
        }
        let order = stage.nodes().collect();
        Some((Self { cluster: stage, counts: Vec::new() }, Sequence { arrivals, order }))
    }

    /// Whether nothing of the mix asks for devices, or there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Each class comes as often as the mix says, rounded up or down by chance; the order is drawn.
    pub(super) fn sequence(&self, seed: u64) -> Sequence {
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let mut arrivals = Vec::new();
        let mut due: f64 = chance.random();
        for &(class, count) in &self.counts {
            due += count;
            arrivals.extend(std::iter::repeat_n(class, due as usize));
            due = due.fract();
        }
        arrivals.shuffle(&mut chance);
        let mut order: Vec<NodeId> = self.cluster.nodes().collect();
        order.shuffle(&mut chance);
        Sequence { arrivals, order }
    }

    /// Percent of the devices allocated when all of them have been asked for.
    pub(super) fn play(&self, policy: Box<dyn PlacementPolicy>, sequence: &Sequence) -> f64 {
        let mut placer = Placer::new(policy, sequence.order.clone());
        let mut cluster = self.cluster.clone();
        let capacity = cluster.device_milli_capacity().max(1) as f64;
        let (mut arrived, mut sum, mut samples, mut last) = (0, 0.0, 0_u32, 0.0);
        for &class in &sequence.arrivals {
            arrived += cluster.class(class).demand.device_milli();
            if let Some(place) = placer.place_class(&cluster, class) {
                let task = cluster.add_task(Task::new("", class));
                if cluster.place(task, place).is_err() {
                    return f64::NAN;
                }
            }
            last = 100.0 * cluster.device_milli_held() as f64 / capacity;
            if JUDGED.contains(&(arrived as f64 / capacity)) {
                sum += last;
                samples += 1;
            }
        }
        if samples > 0 { sum / f64::from(samples) } else { last }
    }
}

/// The nodes with their CPU and devices and nothing on them; of more than `nodes_max` every so many-th in order of
/// their types.
fn empty_model(cluster: &Cluster, nodes_max: usize) -> Cluster {
    let mut model = Cluster::new(ResourceSchema::cpu_and_memory());
    for m in cluster.models() {
        // The source has no more models than a cluster can have.
        let _ = model.add_model(m.kind, &m.name);
    }
    let mut nodes: Vec<NodeId> = cluster.nodes().collect();
    let wanted = nodes.len().min(nodes_max);
    if wanted < nodes.len() {
        nodes.sort_by_key(|&n| {
            (cluster.device_models(n).to_vec(), cluster.capacity(n)[ResourceSchema::CPU], n)
        });
        nodes = (0..wanted).map(|i| nodes[(2 * i + 1) * nodes.len() / (2 * wanted)]).collect();
    }
    for node in nodes {
        let capacity = vec![cluster.capacity(node)[ResourceSchema::CPU], 0];
        let spec = NodeSpec::new(cluster.node_name(node), capacity, cluster.device_models(node).to_vec());
        let _ = model.add_node(spec);
    }
    model
}
