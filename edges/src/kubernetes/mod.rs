//! A Kubernetes cluster: nodes and pods as a source, and hands that bind, evict and cordon. Streams of changes are followed on
//! threads of their own into a cache; a turn takes what has changed since the last one and never waits for the network. Only pods
//! that name Lepton as their scheduler are ever touched; all others count as used.

mod access;
mod admits;
mod at_once;
mod binding;
mod budgets;
mod cache;
mod cel;
mod cel_syntax;
#[cfg(test)]
mod cel_tests;
mod client;
mod columns;
#[cfg(test)]
mod device_belief_tests;
mod device_changes;
#[cfg(test)]
mod device_claim_tests;
mod device_claims;
mod device_store;
mod devices;
mod fit;
#[cfg(test)]
mod gang_instances;
#[cfg(test)]
mod gang_tests;
mod gangs;
mod hands;
mod kin;
mod lease;
mod moment;
mod namespaces;
mod neighbours;
mod objects;
mod obstacle;
mod pools;
mod provisions;
mod quantity;
mod requests;
mod reserves;
mod resources;
mod reviewer;
#[cfg(test)]
mod rule_tests;
mod rules;
mod speaker;
#[cfg(test)]
mod stock_clusters;
#[cfg(test)]
mod stock_tests;
mod storage;
#[cfg(test)]
mod tests;
mod told;
#[cfg(test)]
mod volume_tests;
mod volumes;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lepton_core::collect::Source;
use lepton_core::model::{Readings, ResourceSchema};

use crate::real_source::{RealSource, SourceReport};
pub use access::AccessError;
use cache::Shared;
use client::Client;
use columns::Columns;
use device_changes::Told;
use devices::DeviceNames;
use gangs::GROUP_APIS;
pub use hands::KubernetesHands;
use objects::{Budget, Namespace, Node, Pod, PodGroup};
use resources::{DeviceClaim, DeviceClass, Slice};
pub use reviewer::{Person, ReviewError, Reviewer};
use speaker::Speaker;
use storage::{Claim, CsiNode, Driver, StorageCapacity, StorageClass, Stored, Volume};
use told::Teller;
use watch::{Kind, follow};

/// The source's name.
const NAME: &str = "kubernetes";
/// The scheduler that our pods name.
pub const SCHEDULER_NAME: &str = "lepton";
/// How long the first list is waited for.
const FIRST_LIST: Duration = Duration::from_secs(20);
/// How long a stream lasts at most, and at least, before it is opened anew: what is known is never older.
const STREAM_MAX: Duration = Duration::from_secs(60);
const STREAM_MIN: Duration = Duration::from_secs(5);
/// Pods named with a note.
const EXAMPLES_MAX: usize = 3;

/// What cluster, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KubernetesOptions {
    /// A kubeconfig; where there is none, `$KUBECONFIG`, the service account of this pod or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context of it; its current one where there is none.
    pub context: Option<String>,
    /// Resources that are devices, beside the usual ones.
    pub device_resources: Vec<String>,
    /// Labels that tell a model of devices, before the usual ones.
    pub model_labels: Vec<String>,
    /// Namespace and name of the lease that the instance that acts must hold; none where there is one instance alone.
    pub lease: Option<(String, String)>,
    /// What is older than this is out of date, seconds.
    pub fresh_seconds: u64,
}

/// A cluster, as the loop looks at it.
pub struct KubernetesSource {
    shared: Arc<Shared>,
    client: Client,
    told_by: String,
    teller: Teller,
    first_list_millis: u64,
}

impl KubernetesSource {
    /// Follows a cluster, once it has been listed. The hands belong to it.
    ///
    /// # Errors
    /// When it is not said which cluster, or it cannot be listed.
    pub fn connect(options: &KubernetesOptions) -> Result<(Self, KubernetesHands), AccessError> {
        let access = access::find(options.kubeconfig.as_deref(), options.context.as_deref())?;
        let client = Client::new(&access)?;
        let shared = Arc::new(Shared::default());
        let mut ending = Ending { shared: Arc::clone(&shared), is_due: true };
        let begun = Instant::now();
        follow_all(&client, &shared, options.fresh_seconds)?;
        let not_yet = |cache: &mut cache::Cache| !cache.is_listed() && problem_of(cache).is_none();
        drop(shared.news.wait_timeout_while(shared.cache(), FIRST_LIST, not_yet));
        let names = DeviceNames {
            resources: options.device_resources.clone(),
            model_labels: options.model_labels.clone(),
        };
        let columns = {
            let cache = shared.cache();
            if !cache.is_listed() {
                let problem = problem_of(&cache).unwrap_or_else(|| "it does not answer".to_owned());
                return Err(AccessError(format!(
                    "the cluster of {} cannot be listed: {problem}",
                    access.told_by
                )));
            }
            Columns::of(&cache.nodes, &names)
        };
        let first_list_millis = begun.elapsed().as_millis() as u64;
        let speaker = Speaker::start(client.clone())
            .map_err(|error| AccessError(format!("cannot start a thread: {error}")))?;
        let lease = options.lease.clone();
        let hands = KubernetesHands::new(client.clone(), Arc::clone(&shared), speaker, names.clone(), lease);
        let teller = Teller::new(columns, names);
        ending.is_due = false;
        let source = Self { shared, client, told_by: access.told_by, teller, first_list_millis };
        Ok((source, hands))
    }

    /// Since when something has changed that may let a pod of ours start.
    pub fn urgent_since(&self) -> Option<Instant> {
        self.shared.cache().urgent_since
    }

    /// Pods of ours that wait and are not told to the loop, with the reason.
    pub fn kept_back(&self) -> impl Iterator<Item = (&str, &str)> {
        self.teller.kept_back().iter().map(|(pod, why)| (pod.as_str(), why.as_str()))
    }

    fn readings(&mut self, complete: bool) -> Readings {
        let mut cache = self.shared.cache();
        cache.forget_old();
        let readings =
            if complete { self.teller.everything(&mut cache) } else { self.teller.news(&mut cache) };
        Readings {
            source: NAME.to_owned(),
            time_seconds: cache.heard_seconds(),
            sequence: None,
            complete,
            readings,
        }
    }
}

/// Ends the streams where the source comes to nothing.
struct Ending {
    shared: Arc<Shared>,
    is_due: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.cache().ended |= self.is_due;
    }
}

impl Drop for KubernetesSource {
    fn drop(&mut self) {
        self.shared.cache().ended = true;
    }
}

fn follow_all(client: &Client, shared: &Arc<Shared>, fresh_seconds: u64) -> Result<(), AccessError> {
    let lasts = Duration::from_secs(fresh_seconds / 3).clamp(STREAM_MIN, STREAM_MAX);
    let started = || -> std::io::Result<()> {
        let nodes = Kind::<Node> {
            name: "nodes",
            path: "/api/v1/nodes",
            is_needed: true,
            keep: |cache, change| cache.node_change(change),
        };
        let pods = Kind::<Pod> {
            name: "pods",
            path: "/api/v1/pods",
            is_needed: true,
            keep: |cache, change| cache.pod_change(change),
        };
        follow(nodes, client.clone(), Arc::clone(shared), lasts)?;
        follow(pods, client.clone(), Arc::clone(shared), lasts)?;
        let budgets = Kind::<Budget> {
            name: "poddisruptionbudgets",
            path: "/apis/policy/v1/poddisruptionbudgets",
            is_needed: false,
            keep: |cache, change| cache.budget_change(change),
        };
        follow(budgets, client.clone(), Arc::clone(shared), lasts)?;
        let namespaces = Kind::<Namespace> {
            name: "namespaces",
            path: "/api/v1/namespaces",
            is_needed: false,
            keep: |cache, change| cache.namespace_change(change),
        };
        follow(namespaces, client.clone(), Arc::clone(shared), lasts)?;
        let claims = storage_kind::<Claim>("/api/v1/persistentvolumeclaims");
        let volumes = storage_kind::<Volume>("/api/v1/persistentvolumes");
        let classes = storage_kind::<StorageClass>("/apis/storage.k8s.io/v1/storageclasses");
        let csi_nodes = storage_kind::<CsiNode>("/apis/storage.k8s.io/v1/csinodes");
        follow(claims, client.clone(), Arc::clone(shared), lasts)?;
        follow(volumes, client.clone(), Arc::clone(shared), lasts)?;
        follow(classes, client.clone(), Arc::clone(shared), lasts)?;
        follow(csi_nodes, client.clone(), Arc::clone(shared), lasts)?;
        let drivers = storage_kind::<Driver>("/apis/storage.k8s.io/v1/csidrivers");
        let capacities = storage_kind::<StorageCapacity>("/apis/storage.k8s.io/v1/csistoragecapacities");
        follow(drivers, client.clone(), Arc::clone(shared), lasts)?;
        follow(capacities, client.clone(), Arc::clone(shared), lasts)?;
        let device_claims = device_kind::<DeviceClaim>("/apis/resource.k8s.io/v1/resourceclaims");
        let slices = device_kind::<Slice>("/apis/resource.k8s.io/v1/resourceslices");
        let device_classes = device_kind::<DeviceClass>("/apis/resource.k8s.io/v1/deviceclasses");
        follow(device_claims, client.clone(), Arc::clone(shared), lasts)?;
        follow(slices, client.clone(), Arc::clone(shared), lasts)?;
        follow(device_classes, client.clone(), Arc::clone(shared), lasts)?;
        let keeps: [fn(&mut cache::Cache, cache::Change<PodGroup>); GROUP_APIS.len()] = [
            |cache, change| cache.group_change(GROUP_APIS[0].0, change),
            |cache, change| cache.group_change(GROUP_APIS[1].0, change),
            |cache, change| cache.group_change(GROUP_APIS[2].0, change),
            |cache, change| cache.group_change(GROUP_APIS[3].0, change),
        ];
        for ((name, path), keep) in GROUP_APIS.into_iter().zip(keeps) {
            let groups = Kind { name, path, is_needed: false, keep };
            follow(groups, client.clone(), Arc::clone(shared), lasts)?;
        }
        Ok(())
    };
    started().map_err(|error| AccessError(format!("cannot start a thread: {error}")))
}

/// A kind of storage: without the first four, pods that have volumes wait.
fn storage_kind<T: Stored>(path: &'static str) -> Kind<T> {
    let keep = |cache: &mut cache::Cache, change| cache.storage_change(change);
    Kind { name: T::STREAM, path, is_needed: false, keep }
}

/// A kind of objects about devices: without all of them, pods that have claims of devices wait.
fn device_kind<T: Told>(path: &'static str) -> Kind<T> {
    let keep = |cache: &mut cache::Cache, change| cache.device_change(change);
    Kind { name: T::STREAM, path, is_needed: false, keep }
}

/// What is wrong with a stream that is needed.
fn problem_of(cache: &cache::Cache) -> Option<String> {
    let needed = cache.ears.iter().filter(|(_, ear)| ear.is_needed);
    needed.filter_map(|(name, ear)| Some(format!("{name}: {}", ear.problem.as_ref()?))).next()
}

impl Source for KubernetesSource {
    fn poll(&mut self, _: u64) -> Readings {
        self.readings(false)
    }

    fn list(&mut self, _: u64) -> Readings {
        self.readings(true)
    }
}

impl RealSource for KubernetesSource {
    fn schema(&self) -> ResourceSchema {
        self.teller.columns().schema()
    }

    fn about(&self) -> String {
        format!("Kubernetes at {} ({})", self.client.server(), self.told_by)
    }

    fn report(&self) -> SourceReport {
        let cache = self.shared.cache();
        let mut by_reason = std::collections::BTreeMap::<&str, Vec<&str>>::new();
        for (pod, why) in self.kept_back() {
            by_reason.entry(why).or_default().push(pod);
        }
        let note = |(why, pods): (&str, Vec<&str>)| {
            let named = pods.iter().take(EXAMPLES_MAX).copied().collect::<Vec<_>>().join(", ");
            let more = pods.len().saturating_sub(EXAMPLES_MAX);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("{named}{more} kept back: {why}")
        };
        SourceReport {
            source: NAME.to_owned(),
            looks: cache.ears.values().map(|ear| ear.lists).sum(),
            failures: cache.ears.values().map(|ear| ear.failures).sum(),
            look_millis: self.first_list_millis,
            problem: problem_of(&cache),
            notes: by_reason.into_iter().map(note).collect(),
            series: None,
            stream: None,
            faults: Vec::new(),
        }
    }
}
