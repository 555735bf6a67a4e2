//! Tells a database elsewhere the rows of the series, in the order of their numbers, and drops there what is older than its period.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::remote::{Database, Days, Row, SERIES, upserts};
use super::series::{Level, Periods, Untold};

/// Rows of a level told at once.
const ROWS_MAX: usize = 500;
/// Time between two looks for new rows: they come by five minutes.
const LOOK: Duration = Duration::from_secs(2);
/// Time between two looks for old days.
const EXPIRE: Duration = Duration::from_secs(1800);
const DAY_SECONDS: u64 = 86_400;

/// How far each level was told.
pub(super) struct SeriesTeller {
    untold: Untold,
    periods: Periods,
    /// The last row of each level that the database has; none while it was not asked.
    told: Option<[u64; Level::ALL.len()]>,
    days: [Days; Level::ALL.len()],
    /// Lists of measures that it has.
    measures: BTreeSet<i64>,
    looked: Option<Instant>,
    expired: Option<Instant>,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    pub(crate) told: u64,
    /// Rows that were dropped here before they were told.
    pub(crate) dropped: u64,
    /// Whether there may be more at once.
    pub(crate) more: bool,
}

impl SeriesTeller {
    pub(super) fn new(folder: &Path, periods: Periods) -> Self {
        Self {
            untold: Untold::of(folder),
            periods,
            told: None,
            days: all_days(),
            measures: BTreeSet::new(),
            looked: None,
            expired: None,
        }
    }

    /// The connection is another from now on: what the database has is asked anew.
    pub(super) fn begin_anew(&mut self) {
        (self.told, self.looked, self.expired) = (None, None, None);
        self.days = all_days();
        self.measures.clear();
    }

    /// Tells what is new, if it is time to look, some of it at once.
    pub(super) fn tell(&mut self, database: &mut dyn Database, instance: &str) -> Result<Look, String> {
        if self.looked.is_some_and(|when| when.elapsed() < LOOK) {
            return Ok(Look::default());
        }
        let mut told = match self.told {
            Some(told) => told,
            None => self.ask(database, instance)?,
        };
        let mut look = Look::default();
        for level in Level::ALL {
            let at = &mut told[level as usize];
            let (rows, mut names) =
                self.untold.rows(level, *at, ROWS_MAX).map_err(|error| error.to_string())?;
            let (Some(first), Some(last)) = (number(rows.first()), number(rows.last())) else { continue };
            if *at > 0 {
                look.dropped += first - *at - 1;
            }
            names.retain(|(_, number, _)| !self.measures.contains(number));
            self.days[level as usize].make_room(database, &rows).map_err(|error| error.to_string())?;
            let mut statements = upserts(database.dialect(), instance, &names);
            statements.extend(upserts(database.dialect(), instance, &rows));
            database.write(&statements).map_err(|error| error.to_string())?;
            self.measures.extend(names.iter().map(|(_, number, _)| *number));
            *at = last;
            look.told += rows.len() as u64;
            look.more |= rows.len() == ROWS_MAX;
        }
        self.told = Some(told);
        self.looked = (!look.more).then(Instant::now);
        if !look.more && self.expired.is_none_or(|when| when.elapsed() >= EXPIRE) {
            self.expire(database)?;
            self.expired = Some(Instant::now());
        }
        Ok(look)
    }

    /// What the database has.
    fn ask(&self, database: &mut dyn Database, instance: &str) -> Result<[u64; Level::ALL.len()], String> {
        let mut told = [0; Level::ALL.len()];
        for level in Level::ALL {
            let table = SERIES[level as usize].name;
            let sql = format!(
                "SELECT coalesce(max(sequence), 0) FROM {table} WHERE instance = '{}'",
                instance.replace('\'', "''")
            );
            let last = database.number(&sql).map_err(|error| error.to_string())? as u64;
            // Where the files were deleted their numbers begin again.
            let is_known = last <= self.untold.last(level).map_err(|error| error.to_string())?;
            told[level as usize] = if is_known { last } else { 0 };
        }
        Ok(told)
    }

    /// Drops what is older than its period by this machine's clock, since many may share the tables, and the time of a simulated cluster is its
    /// own.
    fn expire(&mut self, database: &mut dyn Database) -> Result<(), String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        for level in Level::ALL {
            let before = now.saturating_sub(self.periods.seconds(level)) / DAY_SECONDS;
            self.days[level as usize].expire(database, before).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

fn all_days() -> [Days; Level::ALL.len()] {
    Level::ALL.map(|level| Days::of(SERIES[level as usize].name, level.days_together()))
}

fn number(row: Option<&Row>) -> Option<u64> {
    row.map(|(_, sequence, _)| *sequence as u64)
}
