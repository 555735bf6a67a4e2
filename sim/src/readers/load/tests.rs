//! What a file of recorded load says, and what is refused.

use std::io::Cursor;
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn columns(targets: &[(&str, &[&str], bool)]) -> LoadColumns {
    let target = |&(name, columns, counter): &(&str, &[&str], bool)| Target {
        name: name.to_owned(),
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        counter,
    };
    LoadColumns {
        series: Some("vm".to_owned()),
        time: "t".to_owned(),
        period_seconds: 300,
        unit_seconds: 300,
        targets: targets.iter().map(target).collect(),
    }
}

fn read(text: &str, columns: &LoadColumns) -> Result<RecordedLoad, InputError> {
    read_load_from(
        CsvTable::from_reader(Path::new("load.csv"), Box::new(Cursor::new(text.to_owned().into_bytes())))?,
        columns,
    )
}

fn bins(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|v| (!v.is_nan()).then_some(*v)).collect()
}

#[test]
fn rows_in_any_order_become_bins_with_gaps_means_and_sums() {
    let text = "vm,t,rx,tx\nb,2,1,2\na,0,4,\na,3,1,1\na,1,2,3\na,1,4,3\nb,0,nan,1\n";
    let load = read(text, &columns(&[("rx", &["rx"], false), ("net", &["rx", "tx"], false)])).unwrap();
    assert_eq!(load.names, ["a:rx", "a:net", "b:rx", "b:net"]);
    assert_eq!(bins(&load.values[0]), [Some(4.0), Some(3.0), None, Some(1.0)]);
    assert_eq!(bins(&load.values[1]), [None, Some(6.0), None, Some(2.0)], "a sum needs all its parts");
    assert_eq!(bins(&load.values[3]), [None, None, Some(3.0), None]);
    assert_eq!((load.notes.rows, load.notes.duplicates, load.notes.missing), (6, 2, 9));
}

#[test]
fn moments_of_any_time_zone_fall_into_the_same_bins() {
    let cpu = columns(&[("cpu", &["cpu"], false)]);
    let utc = read("vm,t,cpu\na,2026-03-01T08:30:00Z,1\na,2026-03-01T08:41:10.5Z,2\n", &cpu).unwrap();
    let berlin =
        read("vm,t,cpu\na,2026-03-01T09:30:00+01:00,1\na,2026-03-01T09:41:10+01:00,2\n", &cpu).unwrap();
    assert_eq!(bins(&utc.values[0]), [Some(1.0), None, Some(2.0)]);
    assert_eq!(bins(&utc.values[0]), bins(&berlin.values[0]));
    let seconds = read("vm,t,cpu\na,1772353800,1\na,1772354470,2\n", &cpu).unwrap();
    let millis = read("vm,t,cpu\na,1772353800000,1\na,1772354470000,2\n", &cpu).unwrap();
    assert_eq!(bins(&utc.values[0]), bins(&seconds.values[0]));
    assert_eq!(bins(&utc.values[0]), bins(&millis.values[0]));
    assert_eq!(rfc3339_millis("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(rfc3339_millis("2024-02-29T23:59:59.25-00:30"), Some(1_709_252_999_250));
}

#[test]
fn a_counter_is_its_rise_per_second_and_a_fall_is_a_reset() {
    let text = "vm,t,bytes\na,0,1000\na,1,4000\na,2,100\na,3,700\na,7,9000\na,8,9300\n";
    let load = read(text, &columns(&[("io", &["bytes"], true)])).unwrap();
    let expected = [None, Some(10.0), None, Some(2.0), None, None, None, None, Some(1.0)];
    assert_eq!(bins(&load.values[0]), expected);
    assert_eq!(load.notes.resets, 1);
}

#[test]
fn a_longer_period_is_the_mean_of_the_units_in_it() {
    let hours = LoadColumns { period_seconds: 3600, ..columns(&[("cpu", &["cpu"], false)]) };
    let load = read("vm,t,cpu\na,0,1\na,11,3\na,12,5\n", &hours).unwrap();
    assert_eq!(bins(&load.values[0]), [Some(2.0), Some(5.0)]);
}

#[test]
fn constant_and_empty_series_are_counted() {
    let load = read("vm,t,cpu\na,0,5\na,1,5\nb,1,\n", &columns(&[("cpu", &["cpu"], false)])).unwrap();
    assert_eq!((load.notes.constant, load.notes.empty), (1, 1));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cpu = columns(&[("cpu", &["cpu"], false)]);
    for (text, expected) in [
        ("vm,t\na,0\n", "load.csv, line 1, column `cpu`: the column is missing; there are: vm, t"),
        ("vm,t,cpu\n", "load.csv, line 1: has no row below its header"),
        ("vm,t,cpu\na,0,1\na,1,x\n", "load.csv, line 3, column `cpu`, value `x`: expected a number"),
        ("vm,t,cpu\na,0,1e300\n", "value `1e300`"),
        ("vm,t,cpu\na,0,inf\n", "value `inf`"),
        ("vm,t,cpu\na,-1,1\n", "column `t`, value `-1`: expected a whole number from 0"),
        ("vm,t,cpu\na,2026-13-01T00:00:00Z,1\n", "expected a moment such as"),
        ("vm,t,cpu\na,2026-03-01T00:00:00,1\n", "expected a moment such as"),
        ("vm,t,cpu\n,0,1\n", "column `vm`, value ``: is empty"),
        ("vm,t,cpu\na,0,1\na,1772353800,1\n", "expected a time of the same kind"),
        ("vm,t,cpu\na,0,1\na,99999999,1\n", "spans 100000000 bins"),
    ] {
        let message = read(text, &cpu).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "(vm,t,cpu\n)?([a-c],[0-9T:Z.+-]{0,24},[0-9eE.naf+-]{0,8}\n|.{0,20}\n){0,12}") {
        let _ = read(&text, &columns(&[("cpu", &["cpu"], false)]));
        let _ = read(&text, &columns(&[("cpu", &["cpu"], true)]));
        let _ = rfc3339_millis(&text);
    }
}
