//! A command on a pseudo-terminal, which `script` of util-linux gives.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What Ctrl-C sends.
pub(crate) const CTRL_C: u8 = 3;
/// A test that has seen nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command on a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    bytes: Receiver<u8>,
    seen: Vec<u8>,
}

impl Terminal {
    /// Runs the binary with these words and variables; stdout is the terminal, or goes to a file.
    pub(crate) fn open(words: &[&str], stdout: Option<&str>, variables: &[(&str, &str)]) -> Self {
        let words = std::iter::once(&env!("CARGO_BIN_EXE_lepton")).chain(words);
        let quoted: Vec<String> = words.map(|w| format!("'{w}'")).collect();
        let into = stdout.map_or_else(String::new, |file| format!(" > '{file}'"));
        let line = format!("stty cols 120 rows 40; exec {}{into}", quoted.join(" "));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .envs(variables.iter().copied())
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

    /// All that it has shown.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Waits until the terminal has shown the text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.screen().contains(text) {
            let byte = self.bytes.recv_timeout(PATIENCE.saturating_sub(begun.elapsed()));
            let Ok(byte) = byte else { self.fail(&format!("`{text}` did not come")) };
            self.seen.push(byte);
        }
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: u8) {
        let keyboard = self.child.stdin.as_mut().expect("it was asked for");
        keyboard.write_all(&[key]).and_then(|()| keyboard.flush()).expect("the terminal takes keys");
    }

    /// Waits for the end and gives the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
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
        panic!("{what}; the terminal shows:\n{}", self.screen());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Its end closes the terminal, and with that the command.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
