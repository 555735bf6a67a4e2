//! What keeps a pod off a node, in the words of the stock scheduler: people and programs know them.

use std::fmt;

/// What is in the way, in the words of the stock scheduler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle {
    NotReady,
    Unschedulable,
    Taint(String),
    Selector,
    TooManyPods,
    Insufficient(String),
    Ports,
    Affinity,
    AntiAffinity,
    Repelled,
    Spread,
    VolumeAffinity,
    VolumeZone,
    NoVolume,
    NoStorage,
    TooManyVolumes,
    ClaimElsewhere,
    NoDevices,
    /// Its claims are not as they must be, whatever the node.
    Claims(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("node(s) were not ready"),
            Self::Unschedulable => f.write_str("node(s) were unschedulable"),
            Self::Taint(taint) => write!(f, "node(s) had untolerated taint {{{taint}}}"),
            Self::Selector => f.write_str("node(s) didn't match Pod's node affinity/selector"),
            Self::TooManyPods => f.write_str("Too many pods"),
            Self::Ports => f.write_str("node(s) didn't have free ports for the requested pod ports"),
            Self::Affinity => f.write_str("node(s) didn't match pod affinity rules"),
            Self::AntiAffinity => f.write_str("node(s) didn't match pod anti-affinity rules"),
            Self::Repelled => f.write_str("node(s) didn't satisfy existing pods anti-affinity rules"),
            Self::Spread => f.write_str("node(s) didn't match pod topology spread constraints"),
            Self::VolumeAffinity => f.write_str("node(s) didn't match PersistentVolume's node affinity"),
            Self::VolumeZone => f.write_str("node(s) had no available volume zone"),
            Self::NoVolume => f.write_str("node(s) didn't find available persistent volumes to bind"),
            Self::NoStorage => f.write_str("node(s) did not have enough free storage"),
            Self::TooManyVolumes => f.write_str("node(s) exceed max volume count"),
            Self::ClaimElsewhere => f.write_str("resourceclaim not available on the node"),
            Self::NoDevices => f.write_str("cannot allocate all claims"),
            Self::Claims(why) => f.write_str(why),
            Self::Insufficient(resource) => write!(f, "Insufficient {resource}"),
        }
    }
}
