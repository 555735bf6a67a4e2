//! What is written before and after each call on the world, so that a loop that was killed knows where it stood.

use serde::{Deserialize, Serialize};

use super::{Answer, Call, Memory, Moving, Name, Part, PartKey, Placing, Served};

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum JournalEntry {
    /// A turn is about to decide: its number is used up.
    Turn {
        /// The turn.
        turn: u64,
        /// When, seconds.
        time_seconds: u64,
    },
    /// A part is about to be carried out.
    Opened {
        /// The part.
        part: Part,
        /// Per step: whom its task belongs to.
        owners: Vec<Option<Name>>,
        /// How its tasks are moved.
        moving: Moving,
        /// When, seconds.
        time_seconds: u64,
    },
    /// A call of a part is about to be made.
    Calling {
        /// The part.
        key: PartKey,
        /// The call.
        call: Call,
        /// When, seconds.
        time_seconds: u64,
    },
    /// What became of a call of a part.
    Answered {
        /// The part.
        key: PartKey,
        /// The call; journals of before several were made together do not name it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<Call>,
        /// The answer.
        answer: Answer,
        /// When, seconds.
        time_seconds: u64,
    },
    /// The learned order was compared with its rule.
    Compared {
        /// What is known of it since.
        order: Served,
        /// When, seconds.
        time_seconds: u64,
    },
    /// The learned placement was rehearsed, or compared with its rule.
    Placing {
        /// What is known of it since.
        placing: Placing,
        /// When, seconds.
        time_seconds: u64,
    },
    /// All that the entries before amount to: they are no longer needed.
    Remembered {
        /// The memory.
        memory: Box<Memory>,
    },
}
