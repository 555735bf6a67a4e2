//! Readers of recorded workloads. Each format is one file; what they share is here: opening a possibly
//! compressed file with explicit limits ([`open()`]), typed CSV fields ([`CsvTable`]) and errors that say
//! file, line, column, value and what was expected ([`InputError`]).

mod counters;
mod csv_table;
mod decimal;
mod error;
mod job_trace;
mod jobs_csv;
mod json_document;
mod load;
mod node_log;
mod open;
pub mod openb;
mod outages;
mod philly;
mod plan;
mod reassignment;
mod snapshot;
mod swf;
mod swf_header;
mod telemetry;
mod time;
mod whole;

pub use counters::{CounterFile, CounterOptions, read_counters, read_counters_from};
pub use csv_table::{CsvRow, CsvTable};
pub use error::InputError;
pub use job_trace::{JobTrace, LeftOut, LeftOutCounts, WITHOUT_RUN, WITHOUT_SIZE};
pub use jobs_csv::{read_jobs_csv, read_jobs_csv_from};
pub use load::{LoadColumns, LoadNotes, RecordedLoad, Target, read_load, read_load_from};
pub use node_log::{LogMessage, read_log, read_log_from};
pub(crate) use open::unpacked;
pub use open::{LINE_BYTES_MAX, open};
pub use outages::{read_outages, read_outages_from};
pub use philly::{
    NodesOfSize, VirtualCluster, read_philly_jobs, read_philly_jobs_from, read_virtual_clusters,
};
pub use plan::{PlanFile, read_plan};
pub use reassignment::{read_reassignment, read_reassignment_from};
pub use snapshot::{ClusterSnapshot, read_snapshot, read_snapshot_from};
pub use swf::{JobStatus, SwfLines, read_swf, read_swf_from, read_swf_lines};
pub use telemetry::{TelemetryFile, TelemetryOptions, read_telemetry, read_telemetry_from};
pub use whole::{in_plain_words, read_whole, read_whole_text};

/// Most jobs of a trace, so that one too large is refused before memory runs out (about 4 GB). Tests have a
/// limit that they can reach.
pub const JOBS_MAX: usize = if cfg!(test) { 1000 } else { 100_000_000 };

/// Whether a trace of `count` jobs may have one more, which stands in `line`.
fn room_for_a_job(count: usize, file: &std::path::Path, line: u64) -> Result<(), InputError> {
    if count < JOBS_MAX {
        return Ok(());
    }
    let error = InputError::new(file, format!("has more than {JOBS_MAX} jobs")).at_line(line);
    Err(error.maybe("it can be cut into parts"))
}

#[cfg(test)]
mod tests;
