//! Counters that lead to failure: what the history of a part's counters (SMART values of a drive, corrected memory
//! errors, link errors) says that a model can learn from.
//!
//! A counter alone says little: that it grows, since when, and how fast for the part's age says more. All numbers are
//! made from rows up to the one in question; a restarted counter (a fall) shows as what it fell by.

/// Rows that "a while ago" goes back.
const WHILE_ROWS: usize = 3;
/// What age is taken to be at least, so that a new part has no endless rate.
const AGE_MIN: f32 = 720.0;
/// Numbers made of each counter.
const PER_COUNTER: [&str; 7] = [
    "",
    " change",
    " change over 3 rows",
    " change since first",
    " for its age",
    " rows above 0",
    " below its highest",
];

/// Which numbers are made of a part's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterFeatures {
    counters: Vec<String>,
    /// The counter that is the part's age, if there is one.
    age: Option<usize>,
}

/// What is remembered of one part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CounterHistory {
    rows: usize,
    parts: Vec<Counter>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Counter {
    /// The last rows, the latest first.
    before: [f32; WHILE_ROWS],
    first: f32,
    highest: f32,
    rows_above: u32,
}

impl CounterFeatures {
    /// Features over counters with these names; `age` is the position of the one that tells the part's age.
    pub fn new(counters: Vec<String>, age: Option<usize>) -> Self {
        Self { counters, age }
    }

    /// Names of the numbers.
    pub fn names(&self) -> Vec<String> {
        let of = |counter: &String| PER_COUNTER.map(|what| format!("{counter}{what}"));
        let each = self.counters.iter().flat_map(of);
        each.chain(["rows".to_owned(), "counters above 0".to_owned()]).collect()
    }

    /// Takes in a part's next row (NaN is missing) and gives its numbers in the order of [`CounterFeatures::names`].
    pub fn push(&self, history: &mut CounterHistory, row: &[f32]) -> Vec<f32> {
        history.parts.resize(self.counters.len(), Counter::default());
        let mut out = Vec::with_capacity(self.counters.len() * PER_COUNTER.len() + 2);
        let age = self.age.and_then(|a| row.get(a)).map_or(f32::NAN, |age| age.max(0.0) + AGE_MIN);
        let mut above = 0.0;
        for (c, counter) in history.parts.iter_mut().enumerate() {
            let value = row.get(c).copied().filter(|v| v.is_finite()).unwrap_or(f32::NAN);
            above += f32::from(u8::from(value > 0.0));
            out.extend(counter.push(value, age));
        }
        out.extend([history.rows as f32, above]);
        history.rows += 1;
        out
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self { before: [f32::NAN; WHILE_ROWS], first: f32::NAN, highest: f32::NAN, rows_above: 0 }
    }
}

impl Counter {
    fn push(&mut self, value: f32, age: f32) -> [f32; PER_COUNTER.len()] {
        if self.first.is_nan() {
            self.first = value;
        }
        // `max` prefers what is a number.
        self.highest = self.highest.max(value);
        self.rows_above += u32::from(value > 0.0);
        let [last, .., a_while_ago] = self.before;
        self.before.rotate_right(1);
        self.before[0] = value;
        let numbers = [
            value,
            value - last,
            value - a_while_ago,
            value - self.first,
            value / age,
            self.rows_above as f32,
            self.highest - value,
        ];
        numbers.map(|n| if n.is_finite() { n } else { f32::NAN })
    }
}
