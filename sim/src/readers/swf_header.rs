//! The header of an SWF trace, as far as it tells how large the machine is. It deliberately knows no jobs.
//!
//! Sizes of jobs count processors, so the machine has `MaxProcs` of them. `MaxNodes` is another number where nodes have
//! several processors; it counts only where nothing else is there. Either may end in the sizes of the partitions in
//! parentheses, as in `MaxProcs: 32 (16 16)`.

/// Sizes that the header has named so far; the first line of a name counts.
#[derive(Debug, Default)]
pub(super) struct Header {
    max_procs: Option<Size>,
    max_nodes: Option<Size>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    whole: u32,
    partitions: Vec<u32>,
}

impl Header {
    /// Takes a header line, without its `;`.
    pub(super) fn note(&mut self, comment: &str) {
        let Some((name, value)) = comment.trim_start_matches(';').split_once(':') else { return };
        let slot = match name.trim() {
            name if name.eq_ignore_ascii_case("MaxProcs") => &mut self.max_procs,
            name if name.eq_ignore_ascii_case("MaxNodes") => &mut self.max_nodes,
            _ => return,
        };
        if slot.is_none() {
            *slot = Size::read(value);
        }
    }

    fn size(&self) -> Option<&Size> {
        self.max_procs.as_ref().or(self.max_nodes.as_ref())
    }

    /// Processors of the machine.
    pub(super) fn processors(&self) -> Option<u32> {
        self.size().map(|size| size.whole)
    }

    /// Processors of its partitions, from partition 1 on; empty where the header does not name them.
    pub(super) fn partition_processors(&self) -> Vec<u32> {
        self.size().map_or_else(Vec::new, |size| size.partitions.clone())
    }
}

impl Size {
    /// Reads `32`, `32 (16 16)` or `32 (16, 16)`; words after the number are passed over.
    fn read(value: &str) -> Option<Self> {
        let value = value.trim();
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        let whole = value[..end].parse().ok().filter(|&whole| whole > 0)?;
        let inside = value.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |r| r.0);
        let parts = inside.split([' ', '\t', ',', ';', '+', '/']).filter(|part| !part.is_empty());
        let partitions: Option<Vec<u32>> = parts.map(|part| part.parse().ok()).collect();
        Some(Self { whole, partitions: partitions.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(lines: &[&str]) -> (Option<u32>, Vec<u32>) {
        let mut header = Header::default();
        lines.iter().for_each(|line| header.note(line));
        (header.processors(), header.partition_processors())
    }

    #[test]
    fn processors_count_before_nodes_whatever_their_order() {
        assert_eq!(header(&[" MaxNodes: 4", " MaxProcs: 32"]).0, Some(32));
        assert_eq!(header(&[" MaxProcs: 32", " MaxNodes: 4"]).0, Some(32));
        assert_eq!(header(&["MaxNodes:4"]).0, Some(4));
        assert_eq!(header(&[" maxprocs :  32 processors"]).0, Some(32));
        for unknown in
            [" MaxProcs: -1", " MaxProcs: 0", " MaxProcs: many", " MaxProcs:", " MaxProcs: 9999999999"]
        {
            assert_eq!(header(&[unknown, " MaxNodes: 4"]).0, Some(4), "{unknown}");
        }
        assert_eq!(header(&[" MaxJobs: 7", "MaxProcs"]).0, None);
    }

    #[test]
    fn sizes_of_partitions_stand_in_parentheses() {
        assert_eq!(header(&[" MaxNodes: 4 (2 2)", " MaxProcs: 32 (16 16)"]), (Some(32), vec![16, 16]));
        assert_eq!(header(&["MaxProcs: 128(96,32)"]), (Some(128), vec![96, 32]));
        assert_eq!(header(&["MaxProcs: 1024 (of which 4 never worked)"]), (Some(1024), Vec::new()));
        assert_eq!(header(&["MaxProcs: 8 (", "MaxNodes: 2 (1 1)"]), (Some(8), Vec::new()));
    }
}
