//! The loads at which the tables of a placement study speak of a run.

use super::placement::percent_of_load;

/// A load that tables speak of.
pub(super) struct Point {
    /// In percent, as tables write it.
    pub(super) name: String,
    /// Its place in a curve.
    pub(super) at: usize,
}

/// 100% where it is reached, and the end.
pub(super) fn points(load: f64) -> Vec<Point> {
    let end = Point { name: format!("{}", (load * 1e6).round() / 1e4), at: percent_of_load(load) as usize };
    if end.at > 100 { vec![Point { name: "100".to_owned(), at: 100 }, end] } else { vec![end] }
}
