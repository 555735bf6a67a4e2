//! What a command writes: checked before the work, never left in part, never in the place of a device, pipe or link,
//! packed by its name; and what happens to the rest when a file cannot be written.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Output};
use std::thread;

use common::{lepton, scratch, stderr};

/// A folder of its own with nothing in it.
fn folder(name: &str) -> String {
    let path = scratch(name);
    fs::create_dir_all(&path).expect("the temporary folder is writable");
    path
}

/// A small instance into two files: the quickest command that writes.
fn generate(model: &str, assignment: &str) -> Output {
    let small = ["generate", "reassignment", "--nodes-count", "10", "--tasks-count", "100"];
    lepton(&[&small[..], &["--model", model, "--assignment", assignment]].concat())
}

/// What is in the folder, hidden files too.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn refused(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(2), "{}", stderr(output));
    for word in words {
        assert!(stderr(output).contains(word), "`{word}` is missing: {}", stderr(output));
    }
}

#[test]
fn a_file_is_replaced_whole_and_keeps_its_permissions() {
    let folder = folder("whole");
    let (model, assignment) = (format!("{folder}/m"), format!("{folder}/a"));
    fs::write(&model, "old").expect("writable");
    fs::set_permissions(&model, fs::Permissions::from_mode(0o640)).expect("ours");
    assert!(generate(&model, &assignment).status.success());
    assert_eq!(fs::metadata(&model).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert!(fs::read(&model).expect("readable").len() > 100);
    assert_eq!(names(&folder), ["a", "m"], "nothing is left beside");
}

#[test]
fn links_lead_where_they_led_and_what_they_lead_to_is_written() {
    let folder = folder("links");
    let path = |name: &str| format!("{folder}/{name}");
    fs::write(path("target"), "old").expect("writable");
    symlink("target", path("link")).expect("possible");
    symlink("not-yet", path("dangling")).expect("possible");
    assert!(generate(&path("link"), &path("dangling")).status.success());
    for (link, target) in [("link", "target"), ("dangling", "not-yet")] {
        assert!(fs::symlink_metadata(path(link)).expect("it is there").is_symlink());
        assert!(fs::read(path(target)).expect("it is there").len() > 100, "{target}");
    }
    fs::hard_link(path("target"), path("twin")).expect("possible");
    fs::write(path("twin"), "old").expect("writable");
    assert!(generate(&path("twin"), &path("other")).status.success());
    assert!(fs::read(path("target")).expect("it is there").len() > 100, "both names lead to one file");
}

#[test]
fn pipes_and_devices_are_written_through() {
    let folder = folder("pipes");
    let pipe = format!("{folder}/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).expect("it can be read")
    });
    assert!(generate(&pipe, "/dev/null").status.success());
    assert!(reader.join().expect("it reads to the end").len() > 100);
    assert!(fs::symlink_metadata(&pipe).expect("it is there").file_type().is_fifo());
    assert!(fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
    refused(&generate(&pipe, "/dev/null"), &["--model", &pipe, "nobody"]);
}

#[test]
fn a_privileged_user_cannot_lose_a_device_either() {
    let folder = folder("device");
    let device = format!("{folder}/null");
    let made = Command::new("mknod").args([&device, "c", "1", "3"]).output().expect("mknod is there");
    if !made.status.success() {
        return; // Only root makes devices.
    }
    let small = ["train", "placement", "--generate", "training", "--nodes-count", "5", "--generations", "1"];
    let output = lepton(&[&small[..], &["--out", &device, "--checkpoint", "/dev/null"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let there = fs::symlink_metadata(&device).expect("it is there");
    assert!(there.file_type().is_char_device());
    assert_eq!(there.rdev(), fs::metadata("/dev/null").expect("it is there").rdev());
}

#[test]
fn what_cannot_be_written_is_refused_before_the_work() {
    let folder = folder("refused");
    let fine = format!("{folder}/fine");
    for (path, problem) in [
        (format!("{folder}/missing/m"), "there is no folder"),
        (folder.clone(), "is a directory"),
        (format!("{folder}/"), "is a directory"),
        (format!("{folder}/missing/"), "names no file"),
        (String::new(), "--model"),
        (format!("{folder}/{}", "n".repeat(300)), "cannot be written"),
    ] {
        refused(&generate(&path, &fine), &["--model", &path, problem]);
        assert_eq!(names(&folder), [""; 0], "nothing is left");
    }
}

#[test]
fn one_file_is_not_two_results_nor_a_result_and_an_input() {
    let folder = folder("twice");
    let path = |name: &str| format!("{folder}/{name}");
    symlink("m", path("link")).expect("possible");
    for (one, other) in [("m", "m"), ("m", "../twice/m"), ("m", "./m"), ("link", "m")] {
        let other =
            path(other).replace("../twice", &format!("../{}", folder.rsplit('/').next().unwrap_or("")));
        refused(&generate(&path(one), &other), &["--assignment", "is what --model writes already"]);
    }
    assert!(generate(&path("m"), &path("a")).status.success());
    let before = fs::read(path("m")).expect("readable");
    let (m, a) = (path("m"), path("a"));
    let output =
        lepton(&["rebalance", "--format", "roadef", "--model", &m, "--assignment", &a, "--plan", &m]);
    refused(&output, &["--plan", "is what --model reads"]);
    assert_eq!(fs::read(path("m")).expect("readable"), before);
}

#[test]
fn files_are_packed_by_the_ending_of_their_names_and_read_as_they_are() {
    let folder = folder("packed");
    let path = |name: &str| format!("{folder}/{name}");
    assert!(generate(&path("m"), &path("a")).status.success());
    let plain = fs::read(path("m")).expect("readable");
    for (ending, begins) in
        [("gz", &[0x1f, 0x8b][..]), ("xz", &[0xfd, b'7', b'z'][..]), ("zst", &[0x28, 0xb5, 0x2f, 0xfd][..])]
    {
        let (m, a) = (path(&format!("m.{ending}")), path(&format!("a.{ending}")));
        assert!(generate(&m, &a).status.success());
        let packed = fs::read(&m).expect("readable");
        assert!(packed.starts_with(begins) && packed.len() < plain.len(), "{ending}");
        let rebalance = ["rebalance", "--format", "roadef", "--model", &m, "--assignment", &a];
        let output = lepton(&[&rebalance[..], &["--evaluations", "1", "--output", "json"]].concat());
        assert!(output.status.success(), "{ending}: {}", stderr(&output));
    }
    let mut unpacked = Vec::new();
    let file = fs::File::open(path("m.gz")).expect("it is there");
    flate2::read::GzDecoder::new(file).read_to_end(&mut unpacked).expect("it is whole");
    assert_eq!(unpacked, plain);
}

#[test]
fn a_full_disk_costs_the_file_and_not_the_result() {
    let folder = folder("full");
    let (full, other) = ("/dev/full", format!("{folder}/other"));
    let output = generate(full, &other);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("--model /dev/full"), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("no placement costs less"), "it is printed");
    assert!(fs::read(other).expect("it is written").len() > 100);
}

#[test]
fn results_may_go_to_stdout() {
    let output = generate("/dev/stdout", "/dev/null");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("no placement costs less"));
    assert!(output.stdout.len() > 1000, "the model comes before the table");
}

#[test]
fn a_model_is_not_overwritten_unless_that_is_asked_for() {
    let folder = folder("model");
    let out = format!("{folder}/m.safetensors");
    fs::write(&out, "the work of weeks").expect("writable");
    let small = ["train", "placement", "--generate", "training", "--nodes-count", "5", "--generations", "1"];
    let train = [&small[..], &["--out", &out]].concat();
    refused(&lepton(&train), &["--out", &out, "--force"]);
    assert_eq!(fs::read_to_string(&out).expect("readable"), "the work of weeks");
    assert!(lepton(&[&train[..], &["--force"]].concat()).status.success());
    assert_ne!(fs::read(&out).expect("readable"), b"the work of weeks");
}
