//! Log files that are written, rotated, cut down and read on after kills: each line that tells of a fault is told once.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use lepton_core::model::Reading;
use proptest::prelude::*;

use super::*;
use crate::real_source::unix_seconds;

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lepton-logs-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("state")).expect("writable");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("writable");
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("writable");
        file.write_all(text.as_ref()).expect("writable");
    }

    fn options(&self, files: &[&str]) -> LogOptions {
        let pattern = |name: &&str| FilePattern::parse(&self.path(name).to_string_lossy()).expect("sound");
        LogOptions {
            files: files.iter().map(pattern).collect(),
            journal: None,
            node: "here".to_owned(),
            from_end: true,
            folder: self.path("state"),
            signs_seen: 0,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const NODES: [&str; 3] = ["here", "n1", "n2"];

/// A source with its thread's work done by hand, and a loop that keeps what it is told.
struct Scene {
    folder: Folder,
    options: LogOptions,
    running: Option<(LogSource, Reader)>,
    now: u64,
    /// What the loop has kept, by node and signal, and the number that it kept with it.
    learned: BTreeMap<(String, String), u64>,
    number: u64,
}

impl Scene {
    fn new(name: &str, files: &[&str]) -> Self {
        let folder = Folder::new(name);
        let options = folder.options(files);
        let now = unix_seconds();
        Self { folder, options, running: None, now, learned: BTreeMap::new(), number: 0 }
    }

    /// Starts, also again.
    fn start(&mut self) {
        let options = LogOptions { signs_seen: self.number, ..self.options.clone() };
        let (mut source, reader) = LogSource::begin(options).expect("it starts");
        source.know_nodes(&NODES);
        self.running = Some((source, reader));
    }

    /// Nothing is done any more.
    fn kill(&mut self) {
        self.running = None;
    }

    fn look(&mut self) {
        self.now += 1;
        let Some((_, reader)) = &mut self.running else { return };
        while reader.look(self.now).has_more {}
    }

    fn keep(&mut self) {
        if let Some((_, reader)) = &mut self.running {
            reader.keep().expect("writable");
        }
    }

    /// A turn of the loop, which may be killed before it has kept what it was told.
    fn turn(&mut self, is_kept: bool) {
        self.now += 1;
        let Some((source, _)) = &mut self.running else { return };
        let told = source.poll(self.now).readings;
        if !is_kept {
            return self.kill();
        }
        if let Some(number) = source.signs_told() {
            self.number = number;
            for reading in told {
                let Reading::Signal { node, signal, value } = reading else { panic!("{reading:?}") };
                *self.learned.entry((node, signal)).or_default() += value as u64;
            }
            source.signs_kept(number);
        }
    }

    fn pass(&mut self) {
        self.look();
        self.keep();
        self.turn(true);
    }

    fn report(&self) -> SourceReport {
        self.running.as_ref().expect("it runs").0.report()
    }

    fn learned(&self, node: &str) -> Vec<(&str, u64)> {
        let of_node = self.learned.iter().filter(|((of, _), count)| of == node && **count > 0);
        of_node.map(|((_, signal), count)| (signal.as_str(), *count)).collect()
    }
}

const ERROR: &str = "error_log_messages:logs";
const CRITICAL: &str = "critical_log_messages:logs";

#[test]
fn a_line_of_a_fault_is_a_sign_of_its_node_and_shown_with_its_pattern() {
    let mut scene = Scene::new("line", &["kern.log", "remote/{node}/kern.log", "flat/k-{node}.log"]);
    scene.folder.write("kern.log", "[1.0] EXT4-fs error (device sda1): history\n");
    scene.start();
    scene.pass();
    assert!(scene.learned.is_empty(), "what was there before is history");
    scene.folder.write("kern.log", "[1.2] EXT4-fs error (device sda1): now\n[1.3] all is well\n");
    scene.folder.write("remote/N1.gpu.local/kern.log", "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, fell\n");
    scene.folder.write("flat/k-n2.log", b"mce: [Hardware Error]: Machine check events logged\n\xff\xfe\n");
    scene.folder.write("flat/k-n9.log", "EXT4-fs error (device sda1): of nobody\n");
    scene.pass();
    assert_eq!(scene.learned("here"), [(ERROR, 1)]);
    assert_eq!(scene.learned("n1"), [(CRITICAL, 1)]);
    assert_eq!(scene.learned("n2"), [("warning_log_messages:logs", 1)]);
    let report = scene.report();
    let fault = report.faults.iter().find(|of| of.node == "n1").expect("it is shown");
    assert_eq!((fault.pattern.as_str(), fault.severity.as_str(), fault.count), ("xid-79", "critical", 1));
    assert!(fault.example.contains("fell"), "{fault:?}");
    let stream = report.stream.expect("it is a stream");
    assert_eq!((stream.messages, stream.unknown, stream.late, stream.cut), (6, 1, 0, 0));
    assert!(stream.examples[0].starts_with("node `n9`, file "), "{:?}", stream.examples);
}

#[test]
fn nothing_is_read_until_nodes_are_known() {
    let mut scene = Scene::new("unknown", &["kern.log"]);
    scene.start();
    if let Some((source, _)) = &mut scene.running {
        source.know_nodes(&[]);
    }
    scene.pass();
    scene.folder.write("kern.log", "EXT4-fs error (device sda1): a\n");
    scene.pass();
    assert!(scene.report().stream.is_some_and(|of| of.messages == 0));
    if let Some((source, _)) = &mut scene.running {
        source.know_nodes(&NODES);
    }
    scene.pass();
    assert_eq!(scene.learned("here"), [(ERROR, 1)]);
}

#[test]
fn lines_are_bounded_and_old_ones_are_history() {
    let mut scene = Scene::new("bounds", &["kern.log"]);
    scene.options.from_end = false;
    let long = format!("EXT4-fs error (device sda1): {}\n", "x".repeat(200_000));
    scene.folder.write("kern.log", "2001-01-01T00:00:00Z EXT4-fs error (device sda1): long ago\n");
    scene.folder.write("kern.log", format!("{}{long}{long}half of EXT4-fs er", "\n".repeat(3)));
    scene.start();
    scene.pass();
    let stream = scene.report().stream.expect("it is a stream");
    assert_eq!((stream.messages, stream.late, stream.cut), (6, 1, 2));
    assert_eq!(scene.learned("here"), [(ERROR, 2)]);
    // The rest of the half line, and one whose fault stands behind what is read.
    scene
        .folder
        .write("kern.log", format!("ror (device sda1)\n{}EXT4-fs error (device\n", "y".repeat(70_000)));
    scene.pass();
    assert_eq!(scene.learned("here"), [(ERROR, 3)]);
}

#[test]
fn what_cannot_be_read_is_said_and_read_once_it_can_be() {
    let mut scene = Scene::new("absent", &["kern.log", "remote/{node}/kern.log"]);
    // A folder in the place of a file is none; no right keeps root out.
    fs::create_dir_all(scene.folder.path("remote/n1/kern.log")).expect("writable");
    scene.start();
    let looked = scene.running.as_mut().expect("it runs").1.look(scene.now);
    assert!(looked.notes.iter().any(|note| note.contains("there is no file") && note.contains("kern.log")));
    fs::remove_dir(scene.folder.path("remote/n1/kern.log")).expect("empty");
    scene.folder.write("remote/n1/kern.log", "EXT4-fs error (device sda1): a\n");
    scene.folder.write("kern.log", "EXT4-fs error (device sda1): b\n");
    scene.pass();
    assert_eq!((scene.learned("n1"), scene.learned("here")), (vec![(ERROR, 1)], vec![(ERROR, 1)]));
    fs::remove_file(scene.folder.path("kern.log")).expect("it is there");
    scene.pass();
    scene.folder.write("kern.log", "EXT4-fs error (device sda1): c\n");
    scene.pass();
    assert_eq!(scene.learned("here"), [(ERROR, 2)]);
}

#[test]
fn a_folder_that_was_away_is_read_on_where_it_was_left() {
    let mut scene = Scene::new("away", &["remote/{node}/kern.log"]);
    scene.start();
    scene.pass();
    scene.folder.write("remote/n1/kern.log", "EXT4-fs error (device sda1): a\n");
    scene.pass();
    let (there, away) = (scene.folder.path("remote"), scene.folder.path("away"));
    fs::rename(&there, &away).expect("writable");
    for is_killed in [false, true] {
        scene.pass();
        scene.now += 1000;
        scene.pass();
        if is_killed {
            scene.kill();
            scene.start();
            scene.pass();
        }
    }
    fs::rename(&away, &there).expect("writable");
    scene.folder.write("remote/n1/kern.log", "EXT4-fs error (device sda1): b\n");
    scene.pass();
    assert_eq!(scene.learned("n1"), [(ERROR, 2)]);
}

#[test]
fn what_was_kept_and_is_of_no_use_is_refused() {
    let scene = Scene::new("kept", &["kern.log"]);
    for (text, expected) in [
        ("{", "logs.json"),
        ("{\"version\":99,\"last_number\":0}", "Maybe a later lepton wrote it"),
        ("[]", "as at the first start"),
    ] {
        fs::write(scene.folder.path("state/logs.json"), text).expect("writable");
        let said = LogSource::begin(scene.options.clone()).err().expect("it is refused").to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn patterns_name_files_from_the_root() {
    for (text, expected) in [
        ("kern.log", "no path from the root"),
        ("/var//kern.log", "a segment ``"),
        ("/var/../kern.log", "a segment `..`"),
        ("/var/", "a segment ``"),
        ("/{host}/kern.log", "braces in `{host}`"),
        ("/{node}{node}", "once in a segment"),
        ("/a{node", "braces"),
        ("", "no path from the root"),
    ] {
        let said = FilePattern::parse(text).expect_err(expected);
        assert!(said.contains(expected), "{said}");
    }
    let folder = Folder::new("patterns");
    for name in ["a/x.log", "b/x.log", "b/x.log.1", "a/a-x.log", "b/a-x.log", "c.gz", "d"] {
        folder.write(name, "");
    }
    let found = |pattern: &str| {
        let pattern = FilePattern::parse(&folder.path(pattern).to_string_lossy()).expect("sound");
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        pattern.find(&mut found, &mut problems);
        let short = |path: &Path| path.strip_prefix(&folder.0).expect("within").display().to_string();
        let named = |of: pattern::Meant| format!("{}={}", short(&of.path), of.node.unwrap_or_default());
        (found.into_iter().map(named).collect::<Vec<_>>(), problems.len())
    };
    assert_eq!(found("{node}/x.log"), (vec!["a/x.log=a".to_owned(), "b/x.log=b".to_owned()], 0));
    assert_eq!(found("{node}/{node}-x.log").0, ["a/a-x.log=a"]);
    assert_eq!(found("{node}").0, ["d=d"]);
    assert_eq!(found("b/x.log").0, ["b/x.log="]);
    assert_eq!(found("{node}/y.log"), (Vec::new(), 1));
}

/// What happens to a file, or to what reads it.
#[derive(Debug, Clone)]
enum Event {
    /// Lines come: of each whether it tells of a fault.
    Lines(Vec<bool>),
    /// A line of a fault comes in two pieces, the second with what is written next.
    Half,
    /// Renamed, and a new one made; whoever writes may go on with the old one a little.
    Rotated(Vec<bool>),
    /// Copied, and cut down.
    CopiedAndCut,
    Look,
    /// The same, and what was read is kept.
    LookAndKeep,
    Turn,
    /// The loop was told and is killed before it has kept it.
    KilledInTurn,
    Killed,
    Started,
}

fn events() -> impl Strategy<Value = Vec<(bool, Event)>> {
    let lines = || prop::collection::vec(any::<bool>(), 0..6);
    let event = prop_oneof![
        4 => lines().prop_map(Event::Lines),
        2 => Just(Event::Half),
        2 => lines().prop_map(Event::Rotated),
        2 => Just(Event::CopiedAndCut),
        3 => Just(Event::Look),
        4 => Just(Event::LookAndKeep),
        3 => Just(Event::Turn),
        1 => Just(Event::KilledInTurn),
        1 => Just(Event::Killed),
        3 => Just(Event::Started),
    ];
    prop::collection::vec((any::<bool>(), event), 1..60)
}

/// One who writes a log of a node.
struct Writer {
    path: PathBuf,
    file: File,
    half: Option<String>,
    /// Whether it is on the disk that the file was seen since it was made or cut down.
    is_kept: bool,
}

impl Writer {
    fn new(path: PathBuf) -> Self {
        fs::create_dir_all(path.parent().expect("in a folder")).expect("writable");
        let file = Self::open(&path);
        Self { path, file, half: None, is_kept: false }
    }

    fn open(path: &Path) -> File {
        OpenOptions::new().create(true).append(true).open(path).expect("writable")
    }

    fn write(&mut self, text: &str) {
        self.file.write_all(text.as_bytes()).expect("writable");
    }

    fn end_half(&mut self) {
        if let Some(half) = self.half.take() {
            self.write(&half);
        }
    }

    fn lines(&mut self, lines: &[bool], number: &mut u64) -> u64 {
        self.end_half();
        for tells in lines {
            *number += 1;
            let what = if *tells { "EXT4-fs error (device sda1): comm x" } else { "usb 1-1: new device" };
            self.write(&format!("[{number}.5] {what} {number}\n"));
        }
        lines.iter().filter(|tells| **tells).count() as u64
    }

    /// What was rotated before moves on by one.
    fn shift(&self) {
        let of = |number: u32| self.path.with_extension(format!("log.{number}"));
        for number in (1..4).rev() {
            if of(number).exists() {
                fs::rename(of(number), of(number + 1)).expect("writable");
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.file.metadata().expect("it is there").len() == 0
    }
}

/// Plays what happens; how many lines of faults each node's log had.
fn play(scene: &mut Scene, events: &[(bool, Event)]) -> [u64; 2] {
    let mut writers = ["n1", "n2"].map(|node| Writer::new(scene.folder.path(&format!("{node}/kern.log"))));
    let (mut written, mut number) = ([0; 2], 0);
    for (second, event) in events {
        let at = usize::from(*second);
        match event {
            Event::Lines(lines) => written[at] += writers[at].lines(lines, &mut number),
            Event::Half => {
                writers[at].end_half();
                number += 1;
                writers[at].write(&format!("[{number}.5] EXT4-fs er"));
                writers[at].half = Some(format!("ror (device sda1): comm y {number}\n"));
                written[at] += 1;
            }
            Event::Rotated(after) => {
                // A file that comes and goes with nobody looking is found by nobody.
                let writer = &mut writers[at];
                if !writer.is_kept {
                    continue;
                }
                writer.shift();
                fs::rename(&writer.path, writer.path.with_extension("log.1")).expect("writable");
                written[at] += writer.lines(after, &mut number);
                writer.file = Writer::open(&writer.path);
                writer.is_kept = false;
            }
            Event::CopiedAndCut => {
                let writer = &mut writers[at];
                if !writer.is_kept {
                    continue;
                }
                // A line that is written while it is cut down is lost to all.
                writer.end_half();
                writer.shift();
                fs::copy(&writer.path, writer.path.with_extension("log.1")).expect("writable");
                writer.file.set_len(0).expect("writable");
                writer.is_kept = false;
            }
            Event::Look => scene.look(),
            Event::LookAndKeep => {
                scene.look();
                scene.keep();
                let is_running = scene.running.is_some();
                writers.iter_mut().for_each(|writer| writer.is_kept |= is_running && !writer.is_empty());
            }
            Event::Turn => scene.turn(true),
            Event::KilledInTurn => scene.turn(false),
            Event::Killed => scene.kill(),
            Event::Started if scene.running.is_none() => scene.start(),
            Event::Started => {}
        }
    }
    writers.iter_mut().for_each(Writer::end_half);
    written
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever is written, rotated, cut down, looked at, kept and killed in whatever order: none is lost, none is told twice.
    #[test]
    fn every_line_of_a_fault_is_told_once(events in events(), case in any::<u64>()) {
        let mut scene = Scene::new(&format!("course-{case}"), &["{node}/kern.log"]);
        scene.start();
        scene.look();
        scene.keep();
        let written = play(&mut scene, &events);
        if scene.running.is_none() {
            scene.start();
        }
        for _ in 0..3 {
            scene.pass();
            // What was rotated away is read to its end.
            scene.now += 100;
        }
        for (node, count) in ["n1", "n2"].into_iter().zip(written) {
            let expected: Vec<(&str, u64)> = if count == 0 { Vec::new() } else { vec![(ERROR, count)] };
            prop_assert_eq!(scene.learned(node), expected, "{} of {:?}", node, scene.report());
            let faults = scene.report().faults;
            let shown: u64 = faults.iter().filter(|of| of.node == node).map(|of| of.count).sum();
            prop_assert_eq!(shown, count);
        }
    }
}
