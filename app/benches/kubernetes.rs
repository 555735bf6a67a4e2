//! Binding on a real API server, side by side: a client that binds blindly, Lepton, and the stock scheduler, in interleaved rounds on
//! the same 1,000 nodes, pods that wait and pods that come one by one; and gangs, which the stock scheduler of this version does not know.
//!
//! Run by `cargo xtask bench kubernetes`, which builds the control plane with the stock scheduler. `--rounds N`, `--nodes N` and `--pods N` make it
//! smaller.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/kubernetes/control_plane.rs"]
mod control_plane;
#[path = "kubernetes/crowd.rs"]
mod crowd;
mod figures;
#[path = "kubernetes/schedulers.rs"]
mod schedulers;
#[path = "kubernetes/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use control_plane::ControlPlane;
use crowd::{Bound, Kind, Observer, create_nodes, create_pod, create_pods, delete_pods};
use figures::argument;
use schedulers::{Scheduler, Who, bind_blindly};
use table::{Run, print_gangs, print_runs, print_singles};

/// Pods of a run with rules.
const RULED_PODS: usize = 500;
/// Pods of the gang, and of the one that fits nowhere.
const GANG: usize = 512;
const GANG_TOO_LARGE: usize = 10;
/// Pods that come one by one, and the time from one to the next: less than a tenth of what the slower of the two binds in that time.
const SINGLE_PODS: usize = 300;
const BETWEEN_PODS: Duration = Duration::from_millis(50);
/// How long a scheduler may take in all.
const PATIENCE: Duration = Duration::from_secs(120);
/// After the last binding a scheduler has this long to write its events, which its CPU time includes.
const AFTER: Duration = Duration::from_secs(4);

fn main() {
    let (rounds, nodes, pods) =
        (argument("--rounds", 3), argument("--nodes", 1000), argument("--pods", 2000));
    let plane = ControlPlane::start("bench");
    create_nodes(&plane, nodes);
    let (mut plain, mut ruled, mut gangs, mut singles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who comes first changes from round to round.
        let mut order = [Who::Blind, Who::Lepton, Who::Stock];
        order.rotate_left(round % 3);
        for who in order {
            plain.push(waiting_pods(&plane, who, Kind::Plain, pods, nodes, round));
            if who != Who::Blind {
                ruled.push(waiting_pods(&plane, who, Kind::Ruled, RULED_PODS.min(pods), nodes, round));
                singles.push((who, one_by_one(&plane, who, round)));
            }
        }
        gangs.push(gang(&plane, round, GANG.min(nodes * 8)));
    }
    println!("\n{pods} plain pods, a quarter with a GPU, on {nodes} nodes\n");
    print_runs(&plain);
    println!("\n{} pods with spread or anti-affinity\n", RULED_PODS.min(pods));
    print_runs(&ruled);
    println!("\n{SINGLE_PODS} pods one by one, {BETWEEN_PODS:?} apart\n");
    print_singles(&singles);
    println!("\na gang of {} pods with a GPU each, and one that cannot fit\n", GANG.min(nodes * 8));
    print_gangs(&gangs);
}

/// Pods that wait when the scheduler starts.
fn waiting_pods(plane: &ControlPlane, who: Who, kind: Kind, count: usize, nodes: usize, round: usize) -> Run {
    create_pods(plane, who.scheduler_name(), kind, count);
    let observer = Observer::start(plane);
    let begun = Instant::now();
    let scheduler = match who {
        Who::Blind => {
            bind_blindly(plane, count, nodes);
            None
        }
        other => Some(Scheduler::start(plane, other, &format!("{round}-{kind:?}"))),
    };
    let bound = observer.wait_for(count, PATIENCE);
    if scheduler.is_some() {
        thread::sleep(AFTER);
    }
    let used = scheduler.as_ref().map(Scheduler::used);
    drop(scheduler);
    delete_pods(plane);
    Run::new(who, count, &bound, begun, used)
}

/// Pods that come one by one to a scheduler that has nothing else to do: seconds from the answer that each was made to its binding, of those that
/// were bound.
fn one_by_one(plane: &ControlPlane, who: Who, round: usize) -> Vec<f64> {
    let scheduler = Scheduler::start(plane, who, &format!("{round}-single"));
    thread::sleep(AFTER);
    let observer = Observer::start(plane);
    let made: BTreeMap<String, Instant> = (0..SINGLE_PODS)
        .map(|at| {
            thread::sleep(BETWEEN_PODS);
            create_pod(plane, who.scheduler_name(), (Kind::Plain, SINGLE_PODS), at);
            (format!("pod-{at}"), Instant::now())
        })
        .collect();
    let bound = observer.wait_for(SINGLE_PODS, PATIENCE);
    drop(scheduler);
    delete_pods(plane);
    bound
        .iter()
        .filter_map(|b| Some(b.at.saturating_duration_since(*made.get(&b.pod)?).as_secs_f64()))
        .collect()
}

/// What became of the gangs of a round.
struct Gang {
    created_seconds: f64,
    bound_seconds: f64,
    bound: usize,
    nodes_used: usize,
    told_seconds: f64,
}

fn gang(plane: &ControlPlane, round: usize, size: usize) -> Gang {
    let scheduler = Scheduler::start(plane, Who::Lepton, &format!("{round}-gang"));
    thread::sleep(Duration::from_secs(2));
    let observer = Observer::start(plane);
    let begun = Instant::now();
    create_pods(plane, Who::Lepton.scheduler_name(), Kind::Gang(size), size);
    let created_seconds = begun.elapsed().as_secs_f64();
    let bound = observer.wait_for(size, PATIENCE);
    let bound_seconds = bound.last().map_or(f64::NAN, |b: &Bound| (b.at - begun).as_secs_f64());
    let nodes_used = bound.iter().map(|b| b.node.as_str()).collect::<std::collections::BTreeSet<_>>().len();
    thread::sleep(AFTER);
    let observer = Observer::start(plane);
    let begun = Instant::now();
    create_pods(plane, Who::Lepton.scheduler_name(), Kind::GangTooLarge, GANG_TOO_LARGE);
    let complete = begun.elapsed();
    let told = observer.first_told(PATIENCE);
    let told_seconds = told.map_or(f64::NAN, |at| (at - begun).saturating_sub(complete).as_secs_f64());
    drop(scheduler);
    delete_pods(plane);
    Gang { created_seconds, bound_seconds, bound: bound.len(), nodes_used, told_seconds }
}
