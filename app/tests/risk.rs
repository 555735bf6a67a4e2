//! `lepton risk` and `lepton simulate faults` as people call them.

mod common;

use common::{json, lepton, read, scratch, stderr, written};

/// Days of a machine with a daily rhythm, a row each ten minutes; some rows are off by `fault`.
fn machine(days: usize, faults: std::ops::Range<usize>) -> String {
    let row = |i: usize| {
        let wave = (i as f64 / 144.0 * std::f64::consts::TAU).sin();
        let noise = ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 24);
        let off = if faults.contains(&i) { 9.0 } else { 0.0 };
        format!("{:.4},{:.4}\n", 10.0 + 5.0 * wave + noise + off, noise)
    };
    let rows: String = (0..days * 144).map(row).collect();
    format!("load,noise\n{rows}")
}

#[test]
fn an_anomaly_is_an_alarm_that_names_its_metric() {
    let (train, input) =
        (written("a_train.csv", machine(15, 0..0)), written("a_test.csv", machine(2, 50..60)));
    let scores = scratch("scores.csv");
    let budget = ["--period", "10m", "--budget", "1/week"];
    let files = ["risk", "--train", &train, "--input", &input, "--predictions", &scores, "--output", "json"];
    let result = json(&lepton(&[&files[..], &budget[..]].concat()));
    let worst = &result["machines"][0]["episodes"][0];
    assert_eq!(worst["metrics"][0][0], "load", "{result}");
    assert!((50..60).contains(&worst["first"].as_u64().unwrap()), "{worst}");
    let rows = read(&scores);
    assert_eq!(rows.lines().count(), 1 + 2 * 144);
    assert!(rows.starts_with("machine,t,score,alarm\n") && rows.contains(",50,"));
}

#[test]
fn drives_whose_counters_grow_are_ranked_first() {
    let drives = |from: u32, count: u32| {
        let rows = (from..from + count).flat_map(|d| {
            let fails = d % 5 == 0;
            (0..6_u32).map(move |r| {
                let errors = if fails { r * r } else { 0 };
                format!(
                    "d{d},{},{},{errors},{}\n",
                    ["M1", "M2"][d as usize % 2],
                    r * 720,
                    u8::from(fails && r > 3)
                )
            })
        });
        format!("disk,model,age_h,errors,fail_30d\n{}", rows.collect::<String>())
    };
    let (train, input) = (written("known.csv", drives(0, 100)), written("fleet.csv", drives(200, 20)));
    let scores = scratch("rows.csv");
    let command = [
        "risk",
        "--counters",
        "--label",
        "fail_30d",
        "--train",
        &train,
        "--input",
        &input,
        "--output",
        "json",
    ];
    let result = json(&lepton(&[&command[..], &["--predictions", &scores]].concat()));
    let parts = result["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 20);
    for part in &parts[..4] {
        let name: u32 = part["part"].as_str().unwrap()[1..].parse().unwrap();
        assert_eq!(name % 5, 0, "{result}");
        assert!(part["reasons"][0].as_str().unwrap().starts_with("errors 25 (+9"), "{part}");
        assert!(part["chance"].as_f64() > parts[10]["chance"].as_f64());
    }
    assert_eq!(read(&scores).lines().count(), 121);
    // What was learned is kept, and judges the same as at once.
    let kept = scratch("drives.json");
    json(&lepton(&[&command[..], &["--save", &kept]].concat()));
    let again =
        json(&lepton(&["risk", "--counters", "--load", &kept, "--input", &input, "--output", "json"]));
    assert_eq!(again, result);
    let damaged = written("damaged.json", read(&kept).replacen("\"feature\":", "\"feature\":60", 1));
    let refused = lepton(&["risk", "--counters", "--load", &damaged, "--input", &input]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("asks for a feature that there is not"), "{}", stderr(&refused));
}

#[test]
fn messages_of_faults_are_told_by_node() {
    let log = "Nov 29 01:02:03 n1 kernel: [ 1.0] EXT4-fs (sda1): Remounting filesystem read-only\n\
               Nov 29 01:02:04 n1 kernel: [ 2.0] usb 1-1: new device\n\
               Nov 29 01:02:05 n2 kernel: [ 3.0] mce: [Hardware Error]: Machine check events logged\n";
    let log = written("kern.log", log);
    let result = json(&lepton(&["risk", "--logs", &log, "--output", "json"]));
    assert_eq!((result["lines"].as_u64(), result["matched"].as_u64()), (Some(3), Some(2)));
    assert_eq!(result["nodes"][0]["node"], "n1");
    assert_eq!(result["nodes"][0]["messages"][0]["name"], "ext4-read-only");
    assert_eq!(result["nodes"][1]["warnings"], 1);
}

#[test]
fn a_wrong_call_says_what_is_expected() {
    let train = written("t.csv", "a\n1\n");
    for (args, said) in [
        (vec!["risk"], "--train <PATH>|--load <FILE>|--logs"),
        (vec!["risk", "--train", &train], "--input <PATH>"),
        (vec!["risk", "--counters", "--input", &train, "--load", &train], "is no model of counters"),
        (
            vec!["risk", "--train", &train, "--input", &train],
            "has 1 bins to learn from, expected at least 20",
        ),
        (vec!["risk", "--train", &train, "--input", &train, "--counters"], "--label COLUMN"),
        (vec!["risk", "--logs", "no-such.log"], "no-such.log: cannot be read"),
        (vec!["simulate", "faults", "--preset", "lemon"], "lemons"),
    ] {
        let output = lepton(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
}
