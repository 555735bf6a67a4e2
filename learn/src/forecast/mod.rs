//! Training of forecasts: the global network, and the founding document's one. Plain code: a pass over 4 million samples takes
//! about a minute and a half of one core, and nothing but the numbers has to be compiled.

mod dataset;
mod fit;
mod matrix;
mod perceptron;
mod source;
mod train;

pub use dataset::Recorded;
pub use fit::fit_network;
pub use source::{SourceCheck, SourceTraining, train_source};
pub use train::NetworkOptions;

#[cfg(test)]
mod tests;
