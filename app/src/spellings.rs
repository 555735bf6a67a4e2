//! The words of the command line beside its definition: one word for one thing. Old spellings are taken for one release,
//! with a remark; what is said about a value that does not fit speaks of the value, not of how it is kept.

use std::ffi::OsString;

/// An option that had another name.
struct Old {
    /// Commands that begin so.
    commands: &'static [&'static str],
    old: &'static str,
    new: &'static str,
    /// Whether it is only old where its value is a number of nodes.
    numbers_only: bool,
}

const fn renamed(commands: &'static [&'static str], old: &'static str, new: &'static str) -> Old {
    Old { commands, old, new, numbers_only: false }
}

/// The word for a seed, or several, is `--seed`; for a number of nodes `--nodes-count`; for a learned model `--model`.
const OLD: [Old; 4] = [
    renamed(&["demo", "simulate", "policy"], "--seeds", "--seed"),
    renamed(&["train", "policy"], "--generate-seeds", "--generate-seed"),
    renamed(&["train"], "--out", "--model"),
    Old {
        commands: &["simulate jobs", "train jobs", "policy compare-jobs", "policy promote-jobs"],
        old: "--nodes",
        new: "--nodes-count",
        numbers_only: true,
    },
];

/// What to say about old spellings in the words of a command line.
pub(crate) fn remarks(words: &[OsString]) -> Vec<String> {
    let words: Vec<String> = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let line = words.join(" ");
    let mut remarks = Vec::new();
    for Old { commands, old, new, numbers_only } in &OLD {
        let begins = |command: &&str| line.strip_prefix(*command).is_some_and(|rest| rest.starts_with(' '));
        if !commands.iter().any(begins) {
            continue;
        }
        let value = words.iter().enumerate().find_map(|(i, word)| match word.strip_prefix(old)? {
            "" => Some(words.get(i + 1).cloned().unwrap_or_default()),
            rest => rest.strip_prefix('=').map(str::to_owned),
        });
        if value.is_some_and(|value| !numbers_only || is_number_of_nodes(&value)) {
            remarks
                .push(format!("note: `{old}` is `{new}` now; the old spelling goes with the next release"));
        }
    }
    remarks
}

/// Whether it is a number, or numbers of several sizes as `200x2,321x8`.
fn is_number_of_nodes(value: &str) -> bool {
    let sizes = |part: &str| part.split('x').all(|number| number.parse::<u64>().is_ok());
    value.parse::<f64>().is_ok() || value.split(',').all(sizes)
}

/// Numbers that the parser would take for options, tied to the option before them.
pub(crate) fn with_numbers_as_values(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut tied: Vec<OsString> = Vec::new();
    for word in words {
        let is_number = word.to_str().is_some_and(begins_as_negative);
        match tied.last_mut() {
            Some(option) if is_number && awaits_value(&option.to_string_lossy()) => {
                option.push("=");
                option.push(word);
            }
            _ => tied.push(word),
        }
    }
    tied
}

/// Whether it is an option without its value.
fn awaits_value(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| !name.is_empty() && !name.contains('='))
}

/// Whether it begins as a negative number does, with a unit, a range or a list after it or not: `-1s`, `-2..5`, `-inf`.
fn begins_as_negative(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('-') else { return false };
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || ["inf", "infinity", "nan"].contains(&rest.to_lowercase().as_str())
}

/// What parsers say about numbers in their own words, and what is meant.
const IN_OTHER_WORDS: [(&str, &str); 8] = [
    ("invalid digit found in string", "expected a whole number"),
    ("cannot parse integer from empty string", "expected a whole number"),
    ("number too large to fit in target type", "the number is too large"),
    ("number too small to fit in target type", "the number is too small"),
    ("number would be zero for non-zero type", "expected a number above 0"),
    ("invalid float literal", "expected a number"),
    ("cannot parse float from empty string", "expected a number"),
    ("a value is required for", "a value that is not empty is required for"),
];

/// A usage error in the user's words.
pub(crate) fn in_plain_words(said: &str) -> String {
    IN_OTHER_WORDS.iter().fold(said.to_owned(), |said, (theirs, ours)| said.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> usize {
        remarks(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).len()
    }

    #[test]
    fn what_begins_as_a_negative_number_is_a_value() {
        let tied = |line: &str| {
            let words = with_numbers_as_values(line.split(' ').map(OsString::from));
            words.iter().map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(tied("rebalance --time-limit -1s"), "rebalance --time-limit=-1s");
        assert_eq!(tied("demo --seed -1..=3 --load -.5"), "demo --seed=-1..=3 --load=-.5");
        assert_eq!(tied("demo --load -inf"), "demo --load=-inf");
        assert_eq!(tied("explain -- -5"), "explain -- -5");
        assert_eq!(tied("demo --seed=3 -5"), "demo --seed=3 -5");
        assert_eq!(tied("status -o json --server x"), "status -o json --server x");
    }

    #[test]
    fn old_spellings_are_remarked_upon_where_they_were_spellings() {
        assert_eq!(said("lepton simulate placement --seeds 1..=3"), 1);
        assert_eq!(said("lepton train placement --out=m --generate-seeds 4"), 2);
        assert_eq!(said("lepton simulate jobs --nodes 64"), 1);
        assert_eq!(said("lepton simulate jobs --nodes 200x2,321x8"), 1);
        for new in [
            "lepton simulate placement --seed 1 --nodes nodes.csv",
            "lepton simulate jobs --nodes nodes.csv --nodes-count 3",
            "lepton train placement --model m --output json",
            "lepton rebalance --seed 1",
        ] {
            assert_eq!(said(new), 0, "{new}");
        }
    }
}
