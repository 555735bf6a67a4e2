//! How much one holder of a token, or one address, may ask: a bucket each that fills at a steady rate, so that one who asks for ever leaves
//! room for the others. Time comes in as an argument.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bucket holds what comes in this time.
const BURST_SECONDS: f64 = 2.0;
/// Most holders that are told apart; those beyond share a bucket.
const HOLDERS_MAX: usize = 4096;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// The holder of a token, by its id.
    Token(String),
    /// Whoever asks without one, by where from.
    Address(Option<IpAddr>),
    /// All who are too many to be told apart.
    Others,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets.
#[derive(Debug)]
pub(super) struct Limits {
    per_second: f64,
    buckets: Mutex<HashMap<Holder, Bucket>>,
}

impl Limits {
    /// So many requests a second.
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Takes a request from the holder's bucket; where it is empty, after how long there is one again.
    pub(super) fn take(&self, holder: Holder, now: Instant) -> Result<(), Duration> {
        let full = self.per_second * BURST_SECONDS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(&holder) && buckets.len() >= HOLDERS_MAX {
            // Who has not asked for long enough has a full bucket, as whoever is not known.
            buckets.retain(|_, bucket| {
                bucket.left + now.duration_since(bucket.at).as_secs_f64() * self.per_second < full
            });
        }
        let is_known = buckets.contains_key(&holder) || buckets.len() < HOLDERS_MAX;
        let holder = if is_known { holder } else { Holder::Others };
        let bucket = buckets.entry(holder).or_insert(Bucket { left: full, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64();
        *bucket = Bucket { left: (bucket.left + passed * self.per_second).min(full), at: now };
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / self.per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Holder {
        Holder::Address(Some(IpAddr::from([10, 0, 0, last])))
    }

    #[test]
    fn one_who_asks_too_much_waits_and_the_others_do_not() {
        let (limits, now) = (Limits::new(10), Instant::now());
        (0..20).for_each(|_| assert_eq!(limits.take(address(1), now), Ok(())));
        let wait = limits.take(address(1), now).expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(limits.take(address(2), now), Ok(()));
        assert_eq!(limits.take(Holder::Token("a".to_owned()), now), Ok(()));
        assert_eq!(limits.take(address(1), now + wait), Ok(()));
        assert!(limits.take(address(1), now + wait).is_err());
        let later = now + Duration::from_secs(60);
        let taken = (0..50).filter(|_| limits.take(address(1), later).is_ok()).count();
        assert_eq!(taken, 20, "a bucket holds no more, however long nobody asks");
    }

    #[test]
    fn however_many_ask_only_so_many_are_told_apart() {
        let (limits, now) = (Limits::new(10), Instant::now());
        let token = |number: usize| Holder::Token(number.to_string());
        let ask = |number, now| (0..20).filter(|_| limits.take(token(number), now).is_ok()).count();
        (0..HOLDERS_MAX).for_each(|number| assert_eq!(ask(number, now), 20));
        assert_eq!((ask(9000, now), ask(9001, now)), (20, 0), "those beyond share a bucket");
        assert!(limits.buckets.lock().expect("sound").len() <= HOLDERS_MAX + 1);
        let later = now + Duration::from_secs(9);
        assert_eq!((ask(9000, later), ask(9001, later)), (20, 20), "who does not ask is forgotten");
    }
}
