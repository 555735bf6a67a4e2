//! The ledger: where the capacity went, by node and by owner. At every instant all of a node's capacity is in exactly one account:
//! used, allocated and not used, used beyond what is allocated, paid for moves, stranded by cause, lost, or idle. Amounts are whole
//! units times seconds, so accounts add up to the capacity to the last one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::load_analysis::{StrandedCause, stranded_of};
use crate::model::{Cluster, DEVICE_MILLI, Health, Name, NodeId, OwnerId, Snapshot, TaskId};

/// What the devices are called among the resources; their unit is a thousandth of a device.
const DEVICES: &str = "device_milli";
/// The owner of what nobody owns.
const NOBODY: &str = "";

/// Where the capacity of one resource went: amounts times seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Accounts {
    /// Allocated and really used. What is held of devices counts as used.
    pub used: i64,
    /// Allocated and not used.
    pub unused: i64,
    /// Used beyond what is allocated.
    pub beyond: i64,
    /// Held by tasks that stood still because they were moved.
    pub moves: i64,
    /// Free and of no use, by cause in the order of [`StrandedCause::ALL`].
    pub stranded: [i64; StrandedCause::ALL.len()],
    /// Of nodes that were down.
    pub lost: i64,
    /// Free.
    pub idle: i64,
}

impl Accounts {
    /// All of them together: the capacity.
    pub fn sum(&self) -> i64 {
        self.held() + self.stranded.iter().sum::<i64>() + self.lost + self.idle
    }

    /// What tasks had.
    fn held(&self) -> i64 {
        self.used + self.unused + self.beyond + self.moves
    }

    /// Adds those of others.
    pub fn add(&mut self, other: &Self) {
        self.fields().into_iter().zip(other.values()).for_each(|(own, other)| *own += other);
        self.stranded.iter_mut().zip(other.stranded).for_each(|(own, other)| *own += other);
    }

    fn fields(&mut self) -> [&mut i64; 6] {
        [&mut self.used, &mut self.unused, &mut self.beyond, &mut self.moves, &mut self.lost, &mut self.idle]
    }

    fn values(&self) -> [i64; 6] {
        [self.used, self.unused, self.beyond, self.moves, self.lost, self.idle]
    }
}

/// The accounts of some time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Seconds that were observed.
    pub seconds: u64,
    /// Names of the resources, then `device_milli` where there are devices.
    pub resources: Vec<String>,
    /// By node: the accounts of each resource.
    pub nodes: BTreeMap<String, Vec<Accounts>>,
    /// By owner, what its tasks had: the accounts of each resource. The owner "" is that of what nobody owns.
    pub owners: BTreeMap<String, Vec<Accounts>>,
}

impl Ledger {
    /// Books some seconds in which all was as in the snapshot. Tasks in `still` stand still that long because they were moved.
    /// O(nodes x resources + placed tasks).
    pub fn book(&mut self, snapshot: &Snapshot, seconds: u64, still: &BTreeMap<Name, u64>) {
        let cluster = &snapshot.cluster;
        self.seconds += seconds;
        self.resources = cluster.schema().names().iter().cloned().chain([DEVICES.to_owned()]).collect();
        let count = self.resources.len();
        let nobody = cluster.owners().count();
        let (mut whole, mut left) = (Vec::new(), Vec::new());
        // By owner; none of one who had nothing.
        let mut of_owners: Vec<Vec<Accounts>> = vec![Vec::new(); nobody + 1];
        for node in cluster.nodes().filter(|&node| cluster.is_there(node)) {
            whole.clear();
            whole.resize(count, Accounts::default());
            left.clear();
            left.extend_from_slice(cluster.capacity(node));
            left.push(cluster.devices_free(node).len() as i64 * i64::from(DEVICE_MILLI));
            if cluster.health(node) == Health::Down {
                whole
                    .iter_mut()
                    .zip(&left)
                    .for_each(|(accounts, left)| accounts.lost = *left * seconds as i64);
            } else {
                for &task in cluster.hosted(node) {
                    let owner = cluster.task(task).owner.map_or(nobody, OwnerId::index);
                    let of_owner = &mut of_owners[owner];
                    of_owner.resize(count, Accounts::default());
                    let accounts = whole.iter_mut().zip(of_owner);
                    for ((of_node, of_owner), held) in
                        accounts.zip(hold(snapshot, task, &mut left, seconds, still))
                    {
                        of_node.add(&held);
                        of_owner.add(&held);
                    }
                }
                leave(cluster, node, &left, seconds as i64, &mut whole);
            }
            let of_node = entry(&mut self.nodes, cluster.node_name(node), count);
            of_node.iter_mut().zip(&whole).for_each(|(own, new)| own.add(new));
        }
        for (owner, held) in of_owners.iter().enumerate().filter(|(_, held)| !held.is_empty()) {
            let name = if owner == nobody { NOBODY } else { cluster.owner_name(OwnerId::from(owner)) };
            let of_owner = entry(&mut self.owners, name, count);
            of_owner.iter_mut().zip(held).for_each(|(own, new)| own.add(new));
        }
    }
}

fn entry<'a>(of: &'a mut BTreeMap<String, Vec<Accounts>>, name: &str, count: usize) -> &'a mut Vec<Accounts> {
    if !of.contains_key(name) {
        of.insert(name.to_owned(), Vec::new());
    }
    let accounts = of.get_mut(name).expect("it is there");
    accounts.resize(count, Accounts::default());
    accounts
}

/// What a task has of each resource in these seconds, taken from what is left of the node. The world may promise and use more than
/// there is: nothing is taken twice.
fn hold<'a>(
    snapshot: &'a Snapshot,
    task: TaskId,
    left: &'a mut [i64],
    seconds: u64,
    still: &BTreeMap<Name, u64>,
) -> impl Iterator<Item = Accounts> + use<'a> {
    let cluster = &snapshot.cluster;
    let (demand, state) = (cluster.demand(task), snapshot.task(task));
    let still = still.get(&cluster.task(task).name).map_or(0, |of| (*of).min(seconds)) as i64;
    let runs = seconds as i64 - still;
    let amounts = demand.resources.iter().copied().chain([demand.device_milli()]);
    let hold = move |(at, (asked, left)): (usize, (i64, &mut i64))| {
        let allocated = asked.min(*left);
        *left -= allocated;
        // The use of devices is not told: who holds one uses it.
        let is_device = at == demand.resources.len();
        let used = if is_device { allocated } else { state.used.get(at).copied().unwrap_or(allocated) };
        let beyond = (used - allocated).clamp(0, *left);
        *left -= beyond;
        let used = used.clamp(0, allocated);
        Accounts {
            used: used * runs,
            unused: (allocated - used) * runs,
            beyond: beyond * runs,
            moves: (allocated + beyond) * still,
            ..Accounts::default()
        }
    };
    amounts.zip(left).enumerate().map(hold)
}

/// What no task has: stranded or idle.
fn leave(cluster: &Cluster, node: NodeId, left: &[i64], seconds: i64, whole: &mut [Accounts]) {
    let stranded = stranded_of(cluster, node);
    let (devices, resources) = (left.len() - 1, &left[..left.len() - 1]);
    let closed = StrandedCause::ALL.iter().position(|cause| *cause == StrandedCause::NodeClosed).unwrap_or(0);
    for (accounts, left) in whole.iter_mut().zip(resources) {
        let into = if cluster.health(node) == Health::Up {
            &mut accounts.idle
        } else {
            &mut accounts.stranded[closed]
        };
        *into += left * seconds;
    }
    let mut rest = left[devices];
    for (into, milli) in whole[devices].stranded.iter_mut().zip(stranded) {
        let milli = milli.min(rest);
        rest -= milli;
        *into += milli * seconds;
    }
    whole[devices].idle += rest * seconds;
}
