//! Machines that run jobs: what they can hold, gang by gang. A machine knows nothing of time, queues or
//! policies; a running job is told by its slot, a small number that is used again once the job has left.

mod cluster_machine;
mod gpu_nodes;
mod pool;

use lepton_core::decide::queue::pass::{Capacity, Claims};

pub use cluster_machine::ClusterMachine;
pub use gpu_nodes::{GangPlacement, GpuNodes, Topology};
pub use pool::Pool;

/// Where jobs run: a [`Capacity`] that may fail, in whole nodes or device by device. Placing is all or none: a gang that
/// does not fit changes nothing.
pub trait Machine: Capacity {
    /// Number of kinds of resource that jobs hold; kind 0 is the units.
    fn kinds(&self) -> usize {
        1
    }

    /// Capacity of a kind of resource in service, used or free.
    fn capacity(&self, _kind: usize) -> u64 {
        self.units()
    }

    /// How much of a kind of resource `job`, of `size` units, holds while it runs.
    fn demand(&self, _job: u32, size: u32, _kind: usize) -> u64 {
        u64::from(size)
    }

    /// Whether `job`, of `size` units, could ever run here, with everything free and in service.
    fn could_hold(&self, job: u32, size: u32) -> bool;

    /// Number of parts that fail as a whole.
    fn nodes(&self) -> u32;

    /// Takes `node` out of service and adds the slots that run on it to `hit`; they stay placed until they
    /// are released. False, and nothing done, when there is no such node or it is out of service already.
    fn fail(&mut self, node: u32, hit: &mut Vec<u32>) -> bool;

    /// Puts `node` back into service.
    fn repair(&mut self, node: u32);

    /// Number of devices of `node` that fail one by one; 0 where units have no parts.
    fn devices(&self, _node: u32) -> u32 {
        0
    }

    /// Takes one device of `node` out of service, whether or not the node is in service, and adds the slots
    /// that hold it to `hit`, as [`Machine::fail`] does. False, and nothing done, when there is no such device
    /// or it is out of service already.
    fn fail_device(&mut self, _node: u32, _device: u32, _hit: &mut Vec<u32>) -> bool {
        false
    }

    /// Puts a device back into service.
    fn repair_device(&mut self, _node: u32, _device: u32) {}

    /// What a node, or one of its devices, that is out of service brings back: fills in the claims with what of it is in
    /// service itself, and gives its size in units.
    fn returning(&self, node: u32, device: Option<u32>, claims: &mut Claims) -> u64;

    /// Share of the free units that are of no use: 0 to 1, by the machine's own measure.
    fn fragmentation(&mut self) -> f64;
}

#[cfg(test)]
mod tests;
