//! A part that is being carried out: which calls on the world it takes, how far it has come, and the way back when a
//! call is refused. Pure bookkeeping: [`crate::execute`] makes the calls, and after a restart the same bookkeeping runs
//! over the journal again and stands where it stood.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, Binding, Name, Part, PartOutcome, Spot, StepResult};

/// A call on the world. It is done whole, comes under way, or is refused and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Start a pending task.
    Start {
        /// The task.
        task: Name,
        /// Where.
        to: Spot,
    },
    /// Stop a placed task in order (it may save its work); it is pending afterwards.
    Stop {
        /// The task.
        task: Name,
        /// Where it stands.
        from: Spot,
        /// The more important task that it is stopped for, where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        makes_room_for: Option<Name>,
    },
    /// Move a placed task without stopping it: it holds both places until it stands on the new one.
    Move {
        /// The task.
        task: Name,
        /// Where it stands.
        from: Spot,
        /// Where it goes.
        to: Spot,
    },
    /// Let a node take no new tasks, or tasks again.
    Cordon {
        /// The node.
        node: Name,
        /// Whether it is to take none.
        cordoned: bool,
    },
}

impl Call {
    /// The call that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::Start { task, to } => Self::Stop { task, from: to, makes_room_for: None },
            Self::Stop { task, from, .. } => Self::Start { task, to: from },
            Self::Move { task, from, to } => Self::Move { task, from: to, to: from },
            Self::Cordon { node, cordoned } => Self::Cordon { node, cordoned: !cordoned },
        }
    }

    /// The task concerned, if one is.
    pub fn task(&self) -> Option<&Name> {
        match self {
            Self::Start { task, .. } | Self::Stop { task, .. } | Self::Move { task, .. } => Some(task),
            Self::Cordon { .. } => None,
        }
    }
}

/// How an actuator moves a placed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moving {
    /// The task is stopped, is pending, and is started on its new place.
    #[default]
    StopFirst,
    /// The task holds its old place until it stands on the new one.
    StandTwice,
}

/// What the world answers to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Done,
    /// It is begun; readings will tell when it is done.
    Underway,
    /// It was not done: why.
    Refused(String),
    /// It was not done and never will be, however often it is asked for: why.
    Never(String),
}

/// Which way a statement goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Way {
    Forward,
    Back(Refusal),
}

/// Why a statement goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refusal {
    since_seconds: u64,
    /// The step that was refused, and whether some of it had been done.
    step: usize,
    in_part: bool,
    why: String,
}

/// A call that has been made, kept until all that were made with it are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct InHand {
    since_seconds: u64,
    /// Whether the world has said that it is under way.
    heard: bool,
    /// What became of it, once it is over.
    answer: Option<Answer>,
}

/// How long something may be under way, or a way back blocked, before it counts as refused, seconds.
pub const PATIENCE_SECONDS: u64 = 900;

/// Between what was refused and why it could not be taken back.
const NOT_TAKEN_BACK: &str = "; not taken back: ";

/// What a step came to by an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepEnd {
    /// The step's position in its part.
    pub step: usize,
    /// Whether it is done; otherwise its task was disturbed for nothing.
    pub done: bool,
}

/// A part that is being carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    part: Part,
    /// Per step: whom its task belongs to.
    owners: Vec<Option<Name>>,
    /// The calls that the steps take, each with its step.
    calls: Vec<(usize, Call)>,
    /// The calls `checkpoint..at` have had their effect and may have to be taken back.
    checkpoint: usize,
    at: usize,
    way: Way,
    /// The calls that were made together and are not all over: the next ones from `at` on, or backwards from it on the way back.
    #[serde(default)]
    hand: Vec<InHand>,
    /// A way back is blocked: nothing is to be tried before the next turn.
    rests: bool,
    results: Vec<Option<StepResult>>,
    over: bool,
}

impl Statement {
    /// A part of which nothing is done yet; `owners` says for each step whom its task belongs to.
    pub fn new(part: Part, owners: Vec<Option<Name>>, moving: Moving) -> Self {
        let of_step = |at: usize| {
            let calls = calls_of(&part.steps[at], moving, &part.steps[at + 1..]);
            calls.into_iter().map(move |call| (at, call))
        };
        let calls: Vec<_> = (0..part.steps.len()).flat_map(of_step).collect();
        Self {
            over: calls.is_empty(),
            results: vec![None; part.steps.len()],
            part,
            owners,
            calls,
            checkpoint: 0,
            at: 0,
            way: Way::Forward,
            hand: Vec::new(),
            rests: false,
        }
    }

    /// The part.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Whom the task of a step belongs to.
    pub fn owner(&self, step: usize) -> Option<&Name> {
        self.owners.get(step)?.as_ref()
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the part is being taken back.
    pub fn goes_back(&self) -> bool {
        self.way != Way::Forward
    }

    /// The calls that have been made and are not over, since when, and whether the world has said that they are under way: after
    /// a restart it may be that a call was never heard.
    pub fn in_hand(&self) -> impl Iterator<Item = (Call, u64, bool)> {
        let open = self.hand.iter().enumerate().filter(|(_, hand)| hand.answer.is_none());
        open.filter_map(|(nth, hand)| Some((self.call_at(nth)?, hand.since_seconds, hand.heard)))
    }

    /// The calls to be made now, together and at most so many: none while one is in hand, while a way back is blocked, and at
    /// the end. Several are starts of one wave, or stops that make room, none of which needs another; or what takes such back.
    pub fn next_calls(&self, calls_max: usize) -> Vec<Call> {
        if !self.hand.is_empty() || self.rests {
            return Vec::new();
        }
        let Some(&(first, _)) = self.made_at(0) else { return Vec::new() };
        let is_start = |step: usize| matches!(self.part.steps[step], Action::Place { .. });
        let is_stop = |step: usize| matches!(self.part.steps[step], Action::Preempt { .. });
        let needs_no_other =
            |step: usize| (is_start(first) && is_start(step)) || (is_stop(first) && is_stop(step));
        let goes_with_first = |step: usize| {
            self.part.binding != Binding::InOrder
                && needs_no_other(step)
                && self.part.wave_of(step) == self.part.wave_of(first)
        };
        let call = |nth| {
            let (step, _) = self.made_at(nth)?;
            if nth == 0 || goes_with_first(*step) { self.call_at(nth) } else { None }
        };
        (0..calls_max).map_while(call).collect()
    }

    /// What is called so many calls after the next one, with its step; on the way back the call that is taken back.
    fn made_at(&self, nth: usize) -> Option<&(usize, Call)> {
        match self.way {
            _ if self.over => None,
            Way::Forward => self.calls.get(self.at + nth),
            Way::Back(_) => self.calls[self.checkpoint..self.at].iter().rev().nth(nth),
        }
    }

    fn call_at(&self, nth: usize) -> Option<Call> {
        let (_, call) = self.made_at(nth)?;
        Some(if self.goes_back() { call.inverse() } else { call.clone() })
    }

    /// Room that is promised: where tasks of this part will come to stand, and where they may have to come back to.
    pub fn promised(&self) -> impl Iterator<Item = (&Name, &Spot)> {
        let open = if self.over { &[] } else { &self.calls[self.checkpoint..] };
        open.iter().filter_map(|(_, call)| match call {
            Call::Start { task, to } | Call::Move { task, to, .. } => Some((task, to)),
            Call::Stop { task, from, .. } => Some((task, from)),
            Call::Cordon { .. } => None,
        })
    }

    /// The tasks that this part still has a hand on.
    pub fn tasks(&self) -> impl Iterator<Item = &Name> {
        let open = if self.over { &[] } else { &self.calls[self.checkpoint..] };
        open.iter().filter_map(|(_, call)| call.task())
    }

    /// A new turn: what was blocked may be tried again.
    pub fn wake(&mut self) {
        self.rests = false;
    }

    /// A call is about to be made, beside those in hand; or once more, where it may not have been heard.
    pub fn begin(&mut self, call: &Call, now_seconds: u64) {
        self.rests = false;
        let begun = InHand { since_seconds: now_seconds, heard: false, answer: None };
        if self.call_at(self.hand.len()).as_ref() == Some(call) {
            self.hand.push(begun);
        } else if let Some(nth) = self.nth_in_hand(call) {
            self.hand[nth] = begun;
        }
    }

    fn nth_in_hand(&self, call: &Call) -> Option<usize> {
        (0..self.hand.len()).find(|&nth| self.call_at(nth).as_ref() == Some(call))
    }

    /// Takes in what became of a call in hand, of the first one where it is not named; says which steps are over by it.
    pub fn answer(&mut self, call: Option<&Call>, answer: &Answer, now_seconds: u64) -> Vec<StepEnd> {
        let nth = call.map_or(Some(0), |call| self.nth_in_hand(call));
        let Some(hand) = nth.and_then(|nth| self.hand.get_mut(nth)) else { return Vec::new() };
        if *answer == Answer::Underway {
            hand.heard = true;
            return Vec::new();
        }
        hand.answer = Some(answer.clone());
        if self.hand.iter().any(|hand| hand.answer.is_none()) {
            return Vec::new();
        }
        let answers = std::mem::take(&mut self.hand).into_iter().filter_map(|hand| hand.answer).collect();
        if self.goes_back() {
            self.back(answers, now_seconds).into_iter().collect()
        } else {
            self.forward(answers, now_seconds)
        }
    }

    fn forward(&mut self, answers: Vec<Answer>, now_seconds: u64) -> Vec<StepEnd> {
        let end = self.at + answers.len();
        let made = self.calls[self.at..end].iter().cloned().zip(answers);
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for (call, answer) in made {
            match answer {
                Answer::Refused(why) | Answer::Never(why) => refused.push((call, why)),
                _ => done.push(call),
            }
        }
        let mut ends = Vec::new();
        let count = done.len();
        // What is done stands before what is not: a way back goes through it alone.
        self.calls.splice(self.at..end, done.into_iter().chain(refused.iter().map(|(call, _)| call.clone())));
        ends.extend((0..count).filter_map(|_| self.step_on()));
        for ((step, _), why) in refused {
            if self.over || self.goes_back() {
                self.results[step] = Some(StepResult::Refused(why));
                continue;
            }
            let in_part = self.at > self.checkpoint && self.calls[self.at - 1].0 == step;
            self.way = Way::Back(Refusal { since_seconds: now_seconds, step, in_part, why });
            ends.extend(self.at_checkpoint());
        }
        ends
    }

    /// The next call has had its effect.
    fn step_on(&mut self) -> Option<StepEnd> {
        let step = self.calls[self.at].0;
        self.at += 1;
        if self.calls.get(self.at).is_some_and(|(next, _)| *next == step) {
            return None;
        }
        self.results[step] = Some(StepResult::Done);
        if self.part.binding != Binding::AllOrNone {
            self.checkpoint = self.at;
        }
        self.over = self.at == self.calls.len();
        Some(StepEnd { step, done: true })
    }

    fn back(&mut self, answers: Vec<Answer>, now_seconds: u64) -> Option<StepEnd> {
        let Way::Back(refusal) = &mut self.way else { return None };
        let waited = now_seconds.saturating_sub(refusal.since_seconds);
        let (first, end) = (self.at - answers.len(), self.at);
        let (mut blocked, mut over) = (Vec::new(), Vec::new());
        for (made, answer) in self.calls[first..end].iter().rev().cloned().zip(answers) {
            let may_ask_again = matches!(answer, Answer::Refused(_));
            if let Answer::Refused(again) | Answer::Never(again) = answer {
                // A task that cannot come back waits and is seen by the next plan; one that cannot leave is asked again.
                if may_ask_again && !matches!(made.1, Call::Stop { .. }) && waited < PATIENCE_SECONDS {
                    blocked.push(made);
                    continue;
                }
                // One of many says enough.
                if !refusal.why.contains(NOT_TAKEN_BACK) {
                    refusal.why = format!("{}{NOT_TAKEN_BACK}{again}", refusal.why);
                }
            }
            over.push(made);
        }
        self.rests = !blocked.is_empty();
        self.at = first + blocked.len();
        self.calls.splice(first..end, blocked.into_iter().rev().chain(over));
        self.at_checkpoint()
    }

    /// On the way back: when the checkpoint is reached, says what became of the steps, and goes on where the binding
    /// allows.
    fn at_checkpoint(&mut self) -> Option<StepEnd> {
        if self.at > self.checkpoint {
            return None;
        }
        let Way::Back(Refusal { step, in_part, why, .. }) = std::mem::replace(&mut self.way, Way::Forward)
        else {
            return None;
        };
        for &(undone, _) in &self.calls[self.checkpoint..] {
            if self.results[undone] == Some(StepResult::Done) {
                let undone = &mut self.results[undone];
                *undone = Some(StepResult::Undone(format!("step {} was refused: {why}", step + 1)));
            }
        }
        self.results[step] = Some(if in_part { StepResult::Undone(why) } else { StepResult::Refused(why) });
        if self.part.binding == Binding::Each {
            self.at += self.calls[self.at..].iter().take_while(|(of, _)| *of == step).count();
            self.checkpoint = self.at;
        }
        self.over = self.part.binding != Binding::Each || self.at == self.calls.len();
        in_part.then_some(StepEnd { step, done: false })
    }

    /// What has become of the part so far.
    pub fn outcome(&self) -> PartOutcome {
        let count = if self.goes_back() { 1 } else { self.hand.len().max(1) };
        let end = if self.over { self.at } else { self.at + count };
        let current: BTreeSet<usize> = (self.at..end).filter_map(|at| Some(self.calls.get(at)?.0)).collect();
        let of = |(at, result): (usize, &Option<StepResult>)| match result {
            Some(result) => result.clone(),
            None if current.contains(&at) => StepResult::Underway,
            None => StepResult::NotTried,
        };
        PartOutcome { key: self.part.key, results: self.results.iter().enumerate().map(of).collect() }
    }
}

/// What a step asks for; `later` are the steps of its part that follow, of which the first start is what a stop makes room for.
fn calls_of(step: &Action, moving: Moving, later: &[Action]) -> Vec<Call> {
    match (step.clone(), moving) {
        (Action::Place { task, to }, _) => vec![Call::Start { task, to }],
        (Action::Migrate { task, from, to }, Moving::StopFirst) => {
            let stop = Call::Stop { task: task.clone(), from, makes_room_for: None };
            vec![stop, Call::Start { task, to }]
        }
        (Action::Migrate { task, from, to }, Moving::StandTwice) => vec![Call::Move { task, from, to }],
        (Action::Preempt { task, from }, _) => {
            let started = |step: &Action| match step {
                Action::Place { task, .. } => Some(task.clone()),
                _ => None,
            };
            vec![Call::Stop { task, from, makes_room_for: later.iter().find_map(started) }]
        }
        (Action::Cordon { node }, _) => vec![Call::Cordon { node, cordoned: true }],
        (Action::Uncordon { node }, _) => vec![Call::Cordon { node, cordoned: false }],
    }
}
