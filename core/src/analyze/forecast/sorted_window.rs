//! The last values of a series, kept sorted, so that any quantile of them is one look.

/// Most values of a window: when each came is remembered in 16 bits.
const CAPACITY_MAX: usize = 1 << 16;
/// Values up to which counting all of them beats halving: neighbours in memory come together, the steps of a search one by one.
const COUNTED_MAX: usize = 512;

/// The last `capacity` values by size, each with the slot of time in which it came: 6 bytes a value, 5 in a window of at most 256. A
/// new value costs a look at all of them and a move of those between it and the one it replaces.
#[derive(Debug, Clone, PartialEq)]
pub struct SortedWindow {
    capacity: u32,
    /// Slot of the next value, and so of the oldest one of a full window.
    next: u32,
    /// Ascending.
    sorted: Vec<f32>,
    slots: Slots,
}

/// For each of the sorted values, in which slot of time it came.
#[derive(Debug, Clone, PartialEq)]
enum Slots {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

impl Slots {
    fn new(capacity: usize) -> Self {
        if capacity <= 1 << 8 { Self::Narrow(Vec::new()) } else { Self::Wide(Vec::new()) }
    }

    fn reserve(&mut self, count: usize) {
        match self {
            Self::Narrow(slots) => slots.reserve_exact(count),
            Self::Wide(slots) => slots.reserve_exact(count),
        }
    }

    fn position(&self, slot: u32) -> Option<usize> {
        match self {
            Self::Narrow(slots) => position(slots, slot as u8),
            Self::Wide(slots) => position(slots, slot as u16),
        }
    }

    fn insert(&mut self, at: usize, slot: u32) {
        match self {
            Self::Narrow(slots) => slots.insert(at, slot as u8),
            Self::Wide(slots) => slots.insert(at, slot as u16),
        }
    }

    /// Takes away what stands at `from` and puts the slot where `to` was before.
    fn replace(&mut self, from: usize, to: usize, slot: u32) {
        match self {
            Self::Narrow(slots) => replace(slots, from, to, slot as u8),
            Self::Wide(slots) => replace(slots, from, to, slot as u16),
        }
    }
}

/// Where a value stands: first in which block, each looked at as a whole.
fn position<T: Copy + PartialEq>(values: &[T], value: T) -> Option<usize> {
    const BLOCK: usize = 64;
    let is_in = |block: &[T]| block.iter().fold(false, |found, &v| found | (v == value));
    let (block, values) = values.chunks(BLOCK).enumerate().find(|(_, block)| is_in(block))?;
    Some(block * BLOCK + values.iter().position(|&v| v == value)?)
}

/// Takes away what stands at `from` and puts `value` before what stands at `to`: only what lies between them moves.
fn replace<T: Copy>(values: &mut [T], from: usize, to: usize, value: T) {
    if from < to {
        values.copy_within(from + 1..to, from);
        values[to - 1] = value;
    } else {
        values.copy_within(to..from, to + 1);
        values[to] = value;
    }
}

impl SortedWindow {
    /// An empty window of at most `capacity` values, at least one and at most 65,536.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, CAPACITY_MAX);
        Self { capacity: capacity as u32, next: 0, sorted: Vec::new(), slots: Slots::new(capacity) }
    }

    /// Adds a value, and forgets the oldest when the window is full. Values that are not finite are left out.
    pub fn push(&mut self, value: f32) {
        if !value.is_finite() {
            return;
        }
        let (to, slot) = (self.count(|v| v <= value), self.next);
        self.next = (self.next + 1) % self.capacity;
        if self.sorted.len() == self.capacity as usize
            && let Some(from) = self.slots.position(slot)
        {
            replace(&mut self.sorted, from, to, value);
            self.slots.replace(from, to, slot);
            return;
        }
        if self.sorted.is_empty() {
            // No more than is needed: there are many windows.
            self.sorted.reserve_exact(self.capacity as usize);
            self.slots.reserve(self.capacity as usize);
        }
        self.sorted.insert(to, value);
        self.slots.insert(to, slot);
    }

    /// How many of the values, the smallest first, are so.
    fn count(&self, so: impl Fn(f32) -> bool) -> usize {
        if self.sorted.len() > COUNTED_MAX {
            return self.sorted.partition_point(|&v| so(v));
        }
        self.sorted.iter().map(|&v| u32::from(so(v))).sum::<u32>() as usize
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The quantile of this level, 0 to 1, between neighbours by their distance; `None` of nothing.
    pub fn quantile(&self, level: f64) -> Option<f32> {
        quantile_of_sorted(&self.sorted, level)
    }

    /// Share of the values below `value`, those equal to it counted half; a half of nothing.
    pub fn rank(&self, value: f32) -> f32 {
        if self.sorted.is_empty() {
            return 0.5;
        }
        let (below, up_to) = (self.count(|v| v < value), self.count(|v| v <= value));
        (below + up_to) as f32 / (2 * self.sorted.len()) as f32
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
