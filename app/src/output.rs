//! What people and programs read: tables, JSON documents and CSV on stdout; progress and notes on stderr. Files are
//! written by `result_files`.

use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentLineStyle, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::log;

/// Form of the result on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A table for people.
    Table,
    /// Exactly one JSON document.
    Json,
    /// Comma-separated values with a header line.
    Csv,
}

/// Writes to stdout. A closed pipe (`| head`) is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

/// Prints one JSON document.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(value).context("cannot write the result as JSON")?;
    text.push('\n');
    print(&text)
}

/// A remark for people, on stderr.
pub(crate) fn note(text: &str) {
    if log::is_json() {
        return log::note(text);
    }
    // Where even stderr cannot be written, there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A table with this header; all columns but the first are aligned right.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let lines = ContentLineStyle::new(' ', ' ', ' ');
    table.load_style(
        TableStyle::new()
            .header_lines(lines)
            .header_separator(LineStyle::new(' ', '─', '─', ' '))
            .content_lines(lines),
    );
    table.set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Where stderr is no terminal, a line says this often where a long command is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// A progress bar with the expected time left; a line now and then where stderr is no terminal.
pub(crate) fn progress(what: &'static str, steps: u64) -> ProgressBar {
    let bar = shown(ProgressBar::with_draw_target(Some(steps), target()), move |bar| {
        format!("{what}: {} of {}", bar.position(), bar.length().unwrap_or(steps))
    });
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A line on stderr that is written over again and again; now and then one where stderr is no terminal.
pub(crate) fn live_line() -> ProgressBar {
    let line = shown(ProgressBar::with_draw_target(None, target()), |line| line.message());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        line.set_style(style);
    }
    line
}

fn target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

/// Tells where the bar is as long as it is used, if it is not drawn.
fn shown(bar: ProgressBar, where_it_is: impl Fn(&ProgressBar) -> String + Send + 'static) -> ProgressBar {
    let weak = bar.downgrade();
    let begun = Instant::now();
    if !io::stderr().is_terminal() {
        thread::spawn(move || {
            loop {
                thread::sleep(TOLD_EVERY);
                let Some(bar) = weak.upgrade().filter(|bar| !bar.is_finished()) else { return };
                let seconds = begun.elapsed().as_secs();
                note(&format!("after {seconds} s: {}", where_it_is(&bar)));
            }
        });
    }
    bar
}
