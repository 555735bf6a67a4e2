//! Real database servers of Debian on loopback ports, each with its files in a folder of its own, run as an unprivileged user.

#![allow(dead_code, reason = "every test program is a crate of its own and uses a part of this")]

pub(crate) mod alike;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::ports::free_port;

/// How long something that must happen is waited for; how long it takes is not measured here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const PASSWORD: &str = "wordly wise";

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postgres,
    MariaDb,
}

/// A server, which ends with the test.
pub(crate) struct Server {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    /// Whether it answers over TLS alone.
    secret: bool,
    child: Option<Child>,
}

impl Server {
    /// A new PostgreSQL, running.
    pub(crate) fn postgres(name: &str) -> Self {
        let mut server = Self::new(Kind::Postgres, name);
        let (data, password) = (server.path("data"), server.path("password"));
        let words =
            ["--username=lepton", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        let files = [format!("--pwfile={password}"), format!("--pgdata={data}")];
        server.done(server.unprivileged(&postgres_program("initdb")).args(words).args(files));
        server.start();
        server
    }

    /// A new MariaDB, running.
    pub(crate) fn mariadb(name: &str) -> Self {
        let mut server = Self::new(Kind::MariaDb, name);
        let mut install = server.unprivileged("mariadb-install-db");
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        server.done(install.arg(format!("--datadir={}", server.path("data"))));
        server.start();
        let user = "lepton@'127.0.0.1'";
        server
            .ask(&format!("CREATE USER {user} IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON lepton.* TO {user}"));
        server
    }

    fn new(kind: Kind, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lepton-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for name in ["data", "tmp"] {
            fs::create_dir_all(folder.join(name)).expect("writable");
        }
        fs::write(folder.join("password"), format!("{PASSWORD}\n")).expect("writable");
        let port = free_port();
        let server = Self { kind, folder, port, secret: false, child: None };
        if is_root() {
            server.done(Command::new("chown").arg("-R").arg(server.user()).arg(&server.folder));
        }
        server.done(Command::new("chmod").arg("700").arg(server.folder.join("data")));
        server
    }

    /// The same server, which answers over TLS alone from now on, with a certificate by an authority of its own.
    pub(crate) fn over_tls(mut self) -> Self {
        let made = [
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2",
            "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1",
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
        ];
        fs::write(self.folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("writable");
        for words in made {
            self.done(Command::new("openssl").args(words.split(' ')));
        }
        if is_root() {
            self.done(Command::new("chown").arg(self.user()).args(["server.key", "server.pem"]));
        }
        self.done(Command::new("chmod").args(["600", "server.key"]));
        match self.kind {
            Kind::Postgres => {
                let rules = self.folder.join("data").join("pg_hba.conf");
                fs::write(rules, "hostssl all all 127.0.0.1/32 scram-sha-256\n").expect("writable");
            }
            Kind::MariaDb => drop(self.ask("ALTER USER lepton@'127.0.0.1' REQUIRE SSL")),
        }
        self.stop("-TERM");
        self.secret = true;
        self.start();
        self
    }

    /// The file of the authority that its certificate is by.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    fn user(&self) -> &'static str {
        match self.kind {
            Kind::Postgres => "postgres",
            Kind::MariaDb => "mysql",
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().expect("a plain name").to_owned()
    }

    /// A program as the user that Debian has for it; as oneself, where one is not root.
    fn unprivileged(&self, program: &str) -> Command {
        // A MariaDB that starts clears away what others work with in the same folder.
        let place = self.path("tmp");
        if !is_root() {
            let mut command = Command::new(program);
            command.env("TMPDIR", place);
            return command;
        }
        let mut command = Command::new("setpriv");
        command.env("TMPDIR", place);
        let user = self.user();
        command.args([
            &format!("--reuid={user}"),
            &format!("--regid={user}"),
            "--clear-groups",
            "--",
            program,
        ]);
        command
    }

    /// Runs it to a good end.
    fn done(&self, command: &mut Command) -> String {
        let out = command.current_dir(&self.folder).stdin(Stdio::null()).output();
        let out = out.unwrap_or_else(|error| panic!("{command:?} is needed here: {error}"));
        assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&mut self) {
        let (data, port) = (self.path("data"), self.port);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).expect("writable");
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = self.unprivileged(&postgres_program("postgres"));
                command.args(["-D", &data, "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
                command.args(["-c", &format!("unix_socket_directories={data}"), "-c", "fsync=off"]);
                if self.secret {
                    let (cert, key) = (self.path("server.pem"), self.path("server.key"));
                    command.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={cert}")]);
                    command.args(["-c", &format!("ssl_key_file={key}")]);
                }
                command
            }
            Kind::MariaDb => {
                let mut command = self.unprivileged("mariadbd");
                command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
                command.args([
                    format!("--datadir={data}"),
                    format!("--socket={data}/socket"),
                    format!("--port={port}"),
                ]);
                command.arg(format!("--pid-file={data}/pid"));
                if self.secret {
                    let (cert, key) = (self.path("server.pem"), self.path("server.key"));
                    command.args([format!("--ssl-cert={cert}"), format!("--ssl-key={key}")]);
                }
                command
            }
        };
        let errors = log.try_clone().expect("a file");
        let child = command.current_dir(&self.folder).stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{command:?} is needed here: {error}")));
        let log = self.path("log");
        let begun = Instant::now();
        while !self
            .try_ask(
                "",
                if self.kind == Kind::MariaDb { "CREATE DATABASE IF NOT EXISTS lepton" } else { "SELECT 1" },
            )
            .0
        {
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "it does not answer: {}", said());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it in an orderly way, or kills it.
    pub(crate) fn stop(&mut self, signal: &str) {
        let Some(mut child) = self.child.take() else { return };
        // Of PostgreSQL SIGINT ends what is open, SIGTERM waits for it.
        let signal = if signal == "-TERM" && self.kind == Kind::Postgres { "-INT" } else { signal };
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
        let _ = child.wait();
    }

    /// The number of its process; none while it is stopped.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Leaves a table of a MariaDB as a kill in the middle of its making does: with partitions and no definition.
    pub(crate) fn leave_half(&mut self, table: &str) {
        self.stop("-TERM");
        for ending in ["frm", "par"] {
            let file = self.folder.join(format!("data/lepton/{table}.{ending}"));
            fs::remove_file(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        self.start();
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://lepton@127.0.0.1:{}/postgres", self.port),
            Kind::MariaDb => format!("mariadb://lepton@127.0.0.1:{}/lepton", self.port),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.kind == Kind::Postgres
    }

    /// The file with the password.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// The rows that a query gives, columns parted by tabs.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let (good, said) = self.try_ask("lepton", sql);
        assert!(good, "{sql}: {said}");
        said
    }

    fn try_ask(&self, database: &str, sql: &str) -> (bool, String) {
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
                command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "lepton", "postgres"]);
                command.env("PGPASSWORD", PASSWORD);
                command
            }
            Kind::MariaDb => {
                let mut command = Command::new("mariadb");
                let socket = format!("--socket={}/socket", self.path("data"));
                command.args([
                    "--no-defaults",
                    "--default-character-set=utf8mb4",
                    &socket,
                    "--user=root",
                    "-N",
                    "-B",
                    "-r",
                    "-e",
                    sql,
                ]);
                command.args((!database.is_empty()).then_some(database));
                command
            }
        };
        let out = command.stdin(Stdio::null()).output();
        let out = out.unwrap_or_else(|error| panic!("{command:?} is needed here: {error}"));
        let said = if out.status.success() { &out.stdout } else { &out.stderr };
        (out.status.success(), String::from_utf8_lossy(said).trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("-KILL");
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output().expect("`id` is there");
    user.stdout.trim_ascii() == b"0"
}

/// Debian keeps the servers of PostgreSQL out of the way of a path.
fn postgres_program(name: &str) -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|v| v.path().join("bin").join(name)).filter(|p| p.is_file()).collect();
    found.sort();
    let newest = found.pop().unwrap_or_else(|| Path::new(name).to_owned());
    newest.to_str().expect("a plain name").to_owned()
}
