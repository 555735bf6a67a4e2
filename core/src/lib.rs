//! The brain.

pub mod decide;
