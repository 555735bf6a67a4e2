//! One seed: the loop live on a terminal or as a log, then the summary.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use lepton_core::model::{DecisionRecord, DeedsByAct};
use lepton_sim::experiment::Keeper;
use lepton_sim::world::WorldConfig;

use super::hours::{Hours, Turn};
use super::served::Served;
use super::show::{Log, Panel};
use super::summary::{Ended, print};
use super::terminal::Terminal;
use super::typical::Others;
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{ResultFile, ResultFiles, Writing};

/// Simulated seconds in a turn.
const TURN_SECONDS: f64 = lepton_sim::experiment::TURN_SECONDS as f64;
/// Simulated seconds per second on a terminal.
const SPEED_DEFAULT: f64 = 3600.0;
/// Said where the hours are not drawn.
const NO_SPEED: &str =
    "note: --speed has no effect, for stdout is no terminal to draw on: time passes as fast as it can";
/// Longest sleep between two looks at the stop flag.
const NAP: Duration = Duration::from_millis(50);

/// Runs one seed.
pub(super) fn run(
    args: &DemoArgs,
    config: &WorldConfig,
    the_loop: &Keeper,
    stop: &'static AtomicBool,
) -> Result<(), Failure> {
    let mut files = ResultFiles::default();
    let file = files.claim_if_given("--records", args.records.as_deref())?;
    let mut records = file.as_ref().map(Records::open).transpose()?;
    let keepers = [the_loop.clone(), Keeper::WithoutLoop];
    let others = Others::begin(config, keepers.clone())?;
    let hours = Hours::begin(config, keepers, stop)?;
    let mut shown = Shown::new(args, config);
    let mut last = None;
    let (mut deeds, mut order) = (DeedsByAct::default(), Served::default());
    while let Some(turn) = hours.next_turn()? {
        let written = records.as_mut().map_or(Ok(()), |file| file.write(&turn.report.records));
        if !files.keep_failure(written) {
            records = None;
        }
        deeds.add(&turn.report.records);
        order.add(&turn);
        shown.show(&turn, stop)?;
        last = Some(turn);
    }
    shown.end();
    files.keep_failure(records.map_or(Ok(()), Records::finish));
    let stopped = stop.load(Ordering::Relaxed);
    let Some(Turn { now_seconds, nodes, devices, pair, .. }) = last else {
        return Err(Failure::StoppedWithoutResult);
    };
    let ended = Ended { config, now_seconds, nodes, devices, pair, deeds, order, stopped };
    print(&ended, args.output, || if stopped { Vec::new() } else { others.gains(stop) })?;
    files.end()?;
    if stopped { Err(Failure::Stopped) } else { Ok(()) }
}

/// Where the hours are shown.
enum Shown {
    Live { terminal: Terminal, panel: Panel, pause: Duration, due: Instant },
    Log { log: Log, minutes: indicatif::ProgressBar },
    Hidden { minutes: indicatif::ProgressBar },
}

impl Shown {
    fn new(args: &DemoArgs, config: &WorldConfig) -> Self {
        let minutes = || output::progress("simulated minutes", u64::from(config.hours) * 60);
        if args.output != OutputFormat::Table {
            return Self::Hidden { minutes: minutes() };
        }
        match Terminal::open() {
            None => {
                if args.speed.is_some() {
                    output::note(NO_SPEED);
                }
                Self::Log { log: Log::new(config), minutes: minutes() }
            }
            Some(terminal) => Self::Live {
                terminal,
                panel: Panel::new(config),
                pause: Duration::from_secs_f64(TURN_SECONDS / args.speed.unwrap_or(SPEED_DEFAULT)),
                due: Instant::now(),
            },
        }
    }

    fn show(&mut self, turn: &Turn, stop: &AtomicBool) -> Result<(), Failure> {
        match self {
            Self::Live { terminal, panel, pause, due } => {
                panel.add(turn);
                terminal.draw(|rows| panel.lines(turn, rows))?;
                *due = (*due).max(Instant::now()) + *pause;
                while Instant::now() < *due && !stop.load(Ordering::Relaxed) {
                    thread::sleep(due.saturating_duration_since(Instant::now()).min(NAP));
                }
            }
            Self::Log { log, minutes } => {
                output::print(&log.lines(turn))?;
                minutes.inc(1);
            }
            Self::Hidden { minutes } => minutes.inc(1),
        }
        Ok(())
    }

    fn end(self) {
        if let Self::Log { minutes, .. } | Self::Hidden { minutes } = self {
            minutes.finish_and_clear();
        }
    }
}

/// A file of decision records, one JSON document a line, which grows while the hours pass.
struct Records<'a> {
    file: &'a ResultFile,
    writing: Writing,
}

impl<'a> Records<'a> {
    fn open(file: &'a ResultFile) -> anyhow::Result<Self> {
        Ok(Self { file, writing: file.open()? })
    }

    fn write(&mut self, records: &[DecisionRecord]) -> anyhow::Result<()> {
        for record in records {
            let line = serde_json::to_string(record).context("cannot write a record as JSON")?;
            writeln!(self.writing.out(), "{line}").with_context(|| self.file.problem())?;
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        self.file.close(self.writing)
    }
}
