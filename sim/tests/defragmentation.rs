//! Plans for clusters that policies have filled: replayed step by step on the cluster model, all invariants checked
//! after every step.

use lepton_core::decide::defragment::{
    DefragmentOptions, DefragmentProblem, DefragmentSurroundings, Effort, Objective, WaveLimits, defragment,
};
use lepton_core::decide::search::Method;
use lepton_core::model::{Moving, invariants, replay};
use lepton_sim::experiment::{StudyOptions, fill_cluster};
use lepton_sim::generate::openb_like;

#[test]
fn dropped_tasks_fit_after_few_moves_and_no_step_breaks_a_rule() {
    let workload = openb_like(80);
    for (policy, seed) in [("random", 1), ("best-fit", 2), ("fgd", 3), ("gpu-packing", 4)] {
        let filled = fill_cluster(&workload, &StudyOptions::default(), policy, seed, 100.0)
            .expect("the policy is known");
        let moves_max = filled.placed / 20;
        let problem = DefragmentProblem::new(&filled.cluster, &workload.target, Objective::default(), None);
        assert_eq!(problem.pending().count(), filled.dropped);
        let options = DefragmentOptions {
            seed,
            threads: 1,
            islands: 1,
            effort: Effort::Rounds(20),
            moves_max,
            method: Method::Hybrid,
            waves: WaveLimits::default(),
        };
        let surroundings =
            DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
        let found = defragment(&problem, &options, &surroundings);
        assert!(found.moves <= moves_max, "{policy}");
        let mut after = filled.cluster.clone();
        let replayed = replay(&found.plan, &mut after, Moving::StandTwice, |step, cluster| {
            assert_eq!(invariants::check(cluster), Ok(()), "{policy}, after step {step}");
        });
        assert_eq!(replayed, Ok(()), "{policy}");
        let held = after.device_milli_held() - filled.cluster.device_milli_held();
        assert!(held >= 0 && (policy != "random" || held > 1000), "{policy}: {held} milli more");
    }
}
