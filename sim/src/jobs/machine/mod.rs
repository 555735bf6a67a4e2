//! Machines that run jobs: what they can hold, gang by gang. A machine knows nothing of time, queues or
//! policies; a running job is told by its slot, a small number that is used again once the job has left.

mod gpu_nodes;
mod pool;

pub use gpu_nodes::{GangPlacement, GpuNodes, Topology};
pub use pool::Pool;


/// Where jobs run. Placing is all or none: a gang that does not fit changes nothing.
pub trait Machine: Clone {
    /// Units in service (nodes, processors or GPUs), used or free.
    fn units(&self) -> u64;

    /// Units in service that nothing uses.
    fn free_units(&self) -> u64;

    /// Whether a job of `size` units could ever run here, with everything free and in service.
    fn could_hold(&self, size: u32) -> bool;

    /// Places a job of `size` units as `slot`; false, and nothing changed, when it does not fit now. A
    /// larger job never fits where a smaller one does not.
    fn place(&mut self, slot: u32, size: u32) -> bool;

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

    /// Share of the free units that no gang of whole nodes can use, 0 to 1.
    fn fragmentation(&self) -> f64;
}
