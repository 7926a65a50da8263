//! Integrals of waveforms, by Gauss-Legendre quadrature on the cells of a mesh.

use super::mesh::{Unresolved, Weighted, mesh};
use super::scalar::{Scalar, Waveform};

/// Positive nodes on [-1, 1] and weights of the eight-point rule, exact for polynomials of degree 15 (Abramowitz and Stegun, table 25.4).
const NODES: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// Allowed error of an integral, relative to the largest possible value.
const TOLERANCE: f64 = 1e-10;

/// Largest magnitude of a number or waveform over `0 .. duration`, from samples in every cell of its mesh. A polynomial of degree 7
/// exceeds its samples by less than 1e-3 of the largest value.
///
/// # Errors
/// If the waveform cannot be bounded.
pub fn peak(scalar: &Scalar, duration: f64) -> Result<f64, Unresolved> {
    const SAMPLES: usize = 64;
    let Scalar::Varying(waveform) = scalar else { return Ok(scalar.at(0.0).abs()) };
    let ends = mesh(&[Weighted { waveform, norm: 1.0 }], duration, TOLERANCE * duration)?;
    let mut from = 0.0;
    let cell = |to: f64| {
        let at = |k: usize| waveform.at((from + (to - from) * k as f64 / SAMPLES as f64).min(to.next_down())).abs();
        let largest = (0..=SAMPLES).map(at).fold(0.0, f64::max);
        from = to;
        largest
    };
    Ok(ends.into_iter().map(cell).fold(0.0, f64::max))
}

/// Time averages of numbers and waveforms over `0 .. duration`, i.e. integrals divided by the duration.
///
/// # Errors
/// If a waveform cannot be bounded.
pub fn integrals<const N: usize>(scalars: [&Scalar; N], duration: f64) -> Result<[f64; N], Unresolved> {
    if duration <= 0.0 {
        return Ok(scalars.map(|s| s.at(0.0)));
    }
    let varying = |s: &&Scalar| match s {
        Scalar::Varying(w) => Some((*w).clone()),
        Scalar::Constant(_) => None,
    };
    let waveforms: Vec<Waveform> = scalars.iter().filter_map(varying).collect();
    let weighted: Vec<Weighted> = waveforms.iter().map(|waveform| Weighted { waveform, norm: 1.0 }).collect();
    let ends = mesh(&weighted, duration, TOLERANCE * duration)?;
    let one = |scalar: &Scalar| match scalar {
        Scalar::Constant(x) => *x,
        Scalar::Varying(w) => {
            let mut from = 0.0;
            let cell = |to: f64| {
                let (middle, radius) = (0.5 * (from + to), 0.5 * (to - from));
                from = to;
                let pair = |(x, weight): &(f64, f64)| weight * (w.at(middle - radius * x) + w.at(middle + radius * x));
                radius * NODES.iter().map(pair).sum::<f64>()
            };
            ends.iter().copied().map(cell).sum::<f64>() / duration
        }
    };
    Ok(scalars.map(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waveform::Function;

    /// A Gaussian of unit area centred at a time.
    fn bump(at: f64, width: f64) -> Scalar {
        let x = Scalar::time().minus(&Scalar::Constant(at)).scaled(1.0 / width);
        let peak = 1.0 / (width * std::f64::consts::PI.sqrt());
        x.times(&x).scaled(-1.0).apply(Function::Exp).scaled(peak)
    }

    #[test]
    fn a_narrow_bump_in_a_long_time_is_found() {
        for (at, width) in [(700.0, 0.02), (123.456, 1e-6), (999.9, 1e-3), (0.5, 0.05)] {
            let found = integrals([&bump(at, width)], 1000.0).unwrap()[0] * 1000.0;
            assert!((found - 1.0).abs() < 1e-9, "{at} {width}: {found}");
        }
    }

    #[test]
    fn steps_and_corners_are_exact() {
        let t = Scalar::time();
        // Both edges of a boxcar are in one cell of any coarse grid.
        let boxcar = |a: f64, b: f64| {
            let step = |x: f64| t.minus(&Scalar::Constant(x)).apply(Function::Step);
            step(a).minus(&step(b))
        };
        let found = integrals([&boxcar(3.00001, 3.00002)], 10.0).unwrap()[0] * 10.0;
        assert!((found - 1e-5).abs() < 1e-14, "{found}");
        // floor(2 t) over 0 .. 4: (0 + 1 + ... + 7)/2.
        let found = integrals([&t.scaled(2.0).apply(Function::Floor)], 4.0).unwrap()[0] * 4.0;
        assert!((found - 14.0).abs() < 1e-12, "{found}");
        let wave = t.scaled(std::f64::consts::TAU * 3000.0).apply(Function::Sin).apply(Function::Abs);
        let found = integrals([&wave], 1.0).unwrap()[0];
        assert!((found - std::f64::consts::FRAC_2_PI).abs() < 1e-11, "{found}");
        let root = integrals([&t.apply(Function::Sqrt)], 1.0).unwrap()[0];
        assert!((root - 2.0 / 3.0).abs() < 1e-9, "{root}");
    }

    #[test]
    fn poles_and_endless_edges_are_refused() {
        let t = Scalar::time();
        let pole = Scalar::Constant(1.0).over(&t.minus(&Scalar::Constant(0.37)));
        assert!(integrals([&pole], 1.0).is_err_and(|e| e.unbounded && e.from < 0.3701 && e.to > 0.3699));
        let endless = t.scaled(1e9).apply(Function::Floor);
        assert!(integrals([&endless], 1.0).is_err_and(|e| !e.unbounded));
    }
}
