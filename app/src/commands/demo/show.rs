//! What the demo shows of the hours: a panel of lines for a terminal, or a log with a line for each simulated minute and
//! for each move, cordon and failure. How it comes onto the screen is not known here.

use std::collections::VecDeque;
use std::fmt::Write as _;

use lepton_core::cycle::CycleReport;
use lepton_core::model::{DecisionRecord, StepResult, counted};
use lepton_sim::world::{Measures, WorldConfig};

use super::hours::Turn;
use super::terminal::{Colour, Line};

/// Decisions kept for the panel: as many as the tallest screen shows.
const DECISIONS_KEPT: usize = 200;
/// Width of the bars, characters.
const BAR_WIDTH: usize = 40;

/// The panel.
pub(super) struct Panel {
    seed: u64,
    hours: u32,
    safety_level: f64,
    /// Where it is asked.
    asked: String,
    decisions: VecDeque<Line>,
    decided: usize,
    news: News,
}

impl Panel {
    pub(super) fn new(config: &WorldConfig, asked: String) -> Self {
        let WorldConfig { seed, hours, safety_level, .. } = *config;
        Self {
            seed,
            hours,
            safety_level,
            asked,
            decisions: VecDeque::new(),
            decided: 0,
            news: News::default(),
        }
    }

    /// Takes a turn in.
    pub(super) fn add(&mut self, turn: &Turn) {
        self.decided += turn.report.records.len();
        self.decisions.extend(turn.report.records.iter().map(|record| {
            let colour = match record.action.name() {
                "migrate" => Colour::Yellow,
                "cordon" | "uncordon" => Colour::Red,
                "wait" => Colour::Dim,
                _ => Colour::Plain,
            };
            vec![(colour, line(record))]
        }));
        self.decisions.extend(self.news.of(turn).map(|news| vec![(Colour::Red, news)]));
        let extra = self.decisions.len().saturating_sub(DECISIONS_KEPT);
        self.decisions.drain(..extra);
    }

    /// The lines for a screen of so many rows.
    pub(super) fn lines(&self, turn: &Turn, rows: usize) -> Vec<Line> {
        let a = &turn.report.assessment;
        let Measures { migrations, finished, arrived, failures, lost_device_minutes, .. } = turn.pair.with;
        let [now, without] =
            [&turn.pair.with, &turn.pair.without].map(|m| format!("{:.0}", m.hot_node_minutes));
        let busy = if a.mean_used > self.safety_level { Colour::Red } else { Colour::Green };
        let mut lines = vec![
            vec![
                (Colour::Bold, "lepton demo".to_owned()),
                (
                    Colour::Plain,
                    format!(
                        ": {}, {}, seed {}, hour {:.1} of {}",
                        counted(turn.nodes, "node", "nodes"),
                        counted(turn.devices, "GPU", "GPUs"),
                        self.seed,
                        turn.now_seconds as f64 / 3600.0,
                        self.hours
                    ),
                ),
            ],
            vec![(Colour::Plain, self.asked.clone())],
            vec![(Colour::Plain, status(turn.now_seconds, &turn.report))],
            vec![(busy, bar("cpu used", a.mean_used, Some(self.safety_level)))],
            vec![(Colour::Green, bar("devices", a.devices_held, None))],
            vec![(Colour::Plain, histogram(&turn.report))],
            vec![(
                Colour::Plain,
                format!(
                    "decided {}, moved {migrations}, finished {finished} of {arrived}, failures {failures}, lost \
                     {lost_device_minutes:.0} device-min",
                    self.decided
                ),
            )],
            vec![
                (Colour::Plain, "node-minutes above the safety level: ".to_owned()),
                (Colour::Bold, now),
                (Colour::Plain, format!(", without the loop {without}")),
            ],
            Vec::new(),
        ];
        let room = rows.saturating_sub(lines.len()).min(self.decisions.len());
        lines.extend(self.decisions.iter().skip(self.decisions.len() - room).cloned());
        lines
    }
}

/// The log.
pub(super) struct Log {
    seed: u64,
    hours: u32,
    news: News,
}

impl Log {
    pub(super) fn new(config: &WorldConfig) -> Self {
        Self { seed: config.seed, hours: config.hours, news: News::default() }
    }

    /// What to print after a turn.
    pub(super) fn lines(&mut self, turn: &Turn) -> String {
        let Turn { report, .. } = turn;
        let mut out = String::new();
        if report.cycle == 1 {
            let _ = writeln!(
                out,
                "lepton demo: {}, {}, seed {}, {}, one turn a minute",
                counted(turn.nodes, "node", "nodes"),
                counted(turn.devices, "GPU", "GPUs"),
                self.seed,
                counted(self.hours, "hour", "hours")
            );
        }
        let mut placed = 0;
        for record in &report.records {
            match record.action.name() {
                "place" => placed += 1,
                "wait" => {}
                _ => {
                    let _ = writeln!(out, "{}", line(record));
                }
            }
        }
        if let Some(news) = self.news.of(turn) {
            let _ = writeln!(out, "{news}");
        }
        let _ = writeln!(out, "{}, placed {placed}", status(turn.now_seconds, report));
        out
    }
}

/// Failures since the last turn, which are no decisions.
#[derive(Default)]
struct News {
    failures: usize,
    interrupted: usize,
}

impl News {
    fn of(&mut self, turn: &Turn) -> Option<String> {
        let Measures { failures, interrupted, .. } = turn.pair.with;
        let failed = failures - self.failures;
        let stopped = interrupted - self.interrupted;
        *self = Self { failures, interrupted };
        let nodes = if failed == 1 { "a node" } else { &format!("{failed} nodes") };
        (failed > 0)
            .then(|| format!("{} failure  of {nodes}; tasks interrupted: {stopped}", clock(turn.now_seconds)))
    }
}

/// A bar from 0 to 100% with a mark at a level.
fn bar(label: &str, share: f64, mark: Option<f64>) -> String {
    let at = |share: f64| ((share * BAR_WIDTH as f64).round() as usize).min(BAR_WIDTH);
    let cells = (0..BAR_WIDTH).map(|i| match mark {
        Some(mark) if i == at(mark) => '|',
        _ if i < at(share) => '█',
        _ => '·',
    });
    format!("{label:<9} {} {:.0}%", cells.collect::<String>(), 100.0 * share)
}

/// How many nodes stand at which use, in tenths.
fn histogram(report: &CycleReport) -> String {
    const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut counts = [0_usize; 12];
    for load in &report.assessment.load {
        counts[((load.used * 10.0) as usize).min(11)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let cells = counts.iter().flat_map(|&c| [STEPS[(c * 8).div_ceil(most)]; 3]);
    format!("{:<9} {} nodes by cpu used, 0 to 120%", "", cells.collect::<String>())
}

/// One decision on one line, with its reason.
fn line(record: &DecisionRecord) -> String {
    let DecisionRecord { action, task, from, to, reason, gain, cost, result, .. } = record;
    let mut out = format!("{} {:<8}", clock(record.time_seconds), action.name());
    if let Some(task) = task {
        let _ = write!(out, " {task}");
    }
    match (from, to) {
        (Some(from), Some(to)) => {
            let _ = write!(out, " {from} -> {to}");
        }
        (None, Some(to)) if task.is_some() => {
            let _ = write!(out, " -> {to}");
        }
        (_, Some(to)) => {
            let _ = write!(out, " {to}");
        }
        _ => {}
    }
    if let Some(reason) = reason {
        let _ = write!(out, "  {reason}");
    } else if let Some((obstacle, nodes)) = record.ruled_out.first() {
        let _ = write!(out, "  {obstacle}: {}", counted(*nodes, "node", "nodes"));
    }
    if *cost > 0.0 {
        let _ = write!(out, ", gain {gain:.1} for {cost:.1} device-minutes");
    }
    match result {
        Some(StepResult::Refused(why)) => {
            let _ = write!(out, "; refused: {why}");
        }
        Some(StepResult::Undone(why)) => {
            let _ = write!(out, "; undone: {why}");
        }
        Some(StepResult::Underway) => out.push_str("; under way"),
        Some(StepResult::NotTried) => out.push_str("; not tried"),
        Some(StepResult::Done) | None => {}
    }
    out
}

/// How the cluster stands, on one line.
fn status(time_seconds: u64, report: &CycleReport) -> String {
    let a = &report.assessment;
    format!(
        "{} cpu {:.0}% ±{:.0}, devices {:.0}%, stranded {:.1}, waiting {}, hot nodes {}, failing {}",
        clock(time_seconds),
        100.0 * a.mean_used,
        100.0 * a.imbalance,
        100.0 * a.devices_held,
        a.stranded_milli as f64 / 1000.0,
        a.waiting,
        a.hot.len(),
        a.failing.len()
    )
}

/// `1d 06:30`, without the day on the first.
fn clock(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days == 0 { format!("{hours:02}:{minutes:02}") } else { format!("{days}d {hours:02}:{minutes:02}") }
}
