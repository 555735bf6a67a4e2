//! Numbers as people read them.

/// A difference with its sign and so many decimals; what rounds to nothing is `+0.00`, on whichever side it was.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    if text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { text } else { text.replacen('-', "+", 1) }
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
}
