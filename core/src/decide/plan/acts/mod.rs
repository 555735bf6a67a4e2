//! What a turn does, act by act, in the order of disturbance: each reads the draft as the acts before have left it, and takes
//! only steps that pay in device-minutes.

mod make_room;
mod preempt;
mod protect;
mod rearrange;
mod relieve;
mod reserve;
mod start;

pub(super) use make_room::make_room;
pub(super) use preempt::preempt;
pub(super) use protect::protect;
pub(super) use rearrange::rearrange;
pub(super) use relieve::relieve;
pub(super) use reserve::{Reserved, reserve};
pub(super) use start::start_waiting;
