//! Between the loop and a thread that looks for it: what the thread leaves, so that a turn never waits for the network.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Longest sleep between two looks at whether the loop has ended.
pub(crate) const NAP: Duration = Duration::from_millis(50);

/// The first pause after a failure, and the longest.
#[cfg(any(feature = "kafka", feature = "logs"))]
const BACK_OFF: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// A mailbox that the loop and the thread share.
#[derive(Debug, Default)]
pub(crate) struct Shared<M> {
    mailbox: Mutex<M>,
    news: Condvar,
    ended: AtomicBool,
}

impl<M> Shared<M> {
    /// What lies in it.
    pub(crate) fn mailbox(&self) -> MutexGuard<'_, M> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who waits for what the thread leaves.
    pub(crate) fn tell(&self) {
        self.news.notify_all();
    }

    /// Waits until what lies there is no longer so, at most so long.
    pub(crate) fn wait_while(&self, patience: Duration, is_so: impl FnMut(&mut M) -> bool) {
        drop(self.news.wait_timeout_while(self.mailbox(), patience, is_so));
    }

    /// The loop looks no more: the thread ends soon.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether it looks no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Tries until it is done, ever more rarely. False where the loop looks no more before that.
    #[cfg(any(feature = "kafka", feature = "logs"))]
    pub(crate) fn try_until_done(&self, mut attempt: impl FnMut() -> bool) -> bool {
        let mut pause = BACK_OFF[0];
        while !attempt() {
            self.sleep_until(Instant::now() + pause);
            pause = (pause * 2).min(BACK_OFF[1]);
            if self.has_ended() {
                return false;
            }
        }
        true
    }

    /// Sleeps until then, or until the loop looks no more.
    pub(crate) fn sleep_until(&self, due: Instant) {
        while Instant::now() < due && !self.has_ended() {
            thread::sleep(NAP.min(due.saturating_duration_since(Instant::now())));
        }
    }
}
