//! Quantities as Kubernetes writes them (`500m`, `1.5Gi`, `2e3`), as exact numbers of billionths.

const NANOS: i128 = 1_000_000_000;
/// Largest exponent that is taken; beyond it no machine goes.
const EXPONENT_MAX: i32 = 18;
/// Most digits that are read.
const DIGITS_MAX: usize = 25;
const SUFFIXES: [(&str, i128, i128); 17] = [
    ("n", 1, NANOS),
    ("u", 1, 1_000_000),
    ("m", 1, 1000),
    ("", 1, 1),
    ("k", 1000, 1),
    ("M", 1_000_000, 1),
    ("G", NANOS, 1),
    ("T", 1000 * NANOS, 1),
    ("P", 1_000_000 * NANOS, 1),
    ("E", NANOS * NANOS, 1),
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("Ei", 1 << 60, 1),
    // Not written by Kubernetes itself, and taken by it.
    ("K", 1000, 1),
];

/// An amount, billionths of the resource's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Quantity(i128);

impl Quantity {
    /// None where it is no quantity.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + part.len() == 0 || whole.len() > DIGITS_MAX || part.contains('.') {
            return None;
        }
        // What is smaller than a billionth is rounded up, as Kubernetes does.
        let digits: String = part.chars().chain("000000000".chars()).take(9).collect();
        let rest = part.get(9..).unwrap_or("").bytes().any(|digit| digit != b'0');
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let nanos = whole.checked_mul(NANOS)? + digits.parse::<i128>().ok()? + i128::from(rest);
        let (times, over) = scale(suffix)?;
        let value = nanos.checked_mul(times)?;
        Some(Self(sign * (value / over + i128::from(value % over != 0))))
    }

    /// The amount in units of `1 / parts`, rounded up: what is asked for.
    pub(super) fn up(self, parts: i128) -> i64 {
        let value = self.0.saturating_mul(parts);
        clamp(value.div_euclid(NANOS) + i128::from(value.rem_euclid(NANOS) != 0))
    }

    /// The same rounded down: what there is.
    pub(super) fn down(self, parts: i128) -> i64 {
        clamp(self.0.saturating_mul(parts).div_euclid(NANOS))
    }

    /// As a whole number; none where it is none.
    pub(super) fn whole(self) -> Option<i64> {
        (self.0 % NANOS == 0).then(|| i64::try_from(self.0 / NANOS).ok())?
    }

    /// In units of so many, rounded up.
    pub(super) fn up_of(self, unit: i128) -> i64 {
        let unit = unit.saturating_mul(NANOS);
        clamp(self.0.div_euclid(unit) + i128::from(self.0.rem_euclid(unit) != 0))
    }

    /// In units of so many, rounded down.
    pub(super) fn down_of(self, unit: i128) -> i64 {
        clamp(self.0.div_euclid(unit.saturating_mul(NANOS)))
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

fn clamp(value: i128) -> i64 {
    value.clamp(0, i128::from(lepton_core::model::AMOUNT_MAX)) as i64
}

fn scale(suffix: &str) -> Option<(i128, i128)> {
    if let Some((_, times, over)) = SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        return Some((*times, *over));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = 10_i128.pow(exponent.unsigned_abs().min(EXPONENT_MAX as u32));
    match exponent {
        0..=EXPONENT_MAX => Some((power, 1)),
        _ if exponent < 0 && -exponent <= EXPONENT_MAX => Some((1, power)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly_and_rounded_against_the_asker() {
        for (text, millis_up, millis_down) in [
            ("500m", 500, 500),
            ("2", 2000, 2000),
            ("1.5", 1500, 1500),
            ("0.0001", 1, 0),
            ("100u", 1, 0),
            ("2e3", 2_000_000, 2_000_000),
            ("1E-3", 1, 1),
            (".5", 500, 500),
            ("-1", 0, 0),
        ] {
            let quantity = Quantity::parse(text).expect(text);
            assert_eq!((quantity.up(1000), quantity.down(1000)), (millis_up, millis_down), "{text}");
        }
        for (text, mib_up, mib_down) in [
            ("1Gi", 1024, 1024),
            ("1G", 954, 953),
            ("128974848", 123, 123),
            ("1", 1, 0),
            ("1Ki", 1, 0),
            ("9999E", lepton_core::model::AMOUNT_MAX, lepton_core::model::AMOUNT_MAX),
        ] {
            let quantity = Quantity::parse(text).expect(text);
            assert_eq!((quantity.up_of(1 << 20), quantity.down_of(1 << 20)), (mib_up, mib_down), "{text}");
        }
        for text in ["", "m", "1.2.3", "1x", "1e99", "one", "1 Gi", "99999999999999999999999999"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
