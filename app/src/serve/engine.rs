//! The loop as a service: a thread that owns the cluster, the cycle and the store, turns periodically, and between turns answers
//! what comes into its mailbox. A turn that fails or panics degrades the loop and does not end it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use lepton_core::analyze::AnalystConfig;
use lepton_core::collect::CollectConfig;
use lepton_core::cycle::{Cycle, CycleConfig, CycleReport, Lap, Means, Stage};
use lepton_core::decide::deliberate::{Deliberation, Thoughts};
use lepton_core::decide::plan::{Decider, Scope};
use lepton_core::decide::policy::PlacementModel;
use lepton_core::execute::Journal;
use lepton_core::model::{Clock as _, Memory, Mode, Modes, Outcome, PartKey, PartOutcome, Plan, StepResult};
use lepton_edges::store::{AuditLine, Relay, SeriesKeeper, Store, Target, TurnRows};
use lepton_sim::world::Measures;

use super::adapting::{Adapting, ServingPlacement};
use super::auditing::{self, TokenWatch};
use super::beside::{Beside, Considered, deliberation};
use super::chronicle::Chronicle;
use super::config::{ServeConfig, mode_name};
use super::connection::{Connection, Ports, ToKafka, WrongSettings, connect, pause};
use super::figures::{Begun, StageSeconds, TurnFigures};
use super::logged::{Logged, log_waiting};
use super::nodes::NodeBytes;
use super::people::{self, Request};
use super::policies::PoliciesBody;
use super::recorder;
use super::recording::{Proposal, TurnJournal};
use super::sampling::Sampler;
use super::snoozes::Snoozes;
use super::starts::Starts;
use super::turn_traces::{TurnTraces, Turned};
use super::upkeep::{self, Upkeep};
use super::view::{Health, Published, View};
use crate::clock::WallClock;
use crate::recordings::{self, DeciderSettings, Line, Recorder, Thought};

/// Longest sleep between two looks at the stop flag.
const NAP: Duration = Duration::from_millis(50);
/// The shortest time from one turn to the next that should not wait; it is at least as long as the turn before.
const URGENT_PAUSE: Duration = Duration::from_millis(5);
/// Time between two looks whether the next turn should wait.
const URGENT_NAP: Duration = Duration::from_millis(2);
/// After a turn for what waits the next whole one comes after so many times as long as a whole one takes, where it would not come sooner: it
/// shows what has come, and whoever comes meanwhile seldom meets it.
const WHOLE_TURN_PAUSES: f64 = 100.0;
/// How long a database elsewhere may take for the last that it is told.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Name of the fact that tells this store's rows from those of others in one database.
const INSTANCE: &str = "instance";
/// Lines of the audit that wait while the store cannot be written.
const LINES_WAIT_MAX: usize = 1000;

/// How many turns the loop takes, and what comes then.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turns {
    /// Until a signal comes.
    Endless,
    /// After so many it ends.
    Ending(u64),
    /// After so many it stands until a signal comes: it answers, but no time passes any more.
    Standing(u64),
}

/// A turn as it is watched from within this process, and how the cluster stood when the next one was due.
pub(crate) struct Watched {
    /// The cluster's time, seconds.
    pub(crate) now_seconds: u64,
    pub(crate) nodes: usize,
    pub(crate) devices: usize,
    pub(crate) report: CycleReport,
    /// The figures of a simulated cluster.
    pub(crate) measures: Measures,
}

/// Watches turns of a simulated cluster.
pub(crate) type Watch = Box<dyn FnMut(Watched) + Send>;

/// Makes a decider, also a new one after a panic; with this learned placement in the place of that of the settings, where one is given.
pub(super) type MakeDecider = Box<dyn Fn(Option<&PlacementModel>) -> anyhow::Result<Box<dyn Decider>>>;

/// The service's loop.
pub(super) struct Engine {
    modes: Modes,
    pause: Duration,
    fresh_seconds: u64,
    pub(super) cluster: Box<dyn Connection>,
    pub(super) cycle: Cycle,
    pub(super) decider: Box<dyn Decider>,
    make_decider: MakeDecider,
    pub(super) store: Store,
    /// What keeps how the nodes stood.
    series: Option<SeriesKeeper>,
    sampler: Sampler,
    /// What tells a database elsewhere, and topics of Kafka.
    relay: Option<Relay>,
    kafka: Option<Relay>,
    /// What tells a collector of traces.
    traces: TurnTraces,
    pub(super) proposal: Option<Proposal>,
    health: Health,
    published: Arc<Published>,
    clock: WallClock,
    chronicle: Chronicle,
    /// What was learned beforehand.
    analyst: AnalystConfig,
    upkeep: Upkeep,
    starts: Starts,
    pub(super) beside: Beside,
    pub(super) recorder: Option<Recorder>,
    /// How the loop decides, whatever learned placement serves.
    pub(super) settings: DeciderSettings,
    /// The learned placement that may serve.
    pub(super) placement: Option<ServingPlacement>,
    /// That of the settings.
    pub(super) settings_placement: Option<ServingPlacement>,
    /// What is learned beside the loop.
    pub(super) adapting: Adapting,
    /// Whether chains of moves are searched for beside the loop.
    rearrange: bool,
    pub(super) seed: u64,
    /// What people have put off.
    pub(super) snoozes: Snoozes,
    tokens: TokenWatch,
    /// What became of parts in turns in which the store could not be written.
    parts_behind: BTreeMap<PartKey, PartOutcome>,
    /// Lines of the audit that could not be written yet.
    lines_behind: Vec<AuditLine>,
    /// Why the audit cannot tell of tokens.
    tokens_problem: Option<String>,
    /// What was logged of the turns before.
    logged: Logged,
}

impl Engine {
    /// Starts, or starts again where the store stands.
    pub(super) fn start(config: &ServeConfig, published: Arc<Published>) -> anyhow::Result<Self> {
        let (settings, order) = (recorder::decider_settings(config), config.order.clone());
        let make = move |placement: Option<&PlacementModel>| -> anyhow::Result<Box<dyn Decider>> {
            let lepton = settings.with(placement).decider()?;
            Ok(Box::new(match &order {
                Some(model) => lepton.with_order(model),
                None => lepton,
            }))
        };
        Self::with_decider(config, published, Box::new(make))
    }

    /// The same with a decider of one's own.
    pub(super) fn with_decider(
        config: &ServeConfig,
        published: Arc<Published>,
        make_decider: MakeDecider,
    ) -> anyhow::Result<Self> {
        let (target, tells_kafka) = (target(config)?, ToKafka::of(config)?);
        let mut store = Store::open(Path::new(&config.state_dir))?;
        let mut cluster = connect(&mut store, config)?;
        let mut adapting = Adapting::start(config, &store)?;
        let settings_placement = ServingPlacement::of(config);
        let (placement, is_damaged) = Self::found(&mut adapting.book, settings_placement.as_ref());
        let model = placement.as_ref().map(|placement| &placement.model);
        let decider = make_decider(model)?;
        let analyst = config.analyst.clone();
        let mut cycle = start_cycle(config.modes(), config.fresh_seconds, analyst, &mut *cluster, &store)?;
        let (past, now) = (cluster.past(), cluster.now_seconds());
        if !past.is_empty() {
            cycle.look_back(&past, &mut cluster.ports().sources, now);
        }
        let told = [target.as_ref().map(|target| target.url().to_owned()), tells_kafka.name()];
        let told: Vec<String> = told.into_iter().flatten().collect();
        store.feed(Some(told.join(" ")).filter(|told| !told.is_empty()).as_deref())?;
        let folder = Path::new(&config.state_dir);
        let keep = || SeriesKeeper::start(folder, config.history);
        let series = (config.history.raw_hours > 0).then(keep).transpose()?;
        let begin = |target| Relay::start(folder, &store, target, config.history);
        let relay = target.map(begin).transpose()?;
        let kafka = tells_kafka.start(folder, &store)?;
        let instance = store.fact(INSTANCE)?.unwrap_or_default();
        let recorder = recorder::start(config, &instance, model)?;
        let beside = Beside::start(deliberation(config.rearrange, model), config.simulation.seed)?;
        let chronicle = Chronicle::new(store.last_history()?);
        let snoozes = Snoozes::open(&store)?;
        let upkeep = Upkeep::open(config, &store, cluster.now_seconds(), cycle.snapshot().memory.turn)?;
        let starts = Starts::open(&store)?;
        let mut engine = Self {
            modes: config.modes(),
            pause: pause(config),
            fresh_seconds: config.fresh_seconds,
            cluster,
            cycle,
            decider,
            make_decider,
            store,
            series,
            sampler: Sampler::default(),
            relay,
            kafka,
            traces: TurnTraces::of(config, &instance)?,
            proposal: None,
            health: Health { instance, ..Health::default() },
            published,
            clock: WallClock::start(),
            chronicle,
            analyst: config.analyst.clone(),
            upkeep,
            starts,
            beside,
            recorder,
            settings: recorder::decider_settings(config),
            placement,
            settings_placement,
            adapting,
            rearrange: config.rearrange,
            seed: config.simulation.seed,
            snoozes,
            tokens: TokenWatch::new(PathBuf::from(&config.state_dir)),
            parts_behind: BTreeMap::new(),
            lines_behind: Vec::new(),
            tokens_problem: None,
            logged: Logged::default(),
        };
        engine.tell_results()?;
        if is_damaged {
            engine.tell_damaged()?;
        }
        engine.proposal = people::open_proposal(&engine.store)?;
        Ok(engine)
    }

    /// What it is connected to, for people.
    pub(super) fn about(&self) -> String {
        self.cluster.standing().about
    }

    /// Results of parts that ended just before a kill are in the journal, and perhaps not yet with their decisions; of what was decided and
    /// not begun there are none.
    fn tell_results(&mut self) -> anyhow::Result<()> {
        let mut memory = Memory::default();
        let entries = self.store.recall()?;
        let parts =
            entries.iter().filter_map(|entry| memory.apply(entry)).map(|over| over.outcome()).collect();
        let outcome = Outcome { parts, halted: None };
        let clock_seconds = self.cluster.now_seconds();
        self.store.keep_turn(&TurnRows { clock_seconds, outcome: Some(&outcome), ..TurnRows::default() })?;
        let under_way: Vec<PartKey> = memory.underway().map(|statement| statement.part().key).collect();
        self.store.leave_untried(&under_way)?;
        Ok(())
    }

    /// Turns until the flag turns, or so many times.
    pub(super) fn run(
        mut self,
        asks: &Receiver<Request>,
        stop: &AtomicBool,
        turns: Turns,
        watch: Option<Watch>,
    ) {
        self.turn_until(asks, stop, turns, watch);
        if matches!(turns, Turns::Standing(_)) {
            while !stop.load(Ordering::Relaxed)
                && self.hear(asks, stop, &mut (Instant::now() + NAP), Instant::now() + NAP)
            {}
        }
        self.close();
    }

    fn turn_until(
        &mut self,
        asks: &Receiver<Request>,
        stop: &AtomicBool,
        turns: Turns,
        mut watch: Option<Watch>,
    ) {
        let mut due = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let report = self.turn();
            let soon = Instant::now() + begun.elapsed().max(URGENT_PAUSE);
            if matches!(turns, Turns::Ending(max) if self.health.turns >= max) {
                return;
            }
            due = (due + self.pause).max(Instant::now());
            if !self.hear(asks, stop, &mut due, soon) {
                return;
            }
            self.pass();
            if let (Some(watch), Some(report)) = (&mut watch, report) {
                let cluster = &self.cycle.snapshot().cluster;
                watch(Watched {
                    now_seconds: self.cluster.now_seconds(),
                    nodes: cluster.node_count(),
                    devices: cluster.device_count(),
                    report,
                    measures: self.cluster.measures().unwrap_or_default(),
                });
            }
            if matches!(turns, Turns::Standing(max) if self.health.turns >= max) {
                return;
            }
        }
    }

    /// Hears people until the next whole turn is due, once at least, also where turns take longer than the time between them. What should not wait is
    /// decided on meanwhile, `soon` at the earliest. False when nobody can ask any more.
    fn hear(
        &mut self,
        asks: &Receiver<Request>,
        stop: &AtomicBool,
        due: &mut Instant,
        mut soon: Instant,
    ) -> bool {
        let nap = if self.modes.has(Mode::Act) { URGENT_NAP } else { NAP };
        loop {
            match asks.recv_timeout(due.saturating_duration_since(Instant::now()).min(nap)) {
                Ok(Request::Copy(reply)) => {
                    // Nobody may wait for it any more.
                    let _ = reply.send(Box::new(self.cycle.snapshot().clone()));
                }
                Ok(Request::Candidate(ask)) => self.hear_candidate(ask),
                Ok(Request::Refused(line)) => self.audit(line),
                Ok(Request::Settings(config)) => {
                    self.take_settings(&config);
                    *due = (*due).min(Instant::now() + self.pause);
                }
                Ok(Request::Try(what, actor, reply)) => {
                    let _ = reply.send(self.try_out(what, &actor));
                    self.publish(None);
                    self.chronicle.tell(&self.published);
                }
                Ok(Request::EndSnooze(id, actor, reply)) => {
                    let _ = reply.send(self.end_snooze(&id, &actor));
                    self.publish(None);
                    self.chronicle.tell(&self.published);
                }
                Ok(Request::Ask(ask)) => {
                    self.answer(ask);
                    self.publish(None);
                    self.chronicle.tell(&self.published);
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < *due && !stop.load(Ordering::Relaxed) => {
                    self.cluster.pass_between();
                    let may = self.modes.has(Mode::Act) && Instant::now() >= soon;
                    if may && self.cluster.urgent_since().is_some() {
                        let begun = Instant::now();
                        *due = self.turn_between(*due);
                        soon = Instant::now() + begun.elapsed().max(URGENT_PAUSE);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// A turn for what should not wait for the one that is due; when that is due now.
    fn turn_between(&mut self, due: Instant) -> Instant {
        let report = self.turn_of(Scope::Waiting);
        if self.cluster.simulated().is_some() {
            // Its time passes by whole turns.
            return due;
        }
        let pause = match report {
            Some(report) if report.scope == Scope::Whole => return Instant::now() + self.pause,
            _ => Duration::from_secs_f64(WHOLE_TURN_PAUSES * self.health.turn_seconds),
        };
        due.min(Instant::now() + pause)
    }

    /// Takes over settings that were read again.
    pub(super) fn take_settings(&mut self, config: &ServeConfig) {
        let modes = config.modes();
        if let Err(error) = self.cluster.set_modes(&mut self.store, &modes) {
            self.health.turn_problem = Some(format!("the mode stays as it was: {error:#}"));
        } else {
            self.modes = modes;
        }
        self.pause = pause(config);
        self.fresh_seconds = config.fresh_seconds;
        self.configure(self.modes.clone());
        let owners = self.modes.owners.iter().map(|(owner, mode)| format!(", {owner} {}", mode_name(*mode)));
        let owners: String = owners.collect();
        let detail = format!("read again; mode {}{owners}", mode_name(self.modes.rest));
        self.audit(auditing::line("local", "settings", "service", &detail));
        self.publish(None);
    }

    /// Keeps a line of the audit, with those before it that could not be written.
    pub(super) fn audit(&mut self, line: AuditLine) {
        if self.lines_behind.len() < LINES_WAIT_MAX {
            self.lines_behind.push(line);
        }
        self.keep_audit();
    }

    fn keep_audit(&mut self) {
        if self.lines_behind.is_empty() {
            return;
        }
        let kept = self.store.keep_audit(&self.lines_behind, None);
        if kept.is_ok() {
            self.lines_behind.clear();
        }
        self.health.store_problem = kept.err().map(|error| error.to_string());
    }

    /// Tells the audit of tokens that came and went.
    fn audit_tokens(&mut self) {
        let problem = self.tokens.look(&mut self.store).err().map(|error| format!("{error:#}"));
        if problem != self.tokens_problem
            && let Some(problem) = &problem
        {
            tracing::warn!(problem, "the audit cannot tell of tokens");
        }
        self.tokens_problem = problem;
    }

    fn configure(&mut self, modes: Modes) {
        let freshness_seconds = self.fresh_seconds;
        self.cycle.configure(modes, CollectConfig { freshness_seconds, ..CollectConfig::default() });
    }

    /// Keeps what is kept only from time to time.
    fn close(mut self) {
        let now = self.cluster.now_seconds();
        if let Err(error) = self.upkeep.keep_ledger(&mut self.store, now, true) {
            crate::output::note(&format!("the last of the ledger is lost: {error}"));
        }
        // The last samples are kept, and told with the rest.
        drop(self.series.take());
        self.traces.end(LAST_WORDS);
        let relays = [self.relay.take(), self.kafka.take()];
        if relays.iter().all(Option::is_none) {
            return;
        }
        relays.into_iter().flatten().for_each(|relay| relay.end(LAST_WORDS));
        // What is not forgotten now is told again after the next start.
        let _ = self.store.forget_told();
    }

    /// Time passes up to the next turn.
    pub(super) fn pass(&mut self) {
        self.cluster.pass();
    }

    /// One whole turn; whatever goes wrong in it is told and survived, and there is no report of it then.
    pub(super) fn turn(&mut self) -> Option<CycleReport> {
        self.turn_of(Scope::Whole)
    }

    fn turn_of(&mut self, asked: Scope) -> Option<CycleReport> {
        if asked == Scope::Whole {
            self.keep_audit();
            self.audit_tokens();
        }
        let (begun, begun_at, begun_nanos) = (Instant::now(), SystemTime::now(), self.clock.now_nanos());
        let under_way = Begun::of(&self.cycle.snapshot().memory);
        let turned = catch_unwind(AssertUnwindSafe(|| self.cycle_once(asked)));
        let mut report = match turned {
            Ok(report) => {
                self.health.turn_problem.clone_from(&report.outcome.halted);
                Some(report)
            }
            Err(panic) => {
                let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                self.health.panics += 1;
                self.health.turn_problem = Some(format!("the turn panicked: {said}"));
                self.begin_anew();
                None
            }
        };
        if let Some(report) = &report {
            self.cluster.turned(self.cycle.snapshot(), &self.modes);
            let deeds = under_way.deeds(&report.plan, &report.outcome);
            self.health.did(&deeds);
            self.chronicle.did(&deeds);
            if report.scope == Scope::Waiting {
                log_waiting(report.cycle, &deeds, self.cycle.snapshot().pending.len());
            } else {
                self.starts.look(self.cycle.snapshot());
            }
        }
        if let Some(report) = report.take_if(|report| report.scope == Scope::Waiting) {
            let kept_nanos = self.clock.now_nanos();
            // That the store can be written again the next whole turn finds out, which always writes.
            if let Err(error) = self.keep_outcome(&report.outcome) {
                self.health.store_problem = Some(error.to_string());
            }
            self.health.turned_for_waiting(begun.elapsed(), &report);
            self.chronicle.decided(&report);
            self.trace((begun_at, begun_nanos), Some(&report), kept_nanos, None);
            return Some(report);
        }
        let figures = report.as_ref().map(|report| self.figures(report, begun.elapsed()));
        let keeping_nanos = self.clock.now_nanos();
        let kept = match (&report, &figures) {
            (Some(report), Some(figures)) => self.keep(report, figures),
            _ => Ok(()),
        };
        self.health.store_problem = kept.err().map(|error| error.to_string());
        // A turn that is not kept comes again after a restart.
        if let Some(report) = report.as_ref().filter(|_| self.health.store_problem.is_none()) {
            self.sample(report);
        }
        self.health.turned(begun.elapsed());
        let kept_nanos = self.clock.now_nanos();
        let keeping = Lap { stage: Stage::Record, from_nanos: keeping_nanos, to_nanos: kept_nanos };
        report.iter_mut().for_each(|report| report.laps.push(keeping));
        let figures = figures.zip(report.as_ref()).map(|(figures, report)| TurnFigures {
            turn_seconds: begun.elapsed().as_secs_f64(),
            stages: StageSeconds::of(&report.laps),
            ..figures
        });
        if let (Some(report), Some(figures)) = (&report, &figures) {
            self.health.count(report, figures.stages);
            self.chronicle.turned(report, figures);
        }
        self.logged.turned(figures.as_ref(), &self.health.problems());
        self.publish(report.as_ref().zip(figures.clone()));
        if self.published.stream.is_due() {
            self.chronicle.tell(&self.published);
        }
        self.trace((begun_at, begun_nanos), report.as_ref(), kept_nanos, figures.as_ref());
        if let Some(report) = &report {
            self.deliberate(report);
            self.keep_up(report);
        }
        let has_time = begun.elapsed() < self.pause / 2;
        self.upkeep.trim(&mut self.store, &mut *self.cluster, has_time, self.health.turns);
        report
    }

    /// Tells of a turn that is over, which was kept up to `shown_nanos`; without a report it panicked.
    fn trace(
        &self,
        (begun, begun_nanos): (SystemTime, u64),
        report: Option<&CycleReport>,
        shown_nanos: u64,
        figures: Option<&TurnFigures>,
    ) {
        self.traces.turned(&Turned {
            begun,
            begun_nanos,
            ended_nanos: self.clock.now_nanos(),
            laps: report.map_or(&[], |report| &report.laps),
            shown_nanos,
            figures,
            problem: self.health.problems().into_iter().next(),
        });
    }

    /// Books the time since the turn before, and keeps what is due. A turn that is not kept comes again after a restart: then nothing of it is kept
    /// here either.
    fn keep_up(&mut self, report: &CycleReport) {
        let Self { upkeep, store, cycle, cluster, starts, health, .. } = self;
        upkeep.book(cycle.snapshot(), cluster.now_seconds());
        if health.store_problem.is_none() {
            let kept = upkeep.keep(store, cycle, &mut **cluster, starts, (report.cycle, health.turns));
            health.store_problem = kept.err().map(|error| error.to_string());
        }
    }

    /// Hands on how the nodes stand, to those who keep it.
    fn sample(&mut self, report: &CycleReport) {
        let Some(series) = &self.series else { return };
        let now = self.cluster.now_seconds();
        if let Some(sample) = self.sampler.sample(self.cycle.snapshot(), &report.assessment, now) {
            series.keep(sample);
        }
    }

    /// Takes up what was thought of beside the loop, and gives it something new to think about.
    fn deliberate(&mut self, report: &CycleReport) {
        self.learn();
        if let Some(Considered { thoughts, starts, time_seconds }) = self.beside.considered() {
            self.starts.tell(starts, time_seconds);
            if let Some(thoughts) = thoughts {
                self.take_up(thoughts);
            }
        }
        self.beside.consider(self.cycle.snapshot(), &report.assessment, report.cycle);
    }

    fn take_up(&mut self, thoughts: Thoughts) {
        let proposal = thoughts.proposal.clone();
        let placing = thoughts.placing.as_ref().map(|review| review.placing.clone());
        let placing = self.cycle.take_up(thoughts, &mut self.store).and(placing);
        if placing.is_some() {
            self.adapting.forgotten();
        }
        self.record(|| Line::Thought(Box::new(Thought { proposal, placing })));
    }

    /// How the turn went, as far as it is known before it is kept.
    fn figures(&self, report: &CycleReport, took: Duration) -> TurnFigures {
        let state = if self.health.problems().is_empty() { "ok" } else { "degraded" };
        let now = self.cluster.now_seconds();
        let figures = self.chronicle.figures(self.cycle.snapshot(), report, now);
        TurnFigures { state: state.to_owned(), turn_seconds: took.as_secs_f64(), ..figures }
    }

    /// A decider of the settings, with this learned placement.
    pub(super) fn make_decider(
        &self,
        placement: Option<&PlacementModel>,
    ) -> anyhow::Result<Box<dyn Decider>> {
        (self.make_decider)(placement)
    }

    /// What is thought about beside the loop, with this learned placement.
    pub(super) fn thinks_of(&self, placement: Option<&PlacementModel>) -> Deliberation {
        deliberation(self.rearrange, placement)
    }

    fn cycle_once(&mut self, asked: Scope) -> CycleReport {
        // One that stands by looks on; what it had under way it goes on with when it acts again.
        let stands_by = self.modes.has(Mode::Act) && !self.cluster.may_act();
        self.configure(if stands_by { Modes::all(Mode::Observe) } else { self.modes.clone() });
        let mut journal = TurnJournal {
            written: None,
            store: &mut self.store,
            proposal: &mut self.proposal,
            snoozes: &self.snoozes,
        };
        let since = self.cluster.urgent_since();
        let now = self.cluster.now_seconds();
        let Ports { mut sources, hands } = self.cluster.ports();
        let unix_seconds = people::unix_seconds();
        let recorder = self.recorder.as_mut();
        let recorder = recorder.and_then(|of| of.wants(&mut self.cycle, now, unix_seconds).then_some(of));
        let means = Means {
            sources: &mut sources,
            decider: &mut *self.decider,
            actuator: hands,
            journal: &mut journal,
        };
        let mut report = match recorder {
            None => self.cycle.turn(asked, means, now, &self.clock),
            Some(recorder) => {
                let (report, line) = recordings::turned(&mut self.cycle, asked, means, now, &self.clock);
                recorder.keep(line);
                report
            }
        };
        let written = journal.written;
        if let Some((written, since)) = written.zip(since) {
            self.health.decided(written.saturating_duration_since(since));
        }
        if written.is_none() {
            // What could not be written down was not decided: nobody is told of it.
            report.records.clear();
            report.plan = Plan::default();
        } else if report.outcome.halted.is_some() {
            leave_untried(&mut report, &self.cycle.snapshot().memory);
        }
        report
    }

    /// Keeps a line of what happens between turns, where that is recorded.
    pub(super) fn record(&mut self, line: impl FnOnce() -> Line) {
        if let Some(recorder) = &mut self.recorder {
            recorder.keep(line());
        }
    }

    /// After a panic nothing in memory is trusted: the journal and the cluster tell where the loop stands.
    fn begin_anew(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.leave_gap();
        }
        let analyst = self.analyst.clone();
        let modes = self.modes.clone();
        let started = start_cycle(modes, self.fresh_seconds, analyst, &mut *self.cluster, &self.store);
        self.sampler = Sampler::default();
        // Of learned placements that is begun anew with which a restart would find.
        if let Err(error) = started.and_then(|cycle| self.begin_with(cycle)) {
            self.health.turn_problem = Some(format!("cannot begin anew: {error:#}"));
        }
    }

    /// Keeps what came of the turn.
    fn keep(&mut self, report: &CycleReport, figures: &TurnFigures) -> anyhow::Result<()> {
        let bytes = NodeBytes::of(self.cycle.snapshot(), &report.assessment);
        let (history, inventory) = self.chronicle.rows(figures, bytes, self.cycle.snapshot())?;
        let now = self.cluster.now_seconds();
        let unwanted = report.outcome.halted.is_none()
            && self.snoozes.leave(report.plan.for_approval(), now).parts.is_empty();
        let outcome = self.with_behind(&report.outcome);
        let superseded = self.proposal.as_ref().filter(|p| unwanted && !p.rejected).map(|p| p.turn);
        let kept = self.store.keep_turn(&TurnRows {
            clock_seconds: now,
            outcome: Some(&outcome),
            superseded,
            history: &history,
            inventory: inventory.as_ref(),
            ..TurnRows::default()
        });
        self.kept_or_behind(kept.is_ok(), outcome);
        kept?;
        self.chronicle.kept();
        self.proposal.take_if(|_| unwanted);
        Ok(())
    }

    /// Carries out a plan that a person approved.
    pub(super) fn carry_out(&mut self, proposal: &Proposal) -> anyhow::Result<Outcome> {
        let under_way = Begun::of(&self.cycle.snapshot().memory);
        let Ports { hands, .. } = self.cluster.ports();
        let (outcome, line) = recordings::approved(&mut self.cycle, &proposal.plan, hands, &mut self.store);
        self.record(|| line);
        let deeds = under_way.deeds(&proposal.plan, &outcome);
        self.health.did(&deeds);
        self.chronicle.did(&deeds);
        self.keep_outcome(&outcome)?;
        Ok(outcome)
    }

    /// Keeps what came of parts.
    fn keep_outcome(&mut self, outcome: &Outcome) -> anyhow::Result<()> {
        let told = self.with_behind(outcome);
        if told.parts.is_empty() {
            return Ok(());
        }
        let clock_seconds = self.cluster.now_seconds();
        let rows = TurnRows { clock_seconds, outcome: Some(&told), ..TurnRows::default() };
        let kept = self.store.keep_turn(&rows);
        self.kept_or_behind(kept.is_ok(), told);
        Ok(kept?)
    }

    /// What became of parts, with what could not be kept before.
    fn with_behind(&mut self, outcome: &Outcome) -> Outcome {
        let mut parts = std::mem::take(&mut self.parts_behind);
        parts.extend(outcome.parts.iter().map(|part| (part.key, part.clone())));
        Outcome { parts: parts.into_values().collect(), halted: None }
    }

    fn kept_or_behind(&mut self, is_kept: bool, outcome: Outcome) {
        if !is_kept {
            self.parts_behind = outcome.parts.into_iter().map(|part| (part.key, part)).collect();
        }
    }

    pub(super) fn modes(&self) -> &Modes {
        &self.modes
    }

    pub(super) fn publish(&mut self, turned: Option<(&CycleReport, TurnFigures)>) {
        let now = self.cluster.now_seconds();
        let before = self.published.view();
        self.health.remote = self.relay.as_ref().map(Relay::report);
        self.health.kafka = self.kafka.as_ref().map(Relay::report);
        self.health.rows_dropped = self.chronicle.dropped();
        self.health.series = self.series.as_ref().map(SeriesKeeper::report);
        self.health.traces = self.traces.told();
        self.health.recorded = self.recorder.as_ref().map(Recorder::figures);
        let standing = self.cluster.standing();
        let mut view =
            View::of(&self.cycle, turned, &before, now, &self.health, &standing, self.proposal.as_ref());
        view.status.set_modes(&self.modes);
        view.tell_starts(&self.starts);
        view.status.snoozes = self.snoozes.holding(now);
        let placement = self.placement.as_ref().map(|placement| placement.name.as_str());
        view.policies = PoliciesBody::of(&self.cycle.snapshot().memory, placement);
        view.candidates = self.adapting.view();
        self.published.set(view);
    }
}

/// The database elsewhere that the settings name.
fn target(config: &ServeConfig) -> anyhow::Result<Option<Target>> {
    let Some(url) = &config.store_url else { return Ok(None) };
    let target = Target::new(url, config.store_password_file.as_deref());
    let target = target.and_then(|target| match &config.store_ca_file {
        Some(file) => target.with_authority(file),
        None => Ok(target),
    });
    let wrong = |problem| {
        WrongSettings(format!(
            "the database `{url}` (--store-url, --store-password-file, `store_ca_file`): {problem}"
        ))
    };
    Ok(Some(target.map_err(wrong)?))
}

/// Of a turn that ended before its time: the steps of parts that were not begun were not tried.
fn leave_untried(report: &mut CycleReport, memory: &Memory) {
    for part in &report.plan.own_parts().parts {
        let is_begun = report.outcome.parts.iter().any(|of| of.key == part.key);
        if is_begun || memory.statement(part.key).is_some() {
            continue;
        }
        let results = vec![StepResult::NotTried; part.steps.len()];
        report.outcome.parts.push(PartOutcome { key: part.key, results });
        for record in &mut report.records {
            if record.step.is_some_and(|key| key.part == part.key) {
                record.result = Some(StepResult::NotTried);
            }
        }
    }
}

fn start_cycle(
    modes: Modes,
    freshness_seconds: u64,
    analyst: AnalystConfig,
    cluster: &mut dyn Connection,
    store: &Store,
) -> anyhow::Result<Cycle> {
    let collect = CollectConfig { freshness_seconds, ..CollectConfig::default() };
    let config = CycleConfig { modes, collect, settings: Default::default(), analyst };
    let (schema, now) = (cluster.schema(), cluster.now_seconds());
    let Ports { mut sources, .. } = cluster.ports();
    let mut cycle = Cycle::start(config, schema, &mut sources, store, now)?;
    // What another version kept in another form is seen anew.
    if let Some(kept) = store.fact(upkeep::SIGNS)?.and_then(|signs| serde_json::from_str(&signs).ok()) {
        cycle.recall_signs(kept);
    }
    Ok(cycle)
}
