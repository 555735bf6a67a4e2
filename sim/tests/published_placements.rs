//! Our replay of the openb trace equals the published results of the FGD study.
//!
//! Needs the real trace: the variable LEPTON_DATA names its folder. All 850 runs are compared by the bench
//! `placement`; here a part of them.

#[path = "common/published.rs"]
mod published;

use std::sync::atomic::AtomicBool;

use lepton_sim::FrozenClock;
use lepton_sim::experiment::{StudyOptions, run_study};
use published::{DETERMINISTIC, Published, RANDOM, folder, load};

fn options(policies: impl Iterator<Item = &'static str>, seeds: Vec<u64>) -> StudyOptions {
    StudyOptions {
        policies: policies.map(str::to_owned).collect(),
        seeds,
        threads: 2,
        ..StudyOptions::default()
    }
}

#[test]
fn five_traces_equal_the_published_curves_at_every_sampled_load() {
    let Some(folder) = folder() else { return };
    let published = Published::read(&folder);
    for trace in ["default", "cpu250", "gpushare100", "gpuspec33", "multigpu50"] {
        let options = options(DETERMINISTIC.iter().map(|p| p.0), vec![42, 51]);
        let study = run_study(&load(&folder, trace), &options, &FrozenClock, &AtomicBool::new(false), &|| ())
            .expect("the study runs");
        assert_eq!(study.runs.len(), 10);
        for run in &study.runs {
            let difference = published.difference(trace, run);
            assert_eq!(difference, None, "{trace}, {}, seed {}: load, published, ours", run.policy, run.seed);
        }
    }
}

#[test]
fn random_agrees_with_the_published_mean() {
    let Some(folder) = folder() else { return };
    let published = Published::read(&folder);
    let options = options(["random"].into_iter(), (42..=51).collect());
    let study = run_study(&load(&folder, "default"), &options, &FrozenClock, &AtomicBool::new(false), &|| ())
        .expect("the study runs");
    for load in [100, 130] {
        let theirs: Vec<f64> =
            (42..=51).filter_map(|seed| published.curve("default", RANDOM, seed)[load]).collect();
        let theirs = theirs.iter().sum::<f64>() / theirs.len() as f64;
        let ours = study.summary[0].allocation_at[&load.to_string()].mean.expect("ten runs");
        assert!((ours - theirs).abs() < 0.3, "at {load}%: published {theirs:.2}, ours {ours:.2}");
    }
}
