//! `lepton demo`: the comparison of placement policies on a generated cluster, with its report page.

use lepton_sim::experiment::StudyOptions;
use lepton_sim::generate::openb_like;

use super::simulate_placement::{command_line, page, study, text, threads};
use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::output;

/// The policies shown: the field's baselines and the strongest published rule.
const POLICIES: [&str; 6] =
    ["random", "kube-least-allocated", "kube-most-allocated", "dot-product", "best-fit", "fgd"];

pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let workload = openb_like(args.nodes_count);
    output::note(&format!(
        "A generated GPU cluster of {} nodes and {} GPUs is filled with tasks under {} policies.",
        workload.cluster.node_count(),
        workload.cluster.device_count(),
        POLICIES.len()
    ));
    let options = StudyOptions {
        policies: POLICIES.iter().map(|&p| p.to_owned()).collect(),
        seeds: (42..=46).collect(),
        load: 1.3,
        baseline: Some("fgd".to_owned()),
        threads: threads(None),
        heat: true,
        command: command_line(),
    };
    let study = study(&workload, &options)?;
    output::print(&text(&study))?;
    output::write_page(&args.report, &page(&study)?)?;
    if study.stopped_early { Err(Failure::Stopped) } else { Ok(()) }
}
