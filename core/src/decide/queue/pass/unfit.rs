//! What has turned out not to fit in a pass. Units only get fewer while it goes on, so what did not fit will not fit
//! later in it.

use super::capacity::Capacity;

/// The sizes and shapes that do not fit.
#[derive(Debug, Default)]
pub(super) struct Unfit {
    /// Sizes from here on do not fit.
    size: u32,
    /// The pass in which each shape last did not fit.
    shapes: Vec<u64>,
    pass: u64,
}

impl Unfit {
    pub(super) fn begin(&mut self) {
        self.size = u32::MAX;
        self.pass += 1;
    }

    pub(super) fn add<C: Capacity>(&mut self, capacity: &C, unit: u32, size: u32) {
        if C::SIZE_DECIDES {
            self.size = self.size.min(size);
            return;
        }
        let shape = capacity.shape(unit) as usize;
        if shape >= self.shapes.len() {
            self.shapes.resize(shape + 1, 0);
        }
        self.shapes[shape] = self.pass;
    }

    pub(super) fn has<C: Capacity>(&self, capacity: &C, unit: u32, size: u32) -> bool {
        if C::SIZE_DECIDES {
            return size >= self.size;
        }
        self.shapes.get(capacity.shape(unit) as usize) == Some(&self.pass)
    }
}
