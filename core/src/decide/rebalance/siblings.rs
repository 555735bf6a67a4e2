//! The tasks of each service. Two tasks of one service never share a node, so where a service stands on most
//! nodes, the only way for its tasks to change places is with each other.

use super::RebalanceProblem;

/// Tasks by service.
#[derive(Debug, Clone)]
pub(super) struct Siblings {
    /// Bounds of each service's part of `tasks`.
    start: Vec<u32>,
    tasks: Vec<u32>,
}

impl Siblings {
    pub(super) fn new(problem: &RebalanceProblem) -> Self {
        let mut start = vec![0_u32; problem.parts().services.len() + 1];
        for &service in &problem.service {
            start[service as usize + 1] += 1;
        }
        for service in 1..start.len() {
            start[service] += start[service - 1];
        }
        let mut tasks: Vec<u32> = (0..problem.task_count() as u32).collect();
        tasks.sort_by_key(|&task| problem.service[task as usize]);
        Self { start, tasks }
    }

    /// All tasks of the service.
    #[inline]
    pub(super) fn of(&self, service: u32) -> &[u32] {
        &self.tasks[self.start[service as usize] as usize..self.start[service as usize + 1] as usize]
    }
}
