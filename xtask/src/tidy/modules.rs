//! Rules on modules: the stages of core meet only in `model`, the top-level modules of a crate form no
//! circle, and no file is dead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::paths::PathUse;
use super::violation::Violation;
use super::workspace::{Crate, Module, Package, Workspace};

/// The room whose inner arrows are fixed.
const CORE: &str = "core";
/// What every stage may import, and what itself imports none of them.
const MODEL: &str = "model";
/// The stages, which never import each other.
const STAGES: [&str; 4] = ["collect", "analyze", "decide", "execute"];
/// The one file that imports all stages.
const CYCLE: &str = "cycle";

/// Inside core: `cycle` -> the four stages -> `model`. Test code keeps the same arrows: what needs two
/// stages is tested beside the cycle.
pub(super) fn core_arrows(workspace: &Workspace) -> Vec<Violation> {
    let mut out = Vec::new();
    let core = workspace.packages.iter().filter(|p| p.room == CORE).flat_map(|p| &p.crates);
    for member in core.filter(|c| c.root().is_some_and(|root| root.file.ends_with("src/lib.rs"))) {
        let names = TopLevel::of(member);
        for module in &member.modules {
            out.extend(root_globs(module));
            let Some(own) = module.path.first() else { continue };
            if !(STAGES.contains(&own.as_str()) || own == MODEL || own == CYCLE) {
                if module.path.len() == 1 {
                    out.push(Violation::new(
                        &module.file,
                        1,
                        "core-arrow",
                        format!("`{own}` is no module of core's map"),
                        "put it into model, a stage or cycle, or add it to ARCHITECTURE.md and tidy",
                    ));
                }
                continue;
            }
            let forbidden = module.outline.paths.iter().filter_map(|path| {
                let target = names.target(module, path)?;
                (!is_core_arrow(own, &target)).then_some((path.line, target))
            });
            for (line, target) in forbidden {
                let problem = format!("`{own}` imports `{target}`");
                let remedy =
                    "stages meet only in `model`: move the shared type there, or the call to cycle.rs";
                out.push(Violation::new(&module.file, line, "core-arrow", problem, remedy));
            }
        }
    }
    out
}

/// Globs over the crate root, and those by which the root hands out names, would hide an arrow.
fn root_globs(module: &Module) -> impl Iterator<Item = Violation> {
    let globs = module.outline.paths.iter().filter(|path| path.names.last().is_some_and(|last| last == "*"));
    let hiding = globs.filter(|path| {
        let here = module.path.len() + path.inline.len();
        let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["crate", "*"] => true,
            [ups @ .., "*"] if !ups.is_empty() && ups.iter().all(|name| *name == "super") => {
                ups.len() >= here && here > 0
            }
            _ => here == 0 && !path.test,
        }
    });
    hiding.map(|path| {
        let problem = "a glob over the crate root hides which room a name comes from";
        Violation::new(&module.file, path.line, "core-arrow", problem, "name what is imported")
    })
}

fn is_core_arrow(from: &str, to: &str) -> bool {
    from == to || from == CYCLE || (to == MODEL && STAGES.contains(&from))
}

/// The top-level modules of a crate do not import each other in a circle; test code is not counted. Core is
/// left out: its arrows are fixed and allow none.
pub(super) fn circles(workspace: &Workspace) -> Vec<Violation> {
    let crates = workspace.packages.iter().filter(|p| p.room != CORE).flat_map(|p| &p.crates);
    crates.flat_map(|member| circles_of(&import_graph(member))).collect()
}

/// From each top-level module to those it imports, with the place of one such import.
type Graph = BTreeMap<String, BTreeMap<String, (PathBuf, usize)>>;

fn import_graph(member: &Crate) -> Graph {
    let names = TopLevel::of(member);
    let mut graph = Graph::new();
    for module in member.modules.iter().filter(|m| !m.test) {
        let Some(own) = module.path.first() else { continue };
        for path in module.outline.paths.iter().filter(|path| !path.test) {
            let Some(target) = names.target(module, path).filter(|t| t != own) else { continue };
            let place = (module.file.clone(), path.line);
            graph.entry(own.clone()).or_default().entry(target).or_insert(place);
        }
    }
    graph
}

/// One violation for each module that is the first by name in some circle: the shortest such circle.
fn circles_of(graph: &Graph) -> Vec<Violation> {
    let mut out = Vec::new();
    for start in graph.keys() {
        let Some(circle) = shortest_circle(graph, start) else { continue };
        let mut shown = Vec::new();
        for (from, to) in circle.iter().zip(circle.iter().skip(1)) {
            let (file, line) = &graph[from][to];
            shown.push(format!("{from} -> {to} ({}:{line})", file.display()));
        }
        let (file, line) = &graph[&circle[0]][&circle[1]];
        out.push(Violation::new(
            file,
            *line,
            "circle",
            format!("modules import each other in a circle: {}", shown.join(", ")),
            "move what both need into a module below them",
        ));
    }
    out
}

/// The shortest way from `start` back to itself over modules that do not come before it by name.
fn shortest_circle(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut ways = std::collections::VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let next = way.last().and_then(|last| graph.get(last));
        for to in next.into_iter().flat_map(BTreeMap::keys).filter(|to| to.as_str() >= start) {
            let longer: Vec<String> = way.iter().chain([to]).cloned().collect();
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

/// Every .rs file belongs to a package and is reached by `mod` from a crate root.
pub(super) fn dead_files(workspace: &Workspace) -> Vec<Violation> {
    let reached: BTreeSet<&Path> =
        workspace.packages.iter().flat_map(Package::modules).map(|m| m.file.as_path()).collect();
    let sources = workspace.files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs"));
    sources
        .filter(|file| !reached.contains(file.as_path()))
        .map(|file| {
            let remedy = "declare it with `mod` where it belongs, or delete it";
            Violation::new(file, 1, "dead-file", "no crate reaches this file by `mod`", remedy)
        })
        .collect()
}

/// The top-level names of a crate: its modules, and what its root hands out from them.
struct TopLevel {
    modules: BTreeSet<String>,
    handed_out: BTreeMap<String, String>,
}

impl TopLevel {
    fn of(member: &Crate) -> Self {
        let modules: BTreeSet<String> =
            member.modules.iter().filter_map(|m| m.path.first().cloned()).collect();
        let mut handed_out = BTreeMap::new();
        for path in member.root().into_iter().flat_map(|root| &root.outline.paths) {
            let names = match path.names.first().map(String::as_str) {
                Some("crate" | "self") => &path.names[1..],
                _ => &path.names[..],
            };
            if let [module, .., last] = names
                && modules.contains(module)
            {
                handed_out.insert(last.clone(), module.clone());
            }
        }
        Self { modules, handed_out }
    }

    /// The top-level module that `path`, written in `module`, leads to; none when it stays outside of the
    /// crate or below an imported name.
    fn target(&self, module: &Module, path: &PathUse) -> Option<String> {
        let here: Vec<&String> = module.path.iter().chain(&path.inline).collect();
        let ups = path.names.iter().take_while(|name| *name == "super").count();
        let first = match path.names.first()?.as_str() {
            "crate" => path.names.get(1)?,
            "super" if ups >= here.len() => path.names.get(ups)?,
            "self" | "super" => here.first()?,
            _ => return None,
        };
        if self.modules.contains(first) {
            return Some(first.clone());
        }
        self.handed_out.get(first).cloned()
    }
}
