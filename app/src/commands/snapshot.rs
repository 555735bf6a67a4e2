//! `lepton snapshot`: a bundle of a service, from the folder of its store.

use std::io;
use std::path::Path;

use anyhow::Context;
use lepton_edges::store::Reader;
use serde_json::{Value, json};

use crate::cli_snapshot::SnapshotArgs;
use crate::failure::Failure;
use crate::output;
use crate::recordings::{Bundle, FOLDER, Lines, Stretch, stretches};
use crate::result_files::{Overwrite, ResultFiles};

/// Rows of the store that are read at a time.
const ROWS: usize = 500;
/// Lines of the audit that are told, the newest.
const AUDIT_LINES: usize = 1000;
/// Seconds of an hour.
const HOUR_SECONDS: u64 = 3600;

pub(crate) fn run(args: &SnapshotArgs) -> Result<(), Failure> {
    let folder = Path::new(&args.state_dir);
    let (from, to) = range(args, &all(folder)?);
    let chosen = within(all(folder)?, from, to);
    if chosen.is_empty() {
        return Err(Failure::Input(format!(
            "nothing is recorded in {} from {from} s to {to} s of the cluster's time",
            folder.display()
        )));
    }
    let from = chosen.first().map_or(from, |stretch| stretch.from_seconds.min(from));
    let rows = rows(folder, from, to).context("the store")?;
    let mut files = ResultFiles::default();
    let file = files.claim("FILE", &args.bundle, Overwrite::Yes)?;
    file.write(|out| write(out, &chosen, rows))?;
    output::note(&format!(
        "{}: what was recorded from {from} s on; names of nodes, tasks, owners and people are in it, tokens, passwords and addresses are not",
        args.bundle.display()
    ));
    Ok(())
}

/// The files of the recording of a service.
pub(super) fn all(folder: &Path) -> Result<Vec<Stretch>, Failure> {
    let recordings = folder.join(FOLDER);
    let read = stretches(&recordings);
    read.map_err(|error| {
        Failure::Input(format!(
            "{}: cannot be read: {error}. Maybe `--state-dir` is another folder, or `record_hours` is 0",
            recordings.display()
        ))
    })
}

/// Those that have something of this time.
pub(super) fn within(all: Vec<Stretch>, from_seconds: u64, to_seconds: u64) -> Vec<Stretch> {
    let is_within = |stretch: &Stretch| {
        stretch.from_seconds <= to_seconds && stretch.to_seconds.is_none_or(|to| to > from_seconds)
    };
    all.into_iter().filter(is_within).collect()
}

/// What is asked for; without a beginning it is so many hours before the file that is written now, which may only just have begun.
fn range(args: &SnapshotArgs, all: &[Stretch]) -> (u64, u64) {
    let to = args.to.unwrap_or(u64::MAX);
    let begun = all.iter().rev().map(|stretch| stretch.from_seconds).find(|from| *from <= to).unwrap_or(0);
    let back = args.hours.unwrap_or(1).saturating_mul(HOUR_SECONDS);
    (args.from.unwrap_or(begun.saturating_sub(back)), to)
}

/// Rows of the store, by table.
fn rows(folder: &Path, from: u64, to: u64) -> anyhow::Result<Vec<(&'static str, Value)>> {
    let reader = Reader::open(folder)?;
    let is_within = |seconds: u64| (from..=to).contains(&seconds);
    let mut rows = Vec::new();
    every(|before| {
        let page = reader.decisions(None, before, ROWS)?;
        let over = page.items.last().is_none_or(|last| last.record.time_seconds < from);
        for decision in page.items.into_iter().filter(|of| is_within(of.record.time_seconds)) {
            rows.push(("decisions", serde_json::to_value(decision.record)?));
        }
        Ok(page.next_before.filter(|_| !over))
    })?;
    every(|before| {
        let page = reader.plans(before, ROWS)?;
        let over = page.items.last().is_none_or(|last| last.document.time_seconds < from);
        for plan in page.items.into_iter().filter(|of| is_within(of.document.time_seconds)) {
            rows.push((
                "plans",
                json!({
                    "turn": plan.turn, "state": plan.state.name(), "effects": plan.effects, "document": plan.document,
                    "decided_by": plan.decided_by, "why": plan.why, "successor": plan.successor,
                }),
            ));
        }
        Ok(page.next_before.filter(|_| !over))
    })?;
    for line in reader.audit(AUDIT_LINES)? {
        rows.push((
            "audit",
            json!({
                "unix_seconds": line.unix_seconds, "actor": line.actor, "action": line.action, "target": line.target,
                "detail": line.detail,
            }),
        ));
    }
    Ok(rows)
}

/// Reads page by page, each before the one that was read last, until there is none.
fn every<Key>(mut page: impl FnMut(Option<Key>) -> anyhow::Result<Option<Key>>) -> anyhow::Result<()> {
    let mut before = None;
    loop {
        before = page(before)?;
        if before.is_none() {
            return Ok(());
        }
    }
}

fn write(out: &mut dyn io::Write, chosen: &[Stretch], rows: Vec<(&'static str, Value)>) -> io::Result<()> {
    let mut bundle = Bundle::begin(out);
    for stretch in chosen {
        let mut lines = Lines::open(&stretch.path, true).map_err(io::Error::other)?;
        while let Some(line) = lines.next_written().map_err(io::Error::other)? {
            bundle.add(&line)?;
        }
    }
    for (table, row) in rows {
        bundle.add_row(table, row)?;
    }
    bundle.end()
}
