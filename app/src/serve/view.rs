//! What the service shows of itself: made anew after each turn and shared by all who look.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lepton_core::cycle::{Cycle, CycleReport};
use lepton_core::model::{Mode, Modes, NodeId, Snapshot, SourceState};
use lepton_edges::SourceReport;
use lepton_edges::store::{RelayReport, SeriesReport};
use serde::Serialize;
use utoipa::ToSchema;

use super::adapting::CandidatesView;
use super::config::mode_name;
use super::connection::Standing;
use super::figures::{Deeds, StageSeconds, TurnFigures};
use super::load::LoadBody;
use super::node_view::NodeDetail;
use super::nodes::{NodeBytes, NodeRow};
use super::people::unix_seconds;
use super::policies::PoliciesBody;
use super::recording::Proposal;
use super::snoozes::Snooze;
use super::starts::{Starts, StartsJudgedRow};
use super::stream::Stream;
use super::task_rows::{TaskRow, TaskRows};
use super::turn_traces::Told;
use super::waiting::WaitingBody;

/// Upper bounds of histograms of times, seconds.
pub(super) const BOUNDS_SECONDS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];

/// A histogram of times.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    pub(super) count: u64,
    pub(super) seconds_sum: f64,
    /// How many took at most each bound.
    pub(super) within: [u64; BOUNDS_SECONDS.len()],
}

impl Times {
    fn took(&mut self, seconds: f64) {
        self.count += 1;
        self.seconds_sum += seconds;
        for (within, bound) in self.within.iter_mut().zip(BOUNDS_SECONDS) {
            *within += u64::from(seconds <= bound);
        }
    }
}

/// How the service fares.
#[derive(Debug, Clone, Default)]
pub(super) struct Health {
    pub(super) turns: u64,
    pub(super) panics: u64,
    pub(super) decisions: u64,
    pub(super) steps_done: u64,
    pub(super) steps_refused: u64,
    pub(super) turn_seconds: f64,
    pub(super) turn_times: Times,
    /// Turns for what waits.
    pub(super) waiting_turn_times: Times,
    /// From the coming of a task, or of room for one that waits, to what was decided of it in the journal.
    pub(super) decision_times: Times,
    /// Per stage: time of all turns.
    pub(super) stage_seconds_sum: [f64; 5],
    /// What tells this store's rows from those of others.
    pub(super) instance: String,
    /// How a database elsewhere is told.
    pub(super) remote: Option<RelayReport>,
    /// The same of topics of Kafka.
    pub(super) kafka: Option<RelayReport>,
    /// How a collector of traces is told; none where it is not.
    pub(super) traces: Option<Told>,
    /// Lines of the recording that were lost, and its bytes; none where nothing is recorded.
    pub(super) recorded: Option<(u64, u64)>,
    /// How the samples of the nodes are kept; none where they are not.
    pub(super) series: Option<SeriesReport>,
    /// Rows of history that were dropped while the store could not be written.
    pub(super) rows_dropped: u64,
    pub(super) turn_problem: Option<String>,
    pub(super) store_problem: Option<String>,
}

impl Health {
    pub(super) fn turned(&mut self, took: Duration) {
        self.turns += 1;
        self.turn_seconds = took.as_secs_f64();
        self.turn_times.took(self.turn_seconds);
    }

    pub(super) fn turned_for_waiting(&mut self, took: Duration, report: &CycleReport) {
        self.waiting_turn_times.took(took.as_secs_f64());
        self.decisions += report.records.len() as u64;
    }

    pub(super) fn decided(&mut self, took: Duration) {
        self.decision_times.took(took.as_secs_f64());
    }

    pub(super) fn count(&mut self, report: &CycleReport, stages: StageSeconds) {
        self.decisions += report.records.len() as u64;
        for (sum, (_, seconds)) in self.stage_seconds_sum.iter_mut().zip(stages.by_name()) {
            *sum += seconds;
        }
    }

    pub(super) fn did(&mut self, deeds: &Deeds) {
        self.steps_done += deeds.done();
        self.steps_refused += deeds.refused;
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let store = self.store_problem.as_ref();
        // A turn that stopped at the store has the same to say.
        let turn = self.turn_problem.as_ref().filter(|of| store.is_none_or(|store| !store.contains(*of)));
        let unwritten = |problem| format!("{problem}: nothing is decided or done until it can be written");
        turn.cloned().into_iter().chain(store.map(unwritten)).collect()
    }
}

/// Where readings come from.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct SourceRow {
    /// Its name.
    pub(crate) name: String,
    /// How long ago it last looked, seconds of the cluster's time.
    pub(crate) age_seconds: u64,
    /// Whether that is too long: then nothing is acted on.
    pub(crate) stale: bool,
    /// Readings since its last complete list that could not be believed.
    pub(crate) rejected: u64,
    /// Looks since the start; none of a simulated cluster.
    pub(crate) looks: Option<u64>,
    /// Looks that failed.
    pub(crate) failures: u64,
    /// How long the last look took, seconds.
    pub(crate) look_seconds: f64,
    /// Why the last look failed; none where it did not.
    pub(crate) problem: Option<String>,
    /// What it cannot see, and what would show it.
    pub(crate) notes: Vec<String>,
    /// Of a source of series: how they were found to belong to nodes and tasks.
    pub(crate) series: Option<SeriesRow>,
    /// Of a source of messages: what came since the start.
    pub(crate) stream: Option<StreamRow>,
}

/// Messages of a source since its start.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct StreamRow {
    /// Those that were read.
    pub(crate) messages: u64,
    /// Of these, those that were of no use and were sent to the dead letters.
    pub(crate) dead_letters: u64,
    /// Those that were older than what was known.
    pub(crate) late: u64,
    /// Those that spoke of a node that is not known.
    pub(crate) unknown: u64,
    /// Those that had been read before, and were left alone.
    pub(crate) repeated: u64,
    /// Messages that are there and have not been read.
    pub(crate) lag: u64,
    /// Those that were longer than is read, of which the rest was left out.
    pub(crate) cut: u64,
    /// Some of the nodes that are not known, with where they were read.
    pub(crate) examples: Vec<String>,
    /// When the last came, seconds since 1970; 0 before the first.
    pub(crate) last_message_seconds: u64,
}

/// Series of a source.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct SeriesRow {
    /// Those that belong to a node or task.
    pub(crate) mapped: u64,
    /// Those that belong to none that is known, and are not used.
    pub(crate) unmapped: u64,
    /// Those that claim what another one claims too.
    pub(crate) ambiguous: u64,
    /// Some of those that are not used.
    pub(crate) examples: Vec<String>,
}

/// What is kept, and where.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct StoreRow {
    /// What tells this store's rows from those of others in one database.
    pub(crate) instance: String,
    /// Why it cannot be written now; none where it can.
    pub(crate) problem: Option<String>,
    /// A database elsewhere that is told what the store has, where there is one.
    pub(crate) remote: Option<RemoteRow>,
    /// Topics of Kafka that are told of decisions and of what came of them, where there are any.
    pub(crate) kafka: Option<RemoteRow>,
}

/// How a database elsewhere, or Kafka, is told. While it is away decisions go on, and what it has not been told waits.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct RemoteRow {
    /// Which one.
    pub(crate) target: String,
    /// Rows that wait.
    pub(crate) waiting: u64,
    /// Rows that it took since the start.
    pub(crate) told: u64,
    /// Rows of history that the store dropped before they were told; never decisions, plans, steps or lines of the audit.
    pub(crate) dropped: u64,
    /// Attempts that failed since the start.
    pub(crate) failures: u64,
    /// Why it cannot be told now; none where it can.
    pub(crate) problem: Option<String>,
}

impl StoreRow {
    fn of(health: &Health) -> Self {
        let row = |report: RelayReport| RemoteRow {
            target: report.target,
            waiting: report.waiting,
            told: report.told,
            dropped: report.dropped,
            failures: report.failures,
            problem: report.problem,
        };
        Self {
            instance: health.instance.clone(),
            problem: health.store_problem.clone(),
            remote: health.remote.clone().map(row),
            kafka: health.kafka.clone().map(row),
        }
    }
}

/// How the service stands.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct Status {
    /// Its version.
    pub(crate) version: String,
    /// observe, recommend or act.
    pub(crate) mode: String,
    /// The same by owner, where it is another with his tasks.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) owner_modes: BTreeMap<String, String>,
    /// `ok`, or `degraded` where `problems` says why.
    pub(crate) state: String,
    /// What is wrong now.
    pub(crate) problems: Vec<String>,
    /// What the loop is connected to.
    pub(crate) connected_to: String,
    /// Whether anything can be carried out there.
    pub(crate) can_act: bool,
    /// Whether that is a simulated cluster, which may be put through trials.
    pub(crate) simulated: bool,
    /// Number of the last turn.
    pub(crate) turn: u64,
    /// The cluster's time, seconds.
    pub(crate) time_seconds: u64,
    /// How long the last turn took, seconds.
    pub(crate) turn_seconds: f64,
    /// How long each of its stages took, seconds.
    pub(crate) stages: StageSeconds,
    /// Nodes.
    pub(crate) nodes: usize,
    /// Nodes above the safety level.
    pub(crate) hot_nodes: usize,
    /// Nodes that are likely to fail.
    pub(crate) failing_nodes: usize,
    /// Tasks that stand on a node.
    pub(crate) running: usize,
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Share of the device capacity of working nodes that is held.
    pub(crate) devices_held: f64,
    /// Sources that have not looked for too long.
    pub(crate) stale_sources: Vec<String>,
    /// All sources.
    pub(crate) sources: Vec<SourceRow>,
    /// What is kept, and where.
    pub(crate) store: StoreRow,
    /// The plan that waits for a person.
    pub(crate) open_plan: Option<String>,
    /// What people have put off.
    pub(crate) snoozes: Vec<Snooze>,
    /// How starts came that were told before.
    pub(crate) starts: StartsJudgedRow,
}

/// The service after a turn.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) status: Status,
    pub(super) nodes: Vec<NodeRow>,
    pub(super) details: Arc<Vec<NodeDetail>>,
    pub(super) tasks: TaskRows,
    pub(super) load: Arc<LoadBody>,
    pub(super) waiting: WaitingBody,
    pub(super) policies: PoliciesBody,
    pub(super) candidates: CandidatesView,
    pub(super) figures: TurnFigures,
    pub(super) bytes: NodeBytes,
    pub(super) health: Health,
    /// Messages of faults in logs of nodes.
    faults: Vec<(String, FaultRow)>,
}

/// Messages of one fault in the log of a node.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FaultRow {
    /// The source that found them.
    pub(crate) source: String,
    /// Name of the pattern that they fit.
    pub(crate) pattern: String,
    /// How bad they are: critical, error or warning.
    pub(crate) severity: String,
    /// What is at fault by them.
    pub(crate) cause: String,
    /// How many came.
    pub(crate) count: u64,
    /// When the last was written, seconds since 1970.
    pub(crate) last_seconds: u64,
    /// That one, cut where it is long.
    pub(crate) example: String,
}

/// What sources found in logs, by node.
fn faults(standing: &Standing) -> Vec<(String, FaultRow)> {
    let rows = standing.reports.iter().flat_map(|report| {
        report.faults.iter().map(|of| {
            let row = FaultRow {
                source: report.source.clone(),
                pattern: of.pattern.clone(),
                severity: of.severity.clone(),
                cause: of.cause.clone(),
                count: of.count,
                last_seconds: of.last_seconds,
                example: of.example.clone(),
            };
            (of.node.clone(), row)
        })
    });
    rows.collect()
}

impl View {
    /// After a turn; without a report (the turn failed, or a person spoke) load, risk and figures are those of `before`.
    pub(super) fn of(
        cycle: &Cycle,
        turned: Option<(&CycleReport, TurnFigures)>,
        before: &Self,
        now_seconds: u64,
        health: &Health,
        standing: &Standing,
        proposal: Option<&Proposal>,
    ) -> Self {
        let report = turned.as_ref().map(|(report, _)| *report);
        let snapshot = cycle.snapshot();
        let cluster = &snapshot.cluster;
        let mut status = Status {
            turn: snapshot.memory.turn,
            time_seconds: now_seconds,
            turn_seconds: health.turn_seconds,
            nodes: cluster.node_count(),
            running: cluster.live_tasks().count() - snapshot.pending.len(),
            waiting: snapshot.pending.len(),
            stale_sources: snapshot.stale.iter().cloned().collect(),
            sources: sources(snapshot, now_seconds, standing),
            store: StoreRow::of(health),
            connected_to: standing.about.clone(),
            can_act: standing.can_act,
            simulated: standing.simulated,
            open_plan: proposal.filter(|p| !p.rejected).map(|p| format!("p{}", p.turn)),
            problems: problems(snapshot, now_seconds, health, standing),
            ..before.status.clone()
        };
        status.state = if status.problems.is_empty() { "ok" } else { "degraded" }.to_owned();
        if let Some(report) = report {
            status.hot_nodes = report.assessment.hot.len();
            status.failing_nodes = report.assessment.failing.len();
            status.devices_held = report.assessment.devices_held;
        }
        let node = |id: NodeId| {
            let row = NodeRow::of(cluster, id, before.nodes.get(id.index()));
            report.map_or(row.clone(), |report| row.assessed(cluster, id, &report.assessment))
        };
        let tasks = TaskRows::of(snapshot, &before.tasks);
        let load = report.map_or_else(
            || Arc::clone(&before.load),
            |report| Arc::new(LoadBody::of(cycle, report, now_seconds)),
        );
        let details = report.map_or_else(
            || Arc::clone(&before.details),
            |report| {
                let detail = |id| NodeDetail::of(cluster, id, &report.assessment);
                Arc::new(cluster.nodes().map(detail).collect())
            },
        );
        let mut nodes: Vec<NodeRow> = cluster.nodes().map(node).collect();
        let mut bytes = before.bytes.clone();
        if let Some(report) = report {
            NodeRow::mark(&mut nodes, &report.assessment);
            bytes = NodeBytes::of(snapshot, &report.assessment);
        }
        let figures = turned.map_or_else(|| before.figures.clone(), |(_, figures)| figures);
        status.stages = figures.stages;
        let waiting = WaitingBody::of(snapshot, now_seconds);
        let policies = PoliciesBody::default();
        Self {
            status,
            nodes,
            details,
            tasks,
            load,
            waiting,
            policies,
            candidates: CandidatesView::default(),
            figures,
            bytes,
            health: health.clone(),
            faults: faults(standing),
        }
    }

    /// Messages of faults in the log of a node, the latest first.
    pub(super) fn faults_of(&self, node: &str) -> Vec<FaultRow> {
        let of_node = self.faults.iter().filter(|(of, _)| of == node);
        let mut rows: Vec<FaultRow> = of_node.map(|(_, row)| row.clone()).collect();
        rows.sort_by(|a, b| b.last_seconds.cmp(&a.last_seconds).then_with(|| a.pattern.cmp(&b.pattern)));
        rows
    }

    /// Tells when what waits is expected to start.
    pub(super) fn tell_starts(&mut self, starts: &Starts) {
        self.status.starts = starts.judged();
        self.tasks.tell_starts(starts);
    }

    /// A node by its name, with all that is known of it.
    pub(super) fn node(&self, name: &str) -> Option<(NodeRow, NodeDetail, Vec<TaskRow>)> {
        let at = self.nodes.iter().position(|node| node.name == name)?;
        let detail = self.details.get(at).cloned().unwrap_or_default();
        let on_it = |task: &&TaskRow| task.node.as_deref() == Some(name);
        let tasks = self.tasks.iter().filter(on_it).cloned().collect();
        Some((self.nodes[at].clone(), detail, tasks))
    }
}

/// What is wrong: with the loop, with what it is connected to, and with the age of what it knows.
fn problems(snapshot: &Snapshot, now_seconds: u64, health: &Health, standing: &Standing) -> Vec<String> {
    let stale = snapshot.stale.iter().map(|name| {
        let looked = snapshot.sources.get(name).map_or(0, |state| state.looked_seconds);
        let since = match looked {
            0 => "has not been able to look yet".to_owned(),
            _ => format!("last looked {} s ago", now_seconds.saturating_sub(looked)),
        };
        format!("source `{name}` {since}: what is known is out of date, so nothing is decided or done")
    });
    health.problems().into_iter().chain(standing.problems.iter().cloned()).chain(stale).collect()
}

fn sources(snapshot: &Snapshot, now_seconds: u64, standing: &Standing) -> Vec<SourceRow> {
    let row = |(name, state): (&String, &SourceState)| {
        let report = standing.reports.iter().find(|report| report.source == *name);
        SourceRow {
            name: name.clone(),
            age_seconds: now_seconds.saturating_sub(state.looked_seconds),
            stale: snapshot.stale.contains(name),
            rejected: state.rejected,
            ..report.map(reported).unwrap_or_default()
        }
    };
    snapshot.sources.iter().map(row).collect()
}

/// What a source says of itself.
fn reported(report: &SourceReport) -> SourceRow {
    let series = report.series.as_ref().map(|series| SeriesRow {
        mapped: series.mapped,
        unmapped: series.unmapped,
        ambiguous: series.ambiguous,
        examples: series.examples.clone(),
    });
    let stream = report.stream.as_ref().map(|of| StreamRow {
        messages: of.messages,
        dead_letters: of.dead_letters,
        late: of.late,
        unknown: of.unknown,
        repeated: of.repeated,
        lag: of.lag,
        cut: of.cut,
        examples: of.examples.clone(),
        last_message_seconds: of.last_message_seconds,
    });
    SourceRow {
        looks: Some(report.looks),
        failures: report.failures,
        look_seconds: report.look_millis as f64 / 1000.0,
        problem: report.problem.clone(),
        notes: report.notes.clone(),
        series,
        stream,
        ..SourceRow::default()
    }
}

/// The last view, for all who look, and the stream of what is new.
#[derive(Debug)]
pub(super) struct Published {
    view: RwLock<Arc<View>>,
    pub(super) stream: Stream,
}

impl Status {
    /// What the loop may do with whose tasks.
    pub(super) fn set_modes(&mut self, modes: &Modes) {
        mode_name(modes.rest).clone_into(&mut self.mode);
        let owners =
            modes.owners.iter().map(|(owner, mode)| (owner.to_string(), mode_name(*mode).to_owned()));
        self.owner_modes = owners.collect();
    }

    /// Whether the loop decides on the tasks of others, and not on those of this owner.
    pub(super) fn only_observes(&self, owner: &str) -> bool {
        let observe = mode_name(Mode::Observe);
        let of = |owner: &str| self.owner_modes.get(owner).unwrap_or(&self.mode).as_str();
        of(owner) == observe && self.owner_modes.values().chain([&self.mode]).any(|mode| mode != observe)
    }
}

impl Published {
    /// Before the first turn.
    pub(super) fn new(modes: &Modes) -> Self {
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: "starting".to_owned(),
            ..Status::default()
        };
        status.set_modes(modes);
        let view = RwLock::new(Arc::new(View { status, ..View::default() }));
        Self { view, stream: Stream::new(unix_seconds()) }
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }
}
