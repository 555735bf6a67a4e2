//! Moments as they are written (RFC 3339).

/// Seconds since 1970 of a time as `2026-11-29T19:25:17Z` or `2026-11-29T20:25:17.5+01:00`; none where it is no such time.
pub(crate) fn unix_seconds(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (time, ahead) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (&time[..at], offset_seconds(&time[at..])?),
        None => return None,
    };
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':');
    let (hour, minute): (i64, i64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    let second: i64 = time.next()?.split('.').next()?.parse().ok()?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    // Years that begin with March, so that the leap day is the last (Hinnant, chrono-compatible date algorithms).
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * month + 2) / 5 + day
        - 1
        - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second - ahead).ok()
}

/// How far a clock with this offset is ahead of UTC, seconds.
fn offset_seconds(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours * 3600 + minutes * 60;
    let sound = (0..24).contains(&hours) && (0..60).contains(&minutes);
    sound.then_some(if text.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2026-11-29T19:25:17.123456Z", Some(1_795_980_317)),
            ("2026-11-29T20:25:17+01:00", Some(1_795_980_317)),
            ("2026-11-29T13:55:17.5-05:30", Some(1_795_980_317)),
            ("1970-01-01T00:00:00+01:00", None),
            ("yesterday", None),
            ("2026-11-29T19:25:17", None),
            ("2026-11-29T25:25:17Z", None),
            ("2026-11-29T19:25:17+1", None),
            ("2026-11-29T19:25:17+\u{fc}1:00", None),
            ("2026-13-01T00:00:00Z", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }
}
