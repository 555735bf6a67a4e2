//! A shared world as the loop's eyes and hands.

use std::cell::RefCell;
use std::rc::Rc;

use lepton_core::collect::Source;
use lepton_core::execute::Actuator;
use lepton_core::model::{Answer, Call, Moving, Readings};

use super::World;

/// The world as a source of readings.
pub struct WorldSource(pub Rc<RefCell<World>>);

impl Source for WorldSource {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        self.0.borrow_mut().poll(now_seconds)
    }

    fn news(&mut self, now_seconds: u64) -> Readings {
        self.0.borrow_mut().news(now_seconds)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        self.0.borrow_mut().list(now_seconds)
    }
}

/// The world as what steps are carried out on.
pub struct WorldActuator(pub Rc<RefCell<World>>);

impl Actuator for WorldActuator {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, call: &Call) -> Answer {
        self.0.borrow_mut().carry_out(call)
    }
}
