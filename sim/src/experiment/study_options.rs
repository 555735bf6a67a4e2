//! What a placement study is asked.

use lepton_core::decide::policy::PlacementModel;

/// What to run.
#[derive(Debug, Clone)]
pub struct StudyOptions {
    /// Policy names, in the order of the report.
    pub policies: Vec<String>,
    /// One run per policy and seed.
    pub seeds: Vec<u64>,
    /// Device demand that arrives, as a multiple of the cluster's device capacity.
    pub load: f64,
    /// The policy that others are compared with, pair by pair.
    pub baseline: Option<String>,
    /// Threads to use.
    pub threads: usize,
    /// Keep the per-node state of the first seed for the report.
    pub heat: bool,
    /// The command that asked for the study, for the report.
    pub command: String,
    /// Weights of the learned policy; `None` for those it is shipped with.
    pub model: Option<PlacementModel>,
    /// Let a fixed rule serve in the place of the learned policy where a rehearsal does not show it to be better.
    pub guarded: bool,
}

impl Default for StudyOptions {
    /// No policies yet; one seed, arrivals up to 130%, one thread, the shipped model under its guard.
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            seeds: vec![42],
            load: 1.3,
            baseline: None,
            threads: 1,
            heat: false,
            command: String::new(),
            model: None,
            guarded: true,
        }
    }
}
