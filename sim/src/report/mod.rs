//! Report pages: one self-contained HTML file per study, with its data embedded as JSON.
//!
//! The pages draw themselves in the browser from that data (`page.js`, `charts.js` and one script per page); here the
//! data is only made safe to embed and put into the template. Nothing is computed from the results, and no
//! page refers to anything outside itself.

use serde_json::Value;

/// What all pages have around their own content.
const FRAME: &str = include_str!("page.html");
/// Colours and type are those of the page of `lepton serve`, which is built with the same file.
const THEME: &str = concat!(include_str!("tokens.css"), include_str!("theme.css"));
/// The scripts that all pages share: data, head and theme, then the charts.
const SHARED: &str = concat!(include_str!("page.js"), include_str!("charts.js"));

/// The page of a placement study: curves of allocation and fragmentation, bars, the table of results and
/// maps of the nodes.
///
/// `study` is the JSON document that `lepton simulate placement --output json` prints. It needs at least one summary
/// row; where a policy or the whole study has no result, the page shows what there is and says why.
pub fn placement_html(study: &Value) -> String {
    page("placement study", include_str!("placement.html"), include_str!("placement.js"), study)
}

/// The page of a jobs study: the table of results, queue length and utilisation over time, distributions of
/// wait, completion time and bounded slowdown, and a Gantt view that can be zoomed.
///
/// `study` holds `tool`, `version`, `command`, `trace`, `jobs`, `nodes` (their numbers), `seeds`, `unit` (what
/// the size of a job counts: "node" or "GPU"), `unit_size` (size of a whole one) and `shown`: null, or which
/// of the `runs` the curves and the Gantt view show (`seed`, `nodes`, and `start` and `virtual_cluster`, which
/// may be null). `verdict` says which combination has the lowest mean bounded slowdown (`lowest`), which is the `next`,
/// their `difference` with its interval, and in `finding` what may be said of it; `left_out` is a list of `count` and
/// `why`, `stopped_early` whether runs are missing, `baseline` what differences are taken to, or null. Then come six lists
/// whose members carry `policy`, `backfill` and `placement`; all but `summary` may be empty or missing:
///
/// - `summary`: `jobs`, `finished`, `too_large`, `unfinished`, `runs`, `runs_planned`, `mean_bounded_slowdown`,
///   `mean_wait_seconds`, `p95_`, `p99_` and `max_wait_seconds`, `mean_completion_seconds`, `utilization` (0 to 1),
///   `jain_fairness`, `preemptions`, `lost_share` (of the work of the finished jobs), `makespan_seconds` and `spread` (or
///   null); a null is shown as a dash.
/// - `owners`: `owner`, `jobs`, `finished`, `mean_bounded_slowdown`, `mean_wait_seconds`, `mean_completion_seconds`.
/// - `guards`: how the learned policy was guarded: `rule`, `model_share` (of the jobs, 0 to 1), `comparisons`, `changes`.
/// - `series`: `time_seconds` ascending from 0, with the `queue_length` and `utilization` (0 to 1) that hold
///   from each time to the next.
/// - `distributions`: quantiles at equal steps from 0 to 1 of `wait_seconds`, `completion_seconds` and
///   `bounded_slowdown`.
/// - `gantt`: `lanes` (number of rows), `starts` (of the run, those not in the list included) and `jobs` with
///   lists `submit_seconds` (or the last interruption), `start_seconds`, `end_seconds` (or interrupted),
///   `size` and `lane` (its row from 0; the jobs of one row do not overlap).
pub fn jobs_html(study: &Value) -> String {
    page("jobs study", include_str!("jobs.html"), include_str!("jobs.js"), study)
}

/// The page of a training: fitness and gain from generation to generation, and the learned policy beside every fixed
/// rule on held-out sequences.
///
/// `report` is the JSON document that `lepton train .. --output json` prints, with `held_out`, which has at least one
/// environment. Beside that it needs `environments` (names), `history` (generations with `generation`, `best`, `mean`,
/// `width`, and `check`: the gain in each environment, or null), `decides` (what the policy is for) and `unit`
/// (of the results, of which more is better).
pub fn training_html(report: &Value) -> String {
    page("training", include_str!("training.html"), include_str!("training.js"), report)
}

/// The page of anomalies: a time line for each machine with its episodes of alarm, and the machines ranked.
///
/// `report` holds `tool`, `version`, `command`, `period_seconds`, `budget_per_day` and at least one of `machines`, the
/// worst first: `machine`, `bins`, `threshold`, `score_max`, `episodes` (`first` and `last` bin, `score_max`, `metrics` as
/// pairs of name and deviations; the highest first) and `line` with the lists `bins` and `scores`.
pub fn risk_html(report: &Value) -> String {
    page("risk", include_str!("risk.html"), include_str!("risk.js"), report)
}

/// The page of a forecast: predicted against actual, fans, coverage, the table of models.
///
/// `report` is the JSON document that `lepton forecast --output json` prints, with `targets` (names), `scatter` (for each model `model`,
/// `step` and `points` of [actual, predicted]), `fans` (`series`, `origin`, `from`, `values` from there on, `quantiles` for each step) and
/// `source`: null, or how the founding document's network did (`samples`, `mean_squared_error`, `r_squared`, `points`).
pub fn forecast_html(report: &Value) -> String {
    page("forecast", include_str!("forecast.html"), include_str!("forecast.js"), report)
}

/// Fills the frame. Markers are looked for in the frame alone, so text that looks like a marker stays as it is in
/// data and scripts.
fn page(title: &str, content: &str, script: &str, data: &Value) -> String {
    let data = embedded_json(data);
    let parts = [
        ("{{title}}", title),
        ("{{theme}}", THEME),
        ("{{title}}", title),
        ("{{title}}", title),
        ("{{main}}", content),
        ("{{data}}", &data),
        ("{{shared}}", SHARED),
        ("{{script}}", script),
    ];
    let mut html =
        String::with_capacity(FRAME.len() + parts.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut rest = FRAME;
    for (marker, text) in parts {
        let (before, after) = rest.split_once(marker).expect("the frame has all markers, in this order");
        html.push_str(before);
        html.push_str(text);
        rest = after;
    }
    html.push_str(rest);
    html
}

/// JSON that can stand inside a `<script>` element: no string in it can end the element or open a comment,
/// because every `<`, `>` and `&` is written as a JSON escape. So are the line separators U+2028 and U+2029,
/// which older JavaScript engines took for the end of a line.
fn embedded_json(data: &Value) -> String {
    let plain = data.to_string();
    let mut safe = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
