//! What the reader of failures takes and refuses.

use std::io::Cursor;

use super::*;

fn read(text: &str) -> Result<Vec<Outage>, InputError> {
    let input = Box::new(Cursor::new(text.as_bytes().to_vec()));
    read_outages_from(CsvTable::from_reader(Path::new("failures.csv"), input)?)
}

#[test]
fn a_failure_without_repair_is_for_good() {
    let outages = read("at_seconds,node,repair_seconds\n5,2,60\n9,0,\n").expect("it is sound");
    assert_eq!(outages[0], Outage { at_seconds: 5, node: 2, repair_seconds: Some(60) });
    assert_eq!(outages[1].repair_seconds, None);
    assert_eq!(read("node,at_seconds\n1,7\n").expect("it is sound")[0].repair_seconds, None);
}

#[test]
fn negative_nodes_and_repairs_of_no_time_are_refused() {
    assert!(read("at_seconds,node,repair_seconds\n5,-1,60\n").is_err());
    assert!(read("at_seconds,node,repair_seconds\n5,1,0\n").is_err());
}
