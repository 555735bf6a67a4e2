//! `lepton simulate replay`: recorded hours of a service, played again.

use anyhow::anyhow;
use serde_json::json;

use super::snapshot::{all, within};
use crate::cli_snapshot::ReplayArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::recordings::{Lines, Player};

pub(crate) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let mut player = Player::default();
    if args.recording.is_dir() {
        let (from, to) = (args.from.unwrap_or(0), args.to.unwrap_or(u64::MAX));
        for stretch in within(all(&args.recording)?, from, to) {
            player.play(&mut Lines::open(&stretch.path, true)?)?;
        }
    } else if args.from.is_some() || args.to.is_some() {
        return Err(Failure::Input(format!(
            "--from and --to are of a folder, and {} is none: a bundle is played whole",
            args.recording.display()
        )));
    } else {
        player.play(&mut Lines::open(&args.recording, false)?)?;
    }
    let played = player.played();
    if played.turns == 0 && played.difference.is_none() {
        return Err(Failure::Input(format!("{}: has no turn of that time", args.recording.display())));
    }
    let (from, to) = (played.from_seconds.unwrap_or(0), played.to_seconds.unwrap_or(0));
    let values = [
        ("turns", json!(played.turns)),
        ("plans", json!(played.plans)),
        ("steps", json!(played.steps)),
        ("from_seconds", json!(from)),
        ("to_seconds", json!(to)),
        ("recorded_by", json!(played.recorded_by)),
        ("difference", json!(played.difference)),
    ];
    match args.output {
        OutputFormat::Json => {
            output::print_json(&serde_json::Map::from_iter(values.map(|(name, of)| (name.to_owned(), of))))?;
        }
        OutputFormat::Csv => {
            let (names, of): (Vec<&str>, Vec<String>) =
                values[..6].iter().map(|(name, of)| (*name, of.to_string())).unzip();
            output::print(&format!("{}\n{}\n", names.join(","), of.join(",")))?;
        }
        OutputFormat::Table => output::print(&format!(
            "{} turns from {from} s to {to} s of the cluster's time came out as they were recorded: {} plans with {} steps\n",
            played.turns, played.plans, played.steps
        ))?,
    }
    let Some(difference) = &played.difference else { return Ok(()) };
    let (by, this) = (&played.recorded_by, env!("CARGO_PKG_VERSION"));
    let other = if by == this { String::new() } else { format!("; lepton {by} recorded it, this is {this}") };
    Err(Failure::Other(anyhow!("the first difference: {difference}{other}")))
}
