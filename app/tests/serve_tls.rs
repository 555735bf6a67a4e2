//! `lepton serve` over TLS, and the commands that ask it: whom they trust, what is refused, and a certificate that is renewed while it runs.

#![cfg(unix)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use common::service::Service;
use common::{json, lepton, read, scratch, stderr, written};

fn openssl(words: &[&str]) {
    let output = Command::new("openssl").args(words).stdin(Stdio::null()).output();
    let output = output.expect("`openssl` is needed here");
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
}

/// An authority, and what it has signed.
struct Authority {
    cert: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let (cert, key) = (scratch(&format!("{name}-ca.pem")), scratch(&format!("{name}-ca.key")));
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let words = ["req", "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", &key, "-out", &cert];
        openssl(&[&words[..], &curve].concat());
        Self { cert, key }
    }

    /// Signs a certificate of this machine into these two files.
    fn signs(&self, cert: &str, key: &str) {
        let (request, names) = (format!("{cert}.csr"), format!("{cert}.names"));
        std::fs::write(&names, "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("writable");
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        openssl(&[&["req", "-subj", "/CN=lepton", "-keyout", key, "-out", &request][..], &curve].concat());
        let by =
            ["-CA", &self.cert, "-CAkey", &self.key, "-CAcreateserial", "-days", "2", "-extfile", &names];
        openssl(&[&["x509", "-req", "-in", &request, "-out", cert][..], &by].concat());
    }
}

fn status(server: &str, more: &[&str]) -> Output {
    lepton(&[&["status", "-o", "json", "--server", server][..], more].concat())
}

#[test]
fn over_tls_those_who_trust_the_authority_are_answered_also_after_the_certificate_was_renewed() {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let (cert, key) = (scratch("service.pem"), scratch("service.key"));
    first.signs(&cert, &key);
    let folder = scratch("state");
    let token = lepton(&["token", "create", "--name", "ann", "--role", "viewer", "--state-dir", &folder]);
    let token = written("ann.token", token.stdout);
    let more = ["--require-tokens", "--tls-cert", &cert, "--tls-key", &key];
    let simulated = ["--source", "simulation", "--nodes-count", "10"];
    let service = Service::begin_under(&[], &folder, &[&simulated[..], &more].concat());
    let url = format!("https://{}", service.address);
    let trusting = |authority: &Authority, url: &str| {
        status(url, &["--ca-file", &authority.cert, "--token-file", &token])
    };
    service.wait_for("it answers", || trusting(&first, &url).status.success());
    assert_eq!(json(&trusting(&first, &url))["nodes"], 10);
    let by_name = url.replace("127.0.0.1", "localhost");
    assert_eq!(json(&trusting(&first, &by_name))["nodes"], 10);
    assert!(read(&service.errors).contains(&format!("{url}/api/v1/status")), "{}", read(&service.errors));

    // Whom nobody vouches for is not told the token.
    let stranger = trusting(&second, &url);
    assert_eq!(stranger.status.code(), Some(1));
    assert!(stderr(&stranger).contains("cannot be trusted"), "{}", stderr(&stranger));
    let plain = status(&service.address, &["--token-file", &token]);
    assert_eq!(plain.status.code(), Some(1), "{}", stderr(&plain));
    let useless = status(&service.address, &["--ca-file", &first.cert]);
    assert_eq!(useless.status.code(), Some(2));
    assert!(stderr(&useless).contains("has no effect"), "{}", stderr(&useless));

    // One that says nothing, and one that says nonsense, hold up nobody.
    let silent = TcpStream::connect(&service.address).expect("it listens");
    let mut nonsense = TcpStream::connect(&service.address).expect("it listens");
    nonsense.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it takes that");
    let mut said = Vec::new();
    // It is told so and sent away, or sent away at once.
    let _ = nonsense.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
    assert_eq!(json(&trusting(&first, &url))["nodes"], 10);
    drop(silent);

    // Renewed by another authority; then broken, which changes nothing.
    let hang_up = || {
        let killed = Command::new("kill").args(["-HUP", &service.child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    };
    second.signs(&cert, &key);
    hang_up();
    service.wait_for("the new one is shown", || trusting(&second, &url).status.success());
    assert!(!trusting(&first, &url).status.success());
    std::fs::write(&key, "no key").expect("writable");
    hang_up();
    let stays = || read(&service.errors).contains("the certificate stays as it was");
    service.wait_for("it says that it stays", stays);
    assert!(trusting(&second, &url).status.success());
}

#[test]
fn files_that_are_no_certificate_and_its_key_are_refused() {
    let authority = Authority::new("refused");
    let files = ["a.pem", "a.key", "b.pem", "b.key"].map(scratch);
    let [a_cert, a_key, b_cert, b_key] = &files;
    authority.signs(a_cert, a_key);
    authority.signs(b_cert, b_key);
    let none = written("none.pem", "nothing\n");
    for (words, expected) in [
        (&["--tls-cert", a_cert][..], "`tls_key`"),
        (&["--tls-key", a_key], "`tls_cert`"),
        (&["--tls-cert", "/there/is/none", "--tls-key", a_key], "/there/is/none"),
        (&["--tls-cert", &none, "--tls-key", a_key], "expected certificates in PEM"),
        (&["--tls-cert", a_cert, "--tls-key", &none], "expected a private key in PEM"),
        (&["--tls-cert", a_cert, "--tls-key", b_key], "are no certificate and its key"),
    ] {
        let state = scratch("refused-state");
        let base = ["serve", "--source", "simulation", "--listen", "127.0.0.1:0", "--state-dir", &state];
        let output = lepton(&[&base[..], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{words:?}: {}", stderr(&output));
    }
}
