//! A Rust file as a list of words and signs, without comments and the content of strings, each with its line
//! and whether it is test code. Just enough to read `mod`, `use` and paths: it is not a parser.

/// A word, a sign or a literal of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The word or sign as written. A literal begins with `"`; only plain strings keep what is in them.
    pub(super) text: String,
    /// 1-based line.
    pub(super) line: usize,
    /// Inside an item marked `#[test]` or `#[cfg(test)]`.
    pub(super) test: bool,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Reads `source` into tokens.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: source.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while lexer.step() {}
    mark_tests(&mut lexer.out);
    lexer.out
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Moves on by `count` characters and counts the lines passed.
    fn advance(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.line += self.chars[self.at..end].iter().filter(|&&c| c == '\n').count();
        self.at = end;
    }

    fn push(&mut self, text: impl Into<String>) {
        self.out.push(Token { text: text.into(), line: self.line, test: false });
    }

    /// Reads one token, blank or comment; false at the end.
    fn step(&mut self) -> bool {
        let Some(c) = self.peek(0) else { return false };
        match (c, self.peek(1)) {
            ('/', Some('/')) => self.advance(self.span(|c| c != '\n')),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (':', Some(':')) => {
                self.push("::");
                self.advance(2);
            }
            (c, _) if c.is_alphabetic() || c == '_' => self.word(),
            (c, _) if c.is_ascii_digit() => {
                self.push("\"");
                self.advance(self.span(|c| c.is_alphanumeric() || c == '_'));
            }
            (c, _) => {
                if !c.is_whitespace() {
                    self.push(c);
                }
                self.advance(1);
            }
        }
        true
    }

    /// How many characters from here on satisfy `keep`.
    fn span(&self, keep: impl Fn(char) -> bool) -> usize {
        self.chars[self.at..].iter().take_while(|&&c| keep(c)).count()
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('*')) => {
                    depth += 1;
                    self.advance(2);
                }
                ('*', Some('/')) => {
                    depth -= 1;
                    self.advance(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.advance(1),
            }
        }
    }

    /// A string with escapes, from its opening quote.
    fn string(&mut self) {
        let (start, line) = (self.at, self.line);
        self.advance(1);
        while let Some(c) = self.peek(0).filter(|&c| c != '"') {
            self.advance(if c == '\\' { 2 } else { 1 });
        }
        let text = self.chars[start..self.at].iter().collect();
        self.out.push(Token { text, line, test: false });
        self.advance(1);
    }

    /// A raw string, from its first `#` or quote.
    fn raw_string(&mut self) {
        self.push("\"");
        let hashes = self.span(|c| c == '#');
        self.advance(hashes + 1);
        while let Some(c) = self.peek(0) {
            self.advance(1);
            if c == '"' && self.span(|c| c == '#') >= hashes {
                self.advance(hashes);
                return;
            }
        }
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) {
        let escaped = self.peek(1) == Some('\\');
        if escaped || self.peek(2) == Some('\'') {
            self.push("\"");
            self.advance(if escaped { 3 } else { 2 });
            self.advance(self.span(|c| c != '\'') + 1);
        } else {
            self.advance(1);
            self.advance(self.span(|c| c.is_alphanumeric() || c == '_'));
        }
    }

    /// A word, or the string it is the prefix of (`r"`, `b"`, `br#"`), or the raw name `r#word`.
    fn word(&mut self) {
        let length = self.span(|c| c.is_alphanumeric() || c == '_');
        let text: String = self.chars[self.at..self.at + length].iter().collect();
        let after = self.peek(length);
        let prefix = matches!(text.as_str(), "r" | "b" | "c" | "br" | "cr");
        let hashes = self.chars[self.at + length..].iter().take_while(|&&c| c == '#').count();
        let quoted = self.peek(length + hashes) == Some('"');
        if prefix && text.contains('r') && quoted {
            self.advance(length);
            self.raw_string();
        } else if prefix && after == Some('"') {
            self.advance(length);
            self.string();
        } else if text == "r" && hashes == 1 {
            self.advance(2);
        } else {
            self.push(text);
            self.advance(length);
        }
    }
}

/// Marks the items under `#[test]` and `#[cfg(test)]`, or the whole file under `#![cfg(test)]`.
fn mark_tests(tokens: &mut [Token]) {
    let mut i = 0;
    while i < tokens.len() {
        if !tokens[i].is("#") {
            i += 1;
            continue;
        }
        let inner = tokens.get(i + 1).is_some_and(|t| t.is("!"));
        let open = i + 1 + usize::from(inner);
        if !tokens.get(open).is_some_and(|t| t.is("[")) {
            i += 1;
            continue;
        }
        let close = closing(tokens, open);
        let end = match (is_test_attribute(&tokens[open + 1..close]), inner) {
            (false, _) => close,
            (true, true) => tokens.len() - 1,
            (true, false) => item_end(tokens, close + 1),
        };
        if end > close {
            tokens[i..=end].iter_mut().for_each(|t| t.test = true);
        }
        i = end + 1;
    }
}

fn is_test_attribute(inside: &[Token]) -> bool {
    match inside {
        [only] => only.is("test"),
        [first, rest @ ..] if first.is("cfg") => {
            rest.iter().any(|t| t.is("test")) && !rest.iter().any(|t| t.is("not"))
        }
        _ => false,
    }
}

/// Index of the sign that closes the one at `open`, or of the last token.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// Index of the last token of the item that begins at `start`: its `;` or the `}` of its body.
pub(super) fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut i = start;
    while i < tokens.len() {
        match tokens[i].text.as_str() {
            ";" => return i,
            "{" => return closing(tokens, i),
            "(" | "[" => i = closing(tokens, i),
            _ => {}
        }
        i += 1;
    }
    tokens.len().saturating_sub(1)
}

/// Names of the functions under `#[ignore = ".."]` with `reason` in the text.
pub(super) fn ignored_functions(tokens: &[Token], reason: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (i, mark) in tokens.windows(5).enumerate() {
        let ignored = mark[0].is("#") && mark[1].is("[") && mark[2].is("ignore") && mark[3].is("=");
        if ignored && mark[4].text.contains(reason) {
            let name = tokens[i..].iter().skip_while(|t| !t.is("fn")).nth(1);
            out.extend(name.map(|t| t.text.clone()));
        }
    }
    out
}
