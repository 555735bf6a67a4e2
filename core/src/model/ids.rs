//! Ids as newtypes over `u32`: positions in the flat arrays of a [`Cluster`](super::Cluster), never names.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index into the array of its kind.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            /// Ids are handed out in order from zero; four thousand million of one kind is out of reach
            /// of the memory, so the conversion saturates instead of failing.
            fn from(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    )*};
}

ids! {
    /// A node of the cluster.
    NodeId;
    /// A task: what is placed (a pod, a VM, a member of a batch job).
    TaskId;
    /// A class of tasks with equal demand and rules; scores are kept per class, not per task.
    ClassId;
    /// A gang: tasks that are placed all or none.
    GangId;
    /// A group of tasks (a service) that affinity, anti-affinity and spread rules speak of.
    GroupId;
    /// An owner of tasks (a user, team or namespace), for quotas and fairness.
    OwnerId;
    /// A label key of nodes; its values also serve as failure domains.
    LabelKey;
    /// A value under a label key.
    LabelValue;
}
