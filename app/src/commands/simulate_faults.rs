//! `lepton simulate faults`: a cluster that fails at published rates, beside the closed forms.

use std::io::{self, Write};

use lepton_core::analyze::risk::{FittedRisk, SIGNALS};
use lepton_sim::experiment::faults::{
    CauseShare, EttrResult, LEMON_JOB_NODES, LONG_JOBS, LemonResult, MttfResult, ReliabilityBin, learn_risk,
    reliability, risk_cases, simulate_causes, simulate_ettr, simulate_lemons, simulate_mttf,
};
use lepton_sim::generate::{FAULT_PRESETS, FaultEvent, FaultOptions, FaultPreset, FaultWorld};
use serde::Serialize;

use super::simulate_placement::command_line;
use crate::cli_risk::FaultsArgs;
use crate::failure::Failure;
use crate::numbers::signed;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;

/// Jobs whose time to failure is simulated, nodes.
const MTTF_NODES: [u32; 3] = [128, 2048, 16_384];
/// Failures simulated of each.
const MTTF_FAILURES: usize = 4000;
/// Days of each long job.
const ETTR_DAYS: u32 = 120;
/// Nodes and days of the worlds that risk is learned and checked in.
const RISK_NODES: u32 = 400;
const RISK_DAYS: u32 = 90;
/// Horizon of the table of chances: a day.
const SHOWN_HORIZON: usize = 1;

#[derive(Debug, Serialize)]
struct Report {
    preset: &'static str,
    about: &'static str,
    mean_failures_per_1000_node_days: f64,
    nodes: u32,
    days: u32,
    seeds: Vec<u64>,
    mttf: Vec<MttfResult>,
    ettr: Vec<EttrResult>,
    lemons: Vec<LemonResult>,
    causes: Vec<CauseShare>,
    /// Chances of a failure within a day beside what became of the nodes, in worlds that were not learned from.
    reliability: Vec<ReliabilityBin>,
    /// What signs are worth for that, as learned: each signal's weight.
    weights: Vec<(&'static str, f64)>,
    intercept: f64,
}

pub(crate) fn run(args: &FaultsArgs) -> Result<(), Failure> {
    let Some(&preset) = FAULT_PRESETS.iter().find(|p| p.name == args.preset) else {
        return Err(Failure::Input(format!("there is no preset `{}`", args.preset)));
    };
    let mut files = ResultFiles::default();
    let log = files.claim_if_given("--log", args.log.as_deref())?;
    let save = files.claim_if_given("--save", args.save.as_deref())?;
    let seeds = &args.seeds.0;
    let seed = seeds.first().copied().unwrap_or(1);
    let bar = output::progress("parts", 4 + seeds.len() as u64);
    let step = |what: &'static str| {
        bar.set_message(what);
        bar.inc(1);
    };
    step("time to failure");
    let mttf = MTTF_NODES.map(|nodes| simulate_mttf(preset, nodes, MTTF_FAILURES, seed)).into();
    step("training time");
    let ettr = LONG_JOBS.map(|job| simulate_ettr(job, ETTR_DAYS, seed)).into();
    let lemons = seeds.iter().map(|&seed| {
        step("lemons");
        simulate_lemons(preset, args.nodes_count, args.days, seed)
    });
    let lemons: Vec<LemonResult> = lemons.collect();
    step("causes");
    let causes = simulate_causes(preset, args.nodes_count, args.days, seed);
    step("risk");
    let model = learn_risk(preset, RISK_NODES, RISK_DAYS, seed);
    let cases: Vec<_> = seeds
        .iter()
        .flat_map(|&seed| risk_cases(preset, RISK_NODES, RISK_DAYS, seed, &model.prior))
        .collect();
    bar.finish_and_clear();
    files.write(log.as_ref(), |out| write_log(out, preset, args, seed));
    let trained_on = format!("made nodes, preset {}, seed {seed}", preset.name);
    let fitted = FittedRisk::new(model.clone(), command_line(), trained_on);
    files.write(save.as_ref(), |out| out.write_all(&fitted.to_bytes()));
    let horizon = &model.horizons[SHOWN_HORIZON];
    let report = Report {
        preset: preset.name,
        about: preset.about,
        mean_failures_per_1000_node_days: 1000.0 * preset.mean_per_day(),
        nodes: args.nodes_count,
        days: args.days,
        seeds: seeds.clone(),
        mttf,
        ettr,
        lemons,
        causes,
        reliability: reliability(&model, &cases, SHOWN_HORIZON),
        weights: SIGNALS.into_iter().zip(horizon.weights).collect(),
        intercept: horizon.intercept,
    };
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    files.end()
}

/// Messages of the nodes and their failures, as lines of a syslog with dates from 2026 on.
fn write_log(out: &mut impl Write, preset: FaultPreset, args: &FaultsArgs, seed: u64) -> io::Result<()> {
    let options = FaultOptions { nodes: args.nodes_count, mean_repair_hours: 6.6, signs: true, seed };
    let mut world = FaultWorld::new(preset, options);
    while let Some((now, node, event)) = world.advance() {
        if now >= i64::from(args.days) * 86_400 {
            break;
        }
        if let FaultEvent::Sign { pattern: Some(pattern), .. } = event {
            let (day, second) = (now / 86_400, now % 86_400);
            let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
            // Months of 28 days: every one of them exists.
            let (year, month, day) = (2026 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
            let example = &world.patterns().patterns()[pattern].example;
            writeln!(
                out,
                "{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z node{node:05} kernel: {example}"
            )?;
        }
    }
    Ok(())
}

fn text(report: &Report) -> String {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let mut out = format!(
        "{}: {}; {:.2} failures of a node in 1000 days\n\n",
        report.preset, report.about, report.mean_failures_per_1000_node_days
    );
    let mut table =
        output::table(&["time to failure, nodes", "simulated, h", "standard error", "1/(N r), h", "off by"]);
    for r in &report.mttf {
        let off = (r.mean_hours - r.expected_hours) / r.standard_error_hours;
        table.add_row([
            r.nodes.to_string(),
            format!("{:.3}", r.mean_hours),
            format!("{:.3}", r.standard_error_hours),
            format!("{:.3}", r.expected_hours),
            format!("{} errors", signed(off, 1)),
        ]);
    }
    out.push_str(&format!("{table}\n"));
    let mut table = output::table(&[
        "training time, nodes",
        "per 1000 days",
        "write, min",
        "interval, min",
        "simulated",
        "formula",
        "off by",
    ]);
    for r in &report.ettr {
        table.add_row([
            r.job.nodes.to_string(),
            format!("{:.1}", r.job.per_1000_node_days),
            format!("{:.2}", r.job.write_minutes),
            format!("{:.1}", r.interval_minutes),
            format!("{:.3}", r.ettr),
            format!("{:.3}", r.expected),
            format!("{}%", signed(100.0 * (r.ettr / r.expected - 1.0), 1)),
        ]);
    }
    out.push_str(&format!("{table}\n"));
    let jobs = format!("jobs of {LEMON_JOB_NODES} failed");
    let mut table = output::table(&["seed", "lemons", "flagged", "true", &jobs, "without the flagged"]);
    for r in &report.lemons {
        table.add_row([
            r.seed.to_string(),
            r.lemons.to_string(),
            r.flagged.to_string(),
            r.flagged_lemons.to_string(),
            percent(r.jobs_failed),
            percent(r.jobs_failed_without),
        ]);
    }
    let (nodes, days) = (report.nodes, report.days);
    out.push_str(&format!(
        "Lemons among {nodes} nodes after {days} days, and jobs in the {days} days after:\n{table}\n"
    ));
    let mut table = output::table(&["chance of a day", "cases", "given", "failed"]);
    for (i, bin) in report.reliability.iter().enumerate() {
        table.add_row([
            format!("group {}", i + 1),
            bin.cases.to_string(),
            percent(bin.given),
            percent(bin.failed),
        ]);
    }
    out.push_str(&format!(
        "Chances of a failure within a day, on seeds that were not learned from:\n{table}\n"
    ));
    let mut table = output::table(&["cause", "failures", "expected"]);
    for c in &report.causes {
        table.add_row([c.cause.to_owned(), c.failures.to_string(), format!("{:.1}", c.expected)]);
    }
    out.push_str(&format!("{table}\n"));
    out
}

fn csv(report: &Report) -> String {
    let mut out = String::from("figure,of,simulated,expected\n");
    for r in &report.mttf {
        out.push_str(&format!("mttf_hours,{} nodes,{},{}\n", r.nodes, r.mean_hours, r.expected_hours));
    }
    for r in &report.ettr {
        out.push_str(&format!("ettr,{} nodes,{},{}\n", r.job.nodes, r.ettr, r.expected));
    }
    for r in &report.lemons {
        let (seed, lemons) = (r.seed, r.lemons);
        out.push_str(&format!("flagged_lemons,seed {seed},{},{lemons}\n", r.flagged_lemons));
        out.push_str(&format!("flagged_others,seed {seed},{},0\n", r.flagged - r.flagged_lemons));
        out.push_str(&format!("jobs_failed,seed {seed},{},\n", r.jobs_failed));
        out.push_str(&format!("jobs_failed_without,seed {seed},{},\n", r.jobs_failed_without));
    }
    for bin in &report.reliability {
        out.push_str(&format!("failed_within_a_day,{} cases,{},{}\n", bin.cases, bin.failed, bin.given));
    }
    for c in &report.causes {
        out.push_str(&format!("failures,{},{},{}\n", c.cause, c.failures, c.expected));
    }
    out
}
