//! Rules on the text of files: an opening comment in each source file, no open ends, no file that is too
//! large, no path of somebody's machine, relative links that lead to files, and a map that names what exists.

use std::path::Path;

use anyhow::Result;

use super::violation::Violation;
use super::workspace::{Workspace, within};

/// The largest file the repository takes, in bytes.
const FILE_BYTES_MAX: u64 = 300_000;

/// Words that mark unfinished work; put together so that this file does not contain them.
const OPEN_ENDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Beginnings of paths that exist on one machine only.
const FOREIGN: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/tm", "p/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

/// The page whose paths must exist.
const MAP: &str = "ARCHITECTURE.md";

/// All rules that read files as text.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<Violation>> {
    let mut out = Vec::new();
    for file in &workspace.files {
        let bytes = std::fs::metadata(workspace.root.join(file))?.len();
        if bytes > FILE_BYTES_MAX {
            out.push(Violation::new(
                file,
                1,
                "file-size",
                format!("the file has {bytes} bytes, the limit is {FILE_BYTES_MAX}"),
                "keep data out of the repository, or make it smaller",
            ));
            continue;
        }
        if file.file_name().is_some_and(|name| name == "Cargo.lock") {
            continue;
        }
        let text = workspace.text(file)?;
        if text.contains('\0') {
            continue;
        }
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or("");
        if extension == "rs" && !text.starts_with("//! ") {
            let problem = "the file has no opening `//!` comment";
            let remedy = "say on the first line what the file is, and what it is not";
            out.push(Violation::new(file, 1, "header", problem, remedy));
        }
        for (index, line) in text.lines().enumerate() {
            out.extend(line_rules(file, index + 1, line));
        }
        if extension == "md" {
            out.extend(links(&workspace.root, file, &text));
        }
        if file == Path::new(MAP) {
            out.extend(map_paths(workspace, file, &text));
        }
    }
    Ok(out)
}

fn line_rules(file: &Path, number: usize, line: &str) -> Vec<Violation> {
    let mut out = Vec::new();
    for word in OPEN_ENDS.into_iter().filter(|word| has_word(line, word)) {
        let problem = format!("`{word}` is left in the file");
        let remedy = "do it now, or open an issue and remove the mark";
        out.push(Violation::new(file, number, "open-end", problem, remedy));
    }
    for path in FOREIGN.into_iter().filter(|path| has_path(line, path)) {
        let problem = format!("`{path}..` exists on one machine only");
        let remedy = "name a path relative to the repository, or take it from a variable";
        out.push(Violation::new(file, number, "foreign-path", problem, remedy));
    }
    out
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        !part_of_word(line[..at].chars().next_back()) && !part_of_word(line[at + word.len()..].chars().next())
    })
}

/// Whether an absolute path beginning so stands in the line; the middle of a longer path or address is none.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '~' | '}' | '%'))
    })
}

/// Relative links of a Markdown file that lead to no file or folder of the repository.
fn links(root: &Path, file: &Path, text: &str) -> Vec<Violation> {
    let mut out = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in link_targets(line) {
            let path = target.split(['#', '?']).next().unwrap_or("");
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if elsewhere || path.is_empty() {
                continue;
            }
            let folder = file.parent().unwrap_or(Path::new(""));
            let found = within(&folder.join(path)).is_some_and(|inside| root.join(inside).exists());
            if !found {
                let problem = format!("the link to `{target}` leads to no file of the repository");
                out.push(Violation::new(
                    file,
                    index + 1,
                    "link",
                    problem,
                    "correct the path or drop the link",
                ));
            }
        }
    }
    out
}

/// Paths into a room, in code spans of the map, that lead to no file or folder.
fn map_paths(workspace: &Workspace, file: &Path, text: &str) -> Vec<Violation> {
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for span in line.split('`').skip(1).step_by(2) {
            let into_room = workspace.packages.iter().any(|p| span.starts_with(&format!("{}/", p.room)));
            if into_room && !span.contains(' ') && !workspace.root.join(span).exists() {
                let problem = format!("the map names `{span}`, which does not exist");
                let remedy = "name the file that took its place";
                out.push(Violation::new(file, index + 1, "map-path", problem, remedy));
            }
        }
    }
    out
}

/// Targets of `[text](target)` and of `[label]: target` in a line, outside of code spans.
fn link_targets(line: &str) -> Vec<String> {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let mut out = Vec::new();
    for (at, _) in prose.match_indices("](") {
        let rest = &prose[at + 2..];
        let end = rest.find(')').unwrap_or(rest.len());
        let target = rest[..end].split_whitespace().next().unwrap_or("");
        out.push(target.trim_matches(['<', '>']).to_owned());
    }
    if let Some((label, target)) = prose.trim_start().split_once("]: ")
        && label.starts_with('[')
    {
        out.push(target.split_whitespace().next().unwrap_or("").to_owned());
    }
    out
}
