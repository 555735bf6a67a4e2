//! Sizes as a hint: long functions and long files. People judge them, so they are printed and never fail.

use super::tokens::{Token, closing};
use super::workspace::{Module, Package, Workspace};

const FUNCTION_LINES: usize = 70;
const FILE_LINES: usize = 500;

/// One line for each function and each file that is longer than usual.
pub(super) fn hints(workspace: &Workspace) -> Vec<String> {
    let mut out: Vec<String> =
        workspace.packages.iter().flat_map(Package::modules).flat_map(module_hints).collect();
    out.sort();
    out.dedup();
    out
}

fn module_hints(module: &Module) -> Vec<String> {
    let tokens = &module.outline.tokens;
    let file = module.file.display();
    let mut out = Vec::new();
    let last_line = tokens.last().map_or(0, |t| t.line);
    if last_line > FILE_LINES {
        out.push(format!("{file}: {last_line} lines (usual: up to {FILE_LINES})"));
    }
    for at in (0..tokens.len()).filter(|&at| tokens[at].is("fn")) {
        let Some((name, lines)) = function_lines(tokens, at) else { continue };
        if lines > FUNCTION_LINES {
            let line = tokens[at].line;
            out.push(format!("{file}:{line}: `{name}` has {lines} lines (usual: up to {FUNCTION_LINES})"));
        }
    }
    out
}

/// Name and length of the function whose `fn` stands at `at`; none for a signature or a type.
fn function_lines(tokens: &[Token], at: usize) -> Option<(&str, usize)> {
    let name = tokens.get(at + 1).filter(|t| t.is_word())?;
    let mut i = at + 2;
    while i < tokens.len() {
        match tokens[i].text.as_str() {
            ";" => return None,
            "{" => return Some((&name.text, tokens[closing(tokens, i)].line - tokens[at].line + 1)),
            "(" | "[" => i = closing(tokens, i),
            _ => {}
        }
        i += 1;
    }
    None
}
