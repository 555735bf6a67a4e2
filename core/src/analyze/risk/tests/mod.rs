//! Tests of the room.

mod anomaly;
mod signs;
