//! Thermodynamics of a run: two-point measurements of work, gates and quasienergies.

use ergoseq::emulator::{Emulator, Method, Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn run_with(text: &str, options: &Options) -> Run {
    ergoseq::run(&compiled(text), &Values::new(), options).unwrap_or_else(|e| panic!("{}", e.message))
}

fn run(text: &str) -> Run {
    run_with(text, &Options::default())
}

fn found(run: &Run, mark: &str, key: &str) -> Option<f64> {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values)).1
}

fn at(run: &Run, mark: &str, key: &str) -> f64 {
    found(run, mark, key).unwrap_or_else(|| panic!("{key} at {mark} has no value: {:?}", run.notes))
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b} within {within}");
}

const WORK: &str = "mean_work\n work_variance\n negative_work_probability\n jarzynski_average(T)";

/// The two-spin battery of the magnetic dipolar paper, charged by a quarter turn of both spins.
fn dipolar(parameters: &str, sequence: &str, measure: &str) -> String {
    format!(
        "ergoseq 1\nunits natural\nparam Delta = 1, epsilon = 0.5, D = 0, B = 0, T = 1, Omega = 1\n{parameters}\nsystem {{ spin a, b : 1/2 }}\n\
         hamiltonian H = -1/3 * ((Delta - 3*epsilon) * X(a)*X(b) + (Delta + 3*epsilon) * Y(a)*Y(b) - 2*Delta * Z(a)*Z(b)) \
         + D * (X(a)*Y(b) - Y(a)*X(b)) + B * (Z(a) + Z(b))\nbattery {{ energy = H }}\nsequence {{\n prepare gibbs(H, T)\n {sequence}\n}}\n\
         measure {{ {measure} }}\n"
    )
}

const CHARGE: &str = "evolve Omega * (X(a) + X(b)) for pi/4/Omega";

/// Parameters, mean work, variance and P(W < 0), from 4 x 4 matrices by numpy, printed to nine digits.
const NUMBERS: [(&str, [f64; 3]); 3] = [
    ("", [1.695533475, 2.744798604, 0.029612886]),
    ("D = 1", [3.433599386, 3.651922659, 0.013557670]),
    ("epsilon = 0.1, B = 1", [1.375159045, 3.830743518, 0.202772820]),
];

fn with(parameters: &str, text: String) -> String {
    parameters.split(", ").filter(|p| !p.is_empty()).fold(text, |text, p| {
        let (name, value) = p.split_once(" = ").unwrap();
        let at = text.find(&format!("{name} = ")).unwrap();
        let end = at + text[at..].find([',', '\n']).unwrap();
        format!("{}{name} = {value}{}", &text[..at], &text[end..])
    })
}

#[test]
fn work_of_two_measurements_is_that_of_matrices() {
    for (parameters, [mean, variance, negative]) in NUMBERS {
        let text = with(parameters, dipolar("", CHARGE, WORK));
        for method in [Method::Auto, Method::Dop853, Method::Plain] {
            let r = run_with(&text, &Options { method, tolerance: 1e-12, ..Options::default() });
            // The reference has nine digits; the slow method is held to its tolerance.
            let within = 6e-10;
            close(at(&r, "end", "mean_work"), mean, within);
            close(at(&r, "end", "work_variance"), variance, within);
            close(at(&r, "end", "negative_work_probability"), negative, within);
            close(at(&r, "end", "jarzynski_average(T)"), 1.0, if method == Method::Plain { 1e-9 } else { 1e-12 });
        }
    }
}

/// However the same evolution is written, its work is the same: in pieces, as a loop, as pulses, recorded, or with time dependence.
#[test]
fn work_does_not_depend_on_how_the_evolution_is_written() {
    let keys = ["mean_work", "work_variance", "negative_work_probability", "jarzynski_average(T)"];
    let whole = run(&with("epsilon = 0.1, B = 1", dipolar("", CHARGE, WORK)));
    for (sequence, within) in [
        ("evolve X(a) + X(b) for pi/8 mark middle evolve X(a) + X(b) for pi/8", 1e-13),
        ("loop 4 { evolve X(a) + X(b) for pi/16 }", 1e-13),
        ("loop 2 { evolve X(a) for pi/8 loop 3 { evolve X(b) for pi/24 } }", 1e-13),
        ("evolve X(a) + X(b) for pi/4 record 7 as charging", 1e-13),
        ("evolve 2 * (pi/4 - t)/(pi/4) * (X(a) + X(b)) for pi/4 record 7", 1e-10),
        ("evolve 2 * (pi/4 - t)/(pi/4) * (X(a) + X(b)) for pi/4", 1e-10),
        ("evolve (1 + sin(80 * t)) * (X(a) + X(b)) for pi/4", 1e-10),
    ] {
        // Adaptive methods are held to their tolerance.
        let options = Options { tolerance: 1e-11, ..Options::default() };
        let r = run_with(&with("epsilon = 0.1, B = 1", dipolar("", sequence, WORK)), &options);
        let same = keys.map(|key| (at(&r, "end", key), at(&whole, "end", key)));
        same.iter().for_each(|(a, b)| close(*a, *b, within));
    }
}

/// Along a trace the mean work is the stored energy where nothing is coherent, and its maximum is that of the paper.
#[test]
fn work_has_curves_and_extrema() {
    let measure = "mean_work\n stored_energy\n best = max(mean_work)\n when = argmax(mean_work)";
    let r = run(&dipolar("", "evolve Omega * (X(a) + X(b)) for pi/Omega record 41 as charging", measure));
    let trace = &r.traces[0];
    let column = |key: &str| trace.values.iter().find(|(k, _)| k == key).unwrap().1.clone();
    for (work, stored) in column("mean_work").iter().zip(column("stored_energy")) {
        close(work.unwrap(), stored.unwrap(), 1e-13);
    }
    close(r.scalar("best").unwrap(), 1.6955334749980335, 1e-12);
    close(r.scalar("when").unwrap(), std::f64::consts::FRAC_PI_4, 1e-6);
}

/// The first measurement removes coherence: a spin along x has no work under Ix, and the two values of a rotation by Iy have equal weight.
#[test]
fn the_first_measurement_removes_coherence() {
    let text = "ergoseq 1\nunits natural\nsystem { spin a : 1/2 }\nbattery { energy = Iz(a) }\n\
                sequence { prepare superposition(1: up(a), 1: down(a)) evolve Iy(a) for pi/2 }\n\
                measure { mean_work stored_energy work_variance negative_work_probability }";
    let r = run(&text.replace(" stored", ", stored").replace(" work_v", ", work_v").replace(" negative", ", negative"));
    close(at(&r, "end", "mean_work"), 0.0, 1e-15);
    close(at(&r, "end", "stored_energy").abs(), 0.5, 1e-14);
    // Works -1, 0, 0, 1 of probability 1/4 each.
    close(at(&r, "end", "work_variance"), 0.5, 1e-14);
    close(at(&r, "end", "negative_work_probability"), 0.25, 1e-14);
}

/// Another final Hamiltonian: `<exp(-W/T)> = Z'/Z`, and a sudden change has `<W> = Tr[rho (H' - H)]`.
#[test]
fn a_quench_has_the_ratio_of_partition_functions() {
    let measure = "sudden = mean_work(2*Z(a)*Z(b)) at now\n ratio = jarzynski_average(T, 2*Z(a)*Z(b)) at now\n after = jarzynski_average(T, 2*Z(a)*Z(b)) at end";
    let r = run(&dipolar("", "mark now evolve X(a) + 0.3*Y(b) + Z(a)*X(b) for 1.7", measure));
    // Levels of the default battery: ZZ = 1: 2/3 +- 1, of XX and YY 1/3 (Delta -+ 3 eps); ZZ = -1: -2/3 -+ 2/3.
    let energies = [2.0 / 3.0 - 1.0, 2.0 / 3.0 + 1.0, -4.0 / 3.0, 0.0];
    let z: f64 = energies.iter().map(|e: &f64| (-e).exp()).sum();
    let last = 2.0 * ((-2.0f64).exp() + 2.0f64.exp());
    close(r.scalar("ratio").unwrap(), last / z, 1e-12);
    close(r.scalar("after").unwrap(), last / z, 1e-12);
    let zz: f64 = energies.iter().zip([1.0, 1.0, -1.0, -1.0]).map(|(e, s)| s * (-e).exp() / z).sum();
    let energy: f64 = energies.iter().map(|e| e * (-e).exp() / z).sum();
    close(r.scalar("sudden").unwrap(), 2.0 * zz - energy, 1e-12);
}

/// In laboratory files work is in joule, its variance in joule squared, at a polarisation of 1e-5 as accurate as the deviation.
#[test]
fn laboratory_units_and_small_polarisations() {
    let text = "ergoseq 1\nsystem { field 11.7 T temperature 300 K spin a : 1H }\nbattery { energy = zeeman }\n\
                sequence { prepare thermal pulse 1H 180 deg phase x ideal }\nmeasure { mean_work, work_variance, jarzynski_average(300 K), negative_work_probability }";
    let r = run(text);
    let (hbar, k) = (1.054571817646156e-34, 1.380649e-23);
    let gap: f64 = 267.5221874e6 * 11.7 * hbar;
    let up = 1.0 / (1.0 + (-gap / (k * 300.0)).exp());
    close(at(&r, "end", "mean_work") / (gap * (2.0 * up - 1.0)), 1.0, 1e-9);
    close(at(&r, "end", "work_variance") / (gap * gap * (1.0 - (2.0 * up - 1.0).powi(2))), 1.0, 1e-9);
    close(at(&r, "end", "jarzynski_average(300K)"), 1.0, 1e-12);
    close(at(&r, "end", "negative_work_probability"), 1.0 - up, 1e-12);
}

fn undefined(text: &str, key: &str, why: &str) {
    let r = run(text);
    assert_eq!(found(&r, "end", key), None, "{text}");
    assert!(r.notes.iter().any(|n| n.contains(key) && n.contains(why)), "{why}: {:?}", r.notes);
}

#[test]
fn what_is_not_unitary_has_no_work_distribution() {
    for step in ["dephase Z(a)", "crush", "evolve X(a) for 1 with decay", "loop 3 { dephase Z(a) }"] {
        let text = dipolar("noise decay { collapse sqrt(0.1) * Im(a) }", &format!("{step} {CHARGE}"), "mean_work");
        undefined(&text, "mean_work", "unitary");
    }
    // Behind the first measurement everything is unitary up to the mark.
    let text = dipolar("", &format!("{CHARGE} mark charged dephase Z(a)"), "mean_work");
    let r = run(&text);
    close(at(&r, "charged", "mean_work"), 1.6955334749980335, 1e-12);
    assert_eq!(found(&r, "end", "mean_work"), None);
}

#[test]
fn modes_and_large_systems_are_refused_with_the_reason() {
    let mode = "ergoseq 1\nunits natural\nsystem { mode m : 6 spin a : 1/2 }\nbattery { energy = Iz(a) }\n\
                sequence { prepare fock(m, 1), down(a) evolve raise(m)*Im(a) + hc for 1 }\nmeasure { mean_work }";
    undefined(mode, "mean_work", "mode");
    let large = "ergoseq 1\nunits natural\nsystem { spin s[8] : 1/2 }\nbattery { energy = Iz(s) }\n\
                 sequence { prepare ket \"01010101\" evolve Ix(s) for 1 }\nmeasure { mean_work }";
    undefined(large, "mean_work", "128 states");
}

/// Members have different propagators: the mean over them is the weighted mean of their own works.
#[test]
fn members_have_their_own_work() {
    let text = |members: &str, measure: &str| {
        with("", dipolar(&format!("param f = 1\n{members}"), "evolve f * (X(a) + X(b)) for pi/4", measure))
    };
    let spread = "ensemble { param f : gaussian(mean = 1, sd = 0.2) points 3 }";
    undefined(&text(spread, "mean_work"), "mean_work", "member_mean");
    let mean = at(&run(&text(spread, "member_mean(mean_work)")), "end", "member_mean(mean_work)");
    // Gauss-Hermite points 0 and +-sqrt(3) sd with weights 2/3 and 1/6; the work of a rotation by 2 f t is that of the paper.
    let work = |f: f64| 1.6955334749980335 * (f * std::f64::consts::FRAC_PI_2).sin().powi(2);
    let expected = 2.0 / 3.0 * work(1.0) + (work(1.0 + 0.2 * 3f64.sqrt()) + work(1.0 - 0.2 * 3f64.sqrt())) / 6.0;
    close(mean, expected, 1e-12);
}

/// Points of a sweep are not batched with metrics that have no form in lanes, and give what single runs give.
#[test]
fn sweeps_give_what_single_runs_give() {
    let experiment = compiled(&dipolar("", CHARGE, "mean_work\n jarzynski_average(T)"));
    let point = |t: f64| Values::from([("T".to_string(), t)]);
    let points: Vec<Values> = [0.5, 1.0, 2.0].into_iter().map(point).collect();
    let together = Emulator::new(&experiment).run_many(&points, &Options::default());
    for (point, run) in points.iter().zip(together) {
        let single = ergoseq::run(&experiment, point, &Options::default()).unwrap_or_else(|e| panic!("{}", e.message));
        let run = run.unwrap_or_else(|e| panic!("{}", e.message));
        assert_eq!(at(&run, "end", "mean_work"), at(&single, "end", "mean_work"));
        close(at(&run, "end", "jarzynski_average(T)"), 1.0, 1e-12);
    }
}

/// Two J-coupled spins: half a period is a controlled phase up to rotations about z, and the fidelity of a gate over-rotated by an angle d
/// is that of the traces: `F = (16 cos(d)^2/4 + 1)/5` for a pair.
#[test]
fn gates_have_their_fidelity() {
    let text = |time: f64| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nsequence {{ prepare mixed evolve Z(a)*Z(b) + 0.1 for {time} }}\n\
             measure {{ f = gate_fidelity(pi/4*Z(a)*Z(b)) }}"
        )
    };
    for over in [0.0, 0.05, -0.4] {
        let expected = (4.0 * f64::cos(over).powi(2) + 1.0) / 5.0;
        close(at(&run(&text(std::f64::consts::FRAC_PI_4 + over)), "end", "f"), expected, 1e-13);
    }
}

/// A kicked spin: `exp(-i a X) exp(-i b Z)` has the quasienergies `+-acos(cos(a) cos(b))/t`.
#[test]
fn quasienergies_of_a_kicked_spin() {
    let text = "ergoseq 1\nunits natural\nparam b = 0.7, a = 0.4, t = 2\nsystem { spin s : 1/2 }\n\
                sequence { prepare ket \"0\" evolve b/2*Z(s) for 1 evolve a*X(s) for 1 }\nmeasure { quasienergy(1), quasienergy(2), quasienergy(3) }";
    let text = text.replace(", t = 2", "").replace("b/2*", "b*");
    let r = run(&text);
    let expected = (0.4f64.cos() * 0.7f64.cos()).acos() / 2.0;
    close(at(&r, "end", "quasienergy(1)"), -expected, 1e-13);
    close(at(&r, "end", "quasienergy(2)"), expected, 1e-13);
    assert_eq!(found(&r, "end", "quasienergy(3)"), None);
    assert!(r.notes.iter().any(|n| n.contains("2 quasienergies")), "{:?}", r.notes);
}

/// Two rotations of a spin 1/2, by a about x and then by b about z, are one: with `c = cos(theta/2) = cos(a/2) cos(b/2)` its axis has the
/// components `(sin(a/2) cos(b/2), sin(a/2) sin(b/2), cos(a/2) sin(b/2))/sin(theta/2)`.
#[test]
fn a_cycle_has_an_effective_hamiltonian() {
    let (a, b, t) = (0.8f64, 1.1f64, 2.0);
    let text = format!(
        "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = Z(a) }}\nsequence {{\n prepare ket \"00\"\n\
         evolve {a}/2*X(a) for 1\n evolve {b}/2*Z(a) for 1\n}}\nmeasure {{\n x = effective_coefficient(Ix(a))\n \
         y = effective_coefficient(Iy(a))\n z = effective_coefficient(Iz(a))\n other = effective_coefficient(Iz(b))\n}}\n"
    );
    let r = run(&text);
    let cosine = (a / 2.0).cos() * (b / 2.0).cos();
    let theta = 2.0 * cosine.acos();
    let axis =
        [(a / 2.0).sin() * (b / 2.0).cos(), (a / 2.0).sin() * (b / 2.0).sin(), (a / 2.0).cos() * (b / 2.0).sin()];
    for (key, component) in ["x", "y", "z"].into_iter().zip(axis) {
        close(at(&r, "end", key), theta / t * component / (theta / 2.0).sin(), 1e-13);
    }
    close(at(&r, "end", "other"), 0.0, 1e-13);
    // A rotation by a whole turn is -1: any axis would do.
    let turn = run(&text.replace("0.8/2", "pi").replace("1.1/2", "0"));
    assert_eq!(found(&turn, "end", "x"), None);
    assert!(turn.notes.iter().any(|n| n.contains("not unique")), "{:?}", turn.notes);
}
