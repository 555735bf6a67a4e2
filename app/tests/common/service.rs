//! `lepton serve` as a process, and requests to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ports::free_port;
use super::{read, scratch};

/// How long something that must happen is waited for; how long it takes is not measured here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it is done.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) errors: String,
}

impl Service {
    /// Starts one of a simulated cluster on a free port and waits until it is ready.
    pub(crate) fn start(folder: &str, more: &[&str]) -> Self {
        Self::start_with(folder, more, "")
    }

    /// The same for one that wants these header lines.
    pub(crate) fn start_with(folder: &str, more: &[&str], headers: &str) -> Self {
        let source = ["--source", "simulation"];
        let nodes = if more.contains(&"--nodes-count") { &[][..] } else { &["--nodes-count", "10"] };
        Self::start_of(folder, &[&source, nodes, more].concat(), headers)
    }

    /// The same for one with these options and no others.
    pub(crate) fn start_of(folder: &str, options: &[&str], headers: &str) -> Self {
        Self::start_under(&[], folder, options, headers)
    }

    /// The same, run by another program in its own place, with these words before its own.
    pub(crate) fn start_under(under: &[&str], folder: &str, options: &[&str], headers: &str) -> Self {
        let service = Self::begin_under(under, folder, options);
        service.wait_for("it is ready", || {
            TcpStream::connect(&service.address).is_ok()
                && service.request("GET", "/readyz", headers).0 == 200
        });
        service
    }

    /// The same without waiting for it.
    pub(crate) fn begin_under(under: &[&str], folder: &str, options: &[&str]) -> Self {
        let port = free_port();
        let (address, errors) = (format!("127.0.0.1:{port}"), scratch(&format!("errors-{port}")));
        let words = under.iter().copied().chain([env!("CARGO_BIN_EXE_lepton")]);
        let words: Vec<&str> = words.collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(["serve", "--listen", &address, "--state-dir", folder])
            .args(options)
            .stderr(std::fs::File::create(&errors).expect("writable"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary was built for this test");
        Self { child, address, errors }
    }

    pub(crate) fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < PATIENCE, "never: {what}; it said {}", read(&self.errors));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Status, head and body of an answer.
    pub(crate) fn request(&self, method: &str, path: &str, more: &str) -> (u16, String, Value) {
        let host = if more.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let Ok(mut stream) = TcpStream::connect(&self.address) else {
            return (0, String::new(), Value::Null);
        };
        let request = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{more}\r\n");
        let mut answer = String::new();
        if stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer)).is_err() {
            return (0, String::new(), Value::Null);
        }
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, head, body) = self.request("GET", path, "");
        assert_eq!(status, 200, "{path}: {head} {body}");
        body
    }

    pub(crate) fn end(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().is_ok_and(|s| s.success()));
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
