//! Lepton's edges: what reaches the world outside for the loop. Here so far: the store, a local SQLite file that holds the
//! journal of the loop's deeds, its plans, its decisions and the audit of what people did.

pub mod store;
