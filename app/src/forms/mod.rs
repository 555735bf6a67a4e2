//! Options that would have no effect are refused. The parser knows which options need or exclude each other; which ones
//! belong to which form of a command is said in one [table](table::TABLE), and options that are not in it belong to all.

mod table;
#[cfg(test)]
mod tests;

use clap::ArgMatches;
use clap::parser::ValueSource;

use self::table::{Row, SHAPE, TABLE};
use crate::cli;
use crate::failure::Failure;

/// A form of a command: a way of using it.
#[derive(Clone, Copy)]
struct Form {
    /// What makes it, as it follows "belongs to".
    name: &'static str,
    holds: fn(&Given<'_>) -> bool,
}

/// What was given to a command.
struct Given<'a> {
    /// The command, as typed: `simulate jobs`.
    command: String,
    matches: &'a ArgMatches,
}

impl<'a> Given<'a> {
    /// The innermost command of the command line.
    fn innermost(mut matches: &'a ArgMatches) -> Self {
        let mut command = Vec::new();
        while let Some((name, inner)) = matches.subcommand() {
            command.push(name);
            matches = inner;
        }
        Self { command: command.join(" "), matches }
    }

    /// Whether the option stands on the command line.
    fn typed(&self, option: &str) -> bool {
        // Asking for an option that the command does not have would be a fault.
        self.matches.ids().any(|id| id.as_str() == option)
            && self.matches.value_source(option) == Some(ValueSource::CommandLine)
    }

    /// The values of the option, also those that it has of itself.
    fn values(&self, option: &str) -> Vec<String> {
        let raw = self.matches.try_get_raw(option).ok().flatten();
        raw.into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect()
    }

    fn has_value(&self, option: &str, wanted: &str) -> bool {
        // Lists are split by the parser, but not in what was typed.
        self.values(option).iter().any(|value| value.split(',').any(|one| one == wanted))
    }

    /// The command with the options that make its form.
    fn shape(&self) -> String {
        let mut shape = format!("lepton {}", self.command);
        for option in SHAPE.iter().filter(|option| self.typed(option)) {
            let value = self.values(option).join(",");
            let flag = self.matches.try_get_one::<bool>(option).is_ok();
            shape += &format!(" {}", long(&self.command, option));
            shape += &if flag { String::new() } else { format!(" {value}") };
        }
        shape
    }
}

/// The option of a command as it is typed.
fn long(command: &str, option: &str) -> String {
    let mut definition = cli::command();
    for word in command.split(' ') {
        if let Some(inner) = definition.find_subcommand(word) {
            definition = inner.clone();
        }
    }
    let found = definition.get_arguments().find(|arg| arg.get_id() == option);
    format!("--{}", found.and_then(|arg| arg.get_long()).unwrap_or(option))
}

/// Refuses options that would have no effect.
///
/// # Errors
/// Names the option, the form of the command, and what the option belongs to.
pub(crate) fn check(matches: &ArgMatches) -> Result<(), Failure> {
    let given = Given::innermost(matches);
    let of_command = |row: &&Row| row.commands.contains(&given.command.as_str());
    for Row { option, forms, .. } in TABLE.iter().filter(of_command) {
        if given.typed(option) && !forms.iter().any(|form| (form.holds)(&given)) {
            let names: Vec<&str> = forms.iter().map(|form| form.name).collect();
            return Err(Failure::Input(format!(
                "{} has no effect in `{}`: it belongs to {}",
                long(&given.command, option),
                given.shape(),
                names.join(" or ")
            )));
        }
    }
    Ok(())
}
