//! What the loop was told and what it decided, turn by turn, in files from which it is played again: the same plans, byte for byte, come of
//! the same readings.
//!
//! A file begins with the loop as it stood (its snapshot) and goes on with a line a turn: readings, answers to calls, what the analyst
//! added. So any hour is played again without those before it. What time it was for the machine, and how long anything took, is in
//! none of it.

mod bundle;
mod form;
mod past;
mod play;
mod read;
mod tap;
mod write;

pub(crate) use bundle::Bundle;
pub(crate) use form::{DeciderSettings, Head, Line, Thought};
pub(crate) use past::{PastError, snapshot_at};
pub(crate) use play::Player;
pub(crate) use read::{FOLDER, Lines, Stretch, stretches};
pub(crate) use tap::{approved, turned};
pub(crate) use write::{Recorder, RecorderOptions};
