//! The demo's terminal: a screen of its own, drawn in place, that leaves nothing behind, also when a signal ends the
//! program at once. What is on it is not known here.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use anyhow::Context;
use terminal_size::terminal_size_of;

use crate::stop;

/// Leaves the shown screen as it is, hides the cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Takes both back.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// Where the size is not known.
const SIZE_DEFAULT: (usize, usize) = (80, 24);

/// How words are set off, where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Plain,
    Bold,
    Green,
    Yellow,
    Red,
    Dim,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Dim => "2",
        }
    }
}

/// A line, in parts of one colour each.
pub(super) type Line = Vec<(Colour, String)>;

/// A terminal that shows one screen.
pub(super) struct Terminal {
    colours: bool,
    size: (usize, usize),
    _leftover: stop::Leftover,
}

impl Terminal {
    /// Whether stdout is a terminal that can be drawn on.
    pub(super) fn is_there() -> bool {
        let able = std::env::var_os("TERM").is_some_and(|term| term != "dumb" && !term.is_empty());
        io::stdout().is_terminal() && able
    }

    /// Takes the terminal, if there is one.
    pub(super) fn open() -> Option<Self> {
        if !Self::is_there() {
            return None;
        }
        let leftover = stop::leftover(|| drop(put(LEAVE)));
        put(ENTER).ok()?;
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Some(Self { colours, size: (0, 0), _leftover: leftover })
    }

    /// Draws the lines that fit; `lines` is told how many rows there are.
    pub(super) fn draw(&mut self, lines: impl FnOnce(usize) -> Vec<Line>) -> anyhow::Result<()> {
        let (columns, rows) = terminal_size_of(io::stdout())
            .map_or(SIZE_DEFAULT, |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
        let mut frame = String::from("\x1b[H");
        if self.size != (columns, rows) {
            frame += "\x1b[2J";
            self.size = (columns, rows);
        }
        for (i, line) in lines(rows).iter().take(rows).enumerate() {
            frame += if i == 0 { "" } else { "\r\n" };
            self.add(&mut frame, line, columns);
            frame += "\x1b[K";
        }
        frame += "\x1b[J";
        put(&frame).context("cannot draw on the terminal")
    }

    /// Adds a line, cut where the screen ends.
    fn add(&self, frame: &mut String, line: &Line, columns: usize) {
        let mut left = columns;
        for (colour, text) in line {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(left).collect();
            left -= shown.chars().count();
            if self.colours && *colour != Colour::Plain {
                let _ = write!(frame, "\x1b[{}m{shown}\x1b[0m", colour.code());
            } else {
                frame.push_str(&shown);
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to restore.
        let _ = put(LEAVE);
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
