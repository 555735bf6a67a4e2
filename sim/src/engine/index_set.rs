//! A set of small integers that finds its lowest member, or the next one at or after a point, in a few
//! instructions: a tree of 64-bit words, each upper bit saying whether the word below has any member.

use serde::{Deserialize, Serialize};

/// A set of integers below a fixed capacity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSet {
    /// `levels[0]` holds the members; each further level summarises the one before.
    levels: Vec<Vec<u64>>,
    len: usize,
}

impl IndexSet {
    /// An empty set for integers below `capacity`.
    pub fn new(capacity: usize) -> Self {
        let mut set = Self::default();
        set.reset(capacity);
        set
    }

    /// Empties the set and gives it a new capacity, keeping its memory where it suffices.
    pub fn reset(&mut self, capacity: usize) {
        self.len = 0;
        let mut words = capacity.div_ceil(64).max(1);
        let mut level = 0;
        loop {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[level].clear();
            self.levels[level].resize(words, 0);
            level += 1;
            if words == 1 {
                break;
            }
            words = words.div_ceil(64);
        }
        self.levels.truncate(level);
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `index` is a member.
    pub fn contains(&self, index: usize) -> bool {
        self.levels[0].get(index / 64).is_some_and(|w| w >> (index % 64) & 1 == 1)
    }

    /// Adds `index`, which must be below the capacity; nothing happens if it is there already.
    pub fn insert(&mut self, index: usize) {
        self.len += usize::from(!self.contains(index));
        let mut at = index;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            let before = *word;
            *word |= 1 << (at % 64);
            if before != 0 {
                break;
            }
            at /= 64;
        }
    }

    /// Removes `index`; nothing happens if it is not a member.
    pub fn remove(&mut self, index: usize) {
        if !self.contains(index) {
            return;
        }
        self.len -= 1;
        let mut at = index;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                break;
            }
            at /= 64;
        }
    }

    /// The lowest member.
    pub fn first(&self) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        Some(self.descend(self.levels.len(), 0))
    }

    /// The lowest member at or above `from`.
    pub fn next_from(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for (level, words) in self.levels.iter().enumerate() {
            let word = words.get(at / 64)? & (u64::MAX << (at % 64));
            if word != 0 {
                let found = at / 64 * 64 + word.trailing_zeros() as usize;
                return Some(self.descend(level, found));
            }
            at = at / 64 + 1;
        }
        None
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.first(), |&i| self.next_from(i + 1))
    }

    /// Follows the lowest set bits from bit `at` of `level` down to a member.
    fn descend(&self, level: usize, at: usize) -> usize {
        let mut at = at;
        for words in self.levels[..level].iter().rev() {
            at = at * 64 + words[at].trailing_zeros() as usize;
        }
        at
    }
}
