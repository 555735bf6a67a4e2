//! What is written of claims of devices: their devices and the pod that they are reserved for, just before the pod is bound, as the stock
//! scheduler writes it. Each is written with the version that was looked at, so that of two who write at once one is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use lepton_core::model::DeviceSet;
use serde_json::{Value, json};

use super::admits::accept;
use super::cache::{Cache, Shared};
use super::client::{ApiError, Client};
use super::device_claims::DeviceClaims;
use super::device_store::{DeviceStore, Promise};
use super::fit::obstacle;
use super::objects::{Meta, Pod};
use super::resources::{DeviceClaim, DeviceId, Exactly};

/// Keeps a claim that has devices from going before they are given back.
const FINALIZER: &str = "resource.kubernetes.io/delete-protection";

/// What was written of a claim for a pod.
#[derive(Debug)]
pub(super) struct Reserved {
    /// The claim, as the server has it now.
    claim: Meta,
    /// Whether it got its devices as well.
    has_devices: bool,
}

/// The pod's claims are about to get devices of the node, those first that are preferred.
pub(super) fn promise(cache: &mut Cache, pod: &Pod, node: &str, preferred: DeviceSet) -> Result<(), String> {
    let promises = DeviceClaims::of(cache, pod)?.promises(cache, &pod.metadata, node, preferred);
    let promises = promises.ok_or_else(|| "cannot allocate all claims".to_owned())?;
    promises.into_iter().for_each(|(claim, promise)| cache.promise_devices(&claim, promise));
    Ok(())
}

/// Gives the pod's claims their devices on the node and reserves them for the pod; what was written, or why it was not, and then it is
/// taken back.
pub(super) fn reserve(
    client: &Client,
    shared: &Shared,
    pod: &Pod,
    node: &str,
) -> Result<Vec<Reserved>, String> {
    if pod.spec.resource_claims.is_empty() {
        return Ok(Vec::new());
    }
    let claims: Vec<(Arc<DeviceClaim>, Option<Promise>)> = {
        let mut cache = shared.cache();
        promise(&mut cache, pod, node, DeviceSet::NONE)?;
        let names: BTreeSet<String> = pod.device_claims().flatten().map(|(name, _)| name).collect();
        let known = |name: &String| {
            let claim = cache.devices.claims.get(name).cloned()?;
            Some((claim, cache.devices.promised.get(name).cloned()))
        };
        names.iter().filter_map(known).collect()
    };
    let mut written = Vec::new();
    for (claim, promise) in claims {
        let name = claim.metadata.full_name();
        let done = match &promise {
            Some(promise) if claim.status.allocation.is_none() => {
                allocate(client, shared, &claim, promise, &pod.metadata)
            }
            _ if claim.is_reserved_for(&pod.metadata) => continue,
            _ => share(client, shared, &claim, &pod.metadata, node),
        };
        match done {
            Ok(reserved) => written.push(reserved),
            Err(error) => {
                let also = give_back(client, shared, &written, pod);
                let mut cache = shared.cache();
                // What nobody answered may have been done: it counts until the streams tell.
                if error.code().is_some_and(|code| code < 500) {
                    cache.break_promise(&name);
                }
                cache.break_promises(pod);
                let also = also.err().map(|error| format!("; not taken back: {error}")).unwrap_or_default();
                return Err(format!("resourceclaim {name}: {error}{also}"));
            }
        }
    }
    Ok(written)
}

fn allocate(
    client: &Client,
    shared: &Shared,
    claim: &DeviceClaim,
    promise: &Promise,
    pod: &Meta,
) -> Result<Reserved, ApiError> {
    let path = path_of(&claim.metadata);
    let Meta { uid, resource_version, .. } = &claim.metadata;
    let mut version = resource_version.clone();
    if !claim.metadata.finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        let meta = json!({"uid": uid, "resourceVersion": version, "finalizers": [FINALIZER]});
        let now = patched(client, &path, &json!({"metadata": meta}))?;
        version = now.metadata.resource_version;
    }
    let allocation = {
        let mut cache = shared.cache();
        cache.devices.note_written(&claim.metadata.full_name());
        allocation(&cache.devices, claim, promise)
    };
    let body = json!({
        "metadata": {"uid": uid, "resourceVersion": version},
        "status": {"allocation": allocation, "reservedFor": [user(pod)]},
    });
    let now = patched(client, &format!("{path}/status"), &body)?;
    Ok(Reserved { claim: now.metadata, has_devices: true })
}

/// Reserves a claim that has its devices already. Many may do so at once, so it is looked at afterwards whether these are still within reach.
fn share(
    client: &Client,
    shared: &Shared,
    claim: &DeviceClaim,
    pod: &Meta,
    node: &str,
) -> Result<Reserved, ApiError> {
    let path = format!("{}/status", path_of(&claim.metadata));
    let body = json!({"metadata": {"uid": claim.metadata.uid}, "status": {"reservedFor": [user(pod)]}});
    let now = patched(client, &path, &body)?;
    let nodes = now.status.allocation.as_ref().and_then(|allocation| allocation.node_selector.as_ref());
    let node = shared.cache().nodes.get(node).cloned();
    let reaches = node.is_some_and(|node| nodes.is_none_or(|terms| accept(terms, &node)));
    let reserved = Reserved { claim: now.metadata, has_devices: false };
    if reaches {
        return Ok(reserved);
    }
    take_back(client, &reserved, pod)?;
    Err(ApiError::Status { code: 409, message: "it has devices of another node now".to_owned() })
}

/// Takes back what was written of the claims, for a pod that is not bound.
pub(super) fn give_back(
    client: &Client,
    shared: &Shared,
    written: &[Reserved],
    pod: &Pod,
) -> Result<(), ApiError> {
    for reserved in written {
        take_back(client, reserved, &pod.metadata)?;
        if reserved.has_devices {
            shared.cache().break_promise(&reserved.claim.full_name());
        }
    }
    Ok(())
}

fn take_back(client: &Client, reserved: &Reserved, pod: &Meta) -> Result<(), ApiError> {
    let Meta { uid, resource_version, .. } = &reserved.claim;
    let mut body = json!({
        "metadata": {"uid": uid}, "status": {"reservedFor": [{"$patch": "delete", "uid": pod.uid}]}
    });
    if reserved.has_devices {
        body["metadata"]["resourceVersion"] = resource_version.clone().into();
        body["status"]["allocation"] = Value::Null;
    }
    patched(client, &format!("{}/status", path_of(&reserved.claim)), &body).map(drop)
}

/// Gives devices back that were allocated for a waiting pod alone, which cannot go to their node any more: the instance before this one
/// has ended in the middle, or the node was filled by others meanwhile.
pub(super) fn give_back_idle(client: &Client, shared: &Shared) {
    let idle: Vec<(Pod, Vec<Reserved>)> = {
        let cache = shared.cache();
        let idle_of = |name: &String| {
            let known = cache.pods.get(name)?;
            let pod = &known.pod;
            let claims = DeviceClaims::of(&cache, pod).ok()?;
            let is_alone = |claim: &&Arc<DeviceClaim>| {
                let users = &claim.status.reserved_for;
                users.len() == 1 && claim.is_reserved_for(&pod.metadata)
            };
            let own: Vec<_> = claims.allocated().iter().filter(is_alone).collect();
            if own.is_empty() || cache.nodes.values().any(|node| obstacle(&cache, known, node).is_none()) {
                return None;
            }
            let reserved =
                |claim: &Arc<DeviceClaim>| Reserved { claim: claim.metadata.clone(), has_devices: true };
            Some((pod.clone(), own.into_iter().map(reserved).collect()))
        };
        let with_claims = |name: &&String| {
            cache.pods.get(*name).is_some_and(|known| !known.pod.spec.resource_claims.is_empty())
        };
        cache.waiting.iter().filter(with_claims).filter_map(idle_of).collect()
    };
    for (pod, reserved) in idle {
        // What cannot be given back now is looked at again in the next turn.
        let _ = give_back(client, shared, &reserved, &pod);
    }
}

fn patched(client: &Client, path: &str, body: &Value) -> Result<DeviceClaim, ApiError> {
    let answer = client.patch(path, body)?;
    serde_json::from_slice(&answer).map_err(|error| ApiError::Away(format!("{path}: {error}")))
}

fn path_of(claim: &Meta) -> String {
    let Meta { name, namespace, .. } = claim;
    format!("/apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaims/{name}")
}

fn user(pod: &Meta) -> Value {
    json!({"resource": "pods", "name": pod.name, "uid": pod.uid})
}

/// The devices as the stock scheduler writes them, with what their class and the claim say to the driver.
fn allocation(known: &DeviceStore, claim: &DeviceClaim, promise: &Promise) -> Value {
    let result = |(request, id): &(String, DeviceId)| json!({"request": request, "driver": id.driver, "pool": id.pool, "device": id.device});
    let results: Vec<Value> = promise.devices.iter().map(result).collect();
    let requests = &claim.spec.devices.requests;
    let asked: Vec<(&str, &Exactly)> = requests
        .iter()
        .filter_map(|request| Some((request.name.as_str(), request.exactly.as_ref()?)))
        .collect();
    let mut config = Vec::new();
    let add = |config: &mut Vec<Value>, source: &str, requests: Value, of: &Value| {
        let mut one = of.clone();
        (one["source"], one["requests"]) = (source.into(), requests);
        config.push(one);
    };
    let mut classes = BTreeSet::new();
    for (_, exactly) in &asked {
        let class = &exactly.device_class_name;
        if !classes.insert(class) {
            continue;
        }
        let of_class = asked.iter().filter(|(_, other)| other.device_class_name == *class);
        let names: Vec<&str> = of_class.map(|(name, _)| *name).collect();
        for of in known.classes.get(class).iter().flat_map(|class| &class.spec.config) {
            add(&mut config, "FromClass", json!(names), of);
        }
    }
    for of in &claim.spec.devices.config {
        let requests = of.get("requests").cloned().unwrap_or_else(|| json!([]));
        add(&mut config, "FromClaim", requests, of);
    }
    let here = json!({"key": "metadata.name", "operator": "In", "values": [promise.node]});
    json!({
        "devices": {"results": results, "config": config},
        "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [here]}]},
    })
}
