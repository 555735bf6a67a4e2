//! The report pages in a real browser. Not part of the plain test run, because it needs Chromium:
//! `cargo test -p lepton-sim --test report_page -- --ignored`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use lepton_sim::report::{jobs_html, placement_html, training_html};
use serde_json::{Value, json};

/// A study of `policies` over two seeds on twelve nodes, up to 130% load: the first policy ends at 95% of the
/// GPUs, every other one a point below the one before it.
fn study(policies: &[&str]) -> Value {
    let load: Vec<u32> = (0..=130).collect();
    let run = |i: usize| {
        let end = 95.0 - (i / 2) as f64 + 0.1 * (i % 2) as f64;
        let allocation: Vec<f64> = load.iter().map(|&x| f64::from(x).min(end)).collect();
        json!({
            "policy": policies[i / 2], "seed": 42 + i % 2,
            "curve": { "load_percent": load, "allocation_percent": allocation, "fragmentation_percent": vec![5.0; 131] },
            "allocation_at": { "100": end, "130": end }, "fragmentation_at": { "100": 5.0, "130": 5.0 },
            "decisions": 1000, "placed": 900, "dropped": 100,
            "seconds": 0.1, "latency_p50_us": 5.1, "latency_p99_us": 40.0,
        })
    };
    let summary = |i: usize| {
        let below = i as f64;
        let paired = json!({ "difference": -below, "low": -below - 0.1, "high": -below + 0.1 });
        let allocation = json!({ "mean": 95.0 - below, "sd": 0.1, "paired": paired });
        let fragmentation = json!({ "mean": 5.0, "sd": 0.1, "paired": null });
        json!({
            "policy": policies[i], "runs": 2,
            "allocation_at": { "100": allocation, "130": allocation },
            "fragmentation_at": { "100": fragmentation, "130": fragmentation },
            "seconds": 0.1, "decisions": 1000, "latency_p50_us": 5.1, "latency_p99_us": 40.0,
        })
    };
    let node = |i: usize| json!({ "name": format!("node-{i}"), "model": if i < 8 { "A" } else { "<i>B</i>" }, "devices": 8 });
    let map = |policy: &&str| json!({ "policy": policy, "used_percent": [vec![50.0; 12], vec![95.0; 12]] });
    json!({
        "tool": "lepton", "version": "0.1.0", "command": "lepton simulate placement", "trace": "test",
        "nodes": 12, "devices": 96, "tasks_in_trace": 500, "load": 1.3, "seeds": [42, 43],
        "baseline": policies[0], "threads": 1,
        "runs": (0..policies.len() * 2).map(run).collect::<Vec<_>>(),
        "summary": (0..policies.len()).map(summary).collect::<Vec<_>>(),
        "heat": {
            "seed": 42, "load_percent": [50, 100],
            "nodes": (0..12).map(node).collect::<Vec<_>>(),
            "policies": policies.iter().map(map).collect::<Vec<_>>(),
        },
    })
}

/// A jobs study of `policies` with easy backfilling: `count` jobs of one minute, one after the other on two rows.
fn jobs_study(policies: &[&str], count: usize) -> Value {
    let row = |i: usize| {
        json!({
            "policy": policies[i], "backfill": "easy", "mean_bounded_slowdown": 2.0 + 2.0 * i as f64,
            "mean_wait_seconds": 90.0, "mean_completion_seconds": 150.0, "utilization": 0.9, "p95_wait_seconds": 300.0,
            "p99_wait_seconds": 400.0, "max_wait_seconds": 500.0, "jain_fairness": 0.8, "preemptions": null,
            "lost_share": 0.0, "makespan_seconds": 3600.0, "placement": "pool", "jobs": count, "finished": count,
        })
    };
    let times = |delay: usize| (0..count).map(|i| i / 2 * 60 + delay).collect::<Vec<_>>();
    let jobs = json!({
        "submit_seconds": times(0), "start_seconds": times(90), "end_seconds": times(150),
        "size": vec![1; count], "lane": (0..count).map(|i| i % 2).collect::<Vec<_>>(),
    });
    let quantiles: Vec<f64> = (0..=100).map(|i| 1.0 + f64::from(i)).collect();
    let of_each =
        |value: &dyn Fn(&str) -> Value| policies.iter().map(|policy| value(policy)).collect::<Vec<_>>();
    json!({
        "tool": "lepton", "version": "0.1.0", "command": "lepton simulate jobs", "trace": "test", "jobs": count,
        "nodes": 2, "seeds": [1], "unit": "node", "unit_size": 1, "shown": null,
        "summary": (0..policies.len()).map(row).collect::<Vec<_>>(),
        "series": of_each(&|policy| json!({ "policy": policy, "backfill": "easy", "placement": "pool",
            "time_seconds": [0, 600, 3600], "queue_length": [3, 1, 0], "utilization": [1.0, 0.5, 0.0] })),
        "distributions": of_each(&|policy| json!({ "policy": policy, "backfill": "easy", "placement": "pool",
            "wait_seconds": quantiles, "completion_seconds": quantiles, "bounded_slowdown": quantiles })),
        "gantt": of_each(&|policy| json!({ "policy": policy, "backfill": "easy", "placement": "pool", "jobs": jobs, "lanes": 2, "starts": count })),
    })
}

/// A training of 30 generations on these workloads: each gains half a point over fgd, which is a point better than
/// best-fit, but for the last, which loses as much.
fn training(workloads: &[&str]) -> Value {
    let gain = |i: usize| if i + 1 == workloads.len() { -0.5 } else { 0.5 };
    let record = |generation: usize| {
        let check = generation.is_multiple_of(10).then(|| (0..workloads.len()).map(gain).collect::<Vec<_>>());
        json!({ "generation": generation, "best": 0.6, "mean": 0.3, "width": 0.1, "check": check, "learner": null })
    };
    let workload = |i: usize| {
        let levels = [("learned", 92.0 + gain(i)), ("start", 92.0), ("fgd", 92.0), ("best-fit", 91.0)];
        let result =
            |(policy, at): (&str, f64)| json!({ "policy": policy, "values": [at - 0.1, at, at + 0.1] });
        json!({
            "name": workloads[i], "results": levels.map(result), "best_rule": "fgd",
            "gain": { "pairs": 3, "mean": gain(i), "half_width": 0.1 },
        })
    };
    json!({
        "tool": "lepton", "version": "0.1.0", "command": "lepton train placement", "decides": "placement",
        "unit": "percent of the devices allocated", "environments": workloads, "seed": 1, "threads": 2,
        "generations": 30, "episodes": 420, "seconds": 12.3, "stopped_early": false,
        "history": (0..=30).map(record).collect::<Vec<_>>(),
        "held_out": { "seeds": [1, 2, 3], "environments": (0..workloads.len()).map(workload).collect::<Vec<_>>() },
    })
}

/// The document after its scripts have run, as Chromium writes it.
fn rendered(name: &str, html: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}.html"));
    std::fs::write(&file, html).expect("the page is written");
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", folder.join(format!("{name}-profile")).display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("chromium starts");
    String::from_utf8(output.stdout).expect("the document is UTF-8")
}

/// The value of a data attribute of the document's root element.
fn data<'a>(dom: &'a str, name: &str) -> Option<&'a str> {
    let root = dom.split_once("<html")?.1.split_once('>')?.0;
    Some(root.split_once(&format!("data-{name}=\""))?.1.split_once('"')?.0)
}

#[test]
#[ignore = "needs chromium"]
fn a_placement_page_draws_curves_bars_table_and_node_maps() {
    let dom = rendered("placement", &placement_html(&study(&["fgd", "best-fit", "</script><b>bold</b>"])));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "curves"), Some("6"), "three policies in two figures");
    assert_eq!(data(&dom, "bars"), Some("3"));
    assert_eq!(data(&dom, "rows"), Some("3"));
    assert_eq!(data(&dom, "cells"), Some("24"), "twelve nodes in two maps");
    let finding =
        "fgd allocates 95.00% of the cluster’s 96 GPUs: 1.00 points more than best-fit, the next best.";
    assert!(dom.contains(finding));
    assert!(!dom.contains("<b>bold"), "a policy's name stays text");
    assert!(!dom.contains("<i>B"), "a model's name stays text");
}

#[test]
#[ignore = "needs chromium"]
fn a_policy_within_the_interval_of_the_baseline_is_not_called_better() {
    let mut study = study(&["fgd", "best-fit"]);
    study["baseline"] = json!("best-fit");
    study["summary"][0]["allocation_at"]["100"]["paired"] =
        json!({ "difference": 1.0, "low": -0.5, "high": 2.5 });
    let dom = rendered("unclear", &placement_html(&study));
    assert!(dom.contains("which these seeds cannot tell apart from best-fit, the baseline."));
}

#[test]
#[ignore = "needs chromium"]
fn a_single_run_without_baseline_or_node_maps_still_makes_a_page() {
    let mut study = study(&["fgd"]);
    study["runs"].as_array_mut().unwrap().truncate(1);
    study["seeds"] = json!([42]);
    study["baseline"] = Value::Null;
    study["heat"] = Value::Null;
    for load in ["100", "130"] {
        study["summary"][0]["allocation_at"][load]["paired"] = Value::Null;
    }
    let dom = rendered("single", &placement_html(&study));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "rows"), Some("1"));
    assert_eq!(data(&dom, "cells"), Some("0"));
}

#[test]
#[ignore = "needs chromium"]
fn a_jobs_page_draws_series_distributions_table_and_fifty_thousand_jobs() {
    let dom = rendered("jobs", &jobs_html(&jobs_study(&["sjf", "</script><b>bold</b>"], 50_000)));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "curves"), Some("10"), "two policies in five figures");
    assert_eq!(data(&dom, "rows"), Some("2"));
    assert_eq!(data(&dom, "jobs"), Some("50000"));
    assert!(dom.contains("sjf + easy keeps the mean bounded slowdown at 2.00: 50.0% below"));
    assert!(!dom.contains("<b>bold"), "a policy's name stays text");
}

#[test]
#[ignore = "needs chromium"]
fn a_jobs_page_says_which_run_it_shows_and_what_it_leaves_out() {
    let mut study = jobs_study(&["sjf"], 1000);
    study["unit"] = json!("GPU");
    study["shown"] =
        json!({ "runs": 11, "seed": 7, "start": null, "virtual_cluster": "<b>vc</b>", "nodes": 42 });
    study["gantt"][0]["starts"] = json!(60_000);
    study["summary"][0]["preemptions"] = json!(3);
    study["guards"] = json!([{ "policy": "sjf", "backfill": "easy", "placement": "pool", "rule": "saf",
        "model_share": 0.125, "comparisons": 38, "changes": 1 }]);
    let dom = rendered("shown", &jobs_html(&study));
    assert_eq!(data(&dom, "error"), None);
    let run = "One of 11 runs: virtual cluster &lt;b&gt;vc&lt;/b&gt;, seed 7, on 42 nodes.";
    assert_eq!(dom.matches(run).count(), 2, "above the curves and above the Gantt view");
    assert!(dom.contains("Over the jobs of all 11 runs."));
    assert!(dom.contains("The run has 60,000 starts; the first 1,000 are drawn."));
    assert!(dom.contains("% of all GPUs"));
    assert!(dom.contains("drawn once for every time it ran"));
    let guard = "served 12.5% of the jobs of sjf + easy and saf the others: 38 comparisons on shadow machines, 1 change.";
    assert!(dom.contains(guard));
}

#[test]
#[ignore = "needs chromium"]
fn a_queue_that_never_changes_is_a_level_line() {
    // Spans of 10000 / 180 s are no whole numbers: their ends are found by rounding.
    let mut study = jobs_study(&["sjf"], 2);
    study["series"][0]["time_seconds"] = json!([0, 5000, 10_000]);
    study["series"][0]["queue_length"] = json!([7, 7, 7]);
    let dom = rendered("level", &jobs_html(&study));
    let (_, figure) = dom.split_once("id=\"queue\"").expect("the figure of the queue");
    let (_, curve) = figure.split_once("class=\"curve\" d=\"M").expect("its curve");
    let points = curve.split_once('"').expect("the end of the curve").0.split('L');
    let heights: BTreeSet<&str> = points.filter_map(|point| point.split(' ').nth(1)).collect();
    assert_eq!(heights.len(), 1, "{heights:?}");
}

#[test]
#[ignore = "needs chromium"]
fn a_jobs_page_of_a_summary_alone_shows_the_table() {
    let mut study = jobs_study(&["sjf"], 2);
    for part in ["series", "distributions", "gantt"] {
        study[part] = json!([]);
    }
    let dom = rendered("summary", &jobs_html(&study));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "rows"), Some("1"));
    assert_eq!(data(&dom, "curves"), Some("0"));
}

#[test]
#[ignore = "needs chromium"]
fn a_training_page_draws_learning_curves_and_every_rule() {
    let dom = rendered("training", &training_html(&training(&["a", "b", "</script><b>bold</b>"])));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "curves"), Some("3"), "best and mean of the population, mean of the checks");
    assert_eq!(data(&dom, "bars"), Some("4"));
    assert_eq!(data(&dom, "rows"), Some("3"));
    let finding = "After 30 generations, the policy gains 0.17 points over the best fixed rule of each workload: \
                   better on 2 of 3, worse on 1.";
    assert!(dom.contains(finding));
    assert!(!dom.contains("<b>bold"), "a workload's name stays text");
}

#[test]
#[ignore = "needs chromium"]
fn a_training_that_was_stopped_before_its_first_generation_still_makes_a_page() {
    let mut report = training(&["a"]);
    report["history"] = json!([report["history"][0]]);
    report["generations"] = json!(0);
    let dom = rendered("no-generation", &training_html(&report));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "curves"), Some("3"), "of the start alone");
    assert!(dom.contains("After 0 generations, the policy loses 0.50 points to the best fixed rule"));
}

#[test]
#[ignore = "needs chromium"]
fn an_error_in_the_page_is_seen_by_these_tests() {
    let dom = rendered("broken", &placement_html(&json!({ "runs": [] })));
    assert!(data(&dom, "error").is_some());
    assert_eq!(data(&dom, "ready"), None);
}
