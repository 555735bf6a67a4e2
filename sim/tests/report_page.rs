//! The report pages in a real browser. Not part of the plain test run, because it needs Chromium:
//! `cargo test -p lepton-sim --test report_page -- --ignored`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lepton_sim::FrozenClock;
use lepton_sim::experiment::{StudyOptions, run_study};
use lepton_sim::generate::{GpuClusterKind, gpu_cluster, openb_like};
use lepton_sim::report::{forecast_html, jobs_html, placement_html, risk_html, training_html};
use lepton_sim::workload::PlacementWorkload;
use serde_json::{Value, json};

/// The document of a study that was run, with what a report needs.
fn study(workload: &PlacementWorkload, policies: &[&str], seeds: &[u64], load: f64) -> Value {
    let options = StudyOptions {
        policies: policies.iter().map(|&p| p.to_owned()).collect(),
        seeds: seeds.to_vec(),
        load,
        baseline: policies.contains(&"fgd").then(|| "fgd".to_owned()),
        heat: true,
        command: "lepton simulate placement".to_owned(),
        ..StudyOptions::default()
    };
    let study = run_study(workload, &options, &FrozenClock, &AtomicBool::new(false), &|| ());
    serde_json::to_value(study.expect("the study runs")).expect("a study is JSON")
}

/// What a number is on a page.
fn two_decimals(value: &Value) -> String {
    format!("{:.2}", value.as_f64().expect("a number")).replace('-', "\u{2212}")
}

/// A jobs study of `policies` with easy backfilling: `count` jobs of one minute, one after the other on two rows.
fn jobs_study(policies: &[&str], count: usize) -> Value {
    let row = |i: usize| {
        json!({
            "policy": policies[i], "backfill": "easy", "mean_bounded_slowdown": 2.0 + 2.0 * i as f64,
            "mean_wait_seconds": 90.0, "mean_completion_seconds": 150.0, "utilization": 0.9, "p95_wait_seconds": 300.0,
            "p99_wait_seconds": 400.0, "max_wait_seconds": 500.0, "jain_fairness": 0.8, "preemptions": null,
            "lost_share": 0.0, "makespan_seconds": 3600.0, "placement": "pool", "jobs": count, "finished": count,
            "too_large": 0, "unfinished": 0, "runs": 1, "runs_planned": 1, "spread": null,
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
    let name = |i: usize| {
        policies.get(i).map(|policy| json!({ "policy": policy, "backfill": "easy", "placement": "pool" }))
    };
    let finding = if policies.len() > 1 { "OneSample" } else { "OnlyOne" };
    json!({
        "tool": "lepton", "version": "0.1.0", "command": "lepton simulate jobs", "trace": "test", "jobs": count,
        "nodes": 2, "seeds": [1], "unit": "node", "unit_size": 1, "shown": null, "stopped_early": false,
        "left_out": [], "baseline": null, "owners": [],
        "verdict": { "finding": finding, "lowest": name(0), "next": name(1), "difference": null },
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
        "left_out": [], "verdict": null, "history": (0..=30).map(record).collect::<Vec<_>>(),
        "held_out": { "seeds": [1, 2, 3], "gain": { "pairs": 3, "mean": (0..workloads.len()).map(gain).sum::<f64>() / workloads.len() as f64, "half_width": 0.1 }, "environments": (0..workloads.len()).map(workload).collect::<Vec<_>>() },
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

/// What is inside the first element with this attribute, as far as the next end tag of its kind.
fn inside<'a>(dom: &'a str, attribute: &str, tag: &str) -> &'a str {
    let (_, after) = dom.split_once(attribute).unwrap_or_else(|| panic!("no {attribute} on the page"));
    let (_, content) = after.split_once('>').expect("the tag ends");
    content.split_once(&format!("</{tag}>")).expect("the element ends").0
}

/// The text without its markup.
fn plain(markup: &str) -> String {
    let mut text = String::new();
    for part in markup.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cells of the rows of the table of results.
fn rows(dom: &str) -> Vec<Vec<String>> {
    let body = inside(&dom[dom.find("id=\"table\"").expect("the table")..], "<tbody", "tbody");
    let rows = body.split("<tr").skip(1);
    let cells = |row: &str| row.split("<t").skip(1).map(|cell| plain(&format!("<{cell}"))).collect();
    rows.map(cells).collect()
}

/// The texts at the marks of an axis in a figure: `end` for the vertical one, `middle` for the other.
fn ticks(dom: &str, figure: &str, axis: &str) -> Vec<String> {
    let figure = inside(dom, &format!("id=\"{figure}\""), "svg");
    let mark = format!("class=\"{axis} tick\"");
    let text =
        |mark: &str| plain(mark.split_once('>').expect("a text").1.split_once('<').expect("its end").0);
    figure.split(&mark).skip(1).map(text).collect()
}

#[test]
#[ignore = "needs chromium"]
fn a_placement_page_draws_curves_bars_table_and_node_maps() {
    let document = study(&openb_like(30), &["fgd", "best-fit", "random"], &[42, 43, 44], 1.3).to_string();
    let hostile = "</script><b>bold</b>";
    let document =
        document.replace("\"random\"", &format!("\"{hostile}\"")).replace("\"G2\"", "\"<i>G2</i>\"");
    let document: Value = serde_json::from_str(&document).expect("names are text");
    let dom = rendered("placement", &placement_html(&document));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "curves"), Some("6"), "three policies in two figures");
    assert_eq!(data(&dom, "bars"), Some("3"));
    assert_eq!(data(&dom, "rows"), Some("3"));
    let nodes = document["heat"]["nodes"].as_array().expect("nodes with devices").len();
    assert_eq!(data(&dom, "cells"), Some((2 * nodes).to_string().as_str()), "in two maps");
    let finding = &document["finding"];
    let claim = format!("allocates {}% of the cluster’s", two_decimals(&finding["leader_percent"]));
    assert!(plain(&dom).contains(&claim), "{claim}");
    assert!(!dom.contains("<b>bold"), "a policy's name stays text");
    assert!(!dom.contains("<i>G2"), "a model's name stays text");
}

#[test]
#[ignore = "needs chromium"]
fn a_placement_page_says_one_number_for_one_quantity() {
    // Few nodes and a large load: most whole percents of load have no arrival.
    for (name, nodes, load) in [("few-nodes", 10, 10.0), ("one-node", 1, 1.3), ("small-load", 40, 0.3)] {
        let document = study(&openb_like(nodes), &["fgd", "random"], &[42, 43, 44, 45, 46], load);
        let dom = rendered(name, &placement_html(&document));
        assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")), "{name}");
        let point = if load > 1.0 { "100".to_owned() } else { (load * 100.0).to_string() };
        let table = rows(&dom);
        for (row, summary) in document["summary"].as_array().expect("rows").iter().enumerate() {
            let mean = &summary["allocation_at"][&point]["mean"];
            let policy = summary["policy"].as_str().expect("a name");
            let shown = table.iter().find(|cells| cells[0] == policy).expect("a row for each policy");
            assert_eq!(shown[1], two_decimals(mean), "{name}, table of {policy}");
            let left = two_decimals(&Value::from(100.0 - mean.as_f64().expect("a number")));
            let bar = format!("{policy}: {left}% · ");
            assert!(dom.contains(&bar), "{name}, row {row}: no bar {bar}");
            let allocation = summary["allocation"]["mean"].as_array().expect("a curve");
            let curve: Vec<f64> = allocation.iter().map(|v| v.as_f64().expect("carried on")).collect();
            assert!(curve.is_sorted(), "{name}: the curve of {policy} falls");
        }
        for run in document["runs"].as_array().expect("runs") {
            let values = run["curve"]["allocation_percent"].as_array().expect("a curve");
            assert!(values.iter().map(|v| v.as_f64().expect("carried on")).is_sorted(), "{name}");
        }
        let finding = &document["finding"];
        let (claim, leader) = (two_decimals(&finding["leader_percent"]), finding["leader"].as_str());
        let claim = format!("{} allocates {claim}%", leader.expect("a name"));
        assert!(plain(inside(&dom, "id=\"finding\"", "h1")).contains(&claim), "{name}: {claim}");
    }
}

#[test]
#[ignore = "needs chromium"]
fn the_captions_of_the_node_maps_say_what_the_runs_say() {
    let document = study(&openb_like(60), &["best-fit", "fgd"], &[42], 1.3);
    let dom = rendered("maps", &placement_html(&document));
    for run in document["runs"].as_array().expect("runs") {
        let policy = run["policy"].as_str().expect("a name");
        let caption =
            format!("{policy}: {}% of all GPUs allocated.", two_decimals(&run["allocation_at"]["100"]));
        assert!(dom.contains(&caption), "{caption}");
    }
    // The shares of the models are the same state of the cluster: together they are the caption.
    let (models, policy) = (&document["heat"]["models"], &document["heat"]["policies"][0]);
    let at = document["heat"]["load_percent"].as_array().expect("loads").iter().position(|l| l == 100);
    let of_model = policy["model_percent"][at.expect("a map at 100%")].as_array().expect("shares").iter();
    let devices = |m: &Value| m["devices"].as_f64().expect("a number");
    let held: f64 = of_model
        .zip(models.as_array().expect("models"))
        .map(|(share, m)| share.as_f64().expect("a share") * devices(m))
        .sum();
    let all: f64 = models.as_array().expect("models").iter().map(devices).sum();
    let run = document["runs"].as_array().expect("runs").iter().find(|r| r["policy"] == policy["policy"]);
    let figure = run.expect("its run")["allocation_at"]["100"].as_f64().expect("a number");
    assert!((held / all - figure).abs() < 0.02, "{} and {figure}", held / all);
}

#[test]
#[ignore = "needs chromium"]
fn who_served_in_the_place_of_the_learned_policy_stands_wherever_it_is_named() {
    let workload = gpu_cluster(GpuClusterKind::MultiDevice, 50, 1);
    let document = study(&workload, &["lepton"], &[42], 1.3);
    let serves = document["guard"]["serves"].as_str().expect("who serves");
    assert_ne!(serves, "lepton", "the guard lets a rule serve here");
    let dom = rendered("guard", &placement_html(&document));
    assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")));
    let text = plain(&dom);
    assert!(text.contains(&format!("The guard let {serves} serve in the place of lepton.")), "{text}");
    assert!(text.contains(&format!("{serves} as lepton allocates")), "{text}");
    assert!(!text.contains("load, lepton allocates"), "{text}");
    assert_eq!(rows(&dom)[0][0], format!("{serves} as lepton"));
}

#[test]
#[ignore = "needs chromium"]
fn the_marks_of_an_axis_have_as_many_decimals_as_tell_them_apart() {
    let close = study(&gpu_cluster(GpuClusterKind::MultiDevice, 50, 1), &["best-fit"], &[42], 1.3);
    let dom = rendered("ticks", &placement_html(&close));
    for (figure, axis) in
        [("bars", "middle"), ("allocation", "end"), ("allocation", "middle"), ("fragmentation", "end")]
    {
        let marks = ticks(&dom, figure, axis);
        let distinct: BTreeSet<&String> = marks.iter().collect();
        assert!(marks.len() > 2 && distinct.len() == marks.len(), "{figure}: {marks:?}");
    }
    let mut report = training(&["a"]);
    report["history"].as_array_mut().expect("generations").truncate(5);
    let dom = rendered("ticks-training", &training_html(&report));
    assert_eq!(ticks(&dom, "fitness", "middle"), ["0", "1", "2", "3", "4"], "no half generations");
}

#[test]
#[ignore = "needs chromium"]
fn a_policy_within_the_interval_of_the_baseline_is_not_called_better() {
    let mut document = study(&openb_like(30), &["fgd", "best-fit"], &[42, 43, 44], 1.3);
    document["finding"] = json!({ "load_percent": "100", "seeds": 3, "leader": "best-fit", "leader_percent": 95.0,
        "peer": "fgd", "peer_percent": 94.0, "paired": { "difference": 1.0, "low": -0.5, "high": 2.5 },
        "shown": false, "best": false });
    let dom = rendered("unclear", &placement_html(&document));
    assert!(dom.contains("which these seeds cannot tell apart from fgd, the baseline."));
    assert!(!dom.contains("class=\"best\""), "no row is marked");
}

#[test]
#[ignore = "needs chromium"]
fn a_single_run_without_baseline_or_node_maps_still_makes_a_page() {
    let mut document = study(&openb_like(30), &["best-fit"], &[42], 1.3);
    document["heat"] = Value::Null;
    let dom = rendered("single", &placement_html(&document));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!(data(&dom, "rows"), Some("1"));
    assert_eq!(data(&dom, "cells"), Some("0"));
    assert!(dom.contains("One seed, so without a spread and without a test."));
    assert_eq!(rows(&dom)[0][2], "–", "no deviation of one run");
}

#[test]
#[ignore = "needs chromium"]
fn a_page_without_a_result_says_why_and_shows_what_there_is() {
    let tiny = study(&openb_like(10), &["fgd", "random"], &[42, 43], 0.001);
    let mut cpu_only = openb_like(10);
    let cluster = &cpu_only.cluster;
    cpu_only.tasks.retain(|task| cluster.class(task.class).demand.devices.is_none());
    let cpu_only = study(&cpu_only, &["fgd", "random"], &[42], 1.3);
    for (name, document) in [("tiny", tiny), ("cpu-only", cpu_only)] {
        let reason = document["without_result"].as_str().expect("a reason");
        let dom = rendered(name, &placement_html(&document));
        assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")), "{name}");
        assert!(plain(&dom).contains(&format!("No result: {reason}.")), "{name}");
        assert_eq!(
            (data(&dom, "rows"), data(&dom, "curves"), data(&dom, "bars")),
            (Some("2"), Some("0"), Some("0"))
        );
        assert!(rows(&dom).iter().all(|cells| cells[1] == "–"), "{name}: a mean over nothing is no number");
    }
}

#[test]
#[ignore = "needs chromium"]
fn the_page_of_a_stopped_study_says_how_many_runs_each_row_stands_for() {
    let workload = openb_like(30);
    let options = StudyOptions {
        policies: ["fgd", "random", "best-fit"].map(str::to_owned).to_vec(),
        seeds: (1..=4).collect(),
        baseline: Some("fgd".to_owned()),
        heat: true,
        ..StudyOptions::default()
    };
    // It is stopped after its fifth run: two seeds of the first two policies, one of the third.
    let (stop, runs) = (AtomicBool::new(false), AtomicUsize::new(0));
    let done = || stop.store(runs.fetch_add(1, Ordering::SeqCst) == 4, Ordering::SeqCst);
    let study = run_study(&workload, &options, &FrozenClock, &stop, &done).expect("five runs are done");
    assert_eq!(study.runs.len(), 5);
    let mut document = serde_json::to_value(study).expect("a study is JSON");
    let dom = rendered("stopped", &placement_html(&document));
    assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")));
    assert!(dom.contains("Stopped after 5 of 12 runs"));
    let done: BTreeSet<(String, String)> =
        rows(&dom).into_iter().map(|mut c| (c.remove(0), c.remove(0))).collect();
    let expected = [("best-fit", "1 of 4"), ("fgd", "2 of 4"), ("random", "2 of 4")];
    assert_eq!(done, expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    // And where a policy has no run at all.
    for summary in document["summary"].as_array_mut().expect("rows").iter_mut().skip(2) {
        *summary = json!({ "policy": "best-fit", "runs": 0, "runs_asked": 4, "decisions": null, "placed": null,
            "allocation_at": { "100": { "runs": 0, "mean": null, "sd": null, "paired": null }, "130": { "runs": 0, "mean": null, "sd": null, "paired": null } },
            "fragmentation_at": { "100": { "runs": 0, "mean": null, "sd": null, "paired": null }, "130": { "runs": 0, "mean": null, "sd": null, "paired": null } },
            "allocation": { "mean": [], "low": [], "high": [], "sd": [] }, "fragmentation": { "mean": [], "low": [], "high": [], "sd": [] },
            "seconds": null, "latency_p50_us": null, "latency_p99_us": null });
    }
    let dom = rendered("stopped-early", &placement_html(&document));
    assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")));
    assert!(dom.contains("Without a run: 1 of 3 policies."));
    let empty = rows(&dom).into_iter().find(|cells| cells[0] == "best-fit").expect("a row for each policy");
    assert_eq!(empty[1], "0 of 4");
    assert!(empty[2..].iter().all(|cell| cell == "–"), "{empty:?}");
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
    assert!(dom.contains("sjf + easy has the lowest mean bounded slowdown in this run, 2.00; then comes"));
    assert!(dom.contains("One sample: nothing is tested."));
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

/// The text of the cells of the table of results, row by row.
fn cells(dom: &str) -> Vec<Vec<String>> {
    let (_, table) = dom.split_once("<div id=\"table\">").expect("the table of results");
    let (_, body) = table.split_once("<tbody>").expect("its body");
    let rows = body.split_once("</tbody>").expect("the end of its body").0.split("</tr>");
    let text =
        |cell: &str| cell.split('<').map(|part| part.rsplit('>').next().unwrap_or("")).collect::<String>();
    let cells = |row: &str| row.replace("</th>", "</td>").split("</td>").map(text).collect::<Vec<_>>();
    rows.map(cells).filter(|row: &Vec<String>| row.len() > 1).collect()
}

#[test]
#[ignore = "needs chromium"]
fn a_policy_is_called_best_with_its_interval_and_only_where_it_is_shown() {
    let mut study = jobs_study(&["sjf", "fcfs"], 10);
    let figure =
        json!({ "mean": 2.0, "sd": 0.25, "paired": { "difference": -2.0, "low": -2.5, "high": -1.5 } });
    study["summary"][0]["spread"] = json!({ "over": "seeds", "samples": 5, "mean_bounded_slowdown": figure });
    study["baseline"] = study["verdict"]["next"].clone();
    study["verdict"]["difference"] = json!({ "difference": -2.0, "low": -2.5, "high": -1.5 });
    for (finding, said) in [
        (
            "Best",
            "sjf + easy keeps the mean bounded slowdown at 2.00: 50.0% below fcfs + easy, the next best.",
        ),
        ("NotShown", "and is not shown to be below fcfs + easy, the next."),
    ] {
        study["verdict"]["finding"] = json!(finding);
        let dom = rendered("best", &jobs_html(&study));
        assert_eq!(data(&dom, "error"), None);
        assert!(dom.contains(said), "{finding}");
        assert!(
            dom.contains("over 5 seeds is \u{2212}2.00 (95% interval \u{2212}2.50 to \u{2212}1.50)"),
            "{finding}"
        );
        assert_eq!(dom.contains("<tr class=\"best\">"), finding == "Best");
        assert_eq!(cells(&dom)[0][1..3], ["2.00 ±0.25", "\u{2212}2.00 ±0.50"]);
    }
}

#[test]
#[ignore = "needs chromium"]
fn a_mean_over_no_jobs_is_a_dash_and_no_policy_is_best() {
    let mut study = jobs_study(&["fcfs", "sjf"], 2);
    for key in ["mean_bounded_slowdown", "mean_wait_seconds", "utilization", "makespan_seconds", "lost_share"]
    {
        study["summary"][0][key] = Value::Null;
    }
    study["summary"][0]["finished"] = json!(0);
    study["summary"][0]["unfinished"] = json!(2);
    study["verdict"] =
        json!({ "finding": "DifferentJobs", "lowest": null, "next": null, "difference": null });
    for figure in ["series", "distributions", "gantt"] {
        study[figure].as_array_mut().unwrap().remove(0);
    }
    let dom = rendered("survivors", &jobs_html(&study));
    assert_eq!(data(&dom, "error"), None);
    assert!(dom.contains("Different jobs finished under these policies, so their means are not compared."));
    assert!(dom.contains("Jobs finished: fcfs + easy 0 of 2, 2 unfinished; sjf + easy 2 of 2."));
    assert!(!dom.contains("<tr class=\"best\">"));
    let rows = cells(&dom);
    assert_eq!(rows[1][..5], ["fcfs + easy", "–", "0 of 2", "2", "–"], "without a figure it comes last");
}

#[test]
#[ignore = "needs chromium"]
fn a_stopped_study_says_how_many_runs_each_row_has() {
    let mut study = jobs_study(&["fcfs", "sjf"], 2);
    study["stopped_early"] = json!(true);
    study["summary"][0]["runs_planned"] = json!(4);
    study["summary"][1] = json!({ "policy": "sjf", "backfill": "easy", "placement": "pool", "jobs": 0, "finished": 0,
        "too_large": 0, "unfinished": 0, "runs": 0, "runs_planned": 4, "mean_bounded_slowdown": null, "spread": null });
    study["verdict"] = json!({ "finding": "Stopped", "lowest": null, "next": null, "difference": null });
    let dom = rendered("stopped", &jobs_html(&study));
    assert_eq!(data(&dom, "error"), None);
    assert!(dom.contains("Runs done: fcfs + easy 1 of 4; sjf + easy 0 of 4."));
    assert!(cells(&dom).iter().any(|row| row.contains(&"0 of 4".to_owned())));
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
    assert!(dom.contains(
        "After 30 generations, the policy gains 0.17 ±0.10 points over the best fixed rule of each workload."
    ));
    assert!(dom.contains("Shown to be better on 2 of 3, worse on 1."));
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
    assert!(
        dom.contains("After 0 generations, the policy loses 0.50 ±0.10 points to the best fixed rule, fgd.")
    );
}

#[test]
#[ignore = "needs chromium"]
fn a_gain_that_is_not_shown_is_not_claimed() {
    for (name, half_width) in [("wide", json!(1.56)), ("one-pair", Value::Null)] {
        let mut report = training(&["a", "b"]);
        for gain in [0, 1]
            .map(|i| format!("/held_out/environments/{i}/gain"))
            .iter()
            .chain([&"/held_out/gain".to_owned()])
        {
            *report.pointer_mut(gain).expect("a gain") =
                json!({ "pairs": 3, "mean": 0.62, "half_width": half_width });
        }
        let dom = rendered(&format!("unclear-{name}"), &training_html(&report));
        assert_eq!(data(&dom, "error"), None);
        let claim = plain(inside(&dom, "id=\"finding\"", "h1"));
        assert!(
            claim.contains("cannot be told apart from the best fixed rule of each workload: +0.62"),
            "{claim}"
        );
        assert!(dom.contains("Shown to be better on 0 of 2, worse on 0."));
    }
}

#[test]
#[ignore = "needs chromium"]
fn nothing_is_claimed_of_a_training_without_sequences_kept_apart() {
    let mut report = training(&["a"]);
    report["held_out"] = Value::Null;
    report["left_out"] = json!([{ "environment": "a", "reason": "of its <i>60</i> jobs 30 come after" }]);
    let dom = rendered("nothing-apart", &training_html(&report));
    assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")));
    assert!(dom.contains("After 30 generations: nothing is claimed of the policy."));
    assert!(dom.contains("a: of its &lt;i&gt;60&lt;/i&gt; jobs 30 come after."));
    assert!(dom.contains("there, the checked sequences are learned from, too."));
    assert_eq!((data(&dom, "bars"), data(&dom, "rows")), (Some("0"), Some("0")));
    report["left_out"] = json!([]);
    report["stopped_early"] = json!(true);
    let dom = rendered("stopped-training", &training_html(&report));
    assert_eq!(data(&dom, "error"), None);
    assert!(dom.contains("stopped before its result was compared"));
}

#[test]
#[ignore = "needs chromium"]
fn an_error_in_the_page_is_seen_by_these_tests() {
    let dom = rendered("broken", &placement_html(&json!({ "runs": [] })));
    assert!(data(&dom, "error").is_some());
    assert_eq!(data(&dom, "ready"), None);
}

#[test]
#[ignore = "needs chromium"]
fn a_risk_page_draws_the_time_line_of_the_worst_machine_and_every_machine() {
    let machine = |name: &str, episodes: usize| {
        let episode = |i: usize| json!({ "first": 10 * i, "last": 10 * i + 3, "score_max": 4.0, "metrics": [["m<1>", 9.0]] });
        json!({
            "machine": name, "bins": 100, "threshold": 3.0, "score_max": 4.0,
            "episodes": (0..episodes).map(episode).collect::<Vec<_>>(),
            "line": { "bins": (0..100).collect::<Vec<_>>(), "scores": (0..100).map(|i| f64::from(i % 7)).collect::<Vec<_>>() },
        })
    };
    let machines = [machine("a", 2), machine("</script><b>bold</b>", 0)];
    let report = json!({
        "tool": "lepton", "version": "0", "command": "lepton risk", "period_seconds": 300, "budget_per_day": 1.0,
        "machines": machines,
    });
    let dom = rendered("risk", &risk_html(&report));
    assert_eq!(data(&dom, "error"), None);
    assert_eq!(data(&dom, "ready"), Some("true"));
    assert_eq!((data(&dom, "curves"), data(&dom, "rows")), (Some("1"), Some("2")));
    assert!(dom.contains("1 machine of 2 raised alarms, a the highest."));
    assert!(!dom.contains("<b>bold"), "a machine's name stays text");
}

/// A report of a forecast of six steps and the peak, by two models, of which the first errs less.
fn forecast_report(series: &str) -> Value {
    let model = |name: &str, rel_mae: f64, coverage: [f64; 2]| {
        json!({
            "model": name, "rel_mae": rel_mae, "mase": 1.25, "wape": 0.4371, "wql": 0.3127, "spl": [0.5, 0.2191],
            "coverage": coverage, "peak_coverage": [0.5, 0.9373], "peak_slack": [0.0, 0.6253],
        })
    };
    let points: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i) / 40.0, f64::from(i) / 50.0]).collect();
    let quantiles: Vec<[f64; 2]> = (0..6).map(|i| [10.0 + f64::from(i), 20.0 + f64::from(i)]).collect();
    json!({
        "tool": "lepton", "version": "0", "command": "lepton forecast", "input": "load.csv", "series": 3, "bins": 200,
        "notes": { "missing": 7, "duplicates": 2, "resets": 1, "constant": 0, "empty": 0 }, "fitted_until": 150,
        "origins": 4, "horizon": 6, "levels": [0.5, 0.95], "seed": 1, "fit_seconds": 2.0, "back_test_seconds": 1.0,
        "models": [model("auto", 0.687, [0.5, 0.9532]), model("naive", 1.0, [0.5, 0.9061])], "slipped": 1,
        "forecasts": null, "targets": ["cpu"], "source": null,
        "scatter": [{ "model": "auto", "step": 3, "points": points }, { "model": "naive", "step": 3, "points": points }],
        "fans": [{ "series": series, "origin": 170, "from": 98, "values": vec![12.5; 79], "quantiles": quantiles }],
    })
}

#[test]
#[ignore = "needs chromium"]
fn a_forecast_page_shows_the_scores_that_it_was_given() {
    let report = forecast_report("</script><b>bold</b>:cpu");
    let dom = rendered("forecast", &forecast_html(&report));
    assert_eq!((data(&dom, "error"), data(&dom, "ready")), (None, Some("true")));
    assert_eq!((data(&dom, "points"), data(&dom, "rows")), (Some("40"), Some("2")));
    assert!(!dom.contains("<b>bold"), "a series' name stays text");
    let said = plain(&dom);
    for figure in [
        "The typical error is 31.3% smaller than that of the last value.",
        "3 series, 4 origins, 6 steps ahead. The 95% quantile covered 95.3% of what came.",
        "Fell back 1 series",
        "40 forecasts, 3 steps ahead",
    ] {
        assert!(said.contains(figure), "{figure}: {said}");
    }
    assert!(dom.contains("Coverage by level: 50% covered 50.0%, 95% covered 95.3%"));
    let table = rows(&dom);
    for (row, model) in table.iter().zip(report["models"].as_array().expect("models")) {
        let three = |value: &Value| format!("{:.3}", value.as_f64().expect("a number"));
        let figures = [
            &model["rel_mae"],
            &model["mase"],
            &model["wape"],
            &model["wql"],
            &model["spl"][0],
            &model["coverage"][0],
            &model["spl"][1],
            &model["coverage"][1],
            &model["peak_coverage"][1],
            &model["peak_slack"][1],
        ];
        assert_eq!(row[0], model["model"].as_str().expect("a name"));
        assert_eq!(row[1..], figures.map(three), "{}", row[0]);
    }
    assert_eq!(table.len(), 2);
}
