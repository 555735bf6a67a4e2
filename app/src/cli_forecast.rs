//! The options of `lepton forecast`.

use std::path::PathBuf;

use clap::Args;
use lepton_core::analyze::forecast::{HORIZON_MAX, MODEL_KINDS, ModelKind};
use lepton_sim::readers::Target;

use crate::output::OutputFormat;

/// Longest period of a bin: a day.
const PERIOD_SECONDS_MAX: u32 = 86_400;
/// Latest bin that can be named.
const BIN_MAX: usize = 100_000_000;
/// Most origins.
const ORIGINS_MAX: usize = 1_000_000;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lepton forecast --input load.csv --series vm --time t --targets cpu=cpu_pct,net=rx+tx --horizon 12 --peak
      fits on all of the file and forecasts the hour after it
  lepton forecast --input load.csv.gz --series vm --time t --targets cpu=cpu_pct --train-until 6047 --origins 6047:8627:37 \\
      --horizon 12 --peak --compare naive,source-64-32-1 --predictions out.csv --report out.html
      fits on bins 0 to 6047 and says what forecasts after every 37th bin were worth
  lepton forecast ... --save fitted.safetensors, then --load fitted.safetensors with newer input: no training

Times are whole numbers of bins (see --unit), seconds or milliseconds since 1970, or RFC 3339 text with its offset. Rows of one bin are
averaged, bins without rows stay missing: they are not scored. A target rate(column) is the rise per second of a counter; where it falls, the
counter was reset and the bin is missing.")]
pub(crate) struct ForecastArgs {
    /// Recorded load: CSV with a header, plain, .gz, .xz or .zst
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Column that names the series (a node, a VM); without it the file is one series
    #[arg(long, value_name = "COLUMN")]
    pub(crate) series: Option<String>,
    /// Column with the time
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: String,
    /// Length of a bin, e.g. 15s, 5m, 1h; a day must be a whole number of them
    #[arg(long, default_value = "5m", value_parser = period)]
    pub(crate) period: u32,
    /// What one unit of whole numbers in the time column is, e.g. 5m; the period when not given
    #[arg(long, value_parser = period)]
    pub(crate) unit: Option<u32>,
    /// What is forecast: NAME=COLUMN, NAME=COLUMN+COLUMN for sums, NAME=rate(COLUMN) for counters; several by commas
    #[arg(long, value_name = "TARGETS", value_parser = target, value_delimiter = ',', required = true)]
    pub(crate) targets: Vec<Target>,
    /// Last bin that is fitted on; the first origin when not given
    #[arg(long, value_name = "BIN", value_parser = bin)]
    pub(crate) train_until: Option<usize>,
    /// Bins after which forecasts are made, FROM:TO:STEP or one bin; the last bin when not given
    #[arg(long, value_name = "BINS", value_parser = origins)]
    pub(crate) origins: Option<OriginBins>,
    /// How many bins ahead
    #[arg(long, value_name = "BINS", default_value_t = 12, value_parser = horizon)]
    pub(crate) horizon: usize,
    /// Forecast the highest value of the horizon too (h = 0 in the predictions)
    #[arg(long)]
    pub(crate) peak: bool,
    /// Levels of the quantiles, ascending, between 0 and 1
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', default_value = "0.5,0.9,0.95")]
    pub(crate) quantiles: Vec<f64>,
    /// Which model: auto mixes for each series what has earned it
    #[arg(long, default_value = "auto", value_parser = model, help = model_help())]
    pub(crate) model: ModelKind,
    /// Models to compare with, beside naive; several by commas
    #[arg(long, value_name = "MODELS", value_delimiter = ',', value_parser = model)]
    pub(crate) compare: Vec<ModelKind>,
    /// Write the forecasts: series, origin, h, and a column for each quantile
    #[arg(long, value_name = "FILE")]
    pub(crate) predictions: Option<PathBuf>,
    /// Write a page: predicted against actual, fans, coverage, the comparison
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Keep what was fitted
    #[arg(long, value_name = "FILE", conflicts_with = "load")]
    pub(crate) save: Option<PathBuf>,
    /// Use what `--save` kept instead of training
    #[arg(long, value_name = "FILE", conflicts_with = "train_until")]
    pub(crate) load: Option<PathBuf>,
    /// Widths of the global network's hidden layers, 1 to 3 of 1 to 1024, by commas [default: 256,128]
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', num_args = 1..=3, conflicts_with = "load",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) units: Vec<u16>,
    /// Seed of the training
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads; all processors when not given. The result does not depend on them
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

/// Ascending bins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginBins(pub(crate) Vec<usize>);

fn model_help() -> String {
    let names: Vec<&str> = MODEL_KINDS.iter().map(|(_, name)| *name).collect();
    format!(
        "Which model; auto mixes for each series what has earned it [possible values: {}]",
        names.join(", ")
    )
}

fn model(text: &str) -> Result<ModelKind, String> {
    text.parse()
}

/// Reads `15s`, `5m`, `1h` or `1d`.
pub(crate) fn period(text: &str) -> Result<u32, String> {
    let expected = || format!("`{text}` is no period; expected e.g. 15s, 5m or 1h, at most a day");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    let seconds = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(unit));
    seconds.filter(|s| (1..=PERIOD_SECONDS_MAX).contains(s)).ok_or_else(expected)
}

/// Reads `cpu=cpu_pct`, `net=rx+tx`, `io=rate(bytes)` or a column alone.
fn target(text: &str) -> Result<Target, String> {
    let (name, columns) = text.split_once('=').unwrap_or((text, text));
    let inner = columns.strip_prefix("rate(").and_then(|c| c.strip_suffix(')'));
    let fields: Vec<String> = inner.unwrap_or(columns).split('+').map(|c| c.trim().to_owned()).collect();
    if name.is_empty() || fields.iter().any(String::is_empty) {
        return Err(format!(
            "`{text}` is no target; expected NAME=COLUMN, NAME=COLUMN+COLUMN or NAME=rate(COLUMN)"
        ));
    }
    Ok(Target { name: name.to_owned(), columns: fields, counter: inner.is_some() })
}

fn bin(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|b| *b <= BIN_MAX)
        .ok_or_else(|| format!("`{text}` is no bin from 0 to {BIN_MAX}"))
}

fn horizon(text: &str) -> Result<usize, String> {
    let expected = || format!("expected 1 to {HORIZON_MAX} bins");
    text.parse().ok().filter(|h| (1..=HORIZON_MAX).contains(h)).ok_or_else(expected)
}

/// Reads `FROM:TO:STEP` (both ends taken) or one bin.
fn origins(text: &str) -> Result<OriginBins, String> {
    let parts = text.split(':').map(bin).collect::<Result<Vec<usize>, String>>()?;
    let (from, to, step) = match parts[..] {
        [one] => (one, one, 1),
        [from, to] => (from, to, 1),
        [from, to, step] => (from, to, step),
        _ => return Err(format!("`{text}` are no origins; expected FROM:TO:STEP")),
    };
    if step == 0 || from > to || (to - from) / step.max(1) >= ORIGINS_MAX {
        return Err(format!(
            "`{text}`: expected FROM up to TO, a STEP from 1, at most {ORIGINS_MAX} origins"
        ));
    }
    Ok(OriginBins((from..=to).step_by(step).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_unit_and_an_upper_bound() {
        assert_eq!(period("15s"), Ok(15));
        assert_eq!(period("5m"), Ok(300));
        assert_eq!(period("1h"), Ok(3600));
        for bad in ["", "5", "m", "0s", "2d", "-5m", "5min", "99999999999h", "é"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn targets_are_columns_sums_and_counters() {
        let net = target("net=rx+tx").unwrap();
        assert_eq!((net.name.as_str(), net.columns.len(), net.counter), ("net", 2, false));
        let io = target("io=rate(bytes)").unwrap();
        assert_eq!((io.columns.as_slice(), io.counter), (&["bytes".to_owned()][..], true));
        assert_eq!(target("cpu").unwrap().columns, ["cpu"]);
        for bad in ["", "=x", "x=", "x=a+", "x=rate()"] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_take_both_ends() {
        assert_eq!(origins("5:11:3"), Ok(OriginBins(vec![5, 8, 11])));
        assert_eq!(origins("7"), Ok(OriginBins(vec![7])));
        for bad in ["", "5:4", "1:9:0", "a:b:c", "1:2:3:4", "0:100000000:1"] {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }
}
