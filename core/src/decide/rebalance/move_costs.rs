//! The cost of moving from node to node: a square matrix of which equal rows and equal columns are kept once,
//! in as few bytes for each number as the largest one needs. At 5,000 nodes there are 25 million costs and the
//! search reads them at random; distances go by location as a rule, so what is kept fits a small cache.

use std::collections::BTreeMap;

use crate::model::digest::fnv;

/// Costs by old node and new node. Filled row by row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MoveCosts {
    nodes: usize,
    max: u32,
    /// For each node the row that holds its costs as the old node.
    row_of: Vec<u32>,
    /// For each node its place in a row as the new node.
    column_of: Vec<u32>,
    /// Length of a row that is kept.
    columns: usize,
    values: Values,
    /// Rows by the hash of their numbers, until all are there.
    known: BTreeMap<u64, Vec<u32>>,
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
        Self { nodes, columns: nodes, column_of: (0..nodes as u32).collect(), ..Self::default() }
    }

    /// The matrix with these rows, which should be as long as there are rows.
    pub fn from_rows(rows: &[Vec<u32>]) -> Self {
        let mut costs = Self::for_nodes(rows.len());
        for row in rows {
            costs.push_row(row);
        }
        costs
    }

    /// Adds the costs from the next node to each node. A row of the wrong length, or one too many, is left
    /// out, so that the matrix never becomes [complete](Self::is_complete).
    pub fn push_row(&mut self, row: &[u32]) {
        if row.len() != self.nodes || self.row_of.len() == self.nodes {
            return;
        }
        self.max = row.iter().copied().fold(self.max, u32::max);
        let hash = fnv(row.iter().map(|&cost| u64::from(cost)));
        let same = self.known.get(&hash).into_iter().flatten().copied().find(|&known| {
            let start = known as usize * self.columns;
            row.iter().enumerate().all(|(i, &v)| self.values.at(start + i) == v)
        });
        let kept = same.unwrap_or_else(|| {
            let next = (self.values.len() / self.columns) as u32;
            row.iter().for_each(|&value| self.values.push(value));
            self.known.entry(hash).or_default().push(next);
            next
        });
        self.row_of.push(kept);
        if self.is_complete() {
            self.fold_columns();
        }
    }

    /// Keeps equal columns once; where no two rows are equal, none are looked for.
    fn fold_columns(&mut self) {
        self.known = BTreeMap::new();
        let rows = self.values.len() / self.columns;
        if rows == self.nodes {
            return;
        }
        let column =
            |c: usize| -> Vec<u32> { (0..rows).map(|r| self.values.at(r * self.nodes + c)).collect() };
        let mut places: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let mut first = Vec::new();
        for c in 0..self.nodes {
            let place = *places.entry(column(c)).or_insert_with(|| {
                first.push(c);
                first.len() as u32 - 1
            });
            self.column_of[c] = place;
        }
        let mut values = Values::default();
        for row in 0..rows {
            first.iter().for_each(|&c| values.push(self.values.at(row * self.nodes + c)));
        }
        self.columns = first.len();
        self.values = values;
    }

    /// Cost of moving a task from node to node.
    ///
    /// # Panics
    /// When there are not so many nodes or rows; a checked problem has all of them.
    #[inline]
    pub fn cost(&self, from: u32, to: u32) -> u32 {
        let row = self.row_of[from as usize] as usize;
        self.values.at(row * self.columns + self.column_of[to as usize] as usize)
    }

    /// Whether there is a row for each node.
    pub fn is_complete(&self) -> bool {
        self.row_of.len() == self.nodes
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Number of rows so far, equal ones counted each.
    pub fn rows(&self) -> usize {
        self.row_of.len()
    }

    /// The largest entry, 0 of none.
    pub fn max(&self) -> u32 {
        self.max
    }
}

impl Values {
    #[inline]
    fn at(&self, i: usize) -> u32 {
        match self {
            Self::One(values) => u32::from(values[i]),
            Self::Two(values) => u32::from(values[i]),
            Self::Four(values) => values[i],
        }
    }

    fn push(&mut self, value: u32) {
        match self {
            Self::One(values) if value <= u32::from(u8::MAX) => values.push(value as u8),
            Self::Two(values) if value <= u32::from(u16::MAX) => values.push(value as u16),
            Self::Four(values) => values.push(value),
            _ => {
                let now = 0..self.len();
                *self = if u16::try_from(value).is_ok() {
                    Self::Two(now.map(|i| self.at(i) as u16).collect())
                } else {
                    Self::Four(now.map(|i| self.at(i)).collect())
                };
                self.push(value);
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(values) => values.len(),
            Self::Two(values) => values.len(),
            Self::Four(values) => values.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_holds(costs: &MoveCosts, rows: &[Vec<u32>]) {
        assert!(costs.is_complete());
        for (from, row) in rows.iter().enumerate() {
            for (to, &cost) in row.iter().enumerate() {
                assert_eq!(costs.cost(from as u32, to as u32), cost, "from {from} to {to}");
            }
        }
        assert_eq!(Some(costs.max()), rows.iter().flatten().max().copied());
    }

    #[test]
    fn every_width_gives_back_what_was_put_in() {
        for dear in [0, 255, 256, 65_535, 65_536, u32::MAX] {
            let rows = [vec![0, 1, dear], vec![dear / 2, 0, 7], vec![3, dear, 0]];
            assert_holds(&MoveCosts::from_rows(&rows), &rows);
        }
    }

    #[test]
    fn distances_between_locations_are_kept_once_for_each_pair_of_locations() {
        let location = |node: usize| node % 3;
        let row = |from| (0..30).map(|to| location(from).abs_diff(location(to)) as u32 * 300).collect();
        let rows: Vec<Vec<u32>> = (0..30).map(row).collect();
        let costs = MoveCosts::from_rows(&rows);
        assert_holds(&costs, &rows);
        assert_eq!(costs.values, Values::Two(vec![0, 300, 600, 300, 0, 300, 600, 300, 0]));
    }

    #[test]
    fn a_row_of_the_wrong_length_or_one_too_many_is_not_taken() {
        let mut costs = MoveCosts::for_nodes(2);
        costs.push_row(&[0, 1, 2]);
        assert!(!costs.is_complete());
        costs.push_row(&[0, 1]);
        costs.push_row(&[1, 0]);
        costs.push_row(&[5, 5]);
        assert_holds(&costs, &[vec![0, 1], vec![1, 0]]);
    }

    proptest! {
        #[test]
        fn whatever_repeats_nothing_is_lost(
            kinds in proptest::collection::vec(0..4_u32, 1..20),
            scale in 1..100_000_u32,
        ) {
            let rows: Vec<Vec<u32>> = kinds.iter().enumerate().map(|(i, a)| {
                kinds.iter().enumerate().map(|(j, b)| if i == j { 0 } else { (a * 3 + b) / 2 * scale }).collect()
            }).collect();
            assert_holds(&MoveCosts::from_rows(&rows), &rows);
        }
    }
}
