//! Packs what is written to a file by the ending of its name: `.gz`, `.xz`, `.zst`, anything else as it is.

use std::io::{self, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Preset of xz: the default of its tools.
const XZ_PRESET: u32 = 6;

/// A writer that packs.
pub(crate) enum Packed<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Xz(Box<XzWriter<W>>),
    /// The packer of Zstandard takes a whole at once, and fails on nothing but writing, which is done here.
    Zstandard(Vec<u8>, W),
}

impl<W: Write> Packed<W> {
    /// Packs into `to` as the ending of the name says.
    pub(super) fn by_name(name: &Path, to: W) -> io::Result<Self> {
        let ending = name.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        Ok(match ending.as_deref() {
            Some("gz") => Self::Gzip(GzEncoder::new(to, flate2::Compression::default())),
            Some("xz") => Self::Xz(Box::new(XzWriter::new(to, XzOptions::with_preset(XZ_PRESET))?)),
            Some("zst") => Self::Zstandard(Vec::new(), to),
            _ => Self::Plain(to),
        })
    }

    /// Writes what is still to be written.
    pub(super) fn finish(self) -> io::Result<()> {
        let mut to = match self {
            Self::Plain(to) => to,
            Self::Gzip(packer) => packer.finish()?,
            Self::Xz(packer) => packer.finish()?,
            Self::Zstandard(plain, mut to) => {
                to.write_all(&compress_to_vec(plain.as_slice(), CompressionLevel::Fastest))?;
                to
            }
        };
        to.flush()
    }
}

impl<W: Write> Write for Packed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(to) => to.write(bytes),
            Self::Gzip(packer) => packer.write(bytes),
            Self::Xz(packer) => packer.write(bytes),
            Self::Zstandard(plain, _) => plain.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.flush(),
            // A packer that is flushed in the middle packs worse; `finish` writes everything.
            Self::Gzip(_) | Self::Xz(_) | Self::Zstandard(..) => Ok(()),
        }
    }
}
