//! The last values of a series, kept sorted, so that any quantile of them is one look.

/// Most values of a window: places are remembered in 16 bits.
const CAPACITY_MAX: usize = 1 << 16;

/// The last `capacity` values, by time, and their places by size: 6 bytes a value. A new value costs a binary search and a
/// move of at most `capacity` places.
#[derive(Debug, Clone, PartialEq)]
pub struct SortedWindow {
    capacity: usize,
    /// In a circle, once the window is full.
    values: Vec<f32>,
    /// Place of the oldest value of a full window.
    oldest: usize,
    /// Places in `values`, by size.
    by_size: Vec<u16>,
}

impl SortedWindow {
    /// An empty window of at most `capacity` values, at least one and at most 65,536.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, CAPACITY_MAX);
        Self { capacity, values: Vec::new(), oldest: 0, by_size: Vec::new() }
    }

    /// Adds a value, and forgets the oldest when the window is full. Values that are not finite are left out.
    pub fn push(&mut self, value: f32) {
        if !value.is_finite() {
            return;
        }
        let to = self.by_size.partition_point(|&p| self.values[usize::from(p)] <= value);
        if self.values.len() < self.capacity {
            if self.values.is_empty() {
                // No more than is needed: there are many windows.
                self.values.reserve_exact(self.capacity);
                self.by_size.reserve_exact(self.capacity);
            }
            self.by_size.insert(to, self.values.len() as u16);
            self.values.push(value);
            return;
        }
        let place = self.oldest;
        self.oldest = (self.oldest + 1) % self.capacity;
        let gone = self.values[place];
        let from = self.by_size.partition_point(|&p| self.values[usize::from(p)] < gone);
        let among_equals = self.by_size[from..].iter().position(|&p| usize::from(p) == place);
        let from = from + among_equals.unwrap_or(0);
        self.values[place] = value;
        // The place of the oldest closes and that of the new one opens: only what lies between them moves.
        if from < to {
            self.by_size.copy_within(from + 1..to, from);
            self.by_size[to - 1] = place as u16;
        } else {
            self.by_size.copy_within(to..from, to + 1);
            self.by_size[to] = place as u16;
        }
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
        quantile(self.len(), |i| self.values[usize::from(self.by_size[i])], level)
    }

    /// Share of the values below `value`, those equal to it counted half; a half of nothing.
    pub fn rank(&self, value: f32) -> f32 {
        if self.by_size.is_empty() {
            return 0.5;
        }
        let below = self.by_size.partition_point(|&p| self.values[usize::from(p)] < value);
        let up_to = self.by_size.partition_point(|&p| self.values[usize::from(p)] <= value);
        (below + up_to) as f32 / (2 * self.by_size.len()) as f32
    }
}

/// Quantile of ascending values, interpolated linearly.
pub fn quantile_of_sorted(sorted: &[f32], level: f64) -> Option<f32> {
    quantile(sorted.len(), |i| sorted[i], level)
}

fn quantile(count: usize, value: impl Fn(usize) -> f32, level: f64) -> Option<f32> {
    let last = count.checked_sub(1)?;
    let at = level.clamp(0.0, 1.0) * last as f64;
    let low = value(at as usize);
    let high = value((at as usize + 1).min(last));
    Some(if low == high { low } else { low + (high - low) * at.fract() as f32 })
}
