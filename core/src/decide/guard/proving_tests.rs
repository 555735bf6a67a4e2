//! The proving ground: what it is made of, and that it says the same of the same.

use super::tests::contrary;
use super::*;
use crate::decide::policy::PlacementModel;
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    CameTask, Cluster, DeviceDemand, DeviceKind, ModelSet, NodeSpec, ResourceSchema, TaskClass,
};

/// Nodes of eight GPUs and a mix of halves, ones, threes and fives.
fn cluster(nodes: usize) -> (Cluster, TargetWorkload, Vec<CameTask>) {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let gpu = cluster.add_model(DeviceKind::Gpu, "A").expect("few models");
    for number in 0..nodes {
        let spec = NodeSpec::new(format!("n{number}"), vec![96_000, 1 << 20], vec![gpu; 8]);
        cluster.add_node(spec).expect("a sound node");
    }
    let demands = [(1, 500), (1, 1000), (3, 1000), (5, 1000)]
        .map(|(count, milli)| Some(DeviceDemand { count, milli, accept: ModelSet::ANY }));
    let classes = demands.map(|devices| {
        (cluster.add_class(TaskClass::of_demand([4_000, 0], devices)).expect("a sound class"), 1)
    });
    let target = TargetWorkload::from_classes(&cluster, &classes);
    let came = (0..480).map(|at| CameTask { cpu_millicores: 4_000, devices: demands[at * 7 % 4] }).collect();
    (cluster, target, came)
}

#[test]
fn who_is_worse_is_so_on_what_is_drawn_and_on_what_came() {
    let (cluster, target, came) = cluster(20);
    let ground = ProvingGround::new(&cluster, &target, &came, "fgd").expect("devices are asked for");
    assert_eq!((ground.nodes(), ground.windows()), (20, 10));
    let (model, contrary) = (PlacementModel::untrained(), contrary());
    let (mut drawn, mut on_came) = ([0.0; 3], [0.0; 3]);
    for number in 0..10 {
        for (at, who) in [Who::Model(&model), Who::Model(&contrary), Who::Rule].into_iter().enumerate() {
            drawn[at] += ground.drawn(who, 7 + number as u64);
            on_came[at] += ground.came(who, number);
        }
    }
    for [model, contrary, rule] in [drawn, on_came] {
        assert!(contrary < model && contrary < rule, "{contrary} {model} {rule}");
    }
}

#[test]
fn the_same_question_gets_the_same_answer_whatever_stands_on_the_cluster() {
    let (cluster, target, came) = cluster(300);
    let ground = |cluster: &Cluster| {
        let ground = ProvingGround::new(cluster, &target, &came, "fgd").expect("devices are asked for");
        let model = PlacementModel::shipped();
        (ground.nodes(), ground.drawn(Who::Model(&model), 3), ground.came(Who::Model(&model), 0))
    };
    let empty = ground(&cluster);
    assert_eq!(empty.0, 100, "it is scaled down");
    let mut used = cluster;
    let class = used.add_class(TaskClass::of_demand([9_000, 0], None)).expect("a sound class");
    let task = used.add_task(crate::model::Task::new("t", class));
    let place = crate::model::Placement {
        node: used.nodes().next().expect("a node"),
        devices: crate::model::DeviceSet::NONE,
    };
    used.place(task, place).expect("it fits");
    assert_eq!(ground(&used), empty);
}

#[test]
fn without_a_mix_that_asks_for_devices_there_is_nothing_to_prove() {
    let (cluster, target, came) = cluster(4);
    let none = TargetWorkload::from_shares(&[(1_000, None, 1.0)]);
    assert!(ProvingGround::new(&cluster, &none, &came, "fgd").is_none());
    assert!(ProvingGround::new(&cluster, &target, &came, "no-such-rule").is_none());
    let ground = ProvingGround::new(&cluster, &target, &came[..47], "fgd").expect("devices are asked for");
    assert_eq!(ground.windows(), 0);
    assert!(ground.came(Who::Rule, 0).is_nan());
}
