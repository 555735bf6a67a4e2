//! What the reader of the machine reassignment format accepts, refuses and says.

use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// The worked example of the challenge's problem statement, in one line.
const MODEL: &str = "2 1 100 0 10 4 0 0 30 400 16 80 0 1 4 5 0 0 10 240 8 160 1 0 3 4 1 1 15 100 12 80 4 3 0 2 \
                     1 2 10 100 8 80 5 4 2 0 2 2 0 1 1 0 3 0 12 10 1000 0 10 20 100 1 6 200 1 1 0 1 20 10 1 10 100";
const ASSIGNMENT: &str = "0 3 0";

fn input(text: &[u8]) -> Box<dyn BufRead> {
    Box::new(BufReader::new(Cursor::new(text.to_vec())))
}

fn read(model: &str, assignment: &str) -> Result<RebalanceProblem, InputError> {
    read_reassignment_from(
        (Path::new("model.txt"), input(model.as_bytes())),
        (Path::new("assignment.txt"), input(assignment.as_bytes())),
    )
}

/// The model with its `n`th number (from 0) replaced.
fn with(n: usize, value: &str) -> String {
    let mut words: Vec<&str> = MODEL.split(' ').collect();
    words[n] = value;
    words.join(" ")
}

fn refusal(model: &str, assignment: &str) -> String {
    read(model, assignment).expect_err("the input is broken").to_string()
}

#[test]
fn the_worked_example_costs_what_its_statement_says() {
    let problem = read(MODEL, ASSIGNMENT).expect("the example is sound");
    assert_eq!(problem.cost(problem.initial()).total(), 4200);
    assert_eq!(problem.cost(&[0, 2, 0]).total(), 3510);
    assert_eq!(problem.cost(&[0, 2, 1]).total(), 2411);
}

#[test]
fn line_breaks_carry_no_meaning() {
    let lines = MODEL.replace(' ', "\r\n\t ");
    let (one, other) = (read(MODEL, ASSIGNMENT), read(&lines, "\n0\n3\n0\n\n"));
    assert_eq!(one.expect("sound").parts(), other.expect("sound").parts());
}

#[test]
fn a_bad_number_is_named_by_section_position_line_and_value() {
    let cases = [
        (0, "0", "column `number of resources`, value `0`: expected a whole number from 1 to 64"),
        (1, "2", "column `transient flag of resource 0`, value `2`: expected a whole number from 0 to 1"),
        (8, "-30", "column `capacity of machine 0, number 0 of 0 to 1`, value `-30`: expected a whole"),
        (15, "4.5", "column `move cost of machine 0, number 3 of 0 to 3`, value `4.5`"),
        (8, "4294967296", "value `4294967296`: expected a whole number from 0 to 4294967295"),
        (8, "NaN", "value `NaN`"),
        (51, "2", "column `dependency of service 1`, value `2`: expected a whole number from 0 to 1"),
        (53, "2", "column `service of process 0`, value `2`"),
        (66, "2", "column `first resource of balance goal 0`, value `2`"),
    ];
    for (n, value, expected) in cases {
        let said = refusal(&with(n, value), ASSIGNMENT);
        assert!(said.starts_with("model.txt, line 1, ") && said.contains(expected), "{said}");
    }
}

#[test]
fn a_model_that_ends_too_early_says_what_is_missing() {
    let words: Vec<&str> = MODEL.split(' ').collect();
    let said = refusal(&words[..words.len() - 1].join("\n"), ASSIGNMENT);
    assert!(said.contains("line 72, column `weight of machine moves`: the file ends here"), "{said}");
    let said = refusal(MODEL, "0 3");
    assert!(said.contains("assignment.txt, line 1, column `machine of process 2`: the file ends"), "{said}");
}

#[test]
fn numbers_left_over_are_refused() {
    let said = refusal(&format!("{MODEL}\n7"), ASSIGNMENT);
    assert!(
        said.contains("line 2, value `7`: expected the end of the file after the three weights"),
        "{said}"
    );
    let said = refusal(MODEL, "0 3 0 1");
    assert!(said.contains("after a machine for each process of the model"), "{said}");
}

#[test]
fn an_assignment_that_breaks_a_rule_is_refused_with_the_rule() {
    let said = refusal(MODEL, "0 1 0");
    assert!(said.contains("assignment.txt: the running placement breaks a rule"), "{said}");
    assert!(said.contains("service 0 stands in 1 locations, it must stand in at least 2"), "{said}");
    let said = refusal(MODEL, "0 4 0");
    assert!(said.contains("column `machine of process 1`, value `4`: expected a whole number from 0 to 3"));
}

#[test]
fn a_machine_that_charges_for_staying_is_refused() {
    let said = refusal(&with(12, "1"), ASSIGNMENT);
    assert!(said.contains("node 0 has a cost of 1 for moving to itself"), "{said}");
}

#[test]
fn an_endless_number_is_not_kept_in_memory() {
    let said = refusal(&with(0, &"9".repeat(1 << 20)), ASSIGNMENT);
    assert!(said.len() < 300, "{}", said.len());
}

#[test]
fn the_published_initial_costs_are_met() {
    let folder = std::env::var_os("LEPTON_DATA").map(|d| PathBuf::from(d).join("machine-reassignment"));
    let Some(folder) = folder.filter(|f| f.is_dir()) else {
        assert!(std::env::var_os("CI").is_none(), "LEPTON_DATA must hold machine-reassignment in CI");
        return;
    };
    let published = [
        ("a1_1", 49_528_750),
        ("a1_2", 1_061_649_570),
        ("a1_3", 583_662_270),
        ("a1_4", 632_499_600),
        ("a1_5", 782_189_690),
        ("a2_1", 391_189_190),
        ("a2_2", 1_876_768_120),
        ("a2_3", 2_272_487_840),
        ("a2_4", 3_223_516_130),
        ("a2_5", 787_355_300),
    ];
    for (name, cost) in published {
        let file = |kind: &str| folder.join(format!("{kind}_{name}.txt.gz"));
        let problem = read_reassignment(&file("model"), &file("assignment")).expect("the instance is sound");
        assert_eq!(problem.cost(problem.initial()).total(), cost, "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_reassignment_from(
            (Path::new("m"), input(&bytes)),
            (Path::new("a"), input(ASSIGNMENT.as_bytes())),
        );
    }

    #[test]
    fn no_damaged_model_makes_the_reader_panic(n in 0..72_usize, value in any::<i64>(), small in 0..9_u8) {
        let _ = read(&with(n, &value.to_string()), ASSIGNMENT);
        let _ = read(&with(n, &small.to_string()), ASSIGNMENT);
    }
}
