//! Reproducible white noise: the same for the same seed on any machine and with any number of threads, because each work item has its
//! own stream.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Binomial, Distribution, StandardNormal, StandardUniform};

/// A stream of random numbers.
pub struct Noise(ChaCha8Rng);

impl Noise {
    /// The stream of work item `item`.
    pub fn new(seed: u64, item: u64) -> Noise {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(item);
        Noise(generator)
    }

    /// A normally distributed number with mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A number uniformly distributed in [0, 1).
    pub fn even(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    /// Binomial random number: successes in `trials` trials with this probability, which is clamped to [0, 1].
    pub fn successes(&mut self, trials: u64, probability: f64) -> u64 {
        match Binomial::new(trials, probability.clamp(0.0, 1.0)) {
            Ok(binomial) => binomial.sample(&mut self.0),
            // Only a NaN probability gives an error.
            Err(_) => 0,
        }
    }
}

/// A bijective hash of 64 bits (the finaliser of SplitMix64; Steele, Lea, Flood, OOPSLA 2014).
pub fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Noise;

    #[test]
    fn streams_are_repeatable_and_differ() {
        let draw = |seed, item| -> Vec<u64> {
            let mut noise = Noise::new(seed, item);
            (0..4).map(|_| noise.normal().to_bits()).collect()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn moments_are_those_of_the_normal_distribution() {
        let mut noise = Noise::new(7, 0);
        let x: Vec<f64> = (0..100_000).map(|_| noise.normal()).collect();
        let moment = |k: i32| x.iter().map(|v| v.powi(k)).sum::<f64>() / x.len() as f64;
        // Five standard errors of each.
        assert!(moment(1).abs() < 0.016 && (moment(2) - 1.0).abs() < 0.023 && (moment(4) - 3.0).abs() < 0.16);
    }
}
