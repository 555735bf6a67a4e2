//! Expressions in CEL, the language in which claims say which devices they take, as far as drivers and users of devices write it: read
//! into a tree, or refused with the reason. What is long or nested without need is refused too, so that no expression uses up the stack.

use std::str::Chars;

/// How deep parentheses, lists and calls may lie in each other, and how many operations an expression may have.
const NESTED_MAX: usize = 50;
const OPERATIONS_MAX: usize = 500;

/// An operation on two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Self>),
    Name(String),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Negative(Box<Self>),
    Both(Operator, Box<(Self, Self)>),
    /// `condition ? this : that`.
    Choice(Box<(Self, Self, Self)>),
    Member(Box<Self>, String),
    Index(Box<(Self, Self)>),
    /// A function, of a value where it is called on one.
    Call(Option<Box<Self>>, String, Vec<Self>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Int(i64),
    Text(String),
    Name(String),
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ".", ",", "?", ":", "+", "-", "*",
    "/", "%", "{", "}",
];
const LEVELS: [&[(&str, Operator)]; 3] = [
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
        ("in", Operator::In),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Modulo)],
];

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, nested: 0, operations: 0 };
    let expression = parser.choice()?;
    match parser.next() {
        Token::End => Ok(expression),
        other => Err(format!("{} is not expected", named(&other))),
    }
}

fn named(token: &Token) -> String {
    match token {
        Token::Int(number) => number.to_string(),
        Token::Text(text) => format!("{text:?}"),
        Token::Name(name) => format!("`{name}`"),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "its end".to_owned(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let is_quoted = |text: &str| text.starts_with(['"', '\'']);
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if first.is_ascii_digit() {
            let (number, after) = rest.split_at(word);
            if after.starts_with('.') {
                return Err(format!("numbers with a fraction, as {number}., are not known"));
            }
            let value = match number.strip_prefix("0x") {
                Some(digits) => i64::from_str_radix(digits, 16).ok(),
                None => number.parse().ok(),
            };
            tokens.push(Token::Int(value.ok_or_else(|| format!("{number} is no whole number"))?));
            rest = after;
        } else if is_quoted(rest) {
            let (text, after) = quoted(rest, true)?;
            tokens.push(Token::Text(text));
            rest = after;
        } else if let Some(raw) = rest.strip_prefix(['r', 'R']).filter(|raw| is_quoted(raw)) {
            let (text, after) = quoted(raw, false)?;
            tokens.push(Token::Text(text));
            rest = after;
        } else if word > 0 {
            let (name, after) = rest.split_at(word);
            if is_quoted(after) {
                return Err(format!("texts that begin with {name} are not known"));
            }
            tokens.push(Token::Name(name.to_owned()));
            rest = after;
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("{first:?} is not expected"))?;
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A text that begins with its quotation mark, and what follows it.
fn quoted(text: &str, has_escapes: bool) -> Result<(String, &str), String> {
    let mut rest = text.chars();
    let mark = rest.next();
    if mark.is_some_and(|mark| text.starts_with(&String::from(mark).repeat(3))) {
        return Err("texts over several lines are not known".to_owned());
    }
    let mut value = String::new();
    loop {
        match rest.next() {
            None => return Err("a text does not end".to_owned()),
            end if end == mark => return Ok((value, rest.as_str())),
            Some('\\') if has_escapes => value.push(escaped(&mut rest)?),
            Some(other) => value.push(other),
        }
    }
}

fn escaped(rest: &mut Chars<'_>) -> Result<char, String> {
    let of_code = |rest: &mut Chars<'_>, digits: usize| {
        let code: String = rest.take(digits).collect();
        let code = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits);
        code.and_then(char::from_u32)
    };
    let found = match rest.next() {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('x' | 'X') => of_code(rest, 2),
        Some('u') => of_code(rest, 4),
        Some(sign @ ('\\' | '"' | '\'' | '`' | '?')) => Some(sign),
        _ => None,
    };
    found.ok_or_else(|| "a text has an escape that is not known".to_owned())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nested: usize,
    operations: usize,
}

impl Parser {
    fn next(&mut self) -> Token {
        let token = self.tokens.get(self.at).cloned().unwrap_or(Token::End);
        self.at += 1;
        token
    }

    /// Goes on where the next token is this sign or word.
    fn takes(&mut self, sign: &str) -> bool {
        let is_it = match self.tokens.get(self.at) {
            Some(Token::Sign(next)) => *next == sign,
            Some(Token::Name(next)) => next == sign,
            _ => false,
        };
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(format!("`{sign}` is expected before {}", named(&self.next())))
    }

    /// One operation more.
    fn count(&mut self) -> Result<(), String> {
        self.operations += 1;
        if self.operations > OPERATIONS_MAX {
            return Err(format!("it has more than {OPERATIONS_MAX} operations"));
        }
        Ok(())
    }

    fn choice(&mut self) -> Result<Expression, String> {
        self.nested += 1;
        if self.nested > NESTED_MAX {
            return Err(format!("it is nested more than {NESTED_MAX} times"));
        }
        let mut found = self.any()?;
        if self.takes("?") {
            self.count()?;
            let this = self.any()?;
            self.expect(":")?;
            found = Expression::Choice(Box::new((found, this, self.choice()?)));
        }
        self.nested -= 1;
        Ok(found)
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.both(0)?];
        while self.takes("&&") {
            parts.push(self.both(0)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expression::All(parts) })
    }

    fn both(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.sign() };
        let mut left = self.both(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.takes(sign)) {
            self.count()?;
            left = Expression::Both(*operator, Box::new((left, self.both(level + 1)?)));
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Expression, String> {
        let mut signs = Vec::new();
        while let Some(sign) = ["!", "-"].into_iter().find(|sign| self.takes(sign)) {
            self.count()?;
            signs.push(sign);
        }
        let value = self.member()?;
        Ok(signs.into_iter().rev().fold(value, |value, sign| match sign {
            "!" => Expression::Not(Box::new(value)),
            _ => Expression::Negative(Box::new(value)),
        }))
    }

    fn member(&mut self) -> Result<Expression, String> {
        let mut value = self.primary()?;
        loop {
            if self.takes(".") {
                self.count()?;
                let name = match self.next() {
                    Token::Name(name) => name,
                    other => return Err(format!("a name is expected before {}", named(&other))),
                };
                value = if self.takes("(") {
                    Expression::Call(Some(Box::new(value)), name, self.list(")")?)
                } else {
                    Expression::Member(Box::new(value), name)
                };
            } else if self.takes("[") {
                self.count()?;
                let key = self.choice()?;
                self.expect("]")?;
                value = Expression::Index(Box::new((value, key)));
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Result<Expression, String> {
        Ok(match self.next() {
            Token::Int(number) => Expression::Int(number),
            Token::Text(text) => Expression::Text(text),
            Token::Name(name) if name == "true" || name == "false" => Expression::Bool(name == "true"),
            Token::Name(name) if self.takes("(") => Expression::Call(None, name, self.list(")")?),
            Token::Name(name) => Expression::Name(name),
            Token::Sign("(") => {
                let within = self.choice()?;
                self.expect(")")?;
                within
            }
            Token::Sign("[") => Expression::List(self.list("]")?),
            other => return Err(format!("{} is not expected", named(&other))),
        })
    }

    /// Expressions between commas, up to the sign.
    fn list(&mut self, end: &str) -> Result<Vec<Expression>, String> {
        let mut all = Vec::new();
        while !self.takes(end) {
            all.push(self.choice()?);
            if !self.takes(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(all)
    }
}
