//! The last values of a series, kept sorted, so that any quantile of them is one look.

use std::collections::VecDeque;

/// The last `capacity` values, in order of time and in order of size. A new value costs a binary search and a move of
/// at most `capacity` numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct SortedWindow {
    capacity: usize,
    by_time: VecDeque<f32>,
    by_size: Vec<f32>,
}

impl SortedWindow {
    /// An empty window of at most `capacity` values, at least one.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), by_time: VecDeque::new(), by_size: Vec::new() }
    }

    /// Adds a value, and forgets the oldest when the window is full. Values that are not finite are left out.
    pub fn push(&mut self, value: f32) {
        if !value.is_finite() {
            return;
        }
        if self.by_time.len() == self.capacity
            && let Some(oldest) = self.by_time.pop_front()
        {
            let from = self.by_size.partition_point(|&v| v < oldest);
            let to = self.by_size.partition_point(|&v| v <= value);
            // The place of the oldest closes and that of the new one opens: only what lies between them moves.
            if from < to {
                self.by_size.copy_within(from + 1..to, from);
                self.by_size[to - 1] = value;
            } else {
                self.by_size.copy_within(to..from, to + 1);
                self.by_size[to] = value;
            }
        } else {
            let at = self.by_size.partition_point(|&v| v <= value);
            self.by_size.insert(at, value);
        }
        self.by_time.push_back(value);
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.by_size.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.by_size.is_empty()
    }

    /// The quantile of this level, 0 to 1, between neighbours by their distance; `None` of nothing.
    pub fn quantile(&self, level: f64) -> Option<f32> {
        quantile_of_sorted(&self.by_size, level)
    }

    /// Share of the values below `value`, those equal to it counted half; a half of nothing.
    pub fn rank(&self, value: f32) -> f32 {
        if self.by_size.is_empty() {
            return 0.5;
        }
        let below = self.by_size.partition_point(|&v| v < value);
        let up_to = self.by_size.partition_point(|&v| v <= value);
        (below + up_to) as f32 / (2 * self.by_size.len()) as f32
    }
}

/// Quantile of ascending values, interpolated linearly.
pub fn quantile_of_sorted(sorted: &[f32], level: f64) -> Option<f32> {
    let last = sorted.len().checked_sub(1)?;
    let at = level.clamp(0.0, 1.0) * last as f64;
    let low = sorted[at as usize];
    let high = sorted[(at as usize + 1).min(last)];
    Some(if low == high { low } else { low + (high - low) * at.fract() as f32 })
}
