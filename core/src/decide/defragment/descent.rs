//! The local search on one draft: it is built greedily, then parts of it are taken away and built anew, again and
//! again, and what is no dearer is kept. Every draft on the way is a sequence of steps that are all allowed.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::Over;
use super::build::{Builder, Chain, Depth, ROUNDING};
use super::draft::Draft;
use super::problem::{DefragmentProblem, Lens};
use crate::model::{NodeId, TaskId};

/// Prices of a move, as shares of what a device placed is worth, from one that only the best chains can pay
/// downwards: what takes fewest moves comes first.
const PRICES: [f64; 4] = [0.9, 0.45, 0.3, 0.0];
/// Exchanges tried in one round, and most that are kept.
const EXCHANGES_TRIED: usize = 12;
const EXCHANGES_KEPT: usize = 4;
/// Nodes drawn for an exchange, of which the dearest is taken.
const CROWDED_DRAWS: usize = 6;
/// Most chains that a round takes away: of short plans, of any, and as a share of all between.
const WINDOW_MIN: usize = 4;
const WINDOW_MAX: usize = 12;
const WINDOW_SHARE: usize = 20;
/// Tasks that a round tries to move for the sake of the expected mix alone.
const TIDIED: usize = 20;

/// One draft under search, with its chains in order.
pub(super) struct Descent<'a> {
    pub(super) draft: Draft<'a>,
    pub(super) chains: Vec<Chain>,
    builder: Builder<'a>,
    over: Over<'a>,
    lens: Lens,
    /// Where the draft stood before each chain.
    marks: Vec<usize>,
    /// By kind: units that wait.
    waiting: Vec<Vec<usize>>,
    chance: Pcg64Mcg,
}

impl<'a> Descent<'a> {
    pub(super) fn new(
        problem: &'a DefragmentProblem<'a>,
        lens: Lens,
        (moves_max, seed): (usize, u64),
        over: Over<'a>,
    ) -> Self {
        let draft = Draft::new(problem, lens);
        let builder = Builder::new(&draft, moves_max, over);
        let waiting = problem.kinds.iter().map(|k| k.units.iter().rev().copied().collect()).collect();
        let chance = Pcg64Mcg::seed_from_u64(seed);
        Self { draft, chains: Vec::new(), builder, over, lens, marks: Vec::new(), waiting, chance }
    }

    /// Takes chains over as far as they are possible here.
    pub(super) fn take_over(&mut self, chains: &[Chain]) {
        let mut taken = BTreeSet::new();
        for chain in chains {
            let unit = chain.places.map(|(_, unit)| unit);
            if unit.is_none_or(|u| !taken.contains(&u)) && self.replay(chain) {
                taken.extend(unit);
            }
        }
        self.waiting.iter_mut().for_each(|units| units.retain(|u| !taken.contains(u)));
    }

    /// Builds greedily: what takes fewest moves for what it places first, and the dearest unit first.
    pub(super) fn build(&mut self) {
        let kinds: Vec<usize> = (0..self.waiting.len()).filter(|&k| !self.waiting[k].is_empty()).collect();
        if kinds.is_empty() {
            return;
        }
        for depth in [Depth::Shallow, Depth::Deep] {
            for price in PRICES {
                self.complete(&kinds, depth, price);
            }
        }
    }

    /// One round of search.
    pub(super) fn round(&mut self) {
        if self.draft.cluster.node_count() == 0 {
            return;
        }
        let moves_max = self.builder.moves_max();
        let tight = self.draft.moves() > moves_max - moves_max / 10;
        let draw = self.chance.random_range(0..20);
        // Exchanges prepare room for what waits; without the slope that leads there, or with nothing to lead to, they only
        // move.
        let exchanges = self.lens == Lens::Guided;
        if self.waiting.iter().all(Vec::is_empty) && draw < 10 && self.draft.problem.nodes_count() {
            self.tidy();
        } else if exchanges && (draw < if tight { 1 } else { 10 } || self.chains.is_empty()) {
            self.exchange();
        } else if self.chains.is_empty() {
            self.build();
        } else {
            self.rebuild();
        }
    }

    /// Adds chains for waiting units, kind by kind, as long as one gains more than it costs.
    fn complete(&mut self, kinds: &[usize], depth: Depth, price: f64) {
        self.builder.look_around(&mut self.draft, depth);
        let price = price * self.draft.problem.objective.unplaced();
        for &kind in kinds {
            while let Some(&unit) = self.waiting[kind].last() {
                if (self.over)() {
                    return;
                }
                let mark = self.draft.mark();
                let Some(chain) = self.builder.place(&mut self.draft, kind, unit, price) else { break };
                self.waiting[kind].pop();
                self.marks.push(mark);
                self.chains.push(chain);
            }
        }
    }

    /// Takes a stretch of chains away, replays what followed as far as it is still possible, builds anew.
    fn rebuild(&mut self) {
        let at = self.chance.random_range(0..self.chains.len());
        let longest = (self.chains.len() / WINDOW_SHARE).clamp(WINDOW_MIN, WINDOW_MAX);
        let count = self.chance.random_range(1..=longest).min(self.chains.len() - at);
        let price = PRICES[self.chance.random_range(0..PRICES.len())];
        let depth = if self.chance.random_range(0..4) == 0 { Depth::Deep } else { Depth::Shallow };
        let nodes = self.draft.cluster.node_count();
        let shunned = self.chance.random::<bool>().then(|| NodeId::from(self.chance.random_range(0..nodes)));
        self.builder.shun(shunned);
        self.unless_dearer(at, |search, old| {
            old[..count].iter().for_each(|chain| search.let_wait(chain));
            search.replay_all(&old[count..]);
            let kinds = search.nearly_in_order();
            search.complete(&kinds, depth, price);
        });
        self.builder.shun(None);
    }

    /// Makes exchanges before everything else, while there is still room for stop-overs.
    fn exchange(&mut self) {
        let at = self.chains.iter().take_while(|c| c.places.is_none()).count();
        let most = self.chance.random_range(1..=EXCHANGES_KEPT);
        self.unless_dearer(at, |search, old| {
            let mut kept = 0;
            for _ in 0..EXCHANGES_TRIED {
                kept += usize::from(search.exchange_once());
                if kept == most {
                    break;
                }
            }
            search.replay_all(old);
            if kept > 0 {
                let kinds = search.nearly_in_order();
                search.complete(&kinds, Depth::Shallow, 0.0);
            }
        });
    }

    /// An exchange that leaves the nodes cheaper; whether its moves pay shows when units are placed.
    fn exchange_once(&mut self) -> bool {
        let nodes = self.draft.cluster.node_count();
        let drawn = (0..CROWDED_DRAWS).map(|_| NodeId::from(self.chance.random_range(0..nodes)));
        let dearest = drawn.max_by(|a, b| self.draft.node_cost(*a).total_cmp(&self.draft.node_cost(*b)));
        let Some(near) = dearest else { return false };
        let (mark, nodes_cost) = (self.draft.mark(), self.draft.cost_without_moves());
        let Some(chain) = self.builder.exchange(&mut self.draft, near, &mut self.chance) else {
            return false;
        };
        if self.draft.cost_without_moves() >= nodes_cost {
            self.draft.back_to(mark);
            return false;
        }
        self.marks.push(mark);
        self.chains.push(chain);
        true
    }

    /// Moves single tasks where that pays by itself.
    fn tidy(&mut self) {
        self.builder.look_around(&mut self.draft, Depth::Shallow);
        for _ in 0..TIDIED {
            let node = NodeId::from(self.chance.random_range(0..self.draft.cluster.node_count()));
            let hosted = self.draft.cluster.hosted(node);
            if hosted.is_empty() {
                continue;
            }
            let task = hosted[self.chance.random_range(0..hosted.len())];
            let mark = self.draft.mark();
            if let Some(chain) = self.builder.tidy(&mut self.draft, task) {
                self.marks.push(mark);
                self.chains.push(chain);
            }
        }
    }

    /// Does something from the chain `at` on, with the chains taken off from there, and puts all back if the
    /// draft is dearer for it.
    fn unless_dearer(&mut self, at: usize, change: impl FnOnce(&mut Self, &[Chain])) {
        let before = self.draft.cost();
        let waiting = self.waiting.clone();
        let old = self.cut(at);
        change(self, &old);
        if self.draft.cost() > before + ROUNDING {
            self.cut(at);
            for chain in &old {
                self.replay(chain);
            }
            self.waiting = waiting;
        }
    }

    /// Takes the chains from `at` on off the draft.
    fn cut(&mut self, at: usize) -> Vec<Chain> {
        if let Some(&mark) = self.marks.get(at) {
            self.draft.back_to(mark);
        }
        self.marks.truncate(at);
        self.chains.split_off(at)
    }

    fn replay_all(&mut self, chains: &[Chain]) {
        for chain in chains {
            if !self.replay(chain) {
                self.let_wait(chain);
            }
        }
    }

    fn let_wait(&mut self, chain: &Chain) {
        if let Some((kind, unit)) = chain.places {
            self.waiting[kind].push(unit);
        }
    }

    /// Takes the steps of a chain again, all or none. Who was moved in it may wait now, because the chain that
    /// placed it is gone; placing it here would place a gang in part.
    fn replay(&mut self, chain: &Chain) -> bool {
        let mark = self.draft.mark();
        let placed = chain.places.map_or(&[][..], |(_, unit)| &self.draft.problem.units[unit].tasks);
        let draft = &mut self.draft;
        let mut again = |task: TaskId, to| {
            (placed.contains(&task) || draft.cluster.placement(task).is_some()) && draft.step(task, to)
        };
        if chain.steps.iter().all(|&(task, to)| again(task, to))
            && self.draft.moves() <= self.builder.moves_max()
        {
            self.marks.push(mark);
            self.chains.push(chain.clone());
            return true;
        }
        self.draft.back_to(mark);
        false
    }

    /// The kinds, the dearest first, but for some that are kept back.
    fn nearly_in_order(&mut self) -> Vec<usize> {
        let chance = &mut self.chance;
        let (mut first, mut later): (Vec<usize>, Vec<usize>) =
            (0..self.waiting.len()).partition(|_| chance.random_range(0..4) > 0);
        later.shuffle(chance);
        first.append(&mut later);
        first
    }
}
