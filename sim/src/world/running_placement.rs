//! The running placement of a machine reassignment problem, on which a plan is carried out. Its tasks only move; every
//! rule of the problem is asked before each move.

use lepton_core::decide::rebalance::{PlacementState, RebalanceProblem, RuleViolation};
use lepton_core::execute::Actuator;
use lepton_core::model::{
    Answer, Call, Cluster, DeviceSet, ModelError, Moving, Name, NodeSpec, Placement, ResourceSchema,
    Snapshot, Spot, Task, TaskClass,
};

/// The placement.
pub struct RunningPlacement<'p> {
    problem: &'p RebalanceProblem,
    state: PlacementState<'p>,
}

impl<'p> RunningPlacement<'p> {
    /// The problem's running placement.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(problem: &'p RebalanceProblem) -> Result<Self, RuleViolation> {
        Ok(Self { problem, state: PlacementState::new(problem, problem.initial())? })
    }

    /// The node of each task.
    pub fn placement(&self) -> &[u32] {
        self.state.placement()
    }

    /// What a loop believes of it: who stands where. Tasks and nodes are named by their numbers; what they hold is known to
    /// this alone.
    ///
    /// # Errors
    /// Never: all that is told is sound.
    pub fn snapshot(&self) -> Result<Snapshot, ModelError> {
        let mut cluster = Cluster::new(ResourceSchema::new(["known_elsewhere"])?);
        for node in 0..self.problem.node_count() {
            cluster.add_node(NodeSpec::new(node.to_string(), vec![0], vec![]))?;
        }
        let class = cluster.add_class(TaskClass::of_demand([0], None))?;
        for (task, &node) in self.placement().iter().enumerate() {
            let task = cluster.add_task(Task::new(task.to_string(), class));
            cluster.put_back(task, Placement { node: (node as usize).into(), devices: DeviceSet::NONE });
        }
        Ok(Snapshot::of_cluster(cluster, 0))
    }

    fn try_move(&mut self, task: &Name, from: &Spot, to: &Spot) -> Result<(), String> {
        let known = self.problem.task_count();
        let number = |kind: &str, name: &Name, count: usize| match name.parse::<u32>() {
            Ok(number) if (number as usize) < count => Ok(number),
            _ => Err(format!("there is no {kind} `{name}`, expected a number below {count}")),
        };
        let nodes = self.problem.node_count();
        let task = number("task", task, known)?;
        let (from, to) = (number("node", &from.node, nodes)?, number("node", &to.node, nodes)?);
        let stands = self.placement()[task as usize];
        if stands != from {
            return Err(format!("task {task} stands on node {stands}, not on node {from}"));
        }
        if from == to {
            return Ok(());
        }
        match self.state.shift_delta(task, to, f64::INFINITY).filter(|delta| delta.overload <= 0.0) {
            Some(delta) => {
                self.state.shift(task, to, delta);
                Ok(())
            }
            None => Err(self.broken_by(task, to)),
        }
    }

    /// The rule that keeps a task from a node, in words.
    fn broken_by(&self, task: u32, to: u32) -> String {
        let mut placement = self.placement().to_vec();
        placement[task as usize] = to;
        let broken = self.problem.first_violation(&placement);
        broken.map_or_else(|| format!("a rule keeps task {task} from node {to}"), |broken| broken.to_string())
    }
}

impl Actuator for RunningPlacement<'_> {
    fn moving(&self) -> Moving {
        Moving::StandTwice
    }

    fn call(&mut self, call: &Call) -> Answer {
        let done = match call {
            Call::Move { task, from, to } => self.try_move(task, from, to),
            Call::Start { .. } | Call::Stop { .. } | Call::Cordon { .. } => {
                Err("tasks of a machine reassignment problem are only moved".to_owned())
            }
        };
        done.map_or_else(Answer::Refused, |()| Answer::Done)
    }
}
