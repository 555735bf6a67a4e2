//! `lepton simulate placement --snapshot-at`: the clusters of the runs at one moment, as files.

use std::path::{Path, PathBuf};

use lepton_sim::experiment::{StudyOptions, fill_cluster};
use lepton_sim::workload::PlacementWorkload;

use crate::failure::Failure;
use crate::output;

/// Writes a snapshot for each policy and seed.
pub(super) fn write(
    workload: &PlacementWorkload,
    options: &StudyOptions,
    percent: f64,
    path: &Path,
) -> Result<(), Failure> {
    let single = options.policies.len() == 1 && options.seeds.len() == 1;
    for policy in &options.policies {
        for &seed in &options.seeds {
            let filled = fill_cluster(workload, options, policy, seed, percent)?;
            let path = if single { path.to_path_buf() } else { named(path, policy, seed) };
            output::write_json(&path, &filled.document(workload))?;
            output::note(&format!(
                "snapshot: {}: {} tasks placed, {} dropped",
                path.display(),
                filled.placed,
                filled.dropped
            ));
        }
    }
    Ok(())
}

/// `out.json` for fgd and seed 42: `out-fgd-42.json`.
fn named(path: &Path, policy: &str, seed: u64) -> PathBuf {
    let stem = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let ending = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}-{policy}-{seed}{ending}"))
}
