//! What watches a simulation: every event as it happens, and the state after each moment. Observers cannot
//! change the run.

/// Something that happened to a job or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEvent {
    /// The job came and waits.
    Submitted {
        /// Index of the job.
        job: u32,
    },
    /// The job came but is larger than the machine; it is left out.
    TooLarge {
        /// Index of the job.
        job: u32,
    },
    /// The job started (again) as `slot` of the machine.
    Started {
        /// Index of the job.
        job: u32,
        /// Its slot.
        slot: u32,
    },
    /// The job ran to its end.
    Ended {
        /// Index of the job.
        job: u32,
    },
    /// The job lost its place and waits again.
    Interrupted {
        /// Index of the job.
        job: u32,
        /// Run time that it must repeat, in seconds.
        lost_seconds: u32,
    },
    /// The node went out of service.
    NodeFailed {
        /// Which node.
        node: u32,
    },
    /// The node is back in service.
    NodeRepaired {
        /// Which node.
        node: u32,
    },
    /// One device of a node went out of service.
    DeviceFailed {
        /// Which node.
        node: u32,
        /// Which of its devices.
        device: u32,
    },
    /// The device is back in service.
    DeviceRepaired {
        /// Which node.
        node: u32,
        /// Which of its devices.
        device: u32,
    },
}

/// The state after everything of one moment has happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// The time, in seconds.
    pub now_seconds: i64,
    /// Units in service.
    pub units: u64,
    /// Units in service that nothing uses.
    pub free_units: u64,
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs that run.
    pub running: usize,
}

/// Watches a run.
pub trait Observer {
    /// Something happened at `now_seconds`.
    fn event(&mut self, _now_seconds: i64, _event: JobEvent) {}

    /// Everything of one moment has happened. `fragmentation` finds the share of the free units that are of
    /// no use; it may cost time, so it is found only when asked for.
    fn moment(&mut self, _moment: Moment, _fragmentation: impl FnOnce() -> f64) {}
}

/// Watches nothing.
impl Observer for () {}
