//! `lepton train` and the commands on learned models as a user meets them: the same seed gives the same model,
//! nothing is lost when it is killed, damaged files are refused, and only a better model is promoted.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{json, lepton, scratch, stderr};
use serde_json::Value;

/// An empty folder of the test.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(scratch(name));
    std::fs::create_dir_all(&path).expect("the temporary folder is writable");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

const SMALL: [&str; 4] = ["--generate", "inference", "--nodes-count", "12"];

fn train(out: &Path, generations: &str, more: &[&str]) -> Output {
    let mut args = vec!["train", "placement", "--generations", generations, "--out", text(out)];
    args.extend(SMALL);
    args.extend(["--output", "json"]);
    args.extend(more);
    lepton(&args)
}

/// The weights in a model file.
fn weights(model: &Path) -> Value {
    json(&lepton(&["policy", "show", text(model), "--output", "json"]))["weights"].clone()
}

#[test]
fn the_same_seed_gives_the_same_model_on_any_number_of_threads() {
    let folder = folder("threads");
    let (one, two, other) = (folder.join("one.st"), folder.join("two.st"), folder.join("other.st"));
    let report = json(&train(&one, "3", &["--threads", "1", "--from", "zero"]));
    assert_eq!(report["generations"], 3);
    assert_eq!(report["history"].as_array().expect("the generations").len(), 4);
    assert!(train(&two, "3", &["--threads", "3", "--from", "zero"]).status.success());
    assert!(train(&other, "3", &["--from", "zero", "--seed", "2"]).status.success());
    assert_eq!(weights(&one), weights(&two));
    let differs = weights(&one) != weights(&other);
    assert!(differs || report["verdict"]["gain"] == 0.0, "another seed finds other weights, or none at all");
}

#[test]
fn a_training_that_was_cut_off_goes_on_where_it_was() {
    let folder = folder("resume");
    let (whole, parts) = (folder.join("whole.st"), folder.join("parts.st"));
    assert!(train(&whole, "12", &[]).status.success());
    assert!(train(&parts, "9", &[]).status.success());
    // As if it had been killed while the tenth checkpoint was being written.
    let checkpoint = folder.join("parts.st.checkpoint");
    let cut = std::fs::read(&checkpoint).expect("there is a checkpoint");
    std::fs::write(&checkpoint, &cut[..cut.len() / 2]).expect("the folder is writable");
    let output = train(&parts, "12", &["--resume"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("going on from"), "{}", stderr(&output));
    assert_eq!(weights(&whole), weights(&parts));
}

#[test]
#[cfg(target_os = "linux")]
fn a_training_whose_checkpoint_cannot_be_written_keeps_what_it_has_learned() {
    let out = folder("full").join("m.st");
    let output = train(&out, "9", &["--checkpoint", "/dev/full"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("--checkpoint /dev/full: cannot be written"), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("the result is printed all the same");
    assert_eq!(report["generations"], 1);
    assert!(out.exists());
}

#[test]
fn without_a_sound_checkpoint_nothing_is_resumed() {
    let folder = folder("damaged");
    let out = folder.join("m.st");
    let output = train(&out, "1", &["--resume"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("m.st.checkpoint: cannot be read"), "{}", stderr(&output));
    std::fs::write(folder.join("m.st.checkpoint"), "0123456789abcdef\n{}\n").expect("the folder is writable");
    let output = train(&out, "1", &["--resume"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("its checksum does not fit its contents"), "{}", stderr(&output));
    assert!(!out.exists());
}

#[test]
fn a_hyper_parameter_out_of_range_is_named_with_its_file() {
    let folder = folder("config");
    let config = folder.join("train.toml");
    for (content, expected) in [
        ("population = 2", "`population` is 2, expected a whole number from 4 to 10000"),
        ("poplation = 20", "unknown field `poplation`"),
        ("spread = \"wide\"", "found string \"wide\", expected a number"),
    ] {
        std::fs::write(&config, content).expect("the folder is writable");
        let output = train(&folder.join("m.st"), "1", &["--config", text(&config)]);
        assert_eq!(output.status.code(), Some(2), "{content}");
        let said = stderr(&output);
        assert!(said.contains("train.toml") && said.contains(expected), "{content}: {said}");
    }
}

#[test]
fn a_damaged_model_is_refused_wherever_it_is_given() {
    let model = folder("model").join("damaged.st");
    std::fs::write(&model, [0_u8; 40]).expect("the folder is writable");
    let model = text(&model);
    let simulate = ["simulate", "placement", "--policy", "lepton", "--model", model];
    let simulate = simulate.into_iter().chain(SMALL).collect::<Vec<_>>();
    let compare = ["policy", "compare", model].into_iter().chain(SMALL).collect::<Vec<_>>();
    for args in [simulate, compare, vec!["policy", "show", model]] {
        let output = lepton(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).contains("damaged.st: has a header that cannot be read"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_model_given_to_a_simulation_is_the_one_that_decides() {
    let model = folder("simulate").join("zero.st");
    // No generation at all: the model is what training began with.
    let output = train(&model, "1", &["--from", "zero"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let run = |more: &[&str]| {
        let mut args = vec!["simulate", "placement", "--policy", "lepton", "--generate", "inference"];
        args.extend(["--nodes-count", "40", "--seeds", "1..=3", "--no-guard", "--output", "json"]);
        args.extend(more);
        json(&lepton(&args))["summary"][0]["allocation_at"].clone()
    };
    assert_ne!(run(&[]), run(&["--model", text(&model)]));
}

#[test]
fn only_a_better_model_takes_the_place_of_the_one_that_serves() {
    let folder = folder("promote");
    let (zero, good) = (folder.join("zero.st"), folder.join("good.st"));
    assert!(train(&zero, "1", &["--from", "zero"]).status.success());
    assert!(train(&good, "1", &["--from", "shipped"]).status.success());
    let promote = |candidate: &Path, serving: &Path| {
        let mut args = vec!["policy", "promote", text(candidate), "--serving", text(serving)];
        args.extend(["--generate", "bound-models", "--nodes-count", "60", "--seeds", "1..=6"]);
        lepton(&args)
    };
    let serving = folder.join("serving.st");
    std::fs::copy(&zero, &serving).expect("the folder is writable");
    let output = promote(&good, &serving);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(weights(&serving), weights(&good));
    assert_eq!(weights(&folder.join("serving.st.previous")), weights(&zero));

    let output = promote(&zero, &serving);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("not promoted"), "{}", stderr(&output));
    assert_eq!(weights(&serving), weights(&good));

    let demote = || lepton(&["policy", "demote", "--serving", text(&serving)]);
    assert!(demote().status.success());
    assert_eq!(weights(&serving), weights(&zero), "the one that served before");
    assert!(demote().status.success());
    assert_eq!(weights(&serving), weights(&good), "and the other way round");
    std::fs::write(folder.join("serving.st.previous"), [0_u8; 9]).expect("the folder is writable");
    assert_eq!(demote().status.code(), Some(2), "a damaged model never serves");
    assert_eq!(weights(&serving), weights(&good));
    std::fs::remove_file(folder.join("serving.st.previous")).expect("it was just written");
    let output = demote();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no model that served before"), "{}", stderr(&output));
}

#[test]
fn a_training_leaves_a_page_with_its_curves_and_every_fixed_rule() {
    let folder = folder("page");
    let page = folder.join("training.html");
    let output = train(&folder.join("m.st"), "2", &["--report", text(&page), "--generate-seeds", "1,2"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("exactly one JSON document");
    assert_eq!(report["environments"], serde_json::json!(["inference-12-1", "inference-12-2"]));
    let held_out = &report["held_out"]["environments"];
    let policies = held_out[1]["results"].as_array().expect("the policies that played");
    assert_eq!(policies.len(), 13, "the result, its start and eleven rules");
    assert!(policies.iter().all(|p| p["values"].as_array().is_some_and(|values| values.len() == 5)));
    let html = std::fs::read_to_string(&page).expect("the page was written");
    assert!(html.contains("kube-least-allocated") && html.contains("inference-12-2"));
}

#[test]
fn a_model_that_is_worse_on_the_cluster_does_not_serve_there_unless_told_to() {
    let run = |policies: &str, more: &[&str]| {
        let mut args = vec!["simulate", "placement", "--policy", policies, "--generate", "multi-device"];
        args.extend([
            "--nodes-count",
            "60",
            "--generate-seed",
            "100",
            "--seeds",
            "1..=2",
            "--output",
            "json",
        ]);
        args.extend(more);
        let output = lepton(&args);
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("exactly one JSON document")
    };
    let curves = |study: &Value| {
        let runs = study["runs"].as_array().expect("the runs");
        runs[..2].iter().map(|r| r["curve"].clone()).collect::<Vec<_>>()
    };
    let guarded = run("lepton", &[]);
    assert_eq!(guarded["guard"]["decision"]["reason"], "ModelGainsTooLittle");
    let serves = guarded["guard"]["serves"].as_str().expect("who serves");
    assert_ne!(serves, "lepton");
    assert_eq!(curves(&guarded), curves(&run(serves, &[])), "what serves is that rule");
    let free = run("lepton", &["--no-guard"]);
    assert!(free["guard"].is_null());
    assert_ne!(curves(&free), curves(&guarded));
}

#[test]
fn a_training_goes_on_with_the_seed_and_the_start_of_its_checkpoint_and_refuses_others() {
    let folder = folder("same");
    let out = folder.join("m.st");
    assert!(train(&out, "2", &["--seed", "9", "--from", "zero"]).status.success());
    let resume = |generations: &str, more: &[&str]| train(&out, generations, &[&["--resume"], more].concat());
    let output = resume("3", &[]);
    assert_eq!(json(&output)["seed"], 9);
    assert!(stderr(&output).contains("resuming: seed 9, 2 generations are done"), "{}", stderr(&output));
    let before = weights(&out);
    for (option, value) in [("--seed", "10"), ("--from", "guess")] {
        let output = resume("4", &[option, value]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(
            stderr(&output).contains(&format!("{option} {value}: the training in")),
            "{}",
            stderr(&output)
        );
    }
    assert_eq!(weights(&out), before);
    let output = resume("4", &["--seed", "9", "--from", "zero"]);
    assert!(output.status.success(), "what is the same is no contradiction: {}", stderr(&output));
}

#[test]
fn a_second_training_into_one_file_is_refused_with_the_process_of_the_first() {
    let folder = folder("twice");
    let (out, checkpoint) = (folder.join("m.st"), folder.join("ck"));
    let endless =
        ["train", "placement", "--minutes", "600", "--out", text(&out), "--checkpoint", text(&checkpoint)];
    let mut first = Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args(endless.iter().chain(&SMALL))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built for this test");
    while !checkpoint.exists() {
        assert!(first.try_wait().expect("it can be asked").is_none(), "the first one goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let owner = format!("process {} is training into it", first.id());
    let other = folder.join("other.st");
    for output in [train(&out, "1", &[]), train(&other, "1", &["--checkpoint", text(&checkpoint)])] {
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&owner), "{}", stderr(&output));
    }
    assert!(!out.exists() && !other.exists());
    first.kill().expect("it runs");
    first.wait().expect("it was killed");
    assert!(folder.join("m.st.lock").exists(), "SIGKILL leaves the file of the lock behind");
    let output = train(&out, "1", &["--checkpoint", text(&checkpoint)]);
    assert!(output.status.success(), "and that keeps nobody out: {}", stderr(&output));
    assert!(!folder.join("m.st.lock").exists());
}

#[test]
fn no_model_is_promoted_on_fewer_sequences_than_can_show_anything() {
    let folder = folder("few");
    let (zero, good) = (folder.join("zero.st"), folder.join("good.st"));
    assert!(train(&zero, "1", &["--from", "zero"]).status.success());
    assert!(train(&good, "1", &["--from", "shipped"]).status.success());
    let before = weights(&zero);
    let gate = ["--generate", "bound-models", "--nodes-count", "60", "--seeds"];
    for (seeds, named) in [("1", "1 sequence,"), ("1..=4", "4 sequences,")] {
        let promote = ["policy", "promote", text(&good), "--serving", text(&zero)];
        let output = lepton(&[&promote[..], &gate, &[seeds]].concat());
        assert_eq!(output.status.code(), Some(2));
        let expected = format!("--seed names {named} expected at least 5 to promote");
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
    assert_eq!(weights(&zero), before);
    let compare = ["policy", "compare", text(&good), "--serving", text(&zero)];
    let compare = |form: &str| lepton(&[&compare[..], &gate, &["1", "--output", form]].concat());
    let verdict = json(&compare("json"));
    assert_eq!((&verdict["promoted"], &verdict["gain_half_width"]), (&Value::from(false), &Value::Null));
    let said = String::from_utf8_lossy(&compare("table").stdout).into_owned();
    assert!(
        said.contains("too few sequences to say, expected at least 5") && !said.contains("inf"),
        "{said}"
    );
    assert!(!String::from_utf8_lossy(&compare("csv").stdout).contains("inf"));
}

#[test]
fn nothing_is_claimed_where_every_sequence_is_the_same_few_tasks() {
    let folder = folder("few-tasks");
    let (nodes, tasks) = (folder.join("nodes.csv"), folder.join("pods.csv"));
    std::fs::write(&nodes, "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,4,P100\n").expect("writable");
    let list = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\na,1000,1,1,500,\nb,1000,1,2,1000,\n";
    std::fs::write(&tasks, list).expect("writable");
    let args = ["train", "placement", "--format", "openb", "--nodes", text(&nodes), "--tasks", text(&tasks)];
    let out = folder.join("m.st");
    let output = lepton(&[&args[..], &["--generations", "1", "--out", text(&out)]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("nothing is said of how good the model is") && !said.contains("gain"), "{said}");
    assert!(said.contains("its 2 tasks come in fewer than a million orders"), "{said}");
}
