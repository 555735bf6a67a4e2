//! Gangs of unlike members, with rules among them, on clusters that are partly full, made such that a placement is known: members are put where
//! they fit until nothing more does, and what is then left is filled up but for some slack. And an exact search, which knows nothing of Lepton.

use std::collections::HashSet;

use super::tests::Chance;

/// Millicores, MiB, devices.
pub(super) type Amounts = [i64; 3];

/// What nodes have in common that are one domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key {
    Host,
    Rack,
    Zone,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) capacity: Amounts,
    pub(super) product: &'static str,
    pub(super) zone: usize,
    pub(super) rack: usize,
}

/// Which pods of the gang are meant: those of a role, or all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Term {
    pub(super) role: Option<usize>,
    pub(super) key: Key,
}

/// Members that are alike.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    pub(super) asks: Amounts,
    /// Products of devices that it takes; any where there are none.
    pub(super) products: Vec<&'static str>,
    pub(super) near: Option<Term>,
    pub(super) apart: Option<Term>,
    /// Over the domains of this key, its own role counted, with a skew of 1.
    pub(super) spread: Option<Key>,
}

#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) nodes: Vec<Node>,
    /// What stands on each node.
    pub(super) stands: Vec<Vec<Amounts>>,
    pub(super) roles: Vec<Role>,
    /// The role of each member.
    pub(super) members: Vec<usize>,
    /// Members with their nodes, in an order in which each may be placed; of an instance that is meant to be impossible, of all but the last.
    pub(super) planted: Vec<(usize, usize)>,
}

/// Kinds of gangs.
pub(super) const FAMILIES: [&str; 8] = [
    "a driver and workers",
    "servers, trainers and readers",
    "devices of some models",
    "all in one zone",
    "workers on a node each",
    "workers spread over zones",
    "one zone, workers on a node each",
    "trainers in racks with servers",
];

/// Members on nodes.
#[derive(Clone)]
pub(super) struct State<'a> {
    of: &'a Instance,
    free: Vec<Amounts>,
    /// Members per node and role.
    on: Vec<Vec<u32>>,
}

impl<'a> State<'a> {
    /// Nobody has a place.
    pub(super) fn new(of: &'a Instance) -> Self {
        let free = of.nodes.iter().zip(&of.stands).map(|(node, stands)| {
            std::array::from_fn(|at| {
                node.capacity[at] - stands.iter().map(|amounts| amounts[at]).sum::<i64>()
            })
        });
        Self { of, free: free.collect(), on: vec![vec![0; of.roles.len()]; of.nodes.len()] }
    }

    fn is_together(&self, a: usize, b: usize, key: Key) -> bool {
        let (one, other) = (&self.of.nodes[a], &self.of.nodes[b]);
        match key {
            Key::Host => a == b,
            Key::Rack => one.rack == other.rack,
            Key::Zone => one.zone == other.zone,
        }
    }

    /// How many that are meant stand where the node lies.
    fn count(&self, term: Term, node: usize) -> u32 {
        let nodes = (0..self.on.len()).filter(|&other| self.is_together(node, other, term.key));
        let meant = |node: usize| match term.role {
            Some(role) => self.on[node][role],
            None => self.on[node].iter().sum(),
        };
        nodes.map(meant).sum()
    }

    fn has_room(&self, role: usize, node: usize) -> bool {
        let Role { asks, products, .. } = &self.of.roles[role];
        self.free[node].iter().zip(asks).all(|(free, asks)| free >= asks)
            && (products.is_empty() || products.contains(&self.of.nodes[node].product))
    }

    /// Whether nothing that others have done keeps it away.
    fn is_apart(&self, role: usize, node: usize) -> bool {
        let keeps_away = |other: usize, term: Term| {
            let means_it = term.role.is_none_or(|meant| meant == role);
            means_it && self.count(Term { role: Some(other), key: term.key }, node) > 0
        };
        let mut others = self.of.roles.iter().enumerate();
        !others.any(|(other, of)| of.apart.is_some_and(|term| keeps_away(other, term)))
            && self.of.roles[role].apart.is_none_or(|term| self.count(term, node) == 0)
    }

    /// Whether a member of the role may be placed on the node now.
    pub(super) fn allows(&self, role: usize, node: usize) -> bool {
        let of = &self.of.roles[role];
        let is_near = |term: Term| {
            let is_first = term.role.is_none_or(|meant| meant == role)
                && (0..self.on.len()).all(|node| self.count(Term { key: Key::Host, ..term }, node) == 0);
            is_first || self.count(term, node) > 0
        };
        let is_even = |key: Key| {
            let term = Term { role: Some(role), key };
            let least = (0..self.on.len()).map(|node| self.count(term, node)).min().unwrap_or(0);
            self.count(term, node) <= least
        };
        self.has_room(role, node)
            && self.is_apart(role, node)
            && of.near.is_none_or(is_near)
            && of.spread.is_none_or(is_even)
    }

    /// Puts one there (`sign` 1) or takes it away (-1).
    pub(super) fn put(&mut self, role: usize, node: usize, sign: i32) {
        self.on[node][role] = self.on[node][role].saturating_add_signed(sign);
        for (free, asks) in self.free[node].iter_mut().zip(self.of.roles[role].asks) {
            *free -= i64::from(sign) * asks;
        }
    }

    /// Whether it is clear that those who wait have not enough room.
    fn is_hopeless(&self, waiting: &[u32]) -> bool {
        let mut asked = [0; 3];
        let mut used = vec![false; self.free.len()];
        for (role, &count) in waiting.iter().enumerate().filter(|(_, count)| **count > 0) {
            let Role { asks, .. } = self.of.roles[role];
            let mut places = 0;
            for (node, used) in used.iter_mut().enumerate() {
                if self.has_room(role, node) && self.is_apart(role, node) {
                    *used = true;
                    let each = self.free[node].iter().zip(asks).filter(|(_, asks)| *asks > 0);
                    places += each.map(|(free, asks)| free / asks).min().unwrap_or(i64::MAX);
                }
            }
            if places < i64::from(count) {
                return true;
            }
            asked.iter_mut().zip(asks).for_each(|(sum, asks)| *sum += i64::from(count) * asks);
        }
        (0..3).any(|at| {
            let free: i64 = (0..used.len()).filter(|&node| used[node]).map(|node| self.free[node][at]).sum();
            free < asked[at]
        })
    }
}

/// What an exact search comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Placed,
    Impossible,
    /// The steps it may take were too few.
    Open,
}

/// Tries all ways, but for states that it has seen, with at most so many steps; with how many it took.
pub(super) fn exactly(instance: &Instance, steps_max: usize) -> (Proof, usize) {
    let mut waiting = vec![0; instance.roles.len()];
    instance.members.iter().for_each(|&role| waiting[role] += 1);
    let mut search =
        Exact { state: State::new(instance), waiting, seen: HashSet::new(), steps: 0, steps_max };
    let found = search.go_on();
    let proof = match found {
        true => Proof::Placed,
        false if search.steps < steps_max => Proof::Impossible,
        false => Proof::Open,
    };
    (proof, search.steps)
}

struct Exact<'a> {
    state: State<'a>,
    waiting: Vec<u32>,
    seen: HashSet<Vec<Vec<u32>>>,
    steps: usize,
    steps_max: usize,
}

impl Exact<'_> {
    fn go_on(&mut self) -> bool {
        if self.waiting.iter().all(|&count| count == 0) {
            return true;
        }
        if self.steps == self.steps_max || self.state.is_hopeless(&self.waiting) {
            return false;
        }
        if !self.seen.insert(self.state.on.clone()) {
            return false;
        }
        self.steps += 1;
        let mut ways: Vec<(usize, Vec<usize>)> = Vec::new();
        for role in (0..self.waiting.len()).filter(|&role| self.waiting[role] > 0) {
            let nodes = (0..self.state.free.len()).filter(|&node| self.state.allows(role, node));
            ways.push((role, nodes.collect()));
        }
        // Who has the fewest nodes first.
        ways.sort_by_key(|(role, nodes)| (nodes.len(), *role));
        for (role, mut nodes) in ways {
            nodes.sort_by_key(|&node| (self.state.free[node], node));
            for node in nodes {
                self.state.put(role, node, 1);
                self.waiting[role] -= 1;
                let found = self.go_on();
                self.state.put(role, node, -1);
                self.waiting[role] += 1;
                if found {
                    return true;
                }
            }
            // Where rules only ever forbid, each of the others may come later as well.
            if self.state.of.roles.iter().all(|role| role.near.is_none() && role.spread.is_none()) {
                break;
            }
        }
        false
    }
}

impl Instance {
    /// One for which a placement is planted.
    pub(super) fn possible(seed: u64, family: usize, nodes_max: u64) -> Self {
        // Seeds lie close together, and so would what is drawn first.
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ family as u64);
        chance.below(2);
        loop {
            let mut instance = chance.cluster(nodes_max);
            instance.roles = chance.roles(family);
            if chance.plant(&mut instance) {
                chance.fill_up(&mut instance);
                return instance;
            }
        }
    }

    /// The same with one member more, which may be one too many.
    pub(super) fn with_one_more(mut self, seed: u64) -> Self {
        let role = Chance(seed).below(self.roles.len() as u64) as usize;
        self.members.push(role);
        self
    }
}

impl Chance {
    fn among(&mut self, all: &[i64]) -> i64 {
        all[self.below(all.len() as u64) as usize]
    }

    /// Nodes of several kinds, on which something stands.
    fn cluster(&mut self, nodes_max: u64) -> Instance {
        let zones = 2 + self.below(3) as usize;
        let count = (4 + self.below(nodes_max - 3) as usize).max(zones);
        let mut nodes = Vec::new();
        for number in 0..count {
            let (capacity, product) = match self.below(6) {
                0 => ([32_000, 131_072, 0], "none"),
                1 => ([64_000, 262_144, 0], "none"),
                2 => ([48_000, 196_608, 4], "A100"),
                3 => ([96_000, 393_216, 8], "A100"),
                4 => ([64_000, 524_288, 4], "H100"),
                _ => ([128_000, 1_048_576, 8], "H100"),
            };
            let zone = number % zones;
            let rack = zone * 3 + self.below(3) as usize;
            nodes.push(Node { capacity, product, zone, rack });
        }
        let mut stands = Vec::new();
        for node in &nodes {
            let mut on = Vec::new();
            for _ in 0..self.below(4) {
                let part = 5 + self.below(20) as i64;
                on.push([
                    node.capacity[0] * part / 100,
                    node.capacity[1] * part / 100,
                    node.capacity[2] * part / 100,
                ]);
            }
            stands.push(on);
        }
        Instance { nodes, stands, roles: Vec::new(), members: Vec::new(), planted: Vec::new() }
    }

    fn asks(&mut self, devices: &[i64]) -> Amounts {
        let cores = self.among(&[1, 2, 3, 4, 6, 8, 12, 16, 20]);
        let gib_per_core = self.among(&[1, 2, 4, 8, 12]);
        [cores * 1000, cores * gib_per_core * 1024, self.among(devices)]
    }

    fn role(&mut self, devices: &[i64]) -> Role {
        Role { asks: self.asks(devices), ..Role::default() }
    }

    fn roles(&mut self, family: usize) -> Vec<Role> {
        let driver = self.role(&[0]);
        let workers = self.role(&[1, 1, 2, 4]);
        let near = |term: Term, role: Role| Role { near: Some(term), ..role };
        let apart =
            |of: usize, role: Role| Role { apart: Some(Term { role: Some(of), key: Key::Host }), ..role };
        let zone = Term { role: None, key: Key::Zone };
        match family {
            0 => vec![driver, workers],
            1 => vec![driver, workers, self.role(&[0, 1]), self.role(&[0])],
            2 => {
                let a = Role { products: vec!["A100"], ..self.role(&[1, 2]) };
                let b = Role { products: vec!["H100"], ..self.role(&[1, 2, 4]) };
                vec![driver, workers, a, b]
            }
            3 => vec![near(zone, driver), near(zone, workers), near(zone, self.role(&[0, 1]))],
            4 => vec![driver, apart(1, workers), apart(2, self.role(&[0]))],
            5 => {
                let workers = self.role(&[0, 1]);
                vec![driver, Role { spread: Some(Key::Zone), ..workers }, self.role(&[0, 1])]
            }
            6 => vec![near(zone, driver), apart(1, near(zone, workers)), near(zone, self.role(&[0]))],
            _ => {
                let servers = Term { role: Some(0), key: Key::Rack };
                vec![apart(0, driver), near(servers, workers), near(servers, self.role(&[0, 1]))]
            }
        }
    }

    /// Puts members where they may go until nothing goes any more, or there are enough; whether that is a gang.
    fn plant(&mut self, instance: &mut Instance) -> bool {
        let members_max = 4 + self.below(37) as usize;
        let roles = instance.roles.len() as u64;
        let (mut members, mut planted) = (Vec::new(), Vec::new());
        let mut state = State::new(instance);
        let most: Vec<usize> =
            (0..roles).map(|role| if role == 0 { 1 + self.below(3) as usize } else { 40 }).collect();
        let mut failed = 0;
        while failed < 60 && members.len() < members_max {
            let (role, node) = (self.below(roles) as usize, self.below(instance.nodes.len() as u64) as usize);
            let of_role = members.iter().filter(|&&other| other == role).count();
            if of_role < most[role] && state.allows(role, node) {
                state.put(role, node, 1);
                planted.push((members.len(), node));
                members.push(role);
            } else {
                failed += 1;
            }
        }
        // Pods come role by role.
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|&member| members[member]);
        let number = |member: usize| order.iter().position(|&other| other == member).unwrap_or(0);
        let planted: Vec<_> = planted.into_iter().map(|(member, node)| (number(member), node)).collect();
        let kinds: HashSet<usize> = members.iter().copied().collect();
        members.sort_unstable();
        (instance.members, instance.planted) = (members, planted);
        instance.members.len() >= 4 && kinds.len() >= 2
    }

    /// What is left on each node is taken but for a share, so that there is hardly another way.
    fn fill_up(&mut self, instance: &mut Instance) {
        let slack = self.among(&[0, 0, 5, 15]);
        let mut state = State::new(instance);
        for &(member, node) in &instance.planted {
            state.put(instance.members[member], node, 1);
        }
        let left = state.free.clone();
        for (node, left) in left.into_iter().enumerate() {
            let taken = left.map(|amount| (amount * (100 - slack) / 100).max(0));
            if taken != [0; 3] {
                instance.stands[node].push(taken);
            }
        }
    }
}
