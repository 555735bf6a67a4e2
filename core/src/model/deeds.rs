//! What decisions came to, act by act: who reads that a loop has moved forty tasks wants to know what for.

use serde::Serialize;

use super::{ActionKind, DecisionRecord, Reason, StepResult};

/// What a loop acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Clears nodes that are failing or about to, and gives them back.
    Protect,
    /// Takes work off hot nodes.
    Relieve,
    /// Starts what waits and fits.
    Start,
    /// Moves or stops tasks so that others fit.
    MakeRoom,
    /// Makes the placement cheaper.
    Rebalance,
}

impl Act {
    /// All, in the order of disturbance that they are meant to prevent.
    pub const ALL: [Self; 5] = [Self::Protect, Self::Relieve, Self::Start, Self::MakeRoom, Self::Rebalance];

    /// A stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Protect => "protect",
            Self::Relieve => "relieve",
            Self::Start => "start",
            Self::MakeRoom => "make-room",
            Self::Rebalance => "rebalance",
        }
    }
}

impl Reason {
    /// What this is a reason for.
    pub fn act(self) -> Act {
        match self {
            Self::NodeFailing | Self::NodeCalm => Act::Protect,
            Self::NodeOverloaded => Act::Relieve,
            Self::PendingTaskFits => Act::Start,
            Self::StrandedCapacity | Self::HigherPriority => Act::MakeRoom,
            Self::CheaperPlacement => Act::Rebalance,
        }
    }
}

/// What one act came to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Deeds {
    /// Tasks placed.
    pub placed: usize,
    /// Tasks moved.
    pub moved: usize,
    /// Tasks stopped for others.
    pub stopped: usize,
    /// Nodes cordoned, and cordons ended.
    pub cordons: usize,
    /// Steps that were refused, taken back or not tried.
    pub not_done: usize,
    /// What the parts of which a step was done were expected to gain, device-minutes.
    pub gain: f64,
    /// What they were expected to cost, device-minutes.
    pub cost: f64,
}

/// What each act came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DeedsByAct([Deeds; Act::ALL.len()]);

impl DeedsByAct {
    /// Takes in the decisions of a turn, with their results. A decision that was not carried out at all, as of a loop that only
    /// recommends, is no deed.
    pub fn add(&mut self, records: &[DecisionRecord]) {
        // A part's worth stands at each of its steps.
        let mut reckoned = None;
        for record in records {
            let (Some(reason), Some(step), Some(result)) = (record.reason, record.step, &record.result)
            else {
                continue;
            };
            let deeds = &mut self.0[reason.act() as usize];
            if !matches!(result, StepResult::Done | StepResult::Underway) {
                deeds.not_done += 1;
                continue;
            }
            match record.action {
                ActionKind::Place => deeds.placed += 1,
                ActionKind::Migrate => deeds.moved += 1,
                ActionKind::Preempt => deeds.stopped += 1,
                ActionKind::Cordon | ActionKind::Uncordon => deeds.cordons += 1,
                ActionKind::Wait => {}
            }
            if reckoned.replace(step.part) != Some(step.part) {
                deeds.gain += record.gain;
                deeds.cost += record.cost;
            }
        }
    }

    /// The acts that came to anything.
    pub fn iter(&self) -> impl Iterator<Item = (Act, &Deeds)> {
        Act::ALL.into_iter().zip(&self.0).filter(|(_, deeds)| **deeds != Deeds::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PartKey, StepKey};

    fn record(part: u32, step: u32, (action, reason): (ActionKind, Reason), done: bool) -> DecisionRecord {
        let key = PartKey { turn: 1, number: part };
        let result = if done { StepResult::Done } else { StepResult::Refused("no room".to_owned()) };
        DecisionRecord {
            turn: 1,
            number: 0,
            step: Some(StepKey { part: key, step }),
            time_seconds: 60,
            input_digest: 0,
            action,
            task: None,
            from: None,
            to: None,
            reason: Some(reason),
            policy: String::new(),
            candidates: Vec::new(),
            ruled_out: Vec::new(),
            ruled_out_nodes: Vec::new(),
            waits_for: None,
            gain: 10.0,
            cost: 2.0,
            result: Some(result),
        }
    }

    #[test]
    fn the_worth_of_a_part_counts_once_and_what_was_refused_does_not_count() {
        let room = |kind| (kind, Reason::StrandedCapacity);
        let mut deeds = DeedsByAct::default();
        deeds.add(&[
            record(0, 0, room(ActionKind::Migrate), true),
            record(0, 1, room(ActionKind::Place), true),
            record(1, 0, (ActionKind::Place, Reason::PendingTaskFits), false),
            DecisionRecord { result: None, ..record(2, 0, room(ActionKind::Migrate), true) },
        ]);
        let expected = [
            (Act::Start, Deeds { not_done: 1, ..Deeds::default() }),
            (Act::MakeRoom, Deeds { placed: 1, moved: 1, gain: 10.0, cost: 2.0, ..Deeds::default() }),
        ];
        assert_eq!(deeds.iter().map(|(act, deeds)| (act, *deeds)).collect::<Vec<_>>(), expected);
    }
}
