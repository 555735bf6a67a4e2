//! `lepton rebalance` on a terminal: the line of progress, and Ctrl-C. `script` of util-linux gives the
//! pseudo-terminal; stdout goes to a file, as it does for those who pipe the result on.

#![cfg(target_os = "linux")]

mod common;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::{ASSIGNMENT, MODEL, read, scratch};
use serde_json::Value;

/// A test that has seen nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command on a terminal of its own.
struct Terminal {
    child: Child,
    bytes: Receiver<u8>,
    seen: Vec<u8>,
}

impl Terminal {
    fn rebalance(more: &[&str], stdout: &str) -> Self {
        let name = format!("{stdout}-in");
        std::fs::write(format!("{name}-m"), MODEL).expect("the temporary folder is writable");
        std::fs::write(format!("{name}-a"), ASSIGNMENT).expect("the temporary folder is writable");
        let (model, assignment) = (format!("{name}-m"), format!("{name}-a"));
        let mut words = vec![env!("CARGO_BIN_EXE_lepton"), "rebalance", "--format", "roadef"];
        words.extend(["--model", &model, "--assignment", &assignment]);
        words.extend(more);
        let quoted: Vec<String> = words.iter().map(|w| format!("'{w}'")).collect();
        let line = format!("stty cols 120; exec {} > '{stdout}'", quoted.join(" "));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is there");
        let mut screen = child.stdout.take().expect("it was asked for");
        let (sender, bytes) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                if buffer[..n].iter().any(|&byte| sender.send(byte).is_err()) {
                    break;
                }
            }
        });
        Self { child, bytes, seen: Vec::new() }
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Waits until the terminal has shown the text.
    fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.screen().contains(text) {
            let byte = self.bytes.recv_timeout(PATIENCE.saturating_sub(begun.elapsed()));
            let Ok(byte) = byte else { self.fail(&format!("`{text}` did not come")) };
            self.seen.push(byte);
        }
    }

    fn press(&mut self, key: u8) {
        let keyboard = self.child.stdin.as_mut().expect("it was asked for");
        keyboard.write_all(&[key]).and_then(|()| keyboard.flush()).expect("the terminal takes keys");
    }

    /// Waits for the end and gives the exit code.
    fn end(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                self.seen.extend(self.bytes.iter());
                return status.code();
            }
            if begun.elapsed() > PATIENCE {
                self.fail("it did not end");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn fail(&mut self, what: &str) -> ! {
        let _ = self.child.kill();
        panic!("{what}; the terminal shows:\n{}", self.screen());
    }
}

const CTRL_C: u8 = 3;

#[test]
fn the_line_of_progress_shows_cost_moves_rate_and_time_left() {
    let out = scratch("progress");
    let mut terminal = Terminal::rebalance(&["--time-limit", "2s", "--output", "json"], &out);
    terminal.wait_for("cost 2411, 2 moves, ");
    terminal.wait_for(" M evaluations/s, ");
    terminal.wait_for(" s left");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.screen());
    let report: Value = serde_json::from_str(&read(&out)).expect("stdout is one JSON document");
    assert_eq!(report["cost"], 2411);
}

#[test]
fn ctrl_c_ends_the_search_with_the_best_plan_so_far() {
    let (out, solution, plan) = (scratch("stopped"), scratch("s"), scratch("p"));
    let more = ["--time-limit", "60m", "--output", "json", "--solution", &solution, "--plan", &plan];
    let mut terminal = Terminal::rebalance(&more, &out);
    terminal.wait_for("cost 2411, 2 moves, ");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(0), "{}", terminal.screen());
    let report: Value = serde_json::from_str(&read(&out)).expect("stdout is one JSON document");
    assert_eq!((&report["cost"], &report["feasible"]), (&2411.into(), &true.into()));
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds < 3600.0));
    assert_eq!(read(&solution).trim(), "0 2 1");
    let plan: Value = serde_json::from_str(&read(&plan)).expect("the plan is one JSON document");
    assert_eq!((&plan["cost"], plan["steps"].as_array().map(Vec::len)), (&2411.into(), Some(2)));
}

#[test]
fn the_table_follows_the_line_of_progress_when_a_search_is_stopped() {
    let out = scratch("table");
    let mut terminal = Terminal::rebalance(&["--time-limit", "60m"], &out);
    terminal.wait_for("cost 2411");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(0), "{}", terminal.screen());
    assert!(read(&out).contains("42.60% cheaper by 2 moves"), "{}", read(&out));
    assert!(!read(&out).contains('\u{1b}'), "no control sequences in what is piped on");
}
