//! Settings and certificate read again on SIGHUP: those that a running service can take over go to the loop, of the others it is said that they need a
//! restart, and a file that is not sound changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use super::ReadAgain;
use super::config::{KEYS, Key, ServeConfig};
use super::people::Request;
use super::tls::Identity;
use crate::failure::Failure;
use crate::output;
use crate::toml_file::shown;

/// Watches for the wish.
pub(super) struct Reloader<'a> {
    pub(super) flag: Arc<AtomicBool>,
    /// The settings that serve.
    pub(super) serving: ServeConfig,
    /// The certificate that the service shows; none without TLS.
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) read_again: ReadAgain<'a>,
}

impl Reloader<'_> {
    /// Reads the settings again if that is asked for.
    pub(super) fn look(&mut self, requests: &SyncSender<Request>) {
        if !self.flag.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Some(identity) = &self.identity {
            match identity.read_again() {
                Ok(()) => output::note("the certificate was read again"),
                Err(problem) => output::note(&format!("the certificate stays as it was: {problem}")),
            }
        }
        let read = (self.read_again)().and_then(|config| match config.contradiction() {
            Some(contradiction) => Err(Failure::Input(contradiction)),
            None => Ok(config),
        });
        match read {
            Ok(read) => self.take(&read, requests),
            Err(failure) => {
                output::note("the settings stay as they were:");
                failure.report();
            }
        }
    }

    fn take(&mut self, read: &ServeConfig, requests: &SyncSender<Request>) {
        let differs = |key: &&Key| (key.get)(&self.serving) != (key.get)(read);
        let (live, others): (Vec<&Key>, Vec<&Key>) = KEYS.iter().filter(differs).partition(|key| key.live);
        let mut changed = self.serving.clone();
        let mut said = Vec::new();
        for key in live {
            let value = (key.get)(read);
            said.push(format!("`{}` is now {}", key.name, value.as_ref().map_or("unset".to_owned(), shown)));
            if let Some(value) = value
                && let Err(expected) = (key.set)(&mut changed, &value)
            {
                said.push(expected);
            }
        }
        let names: Vec<String> = others.iter().map(|key| format!("`{}`", key.name)).collect();
        if !names.is_empty() {
            said.push(format!("{} needs a restart", names.join(", ")));
        }
        if said.is_empty() {
            said.push("nothing has changed".to_owned());
        }
        if changed != self.serving && requests.try_send(Request::Settings(Box::new(changed.clone()))).is_err()
        {
            output::note("the settings stay as they were: the loop's mailbox is full; ask again");
            return;
        }
        self.serving = changed;
        output::note(&format!("settings read again: {}", said.join("; ")));
    }
}
