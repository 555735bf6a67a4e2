//! The two forms of evolution that a training may use, behind one face.

use serde::{Deserialize, Serialize};

use crate::genetic::Genetic;
use crate::{EvolutionKind, MatrixAdaptation, TrainOptions};

/// An evolution of weight vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Evolution {
    Matrix(MatrixAdaptation),
    Genetic(Genetic),
}

impl Evolution {
    pub(crate) fn new(centre: Vec<f64>, scale: Vec<f64>, options: &TrainOptions, seed: u64) -> Self {
        match options.evolution {
            EvolutionKind::Matrix => Self::Matrix(MatrixAdaptation::new(centre, scale, options.spread, seed)),
            EvolutionKind::Genetic => {
                Self::Genetic(Genetic::new(centre, scale, options.spread, options.population, seed))
            }
        }
    }

    /// What the evolution stands for: the centre of the cloud, or the best of the last generation.
    pub(crate) fn centre(&self) -> &[f64] {
        match self {
            Self::Matrix(matrix) => matrix.centre(),
            Self::Genetic(genetic) => genetic.best(),
        }
    }

    pub(crate) fn width(&self) -> f64 {
        match self {
            Self::Matrix(matrix) => matrix.width(),
            Self::Genetic(genetic) => genetic.width(),
        }
    }

    pub(crate) fn is_sound(&self, weights: usize) -> bool {
        match self {
            Self::Matrix(matrix) => matrix.is_sound(weights),
            Self::Genetic(genetic) => genetic.is_sound(weights),
        }
    }

    /// The members of this generation.
    pub(crate) fn ask(&self, count: usize) -> Vec<Vec<f64>> {
        match self {
            Self::Matrix(matrix) => matrix.ask(count),
            Self::Genetic(genetic) => genetic.ask(),
        }
    }

    /// Moves on by the fitness of the members, and of a visitor from outside.
    pub(crate) fn tell_with(&mut self, fitness: &[f64], visitor: Option<(&[f64], f64)>) {
        match self {
            Self::Matrix(matrix) => matrix.tell_with(fitness, visitor),
            Self::Genetic(genetic) => genetic.tell_with(fitness, visitor),
        }
    }
}
