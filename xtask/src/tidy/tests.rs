//! Each rule over a small made-up workspace that keeps it, with one thing broken; and the real workspace.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::paths::Outline;
use super::workspace::Workspace;
use super::{check, sizes};

/// A workspace in a temporary folder, removed at the end. It begins with no violation.
struct Tree {
    root: PathBuf,
}

impl Tree {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("lepton-tidy-{}-{number}", std::process::id()));
        let tree = Self { root };
        let manifest = |name: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\n\n[dependencies]\n{rest}\n[lints]\nworkspace = true\n")
        };
        tree.with(
            "Cargo.toml",
            "[workspace]\nmembers = [\"core\", \"sim\"]\n\n[workspace.dependencies]\nlepton-core = { path = \
             \"core\" }\nserde = \"1.0\"\n",
        )
        .with("core/Cargo.toml", &manifest("lepton-core", "serde = { workspace = true }\n"))
        .with(
            "core/src/lib.rs",
            "//! Core.\npub mod cycle;\npub mod decide;\npub mod analyze;\npub mod model;\n",
        )
        .with("core/src/model/mod.rs", "//! Words.\nmod node;\npub use node::Node;\n")
        .with("core/src/model/node.rs", "//! A node.\npub struct Node;\n")
        .with("core/src/decide.rs", "//! Decides.\nuse crate::model::Node;\n")
        .with("core/src/analyze.rs", "//! Analyzes.\nuse super::model;\n")
        .with("core/src/cycle.rs", "//! The loop.\nuse crate::{analyze, decide};\n")
        .with("sim/Cargo.toml", &manifest("lepton-sim", "lepton-core.workspace = true\n"))
        .with("sim/src/lib.rs", "//! Sim.\n")
        .with("docs/DEPENDENCIES.md", "| package | why |\n|---|---|\n| `serde` | JSON |\n")
        .with("README.md", "See [the page](docs/DEPENDENCIES.md#top).\n")
    }

    fn with(self, file: &str, text: &str) -> Self {
        let path = self.root.join(file);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
        self
    }

    fn workspace(&self) -> Workspace {
        Workspace::load(&self.root).expect("the tree is readable")
    }

    /// The violations as "file:line rule".
    fn violations(&self) -> Vec<String> {
        let found = check(&self.workspace()).expect("the tree is readable");
        found.iter().map(|v| format!("{}:{} {}", v.file.display(), v.line, v.rule)).collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // A folder left in the temporary directory is no reason to fail a test.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Asserts that `text` as `file` breaks exactly one rule, at `line`.
fn breaks(file: &str, text: &str, line: usize, rule: &str) {
    let violations = Tree::new().with(file, text).violations();
    assert_eq!(violations, [format!("{file}:{line} {rule}")], "{text}");
}

/// Asserts that `text` as `file` breaks no rule.
fn keeps(file: &str, text: &str) {
    assert_eq!(Tree::new().with(file, text).violations(), Vec::<String>::new(), "{text}");
}

fn lepton_core(rest: &str) -> String {
    format!("[package]\nname = \"lepton-core\"\n[lints]\nworkspace = true\n{rest}")
}

#[test]
fn this_workspace_keeps_its_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let workspace = Workspace::load(root).expect("the workspace is readable");
    assert!(workspace.packages.len() >= 4, "the workspace was not found");
    let violations = check(&workspace).expect("the workspace is readable");
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn a_tidy_tree_has_no_violation() {
    assert_eq!(Tree::new().violations(), Vec::<String>::new());
}

#[test]
fn a_violation_says_where_which_rule_and_what_to_do() {
    let tree = Tree::new().with("core/src/decide.rs", "//! Decides.\nuse crate::analyze;\n");
    let found = check(&tree.workspace()).expect("the tree is readable");
    assert_eq!(
        found[0].to_string(),
        "core/src/decide.rs:2: [core-arrow] `decide` imports `analyze`; stages meet only in `model`: move the \
         shared type there, or the call to cycle.rs"
    );
}

#[test]
fn core_must_not_depend_on_sim_in_any_dependency_table() {
    for table in [
        "[dependencies]\nlepton-sim = { path = \"../sim\" }\n",
        "[dev-dependencies]\nlepton-sim.workspace = true\n",
        "[target.'cfg(unix)'.dependencies]\nours = { package = \"lepton-sim\", path = \"../sim\" }\n",
    ] {
        breaks("core/Cargo.toml", &lepton_core(table), 6, "package-arrow");
    }
    breaks(
        "core/Cargo.toml",
        &lepton_core("[dependencies.lepton-sim]\npath = \"../sim\"\n"),
        5,
        "package-arrow",
    );
}

#[test]
fn a_package_off_the_map_is_reported() {
    let tree = Tree::new()
        .with(
            "Cargo.toml",
            "[workspace]\nmembers = [\n  \"core\", # the brain\n  \"sim\",\n  \"extra\",\n]\n\
             [workspace.dependencies]\nserde = \"1\"\n",
        )
        .with("extra/Cargo.toml", "[package]\nname = \"extra\"\n[lints]\nworkspace = true\n")
        .with("extra/src/lib.rs", "//! Extra.\n");
    assert_eq!(tree.violations(), ["extra/Cargo.toml:1 package-arrow"]);
}

#[test]
fn a_package_without_the_workspace_lints_is_reported() {
    breaks("core/Cargo.toml", "[package]\nname = \"lepton-core\"\n", 1, "lints");
}

#[test]
fn a_dependency_that_the_page_does_not_explain_is_reported() {
    breaks("core/Cargo.toml", &lepton_core("[dependencies]\nrand = \"0.10\"\n"), 6, "dependency-page");
}

#[test]
fn a_dependency_that_is_gone_but_still_explained_is_reported() {
    breaks("docs/DEPENDENCIES.md", "| `serde` | JSON |\n| `tokio` | gone |\n", 2, "dependency-page");
}

#[test]
fn a_bench_that_nobody_can_ask_for_is_reported() {
    let text = lepton_core("[[bench]]\nname = \"unheard-of\"\nharness = false\n");
    breaks("core/Cargo.toml", &text, 6, "bench-registry");
}

#[test]
fn a_stage_that_imports_another_is_reported_however_it_is_written() {
    for import in [
        "use crate::analyze;",
        "use crate::analyze::Load as L;",
        "use crate::{model::Node, analyze::{self, Load}};",
        "use super::analyze::Load;",
        "fn f() -> crate::analyze::Load { todo() }",
        "fn f() { super::analyze::run::<u8>() }",
        "mod inner { use super::super::analyze; }",
        "macro_rules! m { () => { $crate::analyze::run() } }",
    ] {
        breaks("core/src/decide.rs", &format!("//! Decides.\n{import}\n"), 2, "core-arrow");
    }
}

#[test]
fn test_code_of_a_stage_keeps_the_same_arrows() {
    let text = "//! Decides.\n#[cfg(test)]\nmod tests {\n    use crate::analyze;\n}\n";
    breaks("core/src/decide.rs", text, 4, "core-arrow");
}

#[test]
fn an_arrow_hidden_by_the_crate_root_is_found() {
    let root = "//! Core.\npub mod cycle;\npub mod decide;\npub mod analyze;\npub mod model;\npub use analyze::Load;\n";
    let tree = Tree::new().with("core/src/lib.rs", root);
    let tree = tree.with("core/src/decide.rs", "//! Decides.\nuse crate::Load;\n");
    assert_eq!(tree.violations(), ["core/src/decide.rs:2 core-arrow"]);
    breaks("core/src/decide.rs", "//! Decides.\nuse crate::*;\n", 2, "core-arrow");
    breaks("core/src/decide.rs", "//! Decides.\nuse super::*;\n", 2, "core-arrow");
}

#[test]
fn model_imports_no_stage_and_cycle_is_imported_by_none() {
    // Each of them is a circle of files as well.
    let tree = Tree::new().with("core/src/model/node.rs", "//! A node.\nuse super::super::decide;\n");
    let expected = ["core/src/decide.rs:2 file-circle", "core/src/model/node.rs:2 core-arrow"];
    assert_eq!(tree.violations(), expected);
    let tree = Tree::new().with("core/src/decide.rs", "//! Decides.\nuse crate::cycle;\n");
    assert_eq!(tree.violations(), ["core/src/cycle.rs:2 file-circle", "core/src/decide.rs:2 core-arrow"]);
}

#[test]
fn words_in_comments_strings_and_longer_names_are_no_imports() {
    keeps(
        "core/src/decide.rs",
        "//! Decides; see crate::analyze.\n/* use crate::analyze; /* nested */ */\nconst A: &str = \"use \
         crate::analyze;\";\nconst B: &str = r#\"\"crate::analyze\"#;\nconst C: char = '\"'; // crate::analyze\n\
         fn f<'a>(x: &'a str) -> &'a str { my_crate::analyze(x) }\n",
    );
}

#[test]
fn a_module_of_core_that_is_not_on_the_map_is_reported() {
    let tree = Tree::new()
        .with("core/src/lib.rs", "//! Core.\nmod cycle;\nmod decide;\nmod analyze;\nmod model;\nmod util;\n")
        .with("core/src/util.rs", "//! Things.\n");
    assert_eq!(tree.violations(), ["core/src/util.rs:1 core-arrow"]);
}

#[test]
fn modules_that_import_each_other_in_a_circle_are_reported_with_the_way() {
    let tree = Tree::new()
        .with("sim/src/lib.rs", "//! Sim.\nmod clock;\nmod queue;\nmod trace;\npub use clock::Clock;\n")
        .with("sim/src/clock.rs", "//! Time.\nuse crate::queue;\n")
        .with("sim/src/queue.rs", "//! Events.\nmod heap;\n")
        .with("sim/src/queue/heap.rs", "//! A heap.\nuse super::super::trace::Row;\n")
        .with("sim/src/trace.rs", "//! Rows.\nuse crate::Clock;\n");
    let found = check(&tree.workspace()).expect("the tree is readable");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].problem,
        "modules import each other in a circle: clock -> queue (sim/src/clock.rs:2), queue -> trace \
         (sim/src/queue/heap.rs:2), trace -> clock (sim/src/trace.rs:2)"
    );
}

#[test]
fn imports_of_test_code_make_no_circle() {
    let tree = Tree::new()
        .with("sim/src/lib.rs", "//! Sim.\nmod clock;\nmod queue;\n")
        .with("sim/src/clock.rs", "//! Time.\n#[cfg(test)]\nmod tests;\n")
        .with("sim/src/clock/tests.rs", "//! Tests.\nuse crate::queue;\n")
        .with("sim/src/queue.rs", "//! Events.\nuse crate::clock;\n");
    assert_eq!(tree.violations(), Vec::<String>::new());
}

#[test]
fn a_file_that_no_module_declares_is_dead() {
    breaks("core/src/model/old.rs", "//! Old.\n", 1, "dead-file");
    breaks("core/src/decide/deep/old.rs", "//! Old.\n", 1, "dead-file");
    breaks("sim/tests/common/mod.rs", "//! Shared by tests.\n", 1, "dead-file");
    breaks("stray.rs", "//! Outside of all packages.\n", 1, "dead-file");
}

#[test]
fn a_file_that_two_crates_share_by_its_path_is_alive() {
    let share = |from: &str| format!("//! A crate.\n#[path = \"{from}\"]\nmod shared;\nfn main() {{}}\n");
    let tree = Tree::new()
        .with("sim/tests/a.rs", &share("common/shared.rs"))
        .with("sim/benches/b.rs", &share("../tests/common/shared.rs"))
        .with("sim/tests/common/shared.rs", "//! Shared.\nmod inner;\n")
        .with("sim/tests/common/inner.rs", "//! Inside.\n");
    assert_eq!(tree.violations(), Vec::<String>::new());
}

#[test]
fn test_bench_example_and_binary_files_are_roots_of_their_own() {
    for file in ["core/tests/a.rs", "core/benches/b.rs", "core/examples/c.rs", "core/src/bin/d.rs"] {
        keeps(file, "//! A crate of its own.\n");
    }
}

#[test]
fn clock_chance_environment_and_printing_are_banned_in_sim() {
    for call in [
        "use std::time::{Duration, Instant};",
        "fn f() { let t = Instant::now(); }",
        "fn f() { std::time::SystemTime::now(); }",
        "fn f() { let r = rand::rng(); }",
        "use rand::{Rng, rng};",
        "fn f() { let r = thread_rng(); }",
        "fn f() { std::env::var(\"X\"); }",
        "use std::{env, fs};",
        "use std::collections::hash_map::RandomState;",
        "use std::net::TcpStream;",
        "fn f() { println!(\"x\"); }",
        "fn f() { eprintln!(\"x\"); }",
        "fn f() { dbg!(1); }",
    ] {
        let violations = Tree::new().with("sim/src/lib.rs", &format!("//! Sim.\n{call}\n")).violations();
        assert!(violations.contains(&"sim/src/lib.rs:2 banned-call".to_owned()), "{call}: {violations:?}");
    }
    breaks("core/src/decide.rs", "//! Decides.\nuse std::fs;\n", 2, "banned-call");
}

#[test]
fn test_code_may_read_the_environment_but_leaves_no_dbg() {
    let text = "//! Sim.\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() { std::env::var(\"X\"); println!(\"x\"); }\n}\n";
    keeps("sim/src/lib.rs", text);
    keeps("sim/benches/b.rs", "//! Bench.\nfn main() { std::time::Instant::now(); println!(\"x\"); }\n");
    breaks("sim/benches/b.rs", "//! Bench.\nfn main() { dbg!(1); }\n", 2, "banned-call");
}

#[test]
fn code_after_a_test_module_is_code_again() {
    let text =
        "//! Sim.\n#[cfg(test)]\nmod tests { fn t() {} }\n#[cfg(not(test))]\nfn f() { thread_rng(); }\n";
    breaks("sim/src/lib.rs", text, 5, "banned-call");
}

#[test]
fn a_source_file_without_an_opening_comment_is_reported() {
    breaks("sim/src/lib.rs", "// Sim.\n", 1, "header");
}

#[test]
fn marks_of_unfinished_work_are_reported_in_any_file() {
    let mark = ["TO", "DO"].concat();
    breaks("sim/src/lib.rs", &format!("//! Sim.\n// {mark}: later\n"), 2, "open-end");
    breaks("notes.txt", &format!("{mark}(me)\n"), 1, "open-end");
    keeps("notes.txt", &format!("{mark}S and MY{mark}\n"));
}

#[test]
fn a_file_above_the_limit_is_reported() {
    breaks("data.csv", &"x".repeat(300_001), 1, "file-size");
    keeps("data.csv", &"x".repeat(300_000));
}

#[test]
fn paths_of_one_machine_are_reported_but_not_the_middle_of_an_address() {
    let (work, tmp) = (["/wo", "rk/x"].concat(), ["/tm", "p/x"].concat());
    breaks("run.sh", &format!("ls\ncat {work}\n"), 2, "foreign-path");
    breaks("run.sh", &format!("A=\"{tmp}\"\n"), 1, "foreign-path");
    keeps("run.sh", &format!("https://example.org{work} sub{tmp}\n"));
}

#[test]
fn a_relative_link_that_leads_nowhere_is_reported() {
    breaks("docs/a.md", "[gone](b.md)\n", 1, "link");
    breaks("docs/a.md", "x ![p](../p.png \"title\")\n", 1, "link");
    breaks("docs/a.md", "[ref]: gone.md\n", 1, "link");
    breaks("docs/a.md", "[out](../../README.md)\n", 1, "link");
    keeps(
        "docs/a.md",
        "[up](../README.md) [folder](.) [web](https://a.b/c) [here](#x)\n`[code](no.md)`\n```\n[f](no.md)\n```\n",
    );
}

#[test]
fn the_map_names_only_files_that_exist() {
    breaks("ARCHITECTURE.md", "In `core/src/decide.rs`\nand `core/src/gone.rs`.\n", 2, "map-path");
    keeps("ARCHITECTURE.md", "`core/src/` to `sim/src/lib.rs`, `edges/` later, `cargo test`\n");
    keeps("docs/a.md", "`core/src/gone.rs`\n");
}

#[test]
fn long_functions_and_files_are_only_hints() {
    let long = format!("//! Sim.\nfn f(x: [u8; 3]) {{\n{}}}\n", "    g();\n".repeat(600));
    let tree = Tree::new().with("sim/src/lib.rs", &long);
    assert_eq!(tree.violations(), Vec::<String>::new());
    assert_eq!(
        sizes::hints(&tree.workspace()),
        [
            "sim/src/lib.rs: 603 lines (usual: up to 500)",
            "sim/src/lib.rs:2: `f` has 602 lines (usual: up to 70)"
        ]
    );
}

#[test]
fn use_trees_are_read_to_their_leaves() {
    let outline = Outline::read("use a::{b::{self, c as d}, e::*, f};\nmod m { use super::g; h::i(); }\n");
    let paths: Vec<String> =
        outline.paths.iter().map(|p| format!("{}|{}", p.inline.join("::"), p.names.join("::"))).collect();
    assert_eq!(paths, ["|a::b", "|a::b::c", "|a::e::*", "|a::f", "m|super::g", "m|h::i"]);
}

#[test]
fn ignored_tests_are_found_by_their_reason() {
    let text = "//! Sim.\n#[test]\n#[ignore = \"needs chromium, slow\"]\nfn page() {}\n#[test]\n#[ignore = \
                \"slow\"]\nfn other() {}\n// #[ignore = \"needs chromium\"] fn comment()\n";
    let tree =
        Tree::new().with("sim/src/lib.rs", text).with("sim/tests/a.rs", &text.replace("page", "a_page"));
    let names = super::ignored_tests(&tree.root, "needs chromium").expect("the tree is readable");
    assert_eq!(names, ["a_page", "page"]);
}

#[test]
fn files_must_not_need_each_other_in_a_circle_whatever_they_are_handed_on_by() {
    let tree = Tree::new()
        .with("sim/src/lib.rs", "//! Sim.\nmod room;\n")
        .with("sim/src/room/mod.rs", "//! Room.\nmod a;\nmod b;\npub use a::A;\npub use b::B;\nuse a::A;\n")
        .with("sim/src/room/a.rs", "//! A.\nuse super::B;\npub struct A;\n")
        .with("sim/src/room/b.rs", "//! B.\nuse crate::room::A;\npub struct B;\n");
    let found = check(&tree.workspace()).expect("the tree is readable");
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = "sim/src/room/a.rs:2: [file-circle] files need each other in a circle: sim/src/room/a.rs:2 needs \
                    sim/src/room/b.rs, sim/src/room/b.rs:2 needs sim/src/room/a.rs; move what both need into a file \
                    below them";
    assert_eq!(said, [expected]);
    // What a module's own file and those below it have with each other is no circle, nor is a test's need.
    let tree = tree.with(
        "sim/src/room/b.rs",
        "//! B.\npub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::room::A;\n}\n",
    );
    assert_eq!(tree.violations(), Vec::<String>::new());
}

#[test]
fn inside_of_decide_a_room_uses_only_the_rooms_that_it_may_use() {
    let tree = |plan: &str, queue: &str| {
        Tree::new()
            .with("core/src/decide.rs", "//! Decides.\npub mod plan;\npub mod queue;\n")
            .with("core/src/decide/plan.rs", plan)
            .with("core/src/decide/queue.rs", queue)
            .violations()
    };
    let (plan, queue) = ("//! Plan.\nuse super::queue::Q;\n", "//! Queue.\npub struct Q;\n");
    assert_eq!(tree(plan, queue), Vec::<String>::new());
    let back = "//! Queue.\nuse crate::decide::plan::P;\n";
    assert_eq!(tree("//! Plan.\npub struct P;\n", back), ["core/src/decide/queue.rs:2 decide-arrow"]);
}
