//! Numbers as people read them.

/// A difference with its sign and so many decimals; what rounds to nothing is `+0.00`, on whichever side it was.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    if text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { text } else { text.replacen('-', "+", 1) }
}

/// A duration in the largest unit that it fills, to about three digits.
pub(crate) fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    let units = [(86400.0, "d"), (3600.0, "h"), (60.0, "min")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.abs() >= *size).unwrap_or((1.0, "s"));
    let value = seconds / size;
    let digits = match value.abs() {
        v if v >= 100.0 || v.fract() == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_nothing_has_no_minus() {
        assert_eq!(signed(-0.0004, 3), "+0.000");
        assert_eq!(signed(-0.0006, 3), "-0.001");
        assert_eq!(signed(-0.0, 0), "+0");
        assert_eq!(signed(12.5, 1), "+12.5");
        assert_eq!(signed(-10.0, 0), "-10");
    }

    #[test]
    fn durations_are_read_in_the_largest_unit_that_they_fill() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.26, "0.26 s"),
            (59.9, "59.9 s"),
            (90.0, "1.50 min"),
            (3600.0, "1 h"),
            (10_800.0, "3 h"),
            (200_000.0, "2.31 d"),
            (86_400.0 * 432.5, "432 d"),
        ] {
            assert_eq!(duration(Some(seconds)), text);
        }
        assert_eq!(duration(None), "-");
    }
}
