//! `lepton token`: tokens of a service made, listed and revoked, in the folder of its store. A running service hears of it.

use std::path::Path;

use serde_json::json;

use crate::cli_serve::{Shown, TokenCommand};
use crate::failure::Failure;
use crate::output;
use crate::serve::tokens::{Token, create, read, revoke};

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

pub(crate) fn run(command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(args) => {
            let good = args.days.map(|days| u64::from(days) * DAY_SECONDS);
            let (text, token) = create(Path::new(&args.folder.state_dir), &args.name, args.role, good)?;
            let said = format!(
                "token {} of {} ({}); it is shown this once and kept nowhere",
                token.id,
                token.name,
                token.role.name()
            );
            output::note(&said);
            Ok(output::print(&format!("{text}\n"))?)
        }
        TokenCommand::List(args) => {
            let tokens = read(Path::new(&args.folder.state_dir))?;
            match args.output {
                Shown::Json => {
                    output::print_json(&json!({"items": tokens.iter().map(shown).collect::<Vec<_>>()}))?;
                }
                Shown::Table => output::print(&table(&tokens))?,
            }
            Ok(())
        }
        TokenCommand::Revoke(args) => {
            let token = revoke(Path::new(&args.folder.state_dir), &args.id)?;
            Ok(output::print(&format!("token {} of {} is revoked\n", token.id, token.name))?)
        }
    }
}

/// What may be told of a token: not its digest.
fn shown(token: &Token) -> serde_json::Value {
    json!({
        "id": token.id, "name": token.name, "role": token.role, "created_unix_seconds": token.created_unix_seconds,
        "expires_unix_seconds": token.expires_unix_seconds, "revoked": token.revoked,
    })
}

fn table(tokens: &[Token]) -> String {
    let mut table =
        output::table(&["id", "name", "role", "created_unix_seconds", "expires_unix_seconds", "revoked"]);
    for token in tokens {
        let expires = token.expires_unix_seconds.map_or_else(|| "-".to_owned(), |end| end.to_string());
        table.add_row([
            token.id.clone(),
            token.name.clone(),
            token.role.name().to_owned(),
            token.created_unix_seconds.to_string(),
            expires,
            token.revoked.to_string(),
        ]);
    }
    format!("{table}\n")
}
