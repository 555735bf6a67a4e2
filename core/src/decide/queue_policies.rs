//! The registry of queue policies: the one place that knows them all by name.

use std::borrow::Cow;

use super::policy::{JobsModel, LearnedOrder};
use super::queue::{
    DominantResourceFairness, F1, F2, F3, F4, FirstComeFirstServed, Gittins, LargestExpansionFactor,
    LeastAttainedService, PriorityAgeing, QueuePolicy, RunTimes, ShortestJobFirst, ShortestProcessingOracle,
    ShortestRemainingTimeFirst, SmallestAreaFirst, SmallestAreaOracle, SmallestFirst, SmallestGpuTimeFirst,
    SquareRootAreaFirst, Unicep, Wfp3,
};

/// What some of the policies are made from.
#[derive(Debug, Clone, Default)]
pub struct QueueContext<'a> {
    /// Weights of the learned policy; `None` for those it is shipped with.
    pub model: Option<&'a JobsModel>,
    /// What oracles are told; without it they take every job to run for as long as it asks for.
    pub truth: RunTimes,
}

/// Every queue policy with its default settings, in the order in which they are listed to people; oracles know nothing.
pub fn queue_policies() -> Vec<Box<dyn QueuePolicy>> {
    queue_policies_with(&QueueContext::default())
}

/// The same, made from what is known.
pub fn queue_policies_with(context: &QueueContext<'_>) -> Vec<Box<dyn QueuePolicy>> {
    let truth = || context.truth.clone();
    let model = context.model.map_or_else(|| Cow::Owned(JobsModel::shipped()), Cow::Borrowed);
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
        Box::new(ShortestRemainingTimeFirst { truth: truth(), as_published: false }),
        Box::new(ShortestRemainingTimeFirst { truth: truth(), as_published: true }),
        Box::new(SmallestGpuTimeFirst { truth: truth() }),
        Box::new(ShortestProcessingOracle { truth: truth() }),
        Box::new(SmallestAreaOracle { truth: truth() }),
        Box::new(LearnedOrder::new(&model)),
    ]
}

/// The queue policy of that name (`fifo` is another word for `fcfs`), or `None`; an oracle knows nothing.
pub fn queue_policy(name: &str) -> Option<Box<dyn QueuePolicy>> {
    queue_policy_with(name, &QueueContext::default())
}

/// The same, made from what is known.
pub fn queue_policy_with(name: &str, context: &QueueContext<'_>) -> Option<Box<dyn QueuePolicy>> {
    let name = if name == "fifo" { "fcfs" } else { name };
    queue_policies_with(context).into_iter().find(|p| p.name() == name)
}
