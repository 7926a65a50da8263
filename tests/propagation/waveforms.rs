//! Time dependence is resolved, not sampled. Random expressions in t with narrow pulses, jumps, corners and oscillations at random
//! places are integrated and propagated; the antiderivative of each is known in closed form.
//!
//! `ERGOSEQ_CASES=1000000 cargo test --release --test propagation waveforms` integrates a million of them.

use ergoseq::emulator::{Method, Options};
use ergoseq::hamiltonian::{Evaluator, Values};
use ergoseq::ir::Experiment;
use ergoseq::units::UnitSystem;
use ergoseq::waveform::integrals;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Evenly distributed in its logarithm.
    fn scale(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
}

/// An expression, and its antiderivative.
struct Feature {
    text: String,
    integral: Box<dyn Fn(f64) -> f64>,
}

fn feature(text: String, integral: impl Fn(f64) -> f64 + 'static) -> Feature {
    Feature { text, integral: Box::new(integral) }
}

/// A number as the language writes it, sign included.
fn n(x: f64) -> String {
    format!("({x:e})")
}

/// A feature over `0 .. length`.
fn random_feature(r: &mut Random, length: f64) -> Feature {
    let a = r.between(0.0, length);
    let b = r.between(a, length);
    let width = length * r.scale(1e-7, 0.3);
    let cycles = r.scale(0.2, 60.0);
    let w = TAU * cycles / length;
    let phase = r.between(0.0, TAU);
    match r.below(19) {
        0 => feature(format!("1/cosh((t - {})/{})^2", n(a), n(width)), move |t| width * ((t - a) / width).tanh()),
        1 => feature(format!("1/(1 + ((t - {})/{})^2)", n(a), n(width)), move |t| width * ((t - a) / width).atan()),
        2 => {
            let ramp = move |t: f64| (t - a).max(0.0) - (t - b).max(0.0);
            feature(format!("(step(t - {}) - step(t - {}))", n(a), n(b)), ramp)
        }
        3 => {
            // A boxcar far narrower than any grid.
            let ramp = move |t: f64| (t - a).max(0.0) - (t - a - width).max(0.0);
            feature(format!("(step(t - {}) - step(t - {}))", n(a), n(a + width)), ramp)
        }
        4 => {
            let triangle = move |t: f64| (w * t + phase).cos().acos() / w;
            feature(format!("sign(sin({}*t + {}))", n(w), n(phase)), triangle)
        }
        5 => {
            let stairs = move |t: f64| {
                let x = w * t;
                let whole = x.floor();
                (whole * (whole - 1.0) / 2.0 + whole * (x - whole)) / w
            };
            feature(format!("floor({}*t)/{}", n(w), n(cycles)), move |t| stairs(t) / cycles)
        }
        6 => feature(format!("abs(t - {})/{}", n(a), n(length)), move |t| (t - a) * (t - a).abs() / (2.0 * length)),
        7 => feature(format!("max(0, t - {})/{}", n(a), n(length)), move |t| (t - a).max(0.0).powi(2) / (2.0 * length)),
        8 => {
            let integral = move |t: f64| {
                let x = w * t;
                let turns = (x / PI).floor();
                (2.0 * turns + 1.0 - (x - PI * turns).cos()) / w
            };
            feature(format!("abs(sin({}*t))", n(w)), integral)
        }
        9 => {
            // A smooth pulse that is cut.
            let integral = move |t: f64| {
                let f = |t: f64| width * ((t - a) / width).tanh();
                f(t.max(a)) - f(a)
            };
            feature(format!("step(t - {})/cosh((t - {})/{})^2", n(a), n(a), n(width)), integral)
        }
        10 => {
            let k = r.between(0.0, 8.0) / length;
            let integral = move |t: f64| (-k * t).exp() * (w * (w * t).sin() - k * (w * t).cos()) / (k * k + w * w);
            feature(format!("exp(-{}*t)*cos({}*t)", n(k), n(w)), integral)
        }
        11 => feature(format!("cos({}*t)^2", n(w)), move |t| 0.5 * t + (2.0 * w * t).sin() / (4.0 * w)),
        12 => {
            // A sawtooth.
            let integral = move |t: f64| {
                let x = w * t;
                let whole = x.floor();
                (0.5 * whole + 0.5 * (x - whole) * (x - whole)) / w
            };
            feature(format!("({w}*t - floor({w}*t))", w = n(w)), integral)
        }
        13 => feature(format!("sqrt(t/{})", n(length)), move |t| 2.0 / 3.0 * (t * t * t / length).sqrt()),
        14 => {
            let integral = move |t: f64| 0.5 * width * (((t - a) / width).powi(2)).ln_1p();
            feature(format!("((t - {a})/{w})/(1 + ((t - {a})/{w})^2)", a = n(a), w = n(width)), integral)
        }
        15 => feature(format!("atan((t - {})/{})", n(a), n(width)), move |t| {
            let x = (t - a) / width;
            width * (x * x.atan() - 0.5 * (x * x).ln_1p())
        }),
        16 => {
            // Identically zero behind its jump, where the magnitude has no corner.
            feature(format!("abs(1 - step(t - {}))", n(a)), move |t| t.min(a))
        }
        17 => {
            // The same at both ends, with corners between.
            let integral = move |t: f64| {
                let f = |t: f64| {
                    let x = w * t;
                    let turns = (x / PI).floor();
                    (2.0 * turns + 1.0 - (x - PI * turns).cos()) / w
                };
                f(t.clamp(a, b)) - f(a)
            };
            let text = format!("max(0, abs((step(t - {}) - step(t - {}))*sin({}*t)))", n(a), n(b), n(w));
            feature(text, integral)
        }
        _ => {
            // Narrow pulses again and again: `exp(k (cos x - 1))` by its mean and Fourier series would need Bessel functions; this one
            // is `sinh(k) / (cosh(k) - cos x)`, whose mean is 1.
            let k = r.scale(0.01, 2.0);
            let integral = move |t: f64| {
                let x = w * t + phase;
                let turns = ((x + PI) / TAU).floor();
                let half = 0.5 * (x - TAU * turns);
                let inner = if half.abs() < FRAC_PI_2 { ((0.5 * k).tanh().recip() * half.tan()).atan() } else { half };
                (2.0 * inner + TAU * turns) / w
            };
            feature(format!("sinh({k})/(cosh({k}) - cos({}*t + {}))", n(w), n(phase), k = n(k)), integral)
        }
    }
}

/// A sum of some features, its integral over `0 .. length`, and the largest that the integral could be.
fn random_sum(r: &mut Random, length: f64) -> (String, f64, f64) {
    let mut text = String::new();
    let (mut integral, mut scale) = (0.0, 0.0f64);
    for k in 0..1 + r.below(3) {
        let feature = random_feature(r, length);
        let c = r.between(-2.0, 2.0);
        text += &format!("{}{}*{}", if k > 0 { " + " } else { "" }, n(c), feature.text);
        integral += c * ((feature.integral)(length) - (feature.integral)(0.0));
        scale += c.abs() * length;
    }
    (text, integral, scale.max(1e-3 * length))
}

fn cases(default: usize) -> usize {
    std::env::var("ERGOSEQ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn seed() -> u64 {
    std::env::var("ERGOSEQ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// Integrals are those of the antiderivatives to 1e-8 of the largest possible value: rounding of the argument `(t - a)/w` at
/// `w/T = 1e-7` costs up to 1e-9.
#[test]
fn no_feature_is_missed() {
    let experiment = Experiment { units: UnitSystem::Natural, ..Experiment::default() };
    let e = Evaluator::new(&experiment, &Values::new()).unwrap();
    let mut r = Random(seed());
    let (total, mut refused) = (cases(3000), 0);
    for case in 0..total {
        let length = r.scale(1e-6, 1e4);
        let (text, exact, scale) = random_sum(&mut r, length);
        let expr = ergoseq::syntax::parse_expression(&text, 0).unwrap();
        let curve = e.curve(&expr).unwrap();
        match integrals([&curve], length) {
            Ok(found) => {
                let error = (found[0] * length - exact).abs();
                assert!(
                    error < 1e-8 * scale,
                    "case {case}: {text} over {length}: {} beside {exact}",
                    found[0] * length
                );
            }
            Err(e) => {
                if refused < 25 {
                    eprintln!("{e}: {text} over {length}");
                }
                refused += 1
            }
        }
    }
    assert!(refused * 1000 <= total, "{refused} of {total} expressions were refused");
}

/// One spin in a field along x: `<Z> = cos(2 integral of f)`, for every method. The tolerance of the state is 1e-7, and the largest
/// angle is some tens of radians.
#[test]
fn every_method_sees_every_feature() {
    let mut r = Random(seed() + 1000);
    for case in 0..cases(60).min(100_000) {
        let length = r.scale(0.1, 20.0);
        let (text, integral, _) = random_sum(&mut r, length);
        let program = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nsequence {{\n prepare ket \"0\"\n evolve ({text})*X(a) for {length:e}\n}}\n\
             measure {{ expectation(Z(a)) }}\n"
        );
        let compiled = ergoseq::compile("random.seq", &program, &mut ergoseq::no_files).unwrap();
        for method in [Method::Auto, Method::Dop853, Method::Plain] {
            let options = Options { method, ..Options::default() };
            let run = ergoseq::run(&compiled.experiment, &Default::default(), &options)
                .unwrap_or_else(|e| panic!("case {case}, {method:?}: {program}\n{}", e.message));
            let found = run.marks.last().unwrap().values[0].1.unwrap();
            let exact = (2.0 * integral).cos();
            assert!((found - exact).abs() < 2e-6, "case {case}, {method:?}: {found} beside {exact}\n{program}");
        }
    }
}

/// Programs whose features a grid of samples misses, each with its right value and where that comes from; for every method.
#[test]
fn cases_have_their_values() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/waveforms");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "seq")).collect();
    files.sort();
    assert!(!files.is_empty());
    for method in ["auto", "dop853", "plain"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ergoseq"));
        let output = command.arg("test").args(["--method", method]).args(&files).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{method}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What cannot be resolved within a budget is refused with the place, never guessed.
#[test]
fn what_cannot_be_resolved_is_refused() {
    for coefficient in ["1/(t - 0.37)", "tan(3*t)", "log(t)", "floor(1e9*t)", "floor(sin(1e9*t^2))", "cos(1e12*t)"] {
        let program = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nsequence {{\n prepare ket \"00\"\n evolve {coefficient}*X(a) + Z(a)*Z(b) for 1\n}}\n\
             measure {{ expectation(Z(a)) }}\n"
        );
        let compiled = ergoseq::compile("refused.seq", &program, &mut ergoseq::no_files).unwrap();
        for method in [Method::Auto, Method::Dop853, Method::Plain] {
            let options = Options { method, ..Options::default() };
            let refused = ergoseq::run(&compiled.experiment, &Default::default(), &options).unwrap_err();
            // Phases without a bound are refused before the waveform is resolved.
            let code = refused.code.number();
            assert!(code == "E504" || code == "E404", "{coefficient}, {method:?}: {}", refused.message);
        }
    }
}
