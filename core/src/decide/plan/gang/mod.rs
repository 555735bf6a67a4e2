//! Where all members of a gang fit together, if placing one after another where it suits each best has failed: a search that is limited
//! by how often it looks, so that the same question always has the same answer.
//!
//! It asks only whether and where they fit: preferences, and what the policy of placement would rather have, count for nothing here.

mod room;
mod rules;
mod search;

use room::Room;
use search::Search;

use crate::model::{Cluster, NodeId, Placement, TaskId};

/// Kinds of members that a gang may have to be searched for.
const KINDS_MAX: usize = 32;
/// Looks at a kind of members on a node, for all gangs of a turn and for one of them: it may have a quarter of what is left.
const LOOKS_OF_TURN: u64 = 1_000_000;
const LOOKS_OF_GANG: u64 = 250_000;

/// How often the searches of one turn may still look.
#[derive(Debug)]
pub(super) struct Effort(u64);

impl Default for Effort {
    fn default() -> Self {
        Self(LOOKS_OF_TURN)
    }
}

/// A place for each member such that all stand there together, in an order in which each may be placed; none where none was found.
/// `nodes` are open to all of them, each with whether it may fail.
pub(super) fn fit_together(
    cluster: &Cluster,
    members: &[TaskId],
    nodes: &[(NodeId, bool)],
    effort: &mut Effort,
) -> Option<Vec<(TaskId, Placement)>> {
    let mut kinds: Vec<Vec<TaskId>> = Vec::new();
    for &member in members {
        let class = cluster.task(member).class;
        match kinds.iter().position(|kind| cluster.task(kind[0]).class == class) {
            Some(known) => kinds[known].push(member),
            None if kinds.len() == KINDS_MAX => return None,
            None => kinds.push(vec![member]),
        }
    }
    let class = cluster.task(members[0]).class;
    // Equal members that only the room binds: who comes first takes nothing from the others.
    if kinds.len() == 1 && !cluster.looks_around(class) {
        return None;
    }
    let looks = LOOKS_OF_GANG.min(effort.0 / 4);
    let to_build = (kinds.len() * nodes.len()) as u64;
    let mut room = Room::new(cluster, kinds, nodes);
    let (found, left) = Search::new(&mut room, looks.saturating_sub(to_build)).run();
    effort.0 -= looks - left;
    Some(found?.iter().map(|put| room.place(put)).collect())
}

#[cfg(test)]
mod tests;
