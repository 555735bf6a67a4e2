//! Readers of recorded workloads. Each format is one file; what they share is here: opening a possibly
//! compressed file with explicit limits ([`open`]), typed CSV fields ([`CsvTable`]) and errors that say
//! file, line, column, value and what was expected ([`InputError`]).

mod csv_table;
mod error;
mod open;
pub mod openb;

pub use csv_table::{CsvRow, CsvTable};
pub use error::InputError;
pub use open::{LINE_BYTES_MAX, open};

#[cfg(test)]
mod tests;
