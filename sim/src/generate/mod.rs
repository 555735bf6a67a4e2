//! Generators: workloads made from published statistics, so that nothing needs a file.

mod openb_like;

pub use openb_like::{OPENB_NODES, openb_like};
