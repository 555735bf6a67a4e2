//! What is logged of turns: those that did something and those after which something is wrong always, the others for whoever looks closely.

use super::figures::{Deeds, TurnFigures};

/// What was logged before.
#[derive(Debug, Default)]
pub(super) struct Logged {
    problems: Vec<String>,
}

impl Logged {
    /// A turn is over; without figures it panicked.
    pub(super) fn turned(&mut self, figures: Option<&TurnFigures>, problems: &[String]) {
        if let Some(of) = figures {
            log(of);
        }
        if self.problems != problems {
            match problems {
                [] => tracing::info!("nothing is wrong any more"),
                _ => tracing::warn!(problems = problems.join("; "), "something is wrong"),
            }
            self.problems = problems.to_vec();
        }
    }
}

/// A turn for what waits is over.
pub(super) fn log_waiting(turn: u64, done: &Deeds, waiting: usize) {
    let (steps_done, steps_refused) = (done.done(), done.refused);
    if steps_done + steps_refused > 0 {
        tracing::info!(turn, steps_done, steps_refused, waiting, "turn for what waits");
    } else {
        tracing::debug!(turn, waiting, "turn for what waits");
    }
}

fn log(of: &TurnFigures) {
    let (done, refused) = (of.done.done(), of.done.refused);
    macro_rules! fields {
        ($level:ident) => {
            tracing::$level!(
                turn = of.turn,
                time_seconds = of.time_seconds,
                state = of.state,
                turn_seconds = of.turn_seconds,
                planned_steps = of.planned_steps,
                steps_done = done,
                steps_refused = refused,
                running = of.running,
                waiting = of.waiting,
                hot_nodes = of.hot_nodes,
                failing_nodes = of.failing_nodes,
                "turn"
            )
        };
    }
    if done + refused > 0 { fields!(info) } else { fields!(debug) }
}
