//! The guard: whether a learned policy may serve in the place of the best fixed rule. Evidence is pairs of results,
//! model and rule on the same sequence, whoever played them: the loop, a replay of history, or a rehearsal before
//! the model serves. Hard rules are no matter of the guard: no policy sees a node on which a task does not fit.

mod gain;
mod gate;
mod placing;
mod proving;
mod rehearsal;
mod serving;
mod shadow;

pub use gain::{PairedGain, student_t_975};
pub use gate::Gate;
pub use placing::{PlacingReview, review_placing};
pub use proving::{ProvingGround, Who};
pub use rehearsal::{Rehearsal, RehearsalOptions, Rehearsed, rehearse};
pub use serving::{Guard, GuardDecision, GuardOptions, GuardReason};
pub use shadow::{Compared, ORDER_GUARD, compare_orders, compared_after};

#[cfg(test)]
mod placing_tests;
#[cfg(test)]
mod proving_tests;
#[cfg(test)]
mod shadow_tests;
#[cfg(test)]
mod tests;
