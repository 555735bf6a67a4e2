//! Machines that run jobs: what they can hold, gang by gang. A machine knows nothing of time, queues or
//! policies; a running job is told by its slot, a small number that is used again once the job has left.

mod cluster_machine;
mod gpu_nodes;
mod pool;

pub use cluster_machine::ClusterMachine;
pub use gpu_nodes::{GangPlacement, GpuNodes, Topology};
pub use pool::Pool;

/// Where jobs run. Placing is all or none: a gang that does not fit changes nothing.
pub trait Machine: Sized {
    /// Whether the size alone decides what fits: a larger job never fits where a smaller one does not.
    const SIZE_DECIDES: bool;

    /// Jobs of equal shape fit or do not fit together; told apart only where the size does not decide.
    fn shape(&self, _job: u32) -> u32 {
        0
    }

    /// Copies the state into `copy`, on which reservations are tried. The copy may choose other places.
    fn copy_for_trial(&self, copy: &mut Option<Self>);

    /// Units in service (nodes, processors or GPUs), used or free.
    fn units(&self) -> u64;

    /// Units in service that nothing uses.
    fn free_units(&self) -> u64;

    /// Whether `job`, of `size` units, could ever run here, with everything free and in service.
    fn could_hold(&self, job: u32, size: u32) -> bool;

    /// Places `job`, of `size` units, as `slot`; false, and nothing changed, when it does not fit now.
    fn place(&mut self, slot: u32, job: u32, size: u32) -> bool;

    /// Takes back what `slot` holds.
    fn release(&mut self, slot: u32);

    /// Occupies here what `slot` holds on `other`, a machine of the same make; false, and nothing changed,
    /// when any of it is in use here.
    fn place_as_on(&mut self, slot: u32, other: &Self) -> bool;

    /// Number of parts that fail as a whole.
    fn nodes(&self) -> u32;

    /// Takes `node` out of service and adds the slots that run on it to `hit`; they stay placed until they
    /// are released. Nothing happens to a node that is out of service already.
    fn fail(&mut self, node: u32, hit: &mut Vec<u32>);

    /// Puts `node` back into service.
    fn repair(&mut self, node: u32);

    /// Share of the free units that are of no use: 0 to 1, by the machine's own measure.
    fn fragmentation(&mut self) -> f64;
}

#[cfg(test)]
mod tests;
