//! Instances of the machine reassignment problem of any size, with a running placement that keeps every rule
//! but is poor: nodes are full to very different degrees, and tasks stand where chance has put them.
//!
//! Source of the statistics: the public instances of set A of the ROADEF/EURO challenge 2012 (amounts spread
//! evenly over three decades, no two nodes alike, use of 80 to 90% of the capacity, safety capacities of
//! about 82%, moving costs by location and neighbourhood, weights), and the sizes published for its sets B
//! and X (100 to 5,000 nodes, 5,000 to 50,000 tasks, 3 to 12 resources, up to a third of them transient,
//! services that depend on one another).

use lepton_core::decide::rebalance::{
    BalanceGoal, MoveCosts, MoveWeights, ProblemParts, RebalanceNode, RebalanceService, RebalanceTask,
    ResourceRule,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::chance::normal;

/// Size and kind of a generated instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReassignmentShape {
    /// Number of nodes, at least 1.
    pub nodes: usize,
    /// Number of tasks, at least 1.
    pub tasks: usize,
    /// Number of resources, at least 1.
    pub resources: usize,
    /// How many of them are transient.
    pub transient: usize,
    /// Failure domains.
    pub locations: usize,
    /// Groups of locations, within which dependencies are asked for.
    pub neighbourhoods: usize,
    /// Tasks per service in the mean; half of the services have a single one.
    pub service_tasks: f64,
    /// Share of the services that depend on others.
    pub dependent: f64,
    /// Wishes for balance between pairs of resources.
    pub balance_goals: usize,
    /// Use as a share of the capacity, above 0 and below 1.
    pub fill: f64,
}

impl ReassignmentShape {
    /// A shape in the middle of the published ranges.
    pub fn of_size(nodes: usize, tasks: usize, resources: usize) -> Self {
        let locations = (nodes / 10).clamp(1, 100);
        Self {
            nodes,
            tasks,
            resources,
            transient: resources / 3,
            locations,
            neighbourhoods: locations.min(5),
            service_tasks: 6.0,
            dependent: 0.4,
            balance_goals: usize::from(resources > 1),
            fill: 0.85,
        }
    }
}

/// Least and most that a task needs of a resource.
const NEED: (f64, f64) = (900.0, 900_000.0);
/// Spread of one resource's need about the task's size, as a standard deviation of its logarithm.
const NEED_NOISE: f64 = 1.0;
/// Capacity of a node relative to the mean: least and most.
const NODE_SIZE: (f64, f64) = (0.4, 1.6);
/// Use of a node relative to the mean before anything is rebalanced: least.
const USE_LEAST: f64 = 0.5;
/// A node that must be larger than chance made it is used to so much of its capacity at least.
const FULLEST: f64 = 0.8;
/// Safety capacity as a share of the capacity: least and most.
const SAFETY: (f64, f64) = (0.7, 0.95);
/// Nodes that are tried for a task before one becomes larger for it.
const TRIES: usize = 64;
/// Most services that one service depends on.
const DEPENDENCIES_MAX: usize = 5;
/// Cost of moving within a location, within a neighbourhood, and beyond.
const MOVE_COSTS: [u32; 3] = [0, 1, 2];

/// An instance of this shape; the same for the same seed.
pub fn reassignment(shape: &ReassignmentShape, seed: u64) -> ProblemParts {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let chance = &mut chance;
    let service_of = services(shape, chance);
    let tasks: Vec<RebalanceTask> = service_of.iter().map(|&s| task(shape, s, chance)).collect();
    let mut nodes = nodes(shape, &tasks, chance);
    let initial = place(shape, &tasks, &mut nodes, chance);
    let service_count = service_of.last().map_or(0, |&s| s as usize + 1);
    let services = rules(shape, service_count, &tasks, &initial, &nodes, chance);
    let resources = (0..shape.resources)
        .map(|r| ResourceRule { transient: r >= shape.resources - shape.transient, load_weight: 10 })
        .collect();
    let balance = (0..shape.balance_goals)
        .map(|b| BalanceGoal {
            of: (b % shape.resources) as u32,
            to: ((b + 1) % shape.resources) as u32,
            target: 2,
            weight: 10,
        })
        .collect();
    let weights = MoveWeights { task: 1, service: 10, node: 100 };
    ProblemParts {
        resources,
        move_costs: move_costs(&nodes),
        nodes,
        services,
        tasks,
        balance,
        weights,
        initial,
    }
}

/// The service of each task, in order. No service has more tasks than there are nodes to keep them apart.
fn services(shape: &ReassignmentShape, chance: &mut Pcg64Mcg) -> Vec<u32> {
    let mut service_of = Vec::with_capacity(shape.tasks);
    let largest = (shape.nodes / 2).max(1);
    let mut service = 0;
    while service_of.len() < shape.tasks {
        // Half single, the others evenly distributed such that the mean of all is as asked for.
        let several = (2.0 * (2.0 * shape.service_tasks - 1.0) - 1.0).max(1.0);
        let size = if chance.random() { 1 } else { chance.random_range(1.0..several + 1.0) as usize };
        let size = size.clamp(1, largest).min(shape.tasks - service_of.len());
        service_of.extend(std::iter::repeat_n(service, size));
        service += 1;
    }
    service_of
}

fn task(shape: &ReassignmentShape, service: u32, chance: &mut Pcg64Mcg) -> RebalanceTask {
    let (least, most) = (NEED.0.ln(), NEED.1.ln());
    let size = chance.random_range(least..most);
    let need = (0..shape.resources)
        .map(|_| (size + NEED_NOISE * normal(chance)).clamp(least, most).exp() as u64)
        .collect();
    RebalanceTask { service, need, move_cost: 1 }
}

/// Nodes whose capacities add up to what the tasks need at the fill that is asked for.
fn nodes(shape: &ReassignmentShape, tasks: &[RebalanceTask], chance: &mut Pcg64Mcg) -> Vec<RebalanceNode> {
    let mean = |r: usize| {
        let need: u64 = tasks.iter().map(|t| t.need[r]).sum();
        need as f64 / shape.fill / shape.nodes as f64
    };
    let means: Vec<f64> = (0..shape.resources).map(mean).collect();
    (0..shape.nodes)
        .map(|node| {
            let location = node % shape.locations;
            let size = chance.random_range(NODE_SIZE.0..NODE_SIZE.1);
            let capacity: Vec<u64> =
                means.iter().map(|m| (m * size * chance.random_range(0.8..1.2)) as u64).collect();
            RebalanceNode {
                neighbourhood: (location % shape.neighbourhoods) as u32,
                location: location as u32,
                safety: vec![0; shape.resources],
                capacity,
            }
        })
        .collect()
}

/// A node for each task: large tasks first, each on a random node that is not yet as full as chance wants it
/// to be; where none is found, on one that has room; and where there is none, one node becomes larger.
fn place(
    shape: &ReassignmentShape,
    tasks: &[RebalanceTask],
    nodes: &mut [RebalanceNode],
    chance: &mut Pcg64Mcg,
) -> Vec<u32> {
    let mut order: Vec<u32> = (0..tasks.len() as u32).collect();
    order.sort_by_key(|&t| std::cmp::Reverse(tasks[t as usize].need.iter().sum::<u64>()));
    let wanted: Vec<f64> = nodes.iter().map(|_| chance.random_range(USE_LEAST..1.0)).collect();
    let mut used = vec![vec![0_u64; shape.resources]; nodes.len()];
    let service_count = tasks.last().map_or(0, |t| t.service as usize + 1);
    let mut hosts: Vec<Vec<u32>> = vec![Vec::new(); service_count];
    let mut initial = vec![0; tasks.len()];
    for task in order {
        let RebalanceTask { service, need, .. } = &tasks[task as usize];
        let taken = &mut hosts[*service as usize];
        let fits = |node: u32, share: f64, used: &[Vec<u64>], nodes: &[RebalanceNode]| {
            let (used, capacity) = (&used[node as usize], &nodes[node as usize].capacity);
            let mut each = need.iter().zip(used).zip(capacity);
            each.all(|((n, u), &c)| (n + u) as f64 <= c as f64 * share)
        };
        let mut free_nodes = || loop {
            let node = chance.random_range(0..shape.nodes as u32);
            if !taken.contains(&node) {
                return node;
            }
        };
        let tried: Vec<u32> = (0..TRIES).map(|_| free_nodes()).collect();
        let as_wanted = tried.iter().find(|&&n| fits(n, wanted[n as usize], &used, nodes));
        let node = as_wanted.or_else(|| tried.iter().find(|&&n| fits(n, 1.0, &used, nodes)));
        let node = node.copied().unwrap_or(tried[0]);
        taken.push(node);
        for (used, need) in used[node as usize].iter_mut().zip(need) {
            *used += need;
        }
        initial[task as usize] = node;
    }
    for (node, used) in nodes.iter_mut().zip(&used) {
        for (capacity, &used) in node.capacity.iter_mut().zip(used) {
            *capacity = (*capacity).max((used as f64 / chance.random_range(FULLEST..=1.0)).ceil() as u64);
        }
        let share = |&c: &u64| (c as f64 * chance.random_range(SAFETY.0..SAFETY.1)) as u64;
        node.safety = node.capacity.iter().map(share).collect();
    }
    initial
}

/// Spread and dependencies as strict as the running placement allows, or a little less.
fn rules(
    shape: &ReassignmentShape,
    services: usize,
    tasks: &[RebalanceTask],
    initial: &[u32],
    nodes: &[RebalanceNode],
    chance: &mut Pcg64Mcg,
) -> Vec<RebalanceService> {
    let places = |place: fn(&RebalanceNode) -> u32| {
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); services];
        for (task, &node) in tasks.iter().zip(initial) {
            places[task.service as usize].push(place(&nodes[node as usize]));
        }
        for list in &mut places {
            list.sort_unstable();
            list.dedup();
        }
        places
    };
    let (locations, neighbourhoods) = (places(|n| n.location), places(|n| n.neighbourhood));
    // What stands in many neighbourhoods can be depended on.
    let mut wide: Vec<u32> = (0..services as u32).collect();
    wide.sort_by_key(|&s| std::cmp::Reverse(neighbourhoods[s as usize].len()));
    wide.truncate((services / 4).max(1));
    (0..services)
        .map(|service| {
            let most = locations[service].len();
            let spread_min = most.saturating_sub(chance.random_range(1..=most.clamp(1, 3))) as u32;
            let mut depends_on = Vec::new();
            if chance.random::<f64>() < shape.dependent {
                for _ in 0..chance.random_range(1..=DEPENDENCIES_MAX) {
                    let other = wide[chance.random_range(0..wide.len())];
                    let stands = |n: &u32| neighbourhoods[other as usize].contains(n);
                    let holds = neighbourhoods[service].iter().all(stands);
                    if holds && other as usize != service && !depends_on.contains(&other) {
                        depends_on.push(other);
                    }
                }
            }
            RebalanceService { spread_min, depends_on }
        })
        .collect()
}

fn move_costs(nodes: &[RebalanceNode]) -> MoveCosts {
    let mut costs = MoveCosts::for_nodes(nodes.len());
    for from in nodes {
        let row = nodes.iter().map(|to| {
            let steps = usize::from(from.location != to.location)
                + usize::from(from.neighbourhood != to.neighbourhood);
            MOVE_COSTS[steps]
        });
        costs.push_row(&row.collect::<Vec<_>>());
    }
    costs
}

#[cfg(test)]
mod tests;
