//! What the openb reader takes, and how it refuses every kind of broken file.

use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A file in the system's temporary folder, removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let file = format!("lepton-openb-{}-{:?}-{name}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(file.replace(['(', ')'], ""));
        std::fs::write(&path, bytes).expect("the temporary folder is writable");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const NODES: &str = "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\nn1,96000,393216,0,\n";
const TASKS: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n\
                     a,12000,16384,1,1000,\nb,6000,12288,1,460,P100|T4\nc,500,1024,0,0,\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text.as_bytes()).expect("memory does not fail");
    packer.finish().expect("memory does not fail")
}

#[test]
fn rows_become_nodes_and_tasks() {
    let nodes = read_nodes(&Scratch::new("n.csv", NODES.as_bytes()).0).expect("sound");
    assert_eq!(nodes.len(), 2);
    assert_eq!((nodes[0].gpus, nodes[0].model.as_str()), (2, "P100"));
    let tasks = read_tasks(&Scratch::new("t.csv", TASKS.as_bytes()).0).expect("sound");
    assert_eq!(tasks.len(), 3);
    assert_eq!((tasks[1].gpu_milli, tasks[1].gpu_spec.as_str(), tasks[1].line), (460, "P100|T4", 3));
}

#[test]
fn odd_ways_of_writing_are_taken_as_they_are_meant() {
    let text = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time,scheduled_time\n\
                a,100.00,1024.0,0,,,0,10.5,\n  \n,,,,,,,,\nb,1,1,1,500.00,,0,,3\n";
    let tasks = read_tasks(&Scratch::new("odd.csv", text.as_bytes()).0).expect("sound");
    assert_eq!((tasks.len(), tasks[0].cpu_millicores, tasks[0].gpu_milli), (2, 100, 0));
    assert_eq!((tasks[0].deletion_seconds, tasks[0].scheduled), (Some(11), Scheduled::Never));
    assert_eq!((tasks[1].gpu_milli, tasks[1].scheduled), (500, Scheduled::AtSeconds(3)));
    let without = read_tasks(&Scratch::new("t.csv", TASKS.as_bytes()).0).expect("sound");
    assert!(without.iter().all(|t| t.scheduled == Scheduled::Unsaid));
}

#[test]
fn a_compressed_file_is_read_whatever_its_name() {
    let packed = Scratch::new("t.csv", &gzip(TASKS));
    assert_eq!(read_tasks(&packed.0).expect("sound").len(), 3);
}

#[test]
fn every_broken_task_list_is_refused_with_line_column_and_value() {
    let row = |row: &str| format!("name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n{row}\n");
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (b"".to_vec(), &["is empty"]),
        (b"\n\n".to_vec(), &["no header"]),
        (b"name,cpu_milli,memory_mib,num_gpu,gpu_milli\n".to_vec(), &["no tasks"]),
        (
            b"name,cpu,memory_mib,num_gpu,gpu_milli\na,1,1,0,0\n".to_vec(),
            &["line 1", "`cpu_milli`", "missing"],
        ),
        (b"name,name,memory_mib,num_gpu,gpu_milli\na,1,1,0,0\n".to_vec(), &["line 1", "`name`", "twice"]),
        (row("a,-1,1,0,0,").into(), &["line 2", "`cpu_milli`", "`-1`", "from 0"]),
        (row("a,1e99,1,0,0,").into(), &["line 2", "`cpu_milli`", "`1e99`"]),
        (row("a,NaN,1,0,0,").into(), &["line 2", "`cpu_milli`", "`NaN`"]),
        (row("a,1.5,1,0,0,").into(), &["`1.5`", "whole", "Maybe"]),
        (row("a,99999999999999999999,1,0,0,").into(), &["`cpu_milli`", "9999"]),
        (row("a,x,1,0,0,").into(), &["`x`", "expected a whole number"]),
        (row("a,,1,0,0,").into(), &["`cpu_milli`", "``"]),
        (row("a,1,1,65,1000,").into(), &["`num_gpu`", "`65`", "from 0 to 64"]),
        (row("a,1,1,1,0,").into(), &["`gpu_milli`", "`0`", "from 1 to 1000", "Maybe `num_gpu`"]),
        (row("a,1,1,2,500,").into(), &["`gpu_milli`", "`500`", "from 1000 to 1000"]),
        (row("a,1,1,0,500,").into(), &["`gpu_milli`", "`500`", "from 0 to 0"]),
        (row("a,1,1,0,0").into(), &["line 2", "5 fields", "expected 6"]),
        (row("a,1,1,0,0,\na,1,1,0,0,").into(), &["line 3", "`name`", "`a`", "twice"]),
        (row(",1,1,0,0,").into(), &["line 2", "`name`", "is empty"]),
        ([row("").as_bytes(), b"\xff\xfe,1,1,0,0,\n"].concat(), &["not UTF-8"]),
        (gzip(&row(&"a,1,1,0,0,\n".repeat(1000)))[..60].to_vec(), &["cut short"]),
        ([&gzip(&row(""))[..12], &[0xff; 40]].concat(), &["cannot be read on"]),
        (b"\x28\xb5\x2f\xfd\x00".to_vec(), &["Zstandard"]),
        (b"\xfd7zXZ\x00\x00".to_vec(), &["cannot be read on"]),
        (
            format!("name,{}", "x".repeat(super::super::LINE_BYTES_MAX)).into(),
            &["line 1", "longer than the limit"],
        ),
    ];
    for (i, (bytes, expected)) in cases.iter().enumerate() {
        let file = Scratch::new(&format!("broken-{i}.csv"), bytes);
        let error = read_tasks(&file.0).expect_err("it is broken").to_string();
        assert!(error.contains(&format!("broken-{i}.csv")), "{error}");
        for part in *expected {
            assert!(error.contains(part), "case {i}: `{part}` is not in: {error}");
        }
    }
}

#[test]
fn every_broken_node_list_is_refused() {
    let row = |row: &str| format!("sn,cpu_milli,memory_mib,gpu,model\n{row}\n");
    let cases: Vec<(String, &[&str])> = vec![
        (row("n,1,1,2,"), &["line 2", "`model`", "2 GPUs"]),
        (row("n,1,1,0,\nn,1,1,0,"), &["line 3", "`sn`", "twice"]),
        (row("n,1,1,-2,T4"), &["`gpu`", "`-2`"]),
        (String::from("sn,cpu_milli,memory_mib,gpus,model\n"), &["`gpu`", "missing", "Maybe `gpus`"]),
        (String::from("sn,cpu_milli,memory_mib,gpu,model\n"), &["no nodes"]),
    ];
    for (i, (text, expected)) in cases.iter().enumerate() {
        let file = Scratch::new(&format!("nodes-{i}.csv"), text.as_bytes());
        let error = read_nodes(&file.0).expect_err("it is broken").to_string();
        for part in *expected {
            assert!(error.contains(part), "case {i}: `{part}` is not in: {error}");
        }
    }
}

#[test]
fn arrivals_are_read_by_seed() {
    let file = Scratch::new("arrivals.csv", b"42,pods,2,0,0,1\n42,noderank,1,0\n");
    let arrivals = read_arrivals(&file.0, 3, 2).expect("sound");
    assert_eq!(arrivals[&42], Arrivals { order: vec![2, 0, 0, 1], node_rank: vec![1, 0] });
}

#[test]
fn more_seeds_than_the_limit_are_refused() {
    let text: String = (0..=SEEDS_MAX).map(|seed| format!("{seed},pods,0\n")).collect();
    let file = Scratch::new("seeds.csv", text.as_bytes());
    let error = read_arrivals(&file.0, 3, 2).expect_err("one seed too many").to_string();
    assert!(error.contains("line 10001") && error.contains("more than 10000 seeds"), "{error}");
}

#[test]
fn every_broken_arrivals_file_is_refused() {
    let cases: [(&str, &[&str]); 8] = [
        ("x,pods,0\n", &["line 1", "`seed`", "`x`"]),
        ("1,nodes,0\n", &["`kind`", "`nodes`"]),
        ("1,pods,3\n", &["line 1", "`field 3`", "`3`", "from 0 to 2", "Maybe"]),
        ("1,pods,-1\n", &["`-1`"]),
        ("1,pods,0\n1,pods,1\n", &["line 2", "twice"]),
        ("1,pods,0\n1,noderank,0,0\n", &["line 2", "each of 0 to 1 once"]),
        ("1,pods,0\n1,noderank,0\n", &["has 1 ranks"]),
        ("1,pods,0\n", &["seed 1 has no `noderank` line"]),
    ];
    for (i, (text, expected)) in cases.iter().enumerate() {
        let file = Scratch::new(&format!("arrivals-{i}.csv"), text.as_bytes());
        let error = read_arrivals(&file.0, 3, 2).expect_err("it is broken").to_string();
        for part in *expected {
            assert!(error.contains(part), "case {i}: `{part}` is not in: {error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Bytes of any kind, and sound files with a few bytes changed, are read or refused: never a panic.
    #[test]
    fn readers_never_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        edits in proptest::collection::vec((0_usize..200, any::<u8>()), 0..6),
        packed in any::<bool>(),
    ) {
        let damaged = |text: &str| {
            let mut bytes = if packed { gzip(text) } else { text.as_bytes().to_vec() };
            for &(at, byte) in &edits {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            bytes
        };
        for bytes in [noise, damaged(NODES), damaged(TASKS), damaged("1,pods,0,1\n1,noderank,1,0\n")] {
            let file = Scratch::new("noise", &bytes);
            let _ = read_nodes(&file.0);
            let _ = read_tasks(&file.0);
            let _ = read_arrivals(&file.0, 2, 2);
        }
    }
}
