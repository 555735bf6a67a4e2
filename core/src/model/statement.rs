//! A part that is being carried out: which calls on the world it takes, how far it has come, and the way back when a
//! call is refused. Pure bookkeeping: [`crate::execute`] makes the calls, and after a restart the same bookkeeping runs
//! over the journal again and stands where it stood.

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
            Self::Start { task, to } => Self::Stop { task, from: to },
            Self::Stop { task, from } => Self::Start { task, to: from },
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

/// A call that has been made and is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct InHand {
    since_seconds: u64,
    /// Whether the world has said that it is under way.
    heard: bool,
}

/// How long something may be under way, or a way back blocked, before it counts as refused, seconds.
pub const PATIENCE_SECONDS: u64 = 900;

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
    in_hand: Option<InHand>,
    /// A way back is blocked: nothing is to be tried before the next turn.
    rests: bool,
    results: Vec<Option<StepResult>>,
    over: bool,
}

impl Statement {
    /// A part of which nothing is done yet; `owners` says for each step whom its task belongs to.
    pub fn new(part: Part, owners: Vec<Option<Name>>, moving: Moving) -> Self {
        let of_step = |(at, step)| calls_of(step, moving).into_iter().map(move |call| (at, call));
        let calls: Vec<_> = part.steps.iter().enumerate().flat_map(of_step).collect();
        Self {
            over: calls.is_empty(),
            results: vec![None; part.steps.len()],
            part,
            owners,
            calls,
            checkpoint: 0,
            at: 0,
            way: Way::Forward,
            in_hand: None,
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

    /// The call that has been made and is not over, since when, and whether the world has said that it is under way: after
    /// a restart it may be that the call was never heard.
    pub fn in_hand(&self) -> Option<(Call, u64, bool)> {
        let InHand { since_seconds, heard } = self.in_hand?;
        Some((self.current()?, since_seconds, heard))
    }

    /// The call to be made now: none while one is in hand, while a way back is blocked, and at the end.
    pub fn next_call(&self) -> Option<Call> {
        if self.in_hand.is_some() || self.rests { None } else { self.current() }
    }

    fn current(&self) -> Option<Call> {
        match self.way {
            _ if self.over => None,
            Way::Forward => self.calls.get(self.at).map(|(_, call)| call.clone()),
            Way::Back(_) => self.calls.get(self.at.checked_sub(1)?).map(|(_, call)| call.inverse()),
        }
    }

    /// Room that is promised: where tasks of this part will come to stand, and where they may have to come back to.
    pub fn promised(&self) -> impl Iterator<Item = (&Name, &Spot)> {
        let open = if self.over { &[] } else { &self.calls[self.checkpoint..] };
        open.iter().filter_map(|(_, call)| match call {
            Call::Start { task, to } | Call::Move { task, to, .. } => Some((task, to)),
            Call::Stop { task, from } => Some((task, from)),
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

    /// The current call is about to be made.
    pub fn begin(&mut self, now_seconds: u64) {
        self.rests = false;
        self.in_hand = Some(InHand { since_seconds: now_seconds, heard: false });
    }

    /// Takes in what became of the current call; says when a step is over by it.
    pub fn answer(&mut self, answer: &Answer, now_seconds: u64) -> Option<StepEnd> {
        let current = self.current()?;
        if *answer == Answer::Underway {
            let since_seconds = self.in_hand.map_or(now_seconds, |hand| hand.since_seconds);
            self.in_hand = Some(InHand { since_seconds, heard: true });
            return None;
        }
        self.in_hand = None;
        match (&mut self.way, answer) {
            (Way::Forward, Answer::Refused(why)) => {
                let step = self.calls[self.at].0;
                let in_part = self.at > self.checkpoint && self.calls[self.at - 1].0 == step;
                let why = why.clone();
                self.way = Way::Back(Refusal { since_seconds: now_seconds, step, in_part, why });
                self.at_checkpoint()
            }
            (Way::Forward, _) => self.forward(),
            (Way::Back(refusal), Answer::Refused(again)) => {
                let waited = now_seconds.saturating_sub(refusal.since_seconds);
                // A task that cannot come back waits and is seen by the next plan; one that cannot leave is asked again.
                if !matches!(current, Call::Start { .. }) && waited < PATIENCE_SECONDS {
                    self.rests = true;
                    return None;
                }
                refusal.why = format!("{}; not taken back: {again}", refusal.why);
                self.at -= 1;
                self.at_checkpoint()
            }
            (Way::Back(_), _) => {
                self.at -= 1;
                self.at_checkpoint()
            }
        }
    }

    fn forward(&mut self) -> Option<StepEnd> {
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
        let first = self.calls[self.checkpoint].0;
        for result in &mut self.results[first..step] {
            *result = Some(StepResult::Undone(format!("step {} was refused: {why}", step + 1)));
        }
        self.results[step] = Some(if in_part { StepResult::Undone(why) } else { StepResult::Refused(why) });
        if self.part.binding == Binding::Each {
            self.at = self.calls.iter().position(|(of, _)| *of > step).unwrap_or(self.calls.len());
            self.checkpoint = self.at;
        }
        self.over = self.part.binding != Binding::Each || self.at == self.calls.len();
        in_part.then_some(StepEnd { step, done: false })
    }

    /// What has become of the part so far.
    pub fn outcome(&self) -> PartOutcome {
        let current = self.calls.get(self.at).map(|(step, _)| *step).filter(|_| !self.over);
        let of = |(at, result): (usize, &Option<StepResult>)| match result {
            Some(result) => result.clone(),
            None if current == Some(at) => StepResult::Underway,
            None => StepResult::NotTried,
        };
        PartOutcome { key: self.part.key, results: self.results.iter().enumerate().map(of).collect() }
    }
}

fn calls_of(step: &Action, moving: Moving) -> Vec<Call> {
    match (step.clone(), moving) {
        (Action::Place { task, to }, _) => vec![Call::Start { task, to }],
        (Action::Migrate { task, from, to }, Moving::StopFirst) => {
            vec![Call::Stop { task: task.clone(), from }, Call::Start { task, to }]
        }
        (Action::Migrate { task, from, to }, Moving::StandTwice) => vec![Call::Move { task, from, to }],
        (Action::Preempt { task, from }, _) => vec![Call::Stop { task, from }],
        (Action::Cordon { node }, _) => vec![Call::Cordon { node, cordoned: true }],
        (Action::Uncordon { node }, _) => vec![Call::Cordon { node, cordoned: false }],
    }
}
