//! No circle of files: in a crate, no file needs another that needs it in turn, however many stand between. Which file a
//! path leads to is followed through what modules hand on (`use` and `pub use`). That a module uses what lies below it is not
//! counted: it is their face, and they may use its words. Test code is not counted either.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::paths::PathUse;
use super::violation::Violation;
use super::workspace::{Crate, Module, Workspace};

/// Most names that are followed from module to module.
const HANDS_MAX: usize = 16;

/// One violation for each group of files that all need each other.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let crates = workspace.packages.iter().flat_map(|package| &package.crates);
    crates.flat_map(|member| circles(&Files::of(member))).collect()
}

/// From each file to those it needs, with the line of one such need.
type Graph<'a> = BTreeMap<&'a Path, BTreeMap<&'a Path, usize>>;

/// The files of a crate by their module path.
pub(super) struct Files<'a> {
    modules: BTreeMap<&'a [String], &'a Module>,
}

impl<'a> Files<'a> {
    pub(super) fn of(member: &'a Crate) -> Self {
        Self { modules: member.modules.iter().map(|module| (&module.path[..], module)).collect() }
    }

    /// The module that a path, written in `module`, leads to; none when it stays outside of the crate.
    pub(super) fn target(&self, module: &'a Module, path: &PathUse) -> Option<&'a Module> {
        self.follow(module, &path.inline, &path.names, HANDS_MAX)
    }

    fn follow(
        &self,
        module: &'a Module,
        inline: &[String],
        names: &[String],
        hands: usize,
    ) -> Option<&'a Module> {
        let mut here: Vec<String> = module.path.iter().chain(inline).cloned().collect();
        let ups = names.iter().take_while(|name| *name == "super").count();
        let rest = match names.first()?.as_str() {
            "crate" => {
                here.clear();
                &names[1..]
            }
            "self" => &names[1..],
            "super" => {
                here.truncate(here.len().checked_sub(ups)?);
                &names[ups..]
            }
            first => {
                here.push(first.to_owned());
                let child = self.modules.contains_key(&here[..]);
                here.pop();
                if child { names } else { return None }
            }
        };
        for (at, name) in rest.iter().enumerate() {
            here.push(name.clone());
            if self.modules.contains_key(&here[..]) {
                continue;
            }
            here.pop();
            let owner = self.nearest(&here)?;
            let handed = owner.outline.paths.iter().find(|path| {
                path.imported && path.inline.is_empty() && path.names.last() == Some(name) && !path.test
            });
            let Some(handed) = handed.filter(|_| hands > 0) else { return Some(owner) };
            let names: Vec<String> = handed.names.iter().chain(&rest[at + 1..]).cloned().collect();
            // What leads out of the crate is no file of it.
            return self.follow(owner, &[], &names, hands - 1);
        }
        self.nearest(&here)
    }

    /// The file in which a module stands: its own, or that of the module that it is written in.
    fn nearest(&self, path: &[String]) -> Option<&'a Module> {
        (0..=path.len()).rev().find_map(|length| self.modules.get(&path[..length]).copied())
    }

    fn graph(&self) -> Graph<'a> {
        let mut graph = Graph::new();
        for module in self.modules.values().filter(|module| !module.test) {
            for path in module.outline.paths.iter().filter(|path| !path.test) {
                let Some(target) = self.target(module, path) else { continue };
                if target.path.starts_with(&module.path) {
                    continue;
                }
                graph.entry(&module.file).or_default().entry(&target.file).or_insert(path.line);
            }
        }
        graph
    }
}

/// The shortest circle through the first file of each group of files that need each other.
fn circles(files: &Files<'_>) -> Vec<Violation> {
    let graph = files.graph();
    let mut told: BTreeSet<&Path> = BTreeSet::new();
    let mut out = Vec::new();
    for &start in graph.keys() {
        let Some(circle) = shortest_circle(&graph, start) else { continue };
        if circle.iter().any(|file| told.contains(file)) {
            continue;
        }
        told.extend(&circle);
        let steps = circle.iter().zip(circle.iter().skip(1));
        let shown: Vec<String> = steps
            .map(|(from, to)| format!("{}:{} needs {}", from.display(), graph[from][to], to.display()))
            .collect();
        let line = graph[circle[0]][circle[1]];
        let problem = format!("files need each other in a circle: {}", shown.join(", "));
        let remedy = "move what both need into a file below them";
        out.push(Violation::new(start, line, "file-circle", problem, remedy));
    }
    out
}

fn shortest_circle<'a>(graph: &Graph<'a>, start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for &to in way.last().and_then(|last| graph.get(last)).into_iter().flat_map(BTreeMap::keys) {
            let longer = [&way[..], &[to]].concat();
            if to == start {
                return Some(longer);
            }
            if seen.insert(to) {
                ways.push_back(longer);
            }
        }
    }
    None
}
