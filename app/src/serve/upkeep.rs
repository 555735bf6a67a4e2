//! What is done once the decisions of a whole turn are out: time is booked, and what is learned, the ledger and what the journal amounts to are kept
//! from time to time. A task that comes meanwhile waits as long as that takes, so nothing of it happens every turn but the booking.

use lepton_core::cycle::Cycle;
use lepton_core::model::Snapshot;
use lepton_edges::store::{Store, TurnRows};

use super::books::Books;
use super::config::ServeConfig;
use super::connection::Connection;
use super::starts::{STARTS, Starts};

const DAY_SECONDS: u64 = 86_400;
/// Numbers of turns after which the journal is brought down to what it amounts to.
const TURNS_TO_REMEMBER: u64 = 1000;
/// Whole turns after which some of the journal is let go, where no turn has time to spare.
const TURNS_TO_TRIM: u64 = 20;
/// Name of the fact in the store that tells what was seen of failures and signs.
pub(super) const SIGNS: &str = "signs";
/// Whole turns after which that, and how far expected starts held, is kept for a restart.
const TURNS_TO_KEEP_SIGNS: u64 = 10;

/// What is kept from time to time, and when that was.
#[derive(Debug)]
pub(super) struct Upkeep {
    books: Books,
    /// Days after which entries of the journal that nothing needs may go.
    journal_days: u64,
    /// Whole turns of this process when signs were last kept.
    signs_kept: u64,
    /// Number of the turn after which all was last remembered.
    remembered: u64,
}

impl Upkeep {
    /// Goes on where the store stands, after the turn of this number.
    pub(super) fn open(
        config: &ServeConfig,
        store: &Store,
        now_seconds: u64,
        turn: u64,
    ) -> anyhow::Result<Self> {
        let books = Books::open(store, now_seconds, config.fresh_seconds)?;
        Ok(Self { books, journal_days: config.journal_days, signs_kept: 0, remembered: turn })
    }

    /// Books the time since the turn before, as all stands now.
    pub(super) fn book(&mut self, snapshot: &Snapshot, now_seconds: u64) {
        self.books.book(snapshot, now_seconds);
    }

    /// Keeps what is due after a whole turn of this number, the `turns`-th of this process. Signs that a source has told are kept at once,
    /// together with how far it has told them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn keep(
        &mut self,
        store: &mut Store,
        cycle: &Cycle,
        cluster: &mut dyn Connection,
        starts: &Starts,
        (turn, turns): (u64, u64),
    ) -> anyhow::Result<()> {
        self.keep_ledger(store, cluster.now_seconds(), false)?;
        let told = cluster.signs_told();
        if !told.is_empty() || turns >= self.signs_kept + TURNS_TO_KEEP_SIGNS {
            let signs = serde_json::to_string(&cycle.analyst().signs())?;
            let mut facts = vec![(SIGNS, signs), (STARTS, starts.written()?)];
            facts.extend(told.iter().map(|(name, number)| (*name, number.to_string())));
            store.set_facts(facts.iter().map(|(name, value)| (*name, value.as_str())))?;
            self.signs_kept = turns;
        }
        cluster.signs_kept(&told);
        if turn >= self.remembered + TURNS_TO_REMEMBER {
            cycle.remember(store)?;
            self.remembered = turn;
        }
        Ok(())
    }

    /// Keeps hours of the ledger that are over, and from time to time, or if asked for, the one that goes on.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn keep_ledger(
        &mut self,
        store: &mut Store,
        now_seconds: u64,
        all: bool,
    ) -> anyhow::Result<()> {
        let ledger = self.books.rows(now_seconds, all);
        if all || !ledger.is_empty() {
            let rows = TurnRows { clock_seconds: now_seconds, ledger: &ledger, ..TurnRows::default() };
            store.keep_turn(&rows)?;
            self.books.kept(&ledger, now_seconds);
        }
        Ok(())
    }

    /// Drops some of what the journal has no use for any more: where there is time to spare, and now and then where there is none. What cannot
    /// be dropped now can be later.
    pub(super) fn trim(&self, store: &mut Store, cluster: &mut dyn Connection, has_time: bool, turns: u64) {
        if !has_time && !turns.is_multiple_of(TURNS_TO_TRIM) {
            return;
        }
        let before = cluster.now_seconds().saturating_sub(self.journal_days * DAY_SECONDS);
        let is_lived_again = cluster.simulated().is_some();
        if let Err(error) = store.trim(before, is_lived_again) {
            tracing::debug!(%error, "the journal keeps what could go");
        }
    }
}
