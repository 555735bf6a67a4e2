//! Lepton's edges: what reaches the world outside for the loop. The [`store`], a local SQLite file that holds the journal of the
//! loop's deeds, its plans, its decisions and the audit of what people did; and sources of real systems, one cargo feature each:
//! `host`, the machine that the service runs on, `prometheus`, what a Prometheus has scraped, and `kubernetes`, a cluster on which the
//! loop can act too.

#[cfg(all(feature = "host", target_os = "linux"))]
pub mod host;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod real_source;
pub mod store;

pub use real_source::{RealSource, SeriesCounts, SourceReport};
