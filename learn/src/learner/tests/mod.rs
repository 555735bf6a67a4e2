//! The learner on problems whose answer is known.

mod gradient_check;
mod small_problems;
mod worlds;
