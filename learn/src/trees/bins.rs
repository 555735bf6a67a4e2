//! Features in at most 254 bins each, so that a split is found in a histogram and not in a sorted list.

/// Bins of a feature at most; bin 0 is for what is missing.
pub(super) const BINS: usize = 256;
/// Values that the borders of bins are taken from.
const SAMPLE: usize = 200_000;

/// A table of features, column by column.
pub(super) struct BinnedTable {
    columns: Vec<Vec<u8>>,
    /// Upper borders of the bins from 1 on, inclusive, ascending; the last bin has none.
    borders: Vec<Vec<f32>>,
}

impl BinnedTable {
    pub(super) fn new(values: &[f32], width: usize) -> Self {
        let (columns, borders) = (0..width).map(|feature| Self::column(values, width, feature)).unzip();
        Self { columns, borders }
    }

    fn column(values: &[f32], width: usize, feature: usize) -> (Vec<u8>, Vec<f32>) {
        let column = || values.iter().skip(feature).step_by(width).copied();
        let rows = values.len() / width;
        let stride = rows.div_ceil(SAMPLE).max(1);
        let mut sorted: Vec<f32> = column().step_by(stride).filter(|v| !v.is_nan()).collect();
        sorted.sort_by(f32::total_cmp);
        let mut distinct = sorted.clone();
        distinct.dedup();
        let most = BINS - 2;
        let mut borders: Vec<f32> = if distinct.len() <= most {
            distinct
        } else {
            // Half by rank, half by distinct value: rare high values stay told apart.
            let half = most / 2;
            let by_rank = (1..=half).map(|i| sorted[i * (sorted.len() - 1) / half]);
            let by_value = (1..=half).map(|i| distinct[i * (distinct.len() - 1) / half]);
            let mut both: Vec<f32> = by_rank.chain(by_value).collect();
            both.sort_by(f32::total_cmp);
            both.dedup();
            both
        };
        borders.pop();
        let bin = |v: f32| if v.is_nan() { 0 } else { 1 + borders.partition_point(|&b| b < v) as u8 };
        (column().map(bin).collect(), borders)
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn column_of(&self, feature: usize) -> &[u8] {
        &self.columns[feature]
    }

    /// Number of bins of a feature, that of what is missing included.
    pub(super) fn bins(&self, feature: usize) -> usize {
        self.borders[feature].len() + 2
    }

    /// What a value must not be above to lie in this bin or below.
    pub(super) fn border(&self, feature: usize, bin: u8) -> f32 {
        self.borders[feature][usize::from(bin) - 1]
    }
}
