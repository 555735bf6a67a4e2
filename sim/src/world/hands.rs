//! A shared world as the loop's eyes and hands.

use std::cell::RefCell;
use std::rc::Rc;

use lepton_core::collect::Source;
use lepton_core::execute::{Actuator, Refused};
use lepton_core::model::{DeviceSet, Readings};

use super::World;

/// The world as a source of readings.
pub struct WorldSource(pub Rc<RefCell<World>>);

impl Source for WorldSource {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        self.0.borrow_mut().poll(now_seconds)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        self.0.borrow_mut().list(now_seconds)
    }
}

/// The world as what steps are carried out on.
pub struct WorldActuator(pub Rc<RefCell<World>>);

impl Actuator for WorldActuator {
    fn place(&mut self, task: &str, node: &str, devices: DeviceSet) -> Result<(), Refused> {
        self.0.borrow_mut().start(task, node, devices).map_err(Refused)
    }

    fn evict(&mut self, task: &str) -> Result<(), Refused> {
        self.0.borrow_mut().evict(task).map_err(Refused)
    }

    fn cordon(&mut self, node: &str, cordoned: bool) -> Result<(), Refused> {
        self.0.borrow_mut().set_cordon(node, cordoned).map_err(Refused)
    }
}
