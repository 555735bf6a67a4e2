//! A GPU cluster and task list like the openb trace, of any size, made from its published statistics: the
//! node types and their numbers, the frequent task shapes and how often they are asked for, the total
//! demand of 98% of the GPUs before inflation.
//!
//! Source: the tables of the trace's description (Weng et al., USENIX ATC 2023; Alibaba
//! cluster-trace-gpu-v2023). The rare shapes are folded into their neighbours. The list is the same for
//! every seed; seeds draw the order of arrival and the inflation.

use crate::readers::openb::{OpenbNode, OpenbTask, Scheduled};
use crate::workload::{PlacementWorkload, workload_of_openb};

/// Nodes of the real cluster.
pub const OPENB_NODES: usize = 1213;

/// Tasks of the real list, for a cluster of [`OPENB_NODES`].
const OPENB_TASKS: usize = 8152;

/// Node types: cores, memory MiB, GPUs, model, how many of [`OPENB_NODES`].
const NODE_TYPES: [(i64, i64, usize, &str, usize); 15] = [
    (96, 393_216, 8, "G2", 549),
    (104, 524_288, 2, "T4", 387),
    (16, 122_880, 2, "P100", 107),
    (128, 786_432, 8, "G3", 39),
    (32, 131_072, 4, "V100M16", 28),
    (64, 262_144, 2, "P100", 22),
    (96, 786_432, 8, "V100M32", 21),
    (8, 32_768, 1, "V100M16", 19),
    (96, 393_216, 4, "T4", 17),
    (48, 376_832, 4, "V100M32", 9),
    (64, 262_144, 8, "V100M16", 7),
    (8, 61_440, 1, "P100", 3),
    (8, 61_440, 2, "P100", 2),
    (128, 1_048_576, 1, "A10", 2),
    (82, 344_064, 8, "V100M16", 1),
];

/// Task shapes: CPU millicores, memory MiB, GPUs, thousandths of each, relative frequency.
const SHAPES: [(i64, i64, u16, u16, usize); 47] = [
    (3_152, 5_600, 1, 810, 1_284),
    (11_300, 49_152, 1, 1_000, 1_072),
    (11_400, 48_128, 1, 1_000, 735),
    (3_152, 5_600, 1, 1_000, 577),
    (11_908, 47_104, 1, 470, 476),
    (12_500, 57_344, 0, 0, 454),
    (8_000, 30_517, 1, 470, 445),
    (12_000, 24_576, 1, 1_000, 412),
    (32_000, 49_152, 0, 0, 356),
    (18_708, 64_512, 1, 1_000, 313),
    (11_908, 47_104, 1, 650, 309),
    (4_000, 22_888, 1, 320, 309),
    (9_810, 41_560, 1, 1_000, 258),
    (8_000, 30_517, 0, 0, 227),
    (8_000, 16_384, 1, 1_000, 219),
    (4_000, 24_576, 1, 1_000, 223),
    (15_700, 58_368, 1, 1_000, 206),
    (11_908, 47_104, 1, 1_000, 188),
    (16_000, 32_768, 1, 1_000, 184),
    (4_000, 30_517, 1, 230, 174),
    (6_000, 6_144, 1, 460, 162),
    (15_400, 51_200, 0, 0, 181),
    (16_500, 51_200, 0, 0, 117),
    (14_200, 58_368, 1, 1_000, 123),
    (24_200, 93_184, 1, 1_000, 103),
    (3_152, 5_600, 1, 590, 92),
    (8_000, 30_517, 1, 320, 103),
    (4_152, 10_600, 1, 550, 90),
    (11_900, 77_824, 1, 1_000, 67),
    (4_000, 15_258, 1, 160, 66),
    (4_152, 10_600, 1, 370, 67),
    (4_000, 15_258, 1, 220, 56),
    (8_200, 33_792, 1, 1_000, 50),
    (15_200, 80_896, 1, 1_000, 44),
    (4_152, 10_600, 1, 810, 38),
    (16_400, 125_952, 1, 1_000, 36),
    (1_000, 2_048, 1, 320, 30),
    (6_000, 22_888, 1, 160, 27),
    (8_000, 30_517, 1, 220, 26),
    (4_000, 22_888, 1, 110, 33),
    (4_000, 22_888, 1, 480, 26),
    (8_000, 30_517, 1, 650, 20),
    (1_000, 6_144, 1, 1_000, 28),
    (16_200, 66_560, 2, 1_000, 20),
    (32_200, 132_096, 4, 1_000, 18),
    (88_000, 327_680, 8, 1_000, 28),
    (64_200, 263_168, 8, 1_000, 26),
];

/// A workload on `nodes` nodes.
///
/// # Panics
/// Never: the tables above are within the model's limits, which a test confirms.
pub fn openb_like(nodes: usize) -> PlacementWorkload {
    let counts = apportion(nodes, NODE_TYPES.iter().map(|t| t.4));
    let mut list = Vec::with_capacity(nodes);
    for (&(cores, memory_mib, gpus, model, _), count) in NODE_TYPES.iter().zip(counts) {
        for _ in 0..count {
            list.push(OpenbNode {
                name: format!("node-{:06}", list.len()),
                cpu_millicores: cores * 1000,
                memory_mib,
                gpus,
                model: model.to_owned(),
            });
        }
    }
    let tasks = (OPENB_TASKS * nodes).div_ceil(OPENB_NODES);
    let counts = apportion(tasks, SHAPES.iter().map(|s| s.4));
    let mut wanted = Vec::with_capacity(tasks);
    for (&(cpu_millicores, memory_mib, gpus, gpu_milli, _), count) in SHAPES.iter().zip(counts) {
        for _ in 0..count {
            wanted.push(OpenbTask {
                name: format!("task-{:07}", wanted.len()),
                cpu_millicores,
                memory_mib,
                gpus,
                gpu_milli,
                gpu_spec: String::new(),
                creation_seconds: None,
                deletion_seconds: None,
                scheduled: Scheduled::Unsaid,
                line: 0,
            });
        }
    }
    let name = format!("openb-like-{nodes}");
    workload_of_openb(&name, &list, &wanted).expect("the tables are within the model's limits")
}

/// Splits `total` in proportion to the weights, by largest remainders, so that the parts add up.
fn apportion(total: usize, weights: impl Iterator<Item = usize>) -> Vec<usize> {
    let weights: Vec<usize> = weights.collect();
    let sum: usize = weights.iter().sum();
    let mut parts: Vec<usize> = weights.iter().map(|w| total * w / sum).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&i| (std::cmp::Reverse(total * weights[i] % sum), i));
    let short = total - parts.iter().sum::<usize>();
    for &i in by_remainder.iter().take(short) {
        parts[i] += 1;
    }
    parts
}

#[cfg(test)]
mod tests;
