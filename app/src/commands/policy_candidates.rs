//! `lepton policy candidates`, `promote c3` and `demote`: the placements that a running service has learned.

use std::fmt::Write as _;

use serde_json::Value;

use super::client::{ask, encoded, plain, show};
use crate::cli_serve::{CandidateArgs, CandidatesArgs, ServerArgs};
use crate::failure::Failure;
use crate::output;

pub(crate) fn list(args: &CandidatesArgs) -> Result<(), Failure> {
    let body = ask(&args.server, "GET", "/api/v1/policies/candidates", &[], None)?;
    show(&args.server, &body, candidates)
}

pub(crate) fn promote(args: &CandidateArgs) -> Result<(), Failure> {
    say(&args.server, &format!("/api/v1/policies/candidates/{}/promote", encoded(&args.id)))
}

pub(crate) fn demote(args: &CandidatesArgs) -> Result<(), Failure> {
    say(&args.server, "/api/v1/policies/demote")
}

fn say(server: &ServerArgs, path: &str) -> Result<(), Failure> {
    let body = ask(server, "POST", path, &[], None)?;
    show(server, &body, |body| format!("{} is {}\n", plain(&body["id"]), plain(&body["state"])))
}

/// Gain, half width and number of pairs of one kind of sequences.
fn gain(verdicts: &Value, on: &str) -> String {
    let of = verdicts.as_array().into_iter().flatten().find(|of| of["on"] == on);
    of.map_or_else(
        || "-".to_owned(),
        |of| format!("{} ± {} ({})", plain(&of["gain"]), plain(&of["half_width"]), plain(&of["pairs"])),
    )
}

fn candidates(body: &Value) -> String {
    let columns = ["id", "state", "from", "mix", "generations", "on sequences", "on history", "best check"];
    let mut table = output::table(&columns);
    let mut text = String::new();
    for item in body["items"].as_array().into_iter().flatten() {
        let checks =
            item["curve"].as_array().into_iter().flatten().filter_map(|point| point["check"].as_f64());
        let best =
            checks.fold(None, |best: Option<f64>, check| Some(best.map_or(check, |best| best.max(check))));
        let learned = item["curve"].as_array().map_or(0, |curve| curve.len().saturating_sub(1));
        table.add_row([
            plain(&item["id"]),
            plain(&item["state"]),
            plain(&item["parent"]),
            plain(&item["mix_version"]),
            learned.to_string(),
            gain(&item["verdicts"], "sequences"),
            gain(&item["verdicts"], "history"),
            best.map_or_else(|| "-".to_owned(), |best| format!("{best:.3}")),
        ]);
        let _ = writeln!(text, "{}: {}", plain(&item["id"]), plain(&item["why"]));
    }
    let problem = body["problem"].as_str().map_or_else(String::new, |problem| format!("{problem}\n"));
    format!(
        "{table}\n{text}{problem}gains over what serves, percent of the devices allocated, with half widths of their 95% intervals and \
         pairs; the best check is over the rule\nadapt {}, {} s of CPU, at most {} percent of a core\n",
        plain(&body["adapt"]),
        plain(&body["cpu_seconds"]),
        plain(&body["cpu_percent"])
    )
}
