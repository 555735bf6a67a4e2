//! Reader of counters: a CSV with a row for each part (a drive) and moment, in order of time within each part.
//!
//! Columns of numbers are counters, columns of text are categories (a drive's model); a number that is empty or no
//! number is missing. Left out are the column of the part, the label, and columns that tell the outcome: those whose
//! name contains `fail`, unless they are asked for.

use std::collections::HashMap;
use std::path::Path;

use lepton_core::analyze::risk::CounterTable;

use super::{CsvTable, InputError};

/// Most rows of a file.
const ROWS_MAX: usize = 10_000_000;
/// Most counters and categories.
const COLUMNS_MAX: usize = 1000;
/// What a column's name contains that tells the outcome.
const OUTCOME: &str = "fail";
/// Columns that name the part, where none is named.
const PART_COLUMNS: [&str; 5] = ["disk", "drive", "serial_number", "serial", "part"];

/// Which columns are what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CounterOptions {
    /// The column with 1 where the part failed soon and 0 elsewhere; none in what is to be judged.
    pub label: Option<String>,
    /// The column that names the part; else one of `disk`, `drive`, `serial_number`, `serial`, `part`.
    pub part: Option<String>,
    /// Counters and categories, where not all are wanted.
    pub features: Vec<String>,
}

/// A file of counters.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterFile {
    /// Its rows.
    pub table: CounterTable,
    /// Oddities and how they were read, for people.
    pub notes: Vec<String>,
}

/// Reads counters; with the columns of `like`, where that is given.
///
/// # Errors
/// When the file cannot be read, a column is missing, a label is neither 0 nor 1, or a limit is exceeded.
pub fn read_counters(
    path: &Path,
    options: &CounterOptions,
    like: Option<&CounterTable>,
) -> Result<CounterFile, InputError> {
    read_counters_from(CsvTable::open(path)?, options, like)
}

/// The same over an open table.
///
/// # Errors
/// As [`read_counters`].
pub fn read_counters_from(
    mut table: CsvTable,
    options: &CounterOptions,
    like: Option<&CounterTable>,
) -> Result<CounterFile, InputError> {
    let part = match &options.part {
        Some(name) => table.column(name)?,
        None => match PART_COLUMNS.iter().find_map(|name| table.find(name)) {
            Some(column) => column,
            None => table.column(PART_COLUMNS[0])?,
        },
    };
    let label = options.label.as_deref().map(|name| table.column(name)).transpose()?;
    let mut notes = Vec::new();
    let columns = columns(&table, options, like, (part, label), &mut notes)?;
    let (mut out, mut rows) = (CounterTable::default(), Vec::new());
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut is_text = vec![false; columns.len()];
    while let Some(row) = table.next_row()? {
        if out.part.len() == ROWS_MAX {
            let problem = format!("has more than {ROWS_MAX} rows");
            return Err(row.error(part, problem));
        }
        let name = row.name(part)?;
        let number = numbers.get(name).copied().unwrap_or_else(|| {
            let next = out.parts.len() as u32;
            numbers.insert(name.to_owned(), next);
            out.parts.push(name.to_owned());
            next
        });
        out.part.push(number);
        if let Some(label) = label {
            out.failed.push(row.integer(label, 0, 1)? == 1);
        }
        for (k, &column) in columns.iter().enumerate() {
            let text = row.text(column);
            is_text[k] |= !text.is_empty() && text.parse::<f64>().is_err();
            rows.push(text.to_owned());
        }
    }
    if out.part.is_empty() {
        return Err(InputError::new(table.file(), "has no row, expected one for each part and moment"));
    }
    if let Some(like) = like {
        is_text = columns.iter().enumerate().map(|(k, _)| k >= like.counters.len()).collect();
    }
    for (k, &column) in columns.iter().enumerate() {
        let names = if is_text[k] { &mut out.categories } else { &mut out.counters };
        names.push(table.header()[column].clone());
    }
    for row in rows.chunks(columns.len()) {
        for (text, &is_text) in row.iter().zip(&is_text) {
            if is_text {
                out.texts.push(text.clone());
            } else {
                out.values.push(text.parse().unwrap_or(f32::NAN));
            }
        }
    }
    Ok(CounterFile { table: out, notes })
}

/// Positions of counters and categories.
fn columns(
    table: &CsvTable,
    options: &CounterOptions,
    like: Option<&CounterTable>,
    (part, label): (usize, Option<usize>),
    notes: &mut Vec<String>,
) -> Result<Vec<usize>, InputError> {
    if let Some(like) = like {
        return like.counters.iter().chain(&like.categories).map(|name| table.column(name)).collect();
    }
    if !options.features.is_empty() {
        return options.features.iter().map(|name| table.column(name)).collect();
    }
    let tells = |name: &str| name.to_lowercase().contains(OUTCOME);
    let others = (0..table.header().len()).filter(|&c| c != part && Some(c) != label);
    let (left_out, columns): (Vec<usize>, Vec<usize>) = others.partition(|&c| tells(&table.header()[c]));
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(|&c| table.header()[c].as_str()).collect();
        notes.push(format!("columns that tell the outcome are left out: {}", names.join(", ")));
    }
    if columns.is_empty() || columns.len() > COLUMNS_MAX {
        let problem = format!("has {} columns to learn from, expected 1 to {COLUMNS_MAX}", columns.len());
        return Err(InputError::new(table.file(), problem).at_line(table.header_line()));
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;
    use proptest::prelude::*;

    fn read(content: &str, label: Option<&str>) -> Result<CounterFile, InputError> {
        let input = BufReader::new(Cursor::new(content.as_bytes().to_vec()));
        let options = CounterOptions { label: label.map(str::to_owned), ..CounterOptions::default() };
        let table = CsvTable::from_reader(Path::new("d.csv"), Box::new(input))?;
        read_counters_from(table, &options, None)
    }

    #[test]
    fn columns_that_tell_the_outcome_are_no_counters() {
        let file =
            read("disk,model,a,soon,days_to_fail\nx,M1,1,0,-1\ny,M2,,1,3\nx,M1,2,0,-1\n", Some("soon"));
        let CounterFile { table, notes } = file.unwrap();
        assert_eq!((table.parts.len(), table.part), (2, vec![0, 1, 0]));
        assert_eq!((table.counters, table.categories), (vec!["a".to_owned()], vec!["model".to_owned()]));
        assert_eq!(table.failed, [false, true, false]);
        assert!(table.values[1].is_nan() && table.values[2] == 2.0);
        assert_eq!(notes, ["columns that tell the outcome are left out: days_to_fail"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        for (content, said) in [
            (
                "disk,a,soon\nx,1,2\n",
                "d.csv, line 2, column `soon`, value `2`: expected a whole number from 0 to 1",
            ),
            ("disk,a\nx,1\n", "column `soon`: the column is missing"),
            ("a,soon\n1,0\n", "column `disk`: the column is missing"),
            ("disk,soon\nx,1\n", "has 0 columns to learn from"),
            ("disk,a,soon\n", "has no row"),
            ("disk,a,soon\n,1,0\n", "column `disk`, value ``: is empty"),
        ] {
            let error = read(content, Some("soon")).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(content in "[a-c,\n0-9.eE\" -]{0,200}") {
            let _ = read(&format!("disk,a,s\n{content}"), Some("s"));
        }
    }
}
