//! The files that a command writes. They are claimed before its work starts: a name that cannot be written, is named
//! twice or is read as well is refused then, when nothing is lost. They are written when the work is done: regular files
//! beside and then renamed, so that they are never there in part; devices, pipes and the targets of links through their
//! name. What cannot be written after all takes nothing else with it: the command prints its result and then says so.

mod lock;
mod packed;
mod target;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

pub(crate) use self::lock::FileLock;
use self::target::{Identity, Target, identity};
pub(crate) use self::target::{Out, Writing};
use crate::failure::Failure;
use crate::output;

/// What may be done with what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    /// It may be replaced: a report, a plan.
    Yes,
    /// It is kept and the command refused: a model, unless `--force` is given.
    No,
}

/// A file that was claimed.
#[derive(Debug)]
pub(crate) struct ResultFile {
    option: &'static str,
    path: PathBuf,
    target: Target,
}

impl ResultFile {
    /// The path as the user named it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what `content` puts out; may be called again, for a newer state.
    pub(crate) fn write(&self, content: impl FnOnce(&mut Out) -> io::Result<()>) -> anyhow::Result<()> {
        self.written(None, content).with_context(|| self.problem())
    }

    /// The same; a regular file that was there is kept, its name ending in `.previous`.
    pub(crate) fn write_keeping_previous(
        &self,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let previous = match &self.target {
            Target::Replaced(path) => Some(previous_of(path)),
            Target::Through(_) | Target::Stdout => None,
        };
        self.written(previous, content).with_context(|| self.problem())
    }

    /// Opens it, to be written bit by bit; [`ResultFile::close`] ends that.
    pub(crate) fn open(&self) -> anyhow::Result<Writing> {
        self.target.open(&self.path, None).with_context(|| self.problem())
    }

    /// Ends what [`ResultFile::open`] began.
    pub(crate) fn close(&self, writing: Writing) -> anyhow::Result<()> {
        writing.finish().with_context(|| self.problem())
    }

    fn written(
        &self,
        previous: Option<PathBuf>,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut writing = self.target.open(&self.path, previous)?;
        content(writing.out())?;
        writing.finish()
    }

    pub(crate) fn problem(&self) -> String {
        format!("{} {}: cannot be written", self.option, self.path.display())
    }
}

/// The file with this at the end of its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Where the file is kept that was replaced: beside it, also when `path` is a link.
pub(crate) fn previous_of(path: &Path) -> PathBuf {
    let file = if path.is_symlink() { path.canonicalize().ok() } else { None };
    with_ending(file.as_deref().unwrap_or(path), ".previous")
}

/// A path that an option has taken.
#[derive(Debug)]
struct Named {
    option: &'static str,
    identity: Identity,
}

/// All files of a command.
#[derive(Debug, Default)]
pub(crate) struct ResultFiles {
    inputs: Vec<Named>,
    outputs: Vec<Named>,
    failures: Vec<anyhow::Error>,
}

impl ResultFiles {
    /// For a command that reads these files; options that are not given are left out.
    pub(crate) fn beside_inputs<'a>(
        inputs: impl IntoIterator<Item = (&'static str, Option<&'a Path>)>,
    ) -> Self {
        let inputs = inputs
            .into_iter()
            .filter_map(|(option, path)| Some(Named { option, identity: identity(path?)? }));
        Self { inputs: inputs.collect(), ..Self::default() }
    }

    /// Claims the file of an option.
    ///
    /// # Errors
    /// When it cannot be written, is read as well, or another option writes it; with [`Overwrite::No`] also when there
    /// is something in it.
    pub(crate) fn claim(
        &mut self,
        option: &'static str,
        path: &Path,
        overwrite: Overwrite,
    ) -> Result<ResultFile, Failure> {
        let refused = |problem: String| Failure::Input(format!("{option} {}: {problem}", path.display()));
        let target = Target::at(path).map_err(refused)?;
        if let (Target::Replaced(to), Overwrite::No) = (&target, overwrite)
            && to.metadata().is_ok_and(|there| there.len() > 0)
        {
            return Err(refused("exists already. Maybe name another file, or add `--force`".to_owned()));
        }
        // What is written to a device does not meet what another option writes to it.
        if matches!(target, Target::Replaced(_))
            && let Some(identity) = identity(path)
        {
            if let Some(other) = self.inputs.iter().find(|o| o.identity == identity) {
                return Err(refused(format!("is what {} reads", other.option)));
            }
            if let Some(other) = self.outputs.iter().find(|o| o.identity == identity) {
                return Err(refused(format!("is what {} writes already", other.option)));
            }
            self.outputs.push(Named { option, identity });
        }
        Ok(ResultFile { option, path: path.to_path_buf(), target })
    }

    /// Claims the file of an option that may have been left out; what is there may be replaced.
    ///
    /// # Errors
    /// As [`ResultFiles::claim`].
    pub(crate) fn claim_if_given(
        &mut self,
        option: &'static str,
        path: Option<&Path>,
    ) -> Result<Option<ResultFile>, Failure> {
        path.map(|path| self.claim(option, path, Overwrite::Yes)).transpose()
    }

    /// Writes the file if there is one; a failure is told by [`ResultFiles::end`], when the result has been printed.
    /// Says whether it is written now.
    pub(crate) fn write(
        &mut self,
        file: Option<&ResultFile>,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> bool {
        file.is_some_and(|file| self.keep_failure(file.write(content)))
    }

    /// Keeps a failure for [`ResultFiles::end`]. Says whether there was none.
    pub(crate) fn keep_failure(&mut self, written: anyhow::Result<()>) -> bool {
        written.map_err(|e| self.failures.push(e)).is_ok()
    }

    /// Writes a value as indented JSON, so that an error in it can name a line.
    pub(crate) fn write_json(&mut self, file: Option<&ResultFile>, value: &impl serde::Serialize) -> bool {
        self.write(file, |out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        })
    }

    /// Writes a page that people will open, and says where it is.
    pub(crate) fn write_page(&mut self, file: Option<&ResultFile>, html: &str) {
        if self.write(file, |out| out.write_all(html.as_bytes()))
            && let Some(ResultFile { target: Target::Replaced(path), .. }) = file
        {
            let full = path.canonicalize().unwrap_or_else(|_| path.clone());
            output::note(&format!("report: file://{}", full.display()));
        }
    }

    /// Ends the command's results, after they have been printed.
    ///
    /// # Errors
    /// What could not be written.
    pub(crate) fn end(self) -> Result<(), Failure> {
        let problems: Vec<String> = self.failures.iter().map(|e| format!("{e:#}")).collect();
        if problems.is_empty() { Ok(()) } else { Err(Failure::Other(anyhow!(problems.join("\nerror: ")))) }
    }
}
