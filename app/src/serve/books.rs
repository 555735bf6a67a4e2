//! The ledger of the service: what was observed between turns, hour by hour, on its way to the store.

use std::collections::BTreeMap;

use lepton_core::model::{Name, Snapshot};
use lepton_edges::store::{LEDGER_HOUR_SECONDS, LedgerHour, Store};

/// An hour that goes on is kept this often, seconds of the cluster's time.
const KEEP_SECONDS: u64 = 900;

/// The books.
#[derive(Debug)]
pub(super) struct Books {
    /// The hour that goes on.
    open: LedgerHour,
    /// Hours that are over and not kept yet.
    over: Vec<LedgerHour>,
    /// Up to when all is booked; none before the first turn.
    booked_seconds: Option<u64>,
    kept_seconds: u64,
    /// A longer time between two turns was observed by nobody, seconds.
    gap_seconds: u64,
}

impl Books {
    /// Goes on with what the store has of the present hour.
    pub(super) fn open(store: &Store, now_seconds: u64, gap_seconds: u64) -> anyhow::Result<Self> {
        let from_seconds = hour_of(now_seconds);
        let open =
            store.ledger_hour(from_seconds)?.unwrap_or(LedgerHour { from_seconds, ..LedgerHour::default() });
        Ok(Self { open, over: Vec::new(), booked_seconds: None, kept_seconds: now_seconds, gap_seconds })
    }

    /// Books the time since the last turn as all stands now. What is out of date, and what nobody observed, is not booked.
    pub(super) fn book(&mut self, snapshot: &Snapshot, now_seconds: u64) {
        let begun = self.booked_seconds.replace(now_seconds);
        let Some(mut at) = begun.filter(|&begun| begun < now_seconds) else { return };
        if now_seconds - at > self.gap_seconds || !snapshot.stale.is_empty() {
            return;
        }
        while at < now_seconds {
            let hour = hour_of(at);
            if hour != self.open.from_seconds {
                let next = LedgerHour { from_seconds: hour, ..LedgerHour::default() };
                self.over.push(std::mem::replace(&mut self.open, next));
            }
            let until = now_seconds.min(hour + LEDGER_HOUR_SECONDS);
            self.open.ledger.book(snapshot, until - at, &still(snapshot, at, until));
            at = until;
        }
    }

    /// What the store is to keep now: hours that are over, and from time to time the one that goes on.
    pub(super) fn rows(&self, now_seconds: u64, all: bool) -> Vec<LedgerHour> {
        let due = all || now_seconds >= self.kept_seconds + KEEP_SECONDS;
        let open = (due && self.open.ledger.seconds > 0).then(|| self.open.clone());
        self.over.iter().cloned().chain(open).collect()
    }

    /// The store has what `rows` gave.
    pub(super) fn kept(&mut self, rows: &[LedgerHour], now_seconds: u64) {
        self.over.clear();
        if rows.iter().any(|row| row.from_seconds == self.open.from_seconds) {
            self.kept_seconds = now_seconds;
        }
    }
}

fn hour_of(seconds: u64) -> u64 {
    seconds - seconds % LEDGER_HOUR_SECONDS
}

/// How long each task stood still between two moments because the loop had moved it.
fn still(snapshot: &Snapshot, from_seconds: u64, to_seconds: u64) -> BTreeMap<Name, u64> {
    let mut still = BTreeMap::new();
    for made in snapshot.memory.moves.since(from_seconds.saturating_sub(LEDGER_HOUR_SECONDS)) {
        let Some(&task) = snapshot.task_by_name.get(&made.task) else { continue };
        let ends = made.time_seconds + u64::from(snapshot.task(task).pause_seconds);
        let seconds = ends.min(to_seconds).saturating_sub(made.time_seconds.max(from_seconds));
        if seconds > 0 {
            // The newest move of a task comes first, and counts.
            still.entry(made.task.clone()).or_insert(seconds);
        }
    }
    still
}

#[cfg(test)]
mod tests {
    use lepton_core::model::{Cluster, NodeSpec, ResourceSchema};

    use super::*;

    fn snapshot() -> Snapshot {
        let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
        cluster.add_node(NodeSpec::new("n", vec![1000, 1], Vec::new())).expect("a sound node");
        Snapshot::of_cluster(cluster, 0)
    }

    fn books(gap_seconds: u64) -> Books {
        Books {
            open: LedgerHour::default(),
            over: Vec::new(),
            booked_seconds: None,
            kept_seconds: 0,
            gap_seconds,
        }
    }

    #[test]
    fn time_is_booked_once_in_the_hour_in_which_it_passed() {
        let (snapshot, mut books) = (snapshot(), books(180));
        for now in [3500, 3560, 3620, 3620] {
            books.book(&snapshot, now);
        }
        let rows = books.rows(3620, true);
        let seconds: Vec<(u64, u64)> =
            rows.iter().map(|hour| (hour.from_seconds, hour.ledger.seconds)).collect();
        assert_eq!(seconds, [(0, 100), (3600, 20)]);
        books.kept(&rows, 3620);
        assert!(books.rows(3630, false).is_empty(), "the hour that goes on is not kept each turn");
        books.book(&snapshot, 3640);
        assert_eq!(books.rows(3640, true)[0].ledger.seconds, 40, "and goes on");
    }

    #[test]
    fn what_nobody_observed_is_not_booked() {
        let (mut snapshot, mut books) = (snapshot(), books(180));
        books.book(&snapshot, 0);
        books.book(&snapshot, 181);
        snapshot.stale.insert("gone".to_owned());
        books.book(&snapshot, 200);
        snapshot.stale.clear();
        books.book(&snapshot, 260);
        assert_eq!(books.open.ledger.seconds, 60);
    }
}
