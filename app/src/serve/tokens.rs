//! Tokens: who may look, who may decide, who may see the audit. Only digests are kept, in a file of its own (mode 600) that
//! `lepton token` writes and a running service reads again when it changes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::people::unix_seconds;
use crate::numbers::hex;

/// The file's name in the folder of the store.
const FILE: &str = "tokens.json";
/// What every token begins with.
pub(crate) const OURS: &str = "lpt_";
/// Longest file, bytes.
const BYTES_MAX: u64 = 1 << 20;
/// Random bytes of a token's secret, and of its id.
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 4;

/// What the holder of a token may do; each role may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Look, and ask what if.
    Viewer,
    /// Approve, reject and derive plans.
    Operator,
    /// See the audit.
    Admin,
}

impl Role {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A token as it is kept: its secret is not among what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// Its name in the token itself, in lists and in the audit.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) name: String,
    /// What it allows.
    pub(crate) role: Role,
    /// SHA-256 of the whole token, in hexadecimal. It is random enough to need no slow hash.
    sha256: String,
    /// When it was made, seconds since 1970.
    pub(crate) created_unix_seconds: u64,
    /// From when on it is no longer good, seconds since 1970.
    pub(crate) expires_unix_seconds: Option<u64>,
    /// Whether it was revoked.
    pub(crate) revoked: bool,
}

impl Token {
    /// Whether it is good at this second.
    pub(crate) fn is_good(&self, now_unix_seconds: u64) -> bool {
        !self.revoked && self.expires_unix_seconds.is_none_or(|end| now_unix_seconds < end)
    }
}

/// All tokens that the file in this folder tells of; none where there is no file.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Token>> {
    let path = folder.join(FILE);
    let said = || format!("the tokens in {}", path.display());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(said),
    };
    let mode = file.metadata().with_context(said)?.permissions().mode() & 0o777;
    ensure!(
        mode & 0o077 == 0,
        "{} may be read by others (mode {mode:o}). Maybe `chmod 600` is meant",
        path.display()
    );
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).with_context(said)?;
    serde_json::from_str(&text).with_context(said)
}

/// When the file was written, and how long it is; none where there is none.
pub(super) fn written(folder: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(folder.join(FILE)).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Makes a token and keeps its digest; the token itself is returned once and nowhere kept.
pub(crate) fn create(
    folder: &Path,
    name: &str,
    role: Role,
    good_seconds: Option<u64>,
) -> anyhow::Result<(String, Token)> {
    let mut random = [0; ID_BYTES + SECRET_BYTES];
    let source = "/dev/urandom";
    File::open(source).and_then(|mut file| file.read_exact(&mut random)).context(source)?;
    let (id, secret) = (hex(&random[..ID_BYTES]), hex(&random[ID_BYTES..]));
    let text = format!("{OURS}{id}_{secret}");
    let now = unix_seconds();
    let token = Token {
        id,
        name: name.to_owned(),
        role,
        sha256: digest(&text),
        created_unix_seconds: now,
        expires_unix_seconds: good_seconds.map(|seconds| now.saturating_add(seconds)),
        revoked: false,
    };
    let mut tokens = read(folder)?;
    ensure!(tokens.iter().all(|other| other.id != token.id), "this id is taken; try again");
    tokens.push(token.clone());
    write(folder, &tokens)?;
    Ok((text, token))
}

/// Revokes a token by its id.
pub(crate) fn revoke(folder: &Path, id: &str) -> anyhow::Result<Token> {
    let mut tokens = read(folder)?;
    let Some(token) = tokens.iter_mut().find(|token| token.id == id) else {
        bail!("there is no token `{id}` in {}. Maybe `lepton token list` names it", folder.display())
    };
    token.revoked = true;
    let revoked = token.clone();
    write(folder, &tokens)?;
    Ok(revoked)
}

/// Writes the file whole, readable to its owner alone.
fn write(folder: &Path, tokens: &[Token]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let (path, new) = (folder.join(FILE), folder.join(format!("{FILE}.{}", std::process::id())));
    let written = || -> anyhow::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(serde_json::to_string_pretty(tokens)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        Ok(())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Whether two digests are the same, in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// The tokens as a running service has them.
#[derive(Debug)]
pub(crate) struct Tokens {
    folder: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Which file they are from: when it was written, and how long it is.
    of: Option<(SystemTime, u64)>,
    tokens: Vec<Token>,
}

impl Tokens {
    /// Those of the file in this folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    /// The holder of a token that is good now. A file that cannot be read lets nobody in.
    pub(crate) fn holder(&self, text: &str) -> anyhow::Result<Option<Token>> {
        let sought = digest(text);
        self.look(|tokens| tokens.iter().find(|token| same(&token.sha256, &sought)).cloned())
    }

    /// Whether the token of that id is good now.
    pub(crate) fn is_good(&self, id: &str) -> bool {
        self.look(|tokens| tokens.iter().find(|token| token.id == id).cloned())
            .is_ok_and(|found| found.is_some())
    }

    /// Whether anybody could be let in.
    pub(crate) fn any(&self) -> anyhow::Result<bool> {
        Ok(self.look(|tokens| tokens.iter().find(|t| t.is_good(unix_seconds())).cloned())?.is_some())
    }

    fn look(&self, find: impl Fn(&[Token]) -> Option<Token>) -> anyhow::Result<Option<Token>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of = written(&self.folder);
        if of.is_none() || of != known.of {
            *known = Known { of, tokens: read(&self.folder)? };
        }
        Ok(find(&known.tokens).filter(|token| token.is_good(unix_seconds())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("lepton-tokens-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_revoked_and_is_kept_nowhere() {
        let folder = folder("life");
        let tokens = Tokens::new(folder.clone());
        assert!(!tokens.any().expect("no file is no token"));
        let (text, made) = create(&folder, "ann", Role::Operator, None).expect("it is made");
        let (old, _) = create(&folder, "bob", Role::Viewer, Some(0)).expect("it is made");
        assert_eq!(tokens.holder(&text).expect("readable"), Some(made.clone()));
        assert_eq!(tokens.holder(&old).expect("readable"), None, "it has expired");
        assert_eq!(tokens.holder(&format!("{text}0")).expect("readable"), None);
        let kept = fs::read_to_string(folder.join(FILE)).expect("readable");
        let secret = text.rsplit('_').next().expect("three parts");
        assert!(secret.len() == 64 && !kept.contains(secret), "only its digest is kept");
        assert!(tokens.is_good(&made.id));
        revoke(&folder, &made.id).expect("it is there");
        assert!(!tokens.is_good(&made.id), "a running service hears of it");
        assert!(revoke(&folder, "nobody").is_err());
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_broken_lets_nobody_in() {
        let folder = folder("mode");
        let (text, _) = create(&folder, "ann", Role::Admin, None).expect("it is made");
        let path = folder.join(FILE);
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
        let said = Tokens::new(folder.clone()).holder(&text).expect_err("it is open to others").to_string();
        assert!(said.contains("mode 644") && said.contains("Maybe `chmod 600` is meant"), "{said}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::write(&path, "[{]").expect("writable");
        assert!(Tokens::new(folder).holder(&text).is_err());
    }
}
