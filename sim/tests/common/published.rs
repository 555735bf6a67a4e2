//! The published results of the FGD study on the openb trace, and how our runs compare with them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lepton_sim::experiment::RunRecord;
use lepton_sim::readers::CsvTable;
use lepton_sim::workload::{OpenbFiles, PlacementWorkload, load_openb};

/// Policies with published results that do not depend on chance: our name, the study's.
pub(crate) const DETERMINISTIC: [(&str, &str); 5] = [
    ("dot-product", "02-DotProd"),
    ("gpu-clustering", "03-GpuClustering"),
    ("gpu-packing", "04-GpuPacking"),
    ("best-fit", "05-BestFit"),
    ("fgd", "06-FGD"),
];

/// The study's name of the random policy.
pub(crate) const RANDOM: &str = "01-Random";

/// Largest difference that counts as equal: the published values have two decimals.
const EQUAL: f64 = 0.0101;

/// The folder of the trace, from LEPTON_DATA; `None` where the variable is not set.
///
/// # Panics
/// When CI is set and LEPTON_DATA is not: there the real trace must be replayed.
#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
pub(crate) fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("LEPTON_DATA") {
        return Some(PathBuf::from(folder).join("openb"));
    }
    assert!(std::env::var_os("CI").is_none(), "LEPTON_DATA is not set, and CI is");
    eprintln!("not run: LEPTON_DATA does not name the folder of the traces");
    None
}

/// One of the 17 traces by its short name, with the study's arrival orders.
pub(crate) fn load(folder: &Path, trace: &str) -> PlacementWorkload {
    let arrivals = if trace.starts_with("gpuspec") { "default" } else { trace };
    let tasks = match trace {
        "default" => folder.join("openb_pod_list_default.csv"),
        other => folder.join(format!("variants/openb_pod_list_{other}.csv.gz")),
    };
    load_openb(&OpenbFiles {
        nodes: folder.join("openb_node_list_gpu_node.csv"),
        tasks,
        arrivals: Some(folder.join(format!("arrivals/arrivals_{arrivals}.csv.gz"))),
    })
    .expect("the trace is readable")
}

/// Published allocation curves.
pub(crate) struct Published {
    /// By trace, policy (the study's name), seed: one value per whole percent of load.
    curves: HashMap<(String, String, u64), Vec<Option<f64>>>,
}

impl Published {
    /// Reads the results.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut table =
            CsvTable::open(&folder.join("published_alloc_by_seed.csv.gz")).expect("the results are readable");
        let first = table.column("0").expect("curves start at 0");
        let mut curves = HashMap::new();
        while let Some(row) = table.next_row().expect("readable") {
            let trace = row.text(0).trim_start_matches("openb_pod_list_").to_owned();
            let seed = row.integer(3, 0, i64::MAX).expect("a seed") as u64;
            let curve = (0..=130).map(|x| row.text(first + x).parse().ok()).collect();
            curves.insert((trace, row.text(1).to_owned(), seed), curve);
        }
        Self { curves }
    }

    /// The published curve.
    pub(crate) fn curve(&self, trace: &str, policy: &str, seed: u64) -> &[Option<f64>] {
        &self.curves[&(trace.to_owned(), policy.to_owned(), seed)]
    }

    /// The first load at which the run differs from the published curve: load, published, ours.
    pub(crate) fn difference(
        &self,
        trace: &str,
        run: &RunRecord,
    ) -> Option<(usize, Option<f64>, Option<f64>)> {
        let policy = DETERMINISTIC.iter().find(|p| p.0 == run.policy).expect("a deterministic policy").1;
        let ours = |load: usize| run.curve.allocation_percent.get(load).copied().flatten();
        self.curve(trace, policy, run.seed).iter().enumerate().find_map(|(load, &theirs)| {
            let equal = match (theirs, ours(load)) {
                (Some(t), Some(o)) => (t - o).abs() < EQUAL,
                // The published table is empty where nothing arrived; ours goes on as it was.
                (None, after) => load == 0 || after == ours(load - 1),
                (Some(_), None) => false,
            };
            (!equal).then(|| (load, theirs, ours(load)))
        })
    }
}
