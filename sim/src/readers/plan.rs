//! Reader of plans: a [`PlanDocument`] as JSON, checked as a whole before it is used.

use std::path::Path;

use lepton_core::model::{Moving, Plan, PlanDocument};

use super::InputError;
use super::json_document::read_document;

/// A plan as read.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFile {
    /// How its tasks may move for every rule to hold after each step.
    pub moving: Moving,
    /// The plan.
    pub plan: Plan,
}

/// Reads a plan.
///
/// # Errors
/// When the file cannot be read, is no plan, or contradicts itself.
pub fn read_plan(path: &Path) -> Result<PlanFile, InputError> {
    let document: PlanDocument = read_document(path, "a plan")?;
    let moving = document.moving;
    let plan = document.into_plan().map_err(|e| InputError::new(path, e.to_string()))?;
    Ok(PlanFile { moving, plan })
}
