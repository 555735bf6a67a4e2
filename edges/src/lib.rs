//! Lepton's edges: what reaches the world outside for the loop. The [`store`], a local SQLite file that holds the journal of the
//! loop's deeds, its plans, its decisions and the audit of what people did; and sources of real systems, one cargo feature each:
//! `host`, the machine that the service runs on, `prometheus`, what a Prometheus has scraped, `kafka`, topics of events, which can be told of
//! decisions too, `kubernetes`, a cluster on which the loop can act, and beside another source `logs`, log files and the journal of systemd.
//! `traces` tells a collector of OpenTelemetry of the loop's turns.

#[cfg(all(feature = "host", target_os = "linux"))]
pub mod host;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(all(feature = "logs", unix))]
pub mod logs;
#[cfg(any(feature = "kafka", feature = "logs", feature = "prometheus"))]
mod mailbox;
#[cfg(any(feature = "kafka", feature = "kubernetes", feature = "logs"))]
mod moment;
#[cfg(any(feature = "kafka", feature = "logs"))]
mod node_names;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod real_source;
#[cfg(any(feature = "kafka", feature = "logs"))]
mod signs;
pub mod store;
#[cfg(feature = "traces")]
pub mod traces;

pub use real_source::{FaultMessages, RealSource, SeriesCounts, SourceReport, StreamCounts};
