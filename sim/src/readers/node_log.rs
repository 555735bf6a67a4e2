//! Reader of logs: lines of a kernel ring buffer, of syslog, or an export of the journal (`-o export`, `-o json`).
//!
//! | form | example | node | time |
//! |---|---|---|---|
//! | kernel | `<3>[ 12.345678] message` | the file's name | seconds since the node started |
//! | syslog | `Nov 29 01:02:03 node1 kernel: [ 12.3] message` | named | seconds of the year, for there is none |
//! | with a date | `2026-11-29T01:02:03+00:00 node1 kernel: message` | named | since the epoch |
//! | journal, export | `__REALTIME_TIMESTAMP=..`, `_HOSTNAME=..`, `MESSAGE=..` | named | since the epoch |
//! | journal, JSON | one object a line with the same names | named | since the epoch |
//!
//! What is in no such form counts as a message without a time. Lines that are not UTF-8 are read with signs replaced.

use std::io::BufRead;
use std::path::Path;

use serde_json::Value;

use super::csv_table::io_error;
use super::time::{days_since_epoch, moment};
use super::{InputError, open};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A message of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMessage<'a> {
    /// The node, where the line names it.
    pub node: Option<&'a str>,
    /// When, in seconds; what from, the form says.
    pub seconds: Option<f64>,
    /// The message itself.
    pub text: &'a str,
    /// 1-based line of the file.
    pub line: u64,
}

/// Entries of an export are put together from several lines.
#[derive(Default)]
struct Entry {
    node: String,
    seconds: Option<f64>,
    text: String,
}

/// Hands every message of a log to `each`, in the order of the file, without holding the file in memory.
///
/// # Errors
/// When the file cannot be read or a line is longer than the limit.
pub fn read_log(path: &Path, each: impl FnMut(LogMessage<'_>)) -> Result<(), InputError> {
    read_log_from(path, open(path)?, each)
}

/// The same over an open reader; `path` is only named in errors.
///
/// # Errors
/// As [`read_log`].
pub fn read_log_from(
    path: &Path,
    mut input: impl BufRead,
    mut each: impl FnMut(LogMessage<'_>),
) -> Result<(), InputError> {
    let (mut bytes, mut line, mut entry) = (Vec::new(), 0, Entry::default());
    loop {
        bytes.clear();
        line += 1;
        let read = input.read_until(b'\n', &mut bytes).map_err(|e| io_error(path, line, &e))?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        if entry.take(text) {
            continue;
        }
        entry.hand_over(line, &mut each);
        if read == 0 {
            return Ok(());
        }
        if text.starts_with('{')
            && let Ok(Value::Object(fields)) = serde_json::from_str(text)
        {
            let field = |name: &str| fields.get(name).and_then(Value::as_str);
            if let Some(message) = field("MESSAGE") {
                let seconds = field("__REALTIME_TIMESTAMP").and_then(micros);
                each(LogMessage { node: field("_HOSTNAME"), seconds, text: message, line });
                continue;
            }
        }
        if !text.is_empty() {
            each(plain(text, line));
        }
    }
}

impl Entry {
    /// Takes in a line of an export; false for any other line.
    fn take(&mut self, line: &str) -> bool {
        let Some((key, value)) = line.split_once('=') else { return false };
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') {
            return false;
        }
        match key {
            "_HOSTNAME" => value.clone_into(&mut self.node),
            "__REALTIME_TIMESTAMP" => self.seconds = micros(value),
            "MESSAGE" => value.clone_into(&mut self.text),
            _ => {}
        }
        true
    }

    fn hand_over(&mut self, line: u64, each: &mut impl FnMut(LogMessage<'_>)) {
        if !self.text.is_empty() {
            let node = (!self.node.is_empty()).then_some(self.node.as_str());
            each(LogMessage { node, seconds: self.seconds, text: &self.text, line: line - 1 });
        }
        *self = Self::default();
    }
}

fn micros(text: &str) -> Option<f64> {
    text.parse::<u64>().ok().map(|us| us as f64 / 1e6)
}

fn plain(text: &str, line: u64) -> LogMessage<'_> {
    let body = without_level(text);
    if let Some((seconds, rest)) = ring_buffer_time(body) {
        return LogMessage { node: None, seconds: Some(seconds), text: rest, line };
    }
    if let Some((seconds, rest)) = syslog_time(body).or_else(|| dated(body)) {
        let (node, rest) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
        let rest = rest.trim_start();
        // `kernel:` or `smartd[812]:`, then the kernel's own time.
        let rest = match rest.split_once(": ") {
            Some((tag, message)) if !tag.contains(' ') => message,
            _ => rest,
        };
        let rest = ring_buffer_time(rest).map_or(rest, |(_, rest)| rest);
        return LogMessage { node: Some(node), seconds: Some(seconds), text: rest, line };
    }
    LogMessage { node: None, seconds: None, text, line }
}

/// Takes off the level of a message, as `<3>`.
fn without_level(text: &str) -> &str {
    let level = text.strip_prefix('<').and_then(|t| t.split_once('>'));
    match level {
        Some((number, rest)) if number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// `[   12.345678] message`
fn ring_buffer_time(text: &str) -> Option<(f64, &str)> {
    let (time, rest) = text.trim_start().strip_prefix('[')?.split_once(']')?;
    let seconds = time.trim().parse::<f64>().ok().filter(|s| s.is_finite())?;
    Some((seconds, rest.trim_start()))
}

/// `Nov 29 01:02:03 rest`
fn syslog_time(text: &str) -> Option<(f64, &str)> {
    let (head, rest) = text.split_at_checked(15)?;
    let month = MONTHS.iter().position(|m| head.starts_with(m))?;
    let day: i64 = head.get(4..6)?.trim().parse().ok().filter(|d| (1..=31).contains(d))?;
    let clock: Vec<i64> = head.get(7..)?.split(':').map_while(|p| p.parse().ok()).collect();
    let [hours, minutes, seconds] = clock[..] else { return None };
    // Some year without a 29 February that is missing.
    let days = days_since_epoch(2000, month as i64 + 1, day) - days_since_epoch(2000, 1, 1);
    Some(((days * 86_400 + hours * 3600 + minutes * 60 + seconds) as f64, rest))
}

/// `2026-11-29T01:02:03+00:00 rest`
fn dated(text: &str) -> Option<(f64, &str)> {
    let (head, rest) = text.split_once(' ')?;
    if !head.contains('T') {
        return None;
    }
    Some((moment(head)?.seconds, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(content: &[u8]) -> Vec<(Option<String>, Option<f64>, String)> {
        let mut found = Vec::new();
        let each = |m: LogMessage<'_>| found.push((m.node.map(str::to_owned), m.seconds, m.text.to_owned()));
        read_log_from(Path::new("log"), content, each).unwrap();
        found
    }

    #[test]
    fn every_form_gives_node_time_and_message() {
        let message = "EXT4-fs (sda1): Remounting filesystem read-only";
        let node = Some("node1".to_owned());
        for (line, node, seconds) in [
            (format!("<3>[   12.5] {message}"), None, Some(12.5)),
            (format!("Jan  2 00:00:03 node1 kernel: [  12.5] {message}"), node.clone(), Some(86_403.0)),
            (format!("1970-01-02T01:00:03+01:00 node1 kernel: {message}"), node.clone(), Some(86_403.0)),
            (
                format!("__REALTIME_TIMESTAMP=86403000000\n_HOSTNAME=node1\nPRIORITY=3\nMESSAGE={message}\n"),
                node.clone(),
                Some(86_403.0),
            ),
            (
                format!(
                    r#"{{"__REALTIME_TIMESTAMP":"86403000000","_HOSTNAME":"node1","MESSAGE":"{message}"}}"#
                ),
                node,
                Some(86_403.0),
            ),
            (message.to_owned(), None, None),
        ] {
            assert_eq!(read(line.as_bytes()), [(node, seconds, message.to_owned())], "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_text_is_read_on() {
        let found = read(b"\xff\xfe\n[1.0] fine\n");
        assert_eq!(found[1], (None, Some(1.0), "fine".to_owned()));
    }

    proptest! {
        #[test]
        fn no_log_makes_the_reader_panic(content in prop::collection::vec(any::<u8>(), 0..300)) {
            read(&content);
        }

        #[test]
        fn nor_does_one_that_is_nearly_right(content in "[<>0-9\\[\\]. JanM_=ESG{}\":T+\n\u{e9}-]{0,120}") {
            read(content.as_bytes());
        }
    }
}
