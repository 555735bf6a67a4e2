//! One entry of the journal of systemd, as `journalctl --output=json` writes it.

use serde::Deserialize;
use serde_json::Value;

/// What is read of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) cursor: String,
    /// When it was written, seconds since 1970.
    pub(super) seconds: Option<u64>,
    /// The machine that wrote it.
    pub(super) host: Option<String>,
    pub(super) message: Vec<u8>,
}

/// Its fields. A field is a text, its bytes where they are no text, or a list of such where it comes several times.
#[derive(Debug, Deserialize)]
struct Fields {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    micros: Value,
    #[serde(rename = "_HOSTNAME", default)]
    host: Value,
    #[serde(rename = "MESSAGE", default)]
    message: Value,
}

/// Reads an entry.
///
/// # Errors
/// When it is none.
pub(super) fn entry(line: &[u8]) -> Result<Entry, serde_json::Error> {
    let fields: Fields = serde_json::from_slice(line)?;
    let micros = match &fields.micros {
        Value::String(text) => text.parse::<u64>().ok(),
        other => other.as_u64(),
    };
    let mut message = Vec::new();
    add(&fields.message, &mut message);
    Ok(Entry {
        cursor: fields.cursor,
        seconds: micros.map(|micros| micros / 1_000_000),
        host: fields.host.as_str().filter(|host| !host.is_empty()).map(str::to_owned),
        message,
    })
}

/// The bytes of a field; of several one after the other.
fn add(field: &Value, into: &mut Vec<u8>) {
    match field {
        Value::String(text) => into.extend_from_slice(text.as_bytes()),
        Value::Array(parts) => {
            for part in parts {
                match part.as_u64().map(u8::try_from) {
                    Some(Ok(byte)) => into.push(byte),
                    Some(Err(_)) => {}
                    None => {
                        if !into.is_empty() {
                            into.push(b' ');
                        }
                        add(part, into);
                    }
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_message_as_text_or_bytes() {
        // As systemd 252 wrote it.
        let line = br#"{"__CURSOR":"s=73;i=2;x=f5","__MONOTONIC_TIMESTAMP":"15486388850","_HOSTNAME":"vm",
            "__REALTIME_TIMESTAMP":"1796044265635317","_BOOT_ID":"37","MESSAGE":"EXT4-fs error (device sda1): x"}"#;
        let read = entry(line).expect("it is one");
        assert_eq!((read.cursor.as_str(), read.seconds), ("s=73;i=2;x=f5", Some(1_796_044_265)));
        assert_eq!(read.host.as_deref(), Some("vm"));
        assert_eq!(read.message, b"EXT4-fs error (device sda1): x");
        let message = |text: &str| {
            let line = format!("{{\"__CURSOR\":\"c\",\"MESSAGE\":{text}}}");
            entry(line.as_bytes()).map(|entry| String::from_utf8_lossy(&entry.message).into_owned()).ok()
        };
        assert_eq!(message("[88,105,100,255]").as_deref(), Some("Xid\u{fffd}"));
        assert_eq!(message("[\"a\",[98,99]]").as_deref(), Some("a bc"));
        for odd in ["null", "7", "{}", "[]", "[300]", "[null]"] {
            assert_eq!(message(odd).as_deref().map(str::trim), Some(""), "{odd}");
        }
        assert_eq!(entry(b"{\"__CURSOR\":\"c\"}").map(|of| (of.seconds, of.host)).ok(), Some((None, None)));
        for none in [&b"{}"[..], b"", b"[1]", b"\xff", b"{\"__CURSOR\":3}"] {
            assert!(entry(none).is_err());
        }
    }
}
