//! Ctrl-C ends long work cleanly: the flag turns true, what is done is kept and printed. A second Ctrl-C
//! leaves at once. Work in parts turns the flag back after each one, so that Ctrl-C ends one part at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

/// A flag that turns true at the first Ctrl-C (or termination signal).
///
/// # Errors
/// When the signal handler cannot be installed.
pub(crate) fn on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(flag)
}
