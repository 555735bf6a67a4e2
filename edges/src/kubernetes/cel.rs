//! Whether a device is one that an expression in CEL selects: the variable `device` with its driver, attributes and capacities, as
//! Kubernetes documents it, and the functions on them. What is not known here is refused with the reason, once the expression is read.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::cel_syntax::{Expression, Operator, parse};
use super::quantity::Quantity;

/// Functions that are called on a value, and those that are not, with how many arguments they take.
const METHODS: [(&str, usize); 22] = [
    ("startsWith", 1),
    ("endsWith", 1),
    ("contains", 1),
    ("lowerAscii", 0),
    ("upperAscii", 0),
    ("trim", 0),
    ("size", 0),
    ("compareTo", 1),
    ("isGreaterThan", 1),
    ("isLessThan", 1),
    ("isInteger", 0),
    ("asInteger", 0),
    ("sign", 0),
    ("add", 1),
    ("sub", 1),
    ("major", 0),
    ("minor", 0),
    ("patch", 0),
    ("exists", 2),
    ("all", 2),
    ("exists_one", 2),
    ("bind", 3),
];
const FUNCTIONS: [(&str, usize); 8] = [
    ("quantity", 1),
    ("isQuantity", 1),
    ("semver", 1),
    ("isSemver", 1),
    ("size", 1),
    ("has", 1),
    ("string", 1),
    ("int", 1),
];

/// A version (semver 2.0.0): numbers, and what is before a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    before: Vec<String>,
}

impl Version {
    /// None where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let is_short = text.len() == 1 || !text.starts_with('0');
            (is_short && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
        };
        // What is behind a plus sign does not order versions.
        let text = text.split_once('+').map_or(text, |(text, _)| text);
        let (release, before) = text.split_once('-').map_or((text, None), |(a, b)| (a, Some(b)));
        let numbers: Option<Vec<u64>> = release.split('.').map(number).collect();
        let before: Vec<String> = before.iter().flat_map(|of| of.split('.')).map(str::to_owned).collect();
        let are_sound = before.iter().all(|part| !part.is_empty());
        Some(Self { numbers: numbers?.try_into().ok()?, before }).filter(|_| are_sound)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |part: &String| part.parse::<u64>().ok();
        let parts = |a: &String, b: &String| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (None, None) => a.cmp(b),
            (a, _) => {
                if a.is_some() {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        };
        let of_before = || match (self.before.is_empty(), other.before.is_empty()) {
            (false, false) => {
                let pairs = self.before.iter().zip(&other.before);
                let differing = pairs.map(|(a, b)| parts(a, b)).find(|order| order.is_ne());
                differing.unwrap_or_else(|| self.before.len().cmp(&other.before.len()))
            }
            (a, b) => a.cmp(&b),
        };
        self.numbers.cmp(&other.numbers).then_with(of_before)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Attributes or capacities by their domain, then by their name in it.
pub(super) type Domains = BTreeMap<String, Arc<BTreeMap<String, Value>>>;

/// A device, as expressions see it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Subject {
    pub(super) driver: String,
    pub(super) attributes: Arc<Domains>,
    pub(super) capacity: Arc<Domains>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    Version(Version),
    Quantity(Quantity),
    List(Vec<Self>),
    Device,
    Domains(Arc<Domains>),
    Domain(Arc<BTreeMap<String, Self>>),
}

/// An expression that was read, and knows all of its functions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selector(Expression);

impl Selector {
    /// Reads it; or why it cannot be evaluated.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expression = parse(text)?;
        check(&expression, &mut vec!["device"])?;
        Ok(Self(expression))
    }

    /// Whether it takes the device.
    pub(super) fn takes(&self, device: &Subject) -> Result<bool, String> {
        match (Scope { device, bound: Vec::new() }).value(&self.0)? {
            Value::Bool(takes) => Ok(takes),
            other => Err(format!("it is {} and not true or false", kind(&other))),
        }
    }
}

/// The name that a macro binds in its last argument, and how many arguments come before that one.
fn bound<'a>(on: Option<&Expression>, name: &str, args: &'a [Expression]) -> Option<&'a str> {
    let is_macro = match name {
        "bind" => on == Some(&Expression::Name("cel".to_owned())),
        _ => matches!(name, "exists" | "all" | "exists_one"),
    };
    match args.first() {
        Some(Expression::Name(bound)) if is_macro => Some(bound),
        _ => None,
    }
}

/// Whether all functions and names are known.
fn check<'a>(of: &'a Expression, names: &mut Vec<&'a str>) -> Result<(), String> {
    match of {
        Expression::Bool(_) | Expression::Int(_) | Expression::Text(_) => Ok(()),
        Expression::Name(name) if names.contains(&name.as_str()) => Ok(()),
        Expression::Name(name) => Err(format!("`{name}` is not known")),
        Expression::List(all) | Expression::All(all) | Expression::Any(all) => {
            all.iter().try_for_each(|one| check(one, names))
        }
        Expression::Not(one) | Expression::Negative(one) | Expression::Member(one, _) => check(one, names),
        Expression::Both(_, two) | Expression::Index(two) => {
            check(&two.0, names).and_then(|()| check(&two.1, names))
        }
        Expression::Choice(three) => {
            [&three.0, &three.1, &three.2].into_iter().try_for_each(|one| check(one, names))
        }
        Expression::Call(on, name, args) => {
            let known: &[(&str, usize)] = if on.is_some() { &METHODS } else { &FUNCTIONS };
            let takes = known.iter().find(|(known, _)| known == name);
            let Some((_, count)) = takes else { return Err(format!("the function `{name}` is not known")) };
            if args.len() != *count {
                return Err(format!(
                    "the function `{name}` takes {count} arguments, and {} stand there",
                    args.len()
                ));
            }
            let Some(bound) = bound(on.as_deref(), name, args) else {
                return on.iter().map(|on| &**on).chain(args).try_for_each(|one| check(one, names));
            };
            match (name.as_str(), &args[1..]) {
                ("bind", [init, _]) => check(init, names)?,
                _ => on.iter().try_for_each(|on| check(on, names))?,
            }
            names.push(bound);
            let within = args.last().map_or(Ok(()), |within| check(within, names));
            names.pop();
            within
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a truth value",
        Value::Int(_) => "a number",
        Value::Text(_) => "a text",
        Value::Version(_) => "a version",
        Value::Quantity(_) => "a quantity",
        Value::List(_) => "a list",
        Value::Device => "the device",
        Value::Domains(_) | Value::Domain(_) => "a map",
    }
}

/// What names mean.
struct Scope<'a> {
    device: &'a Subject,
    bound: Vec<(&'a str, Value)>,
}

impl<'a> Scope<'a> {
    fn value(&mut self, of: &'a Expression) -> Result<Value, String> {
        Ok(match of {
            Expression::Bool(value) => Value::Bool(*value),
            Expression::Int(value) => Value::Int(*value),
            Expression::Text(value) => Value::Text(value.clone()),
            Expression::List(all) => {
                Value::List(all.iter().map(|one| self.value(one)).collect::<Result<_, _>>()?)
            }
            Expression::Name(name) => {
                let found = self.bound.iter().rev().find(|(bound, _)| bound == name);
                found.map_or(Value::Device, |(_, value)| value.clone())
            }
            Expression::All(parts) => Value::Bool(!self.decides(parts, false)?),
            Expression::Any(parts) => Value::Bool(self.decides(parts, true)?),
            Expression::Not(one) => Value::Bool(!self.truth(one)?),
            Expression::Negative(one) => match self.value(one)? {
                Value::Int(value) => Value::Int(value.checked_neg().ok_or("a number is too large")?),
                other => return Err(format!("{} has no sign", kind(&other))),
            },
            Expression::Both(operator, two) => {
                let (left, right) = (self.value(&two.0)?, self.value(&two.1)?);
                both(*operator, &left, &right)?
            }
            Expression::Choice(three) => {
                let chosen = if self.truth(&three.0)? { &three.1 } else { &three.2 };
                self.value(chosen)?
            }
            Expression::Member(of, name) => member(self.device, &self.value(of)?, name)?,
            Expression::Index(two) => match (self.value(&two.0)?, self.value(&two.1)?) {
                (of @ (Value::Domains(_) | Value::Domain(_)), Value::Text(key)) => {
                    member(self.device, &of, &key)?
                }
                (Value::List(all), Value::Int(at)) => {
                    let found = usize::try_from(at).ok().and_then(|at| all.get(at).cloned());
                    found.ok_or_else(|| format!("a list has no element {at}"))?
                }
                (of, _) => return Err(format!("{} has no such elements", kind(&of))),
            },
            Expression::Call(on, name, args) => self.call(on.as_deref(), name, args)?,
        })
    }

    fn truth(&mut self, of: &'a Expression) -> Result<bool, String> {
        match self.value(of)? {
            Value::Bool(value) => Ok(value),
            other => Err(format!("{} is not true or false", kind(&other))),
        }
    }

    /// Whether one of the parts is this: then it does not matter what is wrong with another.
    fn decides(&mut self, parts: &'a [Expression], this: bool) -> Result<bool, String> {
        let mut wrong = None;
        for part in parts {
            match self.truth(part) {
                Ok(found) if found == this => return Ok(true),
                Ok(_) => {}
                Err(problem) => wrong = wrong.or(Some(problem)),
            }
        }
        wrong.map_or(Ok(false), Err)
    }

    fn call(
        &mut self,
        on: Option<&'a Expression>,
        name: &'a str,
        args: &'a [Expression],
    ) -> Result<Value, String> {
        if let ("has", [of]) = (name, args) {
            let Expression::Member(of, name) = of else { return Err("`has` takes a member".to_owned()) };
            let of = self.value(of)?;
            return Ok(Value::Bool(match &of {
                Value::Domain(all) => all.contains_key(name),
                other => member(self.device, other, name).is_ok(),
            }));
        }
        if let Some(bound) = bound(on, name, args) {
            return self.with_bound(on, name, bound, &args[1..]);
        }
        let on = on.map(|on| self.value(on)).transpose()?;
        let args = args.iter().map(|arg| self.value(arg)).collect::<Result<Vec<_>, _>>()?;
        match (&on, &args[..]) {
            (Some(on), []) => of_one(name, on),
            (None, [one]) => of_one(name, one),
            (Some(on), [other]) => of_two(name, on, other),
            _ => None,
        }
        .unwrap_or_else(|| {
            let of = on.iter().chain(&args).map(kind).collect::<Vec<_>>().join(" and ");
            Err(format!("`{name}` is not for {of}"))
        })
    }

    fn with_bound(
        &mut self,
        on: Option<&'a Expression>,
        name: &str,
        bound: &'a str,
        args: &'a [Expression],
    ) -> Result<Value, String> {
        let (all, within) = match (name, args, on) {
            ("bind", [init, within], _) => {
                let value = self.value(init)?;
                self.bound.push((bound, value));
                let found = self.value(within);
                self.bound.pop();
                return found;
            }
            (_, [within], Some(on)) => (self.value(on)?, within),
            _ => return Err(format!("`{name}` has other arguments")),
        };
        let all = match all {
            Value::List(all) => all,
            Value::Domain(all) => all.keys().cloned().map(Value::Text).collect(),
            Value::Domains(all) => all.keys().cloned().map(Value::Text).collect(),
            other => return Err(format!("`{name}` is not for {}", kind(&other))),
        };
        let (mut holding, mut wrong) = (0, None);
        let count = all.len();
        for value in all {
            self.bound.push((bound, value));
            let found = self.truth(within);
            self.bound.pop();
            match (name, found) {
                ("exists", Ok(true)) => return Ok(Value::Bool(true)),
                ("all", Ok(false)) => return Ok(Value::Bool(false)),
                (_, Ok(holds)) => holding += usize::from(holds),
                (_, Err(problem)) => wrong = wrong.or(Some(problem)),
            }
        }
        match wrong {
            Some(problem) => Err(problem),
            None if name == "exists_one" => Ok(Value::Bool(holding == 1)),
            None => Ok(Value::Bool(holding == count && name == "all")),
        }
    }
}

/// What a value has under a name. A domain that a device says nothing of is empty.
fn member(device: &Subject, of: &Value, name: &str) -> Result<Value, String> {
    match (of, name) {
        (Value::Device, "driver") => Ok(Value::Text(device.driver.clone())),
        (Value::Device, "attributes") => Ok(Value::Domains(Arc::clone(&device.attributes))),
        (Value::Device, "capacity") => Ok(Value::Domains(Arc::clone(&device.capacity))),
        (Value::Domains(all), domain) => Ok(Value::Domain(all.get(domain).cloned().unwrap_or_default())),
        (Value::Domain(all), name) => all.get(name).cloned().ok_or_else(|| format!("no such key: {name}")),
        (other, name) => Err(format!("{} has no `{name}`", kind(other))),
    }
}

fn both(operator: Operator, left: &Value, right: &Value) -> Result<Value, String> {
    use Value::{Bool, Int, Text};
    let not_for = || format!("{} and {} do not go together", kind(left), kind(right));
    let compared = |is: fn(Ordering) -> bool| match (left, right) {
        (Int(a), Int(b)) => Ok(Bool(is(a.cmp(b)))),
        (Text(a), Text(b)) => Ok(Bool(is(a.cmp(b)))),
        (Bool(a), Bool(b)) => Ok(Bool(is(a.cmp(b)))),
        _ => Err(not_for()),
    };
    let number = |of: fn(i64, i64) -> Option<i64>| match (left, right) {
        (Int(a), Int(b)) => of(*a, *b).map(Int).ok_or_else(|| "a number is too large, or 0".to_owned()),
        _ => Err(not_for()),
    };
    match operator {
        Operator::Equal => Ok(Bool(left == right)),
        Operator::Unequal => Ok(Bool(left != right)),
        Operator::Less => compared(Ordering::is_lt),
        Operator::LessOrEqual => compared(Ordering::is_le),
        Operator::Greater => compared(Ordering::is_gt),
        Operator::GreaterOrEqual => compared(Ordering::is_ge),
        Operator::In => match (left, right) {
            (one, Value::List(all)) => Ok(Bool(all.contains(one))),
            (Text(key), Value::Domain(all)) => Ok(Bool(all.contains_key(key))),
            (Text(key), Value::Domains(all)) => Ok(Bool(all.contains_key(key))),
            _ => Err(not_for()),
        },
        Operator::Add => match (left, right) {
            (Text(a), Text(b)) => Ok(Text(format!("{a}{b}"))),
            (Value::List(a), Value::List(b)) => Ok(Value::List([&a[..], b].concat())),
            _ => number(i64::checked_add),
        },
        Operator::Subtract => number(i64::checked_sub),
        Operator::Multiply => number(i64::checked_mul),
        Operator::Divide => number(i64::checked_div),
        Operator::Modulo => number(i64::checked_rem),
    }
}

/// A function of one value; none where it is not for it.
fn of_one(name: &str, of: &Value) -> Option<Result<Value, String>> {
    use Value::{Bool, Int, Text};
    let wrong = |text: &str, what: &str| Err(format!("{text:?} is no {what}"));
    let count = |count: usize| Ok(Int(i64::try_from(count).unwrap_or(i64::MAX)));
    Some(match (name, of) {
        ("quantity", Text(text)) => {
            Quantity::parse(text).map_or_else(|| wrong(text, "quantity"), |value| Ok(Value::Quantity(value)))
        }
        ("semver", Text(text)) => {
            Version::parse(text).map_or_else(|| wrong(text, "version"), |value| Ok(Value::Version(value)))
        }
        ("isQuantity", Text(text)) => Ok(Bool(Quantity::parse(text).is_some())),
        ("isSemver", Text(text)) => Ok(Bool(Version::parse(text).is_some())),
        ("int", Text(text)) => text.parse().map_or_else(|_| wrong(text, "number"), |value| Ok(Int(value))),
        ("int", Int(value)) => Ok(Int(*value)),
        ("string", Int(value)) => Ok(Text(value.to_string())),
        ("string", Bool(value)) => Ok(Text(value.to_string())),
        ("string", Text(text)) => Ok(Text(text.clone())),
        ("trim", Text(text)) => Ok(Text(text.trim().to_owned())),
        ("lowerAscii", Text(text)) => Ok(Text(text.to_ascii_lowercase())),
        ("upperAscii", Text(text)) => Ok(Text(text.to_ascii_uppercase())),
        ("size", Text(text)) => count(text.chars().count()),
        ("size", Value::List(all)) => count(all.len()),
        ("size", Value::Domain(all)) => count(all.len()),
        ("size", Value::Domains(all)) => count(all.len()),
        ("isInteger", Value::Quantity(value)) => Ok(Bool(value.whole().is_some())),
        ("asInteger", Value::Quantity(value)) => {
            value.whole().map(Int).ok_or_else(|| "the quantity is no whole number".to_owned())
        }
        ("sign", Value::Quantity(value)) => Ok(Int(value.cmp(&Quantity::default()) as i64)),
        ("major" | "minor" | "patch", Value::Version(version)) => {
            let at = ["major", "minor", "patch"].iter().position(|of| *of == name)?;
            Ok(Int(i64::try_from(version.numbers[at]).unwrap_or(i64::MAX)))
        }
        _ => return None,
    })
}

/// The same of two.
fn of_two(name: &str, on: &Value, other: &Value) -> Option<Result<Value, String>> {
    let compared = |order: Ordering| match name {
        "compareTo" => Some(Value::Int(order as i64)),
        "isGreaterThan" => Some(Value::Bool(order.is_gt())),
        "isLessThan" => Some(Value::Bool(order.is_lt())),
        _ => None,
    };
    let found = match (on, other) {
        (Value::Text(text), Value::Text(part)) => match name {
            "startsWith" => Some(Value::Bool(text.starts_with(part.as_str()))),
            "endsWith" => Some(Value::Bool(text.ends_with(part.as_str()))),
            "contains" => Some(Value::Bool(text.contains(part.as_str()))),
            _ => None,
        },
        (Value::Quantity(a), Value::Quantity(b)) => match name {
            "add" => Some(Value::Quantity(*a + *b)),
            "sub" => Some(Value::Quantity(*a - *b)),
            _ => compared(a.cmp(b)),
        },
        (Value::Version(a), Value::Version(b)) => compared(a.cmp(b)),
        _ => None,
    };
    found.map(Ok)
}
