//! The few facts that the checks need from a Cargo.toml, read line by line. It is no TOML parser: it
//! understands the plain style that this workspace is written in.

/// A dependency as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package's name (`package = ".."` where it is renamed).
    pub(super) package: String,
    /// Given by a path, so a package of this workspace.
    pub(super) by_path: bool,
    /// 1-based line.
    pub(super) line: usize,
}

/// What was read from one Cargo.toml.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// `package.name`.
    pub(super) name: String,
    /// `workspace.members`.
    pub(super) members: Vec<String>,
    /// All dependency tables of a package: normal, for tests, for build scripts, per target.
    pub(super) dependencies: Vec<Dependency>,
    /// `workspace.dependencies`.
    pub(super) shared: Vec<Dependency>,
    /// Names of the `[[bench]]` targets, each with its line.
    pub(super) benches: Vec<(String, usize)>,
    /// `[lints] workspace = true`.
    pub(super) has_workspace_lints: bool,
}

impl Manifest {
    pub(super) fn read(text: &str) -> Self {
        let mut out = Self::default();
        let mut section = String::new();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let line = without_comment(line);
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_matches(['[', ']']).to_owned();
                out.open(&section, index + 1);
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let mut value = value.trim().to_owned();
            while value.starts_with('[') && !value.ends_with(']') {
                let Some((_, more)) = lines.next() else { break };
                value.push_str(without_comment(more));
            }
            out.entry(&section, key.trim(), &value, index + 1);
        }
        out
    }

    /// `[dependencies.name]`: a dependency that is a section of its own.
    fn open(&mut self, section: &str, line: usize) {
        for (table, shared) in [("workspace.dependencies.", true), ("dependencies.", false)] {
            if let Some((before, package)) = section.split_once(table) {
                if before.is_empty() || before.ends_with(['.', '-']) {
                    let list = if shared { &mut self.shared } else { &mut self.dependencies };
                    list.push(Dependency { package: bare(package), by_path: false, line });
                }
                return;
            }
        }
    }

    fn entry(&mut self, section: &str, key: &str, value: &str, line: usize) {
        let (name, rest) = key.split_once('.').unwrap_or((key, ""));
        let dependency = || Dependency {
            package: inline_field(value, "package").unwrap_or_else(|| bare(name)),
            by_path: rest == "path" || inline_field(value, "path").is_some(),
            line,
        };
        match (section, key) {
            ("package", "name") => self.name = bare(value),
            ("workspace", "members") => {
                let list = value.trim_matches(['[', ']']).split(',');
                self.members = list.map(bare).filter(|m| !m.is_empty()).collect();
            }
            ("lints", "workspace") => self.has_workspace_lints = value == "true",
            ("bench", "name") => self.benches.push((bare(value), line)),
            ("workspace.dependencies", _) => self.shared.push(dependency()),
            _ if is_dependency_table(section) => self.dependencies.push(dependency()),
            _ => self.section_field(section, key, value),
        }
    }

    /// A field of a `[dependencies.name]` section.
    fn section_field(&mut self, section: &str, key: &str, value: &str) {
        let list = match section.split_once("dependencies.") {
            Some(("workspace.", _)) => &mut self.shared,
            Some(_) => &mut self.dependencies,
            None => return,
        };
        match (list.last_mut(), key) {
            (Some(last), "path") => last.by_path = true,
            (Some(last), "package") => last.package = bare(value),
            _ => {}
        }
    }
}

fn is_dependency_table(section: &str) -> bool {
    let last = section.rsplit('.').next().unwrap_or(section);
    matches!(last, "dependencies" | "dev-dependencies" | "build-dependencies")
        && !section.starts_with("workspace.")
}

/// The value of `field` in an inline table `{ field = "value", .. }`.
fn inline_field(table: &str, field: &str) -> Option<String> {
    let inside = table.strip_prefix('{')?.strip_suffix('}')?;
    let mut fields = inside.split(',').filter_map(|entry| entry.split_once('='));
    fields.find(|(name, _)| name.trim() == field).map(|(_, value)| bare(value))
}

fn bare(value: &str) -> String {
    value.trim().trim_matches(['"', '\'']).to_owned()
}

/// The line without a comment; a `#` within quotes stays.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (i, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return line[..i].trim(),
            _ => {}
        }
    }
    line.trim()
}
