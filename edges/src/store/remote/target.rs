//! Where the database is: a URL without secrets, and the file that has the password.

use std::fmt;
use std::path::{Path, PathBuf};

use super::RemoteError;

/// A file of a password is at most so long.
const BYTES_MAX: usize = 4096;
/// A file of authorities; those that a system trusts are 200 kB.
const AUTHORITIES_BYTES_MAX: usize = 4 << 20;
/// The forms of URL.
const FORMS: &str = "postgres://USER@HOST:PORT/DATABASE, mysql://USER@HOST:PORT/DATABASE or sqlite:///FILE";

/// What kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

impl Kind {
    fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::MySql),
            _ => None,
        }
    }

    /// The cargo feature that brings it.
    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Postgres if !cfg!(feature = "postgres") => Some("postgres"),
            Self::MySql if !cfg!(feature = "mysql") => Some("mysql"),
            _ => None,
        }
    }

    /// What is said where this build does not have it.
    pub(super) fn missing(self) -> String {
        let feature = self.feature().unwrap_or_default();
        format!("this build has no {feature}. Maybe build with `cargo build --release --features {feature}`")
    }
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    kind: Kind,
    url: String,
    password_file: Option<PathBuf>,
    /// The authorities (PEM) of one of which the database must show a certificate; without, there is no TLS.
    authority: Option<PathBuf>,
}

impl Target {
    /// Takes a URL without a password, and the file that has it, if there is one.
    ///
    /// # Errors
    /// What is wrong with the URL or the file, or which cargo feature brings that kind of database.
    pub fn new(url: &str, password_file: Option<&Path>) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| format!("expected {FORMS}"))?;
        let kind = Kind::of_scheme(scheme).ok_or_else(|| format!("expected {FORMS}"))?;
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
            || rest.contains("password=")
        {
            return Err("a password in a URL is read by too many; put it into a file of its own, \
                        `store_password_file`"
                .to_owned());
        }
        if rest.is_empty() || (kind == Kind::Sqlite && !rest.starts_with('/')) {
            return Err(format!("expected {FORMS}"));
        }
        if kind.feature().is_some() {
            return Err(kind.missing());
        }
        if kind == Kind::Sqlite && password_file.is_some() {
            return Err("a file of SQLite has no password".to_owned());
        }
        let password_file = password_file.map(Path::to_owned);
        let target = Self { kind, url: url.to_owned(), password_file, authority: None };
        target.password().map_err(|error| error.to_string())?;
        Ok(target)
    }

    /// The same over TLS alone: the database must show a certificate for the host of the URL, by one of the authorities in this file (PEM). On
    /// MySQL and MariaDB those that are publicly trusted are trusted beside them.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate in it, or when there is no way to the database that TLS could be on.
    pub fn with_authority(mut self, file: &Path) -> Result<Self, String> {
        if self.kind == Kind::Sqlite {
            return Err("there is no way to a file of SQLite that TLS could be on".to_owned());
        }
        let wrong = |problem: String| format!("{}: {problem}", file.display());
        let text = bounded(file, AUTHORITIES_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(wrong("expected certificates (PEM)".to_owned()));
        }
        self.authority = Some(file.to_owned());
        Ok(self)
    }

    /// The file of the authorities; none without TLS.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The URL; there is no secret in it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What comes after `://`.
    pub(super) fn rest(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// The password as its file has it now, so that it may be changed while the service runs.
    pub(super) fn password(&self) -> Result<Option<String>, RemoteError> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let wrong = |problem: String| RemoteError::PasswordFile { file: path.display().to_string(), problem };
        let text = bounded(path, BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(wrong("expected the password in its first line".to_owned()));
        }
        Ok(Some(line.to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// The text of a small file.
fn bounded(path: &Path, bytes_max: usize) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(bytes_max as u64).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_none_or_has_a_secret_is_refused() {
        for (url, expected) in [
            ("", "expected postgres://"),
            ("here", "expected postgres://"),
            ("oracle://x/y", "expected postgres://"),
            ("sqlite://file", "expected postgres://"),
            ("sqlite://", "expected postgres://"),
            ("postgres://u:secret@h/d", "`store_password_file`"),
            ("mysql://h/d?password=x", "`store_password_file`"),
        ] {
            let said = Target::new(url, None).expect_err(url);
            assert!(said.contains(expected) && !said.contains("secret"), "{said}");
        }
        let missing = Path::new("/there/is/none");
        assert!(Target::new("sqlite:///f", Some(missing)).is_err());
        let file = Target::new("sqlite:///f", None).expect("it is sound");
        assert!(file.with_authority(missing).expect_err("no way").contains("SQLite"));
        assert_eq!(Target::new("sqlite:///var/f.db", None).expect("it is sound").rest(), "/var/f.db");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn the_password_is_the_first_line_of_its_file() {
        let path = std::env::temp_dir().join(format!("lepton-password-{}", std::process::id()));
        std::fs::write(&path, "se cret\nmore\n").expect("writable");
        let target = Target::new("postgres://u@h/d", Some(&path)).expect("it is sound");
        assert_eq!(target.password().expect("readable").as_deref(), Some("se cret"));
        assert!(!format!("{target:?} {target}").contains("se cret"), "it is shown nowhere");
        std::fs::write(&path, "\n").expect("writable");
        assert!(target.password().is_err());
        let no_certificate = target.with_authority(&path).expect_err("there is none in it");
        assert!(no_certificate.contains("expected certificates (PEM)"), "{no_certificate}");
        std::fs::remove_file(&path).expect("it is there");
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_database_that_this_build_does_not_have_is_named_with_what_brings_it() {
        let said = Target::new("postgres://u@h/d", None).expect_err("it is not built in");
        assert!(said.contains("cargo build --release --features postgres"), "{said}");
    }
}
