//! Moments as files write them: seconds or milliseconds since the epoch, or a date with a time and a zone.

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5000.
const MILLIS_FROM: f64 = 1e11;
/// Moments accepted: some thousands of years around the epoch.
const SECONDS_MAX: f64 = 1e11;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    /// Seconds since the epoch.
    pub(super) seconds: f64,
    /// Whether it was written as a date without a zone, which is taken to be UTC.
    pub(super) without_zone: bool,
}

/// Reads seconds or milliseconds since the epoch, `2026-11-29T01:02:03.5+02:00`, `2026-11-29 01:02` and the like.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number.abs() >= MILLIS_FROM { number / 1000.0 } else { number };
        return (seconds.abs() <= SECONDS_MAX).then_some(Moment { seconds, without_zone: false });
    }
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-').map(digits);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    let days = days_since_epoch(year, month, day);
    if rest.is_empty() {
        return Some(Moment { seconds: days as f64 * 86_400.0, without_zone: true });
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let seconds = days as f64 * 86_400.0 + seconds_of(clock.trim_end())? - zone_seconds(zone)?;
    Some(Moment { seconds, without_zone: zone.is_empty() })
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Seconds of `01:02`, `01:02:03` or `01:02:03.5`.
fn seconds_of(clock: &str) -> Option<f64> {
    let mut parts = clock.split(':');
    let (hours, minutes) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let seconds = match parts.next() {
        None => 0.0,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => text.parse::<f64>().ok()?,
        Some(_) => return None,
    };
    // A leap second is the first of the next minute.
    let fits = hours < 24 && minutes < 60 && seconds < 61.0 && parts.next().is_none();
    fits.then(|| (hours * 3600 + minutes * 60) as f64 + seconds)
}

/// How far a zone is ahead of UTC: ``, `Z`, `+02`, `+0200` or `+02:00`.
fn zone_seconds(zone: &str) -> Option<f64> {
    let Some(sign) = zone.chars().next() else { return Some(0.0) };
    let rest = &zone[1..];
    if matches!(sign, 'Z' | 'z') {
        return rest.is_empty().then_some(0.0);
    }
    let plain = rest.replacen(':', "", 1);
    if !plain.is_ascii() {
        return None;
    }
    let (hours, minutes) = match plain.len() {
        2 => (digits(&plain)?, 0),
        4 => (digits(&plain[..2])?, digits(&plain[2..])?),
        _ => return None,
    };
    let ahead = (hours * 3600 + minutes * 60) as f64;
    (hours <= 15 && minutes < 60).then_some(if sign == '-' { -ahead } else { ahead })
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01, in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
pub(super) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era * 146_097 + days - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        moment(text).map(|m| m.seconds)
    }

    #[test]
    fn the_same_moment_is_read_from_every_form() {
        for text in [
            "1764378123",
            "1764378123000",
            "2025-11-29T01:02:03Z",
            "2025-11-29 01:02:03",
            "2025-11-29T03:02:03+02:00",
            "2025-11-28T20:02:03-0500",
            "2025-11-29t01:02:03.000z",
        ] {
            assert_eq!(seconds(text), Some(1_764_378_123.0), "{text}");
        }
        assert_eq!(seconds("1970-01-01"), Some(0.0));
        assert_eq!(seconds("2000-02-29 12:00"), Some(951_825_600.0));
    }

    #[test]
    fn a_date_without_a_zone_is_told_from_one_with() {
        assert!(moment("2025-11-29 01:02:03").unwrap().without_zone);
        assert!(!moment("2025-11-29 01:02:03Z").unwrap().without_zone);
        assert!(!moment("0").unwrap().without_zone);
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "x",
            "NaN",
            "inf",
            "1e300",
            "2025-02-29",
            "2025-13-01",
            "2025-1-1",
            "2025-11-29T",
            "2025-11-29T25:00",
            "2025-11-29T01:02:03+99:00",
            "2025-11-29T01:02:03Zx",
            "2025-11-29T01:02:03+2",
            "2025-11-2\u{e9}",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
