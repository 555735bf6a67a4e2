//! Rules on what a room may call: no clock, chance, environment, socket or process in core, learn and sim,
//! no files in core, no printing in libraries, no leftovers anywhere. Test code, benches and examples may.

use super::tokens::Token;
use super::violation::Violation;
use super::workspace::{Module, Workspace};

/// A banned path (`names` side by side) or, where there is one name only, a banned word.
struct Ban {
    rooms: &'static [&'static str],
    names: &'static [&'static str],
    remedy: &'static str,
}

const PURE: &[&str] = &["core", "learn", "sim"];
const LIBRARIES: &[&str] = &["core", "learn", "sim", "edges"];
const CLOCK: &str = "take a `Clock` as an argument: app reads the machine's";
const CHANCE: &str = "take a seeded generator as an argument";
const ENVIRONMENT: &str = "take the value as an argument: app reads the environment";
const WORLD: &str = "this belongs into edges or app";

const BANS: [Ban; 24] = [
    Ban { rooms: PURE, names: &["time", "Instant"], remedy: CLOCK },
    Ban { rooms: PURE, names: &["Instant", "now"], remedy: CLOCK },
    Ban { rooms: PURE, names: &["time", "SystemTime"], remedy: CLOCK },
    Ban { rooms: PURE, names: &["SystemTime", "now"], remedy: CLOCK },
    Ban { rooms: PURE, names: &["thread", "sleep"], remedy: CLOCK },
    Ban { rooms: PURE, names: &["rand", "rng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["rand", "random"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["rand", "make_rng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["thread_rng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["ThreadRng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["OsRng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["SysRng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["from_os_rng"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["from_entropy"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["RandomState"], remedy: CHANCE },
    Ban { rooms: PURE, names: &["std", "env"], remedy: ENVIRONMENT },
    Ban { rooms: PURE, names: &["env", "var"], remedy: ENVIRONMENT },
    Ban { rooms: PURE, names: &["env", "var_os"], remedy: ENVIRONMENT },
    Ban { rooms: PURE, names: &["env", "args"], remedy: ENVIRONMENT },
    Ban { rooms: PURE, names: &["std", "net"], remedy: WORLD },
    Ban { rooms: PURE, names: &["std", "process"], remedy: WORLD },
    Ban { rooms: PURE, names: &["process", "exit"], remedy: WORLD },
    Ban { rooms: &["core"], names: &["std", "fs"], remedy: "read files in sim, edges or app" },
    Ban { rooms: &["core"], names: &["fs", "File"], remedy: "read files in sim, edges or app" },
];

const PRINTS: [&str; 4] = ["println", "print", "eprintln", "eprint"];
const LEFTOVERS: [&str; 3] = ["dbg", "todo", "unimplemented"];

/// Calls that a room must not make.
pub(super) fn banned(workspace: &Workspace) -> Vec<Violation> {
    let mut out = Vec::new();
    for package in &workspace.packages {
        for module in package.modules() {
            banned_in(&package.room, module, &mut out);
        }
    }
    out
}

fn banned_in(room: &str, module: &Module, out: &mut Vec<Violation>) {
    let tokens = &module.outline.tokens;
    let mut report = |line: usize, what: String, remedy: &str| {
        out.push(Violation::new(&module.file, line, "banned-call", format!("`{what}` in {room}"), remedy));
    };
    for pair in tokens.windows(2).filter(|pair| pair[1].is("!")) {
        let name = pair[0].text.as_str();
        if LEFTOVERS.contains(&name) {
            report(pair[0].line, format!("{name}!"), "finish the work and remove it");
        } else if !module.test && !pair[0].test && LIBRARIES.contains(&room) && PRINTS.contains(&name) {
            report(pair[0].line, format!("{name}!"), "libraries return values: app prints");
        }
    }
    if module.test {
        return;
    }
    for ban in BANS.iter().filter(|ban| ban.rooms.contains(&room)) {
        let what = ban.names.join("::");
        if let [word] = ban.names {
            let hits = tokens.iter().filter(|t| !t.test && t.is(word));
            hits.for_each(|t: &Token| report(t.line, what.clone(), ban.remedy));
        } else {
            let paths = module.outline.paths.iter().filter(|path| !path.test);
            let hits = paths.filter(|path| path.names.windows(ban.names.len()).any(|part| part == ban.names));
            hits.for_each(|path| report(path.line, what.clone(), ban.remedy));
        }
    }
}
