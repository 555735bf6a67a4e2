//! What the cluster is told to the loop as: nodes with their devices, and pods as tasks. Rules that the loop has no words for become
//! labels that the nodes carry and the tasks ask for; a pod with a rule that cannot be told is kept back with a reason.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{
    DEVICE_MILLI, DEVICES_PER_NODE_MAX, DeviceSet, DocumentDemand, Health, NamedRules, NodeReading, Preempts,
    Reading, TaskReading,
};

use super::admits::is_cordoned;
use super::budgets::Budgets;
use super::cache::{Cache, KnownPod};
use super::columns::Columns;
use super::device_claims::{DeviceClaims, held, taken_by_nobody};
use super::devices::{Bank, DeviceNames, Holdings, annotated, asked, banks, of_resources};
use super::gangs::{Gang, gang_of};
use super::kin::Kin;
use super::moment::unix_seconds;
use super::namespaces::selects_namespaces;
use super::objects::{Node, Pod, Taint, is_ours};
use super::resources::DeviceId;
use super::rules::{
    CORDONED_BY_OTHERS, NODE_NAME, SOFT_TAINTS, Surroundings, TAINTS, beyond_words, named, soft_taints_of,
    taints_of,
};

/// What says that a pod must not be disturbed.
const KEEPS: [(&str, &str); 4] = [
    ("karpenter.sh/do-not-disrupt", "true"),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ("descheduler.alpha.kubernetes.io/prefer-no-eviction", "true"),
    (KEPT_BY_US, "true"),
];
/// The one of them that holds also where a more important pod has no room.
const KEPT_BY_US: &str = "lepton/do-not-disrupt";
/// How long a pod stands still when it is moved, seconds: assumed.
const PAUSE_SECONDS: u32 = 60;

/// A node as it was told.
#[derive(Debug, Clone, PartialEq)]
struct ToldNode {
    reading: NodeReading,
    cordoned_by_loop: bool,
    banks: Vec<Bank>,
    /// Devices for claims, which come after those, by their names and models.
    claimable: Vec<(DeviceId, String)>,
    taints: Vec<Taint>,
}

/// A task as it was told.
#[derive(Debug, Clone, PartialEq)]
struct ToldTask {
    reading: TaskReading,
    place: Option<(String, DeviceSet)>,
    leaving: bool,
}

/// What a pod is to the loop.
enum Seen {
    /// Nothing: it has ended, or waits for another scheduler.
    Nothing,
    /// It is not told until something changes.
    KeptBack(String),
    Task(Box<ToldTask>),
}

/// Tells what changes.
#[derive(Debug)]
pub(super) struct Teller {
    columns: Columns,
    names: DeviceNames,
    nodes: BTreeMap<String, ToldNode>,
    tasks: BTreeMap<String, ToldTask>,
    kept_back: BTreeMap<String, String>,
    holdings: Holdings,
    around: Surroundings,
    gangs: BTreeMap<String, BTreeSet<String>>,
    gang_of: BTreeMap<String, Gang>,
    kin: Kin,
    budgets: Budgets,
}

impl Teller {
    /// One that has told nothing.
    pub(super) fn new(columns: Columns, names: DeviceNames) -> Self {
        Self {
            columns,
            names,
            nodes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            kept_back: BTreeMap::new(),
            holdings: Holdings::default(),
            around: Surroundings::default(),
            gangs: BTreeMap::new(),
            gang_of: BTreeMap::new(),
            kin: Kin::default(),
            budgets: Budgets::default(),
        }
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Pods that are not told, with the reason.
    pub(super) fn kept_back(&self) -> &BTreeMap<String, String> {
        &self.kept_back
    }

    /// What has changed since it was asked last.
    pub(super) fn news(&mut self, cache: &mut Cache) -> Vec<Reading> {
        let changed_nodes = std::mem::take(&mut cache.changed_nodes);
        let mut dirty = std::mem::take(&mut cache.changed_pods);
        cache.urgent_since = None;
        let mut readings = Vec::new();
        let mut gone = Vec::new();
        let moved = self.node_news(cache, &changed_nodes, &mut readings, &mut gone);
        // What stands on a node that is new, gone or has other devices is told again.
        let stands_there = |task: &ToldTask| task.place.as_ref().is_some_and(|(on, _)| moved.contains(on));
        let again: BTreeSet<String> =
            self.tasks.iter().filter(|(_, task)| stands_there(task)).map(|(name, _)| name.clone()).collect();
        dirty.extend(again.iter().cloned());
        for node in &moved {
            dirty.extend(cache.pods_on(node).map(|known| known.pod.metadata.full_name()));
        }
        if !moved.is_empty() || std::mem::take(&mut cache.groups_changed) {
            dirty.extend(
                cache.pods.iter().filter(|(_, known)| is_ours(&known.pod)).map(|(name, _)| name.clone()),
            );
        }
        if std::mem::take(&mut cache.namespaces_changed) {
            let selecting = cache.pods.iter().filter(|(_, known)| selects_namespaces(&known.pod));
            dirty.extend(selecting.map(|(name, _)| name.clone()));
        }
        if std::mem::take(&mut cache.storage_changed) || !dirty.is_empty() {
            // Where others stand may be what it waits for.
            dirty.extend(cache.waiting.iter().cloned());
        }
        self.gang_news(cache, &mut dirty);
        self.kin.news(cache, &mut dirty);
        let budgets_changed = std::mem::take(&mut cache.budgets_changed);
        self.budgets.news(cache, budgets_changed, &mut dirty);
        self.pod_news(cache, &dirty, &again, &mut readings);
        readings.append(&mut gone);
        readings
    }

    /// Everything there is.
    pub(super) fn everything(&mut self, cache: &mut Cache) -> Vec<Reading> {
        cache.changed_nodes.extend(cache.nodes.keys().cloned());
        cache.changed_pods.extend(cache.pods.keys().cloned());
        self.nodes.clear();
        self.tasks.clear();
        self.kin = Kin::default();
        self.budgets = Budgets::default();
        self.news(cache)
    }

    /// The nodes that pods are told anew for.
    fn node_news(
        &mut self,
        cache: &Cache,
        changed: &BTreeSet<String>,
        readings: &mut Vec<Reading>,
        gone: &mut Vec<Reading>,
    ) -> BTreeSet<String> {
        let mut moved = BTreeSet::new();
        if changed.is_empty() {
            return moved;
        }
        let around = Surroundings::of(cache, &self.names);
        let is_tainted = around.is_tainted();
        let was_tainted = self.around.is_tainted();
        // Whether taints are told is told of every node.
        let all: BTreeSet<String> = cache.nodes.keys().cloned().collect();
        let to_look = if is_tainted == was_tainted { changed } else { &all };
        if around != self.around {
            self.around = around;
            moved.extend(changed.iter().cloned());
        }
        for name in to_look.iter().chain(changed.iter().filter(|name| !all.contains(*name))) {
            let Some(node) = cache.nodes.get(name) else {
                if self.nodes.remove(name).is_some() {
                    gone.push(Reading::NodeRemoved { node: name.clone() });
                    moved.insert(name.clone());
                }
                continue;
            };
            let told = self.told_node(cache, node, is_tainted);
            let before = self.nodes.get(name);
            if before == Some(&told) {
                continue;
            }
            let same = before.is_some_and(|before| {
                before.banks == told.banks
                    && before.claimable == told.claimable
                    && pod_labels(&before.reading).eq(pod_labels(&told.reading))
                    && before.taints == told.taints
            });
            if !same {
                moved.insert(name.clone());
            }
            readings.push(Reading::NodeAdded(told.reading.clone()));
            readings.push(Reading::NodeState {
                node: name.clone(),
                health: told.reading.health,
                cordoned_by_loop: told.cordoned_by_loop,
            });
            self.nodes.insert(name.clone(), told);
        }
        moved
    }

    fn told_node(&self, cache: &Cache, node: &Node, (tells_taints, tells_soft): (bool, bool)) -> ToldNode {
        let banks = banks(node, &self.names);
        let first = of_resources(&banks);
        let has = cache.devices.pools.on(&node.metadata.name).map_or(&[][..], |has| &has.devices);
        let has = &has[..has.len().min(DEVICES_PER_NODE_MAX - first)];
        let mut labels: Vec<(String, String)> =
            node.metadata.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        labels.push((NODE_NAME.to_owned(), node.metadata.name.clone()));
        let taints = taints_of(node);
        if tells_taints {
            labels.push((TAINTS.to_owned(), named(&taints)));
        }
        if tells_soft {
            labels.push((SOFT_TAINTS.to_owned(), named(&soft_taints_of(node))));
        }
        if is_cordoned(node) && !node.is_cordoned_by_loop() {
            labels.push((CORDONED_BY_OTHERS.to_owned(), String::new()));
        }
        let health = match (node.is_ready(), is_cordoned(node)) {
            (false, _) => Health::Down,
            (true, true) => Health::Cordoned,
            (true, false) => Health::Up,
        };
        let of_banks = banks.iter().flat_map(|b| std::iter::repeat_n((b.kind, b.model.clone()), b.count));
        let devices = of_banks.chain(has.iter().map(|device| (device.kind, device.model.clone()))).collect();
        let out = banks.iter().flat_map(|b| b.first + b.allocatable..b.first + b.count);
        let taken = taken_by_nobody(cache, &node.metadata.name).into_iter().filter(|&at| at < has.len());
        let out = out.chain(taken.map(|at| first + at)).collect();
        let claimable = has.iter().map(|device| (device.id.clone(), device.model.clone())).collect();
        let reading = NodeReading {
            name: node.metadata.name.clone(),
            capacity: self.columns.capacity(node),
            devices,
            devices_out_of_service: out,
            labels,
            health,
        };
        let cordoned_by_loop = node.is_cordoned_by_loop();
        ToldNode { reading, cordoned_by_loop, banks, claimable, taints }
    }

    /// Who is a member of what; the other members of gangs that change are looked at again.
    fn gang_news(&mut self, cache: &Cache, dirty: &mut BTreeSet<String>) {
        let mut touched = BTreeSet::new();
        for name in dirty.iter() {
            let known = cache.pods.get(name).filter(|known| is_ours(&known.pod));
            let gang = known.and_then(|known| gang_of(&known.pod, &cache.groups));
            let before = match &gang {
                Some(gang) => self.gang_of.insert(name.clone(), gang.clone()),
                None => self.gang_of.remove(name),
            };
            if let Some(Gang { name: before, .. }) = before
                && let Some(members) = self.gangs.get_mut(&before)
            {
                members.remove(name);
                touched.insert(before.clone());
                if members.is_empty() {
                    self.gangs.remove(&before);
                }
            }
            if let Some(gang) = gang {
                self.gangs.entry(gang.name.clone()).or_default().insert(name.clone());
                touched.insert(gang.name);
            }
        }
        dirty.extend(touched.iter().filter_map(|gang| self.gangs.get(gang)).flatten().cloned());
    }

    fn pod_news(
        &mut self,
        cache: &Cache,
        dirty: &BTreeSet<String>,
        again: &BTreeSet<String>,
        readings: &mut Vec<Reading>,
    ) {
        let (mut ended, mut told) = (Vec::new(), Vec::new());
        for name in dirty {
            // Between its eviction and its return a pod still stands where it stood: then it waits, and a move goes on.
            if cache.comes_back(name) && self.tasks.contains_key(name) {
                continue;
            }
            let seen = match cache.pods.get(name) {
                Some(known) => self.seen(cache, name, known),
                None => Seen::Nothing,
            };
            self.kept_back.remove(name);
            let before = self.tasks.remove(name);
            let stood = before.as_ref().and_then(|task| task.place.clone());
            let task = match seen {
                Seen::Task(task) => *task,
                other => {
                    if let Seen::KeptBack(why) = other {
                        self.kept_back.insert(name.clone(), why);
                    }
                    if let Some((node, _)) = stood {
                        self.holdings.let_go(&node, name);
                    }
                    if before.is_some() {
                        ended.push(Reading::TaskEnded { task: name.clone() });
                    }
                    continue;
                }
            };
            if let Some((node, _)) = &stood
                && task.place.as_ref().is_none_or(|(now, _)| now != node)
            {
                self.holdings.let_go(node, name);
            }
            let again = again.contains(name);
            if again || before.as_ref().is_none_or(|before| before.reading != task.reading) {
                told.push(Reading::TaskSubmitted(task.reading.clone()));
            }
            match &task.place {
                Some((node, devices)) if again || before.is_none() || stood != task.place => {
                    told.push(Reading::TaskPlaced {
                        task: name.clone(),
                        node: node.clone(),
                        devices: *devices,
                    });
                }
                None if stood.is_some() => told.push(Reading::TaskUnplaced { task: name.clone() }),
                _ => {}
            }
            if task.leaving && (again || before.is_none_or(|before| !before.leaving)) {
                told.push(Reading::TaskLeaving { task: name.clone() });
            }
            self.tasks.insert(name.clone(), task);
        }
        readings.append(&mut ended);
        readings.append(&mut told);
    }

    fn seen(&mut self, cache: &Cache, name: &str, known: &KnownPod) -> Seen {
        let pod = &known.pod;
        if pod.is_over() {
            return Seen::Nothing;
        }
        let place = cache.node_of(name);
        let ours = is_ours(pod);
        match &place {
            None if !ours || pod.is_leaving() => return Seen::Nothing,
            // A pod on a node that is not known holds nothing of any other.
            Some(node) if !self.nodes.contains_key(node) => return Seen::Nothing,
            _ => {}
        }
        let asked = asked(&known.requests, &self.names);
        let mut gang = None;
        if place.is_none() {
            if let Some(why) = beyond_words(cache, known, &asked, &self.columns, &self.names) {
                return Seen::KeptBack(why);
            }
            gang = match self.turn_in_gang(cache, name) {
                Ok(gang) => gang,
                Err(why) => return Seen::KeptBack(why),
            };
        } else if let Some(of) = self.gang_of.get(name).filter(|gang| gang.goes_whole) {
            gang = Some(of.name.clone());
        }
        let mut demand = self.around.demand(&asked);
        let place = match place {
            Some(node) => {
                let told = annotated(pod).or_else(|| cache.assumed(name).map(|assumed| assumed.devices));
                let (banks, claimable) = match self.nodes.get(&node) {
                    Some(node) => (&node.banks[..], &node.claimable[..]),
                    None => (&[][..], &[][..]),
                };
                let mut devices = self.holdings.hold(&node, banks, name, told, &asked);
                let by_claims = held(cache, name, pod, &node).into_iter();
                for at in by_claims.filter(|&at| at < claimable.len()) {
                    devices = devices.with(of_resources(banks) + at);
                    add_one(&mut demand, &claimable[at].1);
                }
                Some((node, devices))
            }
            None => {
                let claims = DeviceClaims::of(cache, pod).ok();
                demand = demand.or_else(|| claims?.demand(cache));
                None
            }
        };
        let rules = if ours {
            self.around.rules(cache, known, &self.kin, place.is_none())
        } else {
            NamedRules::default()
        };
        let reading = TaskReading {
            name: name.to_owned(),
            demand: self.columns.demand(&known.requests),
            devices: demand,
            owner: Some(pod.metadata.namespace.clone()),
            gang,
            group: self.kin.group_of(name),
            rules,
            requested_seconds: pod.spec.active_deadline_seconds,
            started_seconds: pod.status.start_time.as_deref().and_then(unix_seconds),
            priority: pod.spec.priority,
            pause_seconds: PAUSE_SECONDS,
            do_not_disrupt: !(ours && may_be_moved(pod)),
            preempts: if ours && pod.spec.preemption_policy != "Never" {
                Preempts::AtOnce
            } else {
                Preempts::Never
            },
            preemptible: ours && !is_kept_by_us(pod) && self.budgets.allow(name),
            submitted_seconds: pod.metadata.creation_timestamp.as_deref().and_then(unix_seconds).unwrap_or(0),
            ..TaskReading::default()
        };
        Seen::Task(Box::new(ToldTask { reading, place, leaving: pod.is_leaving() }))
    }

    /// The gang with which a waiting pod starts: as many together as must, the others once these stand.
    fn turn_in_gang(&self, cache: &Cache, name: &str) -> Result<Option<String>, String> {
        let Some(gang) = self.gang_of.get(name) else { return Ok(None) };
        let Some(members_min) = gang.members_min.map(|min| min as usize) else {
            return Err(format!(
                "gang {}: how many start together is not known; its group is not there",
                gang.name
            ));
        };
        let mut standing = 0;
        let mut waiting = Vec::new();
        for member in self.gangs.get(&gang.name).into_iter().flatten() {
            let Some(known) = cache.pods.get(member).filter(|known| !known.pod.is_over()) else { continue };
            if cache.node_of(member).is_some() {
                standing += 1;
            } else if !known.pod.is_leaving() && known.pod.spec.scheduling_gates.is_empty() {
                waiting.push((known.pod.metadata.creation_timestamp.as_deref(), member.as_str()));
            }
        }
        let missing = members_min.saturating_sub(standing);
        if missing == 0 {
            return Ok(None);
        }
        if waiting.len() < missing {
            let there = standing + waiting.len();
            return Err(format!("gang {}: {there} of {members_min} pods are there", gang.name));
        }
        waiting.sort_unstable();
        if waiting.iter().take(missing).any(|(_, member)| *member == name) {
            Ok(Some(gang.name.clone()))
        } else {
            Err(format!("gang {}: {members_min} others start first", gang.name))
        }
    }
}

/// One device more of the model.
fn add_one(demand: &mut Option<DocumentDemand>, model: &str) {
    let none = || DocumentDemand { count: 0, milli: DEVICE_MILLI, models: Vec::new() };
    let demand = demand.get_or_insert_with(none);
    demand.count = demand.count.saturating_add(1);
    if !demand.models.iter().any(|of| of == model) {
        demand.models.push(model.to_owned());
    }
}

/// The labels on which it depends what pods are told: of a cordon nothing does.
fn pod_labels(node: &NodeReading) -> impl Iterator<Item = &(String, String)> {
    node.labels.iter().filter(|(key, _)| key != CORDONED_BY_OTHERS)
}

/// Whether a pod comes back under its own name when it is evicted.
pub(super) fn comes_back_as_itself(pod: &Pod) -> bool {
    pod.metadata.controller().is_some_and(|owner| owner.kind == "StatefulSet")
}

fn is_kept_by_us(pod: &Pod) -> bool {
    pod.metadata.annotations.get(KEPT_BY_US).is_some_and(|told| told == "true")
}

/// Whether it does, and nothing says that it must not be evicted.
fn may_be_moved(pod: &Pod) -> bool {
    let keeps =
        |(key, value): &(&str, &str)| pod.metadata.annotations.get(*key).is_some_and(|told| told == value);
    !KEEPS.iter().any(keeps) && comes_back_as_itself(pod)
}
