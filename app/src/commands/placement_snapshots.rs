//! `lepton simulate placement --snapshot-at`: the clusters of the runs at one moment, as files.

use lepton_core::model::counted;
use std::path::{Path, PathBuf};

use lepton_sim::experiment::{StudyOptions, fill_cluster_unless};
use lepton_sim::workload::PlacementWorkload;

use crate::failure::Failure;
use crate::output;
use crate::result_files::{Overwrite, ResultFile, ResultFiles};
use crate::stop;

/// The snapshots that are asked for, one for each policy and seed.
pub(super) struct Snapshots {
    percent: f64,
    files: Vec<(String, u64, ResultFile)>,
}

impl Snapshots {
    /// Claims their files.
    pub(super) fn claim(
        files: &mut ResultFiles,
        options: &StudyOptions,
        percent: f64,
        path: &Path,
    ) -> Result<Self, Failure> {
        let single = options.policies.len() == 1 && options.seeds.len() == 1;
        let mut all = Vec::new();
        for policy in &options.policies {
            for &seed in &options.seeds {
                let path = if single { path.to_path_buf() } else { named(path, policy, seed) };
                all.push((policy.clone(), seed, files.claim("--snapshot", &path, Overwrite::Yes)?));
            }
        }
        Ok(Self { percent, files: all })
    }

    /// Fills the cluster anew for each and writes it.
    pub(super) fn write(
        &self,
        files: &mut ResultFiles,
        workload: &PlacementWorkload,
        options: &StudyOptions,
    ) -> Result<(), Failure> {
        for (policy, seed, file) in &self.files {
            let stop = stop::flag();
            let filled = fill_cluster_unless(workload, options, policy, *seed, self.percent, stop)?;
            let Some(filled) = filled else {
                output::note(&format!("snapshot: {}: not written", file.path().display()));
                continue;
            };
            if files.write_json(Some(file), &filled.document(workload)) {
                output::note(&format!(
                    "snapshot: {}: {} placed, {} dropped",
                    file.path().display(),
                    counted(filled.placed, "task", "tasks"),
                    filled.dropped
                ));
            }
        }
        Ok(())
    }
}

/// `out.json` for fgd and seed 42: `out-fgd-42.json`.
fn named(path: &Path, policy: &str, seed: u64) -> PathBuf {
    let stem = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let ending = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}-{policy}-{seed}{ending}"))
}
