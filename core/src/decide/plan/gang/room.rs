//! What is free for the members of one gang, and what they have taken of it so far: nodes, devices, and who stands near whom. Flat and
//! small, so that a search can try and take back many placements; whatever it finds is asked of the cluster itself before it is done.

use super::rules::{Fit, Kind, Pairs};
use crate::model::digest::mixed;
use crate::model::{Cluster, Demand, DeviceDemand, DeviceSet, ModelId, NodeId, Placement, TaskId};

/// A node on which at least one member fits as it is.
pub(super) struct Spot {
    pub(super) node: NodeId,
    /// Whether it may fail, so that others are better.
    wary: bool,
    free: Vec<i64>,
    devices: Vec<u16>,
    models: Vec<ModelId>,
    /// Per kind: whether it may ever stand there.
    open: Vec<bool>,
    /// Per kind: how many more of it have room, at most as many as there are.
    pub(super) room: Vec<u32>,
    /// Per kind: how many of it were put there.
    holds: Vec<u32>,
    /// Of what never changes.
    seal: u64,
    /// Of that and of what is free and held: equal spots are as good as each other.
    pub(super) mark: u64,
}

/// What it costs to put a member somewhere.
pub(super) struct Cost {
    /// Whether the node may fail.
    pub(super) wary: bool,
    /// Of each kind the share of its places that goes, weighed by how many wait beside them.
    pub(super) lost: f64,
    /// How much the node has left then.
    pub(super) left: f64,
}

/// A member that was put somewhere.
pub(super) struct Put {
    pub(super) kind: usize,
    pub(super) spot: usize,
    pub(super) task: TaskId,
    pub(super) devices: DeviceSet,
}

/// The room.
pub(super) struct Room {
    pub(super) kinds: Vec<Kind>,
    pub(super) spots: Vec<Spot>,
    pairs: Pairs,
    /// Digest of all spots: equal states have equal ones, in whatever order they came about.
    pub(super) mark: u64,
}

impl Room {
    /// For members told by kinds, on the nodes that are open to them, each with whether it may fail.
    pub(super) fn new(cluster: &Cluster, kinds: Vec<Vec<TaskId>>, nodes: &[(NodeId, bool)]) -> Self {
        let classes: Vec<_> = kinds.iter().map(|members| cluster.task(members[0]).class).collect();
        let open = |node: NodeId| -> Vec<bool> {
            let is_open = |&class| cluster.fits(node, class) && !cluster.keeps_apart(node, class);
            classes.iter().map(is_open).collect()
        };
        let mut spots: Vec<Spot> = Vec::new();
        for &(node, wary) in nodes {
            let open = open(node);
            if open.contains(&true) {
                spots.push(Spot {
                    node,
                    wary,
                    free: cluster.free(node).to_vec(),
                    devices: cluster.devices_free(node).to_vec(),
                    models: cluster.device_models(node).to_vec(),
                    holds: vec![0; open.len()],
                    room: vec![0; open.len()],
                    open,
                    seal: 0,
                    mark: 0,
                });
            }
        }
        let on: Vec<NodeId> = spots.iter().map(|spot| spot.node).collect();
        let (pairs, ties) = Pairs::of(cluster, &classes, &on);
        let kinds = kinds.into_iter().zip(ties).zip(&classes);
        let kinds = kinds.map(|((mut waiting, ties), &class)| {
            waiting.reverse();
            Kind { count: waiting.len() as u32, waiting, demand: cluster.class(class).demand.clone(), ties }
        });
        let mut room = Self { kinds: kinds.collect(), spots, pairs, mark: 0 };
        for at in 0..room.spots.len() {
            let spot = &room.spots[at];
            let parts = spot.models.iter().map(|model| u64::from(model.0));
            let parts = parts.chain(spot.open.iter().map(|&open| u64::from(open)));
            let parts = parts.chain(room.pairs.seals(at)).chain([u64::from(spot.wary)]);
            let seal = parts.fold(1, mixed);
            room.spots[at].seal = seal;
            room.refresh(at);
        }
        room
    }

    /// What follows from what is free on a spot now.
    fn refresh(&mut self, at: usize) {
        let spot = &mut self.spots[at];
        for (kind, of) in self.kinds.iter().enumerate() {
            spot.room[kind] = if spot.open[kind] { spot.takes(&of.demand).min(of.count) } else { 0 };
        }
        let parts = spot.free.iter().map(|&free| free as u64);
        let parts = parts.chain(spot.devices.iter().map(|&free| u64::from(free)));
        let parts = parts.chain(spot.holds.iter().map(|&held| u64::from(held)));
        let mark = parts.fold(spot.seal, mixed);
        self.mark = self.mark.wrapping_sub(spot.mark).wrapping_add(mark);
        spot.mark = mark;
    }

    /// How many members wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.kinds.iter().map(|kind| kind.waiting.len()).sum()
    }

    /// How a kind and a spot go together.
    pub(super) fn fit(&self, kind: usize, at: usize) -> Fit {
        if self.spots[at].room[kind] == 0 {
            return Fit::Never;
        }
        self.pairs.fit(&self.kinds, kind, at)
    }

    /// The affinity by which all that wait of a kind will stand in one domain that is not chosen yet, if there is one.
    pub(super) fn gathers(&self, kind: usize) -> Option<&[usize]> {
        self.pairs.gathers(&self.kinds[kind].ties)
    }

    /// The domain of such an affinity in which a spot lies.
    pub(super) fn domain(&self, affinity: &[usize], at: usize) -> Option<usize> {
        self.pairs.domain(*affinity.first()?, at)
    }

    /// A number of the part of the cluster in which one of the kind keeps all others of it away; none where it does not.
    pub(super) fn sole_part(&self, kind: usize, at: usize) -> Option<usize> {
        self.pairs.sole_part(&self.kinds[kind].ties, at)
    }

    /// What the members that wait ask for together of each resource, and devices last.
    pub(super) fn asked(&self) -> Vec<i64> {
        let mut asked = Vec::new();
        for kind in &self.kinds {
            let count = kind.waiting.len() as i64;
            let amounts = kind.demand.resources.iter().copied().chain([kind.demand.device_milli()]);
            let amounts = amounts.map(|amount| amount * count);
            if asked.is_empty() {
                asked = amounts.collect();
            } else {
                asked.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
            }
        }
        asked
    }

    /// Adds what is free on a spot.
    pub(super) fn add_free(&self, at: usize, sum: &mut [i64]) {
        let spot = &self.spots[at];
        let devices = spot.devices.iter().map(|&free| i64::from(free)).sum();
        sum.iter_mut().zip(spot.free.iter().copied().chain([devices])).for_each(|(sum, free)| *sum += free);
    }

    /// What it costs to put a member of the kind on a spot, where each kind has so many places (`options`).
    pub(super) fn cost(&mut self, kind: usize, at: usize, options: &[u32]) -> Cost {
        let before = self.spots[at].room.clone();
        let put = self.put(kind, at);
        let after = &self.spots[at];
        let lost = before.iter().zip(&after.room).zip(self.kinds.iter().zip(options)).map(
            |((&before, &after), (kind, &options))| {
                let need = kind.waiting.len() as f64;
                f64::from(before.saturating_sub(after)) * need / f64::from(options.max(1)).powi(2)
            },
        );
        let cost = Cost { wary: after.wary, lost: lost.sum(), left: after.left() };
        self.take_back(&put);
        cost
    }

    /// Puts the next member of a kind on a spot that has room for it.
    pub(super) fn put(&mut self, kind: usize, at: usize) -> Put {
        let of = &mut self.kinds[kind];
        let task = of.waiting.pop().expect("only a kind of which members wait is put somewhere");
        let devices = match of.demand.devices {
            Some(demand) => {
                let kinds = &self.kinds;
                let wanted = |model: ModelId| {
                    let accepts =
                        |kind: &&Kind| kind.demand.devices.is_some_and(|d| d.accept.contains(model));
                    kinds.iter().filter(accepts).count()
                };
                self.spots[at].devices_for(&demand, wanted)
            }
            None => DeviceSet::NONE,
        };
        self.book(kind, at, devices, 1);
        Put { kind, spot: at, task, devices }
    }

    /// Takes back what was put last.
    pub(super) fn take_back(&mut self, put: &Put) {
        self.kinds[put.kind].waiting.push(put.task);
        self.book(put.kind, put.spot, put.devices, -1);
    }

    fn book(&mut self, kind: usize, at: usize, devices: DeviceSet, sign: i32) {
        let (of, spot) = (&self.kinds[kind], &mut self.spots[at]);
        for (free, need) in spot.free.iter_mut().zip(&of.demand.resources) {
            *free -= i64::from(sign) * need;
        }
        let milli = of.demand.devices.map_or(0, |demand| i32::from(demand.milli));
        for index in devices.iter() {
            spot.devices[index] = (i32::from(spot.devices[index]) - sign * milli) as u16;
        }
        spot.holds[kind] = spot.holds[kind].saturating_add_signed(sign);
        self.pairs.note(&of.ties, at, sign);
        self.refresh(at);
    }

    /// Where a member was put.
    pub(super) fn place(&self, put: &Put) -> (TaskId, Placement) {
        (put.task, Placement { node: self.spots[put.spot].node, devices: put.devices })
    }
}

impl Spot {
    /// How many tasks of the demand have room, at most.
    fn takes(&self, demand: &Demand) -> u32 {
        let by_resource = self.free.iter().zip(&demand.resources).filter(|(_, need)| **need > 0);
        let by_resource = by_resource.map(|(free, need)| free / need).min().unwrap_or(i64::from(u16::MAX));
        let by_device = demand.devices.map_or(i64::MAX, |wanted| {
            let (mut devices, mut times) = (0, 0);
            for (&free, &model) in self.devices.iter().zip(&self.models) {
                if free >= wanted.milli && wanted.accept.contains(model) {
                    devices += 1;
                    times += i64::from(free / wanted.milli.max(1));
                }
            }
            if devices < wanted.count { 0 } else { times / i64::from(wanted.count.max(1)) }
        });
        by_resource.min(by_device).clamp(0, i64::from(u16::MAX)) as u32
    }

    /// Devices for the demand: the fullest that have room, of these such of models that the fewest kinds want.
    fn devices_for(&self, demand: &DeviceDemand, wanted: impl Fn(ModelId) -> usize) -> DeviceSet {
        let fine = |&at: &usize| self.devices[at] >= demand.milli && demand.accept.contains(self.models[at]);
        let mut fine: Vec<usize> = (0..self.devices.len()).filter(fine).collect();
        fine.sort_by_key(|&at| (self.devices[at], wanted(self.models[at]), at));
        fine.into_iter().take(usize::from(demand.count)).collect()
    }

    /// How much is left, of the scale-free kind: the sum of the logarithms of what is free.
    fn left(&self) -> f64 {
        let devices: f64 = self.devices.iter().map(|&free| f64::from(free)).sum();
        let amounts = self.free.iter().map(|&free| free as f64).chain([devices]);
        amounts.map(f64::ln_1p).sum()
    }
}
