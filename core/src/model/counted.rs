//! So many of a thing, as people write it.

use std::fmt::Display;

/// `1 move`, `2 moves`, `0 moves`; with verbs as well: `1 job is`, `2 jobs are`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    let word = if count == N::from(1) { one } else { several };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_thing_is_not_several() {
        assert_eq!([0, 1, 2].map(|n: u32| counted(n, "move", "moves")), ["0 moves", "1 move", "2 moves"]);
        assert_eq!([0.5, 1.0].map(|n| counted(n, "device", "devices")), ["0.5 devices", "1 device"]);
    }
}
