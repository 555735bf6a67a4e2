//! The verdict on two models as a table for people.

use lepton_learn::Verdict;

use crate::numbers::signed;
use crate::output;

/// What the numbers of a comparison of placement models are.
pub(super) const PLACEMENT_UNIT: &str = "Percent of the devices allocated when 100% have been asked for";

/// The table for people; `unit` says what its numbers are.
pub(super) fn text(verdict: &Verdict, unit: &str) -> String {
    let mut table = output::table(&["workload", "best rule", "serving", "candidate", "gain"]);
    for c in &verdict.comparisons {
        let gain = with_interval(c.gain, c.gain_half_width, 2);
        let numbers = [c.best_rule, c.serving, c.candidate].map(|v| format!("{v:.2}"));
        table.add_row(std::iter::once(c.environment.clone()).chain(numbers).chain([gain]));
    }
    let mean = verdict.gain.map_or_else(|| "-".to_owned(), |g| with_interval(g, verdict.gain_half_width, 3));
    let says = match verdict {
        v if v.promoted => "the candidate is better".to_owned(),
        v if v.too_few() => format!("too few sequences to say, expected at least {}", v.sequences_least),
        _ => "the candidate is not shown to be better".to_owned(),
    };
    format!(
        "{table}\n{unit}; gain: candidate less serving model, sequence\nby sequence, with its 95% interval over {} sequence{}. In the mean {mean}: {says}.\n",
        verdict.sequences,
        if verdict.sequences == 1 { "" } else { "s" }
    )
}

/// `+0.31 ±0.11`, or the gain alone where a single pair gives no interval.
fn with_interval(gain: f64, half_width: Option<f64>, digits: usize) -> String {
    half_width
        .map_or_else(|| signed(gain, digits), |half| format!("{} ±{half:.digits$}", signed(gain, digits)))
}
