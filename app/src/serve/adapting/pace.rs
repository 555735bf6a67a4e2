//! How fast learning goes on: at the lowest priority, and after each piece of work it rests for so long that it takes no more than its share of
//! a core. A rest ends at once when the service does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Between the thread that learns and those who end it or look at it.
#[derive(Debug, Default)]
pub(super) struct Rest {
    ended: Mutex<bool>,
    wake: Condvar,
    cpu_nanos: AtomicU64,
}

impl Rest {
    /// It is to end.
    pub(super) fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    /// CPU time that was spent.
    pub(super) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanos.load(Ordering::Relaxed))
    }

    /// False where it is to end.
    fn rest(&self, how_long: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.wake.wait_timeout_while(ended, how_long, |ended| !*ended);
        !*wait.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The pace of the thread that made it.
pub(super) struct Pace<'a> {
    rest: &'a Rest,
    percent: u32,
    /// CPU time of the thread when it last rested.
    rested: Mutex<Duration>,
}

impl<'a> Pace<'a> {
    /// At most so many percent of a core.
    pub(super) fn new(rest: &'a Rest, percent: u32) -> Self {
        Self { rest, percent: percent.clamp(1, 100), rested: Mutex::new(thread_cpu()) }
    }

    /// After a piece of work: false where it is to end.
    pub(super) fn breathe(&self) -> bool {
        let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        let worked = thread_cpu().saturating_sub(*rested);
        self.rest.cpu_nanos.fetch_add(worked.as_nanos() as u64, Ordering::Relaxed);
        let goes_on = self.rest.rest(worked * (100 - self.percent) / self.percent);
        *rested = thread_cpu();
        goes_on
    }
}

/// Lets all others go first. Where that cannot be said of a thread the share of a core alone bounds it.
pub(super) fn be_humble() {
    #[cfg(target_os = "linux")]
    {
        // Refused only where a thread may not be less important than it is: then it is already.
        let _ = rustix::process::nice(19);
    }
}

/// CPU time of this thread.
#[cfg(target_os = "linux")]
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Where that is not told, the time that passes: what is rested is not within what is counted.
#[cfg(not(target_os = "linux"))]
fn thread_cpu() -> Duration {
    static BEGUN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGUN.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worked_is_counted_and_an_end_is_told_at_each_breath() {
        let rest = Rest::default();
        let pace = Pace::new(&rest, 100);
        let mut sum = 0_u64;
        while rest.cpu().is_zero() {
            sum = (0..10_000).fold(sum, |sum, number: u64| sum.wrapping_mul(31) ^ number);
            assert!(pace.breathe(), "{sum}");
        }
        rest.end();
        // Also where it would rest for longer than a test may take.
        let slow = Pace { rested: Mutex::new(Duration::ZERO), ..Pace::new(&rest, 1) };
        assert!(!pace.breathe() && !slow.breathe());
    }
}
