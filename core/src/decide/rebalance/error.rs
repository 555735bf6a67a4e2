//! What can be wrong with a rebalancing problem or with a placement offered for it.

/// A hard rule that a placement breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleViolation {
    /// A node holds more of a resource than it has.
    #[error("node {node} holds {held} of resource {resource}, its capacity is {capacity}")]
    Capacity {
        /// The node.
        node: u32,
        /// The resource.
        resource: u32,
        /// What its tasks need together.
        held: u64,
        /// What there is.
        capacity: u64,
    },
    /// While tasks move, a node holds more of a transient resource than it has.
    #[error(
        "node {node} holds {held} of transient resource {resource} while tasks move, its capacity is {capacity}"
    )]
    Transient {
        /// The node.
        node: u32,
        /// The resource.
        resource: u32,
        /// What its tasks and those that leave it need together.
        held: u64,
        /// What there is.
        capacity: u64,
    },
    /// Two tasks of one service share a node.
    #[error("service {service} has two tasks on node {node}")]
    Conflict {
        /// The service.
        service: u32,
        /// The node.
        node: u32,
    },
    /// A service stands in too few locations.
    #[error("service {service} stands in {locations} locations, it must stand in at least {spread_min}")]
    Spread {
        /// The service.
        service: u32,
        /// Where it stands.
        locations: u32,
        /// Where it should.
        spread_min: u32,
    },
    /// A service has a task in a neighbourhood where one that it depends on has none.
    #[error("service {service} depends on service {on}, which has no task in neighbourhood {neighbourhood}")]
    Dependency {
        /// The service.
        service: u32,
        /// The service it depends on.
        on: u32,
        /// Where that one is missing.
        neighbourhood: u32,
    },
}

/// Why a rebalancing problem is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// Too few or too many of something.
    #[error("{count} {what}, expected {min} to {max}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// Least allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// An index points nowhere.
    #[error("{what} {value} does not exist: there are {count}, counted from 0")]
    Index {
        /// What the index is of.
        what: &'static str,
        /// The index.
        value: u32,
        /// How many there are.
        count: usize,
    },
    /// An amount is too large.
    #[error("{what} {value} is above the limit of 4294967295")]
    Amount {
        /// What is too large.
        what: &'static str,
        /// The amount.
        value: u64,
    },
    /// Moving from a node to itself has a cost.
    #[error("node {node} has a cost of {cost} for moving to itself, expected 0")]
    StayingCosts {
        /// The node.
        node: u32,
        /// The cost.
        cost: u64,
    },
    /// Costs could grow too large to be counted exactly.
    #[error(
        "the cost of a placement could reach {bound}, the limit is 2 to the power of 52. Maybe scale the weights"
    )]
    CostTooLarge {
        /// The bound on the cost.
        bound: u128,
    },
    /// The running placement itself breaks a rule.
    #[error("the running placement breaks a rule: {0}")]
    InitialBreaks(RuleViolation),
}
