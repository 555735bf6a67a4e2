//! One node of the last view.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::node_view::{DeviceRow, NodeResource};
use super::super::nodes::NodeRow;
use super::super::task_rows::TaskRow;
use super::super::view::FaultRow;
use super::Shared;
use super::problem::Problem;

/// A node with all that is known of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct NodeBody {
    /// Its row in the list of nodes.
    node: NodeRow,
    /// Its resources.
    resources: Vec<NodeResource>,
    /// The quantiles of `expected`, rising, each 0 to 1.
    levels: Vec<f64>,
    /// Its devices in order.
    devices: Vec<DeviceRow>,
    /// The tasks on it.
    tasks: Vec<TaskRow>,
    /// Messages of faults in its log that were found, the latest first; only where logs are followed.
    faults: Vec<FaultRow>,
    /// The cluster's time of what is shown, seconds.
    as_of_seconds: u64,
}

/// A node: its resources with what is expected of them, its devices, the tasks on it.
#[utoipa::path(get, path = "/api/v1/nodes/{name}", params(("name" = String, Path)),
    responses((status = 200, body = NodeBody), (status = 404, body = Problem)))]
pub(super) async fn node(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<NodeBody>, Problem> {
    let view = shared.published.view();
    let found = view.node(&name).ok_or_else(|| Problem::not_found(format!("there is no node `{name}`")))?;
    let (node, detail, tasks) = found;
    Ok(Json(NodeBody {
        node,
        resources: detail.resources,
        levels: detail.levels,
        devices: detail.devices,
        tasks,
        faults: view.faults_of(&name),
        as_of_seconds: view.status.time_seconds,
    }))
}
