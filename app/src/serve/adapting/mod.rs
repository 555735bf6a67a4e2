//! Learning in service: beside the loop, at low priority and within its share of a core, placements are learned on the cluster's own mix;
//! those that pass the gate are kept as candidates, and one of them may take the place of the placement that serves.

mod book;
mod candidates;
mod history;
mod pace;
mod placement;
mod worker;

use lepton_core::decide::guard::{Gate, ProvingGround};
use lepton_core::decide::plan::DecideConfig;
use lepton_core::model::{CameTask, Snapshot};
use lepton_edges::store::Store;

use super::config::{Adapt, ServeConfig};
pub(super) use book::{Book, FACT, read_model};
pub(super) use candidates::{
    CandidateState, CandidatesBody, CandidatesView, LearnedRow, VerdictRow, figures_of, verdicts_of,
};
use history::History;
pub(super) use placement::ServingPlacement;
use worker::Worker;
pub(super) use worker::{Ended, Lesson};

/// Tasks that have come since learning began last after which it begins again, where the mix and the placement that serves are still the
/// same.
const TASKS_BETWEEN: usize = 512;

/// What learning began with.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) mix_version: u64,
    /// What served.
    pub(super) parent: ServingPlacement,
    /// Tasks of the recent history.
    pub(super) tasks: usize,
    /// The cluster's time, seconds.
    pub(super) began_seconds: u64,
}

/// The loop's side of it.
pub(super) struct Adapting {
    adapt: Adapt,
    cpu_percent: u32,
    /// None where nothing is learned, and after a panic.
    worker: Option<Worker>,
    history: History,
    pub(super) book: Book,
    /// What is learned now.
    asked: Option<Asked>,
    /// Mix and placement that it was learned for last.
    last: Option<(u64, String)>,
    tasks_since: usize,
}

impl Adapting {
    /// Starts the thread, if the settings say so.
    ///
    /// # Errors
    /// When the candidates of before cannot be read, or no thread can be started.
    pub(super) fn start(config: &ServeConfig, store: &Store) -> anyhow::Result<Self> {
        let learns = config.adapt != Adapt::Off && config.learned_placement;
        let start = || Worker::start(config.adapt_cpu_percent, config.simulation.seed);
        Ok(Self {
            adapt: config.adapt,
            cpu_percent: config.adapt_cpu_percent,
            worker: learns.then(start).transpose()?,
            history: History::default(),
            book: Book::open(store, config)?,
            asked: None,
            last: None,
            tasks_since: 0,
        })
    }

    /// Whether what passes the gate is promoted at once.
    pub(super) fn promotes(&self) -> bool {
        self.adapt == Adapt::Promote
    }

    /// Takes in what came since the last look.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        self.tasks_since += self.history.look(&snapshot.recent);
    }

    /// The loop has forgotten what came.
    pub(super) fn forgotten(&mut self) {
        self.history.forgotten();
    }

    /// What came lately.
    pub(super) fn came(&self) -> Vec<CameTask> {
        self.history.tasks()
    }

    /// Begins to learn where there is a reason: a mix, a placement or a history that it was not learned for yet.
    pub(super) fn consider(&mut self, snapshot: &Snapshot, serving: &ServingPlacement) {
        let Some(worker) = self.worker.as_ref().filter(|_| self.asked.is_none()) else { return };
        let (mix_version, tasks) = (snapshot.mix.version, self.history.len());
        let enough = ProvingGround::windows_of(tasks) >= Gate::default().pairs_least;
        let about = (mix_version, serving.id.clone());
        let is_new = self.last.as_ref() != Some(&about) || self.tasks_since >= TASKS_BETWEEN;
        if mix_version == 0 || !enough || !is_new {
            return;
        }
        let number = self.book.next();
        let lesson = Lesson {
            number,
            cluster: snapshot.cluster.clone(),
            target: snapshot.mix.target(),
            came: self.history.tasks(),
            serving: serving.model.clone(),
            rule: DecideConfig::default().policy,
        };
        if worker.ask(lesson) {
            (self.last, self.tasks_since) = (Some(about), 0);
            let (parent, began_seconds) = (serving.clone(), snapshot.time_seconds);
            self.asked = Some(Asked { number, mix_version, parent, tasks, began_seconds });
        }
    }

    /// What was learned, once it is done.
    pub(super) fn ended(&mut self) -> Option<(Asked, Ended)> {
        match self.worker.as_ref()?.ended() {
            Ok(ended) => ended.and_then(|ended| Some((self.asked.take()?, ended))),
            Err(()) => {
                crate::output::note("learning beside the loop ended by a panic; the loop goes on without it");
                (self.worker, self.asked) = (None, None);
                None
            }
        }
    }

    /// After a panic of the loop, with what its store has of candidates.
    pub(super) fn begin_anew(&mut self, book: Book) {
        self.book = book;
        self.history.forgotten();
    }

    /// For all who look.
    pub(super) fn view(&self) -> CandidatesView {
        let learning = self
            .asked
            .as_ref()
            .zip(self.worker.as_ref())
            .map(|(asked, worker)| LearnedRow { curve: worker.curve(), ..LearnedRow::begun(asked) });
        let figures = self.worker.as_ref().map(Worker::figures).unwrap_or_default();
        CandidatesView {
            adapt: self.adapt.name(),
            cpu_percent: self.cpu_percent,
            serving: self.book.serving().map(str::to_owned),
            problem: self.book.problem().map(str::to_owned),
            learning,
            rows: self.book.rows(),
            figures,
        }
    }
}
