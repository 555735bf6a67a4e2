//! The best node of one class: a tree of maxima, sixteen wide, over the scores in order of preference.
//! Changing a score touches one cache line per level; finding the first of the best does too.

/// Children of an inner entry: sixteen `f32` fill one cache line.
const WIDTH: usize = 16;

/// The score of a node on which the class does not fit.
pub(in crate::decide) const UNFIT: f32 = f32::NEG_INFINITY;

/// Scores by position, and which position holds the highest: the first of equals.
#[derive(Debug, Clone)]
pub(in crate::decide) struct BestNode {
    /// `levels[0]` holds the scores, each further level the maxima of sixteen entries of the one before;
    /// the last has at most sixteen.
    levels: Vec<Vec<f32>>,
}

impl BestNode {
    /// Over `len` positions, all [`UNFIT`].
    pub(in crate::decide) fn new(len: usize) -> Self {
        let mut levels = Vec::new();
        let mut width = len.max(1);
        loop {
            let padded = width.next_multiple_of(WIDTH);
            levels.push(vec![UNFIT; padded]);
            if padded == WIDTH {
                break;
            }
            width = padded / WIDTH;
        }
        Self { levels }
    }

    pub(in crate::decide) fn get(&self, position: usize) -> f32 {
        self.levels[0][position]
    }

    pub(in crate::decide) fn set(&mut self, position: usize, score: f32) {
        let mut at = position;
        let mut value = score;
        for level in &mut self.levels {
            if level[at] == value {
                return;
            }
            level[at] = value;
            at /= WIDTH;
            value = max_of(&level[at * WIDTH..(at + 1) * WIDTH]);
        }
    }

    /// The first position with the highest score, unless all are [`UNFIT`].
    pub(in crate::decide) fn best(&self) -> Option<usize> {
        let mut at = 0;
        for level in self.levels.iter().rev() {
            let block = &level[at * WIDTH..(at + 1) * WIDTH];
            let most = max_of(block);
            if most == UNFIT {
                return None;
            }
            at = at * WIDTH + block.iter().position(|&s| s == most)?;
        }
        Some(at)
    }
}

fn max_of(block: &[f32]) -> f32 {
    block.iter().fold(UNFIT, |a, &b| if b > a { b } else { a })
}
