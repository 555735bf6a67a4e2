//! `lepton plan`: plans of a running service looked at, compared, approved, rejected, made smaller, put off.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{ask, encoded, plain, show};
use crate::cli_serve::{ApproveArgs, PlanCommand, RejectionCode, ServerArgs};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(command: &PlanCommand) -> Result<(), Failure> {
    match command {
        PlanCommand::List(args) => {
            let body = ask(&args.server, "GET", &format!("/api/v1/plans?limit={}", args.limit), &[], None)?;
            show(&args.server, &body, list)
        }
        PlanCommand::Show(args) => show(&args.server, &plan(&args.server, &args.id)?, parts),
        PlanCommand::Diff(args) => {
            let (before, after) = (plan(&args.server, &args.before)?, plan(&args.server, &args.after)?);
            let (old, new) = (steps(&before), steps(&after));
            let body = json!({
                "before": before["id"], "after": after["id"],
                "only_before": old.difference(&new).collect::<Vec<_>>(),
                "only_after": new.difference(&old).collect::<Vec<_>>(),
                "in_both": old.intersection(&new).count(),
            });
            show(&args.server, &body, difference)
        }
        PlanCommand::Approve(args) => say(args, "approve", None),
        PlanCommand::Reject(args) => {
            let code = match args.code {
                RejectionCode::TooDisruptive => "TooDisruptive",
                RejectionCode::WrongTime => "WrongTime",
                RejectionCode::WrongVictim => "WrongVictim",
                RejectionCode::NotWorthIt => "NotWorthIt",
                RejectionCode::Other => "Other",
            };
            say(&args.plan, "reject", Some(json!({"code": code, "reason": args.reason})))
        }
        PlanCommand::Derive(args) => say(&args.plan, "derive", Some(json!({"without": args.without}))),
        PlanCommand::Snooze(args) => {
            let body = json!({"minutes": args.minutes, "parts": args.parts, "reason": args.reason});
            say(&args.plan, "snooze", Some(body))
        }
        PlanCommand::Snoozes(args) => {
            let body = ask(&args.server, "GET", "/api/v1/snoozes", &[], None)?;
            show(&args.server, &body, snoozes)
        }
        PlanCommand::Unsnooze(args) => {
            let path = format!("/api/v1/snoozes/{}/end", encoded(&args.id));
            let body = ask(&args.server, "POST", &path, &[], None)?;
            show(&args.server, &body, |body| format!("{} is {}\n", plain(&body["id"]), plain(&body["state"])))
        }
    }
}

fn plan(server: &ServerArgs, id: &str) -> Result<Value, Failure> {
    ask(server, "GET", &format!("/api/v1/plans/{}", encoded(id)), &[], None)
}

/// Says something to a plan with the effects that were looked at, or those that it has now.
fn say(args: &ApproveArgs, verb: &str, body: Option<Value>) -> Result<(), Failure> {
    let effects = match &args.effects {
        Some(effects) => effects.clone(),
        None => plain(&plan(&args.server, &args.id)?["effects"]),
    };
    let path = format!("/api/v1/plans/{}/{verb}", encoded(&args.id));
    let answer = ask(&args.server, "POST", &path, &[("If-Match", &format!("\"{effects}\""))], body)?;
    show(&args.server, &answer, |body| {
        let until = body["until_seconds"].as_u64().map_or_else(String::new, |at| format!(", until {at} s"));
        let left = body["successor"].as_str().map_or_else(String::new, |plan| format!("; {plan} is left"));
        format!("{} is {}{until}{left}\n", plain(&body["id"]), plain(&body["state"]))
    })
}

fn snoozes(body: &Value) -> String {
    let columns = ["id", "plan", "until_seconds", "actor", "why", "steps"];
    let mut table = output::table(&columns);
    for item in body["items"].as_array().into_iter().flatten() {
        table.add_row(columns.map(|column| plain(&item[column])));
    }
    format!("{table}\n")
}

fn list(body: &Value) -> String {
    let mut table = output::table(&["id", "state", "time_seconds", "parts", "steps", "worth", "successor"]);
    for item in body["items"].as_array().into_iter().flatten() {
        let number = |name: &str| item[name].as_f64().unwrap_or_default();
        let worth = number("gain_device_minutes") - number("cost_device_minutes");
        let steps: u64 =
            item["actions"].as_object().into_iter().flatten().filter_map(|(_, of)| of.as_u64()).sum();
        table.add_row([
            plain(&item["id"]),
            plain(&item["state"]),
            plain(&item["time_seconds"]),
            plain(&item["parts"]),
            steps.to_string(),
            format!("{worth:.1}"),
            plain(&item["successor"]),
        ]);
    }
    format!("{table}\nworth: expected gain less cost, device-minutes\n")
}

fn parts(body: &Value) -> String {
    let mut text = format!(
        "{} is {}, made at {} s; effects: {}\n",
        plain(&body["id"]),
        plain(&body["state"]),
        plain(&body["time_seconds"]),
        plain(&body["effects"])
    );
    for part in body["parts"].as_array().into_iter().flatten() {
        text += &format!(
            "{}  {} (gain {}, cost {} device-minutes)\n",
            plain(&part["key"]),
            plain(&part["reason"]),
            plain(&part["gain_device_minutes"]),
            plain(&part["cost_device_minutes"])
        );
        for step in part["steps"].as_array().into_iter().flatten() {
            text += &format!("      {}\n", plain(step));
        }
    }
    text
}

fn steps(plan: &Value) -> BTreeSet<String> {
    let parts = plan["parts"].as_array().into_iter().flatten();
    parts.flat_map(|part| part["steps"].as_array().into_iter().flatten()).map(plain).collect()
}

fn difference(body: &Value) -> String {
    let mut text = String::new();
    for (name, sign) in [("only_before", '-'), ("only_after", '+')] {
        for step in body[name].as_array().into_iter().flatten() {
            text += &format!("{sign} {}\n", plain(step));
        }
    }
    format!("{text}{} steps in both\n", plain(&body["in_both"]))
}
