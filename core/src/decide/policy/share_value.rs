//! What a device's left-over capacity is worth to a mix of tasks: the dual prices of covering the mix with the
//! fewest devices, and from them the best total price of tasks that still fit.
//!
//! The price of a task is the share of a device that it costs when the mix is packed as well as it can be: 1 for
//! one that leaves a remainder no other task can use, 1/2 for two that fill a device. Only tasks that accept the
//! same device model can stand beside each other; apart from that it looks at device capacity alone. The linear
//! program over packings of one device is solved as a game between prices and packings by multiplicative weights
//! (Plotkin, Shmoys and Tardos, Math. Oper. Res. 1995), averaged over its later rounds.

/// Steps in which the capacity of a device is counted.
pub(super) const CELLS: usize = 100;
/// Thousandths of a device in one step.
pub(super) const CELL_MILLI: u16 = 10;

const ROUNDS: usize = 2_000;
const STEP: f64 = 0.5;
/// After so many rounds the step is halved.
const STEP_HALVES_AFTER: f64 = 50.0;
/// Most pairs of a size and a group of devices that are told apart; beyond it all devices count as alike.
const PAIRS_MAX: usize = 2_000;

/// A size of which tasks take part of one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    /// Steps of a device's capacity, 1 to [`CELLS`].
    pub(super) cells: usize,
    /// Device models that the tasks accept, a bit for each.
    pub(super) accept: u64,
    /// How often it is asked for.
    pub(super) weight: f64,
}

/// Worth of what is left on a device, by steps of capacity left.
pub(super) type Worth = [f64; CELLS + 1];

/// Steps of capacity that this many thousandths take.
pub(super) fn cells_of(milli: u16) -> usize {
    usize::from(milli.div_ceil(CELL_MILLI))
}

/// Groups of device models told apart by which sizes run on them: for each of `models` the number of its group,
/// and for each group the sizes that run there.
pub(super) fn groups(sizes: &[Size], models: &[u64]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut members: Vec<Vec<usize>> = Vec::new();
    let told_apart = sizes.len() * models.len() <= PAIRS_MAX;
    let of_models = |models: &u64| {
        let runs = |size: &Size| !told_apart || size.accept & models != 0;
        let mine: Vec<usize> = (0..sizes.len()).filter(|&i| runs(&sizes[i])).collect();
        members.iter().position(|m| *m == mine).unwrap_or_else(|| {
            members.push(mine);
            members.len() - 1
        })
    };
    (models.iter().map(of_models).collect(), members)
}

/// The price of each size, so that no packing of one device of any group is worth more than 1. `groups` lists the
/// sizes that run on each group.
pub(super) fn prices(sizes: &[Size], groups: &[Vec<usize>]) -> Vec<f64> {
    let mut price: Vec<f64> = sizes.iter().map(|s| s.cells as f64 / CELLS as f64).collect();
    let mut mean = vec![0.0; sizes.len()];
    for round in 0..ROUNDS {
        let (whole, packing) = dearest_packing(sizes, groups, &price);
        price.iter_mut().for_each(|p| *p /= whole);
        let paid: f64 = price.iter().zip(sizes).map(|(p, s)| p * s.weight).sum();
        if round >= ROUNDS / 2 {
            mean.iter_mut().zip(&price).for_each(|(m, p)| *m += p);
        }
        let step = STEP / (1.0 + round as f64 / STEP_HALVES_AFTER);
        // Sizes that the mix asks for more often than the best packing holds them become dearer.
        for ((p, size), &held) in price.iter_mut().zip(sizes).zip(&packing) {
            let asked = size.weight * *p / paid.max(f64::MIN_POSITIVE);
            *p *= (step * (asked - f64::from(held) * *p)).exp();
        }
    }
    let whole = dearest_packing(sizes, groups, &mean).0;
    mean.iter().map(|m| m / whole).collect()
}

/// The packing of one device with the highest total price: that price, and how often it holds each size.
fn dearest_packing(sizes: &[Size], groups: &[Vec<usize>], price: &[f64]) -> (f64, Vec<u32>) {
    let mut dearest = (f64::MIN_POSITIVE, vec![0; sizes.len()]);
    for members in groups {
        let (worth, last) = best_packings(sizes, members, price);
        if worth[CELLS] > dearest.0 {
            dearest = (worth[CELLS], unpacked(sizes, &last));
        }
    }
    dearest
}

/// For each amount of capacity left, in steps: the best total price of tasks of these sizes (`members`) that fit
/// in it.
pub(super) fn worth(sizes: &[Size], members: &[usize], price: &[f64]) -> Worth {
    best_packings(sizes, members, price).0
}

/// For each amount of capacity left: the best total price, and the size that is taken last to reach it.
fn best_packings(sizes: &[Size], members: &[usize], price: &[f64]) -> (Worth, [usize; CELLS + 1]) {
    let mut worth = [0.0; CELLS + 1];
    let mut last = [usize::MAX; CELLS + 1];
    for left in 1..=CELLS {
        worth[left] = worth[left - 1];
        for &i in members {
            let Some(rest) = left.checked_sub(sizes[i].cells) else { continue };
            let with = worth[rest] + price[i];
            if with > worth[left] + 1e-12 {
                (worth[left], last[left]) = (with, i);
            }
        }
    }
    (worth, last)
}

/// How often each size stands in the best packing of a whole device.
fn unpacked(sizes: &[Size], last: &[usize; CELLS + 1]) -> Vec<u32> {
    let mut packing = vec![0; sizes.len()];
    let mut left = CELLS;
    while left > 0 {
        match last[left] {
            usize::MAX => left -= 1,
            i => {
                packing[i] += 1;
                left -= sizes[i].cells;
            }
        }
    }
    packing
}
