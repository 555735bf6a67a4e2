//! The registry of queue policies: the one place that knows them all by name.

use super::policy::{JobsModel, LEARNED_ORDER, LearnedOrder};
use super::queue::{
    DominantResourceFairness, F1, F2, F3, F4, FirstComeFirstServed, Gittins, LargestExpansionFactor,
    LeastAttainedService, PriorityAgeing, QueuePolicy, ShortestJobFirst, ShortestProcessingOracle,
    ShortestRemainingTimeFirst, SmallestAreaFirst, SmallestAreaOracle, SmallestFirst, SmallestGpuTimeFirst,
    SquareRootAreaFirst, Unicep, Wfp3,
};

/// Every queue policy with its default settings, in the order in which they are listed to people.
pub fn queue_policies() -> Vec<Box<dyn QueuePolicy>> {
    vec![
        Box::new(FirstComeFirstServed),
        Box::new(ShortestJobFirst),
        Box::new(SmallestAreaFirst),
        Box::new(SquareRootAreaFirst),
        Box::new(SmallestFirst),
        Box::new(F1),
        Box::new(F2),
        Box::new(F3),
        Box::new(F4),
        Box::new(Wfp3 { as_published: false }),
        Box::new(Wfp3 { as_published: true }),
        Box::new(Unicep { as_published: false }),
        Box::new(Unicep { as_published: true }),
        Box::new(LargestExpansionFactor),
        Box::new(PriorityAgeing::default()),
        Box::new(DominantResourceFairness),
        Box::new(LeastAttainedService::default()),
        Box::new(Gittins),
        Box::new(ShortestRemainingTimeFirst),
        Box::new(SmallestGpuTimeFirst),
        Box::new(ShortestProcessingOracle),
        Box::new(SmallestAreaOracle),
        Box::new(LearnedOrder::new(&JobsModel::shipped())),
    ]
}

/// The queue policy of that name (`fifo` is another word for `fcfs`), or `None`.
pub fn queue_policy(name: &str) -> Option<Box<dyn QueuePolicy>> {
    let name = if name == "fifo" { "fcfs" } else { name };
    queue_policies().into_iter().find(|p| p.name() == name)
}

/// The same with the weights of the learned policy; `None` for those it is shipped with.
pub fn queue_policy_with(name: &str, model: Option<&JobsModel>) -> Option<Box<dyn QueuePolicy>> {
    match model {
        Some(model) if name == LEARNED_ORDER => Some(Box::new(LearnedOrder::new(model))),
        _ => queue_policy(name),
    }
}
