//! The rebalancing problem: a running placement of tasks on nodes, the hard rules a better one must keep, and
//! what is to become cheaper. It is the machine reassignment problem (ROADEF/EURO challenge 2012, subject by
//! Google) in this project's words, and knows neither files nor the search.

use super::{MoveCosts, ProblemError};

/// Most resources of a problem.
pub const REBALANCE_RESOURCES_MAX: usize = 64;
/// Most nodes; the cost of moving between nodes is a matrix.
pub const REBALANCE_NODES_MAX: usize = 20_000;
/// Most tasks, and most services.
pub const REBALANCE_TASKS_MAX: usize = 1_000_000;
/// Largest amount, weight or unit cost.
pub const REBALANCE_AMOUNT_MAX: u64 = (1 << 32) - 1;
/// Costs stay below this, so that every sum of integers is exact in the search's floating point lanes.
pub const REBALANCE_COST_MAX: u128 = 1 << 52;

/// A resource of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceRule {
    /// A task that leaves still weighs on its old node until all is done (its data is copied, say).
    pub transient: bool,
    /// Cost of one unit above a node's safety capacity.
    pub load_weight: u64,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebalanceNode {
    /// Nodes of one neighbourhood reach each other quickly; dependencies are asked for within one.
    pub neighbourhood: u32,
    /// Failure domain, for spread.
    pub location: u32,
    /// Usable amount of each resource.
    pub capacity: Vec<u64>,
    /// Amount of each resource above which use costs.
    pub safety: Vec<u64>,
}

/// A service: tasks of which no two may share a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebalanceService {
    /// Least number of distinct locations of its tasks.
    pub spread_min: u32,
    /// Services that must have a task in every neighbourhood where this one has.
    pub depends_on: Vec<u32>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebalanceTask {
    /// Its service.
    pub service: u32,
    /// What it needs of each resource.
    pub need: Vec<u64>,
    /// Cost of moving it at all.
    pub move_cost: u64,
}

/// A wish for balance: for each unit of `of` that is free on a node, `target` units of `to` should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalanceGoal {
    /// The resource whose free amount asks for company.
    pub of: u32,
    /// The resource that should be free along with it.
    pub to: u32,
    /// Units of `to` per unit of `of`.
    pub target: u64,
    /// Cost of a missing unit.
    pub weight: u64,
}

/// Weights of the three costs of moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveWeights {
    /// Of the sum of the moved tasks' own costs.
    pub task: u64,
    /// Of the largest number of moved tasks in one service.
    pub service: u64,
    /// Of the sum of the costs from node to node.
    pub node: u64,
}

/// The problem as read or built, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemParts {
    /// The resources.
    pub resources: Vec<ResourceRule>,
    /// The nodes.
    pub nodes: Vec<RebalanceNode>,
    /// Cost of moving any task from node to node.
    pub move_costs: MoveCosts,
    /// The services.
    pub services: Vec<RebalanceService>,
    /// The tasks.
    pub tasks: Vec<RebalanceTask>,
    /// Wishes for balance.
    pub balance: Vec<BalanceGoal>,
    /// Weights of moving.
    pub weights: MoveWeights,
    /// Node of each task as the cluster runs now.
    pub initial: Vec<u32>,
}

/// Four resources side by side: the search works on whole blocks.
pub(super) type Block = [f64; LANES];
/// Resources in a block.
pub(super) const LANES: usize = 4;

/// A checked problem in flat arrays. The running placement keeps every rule.
#[derive(Debug, Clone)]
pub struct RebalanceProblem {
    pub(super) parts: ProblemParts,
    /// Blocks of a row of resources.
    pub(super) blocks: usize,
    pub(super) nodes: usize,
    /// Rows by node.
    pub(super) capacity: Vec<Block>,
    pub(super) safety: Vec<Block>,
    /// One row.
    pub(super) load_weight: Vec<Block>,
    /// One row: price of a unit beyond the capacity while the search passes through such placements.
    pub(super) overload_weight: Vec<Block>,
    /// Rows by task: first the need, then the need without transient resources.
    pub(super) need: Vec<Block>,
    pub(super) service: Vec<u32>,
    /// Weighted cost of moving the task at all.
    pub(super) task_move_cost: Vec<f64>,
    pub(super) neighbourhood: Vec<u32>,
    pub(super) location: Vec<u32>,
    pub(super) neighbourhoods: usize,
    pub(super) locations: usize,
    /// Other services that each service depends on, each once.
    pub(super) needs: Vec<Vec<u32>>,
    /// Services that depend on each service.
    pub(super) needed_by: Vec<Vec<u32>>,
    /// Row of the service among those whose locations are counted, or [`NOT_COUNTED`].
    pub(super) spread_row: Vec<u32>,
    pub(super) spread_rows: usize,
    /// Row of the service among those whose neighbourhoods are counted, or [`NOT_COUNTED`].
    pub(super) dependency_row: Vec<u32>,
    pub(super) dependency_rows: usize,
}

/// The service needs no counters of this kind: its rule always holds.
pub(super) const NOT_COUNTED: u32 = u32::MAX;

impl RebalanceProblem {
    /// Checks the parts and lays them out.
    ///
    /// # Errors
    /// When a list has the wrong length, an index or an amount is out of bounds, the cost could grow beyond
    /// [`REBALANCE_COST_MAX`], or the running placement breaks a rule.
    pub fn new(parts: ProblemParts) -> Result<Self, ProblemError> {
        check_lengths(&parts)?;
        check_values(&parts)?;
        check_cost_bound(&parts)?;
        let problem = Self::lay_out(parts);
        match problem.first_violation(&problem.parts.initial) {
            None => Ok(problem),
            Some(violation) => Err(ProblemError::InitialBreaks(violation)),
        }
    }

    fn lay_out(parts: ProblemParts) -> Self {
        let resources = parts.resources.len();
        let blocks = resources.div_ceil(LANES);
        let mut capacity = Vec::with_capacity(parts.nodes.len() * blocks);
        let mut safety = Vec::with_capacity(parts.nodes.len() * blocks);
        for node in &parts.nodes {
            push_row(&mut capacity, blocks, node.capacity.iter().copied());
            push_row(&mut safety, blocks, node.safety.iter().copied());
        }
        let mut load_weight = Vec::with_capacity(blocks);
        push_row(&mut load_weight, blocks, parts.resources.iter().map(|r| r.load_weight));
        let mut overload_weight = Vec::with_capacity(blocks);
        push_row(&mut overload_weight, blocks, parts.resources.iter().map(|r| r.load_weight.max(1)));
        let mut need = Vec::with_capacity(parts.tasks.len() * blocks * 2);
        for task in &parts.tasks {
            push_row(&mut need, blocks, task.need.iter().copied());
            let stays = task.need.iter().zip(&parts.resources);
            push_row(&mut need, blocks, stays.map(|(&n, r)| if r.transient { 0 } else { n }));
        }
        let mut needs = vec![Vec::new(); parts.services.len()];
        let mut needed_by = vec![Vec::new(); parts.services.len()];
        for (service, spec) in parts.services.iter().enumerate() {
            for &other in &spec.depends_on {
                if other as usize != service && !needed_by[other as usize].contains(&(service as u32)) {
                    needed_by[other as usize].push(service as u32);
                    needs[service].push(other);
                }
            }
        }
        let (spread_row, spread_rows) = rows(parts.services.iter().map(|s| s.spread_min > 1));
        let (dependency_row, dependency_rows) = rows(
            parts.services.iter().zip(&needed_by).map(|(s, by)| !s.depends_on.is_empty() || !by.is_empty()),
        );
        let count = |ids: &mut dyn Iterator<Item = u32>| ids.max().map_or(0, |m| m as usize + 1);
        Self {
            blocks,
            nodes: parts.nodes.len(),
            capacity,
            safety,
            load_weight,
            overload_weight,
            need,
            service: parts.tasks.iter().map(|t| t.service).collect(),
            task_move_cost: parts.tasks.iter().map(|t| (t.move_cost * parts.weights.task) as f64).collect(),
            neighbourhood: parts.nodes.iter().map(|n| n.neighbourhood).collect(),
            location: parts.nodes.iter().map(|n| n.location).collect(),
            neighbourhoods: count(&mut parts.nodes.iter().map(|n| n.neighbourhood)),
            locations: count(&mut parts.nodes.iter().map(|n| n.location)),
            needs,
            needed_by,
            spread_row,
            spread_rows,
            dependency_row,
            dependency_rows,
            parts,
        }
    }

    /// Makes moving these tasks so dear that no search does it.
    pub(super) fn pin(&mut self, tasks: &[u32]) {
        for &task in tasks {
            self.task_move_cost[task as usize] = REBALANCE_COST_MAX as f64;
        }
    }

    /// What each task needs, as the sum over the resources of its shares of the whole cluster.
    pub(super) fn task_sizes(&self) -> Vec<f64> {
        let parts = &self.parts;
        let all = |r: usize| parts.nodes.iter().map(|n| n.capacity[r] as f64).sum::<f64>().max(1.0);
        let whole: Vec<f64> = (0..parts.resources.len()).map(all).collect();
        let size = |t: &RebalanceTask| t.need.iter().zip(&whole).map(|(&n, all)| n as f64 / all).sum();
        parts.tasks.iter().map(size).collect()
    }

    /// The problem as it was given.
    pub fn parts(&self) -> &ProblemParts {
        &self.parts
    }

    /// Node of each task as the cluster runs now.
    pub fn initial(&self) -> &[u32] {
        &self.parts.initial
    }

    /// Number of tasks.
    pub fn task_count(&self) -> usize {
        self.parts.tasks.len()
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes
    }
}

fn push_row(rows: &mut Vec<Block>, blocks: usize, values: impl Iterator<Item = u64>) {
    let start = rows.len();
    rows.resize(start + blocks, [0.0; LANES]);
    for (i, value) in values.enumerate() {
        rows[start + i / LANES][i % LANES] = value as f64;
    }
}

/// Numbers the services that are counted.
fn rows(counted: impl Iterator<Item = bool>) -> (Vec<u32>, usize) {
    let mut next = 0;
    let rows = counted
        .map(|counted| {
            if counted {
                next += 1;
                next - 1
            } else {
                NOT_COUNTED
            }
        })
        .collect();
    (rows, next as usize)
}

fn check_lengths(parts: &ProblemParts) -> Result<(), ProblemError> {
    let within = |what, count: usize, min: usize, max: usize| {
        if (min..=max).contains(&count) { Ok(()) } else { Err(ProblemError::Count { what, count, min, max }) }
    };
    within("resources", parts.resources.len(), 1, REBALANCE_RESOURCES_MAX)?;
    within("nodes", parts.nodes.len(), 1, REBALANCE_NODES_MAX)?;
    within("services", parts.services.len(), 1, REBALANCE_TASKS_MAX)?;
    within("tasks", parts.tasks.len(), 1, REBALANCE_TASKS_MAX)?;
    let (resources, nodes) = (parts.resources.len(), parts.nodes.len());
    within("entries of the running placement", parts.initial.len(), parts.tasks.len(), parts.tasks.len())?;
    for node in &parts.nodes {
        within("capacities of a node", node.capacity.len(), resources, resources)?;
        within("safety capacities of a node", node.safety.len(), resources, resources)?;
    }
    within("nodes of the move costs", parts.move_costs.nodes(), nodes, nodes)?;
    within("rows of move costs", parts.move_costs.rows(), nodes, nodes)?;
    for task in &parts.tasks {
        within("needs of a task", task.need.len(), resources, resources)?;
    }
    Ok(())
}

fn check_values(parts: &ProblemParts) -> Result<(), ProblemError> {
    let index = |what, value: u32, count: usize| {
        if (value as usize) < count { Ok(()) } else { Err(ProblemError::Index { what, value, count }) }
    };
    let amount = |what, value: u64| {
        if value <= REBALANCE_AMOUNT_MAX { Ok(()) } else { Err(ProblemError::Amount { what, value }) }
    };
    for (i, node) in parts.nodes.iter().enumerate() {
        index("neighbourhood", node.neighbourhood, REBALANCE_NODES_MAX)?;
        index("location", node.location, REBALANCE_NODES_MAX)?;
        for &value in node.capacity.iter().chain(&node.safety) {
            amount("amount of a node", value)?;
        }
        let cost = parts.move_costs.cost(i as u32, i as u32);
        if cost != 0 {
            return Err(ProblemError::StayingCosts { node: i as u32, cost: cost.into() });
        }
    }
    for service in &parts.services {
        for &other in &service.depends_on {
            index("service in a dependency", other, parts.services.len())?;
        }
    }
    for task in &parts.tasks {
        index("service of a task", task.service, parts.services.len())?;
        for &value in task.need.iter().chain([&task.move_cost]) {
            amount("amount of a task", value)?;
        }
    }
    for &node in &parts.initial {
        index("node of a task", node, parts.nodes.len())?;
    }
    for goal in &parts.balance {
        index("resource of a balance goal", goal.of, parts.resources.len())?;
        index("resource of a balance goal", goal.to, parts.resources.len())?;
        amount("target of a balance goal", goal.target)?;
        amount("weight of a balance goal", goal.weight)?;
    }
    for rule in &parts.resources {
        amount("load weight", rule.load_weight)?;
    }
    for weight in [parts.weights.task, parts.weights.service, parts.weights.node] {
        amount("move weight", weight)?;
    }
    Ok(())
}

/// No placement can cost more than this bound; it must stay where floating point counts exactly.
fn check_cost_bound(parts: &ProblemParts) -> Result<(), ProblemError> {
    let mut bound = 0_u128;
    for (r, rule) in parts.resources.iter().enumerate() {
        let need: u128 = parts.tasks.iter().map(|t| u128::from(t.need[r])).sum();
        bound += need * u128::from(rule.load_weight);
    }
    for goal in &parts.balance {
        let free = |r: u32| parts.nodes.iter().map(|n| u128::from(n.capacity[r as usize])).sum::<u128>();
        bound += (free(goal.of) * u128::from(goal.target) + free(goal.to)) * u128::from(goal.weight);
    }
    let tasks = parts.tasks.len() as u128;
    bound +=
        parts.tasks.iter().map(|t| u128::from(t.move_cost) * u128::from(parts.weights.task)).sum::<u128>();
    bound += tasks * u128::from(parts.weights.service);
    bound += tasks * u128::from(parts.move_costs.max()) * u128::from(parts.weights.node);
    if bound < REBALANCE_COST_MAX { Ok(()) } else { Err(ProblemError::CostTooLarge { bound }) }
}
