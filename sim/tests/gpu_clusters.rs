//! The measured table of GPU training jobs (Philly, October 2017): every row, every virtual cluster.

mod common;

use lepton_core::decide::queue::{QueuePolicy, RunTimes};
use lepton_core::decide::queue_policies::{QueueContext, queue_policy, queue_policy_with};
use lepton_sim::jobs::machine::{GangPlacement, GpuNodes, Topology};
use lepton_sim::jobs::{Jobs, Outcome, PreemptiveSettings, PreemptiveSimulation, Settings, Simulation};
use lepton_sim::readers::{VirtualCluster, read_philly_jobs, read_virtual_clusters};
use lepton_sim::workload::jobs::Nodes;
use serde_json::Value;

/// The window of the table: 2017-10-01 to 2017-10-31, in seconds from its beginning.
const OCTOBER_SECONDS: std::ops::Range<i64> = 0..31 * 86_400;

/// GPUs of each node.
const NODE_GPUS: u32 = 8;

/// The table gives two digits after the point.
const ROUNDING: f64 = 0.006;

struct October {
    jobs: Jobs,
    clusters: Vec<VirtualCluster>,
    table: Value,
}

fn october() -> Option<October> {
    let data = common::data("philly-jobs")?;
    let jobs = read_philly_jobs(&data.join("jobs.csv.gz")).expect("the trace is sound").jobs;
    let clusters = read_virtual_clusters(&data.join("vc.csv")).expect("the clusters are sound");
    let jobs = jobs.filtered(|j| OCTOBER_SECONDS.contains(&j.submit_seconds));
    let table = common::json(&data.join("anchors.json"));
    Some(October { jobs, clusters, table })
}

/// (sum of queueing, sum of completion, jobs) of one run.
fn totals(jobs: &Jobs, outcome: &Outcome) -> (f64, f64, usize) {
    let mut sums = (0i64, 0i64);
    for i in 0..jobs.len() {
        let wait = outcome.wait_seconds(jobs, i).expect("every job ends");
        sums.0 += wait;
        sums.1 += wait + i64::from(jobs.run_seconds[i]);
    }
    (sums.0 as f64, sums.1 as f64, jobs.len())
}

/// The policy of that name; an oracle knows how long the jobs run.
fn policy_for(name: &str, jobs: &Jobs) -> Box<dyn QueuePolicy> {
    let context = QueueContext { truth: RunTimes::new(&jobs.run_seconds), ..QueueContext::default() };
    queue_policy_with(name, &context).expect("a known policy")
}

fn simulate(jobs: &Jobs, nodes: u32, policy: &str) -> (f64, f64, usize) {
    let policy = policy_for(policy, jobs);
    let machine = GpuNodes::new(nodes, NODE_GPUS, GangPlacement::Consolidate, Topology::default());
    let settings = Settings::default();
    totals(jobs, &Simulation::new(jobs, machine, policy.as_ref(), &settings).run(&mut ()))
}

fn compare(wrong: &mut Vec<String>, what: &str, cell: &Value, (wait, completion, jobs): (f64, f64, usize)) {
    let n = jobs as f64;
    assert_eq!(cell["jobs"].as_u64(), Some(jobs as u64), "{what}");
    for (key, got) in [("mean_queue_s", wait / n), ("mean_jct_s", completion / n)] {
        let want = cell[key].as_f64().expect("a mean");
        if (got - want).abs() > ROUNDING {
            wrong.push(format!("{what} {key}: {got:.2} instead of {want}"));
        }
    }
}

/// A virtual cluster's nodes at one part of `scale`, rounded up.
fn nodes_of(cluster: &VirtualCluster, scale: u32) -> u32 {
    Nodes::of_cluster(cluster, Some(NODE_GPUS)).expect("nodes of a size").divided(scale).count()
}

/// The jobs of one virtual cluster.
fn jobs_of(october: &October, cluster: &str) -> Jobs {
    let owner = october.jobs.owners.iter().position(|o| o == cluster).expect("the cluster has jobs");
    october.jobs.filtered(|j| j.owner as usize == owner)
}

#[test]
fn shortest_remaining_time_first_agrees_with_the_peers_simulator() {
    let Some(october) = october() else { return };
    let table = &october.table["helios_simulator_vc_scale_1_2"];
    let mut wrong = Vec::new();
    for cluster in ["2869ce", "7f04ca", "0e4a51"] {
        let jobs = jobs_of(&october, cluster);
        let nodes = table[cluster]["nodes"].as_u64().expect("a number of nodes") as u32;
        let policy = policy_for("srtf-published", &jobs);
        let machine = GpuNodes::new(nodes, NODE_GPUS, GangPlacement::Consolidate, Topology::default());
        let settings = PreemptiveSettings::default();
        let run = PreemptiveSimulation::new(&jobs, machine, policy.as_ref(), &settings).run(&mut ());
        let (wait, completion, n) = totals(&jobs, &run);
        let cell = &table[cluster]["srtf"];
        // A job's end is seen one second late there, so completion is not wait + run.
        let lost: u64 = run.lost_seconds.iter().sum();
        for (key, got) in [("mean_queue_s", wait), ("mean_jct_s", completion + lost as f64)] {
            let want = cell[key].as_f64().expect("a mean");
            let got = got / n as f64;
            if (got - want).abs() > 0.06 {
                wrong.push(format!("{cluster} {key}: {got:.2} instead of {want}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn durations_learned_from_the_past_make_jobs_wait_no_longer_than_known_ones() {
    let Some(october) = october() else { return };
    let policy = queue_policy("gittins").expect("a known policy");
    let (mut learned, mut count) = (0.0, 0);
    for cluster in &october.clusters {
        let jobs = jobs_of(&october, &cluster.name);
        let nodes = nodes_of(cluster, 2);
        let machine = GpuNodes::new(nodes, NODE_GPUS, GangPlacement::Consolidate, Topology::default());
        let settings = PreemptiveSettings::default();
        let run = PreemptiveSimulation::new(&jobs, machine, policy.as_ref(), &settings).run(&mut ());
        let (wait, _, n) = totals(&jobs, &run);
        (learned, count) = (learned + wait, count + n);
    }
    let row = &october.table["results"]["vc-scale-1/2"];
    let known = row["sjf"]["all"]["mean_queue_s"].as_f64().expect("a mean");
    let learned = learned / count as f64;
    assert!(learned < known, "{learned:.1} s, shortest first with known durations {known:.1} s");
}

#[test]
fn every_row_of_the_october_table_is_reproduced() {
    let Some(october) = october() else { return };
    let rows = october.table["results"].as_object().expect("rows");
    assert_eq!(rows.len(), 6);
    let mut wrong = Vec::new();
    for (row, policies) in rows {
        for (policy, cells) in policies.as_object().expect("policies") {
            if let Some(nodes) = row.strip_prefix("one-cluster-").and_then(|r| r.strip_suffix("-nodes")) {
                let nodes = nodes.parse().expect("a number of nodes");
                let got = simulate(&october.jobs, nodes, policy);
                compare(&mut wrong, &format!("{row} {policy}"), cells, got);
                continue;
            }
            let scale: u32 = row.trim_start_matches("vc-scale-1/").parse().expect("a scale");
            let mut all = (0.0, 0.0, 0);
            for cluster in &october.clusters {
                let jobs = jobs_of(&october, &cluster.name);
                let got = simulate(&jobs, nodes_of(cluster, scale), policy);
                compare(&mut wrong, &format!("{row} {policy} {}", cluster.name), &cells[&cluster.name], got);
                all = (all.0 + got.0, all.1 + got.1, all.2 + got.2);
            }
            compare(&mut wrong, &format!("{row} {policy} all"), &cells["all"], all);
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
}
