//! What a source file declares (`mod`) and names (`use` trees and paths with `::`), read from its tokens.

use super::tokens::{Token, closing, tokens};

/// `mod name;`, with the inline modules it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ModuleDeclaration {
    pub(super) path: Vec<String>,
    /// What `#[path = ".."]` says, from the folder of the declaring file.
    pub(super) file: Option<String>,
    pub(super) test: bool,
}

/// A path of two or more names, or an import; `inline` are the inline modules it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PathUse {
    pub(super) names: Vec<String>,
    pub(super) inline: Vec<String>,
    pub(super) line: usize,
    pub(super) test: bool,
    /// It is an import, not a path in code.
    pub(super) imported: bool,
}

/// A source file, read.
pub(super) struct Outline {
    pub(super) tokens: Vec<Token>,
    pub(super) modules: Vec<ModuleDeclaration>,
    pub(super) paths: Vec<PathUse>,
}

impl Outline {
    pub(super) fn read(source: &str) -> Self {
        let tokens = tokens(source);
        let mut walk =
            Walk { modules: Vec::new(), paths: Vec::new(), inline: Vec::new(), file: None, import: false };
        walk.all(&tokens);
        Self { modules: walk.modules, paths: walk.paths, tokens }
    }
}

struct Walk {
    modules: Vec<ModuleDeclaration>,
    paths: Vec<PathUse>,
    /// Names of the inline modules around, with the index of the token that closes each.
    inline: Vec<(String, usize)>,
    /// The `#[path = ".."]` of the module that comes next.
    file: Option<String>,
    /// Inside of an import.
    import: bool,
}

impl Walk {
    fn all(&mut self, tokens: &[Token]) {
        let mut i = 0;
        while i < tokens.len() {
            self.inline.retain(|&(_, end)| i < end);
            i = self.step(tokens, i);
        }
    }

    /// Handles what begins at `i`; gives the index to go on from.
    fn step(&mut self, tokens: &[Token], i: usize) -> usize {
        let at = |k: usize| tokens.get(k).map_or("", |t| t.text.as_str());
        match at(i) {
            "mod" if at(i + 2) == ";" => {
                let mut path = self.inline_names();
                path.push(at(i + 1).to_owned());
                let file = self.file.take();
                self.modules.push(ModuleDeclaration { path, file, test: tokens[i].test });
                i + 3
            }
            "#" if at(i + 1) == "[" && at(i + 2) == "path" && at(i + 3) == "=" => {
                self.file = Some(at(i + 4).trim_start_matches('"').to_owned());
                i + 6
            }
            "mod" if at(i + 2) == "{" => {
                self.inline.push((at(i + 1).to_owned(), closing(tokens, i + 2)));
                i + 3
            }
            // `use<..>` in a return type only names what it captures.
            "use" if at(i + 1) != "<" => {
                self.import = true;
                let end = self.tree(tokens, i + 1, &[]);
                self.import = false;
                end + 1
            }
            _ if tokens[i].is_word() && at(i + 1) == "::" => self.plain(tokens, i),
            _ => i + 1,
        }
    }

    /// A path in an expression or type: names joined by `::`, up to the first thing that is no name.
    fn plain(&mut self, tokens: &[Token], start: usize) -> usize {
        let mut names = vec![tokens[start].text.clone()];
        let mut i = start + 1;
        while i + 1 < tokens.len() && tokens[i].is("::") && tokens[i + 1].is_word() {
            names.push(tokens[i + 1].text.clone());
            i += 2;
        }
        self.record(names, &tokens[start]);
        i
    }

    /// A `use` tree from `i` on, below `prefix`; gives the index of the sign after it.
    fn tree(&mut self, tokens: &[Token], start: usize, prefix: &[String]) -> usize {
        let mut names = prefix.to_vec();
        let mut i = start;
        let mut group = false;
        while i < tokens.len() {
            match tokens[i].text.as_str() {
                "::" => i += 1,
                "{" => {
                    group = true;
                    let end = closing(tokens, i);
                    i += 1;
                    while i < end {
                        i = self.tree(tokens, i, &names);
                        i += usize::from(i < end);
                    }
                    i = end + 1;
                }
                "as" => i += 2,
                "self" if !prefix.is_empty() => i += 1,
                "," | "}" | ";" => break,
                text => {
                    names.push(text.to_owned());
                    i += 1;
                }
            }
        }
        if !group && i > start {
            self.record(names, &tokens[start]);
        }
        i
    }

    fn record(&mut self, names: Vec<String>, at: &Token) {
        let inline = self.inline_names();
        let imported = self.import;
        self.paths.push(PathUse { names, inline, line: at.line, test: at.test, imported });
    }

    fn inline_names(&self) -> Vec<String> {
        self.inline.iter().map(|(name, _)| name.clone()).collect()
    }
}
