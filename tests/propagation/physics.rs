//! Laws of physics, held by every method alike. Each check says why its tolerance is what it is.

use ergoseq::emulator::engines::{StepError, choose};
use ergoseq::emulator::{Generator, Method, Options, Run};
use ergoseq::hamiltonian::{Scalar, Segment, Values};
use ergoseq::linalg::{C64, Matrix, hermitian_values, real};
use ergoseq::source::Place;
use ergoseq::spin::{Basis, Local, LocalKind, Operator, Site, Space, State};
use ergoseq::waveform::Function;
use std::sync::Arc;

const METHODS: [Method; 3] = [Method::Auto, Method::Dop853, Method::Plain];

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    }

    fn matrix(&mut self, n: usize) -> Matrix {
        Matrix::from_fn(n, n, |_, _| C64::new(self.next(), self.next()))
    }

    fn hermitian(&mut self, n: usize) -> Matrix {
        ergoseq::linalg::hermitian_part(&self.matrix(n))
    }

    fn state(&mut self, n: usize) -> Matrix {
        let g = self.matrix(n);
        let m = &g * g.adjoint();
        let trace = m.trace();
        m.map(|x| x / trace)
    }
}

fn one_site(n: usize) -> Basis {
    Basis::new(vec![Site::spin("a", n as u32 - 1, None)])
}

fn operator(m: &Matrix) -> Operator {
    Operator::local(&one_site(m.nrows()), 0, Local::from_matrix(m))
}

/// A segment with a random Hamiltonian, driven or not, open or not.
fn segment(random: &mut Random, n: usize, driven: bool, open: bool) -> Segment {
    let mut hamiltonian = vec![(Scalar::Constant(1.0), Arc::new(operator(&random.hermitian(n))))];
    if driven {
        let speed = 2.0 + random.next();
        hamiltonian.push((
            Scalar::time().scaled(speed).apply(Function::Sin).times(&Scalar::time().scaled(-1.0).apply(Function::Exp)),
            Arc::new(operator(&random.hermitian(n))),
        ));
    }
    let collapse: Vec<Operator> =
        if open { (0..2).map(|_| operator(&random.matrix(n).map(|x| x * 0.3))).collect() } else { vec![] };
    Segment {
        duration: 1.5,
        drift: hamiltonian,
        controls: vec![],
        period: None,
        relaxing: ergoseq::hamiltonian::Relaxing { collapse, changing: vec![], order: None }.into(),
        record: None,
        place: Place::default(),
    }
}

fn moved(segment: &Segment, state: &State, method: Method) -> Result<State, StepError> {
    let generator = Generator::of(segment, &Space::whole(Arc::new(one_site(state.dimension()))));
    choose(&generator, segment, state, method, 1e-9)?.advance(state, 0.0, segment.duration)
}

#[test]
fn trace_hermiticity_and_positivity_are_kept_by_every_method() {
    let mut random = Random(1);
    for k in 0..24 {
        let n = 2 + k % 3;
        let segment = segment(&mut random, n, k % 2 == 1, k % 4 >= 2);
        let state = State::Mixed(random.state(n));
        for method in METHODS {
            let rho = moved(&segment, &state, method).unwrap().density();
            // The plain method is good to about 1e-9 here, the others to 1e-12.
            assert!((rho.trace() - real(1.0)).norm() < 1e-9, "{method:?}: trace");
            assert!((&rho - rho.adjoint()).norm() < 1e-14, "{method:?}: Hermitian");
            assert!(hermitian_values(&rho).unwrap()[0] > -1e-9, "{method:?}: positive");
        }
    }
}

#[test]
fn all_methods_agree() {
    let mut random = Random(2);
    for k in 0..24 {
        let n = 2 + k % 3;
        let segment = segment(&mut random, n, k % 2 == 1, k % 4 >= 2);
        let state = State::Mixed(random.state(n));
        let [auto, dop, plain] = METHODS.map(|m| moved(&segment, &state, m).unwrap().density());
        // Dop853 runs at a local tolerance of 1e-12 and loses a factor of 100; the plain method is of fourth order.
        assert!((&auto - &dop).norm() < 1e-8, "case {k}: {}", (&auto - &dop).norm());
        assert!((&auto - &plain).norm() < 1e-7, "case {k}: {}", (&auto - &plain).norm());
    }
}

#[test]
fn vectors_move_like_density_matrices() {
    let mut random = Random(3);
    for driven in [false, true] {
        let segment = segment(&mut random, 4, driven, false);
        let psi = random.matrix(4).column(0).into_owned();
        let psi = &psi / real(psi.norm());
        for method in METHODS {
            let pure = moved(&segment, &State::Pure(psi.clone()), method).unwrap().density();
            let mixed = moved(&segment, &State::Mixed(&psi * psi.adjoint()), method).unwrap().density();
            assert!((pure - mixed).norm() < 1e-8, "{method:?}");
        }
    }
}

fn run_with(text: &str, method: Method) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let options = Options { method, ..Options::default() };
    ergoseq::run(&compiled.experiment, &Values::new(), &options)
        .unwrap_or_else(|d| panic!("{}", d.render(&compiled.sources, false)))
}

fn at_end(run: &Run, key: &str) -> f64 {
    let end = run.marks.last().unwrap();
    end.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap()
}

fn value(text: &str, key: &str, method: Method) -> f64 {
    at_end(&run_with(text, method), key)
}

/// A pulse of 10 ns that turns the spin over, 40 us into a run of 100 us: adaptive integrators step over it and answer 0.
#[test]
fn a_short_pulse_is_not_stepped_over() {
    let as_pulse = "ergoseq 1
system { field 9.4 T
    temperature 300 K
    spin a : 1H }
sequence {
    prepare ket \"0\"
    delay 40 us
    pulse 1H 180 deg phase x rf = 50 MHz
    delay 59.99 us
}
measure { expectation(Iz(a)) }";
    let as_function = "ergoseq 1
param start = 40 us, width = 10 ns
system { spin a : 1H }
sequence {
    prepare ket \"0\"
    evolve 50 MHz * (step(t - start) - step(t - start - width)) * Ix(a) for 100 us
}
measure { expectation(Iz(a)) }";
    for method in [Method::Auto, Method::Dop853] {
        for text in [as_pulse, as_function] {
            let down = 0.5 - value(text, "expectation(Iz(a))", method);
            assert!((down - 1.0).abs() < 1e-9, "{method:?}: P(1) = {down}");
        }
    }
}

#[test]
fn ninety_degrees_about_x_take_iz_to_minus_iy() {
    let text = "ergoseq 1
system { spin a : 1H }
sequence {
    prepare ket \"0\"
    pulse 1H 90 deg phase x ideal
}
measure { expectation(Iy(a)), expectation(Ix(a)), expectation(Iz(a)) }";
    let run = run_with(text, Method::Auto);
    assert!((at_end(&run, "expectation(Iy(a))") + 0.5).abs() < 1e-15);
    assert!(at_end(&run, "expectation(Ix(a))").abs() < 1e-15 && at_end(&run, "expectation(Iz(a))").abs() < 1e-15);
}

#[test]
fn an_echo_refocuses_an_offset_and_a_full_turn_does_nothing() {
    let text = "ergoseq 1
system { field 9.4 T
    temperature 300 K
    spin a : 1H
    shift a = 3.7 ppm }
sequence {
    prepare ket \"0\"
    pulse 1H 90 deg phase x ideal
    delay 1.234 ms
    pulse 1H 180 deg phase y ideal
    delay 1.234 ms
    pulse 1H 360 deg phase x ideal
}
measure { expectation(Iy(a)) }";
    // 180 about y leaves -Iy where it is: the echo is at -Iy.
    for method in METHODS {
        assert!((value(text, "expectation(Iy(a))", method) + 0.5).abs() < 1e-7, "{method:?}");
    }
}

/// `<sz>` recovers at 1/T1 to the thermal polarisation, coherence decays at 1/T2: exactly.
#[test]
fn relaxation_is_exponential_and_ends_in_the_thermal_state() {
    let text = |t: &str, read: &str, angle: &str| {
        format!(
            "ergoseq 1
system {{ field 11.7 T
    temperature 3 mK
    spin a : 1H
    relax a {{ T1 = 2 s, T2 = 0.8 s }} }}
sequence {{
    prepare ket \"1\"
    pulse 1H {angle} phase x ideal
    delay {t}
}}
measure {{ {read} }}"
        )
    };
    // h nu / kT at 11.7 T and 3 mK.
    let ratio = 267.5221874e6 * 1.054571817646156e-34 * 11.7 / (1.380649e-23 * 3e-3);
    let p = (ratio / 2.0f64).tanh();
    for method in METHODS {
        let z = 2.0 * value(&text("0.7 s", "expectation(Iz(a))", "0 deg"), "expectation(Iz(a))", method);
        assert!((z - (p + (-1.0 - p) * (-0.35f64).exp())).abs() < 1e-8, "{method:?}");
        let y = 2.0 * value(&text("0.7 s", "expectation(Iy(a))", "90 deg"), "expectation(Iy(a))", method);
        assert!((y.abs() - (-0.875f64).exp()).abs() < 1e-8, "{method:?}");
    }
    let z = 2.0 * value(&text("200 s", "expectation(Iz(a))", "0 deg"), "expectation(Iz(a))", Method::Auto);
    assert!((z - p).abs() < 1e-10, "detailed balance: {z} {p}");
}

/// The ideal Jeener-Broekaert pair at tau = 1/(6|d|) carries 86.6 % of the polarisation's norm as dipolar order, and a 90 degree
/// pulse then stores 9/8 p h |d|.
#[test]
fn jeener_broekaert_is_the_closed_form() {
    let text = "ergoseq 1
param d = -30454.0212 Hz
system { field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = d }
battery { energy = dipolar }
sequence {
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay 1 / (6 * abs(d))
    pulse 1H 45 deg phase y ideal
    mark raw
    crush
    mark prepared
    pulse 1H 90 deg phase x ideal
}
measure { order(dipolar), correlation(dipolar), coherence_order(2), ergotropy }";
    let run = run_with(text, Method::Auto);
    let at = |mark: &str, key: &str| {
        run.marks.iter().find(|m| m.name == mark).unwrap().values.iter().find(|(k, _)| k == key).unwrap().1.unwrap()
    };
    // Terms of second order in the polarisation, 4e-5, are left out of the closed forms.
    assert!((at("raw", "order(dipolar)") + 0.75f64.sqrt()).abs() < 1e-4);
    assert!((at("raw", "coherence_order(2)") - 0.25).abs() < 1e-4);
    assert!((at("prepared", "correlation(dipolar)") + 1.0).abs() < 1e-8);
    let (h, p) = (6.62607015e-34, 3.9846e-5);
    let unit = p * h * 30454.0212;
    assert!((at("end", "ergotropy") / unit - 1.125).abs() < 1e-4, "{}", at("end", "ergotropy") / unit);
    assert!(at("prepared", "ergotropy").abs() < 1e-9 * unit);
}

/// Without a crusher the double-quantum coherence of the Jeener-Broekaert pair is turned into dipolar energy by the charging
/// pulse, so that the ergotropy depends on its phase: 3/4, 9/8 and 3/2 p h |d| at 0, 45 and 90 degrees; with one it is 9/8 at
/// every phase.
#[test]
fn double_quantum_coherence_left_in_makes_charging_depend_on_the_phase() {
    let charged = |crush: &str, phase: &str| {
        let text = format!(
            "ergoseq 1
param d = -30454.0212 Hz
system {{ field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = d }}
battery {{ energy = dipolar }}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay 1 / (6 * abs(d))
    pulse 1H 45 deg phase y ideal
    {crush}
    pulse 1H 90 deg phase {phase} ideal
}}
measure {{ ergotropy }}"
        );
        value(&text, "ergotropy", Method::Auto) / (3.9846e-5 * 6.62607015e-34 * 30454.0212)
    };
    for (phase, expected) in [("x", 0.75), ("45 deg", 1.125), ("y", 1.5), ("135 deg", 1.125), ("-x", 0.75), ("-y", 1.5)]
    {
        // Second order in the polarisation is left out of the closed forms.
        assert!((charged("", phase) - expected).abs() < 2e-4, "{phase}: {}", charged("", phase));
        assert!((charged("crush", phase) - 1.125).abs() < 2e-4, "{phase} after crush");
    }
}

#[test]
fn loops_are_their_bodies_repeated() {
    let body = "delay 30 us\n        pulse 1H 170 deg phase y rf = 40 kHz\n        delay 30 us\n";
    let text = |inside: String, relax: &str| {
        format!(
            "ergoseq 1
system {{ field 9.4 T
    temperature 300 K
    spin a, b : 1H
    shift a = 2 ppm
    j a b = 120 Hz
    {relax} }}
sequence {{
    prepare ket \"01\"
    pulse 1H 90 deg phase x ideal
    {inside}
}}
measure {{ expectation(Ix(a)), purity, concurrence(a, b) }}"
        )
    };
    for relax in ["", "relax a, b { T1 = 2 ms, T2 = 1 ms }"] {
        let looped = run_with(&text(format!("loop 25 {{\n        {body}    }}"), relax), Method::Auto);
        let written = run_with(&text(body.repeat(25), relax), Method::Auto);
        for key in ["expectation(Ix(a))", "purity", "concurrence(a,b)"] {
            // The power of a matrix rounds differently from many products.
            assert!((at_end(&looped, key) - at_end(&written, key)).abs() < 1e-11, "{key}");
        }
        assert!((looped.marks[0].time - written.marks[0].time).abs() < 1e-15);
    }
}

/// Ten spins as a vector are moved by Chebyshev polynomials; the independent method agrees.
#[test]
fn large_vectors_are_moved_without_a_matrix() {
    let text = "ergoseq 1
units natural
system { spin s[10] : 1/2 }
battery { energy = Iz(s[1]), cells = s[1] }
sequence {
    prepare ket \"0101010101\"
    evolve sum(k in 1..9, X(s[k])*X(s[k+1]) + 0.7*Y(s[k])*Y(s[k+1]) + 0.3*Z(s[k])*Z(s[k+1])) for 2 record 5 as quench
}
measure { energy, entropy }";
    let auto = run_with(text, Method::Auto);
    assert_eq!(auto.how.methods, ["Chebyshev"]);
    let dop = run_with(text, Method::Dop853);
    for key in ["energy", "entropy"] {
        assert!(
            (at_end(&auto, key) - at_end(&dop, key)).abs() < 1e-8,
            "{key}: {} {}",
            at_end(&auto, key),
            at_end(&dop, key)
        );
    }
}

/// Pauli-X dephasing from |00>: l1 = exp(-2 g t) |sin 4 eps t|, whatever D and Delta are.
#[test]
fn dephasing_has_its_closed_form_for_every_method() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sequences/dipolar_dephasing.seq")).unwrap();
    let text = text.replace("record 201", "record 11").replace("t_end = 10", "t_end = 2");
    for method in METHODS {
        let run = run_with(&text, method);
        let trace = &run.traces[0];
        let l1 = &trace.values.iter().find(|(k, _)| k == "l1_coherence").unwrap().1;
        for (t, l) in trace.time.iter().zip(l1) {
            let expected = (-0.4 * t).exp() * (2.0 * t).sin().abs();
            assert!((l.unwrap() - expected).abs() < 1e-8, "{method:?} at {t}");
        }
    }
}

/// With H_C = w0 Jz + gamma = 1 and w0 = 0 the battery's energy is M/2 (1 - cos^N 2 g t) exactly.
#[test]
fn a_spin_charger_without_splitting_has_its_closed_form() {
    let text = "ergoseq 1
units natural
param M = 4, N = 3, g = 0.1
system {
    collective cells : M * 1/2
    collective charger : N * 1/2
}
battery { energy = Iz(cells), cells = cells }
sequence {
    prepare down(cells), up(charger)
    evolve g * (Im(charger) * (Im(cells) + Ip(cells)) + hc) for 20 record 41 as charging
}
measure { stored_energy }";
    let run = run_with(text, Method::Auto);
    let trace = &run.traces[0];
    for (t, e) in trace.time.iter().zip(&trace.values[0].1) {
        let exact = 2.0 * (1.0 - (0.2 * t).cos().powi(3));
        assert!((e.unwrap() - exact).abs() < 1e-12, "at {t}");
    }
}

#[test]
fn operators_of_the_same_site_multiply() {
    let basis = one_site(2);
    let of = |k| Operator::of(&basis, k, 0).unwrap();
    let xy = of(LocalKind::X).times(&of(LocalKind::Y)).matrix();
    assert!((xy - of(LocalKind::Z).matrix().map(|x| x * C64::new(0.0, 1.0))).norm() < 1e-15);
}
