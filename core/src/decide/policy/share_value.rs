//! What a device's left-over capacity is worth to a mix of tasks: the dual prices of covering the mix with the
//! fewest devices, and from them the best total price of tasks that still fit.
//!
//! The price of a task is the share of a device that it costs when the mix is packed as well as it can be: 1 for
//! one that leaves a remainder no other task can use, 1/2 for two that fill a device. It looks at device capacity
//! alone. The linear program over packings of one device is solved as a game between prices and packings by
//! multiplicative weights (Plotkin, Shmoys and Tardos, Math. Oper. Res. 1995), averaged over its later rounds.

/// Steps in which the capacity of a device is counted.
pub(super) const CELLS: usize = 100;
/// Thousandths of a device in one step.
pub(super) const CELL_MILLI: u16 = 10;

const ROUNDS: usize = 2_000;
const STEP: f64 = 0.5;
/// After so many rounds the step is halved.
const STEP_HALVES_AFTER: f64 = 50.0;

/// A size of which tasks take part of one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    /// Steps of a device's capacity, 1 to [`CELLS`].
    pub(super) cells: usize,
    /// How often it is asked for.
    pub(super) weight: f64,
}

/// Steps of capacity that this many thousandths take.
pub(super) fn cells_of(milli: u16) -> usize {
    usize::from(milli.div_ceil(CELL_MILLI))
}

/// The price of each size, so that no packing of one device is worth more than 1.
pub(super) fn prices(sizes: &[Size]) -> Vec<f64> {
    let mut price: Vec<f64> = sizes.iter().map(|s| s.cells as f64 / CELLS as f64).collect();
    let mut mean = vec![0.0; sizes.len()];
    for round in 0..ROUNDS {
        let (worth, packing) = best_packing(sizes, &price);
        let whole = worth[CELLS].max(f64::MIN_POSITIVE);
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
    let whole = best_packing(sizes, &mean).0[CELLS].max(f64::MIN_POSITIVE);
    mean.iter().map(|m| m / whole).collect()
}

/// For each amount of capacity left, in steps: the best total price of tasks that fit in it.
pub(super) fn worth(sizes: &[Size], price: &[f64]) -> [f64; CELLS + 1] {
    best_packing(sizes, price).0
}

fn best_packing(sizes: &[Size], price: &[f64]) -> ([f64; CELLS + 1], Vec<u32>) {
    let mut worth = [0.0; CELLS + 1];
    let mut last = [usize::MAX; CELLS + 1];
    for left in 1..=CELLS {
        worth[left] = worth[left - 1];
        for (i, size) in sizes.iter().enumerate().filter(|(_, s)| s.cells <= left) {
            let with = worth[left - size.cells] + price[i];
            if with > worth[left] + 1e-12 {
                (worth[left], last[left]) = (with, i);
            }
        }
    }
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
    (worth, packing)
}
