//! Time as an argument: nothing in this crate reads the machine's clock.

/// A monotonic clock, used only to report how long decisions took. It never influences a result.
pub trait Clock: Sync {
    /// Nanoseconds since some fixed moment; never decreases.
    fn now_nanos(&self) -> u64;
}

/// A clock that stands still: every duration measured with it is zero. For tests and reproducible output.
#[derive(Debug, Clone, Copy, Default)]
pub struct FrozenClock;

impl Clock for FrozenClock {
    fn now_nanos(&self) -> u64 {
        0
    }
}
