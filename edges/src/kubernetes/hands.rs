//! The hands: pods are bound through their binding, evicted through the eviction API, which honours disruption budgets, and nodes
//! cordoned. Before each call the world is looked at again as it is known now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lepton_core::execute::Actuator;
use lepton_core::model::{Answer, Call, DeviceSet, Moving, Spot};
use serde_json::{Value, json};

use super::at_once::at_once;
use super::cache::{Cache, KnownPod, Shared};
use super::client::{ApiError, Client};
use super::devices::{DeviceNames, banks, of_resources};
use super::fit::{nowhere, obstacle, shape};
use super::lease::Lease;
use super::moment::now_text;
use super::neighbours::Neighbours;
use super::objects::{CORDONED, Meta, is_ours};
use super::provisions::{Next, let_go, next, nominate, prepare};
use super::reserves::{give_back_idle, promise};
use super::speaker::Speaker;
use super::told::comes_back_as_itself;
use super::volumes::{Errand, Volumes};

/// Shapes of waiting pods for which all nodes are asked in one turn.
const SHAPES_MAX: usize = 64;
/// How long the reason for which a pod is kept back stays the same before it is told.
const SETTLED: Duration = Duration::from_secs(1);
/// Calls that are under way at the same time, each on a connection of its own.
const CONNECTIONS: usize = 16;
/// The hands of a cluster.
pub struct KubernetesHands {
    pub(super) client: Client,
    pub(super) shared: Arc<Shared>,
    pub(super) speaker: Speaker,
    names: DeviceNames,
    /// Where to find the lease, and it, once something may be done.
    lease_name: Option<(String, String)>,
    lease: Option<Lease>,
    /// What waiting pods were told last, by name, with their uid.
    said: BTreeMap<String, (String, String)>,
    /// Pods that were nominated for the node that is cleared for them.
    nominated: Mutex<BTreeSet<String>>,
    /// Why pods are kept back, and since when.
    kept_back: BTreeMap<String, (String, Instant)>,
}

impl KubernetesHands {
    pub(super) fn new(
        client: Client,
        shared: Arc<Shared>,
        speaker: Speaker,
        names: DeviceNames,
        lease_name: Option<(String, String)>,
    ) -> Self {
        Self {
            client,
            shared,
            speaker,
            names,
            lease_name,
            lease: None,
            said: BTreeMap::new(),
            nominated: Mutex::default(),
            kept_back: BTreeMap::new(),
        }
    }

    /// From now on something may be done: the lease is tried for.
    ///
    /// # Errors
    /// When no thread can be started for it.
    pub fn get_ready(&mut self) -> std::io::Result<()> {
        if let (Some((namespace, name)), None) = (&self.lease_name, &self.lease) {
            self.lease = Some(Lease::start(self.client.clone(), namespace, name)?);
        }
        Ok(())
    }

    /// From now on nothing is done: another may have the lease.
    pub fn rest(&mut self) {
        self.lease = None;
    }

    /// Why nothing may be done now, where a lease decides on it; none where something may.
    pub fn waits_for(&self) -> Option<String> {
        match (&self.lease_name, &self.lease) {
            (None, _) => None,
            (Some(_), Some(lease)) => lease.waits_for(),
            (Some(_), None) => Some("the lease is not asked for".to_owned()),
        }
    }

    /// Events and conditions that were not written.
    pub fn unsaid(&self) -> u64 {
        self.speaker.unsaid()
    }

    /// Tells waiting pods why they wait: what is in the way on the nodes, or else what the loop says; none where a node would take it. Those that
    /// are kept back are told once their reason has stayed the same for a while: a gang whose pods come one after the other has another one
    /// all the time. What was said already is not said again. Of pods of very many shapes some are told by later calls, those first that know
    /// nothing yet.
    pub fn tell_waiting<'a>(
        &mut self,
        waiting: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
        kept_back: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let mut all: Vec<_> = waiting.into_iter().collect();
        all.extend(self.settled(kept_back).into_iter().map(|(name, why)| (name, Some(why))));
        all.sort_by_key(|(name, _)| self.said.contains_key(*name));
        let (mut told, mut shapes) = (BTreeMap::new(), BTreeMap::<String, Option<String>>::new());
        let cache = self.shared.cache();
        for (name, why) in all {
            let Some(known) = cache.pods.get(name).filter(|known| is_ours(&known.pod)) else { continue };
            if !known.pod.spec.scheduling_gates.is_empty() || cache.node_of(name).is_some() {
                continue;
            }
            let neighbours = Neighbours::of(&cache, known);
            let shape = shape(&cache, &neighbours, known);
            let found = match shapes.get(&shape) {
                Some(found) => found.clone(),
                None if shapes.len() == SHAPES_MAX => {
                    told.extend(self.said.remove_entry(name));
                    continue;
                }
                None => {
                    let found = nowhere(&cache, known, &neighbours);
                    shapes.insert(shape, found.clone());
                    found
                }
            };
            let Some(message) = why.map(|why| found.unwrap_or_else(|| why.to_owned())) else { continue };
            let now = (known.pod.metadata.uid.clone(), message);
            if self.said.get(name) != Some(&now) {
                self.speaker.unschedulable(&known.pod.metadata, &now.1);
            }
            told.insert(name.to_owned(), now);
        }
        self.said = told;
    }

    /// Those whose reason has stayed the same for a while.
    fn settled<'a>(
        &mut self,
        kept_back: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<(&'a str, &'a str)> {
        let (mut before, mut settled) = (std::mem::take(&mut self.kept_back), Vec::new());
        for (name, why) in kept_back {
            let same = before.remove(name).filter(|(reason, _)| reason == why);
            let (reason, since) = same.unwrap_or_else(|| (why.to_owned(), Instant::now()));
            if since.elapsed() >= SETTLED {
                settled.push((name, why));
            }
            self.kept_back.insert(name.to_owned(), (reason, since));
        }
        settled
    }

    fn pod(&self, name: &str) -> Result<Arc<KnownPod>, Answer> {
        let known = self.shared.cache().pods.get(name).cloned();
        let known = known.ok_or_else(|| Answer::Refused(format!("pod {name} is gone")))?;
        if is_ours(&known.pod) {
            return Ok(known);
        }
        let scheduler = &known.pod.spec.scheduler_name;
        Err(Answer::Refused(format!("pod {name} belongs to the scheduler `{scheduler}` and is not touched")))
    }

    /// The pod counts as standing there from now on, where it may; with what has to be done before it can be bound.
    fn promise(&self, name: &str, to: &Spot) -> Result<Promised, Answer> {
        let known = self.pod(name)?;
        let mut cache = self.shared.cache();
        let errands = check(&cache, name, &known, &to.node)?;
        let own = cache.nodes.get(&*to.node).map_or(DeviceSet::NONE, |node| {
            // Those of claims come after those of resources.
            let first = of_resources(&banks(node, &self.names));
            to.devices.iter().filter_map(|device| device.checked_sub(first)).collect()
        });
        promise(&mut cache, &known.pod, &to.node, own)
            .map_err(|why| Answer::Refused(format!("node {}: {why}", &*to.node)))?;
        cache.assume(name, &to.node, to.devices);
        if !errands.is_empty() {
            cache.hold(name);
        }
        for errand in &errands {
            if let Errand::Give { claim, volume } = errand {
                cache.storage.give(volume, claim);
            }
        }
        Ok(Promised { known, errands })
    }

    /// Has the volumes of a promised pod made; it is bound once they are there.
    fn prepare(&self, name: &str, promised: &Promised, to: &Spot) -> Result<Answer, Answer> {
        let Promised { known, errands } = promised;
        let prepared = prepare(&self.client, &self.shared, &known.pod.metadata, &to.node, errands);
        prepared.map(|()| Answer::Done).map_err(|error| {
            let undone = let_go(&self.client, &self.shared, name, known, &to.node);
            let also = undone.err().map(|error| format!("; not taken back: {error}")).unwrap_or_default();
            Answer::Refused(format!("pod {name} gets no volumes on {}: {error}{also}", &*to.node))
        })
    }

    /// Binds the pods that waited for their volumes, where these are there now, and lets others go whose volumes will not come.
    /// Pods for which room is being made (`underway`) stay nominated for it, and no others.
    pub fn go_on(&mut self, underway: &BTreeSet<&str>) {
        if self.waits_for().is_some() {
            return;
        }
        self.take_back_nominations(underway);
        give_back_idle(&self.client, &self.shared);
        let due: Vec<_> = {
            let cache = self.shared.cache();
            let due = cache.held().filter_map(|(name, held)| {
                let known = cache.pods.get(name)?;
                let next = next(&cache, known, held);
                let spot = Spot { node: held.node.as_str().into(), devices: held.devices };
                (next != Next::Wait).then(|| (name.clone(), Arc::clone(known), spot, next))
            });
            due.collect()
        };
        let _quiet = self.speaker.hush();
        let hands = &*self;
        let all: Vec<&_> = due.iter().collect();
        at_once(
            &all,
            CONNECTIONS,
            |due| due,
            |(name, known, spot, next)| {
                let is_bound = *next == Next::Bind && hands.waits_for().is_none() && {
                    hands.shared.cache().assume(name, &spot.node, spot.devices);
                    hands.bind(name, known, spot).is_ok()
                };
                if !is_bound {
                    // It waits again either way: what is not taken back keeps it to this node.
                    let _ = let_go(&hands.client, &hands.shared, name, known, &spot.node);
                }
            },
        );
    }

    /// The pod that is to leave the node, which it stands on; or that there is nothing more to do.
    fn leaving(&self, name: &str, from: &Spot) -> Result<Arc<KnownPod>, Answer> {
        let known = match self.pod(name) {
            Err(Answer::Refused(_)) if !self.shared.cache().pods.contains_key(name) => {
                return Err(Answer::Done);
            }
            other => other?,
        };
        if self.shared.cache().is_held(name) {
            let gone = let_go(&self.client, &self.shared, name, &known, &from.node);
            return Err(gone.map_or_else(
                |error| Answer::Refused(format!("pod {name} waits for volumes and is not let go: {error}")),
                |()| Answer::Done,
            ));
        }
        let stands = self.shared.cache().node_of(name);
        if stands.as_deref() != Some(&*from.node) {
            return Err(Answer::Refused(format!("pod {name} does not stand on {}", &*from.node)));
        }
        if known.pod.is_leaving() { Err(Answer::Underway) } else { Ok(known) }
    }

    fn evict(&self, name: &str, from: &Spot) -> Result<Answer, Answer> {
        let known = self.leaving(name, from)?;
        if known.pod.metadata.controller().is_none() {
            let why = format!("pod {name} has no controller: evicted, it would not come back");
            return Err(Answer::Never(why));
        }
        let answer = self.send_away(name, &known)?;
        if answer == Answer::Underway && comes_back_as_itself(&known.pod) {
            self.shared.cache().evict(name);
        }
        Ok(answer)
    }

    /// Through the eviction API, which holds the budgets of disruption.
    fn send_away(&self, name: &str, known: &KnownPod) -> Result<Answer, Answer> {
        let meta = &known.pod.metadata;
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": meta.name, "namespace": meta.namespace},
            "deleteOptions": {"preconditions": {"uid": meta.uid}},
        });
        match self.client.post(&format!("{}/eviction", path_of(meta)), &body) {
            Ok(_) => Ok(Answer::Underway),
            Err(error) if error.code() == Some(404) => Ok(Answer::Done),
            Err(error) => Err(Answer::Refused(format!("pod {name} is not evicted: {error}"))),
        }
    }

    /// Stops a pod for a more important one, which is nominated for the node: other schedulers keep the room for it.
    fn preempt(&self, name: &str, from: &Spot, by: &str) -> Result<Answer, Answer> {
        let known = self.leaving(name, from)?;
        let comes = self.pod(by)?;
        let (least, most) = (known.pod.spec.priority, comes.pod.spec.priority);
        if least >= most {
            return Err(Answer::Refused(format!(
                "pod {name} of priority {least} is not stopped for {by} of priority {most}"
            )));
        }
        let failed =
            |error: ApiError| Answer::Refused(format!("pod {name} is not stopped for {by}: {error}"));
        let is_new = self.nominated.lock().unwrap_or_else(PoisonError::into_inner).insert(by.to_owned());
        if is_new {
            nominate(&self.client, &comes.pod.metadata, Some(&from.node)).map_err(failed)?;
        }
        let answer = self.send_away(name, &known)?;
        // After the eviction, which has a reason of its own. Who is gone already needs none.
        let meta = &known.pod.metadata;
        let target = json!({
            "metadata": {"uid": meta.uid},
            "status": {"conditions": [{
                "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
                "message": format!("{}: preempting to accommodate a higher priority pod", super::SCHEDULER_NAME),
                "lastTransitionTime": now_text(),
            }]},
        });
        let _ = self.client.patch(&format!("{}/status", path_of(meta)), &target);
        self.speaker.preempted(meta, &comes.pod.metadata, &from.node);
        Ok(answer)
    }

    /// Nominations of pods for which no room is made any more are taken back.
    fn take_back_nominations(&self, underway: &BTreeSet<&str>) {
        let mut nominated = self.nominated.lock().unwrap_or_else(PoisonError::into_inner);
        let idle: Vec<String> =
            nominated.iter().filter(|name| !underway.contains(&***name)).cloned().collect();
        for name in idle {
            let waits = {
                let cache = self.shared.cache();
                cache.pods.get(&name).filter(|_| cache.node_of(&name).is_none()).cloned()
            };
            // Where it cannot be said now it is said in the next turn.
            let told = waits.map_or(Ok(()), |known| nominate(&self.client, &known.pod.metadata, None));
            if told.is_ok() || told.is_err_and(|error| error.code() == Some(404)) {
                nominated.remove(&name);
            }
        }
    }

    fn cordon(&self, name: &str, cordoned: bool) -> Result<Answer, Answer> {
        let known = self.shared.cache().nodes.get(name).cloned();
        let node = known.ok_or_else(|| Answer::Refused(format!("node {name} is gone")))?;
        let by_loop = node.metadata.annotations.contains_key(CORDONED);
        if cordoned && node.spec.unschedulable {
            return Err(Answer::Refused(format!("node {name} is cordoned already")));
        }
        if !cordoned && !by_loop {
            return Err(Answer::Refused(format!(
                "node {name} was not cordoned by Lepton and is left as it is"
            )));
        }
        let mark = if cordoned { Value::String("true".to_owned()) } else { Value::Null };
        let body = json!({
            "metadata": {"uid": node.metadata.uid, "annotations": {CORDONED: mark}},
            "spec": {"unschedulable": cordoned.then_some(true)},
        });
        match self.client.patch(&format!("/api/v1/nodes/{name}"), &body) {
            Ok(_) => Ok(Answer::Underway),
            Err(error) => Err(Answer::Refused(format!("node {name}: {error}"))),
        }
    }
}

impl Actuator for KubernetesHands {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, call: &Call) -> Answer {
        self.calls(&[call]).pop().unwrap_or_else(|| Answer::Refused("it was not made".to_owned()))
    }

    fn calls(&mut self, calls: &[&Call]) -> Vec<Answer> {
        let _quiet = self.speaker.hush();
        let hands = &*self;
        at_once(calls, CONNECTIONS, |call| hands.get_going(call), |going| hands.make(going))
    }
}

/// A call that is about to be made: of a pod that is to be bound what is known of it, or why it is not made at all.
struct Going<'a> {
    call: &'a Call,
    pod: Result<Option<Promised>, Answer>,
}

/// A pod that counts as standing on a node.
struct Promised {
    known: Arc<KnownPod>,
    /// What has to be done before it can be bound.
    errands: Vec<Errand>,
}

impl KubernetesHands {
    /// Asked of one call after the other, in their order, so that each counts with those before it.
    fn get_going<'a>(&self, call: &'a Call) -> Going<'a> {
        let pod = match (self.waits_for(), call) {
            (Some(why), _) => Err(Answer::Refused(why)),
            (None, Call::Start { task, to }) => self.promise(task, to).map(Some),
            (None, _) => Ok(None),
        };
        Going { call, pod }
    }

    fn make(&self, going: Going<'_>) -> Answer {
        let made = going.pod.and_then(|pod| match (going.call, pod) {
            (Call::Start { task, to }, Some(pod)) if pod.errands.is_empty() => {
                self.bind(task, &pod.known, to)
            }
            (Call::Start { task, to }, Some(pod)) => self.prepare(task, &pod, to),
            (Call::Start { task, .. }, None) => Err(Answer::Refused(format!("pod {task} is not known"))),
            (Call::Stop { task, from, makes_room_for: Some(by) }, _) => self.preempt(task, from, by),
            (Call::Stop { task, from, makes_room_for: None }, _) => self.evict(task, from),
            (Call::Move { task, .. }, _) => {
                Err(Answer::Refused(format!("pod {task} cannot stand on two nodes at once")))
            }
            (Call::Cordon { node, cordoned }, _) => self.cordon(node, *cordoned),
        });
        match made {
            Ok(answer) | Err(answer) => answer,
        }
    }
}

/// Whether the pod may stand there, as the cluster is known now, and what has to be done before it is bound.
fn check(cache: &Cache, name: &str, known: &KnownPod, node: &str) -> Result<Vec<Errand>, Answer> {
    let refused = |why: String| Err::<Vec<Errand>, _>(Answer::Refused(why));
    if known.pod.is_leaving() || known.pod.is_over() {
        return refused(format!("pod {name} is going"));
    }
    if let Some(stands) = cache.node_of(name) {
        return refused(format!("pod {name} stands on {stands} already"));
    }
    let Some(node) = cache.nodes.get(node) else { return refused(format!("node {node} is gone")) };
    match obstacle(cache, known, node) {
        Some(obstacle) => Err(Answer::Refused(format!("node {}: {obstacle}", node.metadata.name))),
        None => {
            let volumes = Volumes::of(cache, &known.pod);
            Ok(volumes.ok().and_then(|volumes| volumes.errands(cache, node)).unwrap_or_default())
        }
    }
}

pub(super) fn path_of(meta: &Meta) -> String {
    format!("/api/v1/namespaces/{}/pods/{}", meta.namespace, meta.name)
}
