//! What came lately, longer than the loop itself keeps it: the loop forgets it with each look at the placement that serves.

use std::collections::VecDeque;

use lepton_core::decide::guard::ProvingGround;
use lepton_core::model::{CameTask, RecentTasks};

/// The last tasks that came, the newest last.
#[derive(Debug, Default)]
pub(super) struct History {
    tasks: VecDeque<CameTask>,
    /// So many of those that the loop has were taken in.
    seen: usize,
}

impl History {
    /// Takes in what is new; how many tasks that are. Where the loop has as many as it keeps it is not known which are new: none are taken
    /// until it has looked at them.
    pub(super) fn look(&mut self, recent: &RecentTasks) -> usize {
        let came = recent.came();
        let new = came.len().saturating_sub(self.seen);
        self.tasks.extend(came.skip(self.seen));
        self.seen += new;
        let over = self.tasks.len().saturating_sub(ProvingGround::tasks_enough());
        self.tasks.drain(..over);
        new
    }

    /// The loop has forgotten what came so far.
    pub(super) fn forgotten(&mut self) {
        self.seen = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn tasks(&self) -> Vec<CameTask> {
        self.tasks.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_is_taken_in_once_also_when_the_loop_forgets() {
        let (mut history, mut recent) = (History::default(), RecentTasks::default());
        let mut next = 0;
        let mut come = |recent: &mut RecentTasks, tasks: usize| {
            for _ in 0..tasks {
                recent.note_arrival(0, CameTask { cpu_millicores: next, devices: None });
                next += 1;
            }
        };
        come(&mut recent, 3);
        assert_eq!(history.look(&recent), 3);
        come(&mut recent, 2);
        assert_eq!((history.look(&recent), history.look(&recent)), (2, 0));
        recent.forget_came();
        history.forgotten();
        come(&mut recent, 7);
        assert_eq!(history.look(&recent), 7);
        let seen: Vec<i64> = history.tasks().iter().map(|task| task.cpu_millicores).collect();
        assert_eq!(seen, (0..12).collect::<Vec<i64>>());
        for _ in 0..10 {
            recent.forget_came();
            history.forgotten();
            come(&mut recent, 1000);
            history.look(&recent);
        }
        assert_eq!(history.len(), ProvingGround::tasks_enough());
        assert_eq!(history.tasks().last().map(|task| task.cpu_millicores), Some(10_011));
    }
}
