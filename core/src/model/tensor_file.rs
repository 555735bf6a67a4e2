//! Files of named tensors: safetensors with a manifest in the metadata, and a checksum over both, so that a damaged file
//! is refused whatever part of it is damaged.
//!
//! Form: 8 bytes with the header's length (little-endian), the header as JSON, the tensors' bytes. Source: the
//! safetensors format, <https://github.com/huggingface/safetensors>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::digest::fnv;

/// Longest header that is read.
const HEADER_BYTES_MAX: usize = 1 << 20;
const LENGTH_BYTES: usize = 8;

/// A model file that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFileError {
    /// The file ends too early.
    #[error("has {found} bytes, expected {expected}: it is truncated, or no safetensors file")]
    Truncated {
        /// Bytes expected.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
    /// The header cannot be read.
    #[error("has a header that cannot be read: {0}")]
    Header(String),
    /// The checksum is missing or another.
    #[error("is damaged: the checksum of its weights and manifest is {found}, the file says {expected}")]
    Checksum {
        /// What the file says.
        expected: String,
        /// What its contents give.
        found: String,
    },
    /// A model for other decisions.
    #[error("is a model of kind `{found}`, expected `{expected}`")]
    Kind {
        /// The kind asked for.
        expected: String,
        /// Its kind.
        found: String,
    },
    /// A model over other features.
    #[error(
        "was trained on version {found_version} of the features ({found}), this program has version \
         {expected_version} ({expected}): train it anew"
    )]
    Features {
        /// Version of the features of this program.
        expected_version: u32,
        /// Version of its features.
        found_version: u32,
        /// Names of its features.
        found: String,
        /// Names of the features of this program.
        expected: String,
    },
    /// A tensor is not what it should be.
    #[error("tensor `{name}`: {problem}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Metadata,
    #[serde(flatten)]
    tensors: BTreeMap<String, Tensor>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    manifest: String,
    checksum: String,
}

#[derive(Serialize, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The bytes of a file; `weights` are the numbers of the tensors, one after the other.
pub fn to_bytes(manifest: String, tensors: &[(&str, Vec<usize>)], weights: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    let mut from = 0;
    let tensor = |(name, shape): &(&str, Vec<usize>)| {
        let data_offsets = [from, from + bytes_of(shape)];
        from = data_offsets[1];
        ((*name).to_owned(), Tensor { dtype: "F32".to_owned(), shape: shape.clone(), data_offsets })
    };
    let tensors = tensors.iter().map(tensor).collect();
    let metadata = Metadata { checksum: checksum(manifest.as_bytes().iter().chain(&data)), manifest };
    let mut header =
        serde_json::to_vec(&Header { metadata, tensors }).expect("texts and numbers can be written as JSON");
    header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');
    let length = (header.len() as u64).to_le_bytes();
    [length.as_slice(), &header, &data].concat()
}

/// A file whose header has been read, and nothing else checked yet.
pub struct TensorFile<'a> {
    header: Header,
    data: &'a [u8],
    bytes: usize,
}

impl<'a> TensorFile<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the bytes are truncated or the header is none.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ModelFileError> {
        let short = |expected| ModelFileError::Truncated { expected, found: bytes.len() };
        let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>().ok_or(short(LENGTH_BYTES))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > HEADER_BYTES_MAX {
            let problem = format!("its length is {length}, expected at most {HEADER_BYTES_MAX}");
            return Err(ModelFileError::Header(problem));
        }
        let (header, data) = rest.split_at_checked(length).ok_or(short(LENGTH_BYTES + length))?;
        let header = serde_json::from_slice(header).map_err(|e| ModelFileError::Header(e.to_string()))?;
        Ok(Self { header, data, bytes: bytes.len() })
    }

    /// The manifest, as it was written.
    pub fn manifest(&self) -> &str {
        &self.header.metadata.manifest
    }

    /// What the manifest says that the file is of.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn kind(&self) -> Result<String, ModelFileError> {
        #[derive(Deserialize)]
        struct OfKind {
            kind: String,
        }
        let of = serde_json::from_str::<OfKind>(self.manifest());
        of.map(|of| of.kind).map_err(|e| ModelFileError::Header(format!("the manifest: {e}")))
    }

    /// The numbers of the tensors expected, one after the other, all finite.
    ///
    /// # Errors
    /// When the file is truncated or damaged, or a tensor is missing or of another shape.
    pub fn numbers(&self, expected: &[(&str, Vec<usize>)]) -> Result<Vec<f32>, ModelFileError> {
        let data_expected: usize = expected.iter().map(|(_, shape)| bytes_of(shape)).sum();
        if self.data.len() < data_expected {
            let expected = self.bytes - self.data.len() + data_expected;
            return Err(ModelFileError::Truncated { expected, found: self.bytes });
        }
        let Metadata { manifest, checksum: stated } = &self.header.metadata;
        let found = checksum(manifest.as_bytes().iter().chain(self.data));
        if found != *stated {
            return Err(ModelFileError::Checksum { expected: stated.clone(), found });
        }
        let mut numbers = Vec::new();
        for (name, shape) in expected {
            numbers.extend(read(&self.header.tensors, name, shape, self.data)?);
        }
        Ok(numbers)
    }
}

fn bytes_of(shape: &[usize]) -> usize {
    shape.iter().product::<usize>() * size_of::<f32>()
}

/// The numbers of a tensor, all finite.
fn read(
    tensors: &BTreeMap<String, Tensor>,
    name: &str,
    shape: &[usize],
    data: &[u8],
) -> Result<Vec<f32>, ModelFileError> {
    let wrong = |problem: String| ModelFileError::Tensor { name: name.to_owned(), problem };
    let tensor = tensors.get(name).ok_or_else(|| wrong("is missing".to_owned()))?;
    if tensor.dtype != "F32" || tensor.shape != shape {
        return Err(wrong(format!("is {} {:?}, expected F32 {shape:?}", tensor.dtype, tensor.shape)));
    }
    let [from, to] = tensor.data_offsets;
    let expected = bytes_of(shape);
    let bytes = data.get(from..to).filter(|bytes| bytes.len() == expected);
    let bytes = bytes.ok_or_else(|| wrong(format!("lies at {from} to {to}, expected {expected} bytes")))?;
    let numbers: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
    if let Some(at) = numbers.iter().position(|n| !n.is_finite()) {
        return Err(wrong(format!("number {at} is {}, expected a finite number", numbers[at])));
    }
    Ok(numbers)
}

/// FNV-1a, 64 bits, of the bytes, in hexadecimal digits: tells damaged files from sound ones.
pub fn checksum<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    format!("{:016x}", fnv(bytes.into_iter().map(|&byte| u64::from(byte))))
}
