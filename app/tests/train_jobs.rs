//! `lepton train jobs` and the policy `lepton` of `lepton simulate jobs` as a user meets them.

mod common;

use std::path::{Path, PathBuf};

use common::{lepton, scratch, stderr};
use serde_json::Value;

/// The one JSON document on stdout of a command that succeeds.
fn json(args: &[&str]) -> Value {
    common::json(&lepton(args))
}

/// An empty folder of the test.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(scratch(name));
    std::fs::create_dir_all(&path).expect("the temporary folder is writable");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

fn train(out: &Path, more: &[&str]) -> Value {
    let mut args = vec!["train", "jobs", "--generate", "exact,noisy", "--length", "64"];
    args.extend(["--output", "json", "--out", text(out)]);
    if !more.contains(&"--generations") {
        args.extend(["--generations", "3"]);
    }
    args.extend(more);
    json(&args)
}

fn weights(model: &Path) -> Vec<f64> {
    let shown = json(&["policy", "show", text(model), "--output", "json"]);
    assert_eq!(shown["manifest"]["kind"], "jobs");
    let weights = shown["weights"].as_array().expect("weights");
    weights.iter().map(|w| w["weight"].as_f64().expect("a number")).collect()
}

#[test]
fn the_same_seed_gives_the_same_model_on_any_number_of_threads() {
    let folder = folder("threads");
    let (one, two) = (folder.join("one.st"), folder.join("two.st"));
    let report = train(&one, &["--threads", "1"]);
    assert_eq!(report["generations"], 3);
    assert_eq!(report["verdict"]["comparisons"].as_array().expect("environments").len(), 4);
    train(&two, &["--threads", "3"]);
    assert_eq!(weights(&one), weights(&two));
}

#[test]
fn what_is_not_learned_stays_and_the_model_says_all_that_it_came_from() {
    let folder = folder("chain");
    let (first, second) = (folder.join("first.st"), folder.join("second.st"));
    train(&first, &["--backfill", "none"]);
    train(&second, &["--backfill", "easy", "--from", text(&first)]);
    let (a, b) = (weights(&first), weights(&second));
    assert_eq!(a[..a.len() / 2], b[..b.len() / 2]);
    let shown = json(&["policy", "show", text(&second), "--output", "json"]);
    let command = shown["manifest"]["command"].as_str().expect("a text");
    assert!(command.contains("--backfill none") && command.contains(" && "), "{command}");
    assert_eq!(shown["manifest"]["trained_on"].as_array().expect("names").len(), 4);
}

#[test]
fn a_model_given_to_a_simulation_is_the_one_that_decides_in_both_loops() {
    let model = folder("simulate").join("zero.st");
    train(&model, &["--from", "zero"]);
    for protocol in ["sequence", "events"] {
        let run = |more: &[&str]| {
            let mut args = vec!["simulate", "jobs", "--generate", "lublin", "--jobs-count", "600"];
            args.extend(["--policy", "lepton", "--backfill", "easy", "--load", "1.1"]);
            args.extend(["--protocol", protocol, "--output", "json"]);
            args.extend(more);
            json(&args)["summary"][0]["mean_bounded_slowdown"].as_f64().expect("a number")
        };
        assert_eq!(run(&[]), run(&[]));
        assert_ne!(run(&[]), run(&["--model", text(&model)]), "{protocol}");
    }
}

#[test]
fn models_of_another_kind_and_damaged_ones_are_refused() {
    let folder = folder("refused");
    let placement = folder.join("placement.st");
    let args = ["train", "placement", "--generate", "inference", "--nodes-count", "12", "--generations", "1"];
    let output = lepton(&[&args[..], &["--out", text(&placement)]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let damaged = folder.join("damaged.st");
    std::fs::write(&damaged, [0_u8; 40]).expect("the folder is writable");
    for (model, expected) in [
        (&placement, "is a model of kind `placement`, expected `jobs`"),
        (&damaged, "has a header that cannot be read"),
    ] {
        let args = ["simulate", "jobs", "--generate", "lublin", "--policy", "lepton", "--model", text(model)];
        let output = lepton(&args);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn only_a_better_order_takes_the_place_of_the_one_that_serves() {
    let folder = folder("promote");
    let (zero, good) = (folder.join("zero.st"), folder.join("good.st"));
    train(&zero, &["--from", "zero", "--generations", "1"]);
    train(&good, &["--from", "shipped", "--generations", "1"]);
    let gate = ["--generate", "exact", "--backfill", "easy", "--seeds", "1..=8"];
    let promote = |candidate: &Path, serving: &Path| {
        let args = ["policy", "promote-jobs", text(candidate), "--serving", text(serving)];
        lepton(&[&args[..], &gate[..]].concat())
    };
    let serving = folder.join("serving.st");
    std::fs::copy(&zero, &serving).expect("the folder is writable");
    let output = promote(&good, &serving);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(weights(&serving), weights(&good));
    let output = promote(&zero, &serving);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("not promoted"), "{}", stderr(&output));

    // Which models they are stands in the files.
    let args = ["policy", "compare", text(&good), "--serving", text(&zero), "--output", "json"];
    assert_eq!(json(&[&args[..], &gate[..]].concat())["promoted"], true);

    let demote = || lepton(&["policy", "demote", "--serving", text(&serving)]);
    assert!(demote().status.success());
    assert_eq!(weights(&serving), weights(&zero), "the one that served before");
    let placement = folder.join("placement.st");
    let args = ["train", "placement", "--generate", "inference", "--nodes-count", "12", "--generations", "1"];
    assert!(lepton(&[&args[..], &["--out", text(&placement)]].concat()).status.success());
    std::fs::copy(&placement, folder.join("serving.st.previous")).expect("the folder is writable");
    let output = demote();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("is a model of kind `placement`, expected `jobs`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_training_leaves_a_page_with_its_curves_and_every_fixed_rule() {
    let folder = folder("page");
    let page = folder.join("training.html");
    let report = train(&folder.join("m.st"), &["--report", text(&page), "--backfill", "none"]);
    let policies =
        report["held_out"]["environments"][0]["results"].as_array().expect("the policies that played");
    assert_eq!(policies.len(), 15, "the result, its start and thirteen rules");
    let html = std::fs::read_to_string(&page).expect("the page was written");
    assert!(html.contains("unicep-published") && html.contains("noisy"));
}

#[test]
fn a_training_that_was_cut_off_goes_on_where_it_was() {
    let folder = folder("resume");
    let (whole, parts) = (folder.join("whole.st"), folder.join("parts.st"));
    train(&whole, &["--generations", "5"]);
    train(&parts, &[]);
    // As if it had been killed while the last checkpoint was being written.
    let checkpoint = folder.join("parts.st.checkpoint");
    let cut = std::fs::read(&checkpoint).expect("there is a checkpoint");
    std::fs::write(&checkpoint, &cut[..cut.len() / 2]).expect("the folder is writable");
    train(&parts, &["--generations", "5", "--resume"]);
    assert_eq!(weights(&whole), weights(&parts));
    // The same workloads by name, with other sequences.
    let args = ["train", "jobs", "--generate", "exact,noisy", "--length", "32", "--resume", "--model"];
    let other = lepton(&[&args[..], &[text(&parts)]].concat());
    assert_eq!(other.status.code(), Some(2));
    let said = stderr(&other);
    assert!(
        said.contains("is over exact: sequences of 64 jobs; asked for is exact: sequences of 32 jobs"),
        "{said}"
    );
}

#[test]
fn parts_beyond_the_trace_are_named() {
    let trace = folder("parts").join("jobs.csv");
    std::fs::write(&trace, "submit_seconds,run_seconds,size\n0,10,1\n5,10,2\n")
        .expect("the folder is writable");
    let args = ["train", "jobs", "--format", "csv", "--trace", text(&trace), "--nodes", "4"];
    let output = lepton(&[&args[..], &["--parts", "0..3"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("has 2 jobs, `--parts 0..3` goes beyond that"), "{}", stderr(&output));
}

#[test]
fn the_shipped_models_can_be_shown_and_the_policies_are_listed() {
    let shown = json(&["policy", "show", "--kind", "jobs", "--output", "json"]);
    assert_eq!(shown["manifest"]["kind"], "jobs");
    let list = json(&["policy", "list", "--output", "json"]);
    let job_order = |name: &str| {
        let all = list["policies"].as_array().expect("policies");
        all.iter().any(|p| p["policy"] == name && p["decides"] == "job order")
    };
    assert!(job_order("lepton") && job_order("gittins"));
}

/// A trace of so many jobs, one a minute, of changing sizes and lengths.
fn trace(folder: &Path, jobs: usize) -> PathBuf {
    let row = |i: usize| format!("{},{},{}\n", 60 * i, 60 + i * 7919 % 3600, 1 + i * 104_729 % 16);
    let path = folder.join(format!("{jobs}.csv"));
    let text = format!("submit_seconds,run_seconds,size\n{}", (0..jobs).map(row).collect::<String>());
    std::fs::write(&path, text).expect("the folder is writable");
    path
}

#[test]
fn nothing_is_claimed_of_a_training_on_a_trace_that_is_too_short_to_keep_anything_apart() {
    let folder = folder("short");
    let (trace, out, page) = (trace(&folder, 60), folder.join("m.st"), folder.join("page.html"));
    let args =
        ["train", "jobs", "--format", "csv", "--trace", text(&trace), "--nodes", "16", "--generations", "1"];
    let args = [&args[..], &["--backfill", "none", "--out", text(&out), "--force", "--report", text(&page)]]
        .concat();
    let report = json(&[&args[..], &["--output", "json"]].concat());
    assert!(report["verdict"].is_null() && report["held_out"].is_null());
    assert_eq!(report["left_out"][0]["environment"], "60.csv");
    let output = lepton(&args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("nothing is said of how good the model is"), "{said}");
    assert!(said.contains("60.csv: nothing is kept apart: of its 60 jobs 20 come after"), "{said}");
    assert!(!said.contains("better"), "{said}");
    let shown = json(&["policy", "show", text(&out), "--output", "json"]);
    assert_eq!(shown["manifest"]["figures"], serde_json::json!({}));
    let html = std::fs::read_to_string(&page).expect("the page was written");
    assert!(html.contains("\"left_out\":[{"));
}

#[test]
fn a_training_on_a_long_trace_is_judged_on_later_jobs_than_it_learned_from() {
    let folder = folder("long");
    let trace = trace(&folder, 1200);
    let args =
        ["train", "jobs", "--format", "csv", "--trace", text(&trace), "--nodes", "16", "--generations", "1"];
    let report = json(&[&args[..], &["--output", "json", "--out", text(&folder.join("m.st"))]].concat());
    assert_eq!(report["verdict"]["sequences"], 5);
    assert_eq!(report["verdict"]["comparisons"].as_array().expect("two queues").len(), 2);
    assert_eq!(report["left_out"], serde_json::json!([]));
}

#[test]
fn models_are_compared_on_windows_of_a_trace_that_do_not_overlap_or_not_at_all() {
    let folder = folder("windows");
    let (short, long) = (trace(&folder, 60), trace(&folder, 2000));
    let (zero, good) = (folder.join("zero.st"), folder.join("good.st"));
    train(&zero, &["--from", "zero", "--generations", "1"]);
    train(&good, &["--from", "shipped", "--generations", "1"]);
    let of = |trace: &Path, more: &[&str]| {
        let args = ["policy", "compare-jobs", text(&good), "--serving", text(&zero), "--format", "csv"];
        let trace = ["--trace", text(trace), "--nodes", "16", "--output", "json"];
        lepton(&[&args[..], &trace, more].concat())
    };
    let output = of(&short, &[]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "20 of its 60 jobs are there to compare on, too few for 10 sequences of at least 50 jobs";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    assert_eq!(common::json(&of(&long, &[]))["sequences"], 10);
    assert_eq!(of(&long, &["--seeds", "1..=20"]).status.code(), Some(2), "667 jobs have no 20 such windows");
    let output = of(&long, &["--parts", "0..500,400..900"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--parts 0..500,400..900: overlap"), "{}", stderr(&output));
}
