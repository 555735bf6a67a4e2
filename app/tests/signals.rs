//! SIGINT and SIGTERM at any moment of the long commands: they end with 130 and 143, what they say is whole, and so is
//! what they have written. The moments are drawn from a fixed seed.

#![cfg(unix)]

mod common;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{lepton, scratch};

/// A command that has not ended so long after its signal hangs; how fast it ends is not measured here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command, and the files that it is to write into its folder.
struct Long {
    name: &'static str,
    words: &'static str,
    files: &'static [&'static str],
}

const LONG: &[Long] = &[
    Long {
        name: "placement",
        words: "simulate placement --generate openb-like --nodes-count 1500 --policy fgd,best-fit --seed 1..=500 \
                --threads 2 --output json --report report.html",
        files: &["report.html"],
    },
    Long {
        name: "one-placement",
        words: "simulate placement --generate openb-like --nodes-count 100000 --policy fgd --seed 1 --output json",
        files: &[],
    },
    Long {
        name: "jobs",
        words: "simulate jobs --generate lublin --jobs-count 20000 --seed 1..=200 --policy fcfs --backfill easy \
                --threads 2 --output json --report report.html",
        files: &["report.html"],
    },
    Long {
        name: "train",
        words: "train placement --generate training --nodes-count 40 --minutes 60 --model m --output json",
        files: &["m"],
    },
    Long {
        name: "train-jobs",
        words: "train jobs --generate exact --minutes 60 --model m --output json",
        files: &["m"],
    },
    Long {
        name: "demo",
        words: "demo --hours 8760 --seed 3 --records records.jsonl --output json",
        files: &["records.jsonl"],
    },
    Long { name: "large-demo", words: "demo --nodes-count 100000 --seed 3 --output json", files: &[] },
    Long {
        name: "rebalance",
        words: "rebalance --format roadef --model ../signals-model --assignment ../signals-assignment \
                --time-limit 600s --plan plan.json --output json",
        files: &["plan.json"],
    },
    Long {
        name: "compare",
        words: "policy compare ../signals-m --generate openb-like --nodes-count 5000 --seed 1..=500 --output json",
        files: &[],
    },
    Long {
        name: "generate",
        words: "generate reassignment --nodes-count 20000 --tasks-count 1000000 --model model --assignment a",
        files: &["model", "a"],
    },
];

fn begin(long: &Long, folder: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args(long.words.split_whitespace())
        .current_dir(folder)
        .stdout(fs::File::create(format!("{folder}/stdout")).expect("writable"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built for this test")
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.is_ok(), "kill is there");
}

/// The exit code; the test fails when it does not end.
fn end(child: &mut Child, name: &str) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            return status.code();
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{name} goes on after its signal");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What is in the folder is whole: nothing, or one JSON document, or a file of its kind.
fn assert_whole(long: &Long, folder: &str, code: i32) {
    let at = format!("{} ended with {code}", long.name);
    let said = fs::read_to_string(format!("{folder}/stdout")).expect("readable");
    let is_json = long.words.contains("--output json");
    assert!(!is_json || said.is_empty() || serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{at}");
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        let expected = name == "stdout"
            || long.files.contains(&name.as_str())
            || name.ends_with(".checkpoint")
            || name.ends_with(".checkpoint.previous");
        assert!(expected, "{at}: {name} is left behind");
    }
    for file in long.files {
        let Ok(text) = fs::read(format!("{folder}/{file}")) else { continue };
        let whole = match file.rsplit('.').next() {
            Some("html") => text.trim_ascii_end().ends_with(b"</html>"),
            Some("json") => serde_json::from_slice::<serde_json::Value>(&text).is_ok(),
            Some("jsonl") => String::from_utf8_lossy(&text)
                .lines()
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
            _ if *file == "m" => lepton(&["policy", "show", &format!("{folder}/m")]).status.success(),
            _ => text.ends_with(b"\n"),
        };
        assert!(whole, "{at}: {file} is not whole");
    }
}

#[test]
fn a_signal_at_any_moment_ends_a_command_with_what_is_whole() {
    let shared =
        |name: &str| scratch("").replace(&scratch("").rsplit('/').next().unwrap_or("").to_owned(), name);
    let (model, assignment, m) = (shared("signals-model"), shared("signals-assignment"), shared("signals-m"));
    let generate = ["generate", "reassignment", "--nodes-count", "100", "--tasks-count", "1000"];
    let made = lepton(&[&generate[..], &["--model", &model, "--assignment", &assignment]].concat());
    assert!(made.status.success());
    let train = ["train", "placement", "--generate", "training", "--nodes-count", "3", "--generations", "1"];
    assert!(lepton(&[&train[..], &["--model", &m, "--force"]].concat()).status.success());
    // A congruential generator is chance enough for moments.
    let mut chance = 20_260_729_u64;
    let mut draw = |below: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        for long in LONG {
            let folder = scratch(&format!("{}{signal}", long.name));
            fs::create_dir_all(&folder).expect("the temporary folder is writable");
            let mut child = begin(long, &folder);
            // The handlers are installed within the first milliseconds.
            thread::sleep(Duration::from_millis(150 + draw(1800)));
            send(signal, &child);
            let code = end(&mut child, long.name);
            assert_eq!(code, Some(expected), "{} after {signal}", long.name);
            assert_whole(long, &folder, expected);
        }
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = scratch("twice");
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let long = LONG.iter().find(|long| long.name == "placement").expect("it is among them");
    let mut child = begin(long, &folder);
    thread::sleep(Duration::from_millis(1500));
    send("-INT", &child);
    send("-TERM", &child);
    let code = end(&mut child, long.name);
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
}
