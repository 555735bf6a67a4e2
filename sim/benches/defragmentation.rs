//! probe
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#[path = "../tests/common/published.rs"]
#[allow(dead_code)]
mod published;
use lepton_core::decide::defragment::{DefragmentProblem, Objective};
use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, placement_policy};
use lepton_core::model::{NodeId, Task};
use std::time::Instant;

fn main() {
    let folder = published::folder().expect("data");
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let trace = args.first().map_or("default", |s| s);
    let w = published::load(&folder, trace);
    let wf: f64 = args.get(2).map_or(2.0, |s| s.parse().unwrap());
    let secs: f64 = args.get(3).map_or(8.0, |s| s.parse().unwrap());
    for policy in args.get(1).map_or("random,best-fit,fgd", |s| s).split(',') {
        let seed = 42;
        let arrivals = &w.arrivals[&seed];
        let mut order: Vec<NodeId> = w.cluster.nodes().collect();
        order.sort_by_key(|n| arrivals.node_rank[n.index()]);
        let p = placement_policy(policy, &PlacementContext { cluster: &w.cluster, target: &w.target, seed })
            .unwrap();
        let mut placer = Placer::new(p, order);
        let mut c = w.cluster.clone();
        let mut arrived = 0;
        let mut placed = 0;
        let mut dropped = std::collections::BTreeMap::new();
        for &row in &arrivals.order {
            let e = &w.tasks[row as usize];
            let t = c.add_task(Task::new(e.name.clone(), e.class));
            arrived += c.demand(t).device_milli();
            if let Some(pl) = placer.place(&c, t) {
                c.place(t, pl).unwrap();
                placed += 1;
            } else {
                *dropped.entry(e.class).or_insert(0u64) += 1;
            }
            if arrived >= c.device_milli_capacity() {
                break;
            }
        }
        let n: u64 = dropped.values().sum();
        let cap = c.device_milli_capacity() as f64;
        let objective = Objective { weights: [20.0, wf, 1.0, 0.0, 0.0], safety_level: 0.9 };
        let problem = DefragmentProblem::new(&c, &w.target, objective);
        let k = placed / 20;
        println!("{trace} {policy}: placed {placed}, dropped {n}, at most {k} moves");
        let start = Instant::now();
        let seconds = || start.elapsed().as_secs_f64();
        let threads: usize = std::env::var("THREADS").map_or(1, |t| t.parse().unwrap());
        let options = lepton_core::decide::defragment::DefragmentOptions {
            seed: 1,
            threads,
            islands: threads,
            effort: lepton_core::decide::defragment::Effort::Seconds(secs),
            moves_max: k,
        };
        let rounds = std::sync::atomic::AtomicU64::new(0);
        let plan = lepton_core::decide::defragment::defragment(
            &problem,
            &options,
            &lepton_core::decide::defragment::DefragmentSurroundings {
                seconds: &seconds,
                stopped: &|| false,
                progress: &|_, _| {
                    rounds.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                },
            },
        );
        let mut c2 = c.clone();
        for s in &plan.plan.steps {
            match s.action {
                lepton_core::model::Action::Place { task, to } => c2.place(task, to).unwrap(),
                lepton_core::model::Action::Migrate { task, to, .. } => {
                    c2.remove(task);
                    c2.place(task, to).unwrap()
                }
                _ => panic!(),
            }
        }
        println!(
            "  {:.2} s {} rounds cost {:?} moves {} placed {} alloc {:.2} -> {:.2}  {:?}",
            seconds(),
            rounds.into_inner(),
            plan.cost,
            plan.moves,
            plan.placed,
            100.0 * c.device_milli_held() as f64 / cap,
            100.0 * c2.device_milli_held() as f64 / cap,
            plan.terms
        );
        if std::env::var("DIAG").is_ok() {
            let mut hist = [0u32; 21];
            let (mut whole, mut whole_cpu, mut part) = (0u32, std::collections::BTreeMap::new(), 0u32);
            for n in c2.nodes() {
                let cpu = c2.free(n)[0] / 1000;
                for &f in c2.devices_free(n) {
                    hist[usize::from(f) / 50] += 1;
                    if f == 1000 {
                        whole += 1;
                        *whole_cpu.entry(cpu.min(12)).or_insert(0) += 1;
                    } else {
                        part += u32::from(f);
                    }
                }
            }
            println!("  free: {whole} whole, by cpu left {whole_cpu:?}; {part} milli in parts; {hist:?}");
            let mut pend: std::collections::BTreeMap<_, u32> = Default::default();
            for i in 0..c2.tasks().len() {
                let t = lepton_core::model::TaskId::from(i);
                if c2.placement(t).is_none() {
                    let d = c2.demand(t);
                    *pend
                        .entry((
                            d.devices.map_or(0, |d| d.count),
                            d.devices.map_or(0, |d| d.milli),
                            d.resources[0],
                        ))
                        .or_insert(0) += 1;
                }
            }
            println!("  waiting (count, milli, cpu): {pend:?}");
        }
    }
}
