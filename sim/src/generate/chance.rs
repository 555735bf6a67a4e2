//! Random variates that the generators need, from a seeded generator: exponential, normal, gamma.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// Exponentially distributed with this mean.
pub(super) fn exponential(chance: &mut Pcg64Mcg, mean: f64) -> f64 {
    -mean * (1.0 - chance.random::<f64>()).ln()
}

/// Standard normal (Marsaglia's polar method, one value kept of two).
pub(super) fn normal(chance: &mut Pcg64Mcg) -> f64 {
    loop {
        let (u, v) = (chance.random_range(-1.0..1.0), chance.random_range(-1.0..1.0));
        let s: f64 = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

/// Gamma distributed with this shape (above 0) and scale (Marsaglia and Tsang, ACM TOMS 26(3), 2000).
pub(super) fn gamma(chance: &mut Pcg64Mcg, shape: f64, scale: f64) -> f64 {
    if shape < 1.0 {
        let power = (1.0 - chance.random::<f64>()).powf(1.0 / shape);
        return gamma(chance, shape + 1.0, scale) * power;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(chance);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 {
            let u = 1.0 - chance.random::<f64>();
            if u.ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                return d * v * scale;
            }
        }
    }
}
