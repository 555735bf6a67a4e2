//! Everything that is trained for a forecast, on the threads given.

use std::sync::Mutex;

use lepton_core::analyze::forecast::{NetworkModel, Perceptron, Steps};

use super::dataset::Recorded;
use super::train::{NetworkOptions, train_network};

/// Trains the networks of a model, several at once; each has a seed of its own, so their number decides the result and that of
/// threads does not. `progress` hears the network's number, the share done and the loss of the last pass over its samples. `None` when
/// there is nothing to learn from.
pub fn fit_network(
    recorded: Recorded<'_>,
    steps: &Steps,
    options: &NetworkOptions,
    seed: u64,
    threads: usize,
    progress: &(dyn Fn(usize, f64, f64) + Sync),
) -> Option<NetworkModel> {
    let next = Mutex::new(0..options.networks);
    let trained = Mutex::new(vec![None; options.networks]);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, options.networks.max(1)) {
            scope.spawn(|| {
                loop {
                    let Some(i) = next.lock().ok().and_then(|mut next| next.next()) else { return };
                    let seed = seed.wrapping_mul(1000).wrapping_add(i as u64);
                    let network =
                        train_network(recorded, steps, options, seed, &|part, loss| progress(i, part, loss));
                    if let Ok(mut trained) = trained.lock() {
                        trained[i] = network;
                    }
                }
            });
        }
    });
    let networks: Option<Vec<Perceptron>> = trained.into_inner().ok()?.into_iter().collect();
    NetworkModel::new(steps.clone(), networks?).ok()
}
