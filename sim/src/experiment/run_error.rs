//! What can keep any study from being run, whatever it is about, and the threads that studies run on.

/// Why no run of a study was done, whatever the study is about.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The caller asked to stop before a run was done.
    #[error("stopped before the first run was done")]
    Stopped,
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {problem}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why not.
        problem: String,
    },
}

/// Threads for the runs of a study.
pub(super) fn thread_pool(threads: usize) -> Result<rayon::ThreadPool, RunError> {
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    built.map_err(|e| RunError::Threads { threads, problem: e.to_string() })
}
