//! Seeds as they are given on the command line; nothing is drawn here.

/// Most seeds in one study.
const SEEDS_MAX: u64 = 10_000;

/// A list of seeds as given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

/// Reads `42..=51`, `42..52`, `1,5,9` or `7`.
pub(crate) fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |part: &str| {
        part.trim()
            .parse::<u64>()
            .map_err(|_| format!("`{part}` is no seed; expected e.g. 42..=51, 1,5,9 or 7"))
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (from, to) = if let Some((from, to)) = part.split_once("..=") {
            (number(from)?, number(to)?)
        } else if let Some((from, to)) = part.split_once("..") {
            let to = number(to)?;
            (number(from)?, to.checked_sub(1).ok_or_else(|| format!("the range `{part}` is empty"))?)
        } else {
            (number(part)?, number(part)?)
        };
        if from > to {
            return Err(format!("the range `{part}` is empty"));
        }
        if to - from >= SEEDS_MAX || all.len() as u64 + (to - from) >= SEEDS_MAX {
            return Err(format!("more than {SEEDS_MAX} seeds"));
        }
        all.extend(from..=to);
    }
    for (i, seed) in all.iter().enumerate() {
        if all[..i].contains(seed) {
            return Err(format!("seed {seed} is named twice"));
        }
    }
    Ok(Seeds(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_come_as_ranges_lists_and_numbers() {
        assert_eq!(seeds("42..=44"), Ok(Seeds(vec![42, 43, 44])));
        assert_eq!(seeds("42..44"), Ok(Seeds(vec![42, 43])));
        assert_eq!(seeds("7"), Ok(Seeds(vec![7])));
        assert_eq!(seeds("1,5..=6"), Ok(Seeds(vec![1, 5, 6])));
    }

    #[test]
    fn bad_seeds_are_refused() {
        for bad in ["", "x", "5..=4", "5..5", "1,1", "-1", "0..=18446744073709551615", "1..=3..=5"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }
}
