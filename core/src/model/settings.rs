//! What all stages are held to.

use serde::{Deserialize, Serialize};

/// Share of a node's busiest resource above which it is hot, unless set otherwise.
pub const SAFETY_LEVEL: f64 = 0.8;

/// Levels that all stages share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// A node whose busiest resource is used above this share of its capacity is hot.
    pub safety_level: f64,
    /// A node whose estimated probability of a failure within the next hour is above this is failing.
    pub risk_level: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { safety_level: SAFETY_LEVEL, risk_level: 0.5 }
    }
}
