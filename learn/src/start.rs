//! Where the training of a network starts that nothing has been learned into.

use lepton_core::decide::policy::NetworkShape;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Weights whose correction is 0 for every candidate and that can be learned from there: the last layer is zero, and the
/// hidden ones are drawn at random (He et al., "Delving Deep into Rectifiers", 2015), because a network of zeros has no
/// slope.
pub fn starting_weights(shape: &NetworkShape, seed: u64) -> Vec<f32> {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut weights = Vec::with_capacity(shape.weight_count());
    for (inputs, outputs) in shape.layers().take(shape.hidden.len()) {
        let bound = (6.0 / inputs as f32).sqrt();
        weights.extend((0..inputs * outputs).map(|_| bound * (2.0 * chance.random::<f32>() - 1.0)));
        weights.extend(std::iter::repeat_n(0.0, outputs));
    }
    weights.resize(shape.weight_count(), 0.0);
    weights
}
