//! Quadrupolar couplings to second order against the levels of the whole Hamiltonian in the laboratory frame.

use crate::tensors;

use ergoseq::hamiltonian::{Evaluator, Step, Values, build};
use ergoseq::linalg::{Matrix, hermitian_values};
use ergoseq::spin::Isotope;
use std::f64::consts::TAU;
use tensors::{about_y, about_z, euler, product, spin};

/// The field of the tests, T.
const FIELD: f64 = 9.4;

/// A coupling of a nucleus in some orientation; angles in degrees.
struct Case {
    nucleus: &'static str,
    size: f64,
    eta: f64,
    axes: [f64; 3],
    orientation: [f64; 3],
    spinning: Option<f64>,
}

/// What the program takes for the coupling at a time, rad/s.
fn ours(case: &Case, order: usize, time: f64) -> Matrix {
    let triple = |[a, b, c]: [f64; 3]| format!("({a}, {b}, {c}) deg");
    let spinning = case.spinning.map_or(String::new(), |rate| format!("spinning {rate} Hz"));
    let text = format!(
        "ergoseq 1\nsystem {{ field {FIELD} T\n temperature 300 K\n spin q : {}\n quadrupole q = {} Hz eta {} axes {} order {order}\n \
         orientation {}\n {spinning} }}\nsequence {{ prepare thermal\n delay 1 ms }}\nmeasure {{ entropy }}\n",
        case.nucleus,
        case.size,
        case.eta,
        triple(case.axes),
        triple(case.orientation),
    );
    let compiled =
        ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let e = Evaluator::new(&compiled.experiment, &Values::new()).unwrap();
    let (schedule, _) = build(&e).unwrap();
    let Some(Step::Segment(segment)) = schedule.steps.first() else { panic!("no segment") };
    segment
        .terms()
        .fold(Matrix::zeros(e.basis.size() as usize, e.basis.size() as usize), |sum, (coefficient, operator)| {
            sum + operator.matrix().map(|c| c * coefficient.at(time))
        })
}

/// Levels of the whole Hamiltonian less those of `w Iz`, rad/s, by falling m.
fn whole(case: &Case, time: f64) -> Vec<f64> {
    let isotope = Isotope::named(case.nucleus).unwrap();
    let dimension = isotope.twice_spin as usize + 1;
    let [x, y, z] = spin(dimension);
    let s = (dimension - 1) as f64 / 2.0;
    let larmor = -isotope.gamma * FIELD;
    let mut turned = product(euler(case.orientation), euler(case.axes));
    if let Some(rate) = case.spinning {
        let magic = (1.0 / 3f64.sqrt()).acos();
        turned = product(product(about_y(magic), about_z(TAU * rate * time)), turned);
    }
    let own = [-0.5 * (1.0 + case.eta), -0.5 * (1.0 - case.eta), 1.0];
    let factor = TAU * case.size / (2.0 * s * (2.0 * s - 1.0));
    let mut h = z.map(|c| c * larmor);
    for i in 0..3 {
        for j in 0..3 {
            let v: f64 = (0..3).map(|k| turned[i][k] * own[k] * turned[j][k]).sum();
            h += (&[&x, &y, &z][i].clone() * [&x, &y, &z][j]).map(|c| c * (v * factor));
        }
    }
    let mut levels = hermitian_values(&h).unwrap();
    levels.sort_by(|a, b| if larmor > 0.0 { b.total_cmp(a) } else { a.total_cmp(b) });
    levels.iter().enumerate().map(|(k, level)| level - larmor * (s - k as f64)).collect()
}

/// The largest distance between the levels of a perturbation series to some order and those of the whole, rad/s.
fn error(case: &Case, order: usize, time: f64) -> f64 {
    let h = ours(case, order, time);
    let off: f64 = (0..h.nrows()).flat_map(|i| (0..i).map(move |j| (i, j))).map(|at| h[at].norm()).fold(0.0, f64::max);
    assert!(off < 1e-6, "secular terms are diagonal: {off}");
    whole(case, time).iter().enumerate().map(|(k, level)| (level - h[(k, k)].re).abs()).fold(0.0, f64::max)
}

#[test]
fn the_error_of_the_second_order_is_of_the_third() {
    let angles = [[0.0, 0.0, 0.0], [20.0, 50.0, -30.0], [100.0, 90.0, 45.0], [-70.0, 125.0, 10.0]];
    for nucleus in ["2H", "23Na", "27Al", "14N"] {
        for (k, orientation) in angles.into_iter().enumerate() {
            for (spinning, time) in [(None, 0.0), (Some(12e3), 0.0), (Some(12e3), 17e-6), (Some(-9e3), 31e-6)] {
                let isotope = Isotope::named(nucleus).unwrap();
                let larmor = (isotope.gamma * FIELD / TAU).abs();
                let case = |ratio: f64| Case {
                    nucleus,
                    size: ratio * larmor,
                    eta: 0.25 * k as f64,
                    axes: [10.0, 40.0, 70.0],
                    orientation,
                    spinning,
                };
                // The terms left out are V^3/w^2: at C = w/100 below 1e-6 of w, and 8 times smaller at half of C.
                let (large, small) = (case(1e-2), case(5e-3));
                let errors = [error(&large, 2, time), error(&small, 2, time)];
                assert!(errors[0] < 2e-6 * TAU * larmor, "{nucleus} {k}: {errors:?}");
                // Rounding of the whole levels, 1e-15 of w times the number of states.
                assert!(errors[1] < errors[0] / 7.0 + 1e-13 * TAU * larmor, "{nucleus} {k} {spinning:?}: {errors:?}");
                // The first order alone is off by V^2/w.
                let first = error(&large, 1, time);
                assert!(first > 10.0 * errors[0], "{nucleus} {k}: {first} {errors:?}");
            }
        }
    }
}

#[test]
fn powders_in_batches_take_the_second_order_too() {
    // One member at a time (a spread parameter keeps a powder out of batches) and in lanes.
    let run = |spread: &str| {
        let text = format!(
            "ergoseq 1\nparam unused = 1\nsystem {{ field 9.4 T\n temperature 300 K\n spin q : 23Na\n quadrupole q = 1.2 MHz eta 0.3 order 2 }}\n\
             ensemble {{ orientation : zcw points 34\n {spread} }}\nsequence {{ prepare thermal\n pulse 23Na 90 deg phase y ideal\n \
             acquire 23Na points 32 dwell 0.4 us }}\nmeasure {{ signal(23Na), signal_im(23Na) }}\n"
        );
        let compiled =
            ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
        let run = ergoseq::run(&compiled.experiment, &Values::new(), &ergoseq::emulator::Options::default()).unwrap();
        run.traces[0].values.clone()
    };
    let (batches, single) = (run(""), run("param unused : uniform(from = 0, to = 1) points 1"));
    let largest = |all: &[(String, Vec<Option<f64>>)]| {
        all.iter().flat_map(|(_, x)| x.iter().flatten()).fold(0.0f64, |m, x| m.max(x.abs()))
    };
    for ((_, a), (_, b)) in batches.iter().zip(&single) {
        for (x, y) in a.iter().zip(b) {
            let (x, y) = (x.unwrap(), y.unwrap());
            // Rounding of phases of some hundred turns.
            assert!((x - y).abs() < 1e-11 * largest(&batches), "{x} {y}");
        }
    }
}
