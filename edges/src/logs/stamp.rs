//! When a line was written, as far as it says so: RFC 3339 and its like, or the stamp of RFC 3164, which has neither year nor zone.

use std::process::{Command, Stdio};

use crate::moment;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_SECONDS: i64 = 86_400;

/// When the line was written, seconds since 1970 and not after `now_seconds`; none where it does not say so. `ahead_seconds` is how far the clocks
/// of those who write without a zone are ahead of UTC. Of years the last is taken in which the stamp is not of more than a day from now.
pub(super) fn line_seconds(line: &str, now_seconds: u64, ahead_seconds: i64) -> Option<u64> {
    let seconds = iso(line, ahead_seconds).or_else(|| traditional(line, now_seconds, ahead_seconds))?;
    Some(seconds.min(now_seconds))
}

/// As 2026-11-30T12:00:01.5+01:00, 2026-11-30 12:00:01 or with another of the forms between.
fn iso(line: &str, ahead_seconds: i64) -> Option<u64> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    if !first.starts_with(|digit: char| digit.is_ascii_digit()) {
        return None;
    }
    let written = match first.split_once(['T', 't']) {
        Some(_) => first.to_owned(),
        None => format!("{first}T{}", words.next()?),
    };
    // Some write a comma before parts of a second, and no colon in the zone.
    let written = written.replace(',', ".");
    if let Some(seconds) = moment::unix_seconds(&written) {
        return Some(seconds);
    }
    let with_colon = written.split_at_checked(written.len().checked_sub(2)?).map(|(a, b)| format!("{a}:{b}"));
    let zoned = with_colon.and_then(|text| moment::unix_seconds(&text));
    let local = || {
        let as_utc = moment::unix_seconds(&format!("{written}Z"))?;
        as_utc.checked_add_signed(-ahead_seconds)
    };
    zoned.or_else(local)
}

/// As `Nov 30 12:00:01`.
fn traditional(line: &str, now_seconds: u64, ahead_seconds: i64) -> Option<u64> {
    // Lines of raw syslog begin with a priority, as <6>.
    let line = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((priority, rest)) if priority.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => line,
    };
    let mut words = line.split_ascii_whitespace();
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (day, time): (u64, &str) = (words.next()?.parse().ok()?, words.next()?);
    let now = i64::try_from(now_seconds).ok()?;
    // Years of a mean length are near enough to find the year.
    let year = 1970 + (now + ahead_seconds) * 100 / (36_525 * DAY_SECONDS);
    let of = |year: i64| {
        let as_utc = moment::unix_seconds(&format!("{year:04}-{month:02}-{day:02}T{time}Z"))?;
        as_utc.checked_add_signed(-ahead_seconds)
    };
    let ahead_max = now_seconds + DAY_SECONDS as u64;
    (year - 1..=year + 1).filter_map(of).filter(|seconds| *seconds <= ahead_max).max()
}

/// How far this machine's clock on the wall is ahead of UTC now, seconds, as `date` says; 0 where there is none.
pub(super) fn ahead_seconds() -> i64 {
    let said = Command::new("date").arg("+%z").stdin(Stdio::null()).stderr(Stdio::null()).output();
    said.ok().and_then(|said| offset(String::from_utf8(said.stdout).ok()?.trim())).unwrap_or(0)
}

/// As +0130.
fn offset(text: &str) -> Option<i64> {
    let number: i64 = text.get(1..)?.parse().ok()?;
    let seconds = number / 100 * 3600 + number % 100 * 60;
    match text.as_bytes().first()? {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_it_was_written() {
        // 2026-11-30T12:00:00Z
        let now = 1_796_040_000;
        for (line, ahead, seconds) in [
            ("Nov 30 11:59:01 n1 kernel: a", 0, Some(now - 59)),
            ("<6>Nov 30 11:59:01 n1 kernel: a", 0, Some(now - 59)),
            ("Nov 30 12:59:01 n1 kernel: a", 3600, Some(now - 59)),
            ("Nov  3 12:00:00 n1 kernel: a", 0, Some(now - 27 * 86_400)),
            // Of last year, for it would be eleven months ahead.
            ("Dec 31 12:00:00 n1 kernel: a", 0, Some(now + 31 * 86_400 - 365 * 86_400)),
            // A clock that is ahead.
            ("Nov 30 12:05:00 n1 kernel: a", 0, Some(now)),
            ("2026-11-30T11:59:01Z n1 a", 0, Some(now - 59)),
            ("2026-11-30T12:59:01.123456+01:00 n1 a", 0, Some(now - 59)),
            ("2026-11-30T12:59:01+0100 n1 a", 0, Some(now - 59)),
            ("2026-11-30 11:59:01,250 a", 0, Some(now - 59)),
            ("2026-11-30 09:59:01 a", -7200, Some(now - 59)),
            ("[12345.678] EXT4-fs error (device sda1)", 0, None),
            ("Smarch 30 11:59:01 a", 0, None),
            ("Nov thirty", 0, None),
            ("2026", 0, None),
            ("2026-13-77 99:99:99", 0, None),
            ("", 0, None),
            ("\u{fc}\u{fc}", 0, None),
        ] {
            assert_eq!(line_seconds(line, now, ahead), seconds, "{line}");
        }
        // The turn of the year.
        let january = 1_798_761_600 + 60;
        assert_eq!(line_seconds("Dec 31 23:59:00 n1 a", january, 0), Some(january - 120));
    }

    #[test]
    fn a_zone_is_hours_and_minutes() {
        for (text, seconds) in
            [("+0000", Some(0)), ("+0130", Some(5400)), ("-0800", Some(-28_800)), ("", None), ("UTC", None)]
        {
            assert_eq!(offset(text), seconds, "{text}");
        }
    }
}
