//! The world under the loop: nothing is lost or doubled, whatever fails and whenever the loop is killed.

use super::*;
use crate::experiment::{Keeper, LoopRun};

fn small(seed: u64) -> WorldConfig {
    WorldConfig { seed, nodes: 12, hours: 4, failure_hours: 6.0, ..WorldConfig::default() }
}

#[test]
fn the_same_seed_gives_the_same_world_whoever_looks_after_it() {
    let run = |keeper| {
        let mut run = LoopRun::start(&small(3), keeper).expect("known policies");
        while run.turn().is_some() {}
        run.measures()
    };
    assert_eq!(run(Keeper::Loop), run(Keeper::Loop));
    let (with, without) = (run(Keeper::Loop), run(Keeper::WithoutLoop));
    assert_eq!((with.arrived, with.failures), (without.arrived, without.failures));
    println!("{with:#?}\n{without:#?}");
}
