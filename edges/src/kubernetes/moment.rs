//! Moments as Kubernetes writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use crate::moment::unix_seconds;

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// This moment, seconds since 1970.
pub(super) fn now_seconds() -> u64 {
    since_1970().as_secs()
}

/// This moment, with microseconds, and as nanoseconds since 1970.
pub(super) fn now() -> (String, u128) {
    let since = since_1970();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    (
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"),
        since.as_nanos(),
    )
}

/// This moment, in whole seconds.
pub(super) fn now_text() -> String {
    let (time, _) = now();
    time.split('.').next().map(|seconds| format!("{seconds}Z")).unwrap_or_default()
}

/// Year, month and day of a day since 1970 (Hinnant, chrono-compatible date algorithms).
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for days in (0..40_000).step_by(13) {
            let (year, month, day) = date(days);
            let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
            assert_eq!(unix_seconds(&text), Some(days * 86_400), "{text}");
        }
    }
}
