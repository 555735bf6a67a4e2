//! Tables that fit the terminal: every column says how much it matters, and those that matter least are left out until
//! the rest fits. What is left out is named. Where the result does not go to a terminal nothing is left out.

use crate::output;

/// A column of a table.
pub(crate) struct Column {
    /// Its heading.
    pub(crate) title: String,
    /// How readily it is left out: 0 never, otherwise the highest first.
    pub(crate) dispensable: u8,
    /// Its cells, one for each row.
    pub(crate) cells: Vec<String>,
}

impl Column {
    pub(crate) fn new(title: impl Into<String>, dispensable: u8, cells: Vec<String>) -> Self {
        Self { title: title.into(), dispensable, cells }
    }
}

/// Width of the terminal that the result goes to, in characters; `None` where it goes elsewhere.
pub(crate) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// The table, and the headings of the columns that it has no room for.
pub(crate) fn fitted(mut columns: Vec<Column>, width: Option<usize>) -> (String, Vec<String>) {
    let mut left_out = Vec::new();
    loop {
        let text = drawn(&columns);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let least = (0..columns.len()).rev().max_by_key(|&i| columns[i].dispensable);
        match least.filter(|&i| columns[i].dispensable > 0) {
            Some(i) if width.is_some_and(|width| widest > width) => {
                left_out.insert(0, columns.remove(i).title);
            }
            _ => return (text, left_out),
        }
    }
}

fn drawn(columns: &[Column]) -> String {
    let header: Vec<&str> = columns.iter().map(|c| c.title.as_str()).collect();
    let mut table = output::table(&header);
    for row in 0..columns.first().map_or(0, |c| c.cells.len()) {
        table.add_row(columns.iter().map(|c| c.cells[row].as_str()).collect::<Vec<_>>());
    }
    // Blanks at the ends of lines would only make them longer.
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        let column = |title: &str, dispensable| Column::new(title, dispensable, vec!["12345".to_owned()]);
        vec![column("policy", 0), column("wait", 1), column("Jain", 3), column("p99", 2)]
    }

    #[test]
    fn a_wide_terminal_or_none_shows_every_column() {
        for width in [None, Some(200)] {
            let (text, left_out) = fitted(columns(), width);
            assert!(left_out.is_empty() && text.contains("Jain"), "{text}");
        }
    }

    #[test]
    fn columns_go_by_how_much_they_matter_and_are_named() {
        let (text, left_out) = fitted(columns(), Some(28));
        assert_eq!(left_out, ["Jain"]);
        assert!(text.lines().all(|line| line.chars().count() <= 28), "{text}");
        let (text, left_out) = fitted(columns(), Some(1));
        assert_eq!(left_out, ["wait", "p99", "Jain"], "what matters most comes first");
        assert!(text.contains("policy"), "some columns always stay: {text}");
    }
}
