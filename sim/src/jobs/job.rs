//! The jobs of a trace as flat columns. What it deliberately is not: the state of a run; nothing here
//! changes while a simulation goes on.

use lepton_core::decide::queue::JobFacts;
use lepton_core::model::{LATELY_ARRIVALS, used_share_after};

/// Longest run time, requested time or size accepted, so that sums of products stay exact in 64 bits.
pub const JOB_VALUE_MAX: i64 = i32::MAX as i64;

/// Submit times lie within plus or minus this many seconds (about 30,000 years).
pub const SUBMIT_SECONDS_MAX: i64 = 1_000_000_000_000;

/// One job, as it is added to [`Jobs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The trace's number of the job.
    pub id: u64,
    /// When it is submitted, in seconds of the trace's own clock.
    pub submit_seconds: i64,
    /// How long it runs, in seconds; at least 1.
    pub run_seconds: u32,
    /// How long it asks to run, in seconds; at least 1.
    pub requested_seconds: u32,
    /// Units (processors, nodes or GPUs) it occupies; at least 1.
    pub size: u32,
    /// Who submitted it: an index into the owners' names.
    pub owner: u32,
    /// The submitter's priority; a higher one matters more.
    pub priority: i32,
}

/// Jobs in columns of equal length. A job's index is its place in order of submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jobs {
    /// The trace's number of each job.
    pub id: Vec<u64>,
    /// Submit times, in seconds; ascending once [`Jobs::sort_by_submit`] was called.
    pub submit_seconds: Vec<i64>,
    /// Run times, in seconds.
    pub run_seconds: Vec<u32>,
    /// Requested times, in seconds.
    pub requested_seconds: Vec<u32>,
    /// Units that each job occupies.
    pub size: Vec<u32>,
    /// Owner of each job: an index into [`Jobs::owners`].
    pub owner: Vec<u32>,
    /// Priority of each job.
    pub priority: Vec<i32>,
    /// Names of the owners (users, virtual clusters); empty where the trace has none.
    pub owners: Vec<String>,
    /// Partition of each job: an index into [`Jobs::partitions`], or [`Jobs::NO_PARTITION`]; empty where the
    /// trace has no partitions.
    pub partition: Vec<u32>,
    /// Names of the partitions: parts of the machine that jobs are bound to.
    pub partitions: Vec<String>,
    /// Name of each job; empty where the trace tells them apart by numbers.
    pub names: Vec<String>,
}

impl Jobs {
    /// The partition of a job that is bound to none.
    pub const NO_PARTITION: u32 = u32::MAX;

    /// Room for `count` jobs.
    pub fn with_capacity(count: usize) -> Self {
        Self {
            id: Vec::with_capacity(count),
            submit_seconds: Vec::with_capacity(count),
            run_seconds: Vec::with_capacity(count),
            requested_seconds: Vec::with_capacity(count),
            size: Vec::with_capacity(count),
            owner: Vec::with_capacity(count),
            priority: Vec::with_capacity(count),
            owners: Vec::new(),
            partition: Vec::new(),
            partitions: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there is no job.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Adds a job at the end.
    pub fn push(&mut self, job: Job) {
        self.id.push(job.id);
        self.submit_seconds.push(job.submit_seconds);
        self.run_seconds.push(job.run_seconds);
        self.requested_seconds.push(job.requested_seconds);
        self.size.push(job.size);
        self.owner.push(job.owner);
        self.priority.push(job.priority);
    }

    /// Keeps the first `count` jobs.
    pub fn truncate(&mut self, count: usize) {
        self.id.truncate(count);
        self.submit_seconds.truncate(count);
        self.run_seconds.truncate(count);
        self.requested_seconds.truncate(count);
        self.size.truncate(count);
        self.owner.truncate(count);
        self.priority.truncate(count);
        self.partition.truncate(count);
    }

    /// The job at `index`, which must be below the length.
    pub fn get(&self, index: usize) -> Job {
        Job {
            id: self.id[index],
            submit_seconds: self.submit_seconds[index],
            run_seconds: self.run_seconds[index],
            requested_seconds: self.requested_seconds[index],
            size: self.size[index],
            owner: self.owner[index],
            priority: self.priority[index],
        }
    }

    /// What a queue policy may know of the job before it has run.
    pub fn facts(&self, index: usize) -> JobFacts {
        JobFacts {
            unit: index as u32,
            submit_seconds: self.submit_seconds[index] as f64,
            requested_seconds: f64::from(self.requested_seconds[index]),
            size: f64::from(self.size[index]),
            attained_unit_seconds: 0.0,
            lost_seconds: 0.0,
            priority: f64::from(self.priority[index]),
            owner_share: 0.0,
            running: false,
            seconds_per_end: f64::from(self.requested_seconds[index]),
        }
    }

    /// The jobs at these indices, in the order given, with the same names of owners and partitions.
    #[must_use]
    pub fn picked(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let (owners, partitions) = (self.owners.clone(), self.partitions.clone());
        let mut out = Self { owners, partitions, ..Self::default() };
        for i in indices {
            out.push(self.get(i));
            out.partition.extend(self.partition.get(i));
            out.names.extend(self.names.get(i).cloned());
        }
        out
    }

    /// The jobs for which `keep` holds, in the same order.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(Job) -> bool) -> Self {
        self.picked((0..self.len()).filter(|&i| keep(self.get(i))))
    }

    /// Brings the jobs into order of submission (a stable sort: jobs of the same second keep theirs) and
    /// returns how many stood after a later one.
    pub fn sort_by_submit(&mut self) -> usize {
        let late = self.submit_seconds.windows(2).filter(|w| w[1] < w[0]).count();
        if late > 0 {
            self.sort_stable_by_key(|j| j.submit_seconds);
        }
        late
    }

    /// Sorts the jobs by a key, keeping the order of equal ones.
    pub fn sort_stable_by_key<K: Ord>(&mut self, key: impl Fn(&Job) -> K) {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&i| key(&self.get(i)));
        *self = self.picked(order);
    }
}

/// Jobs that have come in a second, over the last arrivals of `submit_seconds`; 0 while there are none before.
pub(super) fn arrivals_per_second(submit_seconds: &[i64]) -> f64 {
    let Some(last) = submit_seconds.len().checked_sub(1) else { return 0.0 };
    let first = last.saturating_sub(LATELY_ARRIVALS);
    let seconds = (submit_seconds[last] - submit_seconds[first]).max(1);
    (last - first) as f64 / seconds as f64
}

/// Books how much of the time it asked for a job has used that has ended.
pub(super) fn note_used_share(used_share: &mut f64, run_seconds: u32, requested_seconds: u32) {
    *used_share = used_share_after(*used_share, f64::from(run_seconds), f64::from(requested_seconds));
}
