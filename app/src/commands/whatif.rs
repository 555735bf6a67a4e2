//! `lepton whatif`: a scenario played on a copy of the live cluster, or of one of the past.

use serde_json::{Map, Value, json};

use super::client::{ask, plain, show};
use crate::cli_serve::WhatIfArgs;
use crate::failure::Failure;
use crate::output;
use crate::recordings::{PastError, snapshot_at};
use crate::serve::whatif::{Scenario, what_if};

/// What is compared, as the answer names it.
const FIGURES: [&str; 7] =
    ["running", "waiting", "hot_nodes", "imbalance", "devices_held", "stranded_devices", "moves"];

pub(crate) fn run(args: &WhatIfArgs) -> Result<(), Failure> {
    let add: Vec<Value> =
        args.add.iter().map(|(like, count)| json!({"like": like, "count": count})).collect();
    let mut body = json!({"drain": args.drain, "add": add, "policy": args.policy, "at_seconds": args.at});
    if args.submit_like.is_some() || !args.demand.is_empty() || args.devices.is_some() {
        let demand: Map<String, Value> =
            args.demand.iter().map(|(name, amount)| (name.clone(), (*amount).into())).collect();
        let devices = args.devices.map(|count| json!({"count": count}));
        body["submit"] = json!([{
            "like": args.submit_like, "demand": demand, "devices": devices, "count": args.count, "gang": args.gang,
        }]);
    }
    let nothing = args.drain.is_empty() && add_is_empty(&body) && args.policy.is_none();
    if nothing {
        return Err(Failure::Input(
            "nothing is changed. Maybe --drain, --add, --submit-like, --demand, --devices or --policy is meant".to_owned(),
        ));
    }
    let answer = match (&args.recording, args.at) {
        (Some(recording), Some(at_seconds)) => {
            let wrong = |said: String| Failure::Input(said);
            let snapshot = snapshot_at(recording, at_seconds).map_err(|error| match error {
                PastError::Differs(_) => Failure::Other(error.into()),
                error => wrong(error.to_string()),
            })?;
            let scenario: Scenario =
                serde_json::from_value(body).map_err(|error| wrong(error.to_string()))?;
            serde_json::to_value(what_if(snapshot, &scenario).map_err(wrong)?).map_err(anyhow::Error::from)?
        }
        _ => ask(&args.server, "POST", "/api/v1/whatif", &[], Some(body))?,
    };
    show(&args.server, &answer, told)
}

fn add_is_empty(body: &Value) -> bool {
    body["add"].as_array().is_none_or(Vec::is_empty) && body["submit"].is_null()
}

fn told(body: &Value) -> String {
    let mut table = output::table(&["", "as it is", "with the change"]);
    for name in FIGURES {
        table.add_row([name.to_owned(), plain(&body["without"][name]), plain(&body["with"][name])]);
    }
    let mut text = format!("{}\n{table}\n", plain(&body["sentence"]));
    for task in body["concerned"].as_array().into_iter().flatten() {
        let fate = match task["node"].as_str() {
            Some(node) => format!("goes to {node}"),
            None => format!("waits ({})", plain(&task["waits_for"])),
        };
        text += &format!("  {} {fate}\n", plain(&task["task"]));
    }
    for (name, words) in [
        ("stay", "stay where they are (not to be disturbed)"),
        ("gain", "start only with the change"),
        ("lose", "run only without it"),
    ] {
        let names = body[name].as_array().map_or(&[][..], Vec::as_slice);
        if !names.is_empty() {
            text += &format!("{} tasks {words}: {}\n", names.len(), plain(&body[name]));
        }
    }
    text
}
