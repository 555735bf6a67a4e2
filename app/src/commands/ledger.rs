//! `lepton ledger`: where the capacity went on a running service.

use serde_json::Value;

use super::client::{ask, plain, show};
use crate::cli_serve::LedgerArgs;
use crate::failure::Failure;
use crate::output;

/// Columns of the table, with their field; what is stranded is added up.
const COLUMNS: [(&str, &str); 9] = [
    ("capacity", "capacity_hours"),
    ("allocated", "allocated_hours"),
    ("used", "used_hours"),
    ("unused", "unused_hours"),
    ("beyond", "beyond_hours"),
    ("moves", "moves_hours"),
    ("stranded", "stranded_hours"),
    ("lost", "lost_hours"),
    ("idle", "idle_hours"),
];

pub(crate) fn run(args: &LedgerArgs) -> Result<(), Failure> {
    let mut path = format!("/api/v1/ledger?by={}", args.by.name());
    for (name, value) in [("from", args.from), ("to", args.to), ("hours", args.hours)] {
        path += &value.map(|value| format!("&{name}={value}")).unwrap_or_default();
    }
    let body = ask(&args.server, "GET", &path, &[], None)?;
    show(&args.server, &body, |body| text(body, args))
}

fn text(body: &Value, args: &LedgerArgs) -> String {
    let wanted = |row: &&Value| args.resource.as_ref().is_none_or(|of| row["resource"] == of.as_str());
    let mut header = vec![args.by.name(), "resource"];
    header.extend(COLUMNS.map(|(name, _)| name));
    let mut table = output::table(&header);
    let of = |name: &str| body[name].as_array().into_iter().flatten().filter(wanted);
    for (is_total, row) in of("total").map(|row| (true, row)).chain(of("items").map(|row| (false, row))) {
        let name = match (is_total, plain(&row["name"])) {
            (true, _) => "all".to_owned(),
            (_, name) if name.is_empty() => "nobody".to_owned(),
            (_, name) => name,
        };
        let figure = |field: &str| match &row[field] {
            Value::Object(causes) => format!("{:.3}", causes.values().filter_map(Value::as_f64).sum::<f64>()),
            figure => plain(figure),
        };
        let mut cells = vec![name, plain(&row["resource"])];
        cells.extend(COLUMNS.map(|(_, field)| figure(field)));
        table.add_row(cells);
    }
    format!(
        "{table}\nfrom {} s to {} s, of which {} s were observed; amounts are units of the resource times hours\n",
        body["from_seconds"], body["to_seconds"], body["observed_seconds"]
    )
}
