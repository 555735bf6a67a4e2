//! Slow thinking beside the loop: a thread that thinks on a copy of what the loop believed when it was free, one thought after the
//! other. A turn never waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use lepton_core::analyze::{StartBand, expected_starts};
use lepton_core::decide::deliberate::{DeliberateConfig, Deliberation, Thoughts};
use lepton_core::decide::plan::DecideConfig;
use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::{Assessment, Name, Snapshot};

/// Turns between two thoughts at least.
const TURNS_BETWEEN: u64 = 5;

/// What is thought about: chains of moves, where they are asked for, and a learned placement, where one may serve.
pub(super) fn deliberation(rearrange: bool, placement: Option<&PlacementModel>) -> Deliberation {
    Deliberation {
        rearrange: rearrange.then(DeliberateConfig::default),
        placement: placement.map(|model| (model.clone(), DecideConfig::default().policy)),
    }
}

/// The situation to think about.
struct Question {
    snapshot: Box<Snapshot>,
    assessment: Assessment,
    turn: u64,
}

/// What was found out about a situation.
pub(super) struct Considered {
    /// What the loop may take up; none where there was nothing to think about.
    pub(super) thoughts: Option<Thoughts>,
    /// When what waits is expected to start.
    pub(super) starts: BTreeMap<Name, StartBand>,
    /// When the situation was, seconds.
    pub(super) time_seconds: u64,
}

/// The thread.
struct Thinker {
    questions: SyncSender<Question>,
    considered: Receiver<Considered>,
    thread: JoinHandle<()>,
    /// Thinks now.
    busy: bool,
}

/// Slow thinking.
pub(super) struct Beside {
    /// None after a panic.
    thinker: Option<Thinker>,
    /// Whether there is anything to think about where nothing waits.
    thinks: bool,
    asked_turn: u64,
    stop: Arc<AtomicBool>,
}

impl Beside {
    /// Starts the thread.
    pub(super) fn start(about: Deliberation, seed: u64) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let thinks = !about.is_empty();
        let thinker = Some(Thinker::start(about, seed, Arc::clone(&stop))?);
        Ok(Self { thinker, thinks, asked_turn: 0, stop })
    }

    /// What was found out since the last time, if it is done.
    pub(super) fn considered(&mut self) -> Option<Considered> {
        let thinker = self.thinker.as_mut()?;
        match thinker.considered.try_recv() {
            Ok(considered) => {
                thinker.busy = false;
                Some(considered)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                crate::output::note("slow thinking ended by a panic; the loop goes on without it");
                self.thinker = None;
                None
            }
        }
    }

    /// Gives it a situation to think about, unless it is at one or has just been.
    pub(super) fn consider(&mut self, snapshot: &Snapshot, assessment: &Assessment, turn: u64) {
        let due = turn >= self.asked_turn + TURNS_BETWEEN && (self.thinks || !snapshot.pending.is_empty());
        let Some(thinker) = self.thinker.as_mut().filter(|thinker| due && !thinker.busy) else { return };
        let question =
            Question { snapshot: Box::new(snapshot.clone()), assessment: assessment.clone(), turn };
        thinker.busy = thinker.questions.try_send(question).is_ok();
        self.asked_turn = turn;
    }
}

impl Thinker {
    fn start(about: Deliberation, seed: u64, stop: Arc<AtomicBool>) -> std::io::Result<Self> {
        let (questions, asked) = sync_channel::<Question>(1);
        let (answers, considered) = sync_channel(1);
        let think = move || {
            for Question { snapshot, assessment, turn } in asked {
                let stopped = || stop.load(Ordering::Relaxed);
                let starts = expected_starts(&snapshot, &assessment, seed ^ turn);
                let think = || about.think(&snapshot, &assessment, (seed ^ turn, 1), &stopped);
                let thoughts = (!about.is_empty()).then(think);
                let time_seconds = snapshot.time_seconds;
                if answers.send(Considered { thoughts, starts, time_seconds }).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("beside".to_owned()).spawn(think)?;
        Ok(Self { questions, considered, thread, busy: false })
    }
}

/// The thread ends with the loop, in the middle of a thought too.
impl Drop for Beside {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Thinker { questions, considered, thread, .. }) = self.thinker.take() {
            drop((questions, considered));
            // What it thought of is not waited for.
            let _ = thread.join();
        }
    }
}
