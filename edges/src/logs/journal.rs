//! The journal of systemd, followed through `journalctl`: one child that is begun again, ever more rarely, when it ends, and killed at the end.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::entry::{Entry, entry};
use super::kept::JournalPlace;

/// The program.
const PROGRAM: &str = "journalctl";
/// Entries that wait to be read; what it writes beyond waits there.
const WAITING_MAX: usize = 1000;
/// An entry is at most so long.
const ENTRY_BYTES_MAX: u64 = 1 << 20;
/// What is kept of what it says of errors.
const SAID_BYTES_MAX: usize = 500;
/// The first pause before it is begun again, and the longest.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// How long one that has closed its output is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// It is well when it has lived for so long.
const WELL: Duration = Duration::from_secs(30);

/// Which of the journal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalPart {
    /// What the kernel says.
    Kernel,
    /// All of it.
    All,
}

/// What it gave.
#[derive(Debug)]
pub(super) enum Given {
    Entry(Entry),
    /// Something that is no entry, or too long.
    Odd,
}

/// A child that runs.
#[derive(Debug)]
struct Running {
    child: Child,
    begun: Instant,
    lines: Receiver<Given>,
    said: Arc<Mutex<String>>,
}

/// The journal.
#[derive(Debug)]
pub(super) struct Journal {
    part: JournalPart,
    running: Option<Running>,
    due: Instant,
    back_off: Duration,
    /// Why it does not run.
    problem: Option<String>,
    /// Whether it ended with the cursor each time and gave nothing.
    is_cursor_bad: bool,
}

impl Journal {
    /// Whether the journal can be followed here.
    ///
    /// # Errors
    /// When the program is not there or cannot be run.
    pub(super) fn check() -> Result<(), String> {
        let said = Command::new(PROGRAM).arg("--version").stdin(Stdio::null()).output();
        match said {
            Ok(said) if said.status.success() => Ok(()),
            Ok(said) => Err(format!("`{PROGRAM} --version` ended with {}", said.status)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
                "there is no {PROGRAM} on this machine. Maybe `logs.files` is meant, or systemd is missing"
            )),
            Err(error) => Err(format!("{PROGRAM} cannot be run: {error}")),
        }
    }

    pub(super) fn new(part: JournalPart) -> Self {
        Self {
            part,
            running: None,
            due: Instant::now(),
            back_off: BACK_OFF[0],
            problem: None,
            is_cursor_bad: false,
        }
    }

    /// Why it is not followed now.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// What it says beside entries, as of rights that are missing.
    pub(super) fn note(&self) -> Option<String> {
        let running = self.running.as_ref()?;
        let said = running.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = said.trim();
        (!said.is_empty()).then(|| format!("{PROGRAM}: {}", said.replace('\n', " ")))
    }

    /// The next entry after this place, if one has come; begins the program where it does not run and is due.
    pub(super) fn next(&mut self, place: &JournalPlace) -> Option<Given> {
        if self.running.is_none() && Instant::now() >= self.due {
            match self.begin(place) {
                Ok(running) => self.running = Some(running),
                Err(error) => self.fail(format!("{PROGRAM} cannot be run: {error}")),
            }
        }
        let running = self.running.as_mut()?;
        match running.lines.try_recv() {
            Ok(given) => {
                (self.problem, self.is_cursor_bad) = (None, false);
                Some(given)
            }
            Err(TryRecvError::Empty) => {
                if running.begun.elapsed() > WELL {
                    (self.problem, self.back_off) = (None, BACK_OFF[0]);
                }
                None
            }
            Err(TryRecvError::Disconnected) => {
                // It has nothing more to say.
                let status = end(&mut running.child, PATIENCE);
                let said =
                    running.said.lock().unwrap_or_else(PoisonError::into_inner).trim().replace('\n', " ");
                let said = if said.is_empty() { said } else { format!(": {said}") };
                self.running = None;
                self.is_cursor_bad |= self.problem.is_some() && said.contains("cursor");
                self.fail(format!("{PROGRAM} ended ({status}){said}"));
                None
            }
        }
    }

    fn fail(&mut self, problem: String) {
        self.problem = Some(problem);
        self.due = Instant::now() + self.back_off;
        self.back_off = (self.back_off * 2).min(BACK_OFF[1]);
    }

    fn begin(&self, place: &JournalPlace) -> io::Result<Running> {
        let mut command = Command::new(PROGRAM);
        command.args(["--follow", "--no-tail", "--no-pager", "--all", "--output=json"]);
        command.arg("--output-fields=MESSAGE,_HOSTNAME");
        match (&place.cursor, place.since_seconds) {
            (Some(cursor), _) if !self.is_cursor_bad => {
                command.arg(format!("--after-cursor={cursor}"));
            }
            // What was written in the second of a cursor that is of no use was read, most likely.
            (cursor, Some(since)) => {
                command.arg(format!("--since=@{}", since + u64::from(cursor.is_some())));
            }
            (_, None) => {}
        }
        if self.part == JournalPart::Kernel {
            // Not --dmesg, which leaves out what the kernel said last before the machine was started again.
            command.arg("_TRANSPORT=kernel");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (sender, lines) = sync_channel(WAITING_MAX);
        let said = Arc::new(Mutex::new(String::new()));
        if let Some(stdout) = child.stdout.take() {
            thread::Builder::new().name("journal".to_owned()).spawn(move || pass_on(stdout, &sender))?;
        }
        if let Some(stderr) = child.stderr.take() {
            let said = Arc::clone(&said);
            thread::Builder::new().name("journal-errors".to_owned()).spawn(move || hear(stderr, &said))?;
        }
        Ok(Running { child, begun: Instant::now(), lines, said })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            end(&mut running.child, Duration::ZERO);
        }
    }
}

/// Waits so long for the child to end, then kills it; how it ended.
fn end(child: &mut Child, patience: Duration) -> String {
    let until = Instant::now() + patience;
    while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(Duration::from_millis(10));
    }
    // One that has ended is not killed.
    let _ = child.kill();
    child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// Passes entries on until it ends or nobody listens.
fn pass_on(from: impl Read, to: &SyncSender<Given>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match from.by_ref().take(ENTRY_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let is_whole = line.ends_with(b"\n");
        if !is_whole && from.skip_until(b'\n').is_err() {
            return;
        }
        let given = if is_whole { entry(&line).ok() } else { None };
        if to.send(given.map_or(Given::Odd, Given::Entry)).is_err() {
            return;
        }
    }
}

/// Keeps the first of what it says of errors.
fn hear(from: impl Read, said: &Mutex<String>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < SAID_BYTES_MAX {
            said.extend(line.chars().take(SAID_BYTES_MAX).chain(['\n']));
        }
    }
}
