//! A simulated cluster that lives: tasks come in a daily rhythm, wait, run, use more or less than they
//! asked for, and end; nodes show signs of faults, fail and come back. To the loop it is one
//! [`Source`](lepton_core::collect::Source) and one [`Actuator`](lepton_core::execute::Actuator) like any
//! other.
//!
//! All chance is drawn from the seed before the first second, so that two loops over worlds of the same
//! seed meet the same arrivals, loads and faults. It decides nothing.

mod faults;
mod hands;
mod life;
mod measure;
mod own_scheduler;
mod running_placement;
mod script;
mod still;
mod trial;

pub use hands::{WorldActuator, WorldSource};
pub use life::World;
pub use measure::Measures;
pub use own_scheduler::OwnScheduler;
pub use running_placement::RunningPlacement;
pub use script::{UseShapes, WorldConfig};
pub use still::StillCluster;
pub use trial::{TRIAL_REPAIR_SECONDS, Trial};

#[cfg(test)]
mod tests;
