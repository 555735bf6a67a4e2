//! One seed: the loop live on a terminal, as a service, or as a log, then the summary.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use lepton_core::model::Mode;
use lepton_core::model::{DecisionRecord, DeedsByAct};
use lepton_sim::experiment::Keeper;
use lepton_sim::world::WorldConfig;

use super::hours::{Hours, Turn};
use super::served::Served;
use super::service::{DemoService, server_option};
use super::show::{Log, Panel};
use super::summary::{Ended, print};
use super::terminal::Terminal;
use super::typical::Others;
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{ResultFile, ResultFiles, Writing};

/// Why an option of the service has no effect.
const NO_SERVICE: &str = "has no effect, for stdout is no terminal to draw on and --serve is not given: time passes as fast as it can, and plans are carried out";

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
    let mode = args.mode.unwrap_or(Mode::Act);
    let keepers = [the_loop.clone(), Keeper::WithoutLoop];
    let others = Others::begin(config, keepers.clone())?;
    let drawn = args.output == OutputFormat::Table && Terminal::is_there();
    let (service, hours) = if args.serve || drawn {
        let (service, watched) = DemoService::begin(config, the_loop, (args.speed, mode), stop)?;
        (Some(service), Hours::watch(watched, config, Keeper::WithoutLoop, stop)?)
    } else {
        (None, Hours::begin(config, keepers, stop)?)
    };
    let mut shown = Shown::new(args, config, service.as_ref());
    let mut last = None;
    let (mut deeds, mut order) = (DeedsByAct::default(), Served::default());
    while let Some(turn) = hours.next_turn()? {
        let written = records.as_mut().map_or(Ok(()), |file| file.write(&turn.report.records));
        if !files.keep_failure(written) {
            records = None;
        }
        deeds.add(&turn.report.records);
        order.add(&turn);
        shown.show(&turn)?;
        last = Some(turn);
    }
    drop(hours);
    shown.end();
    files.keep_failure(records.map_or(Ok(()), Records::finish));
    let stopped = stop.load(Ordering::Relaxed);
    let Some(Turn { now_seconds, nodes, devices, pair, .. }) = last else {
        return Err(Failure::StoppedWithoutResult);
    };
    let ended = Ended { config, now_seconds, nodes, devices, pair, deeds, order, stopped };
    // What other seeds gain is of a loop that asks nobody.
    let is_typical = !stopped && mode == Mode::Act;
    print(&ended, args.output, || if is_typical { others.gains(stop) } else { Vec::new() })?;
    files.end()?;
    if let Some(service) = service {
        if !stopped {
            service.stand();
        }
        if !service.end()? {
            return Err(Failure::Other(anyhow::anyhow!("the service of the demo ended by itself")));
        }
        if !stopped {
            return Err(Failure::Ended("the demo is over".to_owned()));
        }
    }
    if stopped { Err(Failure::Stopped) } else { Ok(()) }
}

/// Where the hours are shown.
enum Shown {
    Live { terminal: Terminal, panel: Panel },
    Log { log: Log, minutes: indicatif::ProgressBar },
    Hidden { minutes: indicatif::ProgressBar },
}

impl Shown {
    fn new(args: &DemoArgs, config: &WorldConfig, service: Option<&DemoService>) -> Self {
        let minutes = || output::progress("simulated minutes", u64::from(config.hours) * 60);
        for (option, is_given) in [("--speed", args.speed.is_some()), ("--mode", args.mode.is_some())] {
            if service.is_none() && is_given {
                output::note(&format!("note: {option} {NO_SERVICE}"));
            }
        }
        if args.output != OutputFormat::Table {
            return Self::Hidden { minutes: minutes() };
        }
        let asked = service.map(|service| {
            let to = server_option(service.address());
            format!("http://{}  lepton status{to}  lepton explain d1-0{to}", service.address())
        });
        match Terminal::open() {
            Some(terminal) => Self::Live { terminal, panel: Panel::new(config, asked.unwrap_or_default()) },
            None => Self::Log { log: Log::new(config), minutes: minutes() },
        }
    }

    fn show(&mut self, turn: &Turn) -> Result<(), Failure> {
        match self {
            Self::Live { terminal, panel } => {
                panel.add(turn);
                terminal.draw(|rows| panel.lines(turn, rows))?;
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
