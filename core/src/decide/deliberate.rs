//! Slow thinking, beside the loop, on one snapshot: a long search for chains of moves that let waiting tasks start, and another look
//! at the learned placement. The search hands over a value in names; the act `rearrange` takes the parts that still hold when the
//! turn comes to them.

use std::collections::BTreeSet;

use super::defragment::{
    DefragmentOptions, DefragmentProblem, DefragmentSurroundings, Effort, Objective, WaveLimits, defragment,
};
use super::guard::{PlacingReview, review_placing};
use super::policy::PlacementModel;
use super::search::Method;
use crate::model::{Assessment, Cluster, Health, Name, Plan, Snapshot, TaskId};

/// How long and for what a search goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeliberateConfig {
    /// Rounds of local search, of all islands together.
    pub rounds: u64,
    /// Populations that evolve side by side.
    pub islands: usize,
    /// Most moves of a proposal per thousand nodes; ten at least.
    pub moves_per_thousand_nodes: usize,
    /// What a task that starts by it would have waited otherwise, minutes.
    pub wait_minutes: f64,
    /// A move must gain more than this many times its cost.
    pub gain_over_cost: f64,
    /// A task that was moved is left alone for so long, seconds.
    pub cool_down_seconds: u64,
}

impl Default for DeliberateConfig {
    fn default() -> Self {
        Self {
            rounds: 40,
            islands: 2,
            moves_per_thousand_nodes: 100,
            wait_minutes: 60.0,
            gain_over_cost: 4.0,
            cool_down_seconds: 3600,
        }
    }
}

/// What is thought about beside the loop; nothing unless it is set.
#[derive(Debug, Clone, Default)]
pub struct Deliberation {
    /// Chains of moves are searched for, bound by this.
    pub rearrange: Option<DeliberateConfig>,
    /// Whether this learned placement is to place, and the name of the policy in whose place.
    pub placement: Option<(PlacementModel, String)>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thoughts {
    /// Chains that were found; none where none were searched for.
    pub proposal: Option<Plan>,
    /// Who is to place from now on; none where there was no reason to look.
    pub placing: Option<PlacingReview>,
}

impl Deliberation {
    /// Whether there is anything to think about.
    pub fn is_empty(&self) -> bool {
        self.rearrange.is_none() && self.placement.is_none()
    }

    /// Thinks. Equal arguments give equal thoughts, unless `stopped` ends them before.
    pub fn think(
        &self,
        snapshot: &Snapshot,
        assessment: &Assessment,
        (seed, threads): (u64, usize),
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Thoughts {
        let search = |config| deliberate(snapshot, assessment, config, (seed, threads), stopped);
        let review = |(model, rule): &(PlacementModel, String)| review_placing(snapshot, model, rule);
        Thoughts {
            proposal: self.rearrange.as_ref().map(search),
            placing: self.placement.as_ref().and_then(review),
        }
    }
}

/// Searches for chains that let waiting tasks start and pay for their moves. Equal arguments give equal proposals, unless
/// `stopped` ends the search before. Nothing is proposed while nothing waits.
pub fn deliberate(
    snapshot: &Snapshot,
    assessment: &Assessment,
    config: &DeliberateConfig,
    (seed, threads): (u64, usize),
    stopped: &(dyn Fn() -> bool + Sync),
) -> Plan {
    if snapshot.waiting().is_empty() {
        return Plan::default();
    }
    let cluster = in_minutes(snapshot, assessment, config);
    let nodes = cluster.node_count();
    // In device-minutes: an unplaced device costs what it would wait, a move `gain_over_cost` times its own cost.
    let weights = [config.wait_minutes, 0.0, 1.0, 0.0, 0.0, 0.0];
    let objective = Objective { weights, ..Objective::default() };
    let problem = DefragmentProblem::new(&cluster, &snapshot.mix.target(), objective, None);
    let options = DefragmentOptions {
        seed,
        threads,
        islands: config.islands,
        effort: Effort::Rounds(config.rounds),
        moves_max: 10.max(nodes * config.moves_per_thousand_nodes / 1000),
        method: Method::Hybrid,
        waves: WaveLimits::default(),
    };
    let surroundings = DefragmentSurroundings { seconds: &|| 0.0, stopped, progress: &|_, _| {} };
    defragment(&problem, &options, &surroundings).plan
}

/// The cluster as the search may rearrange it: nothing goes to nodes that are failing, what may not go stays, and each task
/// says what its move costs.
fn in_minutes(snapshot: &Snapshot, assessment: &Assessment, config: &DeliberateConfig) -> Cluster {
    let mut cluster = snapshot.draft_cluster();
    for &node in &assessment.failing {
        if cluster.health(node) == Health::Up {
            cluster.set_health(node, Health::Cordoned);
        }
    }
    let in_hand: BTreeSet<Name> = snapshot.memory.tasks_underway().into_iter().map(Name::from).collect();
    let tasks: Vec<TaskId> = cluster.live_tasks().collect();
    for task in tasks {
        let Some(state) = snapshot.tasks.get(task.index()) else { continue };
        let of = cluster.task(task);
        let (moves, now) = (&snapshot.memory.moves, snapshot.time_seconds);
        let held = in_hand.contains(&of.name) || moves.is_cooling(&of.name, now, config.cool_down_seconds);
        // The objective counts one for a move beside the task's own cost.
        let cost = (config.gain_over_cost * snapshot.move_cost(task) - 1.0).max(0.0) as f32;
        cluster.set_move(task, cost, of.do_not_disrupt || held || state.leaving);
    }
    cluster
}
