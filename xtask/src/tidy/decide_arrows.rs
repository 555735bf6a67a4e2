//! The arrows inside of `decide`: which question may build on the answer to which other. Test code is not counted.

use super::file_circles::Files;
use super::violation::Violation;
use super::workspace::Workspace;

/// What each room of `decide` may use of the others.
const ARROWS: [(&str, &[&str]); 12] = [
    ("placement", &[]),
    ("queue", &[]),
    ("search", &[]),
    ("policy", &["placement", "queue"]),
    ("placement_policies", &["placement", "policy"]),
    ("queue_policies", &["queue", "policy"]),
    ("explain", &["placement"]),
    ("guard", &["placement", "placement_policies", "queue", "policy"]),
    ("rebalance", &["search"]),
    ("defragment", &["placement", "policy", "search"]),
    ("deliberate", &["defragment", "guard", "policy", "search"]),
    ("plan", &["placement", "placement_policies", "queue", "queue_policies", "policy", "guard"]),
];

/// A room of `decide` uses only the rooms that an arrow leads to.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let core = workspace.packages.iter().filter(|package| package.room == "core");
    let mut out = Vec::new();
    for member in core.flat_map(|package| &package.crates) {
        let files = Files::of(member);
        for module in member.modules.iter().filter(|module| !module.test) {
            let Some(own) = room(&module.path) else { continue };
            let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == own) else {
                let problem = format!("`{own}` is no room of decide's map");
                let remedy = "put it into a room that is there, or add it to ARCHITECTURE.md and to tidy";
                out.push(Violation::new(&module.file, 1, "decide-arrow", problem, remedy));
                continue;
            };
            for path in module.outline.paths.iter().filter(|path| !path.test) {
                let target = files.target(module, path).and_then(|target| room(&target.path));
                if let Some(target) = target.filter(|target| *target != own && !allowed.contains(target)) {
                    let problem = format!("`decide::{own}` uses `decide::{target}`");
                    let remedy =
                        format!("move what both need into a room that both may use (allowed: {allowed:?})");
                    out.push(Violation::new(&module.file, path.line, "decide-arrow", problem, remedy));
                }
            }
        }
    }
    out
}

/// The room of `decide` that a module stands in.
fn room(path: &[String]) -> Option<&str> {
    match path {
        [stage, room, ..] if stage == "decide" => Some(room),
        _ => None,
    }
}
