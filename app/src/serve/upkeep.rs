//! What is done once the decisions of a whole turn are out: time is booked, and what is learned, the ledger and what the journal amounts to are kept
//! from time to time. A task that comes meanwhile waits as long as that takes, so nothing of it happens every turn but the booking.

use lepton_core::cycle::CycleReport;
use lepton_edges::store::{Store, TurnRows};

use super::books::Books;
use super::config::ServeConfig;
use super::engine::Engine;
use super::starts::STARTS;

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
}

impl Engine {
    /// Books the time since the turn before, and keeps what is due. A turn that is not kept comes again after a restart: then nothing of it is kept here
    /// either.
    pub(super) fn keep_up(&mut self, report: &CycleReport) {
        let now = self.cluster.now_seconds();
        self.upkeep.books.book(self.cycle.snapshot(), now);
        if self.health.store_problem.is_some() {
            return;
        }
        let kept = self.keep_ledger(now, false).and_then(|()| self.keep_signs());
        let kept = kept.and_then(|()| self.remember(report.cycle));
        self.health.store_problem = kept.err().map(|error| error.to_string());
    }

    /// Keeps hours of the ledger that are over, and from time to time, or if asked for, the one that goes on.
    pub(super) fn keep_ledger(&mut self, now_seconds: u64, all: bool) -> anyhow::Result<()> {
        let ledger = self.upkeep.books.rows(now_seconds, all);
        if all || !ledger.is_empty() {
            let rows = TurnRows { clock_seconds: now_seconds, ledger: &ledger, ..TurnRows::default() };
            self.store.keep_turn(&rows)?;
            self.upkeep.books.kept(&ledger, now_seconds);
        }
        Ok(())
    }

    /// Signs that a source has told are kept at once, together with how far it has told them.
    fn keep_signs(&mut self) -> anyhow::Result<()> {
        let told = self.cluster.signs_told();
        if !told.is_empty() || self.health.turns - self.upkeep.signs_kept >= TURNS_TO_KEEP_SIGNS {
            let signs = serde_json::to_string(&self.cycle.analyst().signs())?;
            let mut facts = vec![(SIGNS, signs), (STARTS, self.starts.written()?)];
            facts.extend(told.iter().map(|(name, number)| (*name, number.to_string())));
            self.store.set_facts(facts.iter().map(|(name, value)| (*name, value.as_str())))?;
            self.upkeep.signs_kept = self.health.turns;
        }
        self.cluster.signs_kept(&told);
        Ok(())
    }

    fn remember(&mut self, turn: u64) -> anyhow::Result<()> {
        if turn - self.upkeep.remembered >= TURNS_TO_REMEMBER {
            self.cycle.remember(&mut self.store)?;
            self.upkeep.remembered = turn;
        }
        Ok(())
    }

    /// Drops some of what the journal has no use for any more: where there is time to spare, and now and then where there is none. What cannot
    /// be dropped now can be later.
    pub(super) fn trim(&mut self, has_time: bool) {
        if !has_time && !self.health.turns.is_multiple_of(TURNS_TO_TRIM) {
            return;
        }
        let before = self.cluster.now_seconds().saturating_sub(self.upkeep.journal_days * DAY_SECONDS);
        let is_lived_again = self.cluster.simulated().is_some();
        if let Err(error) = self.store.trim(before, is_lived_again) {
            tracing::debug!(%error, "the journal keeps what could go");
        }
    }
}
