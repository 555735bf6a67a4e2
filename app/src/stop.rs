//! SIGINT (Ctrl-C) and SIGTERM. While a command prepares there is nothing to keep: the first signal ends it at once.
//! From the moment that its work has asked for the [`flag`], the first signal turns the flag, which the work looks at,
//! so that what is done is kept and printed; a second one ends at once. SIGHUP asks those to read their settings again who have
//! asked for that [flag](reload_flag). Nothing else of Lepton knows of signals.

use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::output;

/// Turned by the first signal.
static FLAG: AtomicBool = AtomicBool::new(false);
/// The signal that came first; 0 for none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// Whether somebody looks at the flag.
static WORKING: AtomicBool = AtomicBool::new(false);
/// What must not be left behind when the process ends at once, with a number to find it by.
static LEFTOVERS: Mutex<Vec<(u64, CleanUp)>> = Mutex::new(Vec::new());

type CleanUp = Box<dyn FnOnce() + Send>;

/// Listens from now on.
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn listen() -> anyhow::Result<()> {
    listen_to(&[SIGINT, SIGTERM])
}

/// From now on SIGHUP, which a terminal sends when it is closed, is a signal like the others.
///
/// # Errors
/// When the handler cannot be installed.
pub(crate) fn hangup_too() -> anyhow::Result<()> {
    listen_to(&[SIGHUP])
}

fn listen_to(signals: &[i32]) -> anyhow::Result<()> {
    let mut signals = Signals::new(signals).context("cannot listen for signals")?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(received))
        .context("cannot listen for signals")?;
    Ok(())
}

fn received(signal: i32) {
    let first = SIGNAL.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    FLAG.store(true, Ordering::SeqCst);
    if first && WORKING.load(Ordering::SeqCst) {
        return;
    }
    let leftovers = std::mem::take(&mut *LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner));
    for (_, clean_up) in leftovers {
        clean_up();
    }
    if first {
        output::note("stopped before anything was done: there is no result");
    }
    exit(i32::from(code_of(signal)));
}

/// The flag that the first signal turns. Whoever asks for it promises to look at it at least a few times a second.
pub(crate) fn flag() -> &'static AtomicBool {
    WORKING.store(true, Ordering::SeqCst);
    &FLAG
}

/// A flag that each SIGHUP turns from now on; for whoever does not ask, SIGHUP ends the process as ever.
///
/// # Errors
/// When the handler cannot be installed.
pub(crate) fn reload_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGHUP, Arc::clone(&flag)).context("cannot listen for SIGHUP")?;
    Ok(flag)
}

/// The same flag for work that has nothing to show until [`something_done`]; before that the first signal ends
/// everything at once.
pub(crate) fn flag_for_results() -> &'static AtomicBool {
    &FLAG
}

/// From now on there is something to keep.
pub(crate) fn something_done() {
    WORKING.store(true, Ordering::Relaxed);
}

/// Whether a signal has come.
pub(crate) fn came() -> bool {
    SIGNAL.load(Ordering::SeqCst) != 0
}

/// The exit code of a command that was stopped: 130 by SIGINT, 143 by SIGTERM, 129 by SIGHUP.
pub(crate) fn exit_code() -> u8 {
    code_of(SIGNAL.load(Ordering::SeqCst))
}

fn code_of(signal: i32) -> u8 {
    match signal {
        SIGTERM => 143,
        SIGHUP => 129,
        _ => 130,
    }
}

/// Something that must be cleaned up, also when the process ends at once; forgotten when this is dropped.
pub(crate) struct Leftover(u64);

/// Has `clean_up` done if a signal ends the process at once while the result lives.
pub(crate) fn leftover(clean_up: impl FnOnce() + Send + 'static) -> Leftover {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner).push((number, Box::new(clean_up)));
    Leftover(number)
}

impl Drop for Leftover {
    fn drop(&mut self) {
        LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner).retain(|(number, _)| *number != self.0);
    }
}
