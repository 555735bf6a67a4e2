//! The form of a row: a version, then, deflated, the moments and the columns of numbers, each as the difference to the one before.
//!
//! ```text
//! byte 1, then raw deflate (RFC 1951) of:
//!   rows, columns                          varints (LEB128)
//!   moments after `from_seconds`           one varint a row, each the difference to the one before, seconds
//!   values, column after column            one varint a row, zigzag of the difference to the one before (0 before the first)
//! ```

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// The form that is written.
const VERSION: u8 = 1;
/// Most rows and columns that are read: more is no row of ours.
const ROWS_MAX: u64 = 10_000;
const COLUMNS_MAX: u64 = 1_000;
/// Most bytes of a row when it is inflated.
const BYTES_MAX: u64 = 64 << 20;

/// Numbers over time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Table {
    /// When, seconds, rising.
    pub(super) times: Vec<u64>,
    /// Column after column, a number a moment.
    pub(super) columns: Vec<Vec<u16>>,
}

impl Table {
    /// As it is kept; the moments are told from the first on.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut plain = Vec::with_capacity(self.times.len() * (self.columns.len() + 2));
        varint(&mut plain, self.times.len() as u64);
        varint(&mut plain, self.columns.len() as u64);
        let mut before = self.times.first().copied().unwrap_or(0);
        for &time in &self.times {
            varint(&mut plain, time.saturating_sub(before));
            before = time;
        }
        for column in &self.columns {
            let mut before = 0;
            for &value in column {
                let by = i64::from(value) - before;
                varint(&mut plain, ((by << 1) ^ (by >> 63)) as u64);
                before = i64::from(value);
            }
        }
        let mut packer = DeflateEncoder::new(vec![VERSION], Compression::new(3));
        let packed = packer.write_all(&plain).and_then(|()| packer.finish());
        packed.expect("a list of bytes takes all that it is given")
    }

    /// What was packed; what is wrong with it where it was not packed here.
    pub(super) fn unpacked(bytes: &[u8], from_seconds: u64) -> Result<Self, String> {
        let Some((&VERSION, rest)) = bytes.split_first() else {
            return Err(format!("form {:?}, expected {VERSION}", bytes.first()));
        };
        let mut plain = Vec::new();
        let inflated = DeflateDecoder::new(rest).take(BYTES_MAX).read_to_end(&mut plain);
        inflated.map_err(|error| error.to_string())?;
        let mut numbers = Numbers(&plain);
        let (rows, columns) = (numbers.next()?, numbers.next()?);
        if rows > ROWS_MAX || columns > COLUMNS_MAX {
            return Err(format!("{rows} rows of {columns} columns"));
        }
        let mut time = from_seconds;
        let mut times = Vec::with_capacity(rows as usize);
        for _ in 0..rows {
            time = time.saturating_add(numbers.next()?);
            times.push(time);
        }
        let mut table = Self { times, columns: Vec::with_capacity(columns as usize) };
        for _ in 0..columns {
            let (mut value, mut column) = (0_i64, Vec::with_capacity(rows as usize));
            for _ in 0..rows {
                let coded = numbers.next()?;
                value = value.wrapping_add((coded >> 1) as i64 ^ -((coded & 1) as i64));
                column.push(u16::try_from(value).map_err(|_| format!("the value {value}"))?);
            }
            table.columns.push(column);
        }
        Ok(table)
    }
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or("it ends too soon")?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number is too long".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_is_small() {
        let times: Vec<u64> = (0..20).map(|at| 1_790_000_000 + 15 * at).collect();
        let column = |measure: u16| (0..20).map(|at| 300 + measure + at * 7 % 11).collect();
        let mut table = Table { times, columns: (0..12).map(column).collect() };
        table.columns[3] = [0, u16::MAX].repeat(10);
        let packed = table.packed();
        assert!(packed.len() < 240, "{} bytes of 240 samples", packed.len());
        assert_eq!(Table::unpacked(&packed, 1_790_000_000), Ok(table));
        assert_eq!(Table::unpacked(&Table::default().packed(), 5), Ok(Table::default()));
    }

    #[test]
    fn what_was_not_packed_here_is_an_error_and_nothing_worse() {
        let deflated = |plain: &[u8]| {
            let mut packer = DeflateEncoder::new(vec![VERSION], Compression::fast());
            packer.write_all(plain).expect("memory");
            packer.finish().expect("memory")
        };
        let mut cut = Table { times: vec![1, 2], columns: vec![vec![7, 9]] }.packed();
        cut.truncate(cut.len() - 2);
        let mut long = vec![0xff; 11];
        long.push(0);
        for bytes in [
            vec![],
            vec![2, 3],
            vec![1, 0xff, 0xff],
            cut,
            deflated(&[2, 1, 0]),
            deflated(&[0xff, 0xff, 0xff, 0xff, 1, 1]),
            deflated(&[1, 1, 0, 1]),
            deflated(&long),
        ] {
            assert!(Table::unpacked(&bytes, 0).is_err(), "{bytes:?}");
        }
    }
}
