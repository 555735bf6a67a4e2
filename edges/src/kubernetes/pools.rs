//! The devices of nodes, out of the slices of their drivers: of each pool the newest generation, once all of it is there. And which of
//! them a request means, found out once and kept until slices or classes change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use lepton_core::model::DeviceKind;

use super::cel::{Domains, Selector, Subject, Value, Version};
use super::devices::kind;
use super::objects::Taint;
use super::requests::amount;
use super::resources::{Attribute, Device, DeviceClass, DeviceId, DeviceSelector, Exactly, Slice};

/// Attributes that tell a model.
const MODELS: [&str; 2] = ["productName", "model"];
/// Sets of selectors for which it is kept what they mean.
const FILTERS_MAX: usize = 256;

/// A device that its node alone reaches, and that one claim may have.
#[derive(Debug, PartialEq)]
pub(super) struct LocalDevice {
    pub(super) id: DeviceId,
    pub(super) kind: DeviceKind,
    /// Devices with taints are a model of their own: most pods do not get them.
    pub(super) model: String,
    pub(super) taints: Vec<Taint>,
    subject: Subject,
}

/// What a node has.
#[derive(Debug, Default)]
pub(super) struct NodeDevices {
    pub(super) devices: Vec<LocalDevice>,
    /// Others, with what they are.
    beyond: Vec<(Subject, &'static str)>,
    /// Whether a part of a pool is not there yet.
    pub(super) is_updating: bool,
}

/// What a request means on a node.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// Which of its devices.
    pub(super) devices: Vec<usize>,
    /// What is wrong with a selector there.
    pub(super) problem: Option<String>,
    beyond: Option<&'static str>,
}

/// What a request means.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By node, of those with such devices.
    pub(super) by_node: BTreeMap<String, Arc<Matched>>,
    /// What it may mean beside devices that Lepton places.
    pub(super) beyond: Option<&'static str>,
    /// The models of those without taints, and whether these are all that nodes have of the models.
    pub(super) models: BTreeSet<String>,
    pub(super) is_by_model: bool,
}

#[derive(Debug)]
struct Filter {
    selectors: Vec<Selector>,
    by_node: BTreeMap<String, Arc<Matched>>,
    found: Option<Arc<Found>>,
}

/// The devices of all nodes; those that no node has alone are under no name.
#[derive(Debug, Default)]
pub(super) struct Pools {
    slices: BTreeMap<String, BTreeMap<String, Arc<Slice>>>,
    nodes: BTreeMap<String, NodeDevices>,
    /// Nodes by driver and pool.
    node_of: BTreeMap<(String, String), String>,
    filters: Mutex<BTreeMap<Vec<String>, Result<Filter, String>>>,
}

impl Pools {
    /// What a node has.
    pub(super) fn on(&self, node: &str) -> Option<&NodeDevices> {
        self.nodes.get(node)
    }

    /// The node of a device.
    pub(super) fn node_of(&self, device: &DeviceId) -> Option<&String> {
        self.node_of.get(&(device.driver.clone(), device.pool.clone()))
    }

    /// The slice of the node is like this, or gone.
    pub(super) fn put(&mut self, node: &str, name: &str, slice: Option<&Arc<Slice>>) {
        let slices = self.slices.entry(node.to_owned()).or_default();
        let before = match slice {
            Some(slice) => slices.insert(name.to_owned(), Arc::clone(slice)),
            None => slices.remove(name),
        };
        let pool = |slice: &Slice| (slice.spec.driver.clone(), slice.spec.pool.name.clone());
        if let Some(before) =
            before.filter(|before| self.node_of.get(&pool(before)).is_some_and(|of| of == node))
        {
            self.node_of.remove(&pool(&before));
        }
        for slice in slices.values().filter(|_| !node.is_empty()) {
            self.node_of.insert(pool(slice), node.to_owned());
        }
        if slices.is_empty() {
            self.slices.remove(node);
            self.nodes.remove(node);
        } else {
            self.nodes.insert(node.to_owned(), gather(node, slices.values()));
        }
        let filters = self.filters.get_mut().unwrap_or_else(PoisonError::into_inner);
        for filter in filters.values_mut().flatten() {
            filter.by_node.remove(node);
            filter.found = None;
        }
    }

    /// Classes have changed.
    pub(super) fn forget_filters(&mut self) {
        self.filters.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The devices that the request means; or what is wrong with its selectors or those of its class.
    pub(super) fn found(&self, class: &DeviceClass, request: &Exactly) -> Result<Arc<Found>, String> {
        let text = |selector: &DeviceSelector| selector.cel.expression.clone();
        let texts: Vec<String> = class.spec.selectors.iter().chain(&request.selectors).map(text).collect();
        let mut filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        if filters.len() >= FILTERS_MAX && !filters.contains_key(&texts) {
            filters.clear();
        }
        let filter = filters.entry(texts).or_insert_with_key(|texts| {
            let read = |text: &String| {
                Selector::parse(text)
                    .map_err(|problem| format!("its selector {text:?} is not understood: {problem}"))
            };
            let selectors = texts.iter().map(read).collect::<Result<_, _>>()?;
            Ok(Filter { selectors, by_node: BTreeMap::new(), found: None })
        });
        match filter {
            Ok(filter) => Ok(filter.found(&self.nodes)),
            Err(problem) => Err(problem.clone()),
        }
    }
}

impl Filter {
    fn found(&mut self, nodes: &BTreeMap<String, NodeDevices>) -> Arc<Found> {
        if let Some(found) = &self.found {
            return Arc::clone(found);
        }
        for (node, has) in nodes {
            if !self.by_node.contains_key(node) {
                self.by_node.insert(node.clone(), Arc::new(matched(&self.selectors, has)));
            }
        }
        let beyond = self.by_node.values().find_map(|matched| matched.beyond);
        let mut by_node = self.by_node.clone();
        by_node.retain(|_, matched| !matched.devices.is_empty() || matched.problem.is_some());
        let of_node = |node: &String| nodes.get(node).map_or(&[][..], |has| &has.devices);
        let meant = by_node.iter().flat_map(|(node, matched)| {
            let devices = of_node(node);
            matched.devices.iter().map(move |&at| &devices[at]).filter(|device| device.taints.is_empty())
        });
        let models: BTreeSet<String> = meant.clone().map(|device| device.model.clone()).collect();
        let all = nodes.values().flat_map(|has| &has.devices);
        let is_by_model = all.filter(|device| models.contains(&device.model)).count() == meant.count();
        let found = Arc::new(Found { by_node, beyond, models, is_by_model });
        self.found = Some(Arc::clone(&found));
        found
    }
}

fn matched(selectors: &[Selector], has: &NodeDevices) -> Matched {
    let mut matched = Matched::default();
    let takes = |subject: &Subject| {
        for selector in selectors {
            if !selector.takes(subject)? {
                return Ok(false);
            }
        }
        Ok::<_, String>(true)
    };
    for (at, device) in has.devices.iter().enumerate() {
        match takes(&device.subject) {
            Ok(true) => matched.devices.push(at),
            Ok(false) => {}
            Err(problem) => matched.problem = Some(format!("CEL runtime error: {problem}")),
        }
    }
    matched.beyond = has.beyond.iter().find(|(subject, _)| takes(subject) == Ok(true)).map(|(_, what)| *what);
    matched
}

fn gather<'a>(node: &str, slices: impl Iterator<Item = &'a Arc<Slice>>) -> NodeDevices {
    let mut pools = BTreeMap::<(&str, &str), Vec<&Slice>>::new();
    for slice in slices {
        let pool = pools.entry((slice.spec.driver.as_str(), slice.spec.pool.name.as_str())).or_default();
        let generation = pool.first().map_or(i64::MIN, |first| first.spec.pool.generation);
        if slice.spec.pool.generation > generation {
            pool.clear();
        }
        if slice.spec.pool.generation >= generation {
            pool.push(slice);
        }
    }
    let mut gathered = NodeDevices::default();
    for ((driver, pool), slices) in pools {
        let devices: Vec<&Device> = slices.iter().flat_map(|slice| &slice.spec.devices).collect();
        let names: BTreeSet<&String> = devices.iter().map(|device| &device.name).collect();
        let is_whole = slices.iter().all(|slice| slice.spec.pool.resource_slice_count == slices.len());
        // Of what several nodes reach nothing is placed, so that it does not matter how much of it is there.
        let is_sound = is_whole && names.len() == devices.len();
        if !node.is_empty() && !is_sound {
            gathered.is_updating = true;
            continue;
        }
        for device in devices {
            let subject = subject(driver, device);
            if let Some(what) = beyond(node, device) {
                gathered.beyond.push((subject, what));
                continue;
            }
            gathered.devices.push(LocalDevice {
                id: DeviceId {
                    driver: driver.to_owned(),
                    pool: pool.to_owned(),
                    device: device.name.clone(),
                },
                kind: kind(driver),
                model: model(driver, device),
                taints: device.taints.iter().filter(|taint| keeps_off(taint)).cloned().collect(),
                subject,
            });
        }
    }
    gathered
}

fn keeps_off(taint: &Taint) -> bool {
    matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")
}

/// What a device is that Lepton does not place.
fn beyond(node: &str, device: &Device) -> Option<&'static str> {
    let kinds = [
        (node.is_empty(), "devices that several nodes reach"),
        (!device.consumes_counters.is_empty(), "parts of devices"),
        (device.allow_multiple_allocations, "devices that several claims share"),
        (!device.binding_conditions.is_empty(), "devices that have to be made ready first"),
    ];
    kinds.into_iter().find(|(is_so, _)| *is_so).map(|(_, what)| what)
}

fn model(driver: &str, device: &Device) -> String {
    let told = |name: &&str| {
        let own = device.attributes.get(*name);
        own.or_else(|| device.attributes.get(&format!("{driver}/{name}")))?.string.as_ref()
    };
    let product = MODELS.iter().find_map(told).map_or_else(String::new, |told| format!("/{told}"));
    let tainted = if device.taints.iter().any(keeps_off) { " (tainted)" } else { "" };
    format!("{driver}{product}{tainted}")
}

/// The device as expressions see it; a name without a domain is one of the driver.
fn subject(driver: &str, device: &Device) -> Subject {
    let value = |told: &Attribute| match told {
        Attribute { int: Some(value), .. } => Some(Value::Int(*value)),
        Attribute { bool: Some(value), .. } => Some(Value::Bool(*value)),
        Attribute { string: Some(value), .. } => Some(Value::Text(value.clone())),
        Attribute { version: Some(value), .. } => Version::parse(value).map(Value::Version),
        _ => None,
    };
    let attributes = device.attributes.iter().filter_map(|(name, told)| Some((name, value(told)?)));
    let capacity = device.capacity.iter();
    let capacity = capacity.filter_map(|(name, told)| Some((name, Value::Quantity(amount(&told.value)?))));
    Subject {
        driver: driver.to_owned(),
        attributes: Arc::new(by_domain(driver, attributes)),
        capacity: Arc::new(by_domain(driver, capacity)),
    }
}

fn by_domain<'a>(driver: &str, all: impl Iterator<Item = (&'a String, Value)>) -> Domains {
    let mut domains = BTreeMap::<String, BTreeMap<String, Value>>::new();
    for (name, value) in all {
        let (domain, name) = name.split_once('/').unwrap_or((driver, name));
        domains.entry(domain.to_owned()).or_default().insert(name.to_owned(), value);
    }
    domains.into_iter().map(|(domain, values)| (domain, Arc::new(values))).collect()
}
