//! Rebalancing a running cluster: which tasks to move where, so that the placement becomes cheaper while every
//! rule holds and each move is paid for.

mod anneal;
mod board;
mod candidates;
mod check;
mod cost;
mod crossover;
mod error;
mod focus;
mod front;
mod generations;
mod ledger;
mod move_costs;
mod neighbourhoods;
mod order;
mod pay;
mod problem;
mod schedule;
mod siblings;
mod solve;
mod state;
mod toward;

pub use crate::decide::search::Method;
pub use board::{Board, HistoryPoint};
pub use cost::CostTerms;
pub use crossover::{GroupingCrossover, ShiftMutation};
pub use error::{ProblemError, RuleViolation};
pub use front::{Front, FrontPoint};
pub use ledger::Delta;
pub use move_costs::MoveCosts;
pub use order::{OrderedMoves, OrderedStep, PlanOptions, StepKind};
pub use problem::{
    BalanceGoal, MoveWeights, ProblemParts, REBALANCE_AMOUNT_MAX, REBALANCE_COST_MAX, REBALANCE_NODES_MAX,
    REBALANCE_RESOURCES_MAX, REBALANCE_TASKS_MAX, RebalanceNode, RebalanceProblem, RebalanceService,
    RebalanceTask, ResourceRule,
};
pub use solve::{Budget, RebalanceOptions, Stopped, Surroundings, rebalance};
pub use state::PlacementState;

#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod tests;
