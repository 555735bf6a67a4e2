//! The demo's screen: a panel that is drawn again each turn on a terminal, plain lines anywhere else.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use lepton_core::cycle::CycleReport;
use lepton_core::model::{DecisionRecord, StepResult};
use lepton_sim::experiment::LoopRun;
use lepton_sim::world::WorldConfig;

/// Decisions kept on the panel.
const DECISIONS_SHOWN: usize = 14;
/// Width of the bars, characters.
const BAR_WIDTH: usize = 40;
/// Minutes between two status lines where the output is no terminal.
const STATUS_MINUTES: u64 = 60;

/// What has been shown and is to be shown next.
pub(super) struct Screen {
    live: bool,
    head: String,
    decisions: VecDeque<String>,
    /// Lines of the panel on the screen now.
    drawn: usize,
    decided: usize,
    safety_level: f64,
}

impl Screen {
    pub(super) fn new(run: &LoopRun, config: &WorldConfig, wanted: bool) -> Self {
        let head = format!(
            "lepton demo: {} nodes, {} GPUs, seed {}, {} hours, one turn a minute",
            run.nodes(),
            run.devices(),
            config.seed,
            config.hours
        );
        let live = wanted && io::stdout().is_terminal();
        Self {
            live,
            head,
            decisions: VecDeque::new(),
            drawn: 0,
            decided: 0,
            safety_level: config.safety_level,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// What to print after a turn.
    pub(super) fn show(&mut self, run: &LoopRun, report: &CycleReport) -> String {
        self.decided += report.records.len();
        if self.live { self.panel(run, report) } else { self.plain(run, report) }
    }

    fn plain(&self, run: &LoopRun, report: &CycleReport) -> String {
        let mut out = String::new();
        if report.cycle == 1 {
            let _ = writeln!(out, "{}", self.head);
        }
        let now = run.now_seconds() - lepton_sim::experiment::TURN_SECONDS;
        if now.is_multiple_of(STATUS_MINUTES * 60) {
            let _ = writeln!(out, "{}", status(now, report));
        }
        for record in &report.records {
            let _ = writeln!(out, "{}", line(record));
        }
        out
    }

    fn panel(&mut self, run: &LoopRun, report: &CycleReport) -> String {
        for record in &report.records {
            self.decisions.push_back(line(record));
        }
        while self.decisions.len() > DECISIONS_SHOWN {
            self.decisions.pop_front();
        }
        let a = &report.assessment;
        let measures = run.measures();
        let mut lines = vec![
            self.head.clone(),
            status(run.now_seconds(), report),
            bar("cpu used", a.mean_used, Some(self.safety_level)),
            bar("devices", a.devices_held, None),
            histogram(report),
            format!(
                "decided {}, moved {}, finished {} of {}, failures {}, work lost {:.0} device-minutes",
                self.decided,
                measures.migrations,
                measures.finished,
                measures.arrived,
                measures.failures,
                measures.lost_device_minutes
            ),
            String::new(),
        ];
        lines.extend(self.decisions.iter().cloned());
        let mut out = String::new();
        if self.drawn > 0 {
            let _ = write!(out, "\x1b[{}A", self.drawn);
        }
        for text in &lines {
            let _ = writeln!(out, "\r\x1b[2K{}", text.chars().take(130).collect::<String>());
        }
        self.drawn = lines.len();
        out
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
        let _ = write!(out, "  {reason:?}");
    } else if let Some((obstacle, nodes)) = record.ruled_out.first() {
        let _ = write!(out, "  {obstacle:?} on {nodes} nodes");
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
