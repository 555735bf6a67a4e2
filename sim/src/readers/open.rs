//! Opens a text input, plain or compressed (`.gz`, `.xz`, `.zst`, told by content, not by name), behind a
//! limit on the length of a line: a file that is one endless line is refused, not swallowed. A byte order mark
//! at the beginning is passed over.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::InputError;

/// Longest line accepted, in bytes. The longest real ones (arrival orders) have under 100 kB.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// Opens `path` for reading lines, unpacking gzip, xz and Zstandard as it goes. A file name is told from its
/// first bytes, so a wrong ending does no harm.
///
/// # Errors
/// When the file cannot be opened, is empty, or is a directory. What goes wrong later (truncated
/// compression, a line over [`LINE_BYTES_MAX`]) surfaces as an [`io::Error`] of the reader.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, InputError> {
    let guarded = LineGuard::new(without_byte_order_mark(unpacked(path)?), LINE_BYTES_MAX);
    Ok(Box::new(BufReader::with_capacity(1 << 16, guarded)))
}

/// The same without a limit on lines: the caller must have one on the whole.
pub(crate) fn unpacked(path: &Path) -> Result<Box<dyn Read>, InputError> {
    let cannot = |e: io::Error| InputError::new(path, format!("cannot be read: {e}"));
    let file = File::open(path).map_err(|e| {
        let err = cannot(e);
        if path.exists() { err } else { err.maybe("the path is mistyped") }
    })?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(InputError::new(path, "is a directory, expected a file"));
    }
    let mut raw = BufReader::with_capacity(1 << 16, file);
    let head = raw.fill_buf().map_err(cannot)?;
    if head.is_empty() {
        return Err(InputError::new(path, "is empty"));
    }
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(raw))
    } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Box::new(lzma_rust2::XzReader::new(raw, true))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let zst = ruzstd::decoding::StreamingDecoder::new(raw)
            .map_err(|e| InputError::new(path, format!("is not a readable Zstandard file: {e}")))?;
        Box::new(zst)
    } else {
        Box::new(raw)
    })
}

/// What some editors write before UTF-8 text.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The same bytes without the mark. An error met here is given back in its place.
pub(super) fn without_byte_order_mark(mut plain: Box<dyn Read>) -> Box<dyn Read> {
    let mut first = Vec::new();
    while first.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&first) {
        let mut byte = [0];
        match plain.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => first.extend(byte),
            Err(e) => return Box::new(Cursor::new(first).chain(Failing(Some(e)))),
        }
    }
    if first == BYTE_ORDER_MARK {
        return plain;
    }
    Box::new(Cursor::new(first).chain(plain))
}

/// Fails once, with an error met before.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Passes bytes through and fails once a line grows over the limit.
pub(super) struct LineGuard<R> {
    inner: R,
    line_bytes: usize,
    line_bytes_max: usize,
}

impl<R> LineGuard<R> {
    pub(super) fn new(inner: R, line_bytes_max: usize) -> Self {
        Self { inner, line_bytes: 0, line_bytes_max }
    }
}

impl<R: Read> Read for LineGuard<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        for (i, part) in buf[..n].split(|&b| b == b'\n').enumerate() {
            self.line_bytes = if i == 0 { self.line_bytes + part.len() } else { part.len() };
            if self.line_bytes > self.line_bytes_max {
                let limit = self.line_bytes_max;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line is longer than the limit of {limit} bytes"),
                ));
            }
        }
        Ok(n)
    }
}
