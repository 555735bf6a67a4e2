//! The loop on one screen: readings -> snapshot -> assessment -> plan -> outcome.
//!
//! The only file that knows all four stages. The live loop, the simulation and the demo run this and no
//! other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::analyze::{Analyst, AnalystConfig, Foresight, KeptSigns, restate};
use crate::collect::{CollectConfig, Source, merge};
use crate::decide::deliberate::Thoughts;
use crate::decide::guard::{Guard, GuardDecision, ORDER_GUARD, PlacingReview, compared_after};
use crate::decide::plan::{Decided, Decider, Scope, Situation};
use crate::execute::{Actuator, Journal, JournalError, carry_out, go_on, recall};
use crate::model::digest::Digest;
use crate::model::{
    Assessment, Clock, DecisionRecord, JournalEntry, LogPosition, Mode, Modes, Outcome, Placing, Plan,
    Readings, ResourceSchema, Settings, Snapshot,
};

/// The loop's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct CycleConfig {
    /// What it may do, and with whose tasks.
    pub modes: Modes,
    /// What is believed.
    pub collect: CollectConfig,
    /// Levels that all stages share.
    pub settings: Settings,
    /// What was learned beforehand of faults and of load.
    pub analyst: AnalystConfig,
}

/// What the time of a turn goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the sources and believing them.
    Collect,
    /// Assessing the snapshot.
    Assess,
    /// Deciding.
    Decide,
    /// Writing down what was decided, before anything of it is done, and comparing who decided with who else could.
    Record,
    /// Going on with earlier parts and carrying out the plan, with their journal.
    Execute,
}

/// A stretch of a turn, nanoseconds by the clock that the turn was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lap {
    /// What it went to.
    pub stage: Stage,
    /// From when on.
    pub from_nanos: u64,
    /// Until when.
    pub to_nanos: u64,
}

/// Takes the time from one stage to the next.
struct Laps<'a> {
    clock: &'a dyn Clock,
    last_nanos: u64,
    taken: Vec<Lap>,
}

impl<'a> Laps<'a> {
    fn start(clock: &'a dyn Clock) -> Self {
        Self { clock, last_nanos: clock.now_nanos(), taken: Vec::new() }
    }

    /// The time since the last lap went to this stage.
    fn end(&mut self, stage: Stage) {
        let to_nanos = self.clock.now_nanos();
        self.taken.push(Lap { stage, from_nanos: self.last_nanos, to_nanos });
        self.last_nanos = to_nanos;
    }
}

/// What a source told when it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its place among the sources.
    pub source: usize,
    /// Whether it was asked for everything there is.
    pub listed: bool,
    /// What it told.
    pub readings: Readings,
}

/// What one turn of the loop came to.
#[derive(Debug, Clone, Default)]
pub struct CycleReport {
    /// Number of the turn.
    pub cycle: u64,
    /// What it looked at.
    pub scope: Scope,
    /// What the sources told, in order.
    pub told: Vec<Told>,
    /// How the cluster stood.
    pub assessment: Arc<Assessment>,
    /// What was decided.
    pub plan: Plan,
    /// Why, each decision with its result.
    pub records: Vec<DecisionRecord>,
    /// What came of the plan, and of parts of earlier plans that were under way.
    pub outcome: Outcome,
    /// Who starts waiting tasks from now on, and why, where the learned order was compared with its rule in this turn.
    pub order: Option<GuardDecision>,
    /// What its time went to, in order.
    pub laps: Vec<Lap>,
}

/// What turns for what waits go by.
struct Basis {
    assessment: Arc<Assessment>,
    /// Up to where the changes of the cluster are in it.
    at: LogPosition,
    inventory_version: u64,
    /// Digest of the last whole situation and of all that came since.
    digest: u64,
}

impl Basis {
    /// The same up to date with a snapshot that was told this since, and of which that came; none where it takes a whole turn.
    fn brought_to(mut self, snapshot: &Snapshot, told: &[Told], went_on: &Outcome) -> Option<Self> {
        let cluster = &snapshot.cluster;
        let is_listed = told.iter().any(|told| told.listed);
        if is_listed || went_on.halted.is_some() || cluster.inventory_version() != self.inventory_version {
            return None;
        }
        restate(Arc::make_mut(&mut self.assessment), snapshot, cluster.changes().since(self.at)?);
        self.digest = with(self.digest, &(snapshot.time_seconds, snapshot.memory.turn, told, went_on));
        Some(self)
    }
}

/// A digest of what it was made of and of this.
fn with(digest: u64, more: &impl Serialize) -> u64 {
    let mut all = Digest::default();
    all.number(digest);
    all.written(more);
    all.value()
}

/// What a turn looks through, decides by and acts with.
pub struct Means<'a, 'b> {
    /// Where readings come from.
    pub sources: &'a mut [&'b mut dyn Source],
    /// Who decides.
    pub decider: &'a mut dyn Decider,
    /// What steps are carried out on.
    pub actuator: &'a mut dyn Actuator,
    /// Where all of it is written down first.
    pub journal: &'a mut dyn Journal,
}

/// The loop's memory between turns.
pub struct Cycle {
    config: CycleConfig,
    snapshot: Snapshot,
    analyst: Analyst,
    proposal: Plan,
    /// Of the last turn; none where it was not one that decided, or something has come between that only a whole turn takes in.
    basis: Option<Basis>,
}

impl Cycle {
    /// Starts, or starts again after a kill: everything is listed anew, and the journal tells what was under way and
    /// which moves were made. What was under way is gone on with in the first turn that may act.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn start(
        config: CycleConfig,
        schema: ResourceSchema,
        sources: &mut [&mut dyn Source],
        journal: &dyn Journal,
        now_seconds: u64,
    ) -> Result<Self, JournalError> {
        let mut snapshot = Snapshot::new(schema);
        recall(&mut snapshot, journal)?;
        // The mix is counted anew, and the model may be another: it is rehearsed again.
        snapshot.memory.placing.mix_version = 0;
        for source in sources {
            merge(&mut snapshot, &source.list(now_seconds), now_seconds, &config.collect);
        }
        let analyst = Analyst::new(config.analyst.clone());
        Ok(Self { config, snapshot, analyst, proposal: Plan::default(), basis: None })
    }

    /// Goes on where another loop stood: with its snapshot, and what was proposed to it.
    pub fn resume(config: CycleConfig, snapshot: Snapshot, proposal: Plan) -> Self {
        let analyst = Analyst::new(config.analyst.clone());
        Self { config, snapshot, analyst, proposal, basis: None }
    }

    /// Tells what the assessment of the next turn adds to its snapshot, where another loop had an analyst that remembered more.
    pub fn foresee(&mut self, foresight: Foresight) {
        self.analyst.tell(foresight);
    }

    /// Takes in moments of the past before the first turn, complete lists, the oldest first: what is analyzed then knows how load has moved. After
    /// it the sources are listed anew.
    pub fn look_back(&mut self, past: &[Readings], sources: &mut [&mut dyn Source], now_seconds: u64) {
        for readings in past {
            merge(&mut self.snapshot, readings, readings.time_seconds, &self.config.collect);
            self.analyst.assess(&self.snapshot, &self.config.settings);
        }
        for source in sources {
            merge(&mut self.snapshot, &source.list(now_seconds), now_seconds, &self.config.collect);
        }
    }

    /// One turn. The clock only says how long its stages took; nothing is decided by it. With stale readings the loop only
    /// looks, as in [`Mode::Observe`].
    ///
    /// One for what waits takes a fraction of the time of a whole one: it goes by the assessment of the last, brought up to date where tasks
    /// have come or gone. It becomes a whole one where there is none, nodes are others, a source wants to list, or the loop only looks.
    pub fn turn(
        &mut self,
        scope: Scope,
        means: Means<'_, '_>,
        now_seconds: u64,
        clock: &dyn Clock,
    ) -> CycleReport {
        let Means { sources, decider, actuator, journal } = means;
        let asked = if self.basis.is_some() { scope } else { Scope::Whole };
        let mut laps = Laps::start(clock);
        let snapshot = &mut self.snapshot;
        snapshot.memory.turn += 1;
        let cycle = snapshot.memory.turn;

        // collect
        let mut told = Vec::with_capacity(sources.len());
        for (number, source) in sources.iter_mut().enumerate() {
            let mut take_in = |listed, readings| {
                let wants_list = merge(snapshot, &readings, now_seconds, &self.config.collect);
                told.push(Told { source: number, listed, readings });
                wants_list
            };
            let news = match asked {
                Scope::Whole => source.poll(now_seconds),
                Scope::Waiting => source.news(now_seconds),
            };
            if take_in(false, news) {
                take_in(true, source.list(now_seconds));
            }
        }
        laps.end(Stage::Collect);
        snapshot.modes.clone_from(&self.config.modes);
        let trusted = snapshot.modes.most() != Mode::Observe && snapshot.stale.is_empty();
        // execute: what earlier turns have begun
        let mut outcome = if trusted { go_on(snapshot, actuator, journal) } else { Outcome::default() };
        laps.end(Stage::Execute);
        // analyze
        let basis = self.basis.take().filter(|_| asked == Scope::Waiting && trusted);
        let basis = basis.and_then(|basis| basis.brought_to(snapshot, &told, &outcome));
        let at = snapshot.cluster.changes().end();
        let (scope, assessment) = match &basis {
            Some(basis) => (Scope::Waiting, Arc::clone(&basis.assessment)),
            None => (Scope::Whole, Arc::new(self.analyst.assess(snapshot, &self.config.settings))),
        };
        laps.end(Stage::Assess);
        // decide
        let proposal = &self.proposal;
        let situation = trusted.then(|| match &basis {
            Some(Basis { digest, .. }) => {
                Situation { snapshot, assessment: &assessment, proposal, turn: cycle, scope, digest: *digest }
            }
            None => Situation::new(snapshot, &assessment, proposal, cycle),
        });
        let digest = situation.map(|situation| situation.digest);
        let Decided { mut plan, mut records } =
            situation.map_or_else(Decided::default, |situation| decider.decide(&situation));
        snapshot.apply_modes(&mut plan, &mut records);
        laps.end(Stage::Decide);
        if !records.is_empty() && outcome.halted.is_none() {
            // The numbers of this turn are used up, whatever happens next.
            let turn = JournalEntry::Turn { turn: cycle, time_seconds: now_seconds };
            outcome.halted = journal.begin_turn(&turn, &plan, &records).err().map(|e| e.0);
        }
        laps.end(Stage::Record);
        // execute
        if trusted && outcome.halted.is_none() {
            let done = carry_out(&plan.own_parts(), snapshot, actuator, journal);
            outcome.parts.extend(done.parts);
            outcome.halted = done.halted;
        }
        let results = outcome.results();
        for record in &mut records {
            let of_part = record.step.and_then(|key| results.get(&key.part)?.get(key.step as usize));
            record.result = of_part.cloned();
        }
        snapshot.note_waiting(&plan.waiting);
        laps.end(Stage::Execute);
        let order = if scope == Scope::Whole { self.review(decider, journal) } else { None };
        laps.end(Stage::Record);
        if let Some(digest) = digest.filter(|_| outcome.halted.is_none() && order.is_none()) {
            let digest = with(digest, &(&plan, &outcome));
            let inventory_version = self.snapshot.cluster.inventory_version();
            self.basis = Some(Basis { assessment: Arc::clone(&assessment), at, inventory_version, digest });
        }
        CycleReport { cycle, scope, told, assessment, plan, records, outcome, order, laps: laps.taken }
    }

    /// Once enough tasks have ended: compares the learned order with its rule on them, and says who serves from now on. It holds
    /// once it is written down.
    fn review(&mut self, decider: &dyn Decider, journal: &mut dyn Journal) -> Option<GuardDecision> {
        let snapshot = &mut self.snapshot;
        if snapshot.recent.ended().len() < compared_after(snapshot.cluster.node_count()) {
            return None;
        }
        let compared = decider.compare(&snapshot.recent, snapshot.memory.order.serving);
        snapshot.recent.forget_ended();
        let compared = compared?;
        let mut guard = Guard::resume(ORDER_GUARD, snapshot.memory.order.clone());
        let decision = guard.observe(compared.model, compared.rule);
        let order = guard.into_served();
        let entry = JournalEntry::Compared { order, time_seconds: snapshot.time_seconds };
        journal.write(&entry).ok()?;
        snapshot.memory.apply(&entry);
        Some(decision)
    }

    /// The next turn is a whole one, as that of a loop that goes on from here.
    pub fn forget_assessment(&mut self) {
        self.basis = None;
    }

    /// Is something else allowed to do, and believes by other limits, from the next turn on.
    pub fn configure(&mut self, modes: Modes, collect: CollectConfig) {
        if (&self.config.modes, &self.config.collect) != (&modes, &collect) {
            self.basis = None;
        }
        (self.config.modes, self.config.collect) = (modes, collect);
    }

    /// Hands over what was thought of beside the loop on a snapshot of it. Of a proposal, which takes the place of the one before, the
    /// next turns take the parts that still hold. Who is to place does so once it is written down: says why then.
    pub fn take_up(&mut self, thoughts: Thoughts, journal: &mut dyn Journal) -> Option<GuardDecision> {
        if let Some(proposal) = thoughts.proposal {
            self.propose(proposal);
        }
        let PlacingReview { placing, decision } = thoughts.placing?;
        self.place_by(placing, journal).ok()?;
        Some(decision)
    }

    /// Of this plan the next turns take the parts that still hold.
    pub fn propose(&mut self, proposal: Plan) {
        self.proposal = proposal;
    }

    /// Who is to place from now on.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn place_by(&mut self, placing: Placing, journal: &mut dyn Journal) -> Result<(), JournalError> {
        let entry = JournalEntry::Placing { placing, time_seconds: self.snapshot.time_seconds };
        journal.write(&entry)?;
        self.basis = None;
        self.snapshot.memory.apply(&entry);
        self.snapshot.recent.forget_came();
        Ok(())
    }

    /// Carries out a plan of an earlier turn that a person has approved. What comes under way is gone on with in later turns;
    /// with stale readings, and where the loop only observes any of it, nothing is done.
    pub fn carry_out(
        &mut self,
        plan: &Plan,
        actuator: &mut dyn Actuator,
        journal: &mut dyn Journal,
    ) -> Outcome {
        if self.only_observes(plan) || !self.snapshot.stale.is_empty() {
            let halted = Some("the loop observes only, or its readings are stale".to_owned());
            return Outcome { parts: Vec::new(), halted };
        }
        self.basis = None;
        carry_out(plan, &mut self.snapshot, actuator, journal)
    }

    /// Whether it only observes a task or node of the plan.
    pub fn only_observes(&self, plan: &Plan) -> bool {
        self.snapshot.is_only_observed(&self.config.modes, plan)
    }

    /// Takes the number of a turn for a plan that a person makes of another one. It is used up once the journal has an entry of it.
    pub fn take_number(&mut self) -> u64 {
        self.snapshot.memory.turn += 1;
        self.snapshot.memory.turn
    }

    /// Writes all that the journal amounts to as one entry, so that those before it are no longer needed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remember(&self, journal: &mut dyn Journal) -> Result<(), JournalError> {
        journal.write(&JournalEntry::Remembered { memory: Box::new(self.snapshot.memory.clone()) })
    }

    /// What analyze remembers.
    pub fn analyst(&self) -> &Analyst {
        &self.analyst
    }

    /// Goes on with the signs and failures of nodes that an analyst had seen before a restart.
    pub fn recall_signs(&mut self, kept: KeptSigns) {
        self.analyst.recall_signs(kept);
    }

    /// What it may do, and what is believed.
    pub fn config(&self) -> &CycleConfig {
        &self.config
    }

    /// What was proposed to it last.
    pub fn proposal(&self) -> &Plan {
        &self.proposal
    }

    /// The cluster as the loop believes it to be.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}
