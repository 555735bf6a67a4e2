//! Arguments of `lepton risk` and `lepton simulate faults`.

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{ArgGroup, Args};
use lepton_sim::generate::{FAULT_NODES_MAX, FAULT_PRESETS};

use crate::output::OutputFormat;
use crate::seeds::{Seeds, seeds};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["train", "load", "logs"]),
    after_help = "Telemetry: --train holds readings that are mostly normal and need no labels, --input what is to be judged; both
are a CSV of one machine or a folder with one for each machine (of NAME_train.csv and NAME_test.csv in one
folder, the first are learned from and the second judged). A row is a bin of time, a column a metric; a column
`t`, `time` or `timestamp` tells the time, without one rows follow each other. Missing bins, counters that
start anew, duplicates, time zones, constant and empty metrics are handled, and said on stderr.

Counters: a row for each part (a drive) and moment, in order of time; --train has a column of 0 and 1 that
says which rows came soon before a failure. Columns whose name contains `fail` are never learned from.

Logs: kernel ring buffer, syslog, or the journal's export (`journalctl -o export` or `-o json`).

Examples:
  lepton risk --train machine.csv --input today.csv --period 1m
  lepton risk --train servers/ --input servers/ --period 5m --budget 1/day \\
      --predictions scores.csv --report risk.html
  lepton risk --counters --label fail_30d --train known.csv.gz --input fleet.csv.gz \\
      --predictions risk.csv --save drives.json
  lepton risk --counters --load drives.json --input fleet.csv.gz
  lepton risk --logs kern.log"
)]
pub(crate) struct RiskArgs {
    /// Telemetry to learn what is normal from: a CSV, or a folder with one for each machine
    #[arg(long, value_name = "PATH", requires = "input")]
    pub(crate) train: Option<PathBuf>,
    /// Telemetry, or counters, to judge
    #[arg(long, value_name = "PATH", conflicts_with = "logs")]
    pub(crate) input: Option<PathBuf>,
    /// The files hold counters of parts (drives, memory modules), not telemetry
    #[arg(long, requires = "input")]
    pub(crate) counters: bool,
    /// Column of --train that says which rows came soon before a failure: 1 or 0
    #[arg(long, value_name = "COLUMN", requires = "counters", conflicts_with = "load", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,
    /// Column that names the part [default: `disk`, `drive`, `serial_number`, `serial` or `part`]
    #[arg(long, value_name = "COLUMN", requires = "counters", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) part: Option<String>,
    /// Columns to learn from, separated by commas [default: all that do not tell the outcome]
    #[arg(
        long,
        value_name = "A,B,..",
        value_delimiter = ',',
        requires = "counters",
        conflicts_with = "load"
    )]
    pub(crate) features: Vec<String>,
    /// Keep what was learned of counters
    #[arg(long, value_name = "FILE", requires = "counters", conflicts_with = "load")]
    pub(crate) save: Option<PathBuf>,
    /// Judge by what `--save` kept, learning nothing
    #[arg(long, value_name = "FILE", requires = "counters")]
    pub(crate) load: Option<PathBuf>,
    /// Seed of the training of --counters
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "load")]
    pub(crate) seed: u64,
    /// Logs to look for messages of faults in, one or several
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) logs: Vec<PathBuf>,
    /// List of messages in the place of the built-in one
    #[arg(long, value_name = "FILE", requires = "logs")]
    pub(crate) patterns: Option<PathBuf>,
    /// Length of a bin of telemetry: `30s`, `5m`, `1h`
    #[arg(long, default_value = "5m", value_parser = period)]
    pub(crate) period: u32,
    /// Column that tells the time [default: `t`, `time` or `timestamp`, if there is one]
    #[arg(long, value_name = "COLUMN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) time: Option<String>,
    /// Episodes of alarm that a machine that is well may raise: `1/day`, `3/week`
    #[arg(long, default_value = "1/day", value_parser = budget)]
    pub(crate) budget: f64,
    /// Write every score to this file, as CSV
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) predictions: Option<PathBuf>,
    /// Write a report page on telemetry to this file
    #[arg(long, value_name = "FILE", requires = "train", conflicts_with = "counters")]
    pub(crate) report: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Nodes of eight GPUs fail at the published rate of the preset, by the causes of the Llama 3 training. Shown are
mean time to failure and effective training time beside their closed forms, lemon nodes found by their past and
what it brings to leave them out, and chances of failure from signs beside what became of the nodes.

Examples:
  lepton simulate faults --preset lemons --seed 1..=5
  lepton simulate faults --preset rsc1 --log kernel.log --nodes-count 200"
)]
pub(crate) struct FaultsArgs {
    /// Rates at which nodes fail
    #[arg(long, default_value = "rsc1", value_parser = fault_presets())]
    pub(crate) preset: String,
    /// Nodes among which lemons are looked for
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(64..=i64::from(FAULT_NODES_MAX)))]
    pub(crate) nodes_count: u32,
    /// Days that are watched
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
    /// Seeds: a range `1..=5`, a list `1,5,9`, or one number
    #[arg(long = "seed", alias = "seeds", value_name = "SEEDS", default_value = "1..=5", value_parser = seeds)]
    pub(crate) seeds: Seeds,
    /// Write the messages of the nodes to this file, as a syslog
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Keep what was learned of signs in this file, for `risk_model` of `lepton serve`
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

fn fault_presets() -> PossibleValuesParser {
    PossibleValuesParser::new(FAULT_PRESETS.map(|p| p.name))
}

/// Reads a period: from a second to a day.
fn period(text: &str) -> Result<u32, String> {
    let bad = || "expected a number of seconds, minutes or hours up to a day, as 30s, 5m or 1h".to_owned();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u32 = text[..text.len() - unit.len()].parse().map_err(|_| bad())?;
    let seconds = match unit {
        "s" | "" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        _ => None,
    };
    seconds.filter(|s| (1..=86_400).contains(s)).ok_or_else(bad)
}

/// Reads a budget as episodes a day.
fn budget(text: &str) -> Result<f64, String> {
    let (count, per) = text.split_once('/').unwrap_or((text, "day"));
    let days = match per {
        "hour" => 1.0 / 24.0,
        "day" => 1.0,
        "week" => 7.0,
        "month" => 30.0,
        _ => f64::NAN,
    };
    match count.trim().parse::<f64>().map(|n| n / days) {
        Ok(a_day) if a_day > 0.0 && a_day <= 1000.0 => Ok(a_day),
        _ => Err("expected alarms for each machine and hour, day, week or month, as 1/day".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_budgets_have_units() {
        assert_eq!(["30s", "5m", "1h", "60"].map(|t| period(t).unwrap()), [30, 300, 3600, 60]);
        assert_eq!(["1/day", "2", "7/week", "1/hour"].map(|t| budget(t).unwrap()), [1.0, 2.0, 1.0, 24.0]);
        for bad in ["", "m", "0s", "5d", "-1m", "2m3s", "99999999999h", "25h", "\u{e9}m"] {
            assert!(period(bad).is_err(), "{bad}");
        }
        for bad in ["", "0/day", "-1/day", "1/year", "NaN", "inf/day"] {
            assert!(budget(bad).is_err(), "{bad}");
        }
    }
}
