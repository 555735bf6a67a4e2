//! What a decision depends on as a digest: all of a snapshot and of its assessment that a decider may read. Every field of
//! what is taken apart here is named, so that one that is added cannot be forgotten.
//!
//! Names stand for ids, so how owners, gangs, groups, labels, models and classes are numbered does not matter, nor what
//! is gone. The order of nodes and tasks does, since it decides between equals.

use super::digest::Digest;
use super::{
    Assessment, ClassId, Cluster, DeviceDemand, ExpectedLoad, ExpectedMix, ModelId, ModelSet, Name,
    NamedRules, NodeId, NodeLoad, NodeRisk, OwnerId, Quota, Sign, Snapshot, Task, TaskClass, TaskId,
    TaskState,
};

/// Stands for a value that is not there.
const NONE: u64 = u64::MAX;

/// Per id: a digest of what it stands for.
struct Meanings {
    models: Vec<u64>,
    nodes: Vec<u64>,
    owners: Vec<u64>,
    gangs: Vec<u64>,
    classes: Vec<u64>,
}

impl Meanings {
    fn of(cluster: &Cluster) -> Self {
        let models = of_models(cluster);
        let gangs = cluster.gangs().iter().enumerate().map(|(index, members)| {
            match (cluster.gang_name(index.into()), members.iter().min()) {
                // A gang without a name is known by its first member.
                ("", Some(&first)) => !Digest::of_text(&cluster.task(first).name),
                (name, _) => Digest::of_text(name),
            }
        });
        Self {
            gangs: gangs.collect(),
            nodes: cluster.nodes().map(|node| Digest::of_text(cluster.node_name(node))).collect(),
            owners: cluster.owners().map(|owner| Digest::of_text(cluster.owner_name(owner))).collect(),
            classes: (0..cluster.classes().len())
                .map(|index| of_class(cluster, &models, ClassId::from(index)))
                .collect(),
            models,
        }
    }
}

/// Nothing for a model that no node has: to accept it means nothing.
fn of_models(cluster: &Cluster) -> Vec<u64> {
    let there = cluster.nodes().map(|node| cluster.node_models(node)).fold(0, |all, models| all | models.0);
    let of = |(index, model)| {
        let mut digest = Digest::default();
        digest.written(model);
        if ModelSet(there).contains(ModelId(index as u8)) { digest.value() } else { 0 }
    };
    cluster.models().iter().enumerate().map(of).collect()
}

/// A set of models, whatever their order.
fn accepted(models: &[u64], accept: ModelSet) -> u64 {
    if accept == ModelSet::ANY {
        return NONE;
    }
    let named = models.iter().enumerate().filter(|(index, _)| accept.contains(ModelId(*index as u8)));
    named.fold(0, |sum, (_, &model)| sum.wrapping_add(model))
}

fn of_class(cluster: &Cluster, models: &[u64], class: ClassId) -> u64 {
    let TaskClass { demand, rules, group } = cluster.class(class);
    let mut digest = Digest::default();
    digest.numbers(demand.resources.iter().map(|&amount| amount as u64));
    if let Some(DeviceDemand { count, milli, accept }) = demand.devices {
        digest.number(u64::from(milli) << 16 | u64::from(count));
        digest.number(accepted(models, accept));
    }
    let rules = NamedRules::of(rules, cluster);
    if !rules.is_empty() {
        digest.written(&rules);
    }
    digest.text(group.map_or("", |group| cluster.group_name(group)));
    digest.number(u64::from(group.is_some()));
    digest.value()
}

impl Snapshot {
    /// Takes in all that a decision may depend on. Left out is what only collect reads, its books on sources that are not
    /// stale and what has come since the version of the mix, and what the guard reads, what has ended and the gains behind who serves.
    pub fn digest(&self, digest: &mut Digest) {
        let Self {
            time_seconds,
            cluster,
            tasks: _,
            pending: _,
            signals: _,
            cordoned_by_loop: _,
            sources: _,
            node_source: _,
            stale,
            rejected: _,
            arrivals: _,
            recent,
            mix,
            memory,
            gone: _,
            modes,
            task_by_name: _,
        } = self;
        let meanings = Meanings::of(cluster);
        digest.number(*time_seconds);
        digest.written(&cluster.schema());
        digest.written(stale);
        for node in cluster.nodes().filter(|&node| cluster.is_there(node)) {
            digest.number(self.digest_of_node(node, &meanings));
        }
        // Each for itself: the processor then fetches one while it is still at another.
        for task in cluster.live_tasks() {
            digest.number(self.digest_of_task(task, &meanings));
        }
        let owners = cluster.owners().map(|owner| of_owner(cluster, owner, &meanings));
        digest.number(owners.fold(0, u64::wrapping_add));
        digest.number(memory.turn);
        digest.written(&[memory.order.serving, memory.placing.served.serving]);
        digest.reals(&[recent.used_share(), recent.arrivals_per_second()]);
        memory.underway().for_each(|statement| digest.written(statement));
        for made in memory.moves.iter() {
            digest.number(made.time_seconds);
            let names = [Some(&made.task), made.owner.as_ref(), Some(&made.from), made.to.as_ref()];
            names.into_iter().for_each(|name| digest.text(name.map_or("", |n: &Name| n)));
        }
        digest_mix(mix, digest, &meanings.models);
        if !modes.is_one() {
            digest.written(modes);
        }
    }

    fn digest_of_node(&self, node: NodeId, meanings: &Meanings) -> u64 {
        let cluster = &self.cluster;
        let mut digest = Digest::default();
        digest.number(meanings.nodes[node.index()]);
        digest.number(cluster.health(node) as u64 + 8 * u64::from(self.cordoned_by_loop.contains(&node)));
        digest.numbers(cluster.capacity(node).iter().map(|&amount| amount as u64));
        for (model, &in_service) in cluster.device_models(node).iter().zip(cluster.devices_in_service(node)) {
            digest.number(meanings.models[usize::from(model.0)] ^ u64::from(in_service));
        }
        let labels = cluster.labels_of(node).map(|(key, value)| {
            let mut label = Digest::default();
            label.text(key);
            label.text(value);
            label.value()
        });
        digest.number(labels.fold(0, u64::wrapping_add));
        for (signal, (value, told_seconds)) in self.signals.get(node.index()).into_iter().flatten() {
            digest.text(signal);
            digest.real(*value);
            digest.number(*told_seconds);
        }
        digest.value()
    }

    fn digest_of_task(&self, id: TaskId, meanings: &Meanings) -> u64 {
        let mut digest = Digest::default();
        let Task { name, class, owner, gang, priority, move_cost, do_not_disrupt, preempts, preemptible } =
            self.cluster.task(id);
        digest.text(name);
        digest.number(meanings.classes[class.index()]);
        digest.number(owner.map_or(NONE, |owner| meanings.owners[owner.index()]));
        digest.number(gang.map_or(NONE, |gang| meanings.gangs[gang.index()]));
        digest.number(*priority as u64);
        let place = self.cluster.placement(id);
        digest.number(place.map_or(NONE, |place| meanings.nodes[place.node.index()]));
        digest.number(place.map_or(0, |place| place.devices.0));
        let pending = self.pending.contains(&id);
        let marks = [*do_not_disrupt, pending, *preemptible];
        let marks = marks.iter().fold(*preempts as u64, |all, &mark| all << 1 | u64::from(mark));
        digest.number(u64::from(move_cost.to_bits()) << 5 | marks);
        let Some(TaskState {
            submitted_seconds,
            requested_seconds,
            started_seconds,
            ran_seconds: _,
            source: _,
            pause_seconds,
            used,
            unsaved_seconds,
            leaving,
            waits_for,
        }) = self.tasks.get(id.index())
        else {
            return digest.value();
        };
        digest.numbers([*submitted_seconds, *unsaved_seconds]);
        digest.number(u64::from(*pause_seconds) << 1 | u64::from(*leaving));
        digest.numbers([requested_seconds, started_seconds].map(|seconds| seconds.unwrap_or(NONE)));
        digest.number(waits_for.map_or(NONE, |obstacle| obstacle as u64));
        digest.numbers(used.iter().map(|&used| used as u64));
        digest.value()
    }
}

fn of_owner(cluster: &Cluster, owner: OwnerId, meanings: &Meanings) -> u64 {
    let Some(Quota { resources, device_milli }) = cluster.quota(owner) else { return 0 };
    let mut digest = Digest::default();
    digest.number(meanings.owners[owner.index()]);
    digest.numbers(resources.iter().chain([device_milli]).map(|&amount| amount as u64));
    digest.value()
}

/// A node's part of values that come `width` to each node.
fn of_node(values: &[f64], node: NodeId, width: usize) -> &[f64] {
    values.get(node.index() * width..(node.index() + 1) * width).unwrap_or_default()
}

fn digest_mix(mix: &ExpectedMix, digest: &mut Digest, models: &[u64]) {
    digest.number(mix.version);
    let shapes = mix.counts().iter().map(|(shape, accept, count)| {
        let mut digest = Digest::default();
        digest.number(shape.cpu_millicores as u64);
        digest.number(u64::from(shape.milli) << 16 | u64::from(shape.count));
        digest.numbers([accepted(models, *accept), *count]);
        digest.value()
    });
    digest.number(shapes.fold(0, u64::wrapping_add));
}

impl Assessment {
    /// Takes in all that a decision may depend on beside the snapshot. `cluster` is the one that was assessed.
    pub fn digest(&self, digest: &mut Digest, cluster: &Cluster) {
        let Self {
            safety_level,
            load,
            used,
            expected,
            mean_used,
            imbalance,
            devices_held,
            use_of_demand,
            hot,
            risk,
            failing,
            stranded_milli,
            mix,
            waiting,
        } = self;
        digest.reals([safety_level, mean_used, imbalance, devices_held]);
        digest.reals(use_of_demand);
        digest.numbers([*stranded_milli as u64, *waiting as u64]);
        let resources = use_of_demand.len();
        for node in cluster.nodes().filter(|&node| cluster.is_there(node)) {
            if let Some(NodeLoad { used, promised, devices_held }) = load.get(node.index()) {
                digest.reals([used, promised, devices_held]);
            }
            digest.reals(of_node(used, node, resources));
            if let Some(NodeRisk { probability, within_day, within_week, signs }) = risk.get(node.index()) {
                digest.reals([probability, within_day, within_week]);
                for Sign { signal, value, probability } in signs {
                    digest.text(signal);
                    digest.reals([value, probability]);
                }
            }
            if let Some(expected) = expected {
                digest.reals(of_node(&expected.used, node, resources * expected.levels.len()));
            }
        }
        if let Some(expected) = expected {
            let ExpectedLoad {
                horizon_seconds,
                levels,
                used: _,
                since_seconds,
                series,
                young,
                slipped,
                coverage,
            } = expected;
            digest.numbers([*horizon_seconds, *since_seconds]);
            digest.numbers([*series as u64, *young as u64, *slipped as u64]);
            digest.reals(levels);
            digest.real(coverage.unwrap_or(-1.0));
        }
        for nodes in [hot, failing] {
            digest.number(nodes.len() as u64);
            nodes.iter().for_each(|&node| digest.text(cluster.node_name(node)));
        }
        digest_mix(mix, digest, &of_models(cluster));
    }
}
