//! Ports for programs that a test starts.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where they are looked for: below the ports that systems give to connections that go out, so that none of those takes one before
/// the program that it is meant for.
const FIRST: u32 = 20_000;
const COUNT: u32 = 10_000;

static DRAWN: AtomicU32 = AtomicU32::new(0);

/// A port of this machine's own address that nobody listens on; never the same twice in one process.
pub(crate) fn free_port() -> u16 {
    // Processes that run side by side look in different places first.
    let begin = std::process::id().wrapping_mul(7919);
    (0..COUNT)
        .map(|_| FIRST + begin.wrapping_add(DRAWN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .expect("a free port")
}
