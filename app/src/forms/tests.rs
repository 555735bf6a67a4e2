//! Every option of every command in every form.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Command};

use super::table::{Row, TABLE};
use super::{Given, check, long};
use crate::cli;
use crate::failure::Failure;

/// Forms of the commands. Together they make use of each option that is in the table, and leave it without use.
const FORMS: &[&str] = &[
    "demo",
    "demo --output json",
    "demo --output json --serve",
    "demo --seed 1,2",
    "demo --request-factor 2",
    "simulate placement --generate openb-like",
    "simulate placement --generate training",
    "simulate placement --generate openb-like --policy fgd",
    "simulate placement --generate openb-like --snapshot-at 50",
    "simulate placement --format openb --nodes n --tasks t",
    "simulate placement --format openb --nodes n --tasks t --policy fgd",
    "simulate jobs --generate lublin",
    "simulate jobs --generate lublin --policy fcfs --backfill easy",
    "simulate jobs --generate lublin --policy fcfs --mean-hours-between-failures 9",
    "simulate jobs --generate poisson --placement topology --queue skipping",
    "simulate jobs --generate lublin --starts 0",
    "simulate jobs --format csv --trace t --policy fcfs",
    "simulate jobs --format csv --trace t --policy fcfs --failures f",
    "simulate jobs --format philly --trace t --clusters c",
    "simulate jobs --format swf --trace t",
    "simulate jobs --format swf --trace t --partitions",
    "simulate jobs --format swf --trace t --output json",
    "simulate jobs --format openb --trace t --nodes n",
    "rebalance --snapshot s",
    "rebalance --format roadef --model m --assignment a",
    "execute --snapshot s --plan p",
    "execute --format roadef --model m --assignment a --plan p",
    "train placement --generate openb-like",
    "train placement --generate training",
    "train placement --generate openb-like --resume",
    "train placement --format openb --nodes n --tasks t",
    "train jobs --generate exact",
    "train jobs --generate exact --resume",
    "train jobs --format swf --trace t",
    "policy list",
    "policy show",
    "policy compare c --generate openb-like",
    "policy compare c --generate training",
    "policy compare c --format openb --nodes n --tasks t",
    "policy promote c --serving s --generate openb-like",
    "policy promote c --serving s --generate training",
    "policy promote c --serving s --format openb --nodes n --tasks t",
    "policy compare-jobs c --generate exact",
    "policy compare-jobs c --format swf --trace t",
    "policy promote-jobs c --serving s --generate exact",
    "policy promote-jobs c --serving s --format swf --trace t",
    "policy demote --serving s",
    "policy candidates",
    "policy promote-candidate c1",
    "policy demote-candidate",
    "generate reassignment --model m --assignment a",
    "generate reassignment --model m --assignment a --resources 1",
    "simulate faults",
    "simulate replay b",
    "snapshot",
    "risk --train t --input i",
    "risk --counters --label l --train t --input i",
    "risk --logs l",
    "forecast --input i --time t --targets a",
    "forecast --input i --time t --targets a --model naive",
    "forecast --input i --time t --targets a --model naive --compare source-64-32-1",
    "forecast --input i --time t --targets a --load f",
    "serve",
    "serve --source simulation",
    "serve --source prometheus",
    "serve --source kubernetes",
    "serve --source kafka",
    "serve --store-url sqlite:///f",
    "serve --tls-cert c --tls-key k",
    "status",
    "load",
    "ledger",
    "get nodes",
    "explain t",
    "plan list",
    "plan show p1",
    "plan diff p1 p2",
    "plan derive p1 --without 1.0",
    "plan snooze p1 --minutes 5",
    "plan snoozes",
    "plan unsnooze s1",
    "trial burst",
    "whatif --drain n",
    "whatif --submit-like t",
    "whatif --demand cpu_millicores=1",
    "whatif --drain n --at 1 --recording f",
    "token create --name n --role viewer",
    "token list",
    "token revoke i",
    "config check f",
    "config init",
    "config schema",
    "plan approve p1",
    "plan reject p1",
    "completion bash",
];

/// The commands that do something, as they are typed.
fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
    let inner: Vec<&Command> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
    if inner.is_empty() {
        found.push(path.trim_start().to_owned());
    }
    inner.into_iter().for_each(|c| leaves(c, &format!("{path} {}", c.get_name()), found));
}

#[test]
fn every_command_has_a_form_that_is_tried() {
    let mut commands = Vec::new();
    leaves(&cli::command(), "", &mut commands);
    for command in commands {
        let tried = FORMS.iter().any(|form| *form == command || form.starts_with(&format!("{command} ")));
        assert!(tried, "no form of `{command}`");
    }
}

/// Values of which every option takes one.
const VALUES: [&str; 8] = ["3", "0.5", "1/2", "2..5", "60s", "fgd", "fcfs", "file"];

/// The command that the words begin with.
fn command_of(words: &[String]) -> Command {
    let mut command = cli::command();
    command.build();
    for word in &words[1..] {
        let Some(inner) = command.find_subcommand(word) else { break };
        command = inner.clone();
    }
    command
}

fn words(line: &str) -> Vec<String> {
    std::iter::once("lepton").chain(line.split(' ')).map(str::to_owned).collect()
}

fn parse(words: &[String]) -> Option<ArgMatches> {
    cli::command().try_get_matches_from(words).ok()
}

/// The form with the option, if the parser takes them together.
fn with(form: &[String], option: &Arg) -> Option<ArgMatches> {
    let long = format!("--{}", option.get_long()?);
    if !option.get_action().takes_values() {
        return parse(&[form, &[long]].concat());
    }
    let own: Vec<String> = option.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let values = own.into_iter().chain(VALUES.map(str::to_owned));
    values.into_iter().find_map(|value| parse(&[form, &[long.clone(), value]].concat()))
}

#[test]
fn the_forms_themselves_are_taken() {
    for form in FORMS {
        let matches = parse(&words(form)).unwrap_or_else(|| panic!("not parsed: {form}"));
        assert!(check(&matches).is_ok(), "{form}");
    }
}

#[test]
fn every_option_of_the_table_is_one_of_its_commands() {
    for row in TABLE {
        for command in row.commands {
            let command = command_of(&words(command));
            assert!(command.get_arguments().any(|a| a.get_id() == row.option), "{}", row.option);
        }
    }
}

#[test]
fn an_option_is_refused_in_the_forms_that_make_no_use_of_it_and_in_no_other() {
    let mut met: BTreeMap<(String, String), [usize; 2]> = BTreeMap::new();
    for form in FORMS {
        let form_words = words(form);
        for option in command_of(&form_words).get_arguments() {
            let Some(matches) = with(&form_words, option).or_else(|| parse(&form_words)) else { continue };
            let given = Given::innermost(&matches);
            let id = option.get_id().as_str();
            if !given.typed(id) {
                continue; // The parser does not take it here.
            }
            let of_command = |row: &&Row| row.commands.contains(&given.command.as_str());
            // An option may take the use from another one.
            let useless: Vec<&str> = (TABLE.iter().filter(of_command))
                .filter(|row| given.typed(row.option) && !row.forms.iter().any(|f| (f.holds)(&given)))
                .map(|row| row.option)
                .collect();
            match check(&matches) {
                Ok(()) => assert!(useless.is_empty(), "{form} --{id} is taken"),
                Err(Failure::Input(said)) => {
                    let told = |id: &&str| {
                        said.starts_with(&format!("{} has no effect in `lepton ", long(&given.command, id)))
                    };
                    assert!(useless.iter().any(told), "{form}: {said}");
                    assert!(said.contains(": it belongs to "), "{said}");
                }
                Err(other) => panic!("{form} --{id}: {other:?}"),
            }
            if TABLE.iter().filter(of_command).any(|row| row.option == id) {
                let taken = usize::from(!useless.contains(&id));
                met.entry((given.command.clone(), id.to_owned())).or_default()[taken] += 1;
            }
        }
    }
    // The parser refuses some pairs first, so that here they are only met where they belong.
    for ((command, option), [_, taken]) in &met {
        assert!(*taken > 0, "no form of `{command}` makes use of {option}");
    }
    assert!(met.values().filter(|[refused, _]| *refused > 0).count() >= 20, "{met:?}");
}

#[test]
fn the_message_names_the_option_the_form_and_what_it_belongs_to() {
    for (line, said) in [
        (
            "simulate jobs --format csv --trace t --policy fcfs --jobs-count 5",
            "--jobs-count has no effect in `lepton simulate jobs --format csv --policy fcfs`: it belongs to `--generate`",
        ),
        (
            "simulate jobs --format csv --trace t --policy fcfs --model m",
            "--model has no effect in `lepton simulate jobs --format csv --policy fcfs`: it belongs to runs of the \
             policy `lepton`",
        ),
        (
            "train jobs --generate exact --resume --config c",
            "--config has no effect in `lepton train jobs --generate exact --resume`: it belongs to a training that \
             begins, without `--resume`",
        ),
    ] {
        let matches = parse(&words(line)).unwrap_or_else(|| panic!("not parsed: {line}"));
        match check(&matches) {
            Err(Failure::Input(message)) => assert_eq!(message, said),
            other => panic!("{line}: {other:?}"),
        }
    }
}
