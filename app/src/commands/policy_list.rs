//! `lepton policy list`.

use lepton_core::decide::placement_policies::PLACEMENT_POLICIES;
use lepton_core::decide::queue_policies::queue_policies;

use crate::failure::Failure;
use crate::output::{self, OutputFormat};

/// Width of the table; longer sentences go on in the next line.
const WIDTH_CHARS: u16 = 100;

pub(crate) fn run(format: OutputFormat) -> Result<(), Failure> {
    let queue = queue_policies();
    let rows = (PLACEMENT_POLICIES.iter().map(|p| (p.name, "placement", p.summary)))
        .chain(queue.iter().map(|p| (p.name(), "job order", p.about())));
    match format {
        OutputFormat::Table => {
            let mut table = output::table(&["policy", "decides", "what it does"]);
            table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(WIDTH_CHARS);
            for column in table.column_iter_mut() {
                column.set_cell_alignment(comfy_table::CellAlignment::Left);
            }
            for (name, decides, summary) in rows {
                table.add_row([name, decides, summary]);
            }
            output::print(&format!("{table}\n"))?;
        }
        OutputFormat::Json => {
            let rows: Vec<_> = rows
                .map(|(name, decides, summary)| {
                    serde_json::json!({"policy": name, "decides": decides, "summary": summary})
                })
                .collect();
            output::print_json(&serde_json::json!({ "policies": rows }))?;
        }
        OutputFormat::Csv => {
            let lines: String =
                rows.map(|(name, decides, summary)| format!("{name},{decides},\"{summary}\"\n")).collect();
            output::print(&format!("policy,decides,summary\n{lines}"))?;
        }
    }
    Ok(())
}
