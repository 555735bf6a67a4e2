//! What many samples amount to: the least, the mean, the greatest, and the value that 95 of 100 do not pass.

use std::collections::BTreeMap;

use super::coding::Table;

/// Columns of a rollup for each of the samples.
pub(super) const STATISTICS: usize = 4;

/// Samples of one node by window: the rollups of each, four columns a measure.
pub(super) fn rolled_up(samples: &Table, window_seconds: u64) -> Table {
    let mut windows: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for (at, time) in samples.times.iter().enumerate() {
        let range = windows.entry(time / window_seconds * window_seconds).or_insert((at, at));
        range.1 = at + 1;
    }
    let mut table = Table {
        times: windows.keys().copied().collect(),
        columns: vec![Vec::with_capacity(windows.len()); samples.columns.len() * STATISTICS],
    };
    let mut sorted = Vec::new();
    for (measure, column) in samples.columns.iter().enumerate() {
        for &(from, to) in windows.values() {
            sorted.clear();
            sorted.extend_from_slice(&column[from..to]);
            for (at, value) in statistics(&mut sorted).into_iter().enumerate() {
                table.columns[measure * STATISTICS + at].push(value);
            }
        }
    }
    table
}

/// Least, mean, greatest, 95th percentile (nearest rank).
fn statistics(values: &mut [u16]) -> [u16; STATISTICS] {
    values.sort_unstable();
    let (Some(&least), Some(&greatest)) = (values.first(), values.last()) else { return [0; STATISTICS] };
    let sum: u64 = values.iter().map(|&value| u64::from(value)).sum();
    let mean = (sum as f64 / values.len() as f64).round() as u16;
    let rank = (values.len() * 95).div_ceil(100).max(1);
    [least, mean, greatest, values[rank - 1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_has_its_own_figures() {
        let samples = Table {
            times: vec![290, 300, 315, 599, 600],
            columns: vec![vec![5, 10, 20, 60, 7], vec![0, 1, 1, 1, 2]],
        };
        let rollup = rolled_up(&samples, 300);
        assert_eq!(rollup.times, [0, 300, 600]);
        let columns: Vec<&[u16]> = rollup.columns.iter().map(Vec::as_slice).collect();
        let [least, mean, greatest, high, flat, ..] = columns[..] else { panic!("eight columns") };
        assert_eq!([least, mean, greatest, high], [[5, 10, 7], [5, 30, 7], [5, 60, 7], [5, 60, 7]]);
        assert_eq!(flat, [0, 1, 2]);
    }

    #[test]
    fn five_of_a_hundred_may_pass_the_percentile() {
        assert_eq!(statistics(&mut (1..=100).collect::<Vec<u16>>()), [1, 51, 100, 95]);
        assert_eq!(statistics(&mut [3]), [3, 3, 3, 3]);
        assert_eq!(statistics(&mut []), [0; 4]);
    }
}
