//! What is shipped to run Lepton with: the unit for systemd starts the binary as it is, on the settings that it prints itself.

mod common;

use common::{lepton, read, scratch, stderr, written};

#[test]
fn the_unit_of_systemd_starts_the_service_with_options_that_it_has() {
    let unit = read(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/lepton.service"));
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    let init = lepton(&["config", "init"]);
    assert!(init.status.success(), "{}", stderr(&init));
    let (settings, state) = (written("lepton.toml", init.stdout), scratch("state"));
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let own = |word: &&str| match *word {
        "/etc/lepton/lepton.toml" => settings.clone(),
        "/var/lib/lepton" => state.clone(),
        word => word.to_owned(),
    };
    let words: Vec<String> = words.iter().map(own).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["--source", "simulation", "--speed", "1000000", "--listen", "127.0.0.1:0", "--turns", "2"]);
    let output = lepton(&words);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    for wanted in ["ExecReload=/bin/kill -HUP $MAINPID", "SuccessExitStatus=143", "StateDirectory=lepton"] {
        assert!(unit.lines().any(|line| line == wanted), "{wanted}");
    }
}
