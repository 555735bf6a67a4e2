//! Learning curves as a small picture.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 56.0;
const COLOURS: [&str; 9] =
    ["#1b6ca8", "#d1495b", "#2e933c", "#8d5a97", "#e08e45", "#4d4d4d", "#00a6a6", "#b5a642", "#ff6f91"];

/// One line for each curve, over equal steps that end at `last`.
pub(crate) fn svg(curves: &[(&str, Vec<f64>)], unit: &str, last: u64) -> String {
    let all = || curves.iter().flat_map(|c| c.1.iter().copied());
    let (low, high) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
    let span = (high - low).max(1e-9);
    let y = |v: f64| MARGIN / 2.0 + (high - v) / span * (HEIGHT - 1.5 * MARGIN);
    let (from, to) = (MARGIN, WIDTH - 190.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for value in [low, 0.0, high] {
        let at = y(value);
        let _ = writeln!(out, "<path d=\"M{from} {at:.1}H{to}\" stroke=\"#cccccc\"/>");
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.2}</text>",
            from - 6.0,
            at + 4.0
        );
    }
    let bottom = HEIGHT - 16.0;
    let _ = writeln!(out, "<text x=\"{from}\" y=\"14\">{unit}</text>");
    let _ = writeln!(out, "<text x=\"{to}\" y=\"{bottom}\" text-anchor=\"end\">{last} episodes</text>");
    for (i, (name, points)) in curves.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let x = |k: usize| from + (to - from) * (k + 1) as f64 / points.len() as f64;
        let line: String =
            points.iter().enumerate().map(|(k, &v)| format!(" {:.1},{:.1}", x(k), y(v))).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{from},{:.1}{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            y(0.0)
        );
        let at = 30.0 + 18.0 * i as f64;
        let _ = writeln!(out, "<text x=\"{}\" y=\"{at}\" fill=\"{colour}\">{name}</text>", to + 12.0);
    }
    out.push_str("</svg>\n");
    out
}
