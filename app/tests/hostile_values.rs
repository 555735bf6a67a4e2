//! Every option of every command with values that nobody should give: never a panic, never a file lost, exit code 1 or 2
//! with the name of what is wrong. Commands and options are those that the binary itself tells shells about.

#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{ASSIGNMENT, MODEL, lepton, scratch, stderr};

/// A command that has not ended after so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// An option that takes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opt {
    command: String,
    name: String,
    is_path: bool,
}

/// All options that take a value, from the completions for fish.
fn options() -> Vec<Opt> {
    let script = lepton(&["completion", "fish"]);
    let script = String::from_utf8_lossy(&script.stdout).into_owned();
    script.lines().filter_map(option).collect()
}

fn option(line: &str) -> Option<Opt> {
    let rest = line.strip_prefix("complete -c lepton -n \"__fish_lepton_using_subcommand ")?;
    let (condition, rest) = rest.split_once('"')?;
    if condition.contains("; and not ") || condition.contains("_from help") {
        return None;
    }
    let command = condition.replace("; and __fish_seen_subcommand_from", "");
    let name = rest.strip_prefix(" -l ")?.split(' ').next()?.to_owned();
    let takes_value = line.contains("' -r");
    takes_value.then(|| Opt { command, name, is_path: line.contains("' -r -F") })
}

/// Files to read, and for each command words with which it does little; `@` stands for the folder.
fn words_of(command: &str) -> &'static str {
    match command {
        "demo" => "--nodes-count 3 --hours 1 --seed 1",
        "simulate placement" => {
            "--format openb --nodes @/nodes.csv --tasks @/tasks.csv --policy fgd --seed 1"
        }
        "simulate jobs" => "--format csv --trace @/jobs.csv --nodes-count 4 --policy fcfs",
        "rebalance" => "--format roadef --model @/model --assignment @/assignment --evaluations 10",
        "train placement" => "--generate training --nodes-count 3 --generations 1 --model @/new --force",
        "train jobs" => "--generate exact --length 16 --backfill none --generations 1 --model @/new --force",
        "policy compare" => "@/m --generate training --nodes-count 3 --seed 1",
        "policy promote" => "@/m --serving @/serving --generate training --nodes-count 3 --seed 1..=5",
        "policy demote" => "--serving @/serving",
        "policy promote-candidate" => "c1",
        "generate reassignment" => "--nodes-count 4 --tasks-count 9 --model @/m1 --assignment @/a1",
        "risk" => "--train @/telemetry.csv --input @/telemetry.csv",
        "serve" => {
            "--listen 127.0.0.1:0 --state-dir @/state --source simulation --nodes-count 3 --turns 1 --store-url sqlite://@/far.db"
        }
        "config check" => "@/lepton.toml",
        "get" => "nodes",
        "explain" | "plan show" | "plan approve" | "plan reject" => "p1",
        "plan diff" => "p1 p2",
        "plan derive" => "p1 --without 1.0",
        "plan snooze" => "p1 --minutes 5",
        "plan unsnooze" => "s1",
        "whatif" => "--drain node-000001 --at 0",
        "trial" => "burst",
        "snapshot" => "--state-dir @/recorded",
        "simulate replay" => "@/recorded",
        "simulate faults" => "--nodes-count 64 --days 1 --seed 1",
        _ => "",
    }
}

const NODES: &str = "sn,cpu_milli,memory_mib,gpu,model\na,64000,262144,8,T4\n";
const TASKS: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n\
     t1,1000,1024,1,1000,,LS,Running,0,100,0\nt2,1000,1024,1,500,,LS,Running,1,100,1\n";

const TELEMETRY: &str = "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n1\n2\n3\n4\n5\n6\n7\n8\n9\n1\n2\n3\n4\n";

/// The folder with all files; the text of what must stay as it is.
fn folder() -> (String, Vec<(String, Vec<u8>)>) {
    let folder = scratch("hostile");
    fs::create_dir_all(format!("{folder}/folder")).expect("the temporary folder is writable");
    let files = [
        ("nodes.csv", NODES),
        ("tasks.csv", TASKS),
        ("jobs.csv", "submit_seconds,run_seconds,size\n0,5,1\n1,5,4\n"),
        ("lepton.toml", "mode = \"observe\"\n"),
        ("model", MODEL),
        ("assignment", ASSIGNMENT),
        ("telemetry.csv", TELEMETRY),
    ];
    for (name, text) in files {
        fs::write(format!("{folder}/{name}"), text).expect("writable");
    }
    let out = format!("{folder}/m");
    let train = ["train", "placement", "--generate", "training", "--nodes-count", "3", "--generations", "1"];
    assert!(lepton(&[&train[..], &["--model", &out]].concat()).status.success());
    let recorded = format!("{folder}/recorded");
    let serve =
        ["serve", "--listen", "127.0.0.1:0", "--source", "simulation", "--nodes-count", "3", "--turns", "1"];
    assert!(lepton(&[&serve[..], &["--state-dir", &recorded]].concat()).status.success());
    let kept = files.map(|(name, text)| (format!("{folder}/{name}"), text.as_bytes().to_vec()));
    (folder, kept.into())
}

/// Runs it in the folder, where it may leave files.
fn run(words: &[String], folder: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    // Pipes that are full would keep it waiting: both are read while it runs.
    let begun = Instant::now();
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let reader = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
            bytes
        })
    };
    let stdout = reader(out.take().map(|p| Box::new(p) as Box<dyn std::io::Read + Send>));
    let errors = reader(err.take().map(|p| Box::new(p) as Box<dyn std::io::Read + Send>));
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it hangs: {words:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let read = |thread: thread::JoinHandle<Vec<u8>>| thread.join().expect("it reads to the end");
    Output { status, stdout: read(stdout), stderr: read(errors) }
}

/// The words of the command with this value of the option in the place of the one that it has.
fn with(option: &Opt, value: &str, folder: &str) -> Vec<String> {
    let words = words_of(&option.command).replace('@', folder);
    let words: Vec<&str> = words.split_whitespace().collect();
    let long = format!("--{}", option.name);
    let mut all: Vec<String> = option.command.split(' ').map(str::to_owned).collect();
    let mut skip = false;
    for word in words {
        if !std::mem::take(&mut skip) {
            skip = word == long;
            if !skip {
                all.push(word.to_owned());
            }
        }
    }
    all.extend([long, value.to_owned()]);
    all
}

#[test]
fn no_value_of_any_option_brings_a_panic_or_costs_a_file() {
    let (folder, kept) = folder();
    let options = options();
    assert!(options.len() > 100, "{}", options.len());
    let input = format!("{folder}/nodes.csv");
    let long_name = format!("{folder}/{}", "n".repeat(300));
    let (missing, is_folder, below) =
        (format!("{folder}/missing/x"), format!("{folder}/folder"), format!("{folder}/nodes.csv/x"));
    let paths = ["", &missing, &is_folder, &below, &long_name, "/dev/full", "/dev/zero"];
    let values = ["", "-1", "NaN", "-inf", "0", "x", "1e400", "99999999999999999999999", ",", "..", "5..=1"];
    let mut wrong = Vec::new();
    for option in &options {
        let values: Vec<&str> = if option.is_path { paths.to_vec() } else { values.to_vec() };
        let own = option.is_path && option.command == "simulate placement" && option.name != "nodes";
        for value in values.into_iter().chain(own.then_some(input.as_str())) {
            let words = with(option, value, &folder);
            let output = run(&words, &folder);
            let said = stderr(&output);
            let code = output.status.code();
            // A candidate that is no better stays where it is, whatever it was compared on.
            // Nobody serves here: a request that is sound has no answer.
            let named = said.contains("not promoted")
                || said.contains("no answer from")
                || said.contains(&option.name)
                || (!value.is_empty() && said.contains(value));
            if said.contains("panicked") || !matches!(code, Some(0..=2)) || (code != Some(0) && !named) {
                wrong.push(format!("{words:?}: {code:?} {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    for (path, content) in kept {
        assert!(Path::new(&path).exists() && fs::read(&path).expect("readable") == content, "{path} is lost");
    }
}

#[test]
fn negative_numbers_are_values_out_of_range() {
    for (words, expected) in [
        (&["simulate", "placement", "--generate", "openb-like", "--load", "-1"][..], "above 0"),
        (&["demo", "--hours", "-3"], "--hours"),
        (&["rebalance", "--snapshot", "s", "--max-moves", "-1"], "--max-moves"),
        (&["simulate", "jobs", "--generate", "lublin", "--jobs-count", "-5"], "1..="),
    ] {
        let output = lepton(words);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert!(!stderr(&output).contains("unexpected argument"), "{}", stderr(&output));
        for word in ["u32", "u64", "usize", "target type", "non-zero type", "found in string"] {
            assert!(!stderr(&output).contains(word), "{}", stderr(&output));
        }
    }
}

#[test]
fn a_disk_that_is_full_in_the_middle_leaves_the_old_file() {
    let folder = scratch("tiny");
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    // A file system of its own, gone with the shell. Only a privileged user can make one.
    let script = format!(
        "mount -t tmpfs -o size=64k none '{folder}' || exit 99
         echo old > '{folder}/m'
         '{}' generate reassignment --nodes-count 500 --tasks-count 20000 --model '{folder}/m' --assignment /dev/null
         code=$?
         cat '{folder}/m'; ls -A '{folder}'; exit $code",
        env!("CARGO_BIN_EXE_lepton")
    );
    let output = Command::new("unshare").args(["--mount", "sh", "-c", &script]).output();
    let Ok(output) = output.map_err(|e| println!("NOT RUN: no unshare: {e}")) else { return };
    if !stderr(&output).contains("--model") {
        println!("NOT RUN: no file system can be made here: {}", stderr(&output));
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("no placement costs less"), "the result is printed: {text}");
    assert!(text.ends_with("old\nm\n"), "the old file is there and nothing else: {text}");
}
