//! Decimal numbers as traces and spreadsheets write them: `12`, `12.00`, `-3.5`. No exponents, no separators.

/// A decimal number, cut into its whole part and what comes after the point.
struct Decimal<'a> {
    whole: i64,
    negative: bool,
    after_point: &'a str,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (whole, after_point) = text.split_once('.').unwrap_or((text, ""));
        after_point.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        Some(Self { whole: whole.parse().ok()?, negative: whole.starts_with('-'), after_point })
    }
}

/// A whole number; `12.00` counts as 12.
pub(super) fn whole(text: &str) -> Option<i64> {
    let decimal = Decimal::read(text)?;
    decimal.after_point.bytes().all(|b| b == b'0').then_some(decimal.whole)
}

/// A number rounded to the nearest whole one, halves away from zero.
pub(super) fn rounded(text: &str) -> Option<i64> {
    let Decimal { whole, negative, after_point } = Decimal::read(text)?;
    let up = after_point.bytes().next().is_some_and(|b| b >= b'5');
    whole.checked_add(match (up, negative) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => -1,
    })
}

/// The same for the length of something: what is above zero stays at least 1, so that what is short does not become
/// nothing.
pub(super) fn rounded_length(text: &str) -> Option<i64> {
    let above_zero = !text.starts_with('-') && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    rounded(text).map(|value| if value == 0 && above_zero { 1 } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_after_the_point_change_no_whole_number() {
        for (text, value) in
            [("12", 12), ("12.0", 12), ("100.00", 100), ("-1.000", -1), ("7.", 7), ("-0.0", 0)]
        {
            assert_eq!(whole(text), Some(value), "{text}");
        }
        for bad in ["", ".", "1.5", "1e3", "1.0e3", "1.-0", "nan", "inf", "1,000", "99999999999999999999"] {
            assert_eq!(whole(bad), None, "{bad}");
        }
    }

    #[test]
    fn fractions_are_rounded_and_lengths_above_zero_stay_above_it() {
        for (text, value) in [
            ("1.49", 1),
            ("1.5", 2),
            ("-1.5", -2),
            ("-0.7", -1),
            ("-0.2", 0),
            ("0.4", 0),
            ("0.00", 0),
            ("3", 3),
        ] {
            assert_eq!(rounded(text), Some(value), "{text}");
        }
        for (text, value) in [("0.001", 1), ("0.00", 0), ("0", 0), ("-0.2", 0), ("-0.7", -1), ("1.49", 1)] {
            assert_eq!(rounded_length(text), Some(value), "{text}");
        }
        for bad in ["", "x", "1.x", "9223372036854775807.9"] {
            assert_eq!((rounded(bad), rounded_length(bad)), (None, None), "{bad}");
        }
    }
}
