//! Kernels on a software device against plain references on the processor. Without a software device (llvmpipe is in Mesa's Vulkan
//! drivers) the tests are skipped, and say so. `ERGOSEQ_GPU=1` runs them on a graphics processor.

use ergoseq_gpu::{Acquisition, Axis, Block, Decay, Device, Entry, Error, Kind, Members, Term};
use num_complex::Complex64;

/// The device of the tests.
fn device() -> Option<Device> {
    let kind = if std::env::var_os("ERGOSEQ_GPU").is_some() { Kind::Gpu } else { Kind::Software };
    match Device::open(kind) {
        Ok(device) => Some(device),
        Err(e) => {
            assert!(std::env::var_os("ERGOSEQ_GPU").is_none(), "{e}");
            eprintln!("skipped: {e}");
            None
        }
    }
}

/// Numbers between -1 and 1, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 * 2f64.powi(-52) - 1.0
    }

    fn axis(&mut self, spins: usize) -> Axis {
        let fields = (0..spins).map(|_| self.next()).collect();
        Axis { fields, couplings: (0..spins * (spins - 1) / 2).map(|_| self.next()).collect() }
    }

    fn vector(&mut self, spins: usize) -> Vec<Complex64> {
        let v: Vec<Complex64> = (0..1 << spins).map(|_| Complex64::new(self.next(), self.next())).collect();
        let size = v.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        v.into_iter().map(|x| x / size).collect()
    }
}

/// `v -> exp(-i t (f s)) v` for one spin and one axis.
fn rotate(v: &mut [Complex64], spins: usize, spin: usize, axis: usize, angle: f64) {
    let bit = 1 << (spins - 1 - spin);
    let (c, s) = (angle.cos(), angle.sin());
    for a in (0..v.len()).filter(|a| a & bit == 0) {
        let (x, y) = (v[a], v[a | bit]);
        let i = Complex64::i();
        (v[a], v[a | bit]) = match axis {
            0 => (x * c - i * s * y, y * c - i * s * x),
            1 => (x * c - s * y, y * c + s * x),
            _ => (x * Complex64::cis(-angle), y * Complex64::cis(angle)),
        };
    }
}

/// `v -> exp(-i angle s_i s_j) v`, which is `cos - i sin s_i s_j`.
fn couple(v: &mut [Complex64], spins: usize, (i, j): (usize, usize), axis: usize, angle: f64) {
    let (p, q) = (1 << (spins - 1 - i), 1 << (spins - 1 - j));
    let both = |v: &[Complex64], a: usize| {
        let odd = (a & p == 0) != (a & q == 0);
        match axis {
            0 => v[a ^ p ^ q],
            // Y|up> = i|down>, Y|down> = -i|up>.
            1 => v[a ^ p ^ q] * if odd { 1.0 } else { -1.0 },
            _ => v[a] * if odd { -1.0 } else { 1.0 },
        }
    };
    let before = v.to_vec();
    for (a, x) in v.iter_mut().enumerate() {
        *x = before[a] * angle.cos() - Complex64::i() * angle.sin() * both(&before, a);
    }
}

fn evolve(v: &mut [Complex64], spins: usize, axis: usize, part: &Axis, t: f64) {
    let mut k = 0;
    for i in 0..spins {
        rotate(v, spins, i, axis, part.fields[i] * t);
        for j in i + 1..spins {
            couple(v, spins, (i, j), axis, part.couplings[k] * t);
            k += 1;
        }
    }
}

fn observed(psi: &[Complex64], phi: &[Complex64], weights: &[f64]) -> [Complex64; 2] {
    let n = weights.len();
    let mut out = [Complex64::default(); 2];
    for (spin, w) in weights.iter().enumerate() {
        let bit = 1 << (n - 1 - spin);
        for a in (0..psi.len()).filter(|a| a & bit == 0) {
            out[0] += psi[a].conj() * phi[a | bit] * w;
            out[1] += psi[a | bit].conj() * phi[a] * w;
        }
    }
    out
}

/// Two steps per point, three points, with 13 and 14 spins (two groups of spins), each coupling rotated by itself: equal to 1e-13.
#[test]
fn strang_steps_are_products_of_rotations() {
    let Some(device) = device() else { return };
    for spins in [13, 14] {
        let mut random = Random(spins as u64);
        let axes = [random.axis(spins), random.axis(spins), random.axis(spins)];
        let weights: Vec<f64> = (0..spins).map(|k| if k % 3 == 0 { 0.0 } else { random.next() }).collect();
        let (mut psi, mut phi) = (random.vector(spins), random.vector(spins));
        let decay = Decay::new(&device, &axes, &weights, [&psi, &phi]).unwrap();
        let found = decay.sampled(3, 0.3, 2).unwrap();
        let h = 0.15;
        for (k, pair) in found.iter().enumerate() {
            let right = observed(&psi, &phi, &weights);
            for (a, b) in pair.iter().zip(&right) {
                assert!((a - b).norm() < 1e-13, "{spins} spins, point {k}: {a} {b}");
            }
            for _ in 0..2 {
                for (axis, share) in [(2, 0.5), (0, 0.5), (1, 1.0), (0, 0.5), (2, 0.5)] {
                    evolve(&mut psi, spins, axis, &axes[axis], share * h);
                    evolve(&mut phi, spins, axis, &axes[axis], share * h);
                }
            }
        }
        // The vectors on the device are not changed by a run.
        assert_eq!(decay.sampled(3, 0.3, 2).unwrap(), found);
    }
}

/// A device of an absent kind is an error with a text, not a panic.
#[test]
fn errors_have_texts() {
    let e = Error::NoDevice(vec!["llvmpipe".into()]);
    assert!(e.to_string().contains("only llvmpipe"));
    assert!(Error::TooLarge(2, 1).to_string().contains("2 bytes"));
}

/// A matrix, row by row.
type Matrix = Vec<Complex64>;

fn product(n: usize, a: &[Complex64], b: &[Complex64]) -> Matrix {
    (0..n * n).map(|k| (0..n).map(|j| a[k / n * n + j] * b[j * n + k % n]).sum()).collect()
}

fn adjoint(n: usize, a: &[Complex64]) -> Matrix {
    (0..n * n).map(|k| a[k % n * n + k / n].conj()).collect()
}

/// `exp(-i h t)` by scaling, a Taylor series of order 24, and squaring.
fn propagator(n: usize, h: &[Complex64], t: f64) -> Matrix {
    let size: f64 = h.iter().map(|x| x.norm()).sum::<f64>() * t.abs();
    let halvings = size.max(1.0).log2().ceil() as i32 + 1;
    let a: Matrix = h.iter().map(|x| x * Complex64::new(0.0, -t * 0.5f64.powi(halvings))).collect();
    let one: Matrix = (0..n * n).map(|k| Complex64::new(if k / n == k % n { 1.0 } else { 0.0 }, 0.0)).collect();
    let (mut sum, mut power) = (one.clone(), one);
    for k in 1..24 {
        power = product(n, &power, &a).into_iter().map(|x| x / f64::from(k)).collect();
        sum.iter_mut().zip(&power).for_each(|(s, x)| *s += x);
    }
    (0..halvings).for_each(|_| sum = product(n, &sum, &sum));
    sum
}

impl Random {
    fn complex(&mut self) -> Complex64 {
        Complex64::new(self.next(), self.next())
    }

    fn hermitian(&mut self, n: usize) -> Matrix {
        let a: Matrix = (0..n * n).map(|_| self.complex()).collect();
        a.iter().zip(adjoint(n, &a)).map(|(x, y)| (x + y) * 0.5).collect()
    }
}

fn entries(n: usize, a: &[Complex64]) -> Vec<Entry> {
    a.iter().enumerate().map(|(k, x)| (k / n, k % n, *x)).collect()
}

/// Random Hamiltonians of 2 to 8 states (16 on a graphics processor), with a common pulse and an evolution before the acquisition: equal to products of propagators by
/// Taylor series, to 1e-12 of the sum of all amplitudes; also for more points than a block has.
#[test]
fn signals_of_members_are_traces() {
    let Some(device) = device() else { return };
    for (n, points) in [(2, 9), (3, 2051), (8, 16), (16, 12)] {
        if n > Members::largest(device.kind()) {
            continue;
        }
        let mut random = Random(n as u64);
        let operators: Vec<Matrix> = (0..3).map(|_| random.hermitian(n)).collect();
        let (rho, raising) = (random.hermitian(n), (0..n * n).map(|_| random.complex()).collect::<Matrix>());
        let pulse = propagator(n, &random.hermitian(n), 0.7);
        let members = 5;
        let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..members).map(|_| random.next()).collect()).collect();
        let factors: Vec<Complex64> = (0..members).map(|_| random.complex()).collect();
        let term = |row: usize| Term { row, entries: entries(n, &operators[row]) };
        let blocks = [Block::Evolve(vec![term(0), term(2)], 0.9), Block::Unitary(pulse.clone())];
        let (hamiltonian, dwell) = (vec![term(0), term(1)], 0.31);
        let acquisition = Acquisition { hamiltonian, raising: entries(n, &raising), points, dwell };
        let compiled = Members::new(&device, (n, &rho), &blocks, &acquisition, 3).unwrap();
        compiled.add(&columns, &factors).unwrap();
        compiled.add(&columns, &factors).unwrap();
        let found = compiled.total().unwrap();
        let mut right = vec![Complex64::default(); points];
        for m in 0..members {
            let sum = |rows: [usize; 2]| -> Matrix {
                (0..n * n).map(|k| rows.iter().map(|r| operators[*r][k] * columns[*r][m]).sum()).collect()
            };
            let u = product(n, &pulse, &propagator(n, &sum([0, 2]), 0.9));
            let mut state = product(n, &product(n, &u, &rho), &adjoint(n, &u));
            let step = propagator(n, &sum([0, 1]), dwell);
            for x in &mut right {
                let seen = product(n, &raising, &state);
                // Each chunk was added twice.
                *x += (0..n).map(|k| seen[k * n + k]).sum::<Complex64>() * factors[m] * 2.0;
                state = product(n, &product(n, &step, &state), &adjoint(n, &step));
            }
        }
        let largest = right.iter().map(|x| x.norm()).fold(0.0, f64::max);
        // Rounding of products of propagators grows with the number of points.
        let tolerance = 1e-13 * (10.0 + points as f64) * largest;
        for (k, (a, b)) in found.iter().zip(&right).enumerate() {
            assert!((a - b).norm() < tolerance, "{n} states, point {k}: {a} {b}");
        }
        assert_eq!(found.len(), points);
    }
}

/// What a device cannot compute is refused.
#[test]
fn limits_are_errors() {
    let Some(device) = device() else { return };
    let zero = Acquisition { hamiltonian: vec![], raising: vec![], points: 1, dwell: 1.0 };
    assert!(Members::new(&device, (17, &[Complex64::default(); 289]), &[], &zero, 0).is_err());
    let axis = || Axis { fields: vec![0.0; 12], couplings: vec![0.0; 66] };
    let v = vec![Complex64::default(); 1 << 12];
    assert!(Decay::new(&device, &[axis(), axis(), axis()], &[1.0; 12], [&v, &v]).is_err());
}
