//! Volumes that a pod needs before it is bound: its place is kept while they are made or given to its claims. The pod is nominated for the node
//! meanwhile, so that other schedulers keep off and a restart finds it again.

use std::time::Duration;

use serde_json::{Value, json};

use super::cache::{Assumed, Cache, KnownPod, Shared};
use super::client::{ApiError, Client};
use super::fit::obstacle_of_held;
use super::objects::Meta;
use super::storage::{Claim, SELECTED_NODE, Volume};
use super::volumes::{Errand, Volumes};

/// How long it may take until a stream shows for which node a claim was selected.
const SHOWN: Duration = Duration::from_secs(10);
/// The annotation of a volume that was given to a claim by a program, which may take it back.
const GIVEN: &str = "pv.kubernetes.io/bound-by-controller";

/// What is next for a pod that keeps its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Its volumes are not there yet.
    Wait,
    /// They are there.
    Bind,
    /// They will not come, or the node takes it no more: why.
    LetGo(String),
}

/// What is next for the pod.
pub(super) fn next(cache: &Cache, known: &KnownPod, held: &Assumed) -> Next {
    let Some(node) = cache.nodes.get(&held.node) else {
        return Next::LetGo(format!("node {} is gone", held.node));
    };
    if let Some(obstacle) = obstacle_of_held(cache, known, node) {
        return Next::LetGo(obstacle.to_string());
    }
    let Ok(volumes) = Volumes::of(cache, &known.pod) else { return Next::Wait };
    if volumes.are_bound() {
        return Next::Bind;
    }
    // A provisioner that cannot make a volume there takes the selection away.
    let errands = volumes.errands(cache, node).unwrap_or_default();
    let unselected = errands.iter().find_map(|errand| match errand {
        Errand::Make { claim } => {
            let selected = cache.storage.claims.get(claim).is_some_and(|c| c.selected_node().is_some());
            (!selected).then_some(claim)
        }
        Errand::Give { .. } => None,
    });
    match unselected {
        Some(claim) if held.since.elapsed() > SHOWN => {
            Next::LetGo(format!("no volume is made for claim {claim} on {}", held.node))
        }
        _ => Next::Wait,
    }
}

/// Has the volumes made or given.
pub(super) fn prepare(
    client: &Client,
    shared: &Shared,
    pod: &Meta,
    node: &str,
    errands: &[Errand],
) -> Result<(), ApiError> {
    nominate(client, pod, Some(node))?;
    for errand in errands {
        match errand {
            Errand::Make { claim } => {
                let Some(known) = shared.cache().storage.claims.get(claim).cloned() else { continue };
                if known.selected_node().is_none() {
                    select(client, &known, Some(node))?;
                }
            }
            Errand::Give { claim, volume } => {
                let Some(known) = shared.cache().storage.claims.get(claim).cloned() else { continue };
                give(client, &known, volume)?;
            }
        }
    }
    Ok(())
}

/// The pod keeps no place on the node, and no volume is to be made for it there.
pub(super) fn let_go(
    client: &Client,
    shared: &Shared,
    name: &str,
    known: &KnownPod,
    node: &str,
) -> Result<(), ApiError> {
    let claims: Vec<_> = {
        let mut cache = shared.cache();
        let names: Vec<String> = known.pod.claims().collect();
        names.iter().for_each(|claim| cache.storage.take_back(claim));
        cache.break_promises(&known.pod);
        cache.take_back(name, &known.pod.metadata.uid);
        names.iter().filter_map(|claim| cache.storage.claims.get(claim).cloned()).collect()
    };
    for claim in claims.iter().filter(|claim| !claim.is_bound()) {
        if claim.selected_node().is_some_and(|selected| selected == node) {
            select(client, claim, None)?;
        }
    }
    nominate(client, &known.pod.metadata, None)
}

/// The pod is nominated for the node, or for none.
pub(super) fn nominate(client: &Client, pod: &Meta, node: Option<&str>) -> Result<(), ApiError> {
    let path = format!("/api/v1/namespaces/{}/pods/{}/status", pod.namespace, pod.name);
    let body = json!({"metadata": {"uid": pod.uid}, "status": {"nominatedNodeName": node}});
    client.patch(&path, &body).map(drop)
}

fn select(client: &Client, claim: &Claim, node: Option<&str>) -> Result<(), ApiError> {
    let Meta { name, namespace, uid, .. } = &claim.metadata;
    let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}");
    let body = json!({"metadata": {"uid": uid, "annotations": {SELECTED_NODE: node}}});
    client.patch(&path, &body).map(drop)
}

/// The volume is the claim's, unless it is somebody's already.
fn give(client: &Client, claim: &Claim, volume: &str) -> Result<(), ApiError> {
    let path = format!("/api/v1/persistentvolumes/{volume}");
    let now: Volume = client.get(&path)?;
    let Meta { name, namespace, uid, .. } = &claim.metadata;
    let owner = now.spec.claim_ref.as_ref().and_then(|owner| owner.get("uid")).and_then(Value::as_str);
    if owner.is_some_and(|owner| owner != uid) {
        let message = format!("volume {volume} belongs to another claim than {namespace}/{name}");
        return Err(ApiError::Status { code: 409, message });
    }
    let owner = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": uid
    });
    // With the version that was looked at: who was faster is not overwritten.
    let meta = json!({"resourceVersion": now.metadata.resource_version, "annotations": {GIVEN: "yes"}});
    client.patch(&path, &json!({"metadata": meta, "spec": {"claimRef": owner}})).map(drop)
}
