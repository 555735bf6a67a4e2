//! What a plan says of waves and of the front: any order within a wave is allowed, limits are kept, no point beats the plan.

use proptest::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::tests::{options, plan, random_cluster, whole_devices};
use super::*;
use crate::decide::search::Method;
use crate::model::{Action, ActionKind, Moving, Part, Plan, replay};

fn with_front(seed: u64, options: DefragmentOptions) -> (Defragmentation, Vec<DefragmentPoint>) {
    let cluster = random_cluster(seed);
    let problem = DefragmentProblem::new(&cluster, &whole_devices(), Objective::default(), None);
    let surroundings = DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
    defragment_with_front(&problem, &options, &surroundings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_steps_of_a_wave_are_allowed_in_any_order_and_no_more_than_the_limits_say(
        seed in any::<u64>(),
        moves_per_wave in prop::option::of(1_usize..3),
        moves_per_owner in prop::option::of(1_usize..3),
    ) {
        let cluster = random_cluster(seed);
        let waves = WaveLimits { moves_per_wave, moves_per_owner };
        let found = plan(&cluster, Objective::default(), DefragmentOptions { waves, ..options(12) });
        prop_assert_eq!(replay(&found.plan, &mut cluster.clone(), Moving::StandTwice, |_, _| ()), Ok(()));
        let mut steps: Vec<(u32, Part)> = Vec::new();
        for part in &found.plan.parts {
            let alone = |step: &Action| Part { steps: vec![step.clone()], ..part.clone() };
            steps.extend(part.steps.iter().enumerate().map(|(at, step)| (part.wave_of(at), alone(step))));
        }
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        for _ in 0..3 {
            steps.shuffle(&mut chance);
            steps.sort_by_key(|(wave, _)| *wave);
            let parts = steps.iter().map(|(_, step)| step.clone()).collect();
            let shuffled = Plan { parts, ..Plan::default() };
            prop_assert_eq!(replay(&shuffled, &mut cluster.clone(), Moving::StandTwice, |_, _| ()), Ok(()));
        }
        for number in 1..=found.waves() {
            let in_wave = steps.iter().filter(|(wave, _)| *wave == number).map(|(_, part)| &part.steps[0]);
            let moves = in_wave.filter(|step| step.kind() == ActionKind::Migrate);
            let moved: Vec<_> = moves.map(|step| {
                let task = cluster.live_tasks().find(|&t| Some(&cluster.task(t).name) == step.task());
                cluster.task(task.expect("the task is there")).owner
            }).collect();
            let of_owner = moved.iter().flatten().count();
            prop_assert!(moved.len() <= moves_per_wave.unwrap_or(usize::MAX), "there is one owner here");
            prop_assert!(of_owner <= moves_per_owner.unwrap_or(usize::MAX));
        }
    }

    #[test]
    fn no_point_of_the_front_beats_the_plan_or_another_point(seed in any::<u64>(), moves_max in 0_usize..6) {
        let (found, points) = with_front(seed, options(moves_max));
        let last = points.last().expect("at least the plan");
        prop_assert_eq!((last.moves, last.placed, last.objective), (found.moves, found.placed, found.cost[1]));
        prop_assert!(points.windows(2).all(|p| p[0].moves < p[1].moves && p[0].objective > p[1].objective));
        prop_assert!(last.moves <= moves_max);
    }

    #[test]
    fn no_search_for_fewer_moves_beats_the_front(seed in any::<u64>()) {
        let cluster = random_cluster(seed);
        let (_, points) = with_front(seed, options(8));
        for moves_max in 0..8 {
            let fewer = plan(&cluster, Objective::default(), options(moves_max));
            let point = points.iter().rfind(|p| p.moves <= moves_max).expect("no move is a point");
            let rounding = 1e-9 * fewer.cost[1].abs();
            prop_assert!(point.objective <= fewer.cost[1] + rounding, "{point:?}: {} of {}", fewer.moves, fewer.cost[1]);
        }
    }
}

#[test]
fn every_method_makes_a_plan() {
    for method in [Method::Hybrid, Method::LocalSearch, Method::Evolution] {
        let cluster = random_cluster(5);
        let found = plan(&cluster, Objective::default(), DefragmentOptions { method, ..options(8) });
        assert!(found.placed > 0 && found.cost[1] < found.cost[0], "{method:?}");
    }
}

#[test]
fn a_search_whose_time_is_over_at_once_gives_a_plan_and_looks_at_the_clock_no_further() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let cluster = random_cluster(5);
    let problem = DefragmentProblem::new(&cluster, &whole_devices(), Objective::default(), None);
    for limit in [0.0, 50.0, 500.0] {
        // Each look at the clock takes a second: what is done after the limit shows in the number of looks.
        let looks = AtomicU64::new(0);
        let seconds = || looks.fetch_add(1, Ordering::Relaxed) as f64;
        let surroundings =
            DefragmentSurroundings { seconds: &seconds, stopped: &|| false, progress: &|_, _| () };
        let options = DefragmentOptions { effort: Effort::Seconds(limit), ..options(8) };
        let found = defragment(&problem, &options, &surroundings);
        assert!(found.cost[1] <= found.cost[0]);
        let late = looks.load(Ordering::Relaxed) as f64 - limit;
        assert!(late < 300.0, "{late} looks after the limit of {limit}");
    }
}
