//! Which kind of move to try next. While the search only goes down, each kind's share of the tries follows what
//! it has lately earned per unit of work, so that a problem's own structure decides; no kind dies out. At a
//! temperature most falls are taken back by rises and say nothing about progress (shares that followed them
//! made results worse by up to 20%), so the shares are fixed there.

/// Kinds of moves.
pub(super) const KINDS: usize = 5;
/// Least share of each kind.
const SHARE_MIN: f64 = 0.04;
/// Weight of the newest slice in the memory of earnings.
const MEMORY: f64 = 0.05;
/// Work of a try of each kind, in shifts.
const WORK: [f64; KINDS] = [1.0, 1.0, 1.2, 1.2, 3.5];

/// Shares of an annealing: shifts, homecomings, swaps, exchanges within a service, chains.
const SHARES_ANNEALING: [f64; KINDS] = [0.38, 0.05, 0.38, 0.17, 0.02];

/// The kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shift,
    /// A shift to the node where the task runs now.
    Homecoming,
    Swap,
    /// A swap with a task of the same service.
    Sibling,
    Chain,
}

/// Shares and earnings of the kinds.
#[derive(Debug, Clone)]
pub(super) struct Neighbourhoods {
    /// Of 256 tries, bounds of the kinds.
    bounds: [u64; KINDS],
    tries: [u64; KINDS],
    earned: [f64; KINDS],
    rate: [f64; KINDS],
}

impl Neighbourhoods {
    /// All kinds may earn the same.
    pub(super) fn new() -> Self {
        let mut kinds =
            Self { bounds: [0; KINDS], tries: [0; KINDS], earned: [0.0; KINDS], rate: [1.0; KINDS] };
        kinds.share_out();
        kinds
    }

    /// The kind for this draw (0 to 255).
    #[inline]
    pub(super) fn kind(&self, draw: u64) -> Kind {
        if draw < self.bounds[0] {
            Kind::Shift
        } else if draw < self.bounds[1] {
            Kind::Homecoming
        } else if draw < self.bounds[2] {
            Kind::Swap
        } else if draw < self.bounds[3] {
            Kind::Sibling
        } else {
            Kind::Chain
        }
    }

    /// A try of the kind, with the fall of the penalised cost that it brought (0 when refused or uphill).
    #[inline]
    pub(super) fn tried(&mut self, kind: Kind, fall: f64) {
        self.tries[kind as usize] += 1;
        self.earned[kind as usize] += fall;
    }

    /// Ends a slice. Where only falls are accepted (`descent`), the shares follow the earnings.
    pub(super) fn adapt(&mut self, descent: bool) {
        for (kind, work) in WORK.iter().enumerate() {
            if self.tries[kind] > 0 {
                let rate = self.earned[kind] / (self.tries[kind] as f64 * work);
                self.rate[kind] += MEMORY * (rate - self.rate[kind]);
            }
        }
        (self.tries, self.earned) = ([0; KINDS], [0.0; KINDS]);
        if descent {
            self.share_out();
        } else {
            self.set_shares(|kind| SHARES_ANNEALING[kind]);
        }
    }

    fn share_out(&mut self) {
        let sum: f64 = self.rate.iter().sum();
        let rate = self.rate;
        self.set_shares(|kind| {
            let earned = if sum > 0.0 { rate[kind] / sum } else { 1.0 / KINDS as f64 };
            SHARE_MIN + (1.0 - SHARE_MIN * KINDS as f64) * earned
        });
    }

    fn set_shares(&mut self, share: impl Fn(usize) -> f64) {
        let mut bound = 0.0;
        for kind in 0..KINDS {
            bound += share(kind);
            self.bounds[kind] = (bound * 256.0).round() as u64;
        }
    }
}
