//! Reading within a time limit. The limit is for the whole command: where it is over before an input is read there is
//! nothing to plan, and that is said instead of going on.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use lepton_sim::readers::InputError;

use crate::failure::Failure;

/// What `read` gives, where it gives it within `limit_seconds`; `what` is read.
pub(super) fn read_within<T: Send + 'static>(
    limit_seconds: Option<f64>,
    what: &str,
    read: impl FnOnce() -> Result<T, InputError> + Send + 'static,
) -> Result<T, Failure> {
    let Some(limit) = limit_seconds else { return Ok(read()?) };
    let (sender, result) = channel();
    // Parsing does not look at the time; where it takes too long it ends with the process.
    let reading = move || drop(sender.send(read()));
    thread::Builder::new().name("reading".to_owned()).spawn(reading).context("cannot start a thread")?;
    match result.recv_timeout(Duration::from_secs_f64(limit)) {
        Ok(read) => Ok(read?),
        Err(RecvTimeoutError::Timeout) => Err(Failure::Input(format!(
            "--time-limit was over before {what} was read: nothing is planned. Maybe a longer one"
        ))),
        Err(RecvTimeoutError::Disconnected) => Err(anyhow!("the reading of {what} broke off").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::read_within;

    #[test]
    fn what_is_read_in_time_is_given_and_what_is_not_is_said() {
        assert_eq!(read_within(Some(60.0), "x", || Ok(3)).ok(), Some(3));
        assert_eq!(read_within(None, "x", || Ok(3)).ok(), Some(3));
        let (held, never) = channel::<()>();
        let late = read_within(Some(0.001), "s.json", move || Ok(never.recv().is_ok()));
        let said = late.map_or_else(|e| format!("{e:?}"), |_| String::new());
        assert!(said.contains("--time-limit was over before s.json was read"), "{said}");
        drop(held);
    }
}
