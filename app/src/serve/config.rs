//! The settings of the service: defaults, then the file of `--config`, then options.

use std::net::SocketAddr;
use std::path::Path;

use lepton_core::cycle::Mode;
use lepton_sim::readers::InputError;
use toml::{Table, Value};

use crate::toml_file::{TomlFile, read_toml};

const KEYS: [&str; 7] =
    ["schema_version", "mode", "listen", "require_tokens", "state_dir", "speed", "simulation"];
const SIMULATION_KEYS: [&str; 4] = ["seed", "nodes_count", "hours", "load"];
const MODES: [(&str, Mode); 3] =
    [("observe", Mode::Observe), ("recommend", Mode::Recommend), ("act", Mode::Act)];

/// The name of a mode.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    MODES.iter().find(|(_, of)| *of == mode).map_or("", |(name, _)| name)
}

/// The mode of that name.
pub(crate) fn mode_named(name: &str) -> Result<Mode, String> {
    let known = MODES.iter().find(|(of, _)| *of == name);
    known.map(|(_, mode)| *mode).ok_or_else(|| "expected observe, recommend or act".to_owned())
}

/// An address with a port. Beyond this machine tokens are asked for.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address with a port, as 127.0.0.1:7717".to_owned())
}

/// A speed: above 0, at most a million.
pub(crate) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed <= 1e6 => Ok(speed),
        _ => Err("expected simulated seconds per second, above 0 and at most 1000000".to_owned()),
    }
}

/// The simulated cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Simulation {
    pub(crate) seed: u64,
    pub(crate) nodes_count: usize,
    pub(crate) hours: u32,
    pub(crate) load: f64,
}

/// The settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServeConfig {
    pub(crate) mode: Mode,
    pub(crate) listen: SocketAddr,
    /// Whether tokens are asked for on this machine too.
    pub(crate) require_tokens: bool,
    pub(crate) state_dir: String,
    pub(crate) speed: f64,
    pub(crate) simulation: Simulation,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Observe,
            listen: SocketAddr::from(([127, 0, 0, 1], 7717)),
            require_tokens: false,
            state_dir: "lepton-state".to_owned(),
            speed: 60.0,
            simulation: Simulation { seed: 7, nodes_count: 60, hours: 720, load: 0.8 },
        }
    }
}

impl ServeConfig {
    /// Reads a settings file; what is not named keeps its default.
    pub(crate) fn read(path: &Path) -> Result<Self, InputError> {
        read_toml(path, Self::parse)
    }

    fn parse(file: &TomlFile<'_>) -> Result<Self, InputError> {
        let mut config = Self::default();
        for (key, value) in &file.table()? {
            match (key.as_str(), value) {
                ("schema_version", Value::Integer(1)) => {}
                ("schema_version", _) => return Err(file.wrong(key, value, "expected 1")),
                ("mode", value) => config.mode = file.text_as(key, value, mode_named)?,
                ("listen", value) => config.listen = file.text_as(key, value, address)?,
                ("require_tokens", Value::Boolean(required)) => config.require_tokens = *required,
                ("require_tokens", _) => return Err(file.wrong(key, value, "expected true or false")),
                ("state_dir", Value::String(folder)) if !folder.is_empty() => {
                    config.state_dir.clone_from(folder);
                }
                ("state_dir", _) => return Err(file.wrong(key, value, "expected a folder in quotes")),
                ("speed", value) => config.speed = file.parsed(key, value, speed)?,
                ("simulation", Value::Table(table)) => simulation(&mut config.simulation, table, file)?,
                ("simulation", _) => {
                    return Err(file.wrong(key, value, "expected a table, `[simulation]`"));
                }
                _ => return Err(file.unknown("setting", key, &KEYS)),
            }
        }
        Ok(config)
    }
}

fn simulation(into: &mut Simulation, table: &Table, file: &TomlFile<'_>) -> Result<(), InputError> {
    for (key, value) in table {
        let whole = |low: i64, high: i64| match value {
            Value::Integer(whole) if (low..=high).contains(whole) => Ok(*whole),
            _ => Err(file.wrong(key, value, &format!("expected a whole number from {low} to {high}"))),
        };
        match key.as_str() {
            "seed" => into.seed = whole(0, i64::MAX)? as u64,
            "nodes_count" => into.nodes_count = whole(1, 100_000)? as usize,
            "hours" => into.hours = whole(1, 8760)? as u32,
            "load" => into.load = file.parsed(key, value, crate::cli_workload::load)?,
            _ => return Err(file.unknown("setting", key, &SIMULATION_KEYS)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ServeConfig, String> {
        ServeConfig::parse(&TomlFile { path: Path::new("lepton.toml"), text }).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_named_keeps_its_default() {
        assert_eq!(parsed("schema_version = 1"), Ok(ServeConfig::default()));
        let given =
            parsed("mode = \"act\"\nspeed = 1\n[simulation]\nnodes_count = 5\n").expect("it is sound");
        assert_eq!((given.mode, given.speed, given.simulation.nodes_count), (Mode::Act, 1.0, 5));
        assert_eq!(given.listen, ServeConfig::default().listen);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_what_may_be_meant() {
        for (text, expected) in [
            ("mdoe = \"act\"", "lepton.toml, line 1: there is no setting `mdoe`"),
            ("mdoe = \"act\"", "Maybe `mode` is meant"),
            (
                "\n[simulation]\nnodes = 3",
                "line 3: there is no setting `nodes`; there are: seed, nodes_count",
            ),
            ("mode = \"brave\"", "line 1, column `mode`, value `brave`: expected observe, recommend or act"),
            ("listen = \"here\"", "expected an address with a port"),
            ("require_tokens = 1", "expected true or false"),
            ("speed = 0", "expected simulated seconds per second"),
            ("schema_version = 2", "expected 1"),
            ("[simulation]\nload = 11", "expected a number above 0 and at most 10"),
            ("simulation = 3", "expected a table"),
        ] {
            let said = parsed(text).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
    }
}
