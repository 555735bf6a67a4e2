//! JSON documents as files: read whole within a limit, and refused with file, line, what was expected.

use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::open::{unpacked, without_byte_order_mark};
use super::{InputError, in_plain_words};

/// Largest document, bytes unpacked: a cluster of about three million tasks.
const BYTES_MAX: u64 = 1 << 30;
/// Bytes that are looked at before the rest is read.
const FIRST_BYTES: u64 = 1 << 12;

/// Reads a document; `what` it is, with its article.
pub(super) fn read_document<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, InputError> {
    read_document_from(path, without_byte_order_mark(unpacked(path)?), what)
}

/// The same over an open reader; the path is only named in errors.
pub(super) fn read_document_from<T: DeserializeOwned>(
    path: &Path,
    reader: impl Read,
    what: &str,
) -> Result<T, InputError> {
    // Parsing from memory takes a third of the time.
    let bytes = all_of(path, reader, what)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let kind = if e.is_data() { format!("not {what}") } else { "not JSON".to_owned() };
        let error = InputError::new(path, format!("{kind}: {}", without_position(&e)));
        if e.line() == 0 { error } else { error.at_line(e.line() as u64) }
    })
}

/// The bytes of a document. What does not begin as one is refused before the rest is read.
fn all_of(path: &Path, reader: impl Read, what: &str) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(BYTES_MAX + 1);
    let mut chunk = |bytes: &mut Vec<u8>, most: u64| {
        limited.by_ref().take(most).read_to_end(bytes).map_err(|e| cannot_be_read(path, &e))
    };
    chunk(&mut bytes, FIRST_BYTES)?;
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|&first| first != b'{') {
        return Err(InputError::new(path, format!("not JSON of {what}: it does not begin with `{{`")));
    }
    chunk(&mut bytes, u64::MAX)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(InputError::new(path, format!("is longer than the limit of {BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn cannot_be_read(path: &Path, error: &io::Error) -> InputError {
    InputError::new(path, format!("cannot be read: {error}"))
}

/// What serde says without "at line 3 column 5": the error names the line itself.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    in_plain_words(text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said))
}
