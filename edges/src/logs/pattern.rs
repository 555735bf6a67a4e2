//! Which files are meant: paths in which `{node}` stands for the name of a node.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What stands for the name of a node.
const NODE: &str = "{node}";
/// Endings of files that rotation has packed: they are not read.
const PACKED: [&str; 7] = [".gz", ".xz", ".zst", ".bz2", ".lz4", ".lzma", ".Z"];

/// A path of log files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern {
    text: String,
    parts: Vec<Part>,
}

/// A segment of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Plain(String),
    /// What stands before the node's name, and after it.
    Node(String, String),
}

/// A file that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) path: PathBuf,
    /// The node that the path names; none where it names none.
    pub(super) node: Option<String>,
}

impl FilePattern {
    /// Reads one.
    ///
    /// # Errors
    /// What was expected: a path from the root, `{node}` at most once in a segment, and no other braces.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("`{text}` is no path from the root, expected one as /var/log/kern.log"));
        };
        let mut parts = Vec::new();
        for segment in rest.split('/') {
            if matches!(segment, "" | "." | "..") || segment.contains('\0') {
                return Err(format!(
                    "`{text}` has a segment `{segment}`, expected names of folders and a file"
                ));
            }
            let part = match segment.split_once(NODE) {
                None => Part::Plain(segment.to_owned()),
                Some((before, after)) => Part::Node(before.to_owned(), after.to_owned()),
            };
            let around = match &part {
                Part::Plain(all) => vec![all],
                Part::Node(before, after) => vec![before, after],
            };
            if around.iter().any(|text| text.contains(['{', '}'])) {
                return Err(format!(
                    "`{text}` has braces in `{segment}`, expected {NODE} once in a segment at most and no others"
                ));
            }
            parts.push(part);
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds the files that are there and meant, and why folders could not be looked into. Files that rotation has packed are left out.
    pub(super) fn find(&self, found: &mut Vec<Meant>, problems: &mut Vec<String>) {
        let mut places = vec![Meant { path: PathBuf::from("/"), node: None }];
        for (at, part) in self.parts.iter().enumerate() {
            let is_last = at + 1 == self.parts.len();
            let mut next = Vec::new();
            for place in places {
                match (part, &place.node) {
                    (Part::Plain(name), _) => {
                        next.push(Meant { path: place.path.join(name), ..place });
                    }
                    (Part::Node(before, after), Some(node)) => {
                        let name = format!("{before}{node}{after}");
                        next.push(Meant { path: place.path.join(name), ..place });
                    }
                    (Part::Node(before, after), None) => {
                        named_in(&place.path, before, after, is_last, &mut next, problems);
                    }
                }
            }
            places = next;
        }
        let is_there = |place: &Meant| match fs::metadata(&place.path) {
            Ok(of) => of.is_file(),
            // Why it cannot be read is said when it is opened.
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
        };
        let before = found.len();
        found.extend(places.into_iter().filter(is_there));
        if found.len() == before {
            problems.push(format!("there is no file {} by now", self.text));
        }
    }
}

/// What in a folder has a name with these around that of a node.
fn named_in(
    folder: &Path,
    before: &str,
    after: &str,
    is_file: bool,
    found: &mut Vec<Meant>,
    problems: &mut Vec<String>,
) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => {
            problems.push(format!("cannot look into {}: {error}", folder.display()));
            return;
        }
    };
    let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
    let mut names: Vec<String> = entries.filter_map(Result::ok).filter_map(name).collect();
    names.sort_unstable();
    for name in names {
        let within = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let Some(node) = within.filter(|node| !node.is_empty()) else { continue };
        if !(is_file && PACKED.iter().any(|end| name.ends_with(end))) {
            found.push(Meant { path: folder.join(&name), node: Some(node.to_owned()) });
        }
    }
}
