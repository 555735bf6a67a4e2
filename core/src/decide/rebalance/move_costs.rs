//! The cost of moving from node to node: a square matrix in as few bytes for each number as its largest one
//! needs. At 5,000 nodes it has 25 million entries and the search reads it at random, so its width decides
//! both the memory and how often a read misses the cache.

/// Costs by old node and new node. Filled row by row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MoveCosts {
    nodes: usize,
    max: u32,
    values: Values,
}

/// The narrowest width that holds all numbers so far.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Default for Values {
    fn default() -> Self {
        Self::One(Vec::new())
    }
}

impl MoveCosts {
    /// An empty matrix for so many nodes.
    pub fn for_nodes(nodes: usize) -> Self {
        Self { nodes, max: 0, values: Values::default() }
    }

    /// The matrix with these rows, which should be as long as there are rows.
    pub fn from_rows(rows: &[Vec<u32>]) -> Self {
        let mut costs = Self::for_nodes(rows.len());
        for &cost in rows.iter().flatten() {
            costs.push(cost);
        }
        costs
    }

    /// Adds the next number: row by row, from left to right.
    #[inline]
    pub fn push(&mut self, cost: u32) {
        self.max = self.max.max(cost);
        match &mut self.values {
            Values::One(values) if cost <= u32::from(u8::MAX) => values.push(cost as u8),
            Values::Two(values) if cost <= u32::from(u16::MAX) => values.push(cost as u16),
            Values::Four(values) => values.push(cost),
            _ => self.push_wider(cost),
        }
    }

    #[cold]
    fn push_wider(&mut self, cost: u32) {
        self.values = match (&self.values, u16::try_from(cost)) {
            (Values::One(values), Ok(_)) => Values::Two(values.iter().map(|&v| u16::from(v)).collect()),
            (Values::One(values), Err(_)) => Values::Four(values.iter().map(|&v| u32::from(v)).collect()),
            (Values::Two(values), _) => Values::Four(values.iter().map(|&v| u32::from(v)).collect()),
            (Values::Four(values), _) => Values::Four(values.clone()),
        };
        self.push(cost);
    }

    /// Cost of moving a task from node to node.
    ///
    /// # Panics
    /// When there are not so many nodes; a checked problem has all of its rows.
    #[inline]
    pub fn cost(&self, from: u32, to: u32) -> u32 {
        let at = from as usize * self.nodes + to as usize;
        match &self.values {
            Values::One(values) => u32::from(values[at]),
            Values::Two(values) => u32::from(values[at]),
            Values::Four(values) => values[at],
        }
    }

    /// Number of entries so far; complete when it is the square of the number of nodes.
    pub fn entries(&self) -> usize {
        match &self.values {
            Values::One(values) => values.len(),
            Values::Two(values) => values.len(),
            Values::Four(values) => values.len(),
        }
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The largest entry, 0 of none.
    pub fn max(&self) -> u32 {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_gives_back_what_was_put_in() {
        for dear in [0, 255, 256, 65_535, 65_536, u32::MAX] {
            let rows = [vec![0, 1, dear], vec![dear / 2, 0, 7], vec![3, dear, 0]];
            let costs = MoveCosts::from_rows(&rows);
            assert_eq!((costs.entries(), costs.max()), (9, dear.max(7)));
            for (from, row) in rows.iter().enumerate() {
                for (to, &cost) in row.iter().enumerate() {
                    assert_eq!(costs.cost(from as u32, to as u32), cost);
                }
            }
        }
    }

    #[test]
    fn matrices_are_equal_by_their_numbers() {
        let rows = [vec![0, 70_000], vec![300, 0]];
        let swapped = [vec![0, 300], vec![70_000, 0]];
        assert_eq!(MoveCosts::from_rows(&rows), MoveCosts::from_rows(&rows));
        assert_ne!(MoveCosts::from_rows(&rows), MoveCosts::from_rows(&swapped));
    }
}
