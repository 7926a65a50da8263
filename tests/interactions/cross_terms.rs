//! Second-order cross terms of quadrupolar and dipolar couplings against the levels of the whole Hamiltonian in the laboratory frame.

use crate::tensors;

use ergoseq::emulator::Options;
use ergoseq::hamiltonian::{Evaluator, Step, Values, build};
use ergoseq::linalg::{Matrix, hermitian_values, identity};
use ergoseq::spin::Isotope;
use std::f64::consts::TAU;
use tensors::{about_y, about_z, euler, product, spin};

/// The field of the tests, T.
const FIELD: f64 = 9.4;

/// A carbon beside a quadrupolar nucleus: couplings in Hz, angles in degrees.
#[derive(Clone, Copy)]
struct Case {
    nucleus: &'static str,
    quadrupole: f64,
    eta: f64,
    axes: [f64; 3],
    dipolar: f64,
    along: [f64; 3],
    orientation: [f64; 3],
    spinning: Option<f64>,
}

impl Case {
    fn states(&self) -> usize {
        Isotope::named(self.nucleus).unwrap().twice_spin as usize + 1
    }

    fn system(&self, order: usize) -> String {
        let triple = |[a, b, c]: [f64; 3]| format!("({a}, {b}, {c})");
        let spinning = self.spinning.map_or(String::new(), |rate| format!("spinning {rate} Hz"));
        format!(
            "field {FIELD} T\n temperature 300 K\n spin c : 13C\n spin q : {}\n quadrupole q = {} Hz eta {} axes {} deg order {order}\n \
             dipolar c q = {} Hz along {}\n orientation {} deg\n {spinning}",
            self.nucleus,
            self.quadrupole,
            self.eta,
            triple(self.axes),
            self.dipolar,
            triple(self.along),
            triple(self.orientation),
        )
    }

    /// What the program takes for the couplings at a time, rad/s.
    fn ours(&self, order: usize, time: f64) -> Matrix {
        let text = format!(
            "ergoseq 1\nsystem {{ {} }}\nsequence {{ prepare thermal\n delay 1 ms }}\nmeasure {{ entropy }}\n",
            self.system(order)
        );
        let compiled =
            ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
        let e = Evaluator::new(&compiled.experiment, &Values::new()).unwrap();
        let (schedule, _) = build(&e).unwrap();
        let Some(Step::Segment(segment)) = schedule.steps.first() else { panic!("no segment") };
        let n = 2 * self.states();
        segment.terms().fold(Matrix::zeros(n, n), |sum, (coefficient, operator)| {
            sum + operator.matrix().map(|c| c * coefficient.at(time))
        })
    }

    /// Levels of the whole Hamiltonian by the state of the carbon and falling m of the other, less their Zeeman energies, rad/s.
    fn whole(&self, time: f64) -> Vec<f64> {
        let states = self.states();
        let a = spin(2).map(|m| m.kronecker(&identity(states)));
        let b = spin(states).map(|m| identity(2).kronecker(&m));
        let mut crystal = euler(self.orientation);
        if let Some(rate) = self.spinning {
            let magic = (1.0 / 3f64.sqrt()).acos();
            crystal = product(product(about_y(magic), about_z(TAU * rate * time)), crystal);
        }
        let turned = product(crystal, euler(self.axes));
        let own = [-0.5 * (1.0 + self.eta), -0.5 * (1.0 - self.eta), 1.0];
        let length = self.along.iter().map(|x| x * x).sum::<f64>().sqrt();
        let u: [f64; 3] = std::array::from_fn(|i| (0..3).map(|k| crystal[i][k] * self.along[k] / length).sum());
        let s = (states - 1) as f64 / 2.0;
        let factor = TAU * self.quadrupole / (2.0 * s * (2.0 * s - 1.0));
        let larmor = |nucleus: &str| -Isotope::named(nucleus).unwrap().gamma * FIELD;
        let zeeman = a[2].map(|x| x * larmor("13C")) + b[2].map(|x| x * larmor(self.nucleus));
        let mut h = zeeman.clone();
        for i in 0..3 {
            for j in 0..3 {
                let v: f64 = (0..3).map(|k| turned[i][k] * own[k] * turned[j][k]).sum();
                h += (&b[i] * &b[j]).map(|c| c * (v * factor));
                let d = TAU * self.dipolar * (3.0 * u[i] * u[j] - if i == j { 1.0 } else { 0.0 });
                h += (&a[i] * &b[j]).map(|c| c * d);
            }
        }
        let mut levels: Vec<f64> = hermitian_values(&h).unwrap().to_vec();
        levels.sort_by(f64::total_cmp);
        let mut order: Vec<usize> = (0..2 * states).collect();
        order.sort_by(|x, y| zeeman[(*x, *x)].re.total_cmp(&zeeman[(*y, *y)].re));
        let mut all = vec![0.0; 2 * states];
        order.iter().zip(&levels).for_each(|(k, level)| all[*k] = level - zeeman[(*k, *k)].re);
        all
    }

    /// The largest error of a line of the carbon, rad/s.
    fn error(&self, order: usize, time: f64) -> f64 {
        let (h, exact, states) = (self.ours(order, time), self.whole(time), self.states());
        let line = |level: &dyn Fn(usize) -> f64, k: usize| level(k) - level(k + states);
        (0..states).map(|k| (line(&|k| h[(k, k)].re, k) - line(&|k| exact[k], k)).abs()).fold(0.0, f64::max)
    }
}

#[test]
fn the_lines_of_a_carbon_beside_a_quadrupolar_nucleus_are_right_to_third_order() {
    let angles = [[0.0, 0.0, 0.0], [20.0, 50.0, -30.0], [100.0, 90.0, 45.0], [-70.0, 125.0, 10.0], [33.0, 71.0, 160.0]];
    for nucleus in ["14N", "23Na", "17O"] {
        let larmor = (Isotope::named(nucleus).unwrap().gamma * FIELD / TAU).abs();
        // A weak dipolar coupling b, whose own second order is far smaller than the cross term. The Larmor frequencies of 13C and 23Na differ by
        // 5 MHz only: flip-flops shift by b^2 over this, which is a quarter at half of b.
        let weak = if nucleus == "23Na" { 1e-6 } else { 1e-5 };
        for (k, orientation) in angles.into_iter().enumerate() {
            for (spinning, time) in [(None, 0.0), (Some(12e3), 17e-6), (Some(-9e3), 31e-6)] {
                let case = |ratio: f64| Case {
                    nucleus,
                    quadrupole: ratio * larmor,
                    eta: 0.2 * k as f64,
                    axes: [10.0, 40.0, 70.0],
                    dipolar: weak * ratio * larmor,
                    along: [0.3, -1.0, 0.8],
                    orientation,
                    spinning,
                };
                let (large, small) = (case(1e-2), case(5e-3));
                let errors = [large.error(2, time), small.error(2, time)];
                let first = large.error(1, time);
                // The cross term is C b/nu, what is left C^2 b/nu^2 and less: at least five times smaller at C = nu/100, and an eighth of
                // it at half of both couplings. Levels of 1e9 rad/s are rounded to 1e-6.
                assert!(first > 5.0 * errors[0], "{nucleus} {k} {spinning:?}: {first} {errors:?}");
                assert!(errors[1] < errors[0] / 6.5 + 3e-6, "{nucleus} {k} {spinning:?}: {errors:?}");
            }
        }
    }
}

#[test]
fn the_average_over_the_sphere_is_the_residual_splitting() {
    // Olivieri's shift of the line for m_S = m, (3 C b/(20 nu)) (S(S+1) - 3 m^2)/(S (2S - 1)) (3 cos^2 beta - 1 - eta sin^2 beta cos 2 alpha),
    // with (beta, alpha) the direction of the pair in the principal axes. The order of nodes of a Gauss quadrature with 3 polar angles and
    // 5 azimuths is exact for rank 4, the highest of the product of two tensors.
    let (beta, alpha) = (40f64.to_radians(), 25f64.to_radians());
    for (nucleus, c, b, eta) in [("14N", 1.2e6, 900.0, 0.3), ("23Na", 2.0e6, -400.0, 0.6)] {
        let mut mean = [0.0; 4];
        let states = Isotope::named(nucleus).unwrap().twice_spin as usize + 1;
        for (cosine, weight) in [(-0.6f64.sqrt(), 5.0 / 18.0), (0.0, 8.0 / 18.0), (0.6f64.sqrt(), 5.0 / 18.0)] {
            for k in 0..5 {
                let case = Case {
                    nucleus,
                    quadrupole: c,
                    eta,
                    axes: [0.0; 3],
                    dipolar: b,
                    along: [beta.sin() * alpha.cos(), beta.sin() * alpha.sin(), beta.cos()],
                    orientation: [0.0, cosine.acos().to_degrees(), 72.0 * f64::from(k)],
                    spinning: None,
                };
                let h = case.ours(2, 0.0);
                for (m, sum) in mean.iter_mut().take(states).enumerate() {
                    *sum += weight / 5.0 * (h[(m, m)] - h[(m + states, m + states)]).re / TAU;
                }
            }
        }
        let s = (states - 1) as f64 / 2.0;
        let nu = Isotope::named(nucleus).unwrap().gamma * FIELD / TAU;
        let angle = 3.0 * beta.cos().powi(2) - 1.0 - eta * beta.sin().powi(2) * (2.0 * alpha).cos();
        for (k, found) in mean.iter().take(states).enumerate() {
            let m = s - k as f64;
            let expected = 3.0 * c * b / (20.0 * nu) * (s * (s + 1.0) - 3.0 * m * m) / (s * (2.0 * s - 1.0)) * angle;
            // First-order couplings of 1e3 Hz cancel in the mean.
            assert!(
                (found - expected).abs() < 1e-9 * b.abs() && expected.abs() > 0.5,
                "{nucleus} {m}: {found} {expected}"
            );
        }
    }
}

#[test]
fn powders_in_batches_take_the_cross_term_too() {
    // One member at a time (a spread parameter keeps a powder out of batches) and in lanes.
    let signal = |spread: &str| {
        let text = format!(
            "ergoseq 1\nparam unused = 1\nsystem {{ field 4.7 T\n temperature 300 K\n spin c : 13C\n spin n : 14N\n \
             quadrupole n = 1.2 MHz eta 0.3 order 2\n dipolar c n = 0.9 kHz along (1, 0, 2) }}\nensemble {{ orientation : zcw points 34\n {spread} }}\n\
             sequence {{ prepare thermal\n pulse 13C 90 deg phase y ideal\n acquire 13C points 16 dwell 1 ms }}\nmeasure {{ signal(13C), signal_im(13C) }}\n"
        );
        let compiled =
            ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
        let run = ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap();
        run.traces[0].values.clone()
    };
    let (batches, single) = (signal(""), signal("param unused : uniform(from = 0, to = 1) points 1"));
    let top = batches.iter().flat_map(|(_, x)| x.iter().flatten()).fold(0.0f64, |m, x| m.max(x.abs()));
    for ((_, a), (_, b)) in batches.iter().zip(&single) {
        for (x, y) in a.iter().zip(b) {
            // Phases of the first-order quadrupolar coupling, 1e5 rad, do not act on the carbon.
            assert!((x.unwrap() - y.unwrap()).abs() < 1e-9 * top, "{x:?} {y:?}");
        }
    }
}
