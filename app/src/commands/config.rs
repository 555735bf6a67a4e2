//! `lepton config`: the settings of the service, explained, checked, and as a schema.

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::cli_serve::{ConfigCheckArgs, ConfigCommand, Shown};
use crate::failure::Failure;
use crate::output;
use crate::serve::config::{Form, KEYS, Key, ServeConfig};

pub(crate) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Init => Ok(output::print(&init()?)?),
        ConfigCommand::Schema => Ok(output::print_json(&schema())?),
    }
}

/// Each value with where it comes from; a file that is not sound is an error.
fn check(args: &ConfigCheckArgs) -> Result<(), Failure> {
    let (mut config, mut origins) = ServeConfig::read(&args.file)?;
    config.take_environment(&mut origins, std::env::vars_os()).map_err(Failure::Input)?;
    if let Some(contradiction) = config.contradiction() {
        return Err(Failure::Input(format!("{}: {contradiction}", args.file.display())));
    }
    let mut rows = Vec::new();
    for key in KEYS {
        let value = (key.get)(&config).map(as_json).transpose()?.unwrap_or(Value::Null);
        let origin = origins.get(key.name).map_or("default", String::as_str);
        rows.push((key.name, value, origin));
    }
    match args.output {
        Shown::Json => {
            let row = |(name, value, origin): &(&str, Value, &str)| json!({"name": name, "value": value, "origin": origin});
            output::print_json(&rows.iter().map(row).collect::<Vec<_>>())?;
        }
        Shown::Table => {
            let mut table = output::table(&["setting", "value", "from"]);
            for (name, value, origin) in rows {
                table.add_row([name.to_owned(), value.to_string(), origin.to_owned()]);
            }
            output::print(&format!("{table}\n"))?;
        }
    }
    Ok(())
}

fn as_json(value: toml::Value) -> anyhow::Result<Value> {
    value.try_into().context("a setting that is no JSON")
}

/// A file with every setting at its default; what has none stands as a remark.
fn init() -> anyhow::Result<String> {
    let defaults = ServeConfig::default();
    let (mut text, mut section) = (String::new(), "");
    for key in KEYS {
        let (of, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if of != section {
            text += &format!("\n[{of}]\n");
            section = of;
        }
        let choice = match key.form {
            Form::Word(words) => format!(" One of: {}.", words.join(", ")),
            Form::Whole(low, high) if high < 1_000_000_000 => format!(" From {low} to {high}."),
            _ => String::new(),
        };
        text += &format!("# {}{choice}\n", key.about);
        text += &match (key.get)(&defaults) {
            // Plain values look the same in both languages.
            Some(value) => format!("{name} = {}\n", as_json(value)?),
            None => format!("# {name} =\n"),
        };
    }
    Ok(text)
}

/// JSON Schema (draft 2020-12) of the file.
fn schema() -> Value {
    let mut root = table();
    for key in KEYS {
        let mut at = &mut root;
        let (sections, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            at = &mut at["properties"][section];
            if at.is_null() {
                *at = table();
            }
        }
        at["properties"][name] = property(key);
    }
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "Settings of lepton serve".into();
    root
}

fn table() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {}})
}

fn property(key: &Key) -> Value {
    let mut of = Map::from_iter([("description".to_owned(), key.about.into())]);
    let kind = match key.form {
        Form::Text => "string",
        Form::Word(words) => {
            of.insert("enum".to_owned(), words.into());
            "string"
        }
        Form::Whole(low, high) => {
            of.insert("minimum".to_owned(), low.into());
            of.insert("maximum".to_owned(), high.into());
            "integer"
        }
        Form::Number => {
            of.insert("exclusiveMinimum".to_owned(), 0.into());
            "number"
        }
        Form::Flag => "boolean",
        Form::Texts => {
            of.insert("items".to_owned(), json!({"type": "string"}));
            "array"
        }
        Form::Named => {
            of.insert("additionalProperties".to_owned(), json!({"type": "string"}));
            "object"
        }
    };
    of.insert("type".to_owned(), kind.into());
    let default = (key.get)(&ServeConfig::default()).and_then(|value| as_json(value).ok());
    if let Some(default) = default {
        of.insert("default".to_owned(), default);
    }
    of.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_given_to_begin_with_is_sound_and_says_the_defaults() {
        let path = std::env::temp_dir().join(format!("lepton-config-{}.toml", std::process::id()));
        std::fs::write(&path, init().expect("plain values")).expect("writable");
        let (config, origins) = ServeConfig::read(&path).map_err(|e| e.to_string()).expect("it is sound");
        let _ = std::fs::remove_file(&path);
        assert_eq!(config, ServeConfig::default());
        for key in KEYS {
            assert_eq!(origins.contains_key(key.name), (key.get)(&config).is_some(), "{}", key.name);
        }
    }

    #[test]
    fn the_schema_knows_every_setting() {
        let schema = schema();
        for key in KEYS {
            let path = format!("/properties/{}", key.name.replace('.', "/properties/"));
            assert!(schema.pointer(&path).is_some_and(|of| of["type"].is_string()), "{path}");
        }
        assert_eq!(schema.pointer("/properties/mode/enum/2"), Some(&"act".into()));
        assert_eq!(schema.pointer("/properties/simulation/additionalProperties"), Some(&false.into()));
    }
}
