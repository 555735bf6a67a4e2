//! The cluster's own scheduler, for loops that only look on or recommend: it places what waits, first come first served, and
//! moves nothing.

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, UnknownPolicy, placement_policy};
use lepton_core::model::ClassId;

use super::World;
use super::life::task_name;

/// A placement policy at work in a world.
pub struct OwnScheduler(Placer);

impl OwnScheduler {
    /// For a world, by the policy of that name.
    ///
    /// # Errors
    /// When there is no such policy.
    pub fn new(world: &World, policy: &str) -> Result<Self, UnknownPolicy> {
        let context = PlacementContext {
            cluster: &world.cluster,
            target: &Default::default(),
            seed: world.config.seed,
            model: None,
        };
        Ok(Self(Placer::in_node_order(placement_policy(policy, &context)?, &world.cluster)))
    }

    /// Places what waits and fits.
    pub fn schedule(&mut self, world: &mut World) {
        self.schedule_of(world, &|_| true);
    }

    /// The same for the tasks of these owners, or of nobody.
    pub fn schedule_of(&mut self, world: &mut World, owners: &dyn Fn(Option<&str>) -> bool) {
        let mut no_room: Vec<ClassId> = Vec::new();
        for (index, task) in world.waiting_tasks() {
            let of = world.cluster.task(task);
            if !owners(of.owner.map(|owner| world.cluster.owner_name(owner))) {
                continue;
            }
            let class = of.class;
            if no_room.contains(&class) {
                continue;
            }
            match self.0.place(&world.cluster, task) {
                None => no_room.push(class),
                Some(place) => {
                    let node = world.cluster.node_name(place.node).to_owned();
                    // The placer has checked that it fits.
                    let _ = world.start(&task_name(index), &node, place.devices);
                }
            }
        }
    }
}
