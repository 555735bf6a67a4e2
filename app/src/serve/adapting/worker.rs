//! The thread that learns: it is given a cluster, a mix and a history, learns from the placement that serves, and has the gate judge what
//! came of it.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use lepton_core::decide::guard::ProvingGround;
use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{CameTask, Cluster};
use lepton_learn::{Adapted, Judgement, Passed, adapt, adaptation_options, judge};

use super::candidates::{AdaptingFigures, CurvePoint};
use super::pace::{Pace, Rest, be_humble};

/// What is learned from.
pub(in crate::serve) struct Lesson {
    /// Tells the trainings of a service apart.
    pub(super) number: u64,
    pub(super) cluster: Cluster,
    pub(super) target: TargetWorkload,
    pub(super) came: Vec<CameTask>,
    pub(super) serving: PlacementModel,
    /// What places where no learned placement serves.
    pub(super) rule: String,
}

/// What came of it.
pub(in crate::serve) struct Ended {
    /// Nodes of the model of the cluster; 0 where there was nothing to learn from.
    pub(in crate::serve) nodes: usize,
    pub(in crate::serve) curve: Vec<CurvePoint>,
    /// None where there was nothing to learn from.
    pub(in crate::serve) adapted: Option<Adapted>,
    /// What the gate said; none where nothing better was found that it could have judged.
    pub(in crate::serve) judged: Option<Result<Box<Passed>, Judgement>>,
}

/// What others see while it learns.
#[derive(Debug, Default)]
struct Seen {
    curve: Vec<CurvePoint>,
    /// Generations since the start of the service.
    generations: u64,
}

/// The thread.
pub(super) struct Worker {
    /// None once it is to end.
    lessons: Option<SyncSender<Lesson>>,
    learned: Receiver<Ended>,
    rest: Arc<Rest>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(percent: u32, seed: u64) -> std::io::Result<Self> {
        let (lessons, given) = sync_channel::<Lesson>(1);
        let (ends, learned) = sync_channel(1);
        let (rest, seen) = (Arc::new(Rest::default()), Arc::new(Mutex::new(Seen::default())));
        let (resting, shown) = (Arc::clone(&rest), Arc::clone(&seen));
        let work = move || {
            be_humble();
            for lesson in given {
                let pace = Pace::new(&resting, percent);
                let Some(ended) = learn(&lesson, seed, &pace, &shown) else { return };
                if ends.send(ended).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("adapt".to_owned()).spawn(work)?;
        Ok(Self { lessons: Some(lessons), learned, rest, seen, thread: Some(thread) })
    }

    /// Whether it takes the lesson.
    pub(super) fn ask(&self, lesson: Lesson) -> bool {
        self.lessons.as_ref().is_some_and(|lessons| lessons.try_send(lesson).is_ok())
    }

    /// What it has learned, if it is done; an error where it has ended.
    pub(super) fn ended(&self) -> Result<Option<Ended>, ()> {
        match self.learned.try_recv() {
            Ok(ended) => Ok(Some(ended)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(()),
        }
    }

    /// The generations of what is learned now.
    pub(super) fn curve(&self) -> Vec<CurvePoint> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).curve.clone()
    }

    pub(super) fn figures(&self) -> AdaptingFigures {
        let generations = self.seen.lock().unwrap_or_else(PoisonError::into_inner).generations;
        AdaptingFigures { generations, cpu_seconds: self.rest.cpu().as_secs_f64() }
    }
}

/// It ends with the loop, in the middle of a lesson too.
impl Drop for Worker {
    fn drop(&mut self) {
        self.rest.end();
        self.lessons = None;
        if let Some(thread) = self.thread.take() {
            // What it would have learned is not waited for, and a panic there has been told.
            let _ = thread.join();
        }
    }
}

/// None where it was ended.
fn learn(lesson: &Lesson, seed: u64, pace: &Pace<'_>, seen: &Mutex<Seen>) -> Option<Ended> {
    let look = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    look().curve.clear();
    let Lesson { number, cluster, target, came, serving, rule } = lesson;
    let Some(ground) = ProvingGround::new(cluster, target, came, rule) else {
        return Some(Ended { nodes: 0, curve: Vec::new(), adapted: None, judged: None });
    };
    let breathe = || pace.breathe();
    let progress = |generation: &lepton_learn::GenerationRecord| {
        let mut seen = look();
        seen.generations += u64::from(generation.generation > 0);
        seen.curve.push(CurvePoint::of(generation));
    };
    let adapted = adapt(&ground, serving, &adaptation_options(), (seed, *number), &breathe, &progress)?;
    // Where nothing was better on the checks there is nothing to judge.
    let is_news = adapted.model.weights() != serving.weights();
    let judged = match is_news {
        true => Some(judge(&ground, &adapted.model, serving, *number, &breathe)?.map(Box::new)),
        false => None,
    };
    let curve = look().curve.clone();
    Some(Ended { nodes: ground.nodes(), curve, adapted: Some(adapted), judged })
}
