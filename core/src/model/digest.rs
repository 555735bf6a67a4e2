//! Digests of values: whether two decisions had the same input, whether a file is as it was written, where a row is kept.

use serde::Serialize;

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bits, of bytes or of numbers taken whole.
pub fn fnv(values: impl IntoIterator<Item = u64>) -> u64 {
    values.into_iter().fold(FNV_START, |sum, value| (sum ^ value).wrapping_mul(FNV_PRIME))
}

/// A digest in the making: 64 bits, not made against people who seek equal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(FNV_START)
    }
}

impl Digest {
    /// Takes in a number.
    pub fn number(&mut self, value: u64) {
        self.0 = mixed(self.0, value);
    }

    /// Takes in a real number, bit by bit.
    pub fn real(&mut self, value: f64) {
        self.number(value.to_bits());
    }

    /// Takes in a text and its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// Takes in numbers in order.
    pub fn numbers(&mut self, values: impl IntoIterator<Item = u64>) {
        values.into_iter().for_each(|value| self.number(value));
    }

    /// Takes in real numbers in order, bit by bit.
    pub fn reals<'a>(&mut self, values: impl IntoIterator<Item = &'a f64>) {
        values.into_iter().for_each(|&value| self.real(value));
    }

    /// Takes in all that a value is written as.
    pub fn written(&mut self, value: &impl Serialize) {
        self.text(&serde_json::to_string(value).unwrap_or_else(|error| error.to_string()));
    }

    /// The digest of one text.
    pub fn of_text(text: &str) -> u64 {
        let mut digest = Self::default();
        digest.text(text);
        digest.value()
    }

    /// The digest.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// One step of a digest: both values, well mixed.
pub(crate) fn mixed(before: u64, value: u64) -> u64 {
    let product = (before ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 29)
}
