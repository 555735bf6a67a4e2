//! One seed: the loop live on a terminal or line by line, then the summary against the same hours without.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use lepton_core::model::DecisionRecord;
use lepton_sim::experiment::{Keeper, LoopRun};
use lepton_sim::world::{Measures, WorldConfig};
use serde_json::json;

use super::screen::Screen;
use super::{FIGURES, explanation, start};
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{ResultFile, ResultFiles, Writing};

/// Runs one seed.
pub(super) fn run(args: &DemoArgs, config: &WorldConfig, stop: &AtomicBool) -> Result<(), Failure> {
    let mut files = ResultFiles::default();
    let file = files.claim_if_given("--records", args.records.as_deref())?;
    let mut records = file.as_ref().map(Records::open).transpose()?;
    let mut with = start(config, Keeper::Loop)?;
    let table = args.output == OutputFormat::Table;
    let mut screen = Screen::new(&with, config, table);
    let pause = args.speed.filter(|_| screen.is_live()).map(|speed| Duration::from_secs_f64(60.0 / speed));
    while let Some(report) = with.turn() {
        if table {
            output::print(&screen.show(&with, &report))?;
        }
        let written = records.as_mut().map_or(Ok(()), |file| file.write(&report.records));
        if !files.keep_failure(written) {
            records = None;
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
    }
    files.keep_failure(records.map_or(Ok(()), Records::finish));
    let stopped = stop.load(Ordering::Relaxed);
    // Without the loop the same hours pass, also when they were cut short.
    let mut without = start(config, Keeper::WithoutLoop)?;
    while without.now_seconds() < with.now_seconds() && without.turn().is_some() {}
    summary(args.output, config, &with, &without.measures(), stopped)?;
    files.end()?;
    if stopped { Err(Failure::Stopped) } else { Ok(()) }
}

fn summary(
    form: OutputFormat,
    config: &WorldConfig,
    run: &LoopRun,
    without: &Measures,
    stopped: bool,
) -> Result<(), Failure> {
    let with = run.measures();
    let (nodes, devices, hours) = (run.nodes(), run.devices(), run.now_seconds() as f64 / 3600.0);
    match form {
        OutputFormat::Table => {
            let mut table = output::table(&["", "with the loop", "without"]);
            for (_, label, value, decimals) in FIGURES {
                let shown = |m: &Measures| format!("{:.*}", decimals, value(m));
                table.add_row([label.to_owned(), shown(&with), shown(without)]);
            }
            output::print(&format!(
                "\n{hours:.1} hours, {nodes} nodes, {devices} GPUs, seed {}: {} tasks came, {} nodes failed.\n\
                 {table}\n{}\n",
                config.seed,
                with.arrived,
                with.failures,
                explanation()
            ))?;
        }
        OutputFormat::Json => output::print_json(&json!({
            "tool": "lepton", "version": env!("CARGO_PKG_VERSION"), "seed": config.seed, "hours": hours,
            "nodes": nodes, "devices": devices, "stopped_early": stopped,
            "with_loop": with, "without_loop": without,
        }))?,
        OutputFormat::Csv => {
            let mut text = String::from("figure,with_loop,without_loop\n");
            for (name, _, value, _) in FIGURES {
                let _ = writeln!(text, "{name},{},{}", value(&with), value(without));
            }
            output::print(&text)?;
        }
    }
    Ok(())
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
