//! Electrons: their Hamiltonian in every frame against the whole one written out, closed forms of EPR, and pulses in the laboratory frame.

use crate::tensors;

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::{Evaluator, Step, Values, build};
use ergoseq::linalg::{Matrix, ZERO, hermitian_values, identity};
use ergoseq::spin::{ELECTRON, FREE_G, Isotope};
use std::f64::consts::TAU;
use tensors::{M3, about_y, about_z, euler, product, spin};

const HBAR: f64 = 1.054571817646e-34;
const BOLTZMANN: f64 = 1.380649e-23;

/// `R diag(values) R^T`.
fn tensor(r: M3, values: [f64; 3]) -> M3 {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| r[i][k] * values[k] * r[j][k]).sum()))
}

/// Operators of spin k among spins of these numbers of states.
fn on(dimensions: &[usize], k: usize) -> [Matrix; 3] {
    spin(dimensions[k]).map(|own| {
        dimensions
            .iter()
            .enumerate()
            .fold(identity(1), |all, (n, d)| if n == k { all.kronecker(&own) } else { all.kronecker(&identity(*d)) })
    })
}

/// `sum T_ij A_i B_j`.
fn bilinear(t: M3, a: &[Matrix; 3], b: &[Matrix; 3]) -> Matrix {
    let n = a[0].nrows();
    let mut sum = Matrix::zeros(n, n);
    for i in 0..3 {
        for j in 0..3 {
            sum += (&a[i] * &b[j]).map(|c| c * t[i][j]);
        }
    }
    sum
}

fn compiled(text: &str) -> ergoseq::Compiled {
    let text = format!("ergoseq 1\n{text}");
    ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()))
}

/// The Hamiltonian of the first statement at a time, rad/s.
fn ours(system: &str, time: f64) -> Matrix {
    let compiled =
        compiled(&format!("system {{ {system} }}\nsequence {{ prepare mixed\n delay 1 ns }}\nmeasure {{ entropy }}\n"));
    let e = Evaluator::new(&compiled.experiment, &Values::new()).unwrap_or_else(|f| panic!("{f:?}"));
    let (schedule, _) = build(&e).unwrap_or_else(|f| panic!("{f:?}"));
    let Some(Step::Segment(segment)) = schedule.steps.first() else { panic!("no segment") };
    let n = e.basis.size() as usize;
    segment.terms().fold(Matrix::zeros(n, n), |sum, (coefficient, operator)| {
        sum + operator.matrix().map(|c| c * coefficient.at(time))
    })
}

fn run(text: &str) -> Run {
    ergoseq::run(&compiled(text).experiment, &Values::new(), &Options::default()).unwrap_or_else(|r| panic!("{r:?}"))
}

/// The value of a metric at the end.
fn at_end(text: &str, metric: &str) -> f64 {
    let run = run(text);
    let end = run.marks.last().unwrap();
    end.values.iter().find(|(name, _)| name == metric).unwrap_or_else(|| panic!("{metric}")).1.unwrap()
}

const FIELD: f64 = 0.05;

/// An NV-like centre of spin 1 with a radical and a carbon.
const SYSTEM: &str = "field 50 mT\n spin s : e 1\n spin r : e\n spin c : 13C\n \
     gtensor s = (2.01, 2.02, 2.05) axes (30, 50, 10) deg\n zfs s = 90 MHz rhombic 11 MHz axes (20, 70, -40) deg\n \
     hyperfine s c = (3, 8, 21) MHz axes (-15, 35, 60) deg\n dipolar s r = 4 MHz along (1, 2, -1)\n dipolar r c = -0.7 MHz along (0, 1, 1)\n \
     j s r = 2.5 MHz\n csa c = 80 ppm eta 0.4 axes (0, 20, 5) deg\n shift c = 60 ppm\n orientation (25, 40, -70) deg";

/// The whole Hamiltonian of this system in the laboratory frame, rad/s, with a crystal in an orientation.
fn whole(crystal: M3) -> Matrix {
    let dimensions = [3, 2, 2];
    let [s, r, c] = [0, 1, 2].map(|k| on(&dimensions, k));
    let of = |axes: [f64; 3]| product(crystal, euler(axes));
    let mhz = TAU * 1e6;
    let free = -ELECTRON.gamma * FIELD;
    let carbon = -Isotope::named("13C").unwrap().gamma * FIELD;
    let g = tensor(of([30.0, 50.0, 10.0]), [2.01, 2.02, 2.05].map(|x| x / FREE_G * free));
    let shielding = tensor(of([0.0, 20.0, 5.0]), [-0.7 * 80e-6, -0.3 * 80e-6, 80e-6].map(|x| x * carbon));
    let splitting = tensor(of([20.0, 70.0, -40.0]), [-30.0 + 11.0, -30.0 - 11.0, 60.0].map(|x| x * mhz));
    let hyperfine = tensor(of([-15.0, 35.0, 60.0]), [3.0, 8.0, 21.0].map(|x| x * mhz));
    let dipolar = |size: f64, u: [f64; 3]| -> M3 {
        let square: f64 = u.iter().map(|x| x * x).sum();
        let own = std::array::from_fn(|i| {
            std::array::from_fn(|j| size * mhz * (3.0 * u[i] * u[j] / square - if i == j { 1.0 } else { 0.0 }))
        });
        product(product(crystal, own), std::array::from_fn(|i| std::array::from_fn(|j| crystal[j][i])))
    };
    let exchange = [[2.5 * mhz, 0.0, 0.0], [0.0, 2.5 * mhz, 0.0], [0.0, 0.0, 2.5 * mhz]];
    let along =
        |t: M3, spin: &[Matrix; 3]| (0..3).fold(Matrix::zeros(12, 12), |sum, j| sum + spin[j].map(|x| x * t[2][j]));
    along(g, &s)
        + r[2].map(|x| x * free)
        + c[2].map(|x| x * (carbon * (1.0 + 60e-6)))
        + along(shielding, &c)
        + bilinear(splitting, &s, &s)
        + bilinear(hyperfine, &s, &c)
        + bilinear(dipolar(4.0, [1.0, 2.0, -1.0]), &s, &r)
        + bilinear(dipolar(-0.7, [0.0, 1.0, 1.0]), &r, &c)
        + bilinear(exchange, &s, &r)
}

/// Twice the magnetic quantum numbers of all electrons and of the carbon, by state.
fn quantum_numbers(state: usize) -> (i64, i64) {
    let (s, r, c) = (state / 4, state / 2 % 2, state % 2);
    ((2 - 2 * s as i64) + (1 - 2 * r as i64), 1 - 2 * c as i64)
}

fn largest(m: &Matrix) -> f64 {
    m.iter().map(|c| c.norm()).fold(0.0, f64::max)
}

#[test]
fn the_laboratory_frame_keeps_the_whole_hamiltonian() {
    let crystal = euler([25.0, 40.0, -70.0]);
    let system = format!("{SYSTEM}\n frame lab e, 13C");
    let (a, b) = (ours(&system, 0.0), whole(crystal));
    // Sums of some ten terms, each with the rounding of 9 GHz.
    assert!(largest(&(&a - &b)) < 1e-13 * largest(&b), "{}", largest(&(&a - &b)) / largest(&b));
    // Under MAS the crystal turns with the rotor.
    let magic = (1.0 / 3f64.sqrt()).acos();
    for time in [0.0, 13e-6, 70e-6] {
        let system = format!("{system}\n spinning 8 kHz");
        let rotor = product(about_y(magic), about_z(TAU * 8e3 * time));
        let (a, b) = (ours(&system, time), whole(product(rotor, crystal)));
        assert!(largest(&(&a - &b)) < 1e-13 * largest(&b), "{time}: {}", largest(&(&a - &b)) / largest(&b));
    }
}

#[test]
fn a_rotating_frame_keeps_what_commutes_with_its_spins() {
    // With an isotropic g, so that the electron is quantised along the field.
    let system = SYSTEM.replace("(2.01, 2.02, 2.05) axes (30, 50, 10) deg", "2.03");
    let crystal = euler([25.0, 40.0, -70.0]);
    let dimensions = [3, 2, 2];
    let [s, r, c] = [0, 1, 2].map(|k| on(&dimensions, k));
    let free = -ELECTRON.gamma * FIELD;
    let anisotropic = {
        let g = tensor(product(crystal, euler([30.0, 50.0, 10.0])), [2.01, 2.02, 2.05].map(|x| x / FREE_G * free));
        (0..3).fold(Matrix::zeros(12, 12), |sum, j| sum + s[j].map(|x| x * g[2][j]))
    };
    let all = whole(crystal) - anisotropic + s[2].map(|x| x * (free * 2.03 / FREE_G));
    let carbon = -Isotope::named("13C").unwrap().gamma * FIELD;
    for (frame, electrons, nuclei) in [
        ("", true, true),
        ("frame lab 13C", true, false),
        ("frame lab e", false, true),
        ("frame lab e, 13C", false, false),
    ] {
        let mut expected = all.clone();
        if electrons {
            expected -= (&s[2] + &r[2]).map(|x| x * free);
        }
        if nuclei {
            expected -= c[2].map(|x| x * carbon);
        }
        for i in 0..12 {
            for j in 0..12 {
                let ((a, b), (x, y)) = (quantum_numbers(i), quantum_numbers(j));
                if (electrons && a != x) || (nuclei && b != y) {
                    expected[(i, j)] = ZERO;
                }
            }
        }
        let found = ours(&format!("{system}\n {frame}"), 0.0);
        assert!(largest(&(&found - &expected)) < 1e-13 * largest(&all), "{frame}: {}", largest(&(found - expected)));
    }
}

#[test]
fn carriers_and_g_factors_give_the_offset() {
    // A carrier at 1.4 GHz: the electron of g = 2.006 resonates at 2.006 mu_B B/h.
    let text = "system { field 50 mT\n spin s : e\n gtensor s = 2.006 }\nchannel e { rf = 20 MHz, carrier = 1.4 GHz - larmor(e) }\n\
         sequence { prepare mixed\n delay 1 us }\nmeasure { entropy }";
    let compiled = compiled(text);
    let e = Evaluator::new(&compiled.experiment, &Values::new()).unwrap();
    let (schedule, _) = build(&e).unwrap();
    let Some(Step::Segment(segment)) = schedule.steps.first() else { panic!() };
    let h =
        segment.terms().fold(Matrix::zeros(2, 2), |sum, (x, operator)| sum + operator.matrix().map(|c| c * x.at(0.0)));
    let nu = 2.006 * 9.2740100657e-24 * FIELD / (TAU * HBAR);
    // A difference of two numbers of 1.4e9.
    let offset = (h[(0, 0)] - h[(1, 1)]).re / TAU;
    assert!((offset - (nu - 1.4e9)).abs() < 1.0, "{offset} {}", nu - 1.4e9);
}

#[test]
fn a_powder_of_an_axial_g_tensor_ends_at_its_principal_values() {
    // The resonance of a crystallite is mu_B B |g.n|/h: at the edges g_parallel and g_perpendicular, between them the root of the squares.
    let free = -ELECTRON.gamma * FIELD;
    let (perpendicular, parallel): (f64, f64) = (2.05, 2.27);
    for angle in [0.0f64, 17.0, 54.7, 90.0] {
        let system = format!(
            "field 50 mT\n spin s : e\n gtensor s = ({perpendicular}, {perpendicular}, {parallel})\n orientation (10, {angle}, 40) deg"
        );
        let h = ours(&system, 0.0);
        let (s, c) = angle.to_radians().sin_cos();
        let g = (parallel * c).hypot(perpendicular * s);
        let expected = free * (g / FREE_G - 1.0);
        let found = (h[(0, 0)] - h[(1, 1)]).re;
        assert!((found / expected - 1.0).abs() < 1e-12, "{angle}: {found} {expected}");
    }
}

#[test]
fn under_mas_the_g_tensor_acts_to_second_order() {
    let magic = (1.0 / 3f64.sqrt()).acos();
    let free = -ELECTRON.gamma * FIELD;
    let error = |scale: f64| {
        let values = [2.0 - scale, 2.0 + 0.2 * scale, 2.0 + scale];
        let system = format!(
            "field 50 mT\n spin s : e\n gtensor s = ({}, {}, {}) axes (30, 50, 10) deg\n orientation (25, 40, -70) deg\n spinning 8 kHz",
            values[0], values[1], values[2]
        );
        let worst = |time: f64| {
            let crystal = product(product(about_y(magic), about_z(TAU * 8e3 * time)), euler([25.0, 40.0, -70.0]));
            let g = tensor(product(crystal, euler([30.0, 50.0, 10.0])), values);
            let length = g[2].iter().map(|x| x * x).sum::<f64>().sqrt();
            let h = ours(&system, time);
            ((h[(0, 0)] - h[(1, 1)]).re / free - (length / FREE_G - 1.0)).abs()
        };
        [0.0, 11e-6, 40e-6, 90e-6].into_iter().map(worst).fold(0.0, f64::max)
    };
    let (large, small) = (error(0.2), error(0.1));
    // The third order: x^3/16 with x = 2 dg/g = 0.2, and an eighth of it at half the anisotropy (a sixth, with the fourth order).
    assert!(large < 0.2f64.powi(3) / 16.0 && large > 1e-6, "{large}");
    assert!(small < large / 6.0, "{large} {small}");
}

#[test]
fn a_powder_in_batches_takes_the_g_tensor_too() {
    // One member at a time (a spread parameter keeps a powder out of batches) and in lanes.
    let signal = |spread: &str| {
        let text = format!(
            "param unused = 1\nsystem {{ field 50 mT\n temperature 300 K\n spin s : e\n gtensor s = (2.008, 2.006, 2.002) }}\n\
             ensemble {{ orientation : zcw points 34\n {spread} }}\nsequence {{ prepare thermal\n pulse e 90 deg phase y ideal\n \
             acquire e points 16 dwell 20 ns }}\nmeasure {{ signal(e), signal_im(e) }}\n"
        );
        run(&text).traces[0].values.clone()
    };
    let (batches, single) = (signal(""), signal("param unused : uniform(from = 0, to = 1) points 1"));
    let top = batches.iter().flat_map(|(_, x)| x.iter().flatten()).fold(0.0f64, |m, x| m.max(x.abs()));
    assert!(top > 1e-5);
    for ((_, a), (_, b)) in batches.iter().zip(&single) {
        for (x, y) in a.iter().zip(b) {
            assert!((x.unwrap() - y.unwrap()).abs() < 1e-11 * top, "{x:?} {y:?}");
        }
    }
}

/// The modulation of a two-pulse echo (W. B. Mims, Phys. Rev. B 5, 2409 (1972)).
fn echo_modulation(larmor: f64, a: f64, b: f64, tau: f64) -> f64 {
    let (alpha, beta) = ((larmor + a / 2.0).hypot(b / 2.0), (larmor - a / 2.0).hypot(b / 2.0));
    let k = (b * larmor / (alpha * beta)).powi(2);
    let (x, y) = (alpha * tau, beta * tau);
    1.0 - k / 4.0 * (2.0 - 2.0 * x.cos() - 2.0 * y.cos() + (x - y).cos() + (x + y).cos())
}

#[test]
fn the_two_pulse_echo_is_modulated_as_mims_says() {
    for (nucleus, values, angle) in
        [("1H", [1.0, 1.0, 7.0], 35.0f64), ("13C", [-4.0, -4.0, 9.5], 62.0), ("15N", [2.0, 2.0, 3.1], 20.0)]
    {
        let larmor = -Isotope::named(nucleus).unwrap().gamma * 0.35;
        let t = tensor(about_y(angle.to_radians()), values.map(|x: f64| TAU * 1e6 * x));
        for tau in [0.13, 0.41, 1.7] {
            let text = format!(
                "system {{ field 0.35 T\n spin s : e\n spin n : {nucleus}\n \
                 hyperfine s n = ({}, {}, {}) MHz axes (0, {angle}, 0) deg\n frame lab {nucleus} }}\n\
                 sequence {{ prepare up(s), mixed(n)\n pulse e 90 deg phase y ideal\n delay {tau} us\n pulse e 180 deg phase x ideal\n \
                 delay {tau} us }}\nmeasure {{ expectation(Ix(s)) }}",
                values[0], values[1], values[2]
            );
            let expected = 0.5 * echo_modulation(larmor, t[2][2], t[2][0], tau * 1e-6);
            let found = at_end(&text, "expectation(Ix(s))");
            // Phases of at most 200 rad.
            assert!((found - expected).abs() < 1e-12, "{nucleus} {tau}: {found} {expected}");
        }
    }
}

#[test]
fn nuclear_frequencies_are_those_of_endor() {
    // An isotropic coupling, either side of twice the Larmor frequency.
    for a in [2.0, 40.0] {
        let h = ours(&format!("field 0.35 T\n spin s : e\n spin n : 1H\n hyperfine s n = {a} MHz\n frame lab 1H"), 0.0);
        let nu = Isotope::named("1H").unwrap().gamma * 0.35 / TAU;
        let level = |k: usize| h[(k, k)].re / TAU;
        for (up, down, sign) in [(0, 1, 1.0), (2, 3, -1.0)] {
            let (found, expected) = (level(up) - level(down), -nu + sign * a * 0.5e6);
            assert!((found - expected).abs() < 1e-12 * nu, "{found} {expected}");
        }
    }
}

#[test]
fn an_nv_centre_has_the_levels_of_its_hamiltonian() {
    let levels = |angle: f64| {
        let frame = if angle == 0.0 { "" } else { "frame lab e" };
        let mut h = ours(
            &format!("field 10 mT\n spin s : e 1\n zfs s = 2.87 GHz\n orientation (0, {angle}, 0) deg\n {frame}"),
            0.0,
        );
        if frame.is_empty() {
            h += spin(3)[2].map(|x| x * (-ELECTRON.gamma * 0.01));
        }
        let mut levels = hermitian_values(&h).unwrap();
        levels.iter_mut().for_each(|x| *x /= TAU * 1e9);
        levels.sort_by(f64::total_cmp);
        levels
    };
    // D (Sz^2 - 2/3) + nu Sz along the axis, GHz.
    let nu = 2.00231930436092 * 9.2740100657e-24 * 0.01 / (TAU * HBAR) * 1e-9;
    let expected = [-2.87 * 2.0 / 3.0, 2.87 / 3.0 - nu, 2.87 / 3.0 + nu];
    for (x, y) in levels(0.0).iter().zip(expected) {
        assert!((x - y).abs() < 1e-11, "{x} {y}");
    }
    // numpy.linalg.eigvalsh of the same Hamiltonian, at the angles between the axis and the field.
    for (angle, expected) in [
        (30.0, [-1.9202073552671, 0.7176662466628, 1.2025411086043]),
        (54.7356103172, [-1.9315193872485, 0.8042116640345, 1.1273077232140]),
        (90.0, [-1.9404430385260, 0.9566666666667, 0.9837763718594]),
    ] {
        for (x, y) in levels(angle).iter().zip(expected) {
            assert!((x - y).abs() < 1e-9, "{angle}: {x} {y}");
        }
    }
}

#[test]
fn the_rotating_frame_refuses_a_large_zero_field_splitting() {
    let refused = |system: &str| {
        let text = format!("system {{ {system} }}\nsequence {{ prepare mixed\n delay 1 ns }}\nmeasure {{ entropy }}\n");
        let compiled = compiled(&text);
        let e = Evaluator::new(&compiled.experiment, &Values::new()).unwrap();
        build(&e).err().map(|fault| fault.message.clone())
    };
    let nv = "spin s : e 1\n zfs s = 2.87 GHz\n";
    let told = refused(&format!("field 10 mT\n {nv} orientation (0, 20, 0) deg")).unwrap();
    assert!(told.contains("not small against its Zeeman term"), "{told}");
    // Along the axis nothing is left out; at a high field, or in the laboratory frame, it is described.
    for fine in [
        "field 10 mT",
        "field 3.4 T\n orientation (0, 20, 0) deg",
        "field 10 mT\n orientation (0, 20, 0) deg\n frame lab e",
    ] {
        assert_eq!(refused(&format!("{fine}\n {nv}")), None, "{fine}");
    }
}

#[test]
fn a_relaxation_time_cannot_know_the_zero_field_splitting() {
    let text = "system { field 10 mT\n temperature 300 K\n spin s : e 1\n zfs s = 2.87 GHz\n relax s { T1 = 5 ms } }\n\
         sequence { prepare mixed\n delay 1 ns }\nmeasure { entropy }\n";
    let refused = ergoseq::run(&compiled(text).experiment, &Values::new(), &Options::default()).unwrap_err();
    assert!(refused.message.contains("does not account for its zero-field splitting"), "{}", refused.message);
}

#[test]
fn the_second_order_of_a_zero_field_splitting_leaves_the_third() {
    let error = |d: f64, order: usize| {
        let system = format!(
            "field 3.4 T\n spin s : e 3/2\n zfs s = {d} MHz rhombic {} MHz axes (20, 70, -40) deg order {order}\n orientation (5, 33, 0) deg",
            0.2 * d
        );
        let h = ours(&system, 0.0);
        let turned = product(euler([5.0, 33.0, 0.0]), euler([20.0, 70.0, -40.0]));
        let t = tensor(turned, [-d / 3.0 + 0.2 * d, -d / 3.0 - 0.2 * d, 2.0 * d / 3.0].map(|x| TAU * 1e6 * x));
        let own = spin(4);
        let larmor = -ELECTRON.gamma * 3.4;
        let exact = hermitian_values(&(bilinear(t, &own, &own) + own[2].map(|x| x * larmor))).unwrap();
        let mut exact: Vec<f64> = exact.to_vec();
        exact.sort_by(|a, b| b.total_cmp(a));
        (0..4).map(|k| (exact[k] - larmor * (1.5 - k as f64) - h[(k, k)].re).abs()).fold(0.0, f64::max)
    };
    let (large, small, first) = (error(2000.0, 2), error(1000.0, 2), error(2000.0, 1));
    assert!(small < large / 7.0 && first > 10.0 * large, "{large} {small} {first}");
}

#[test]
fn pulses_in_the_laboratory_frame_are_linear_fields_of_one_phase() {
    // scipy.integrate.solve_ivp, DOP853 with tolerances of 1e-13, of `2 w1 cos(w t + phi) Sx` with t since the start: a free electron, and
    // an NV centre whose axis is 25 deg from the field, at a carrier near one of its transitions.
    let radical = "system { field 10 mT\n spin s : e\n frame lab e }\nsequence { prepare down(s)\n pulse e duration = 25 ns rf = 10 MHz phase 30 deg\n \
         delay 13 ns\n pulse e duration = 40 ns rf = 5 MHz phase y }\nmeasure { expectation(Ix(s)), expectation(Iy(s)), expectation(Iz(s)) }";
    let nv = "system { field 10 mT\n spin s : e 1\n zfs s = 2.87 GHz axes (0, 25, 0) deg\n frame lab e }\nchannel e { rf = 10 MHz, carrier = 2.85 GHz }\n\
         sequence { prepare ket \"1\"\n pulse e duration = 50 ns phase x\n delay 30 ns\n pulse e duration = 25 ns phase y }\n\
         measure { expectation(Ix(s)), expectation(Iy(s)), expectation(Iz(s)) }";
    for (text, expected) in [
        (radical, [0.28726501110722236, 0.33132678315371045, 0.24021110748374047]),
        (nv, [-0.5884527231881805, 0.3094315838024852, 0.24506589509486953]),
    ] {
        for (axis, x) in ["Ix", "Iy", "Iz"].iter().zip(expected) {
            let found = at_end(text, &format!("expectation({axis}(s))"));
            // The tolerance of a run.
            assert!((found - x).abs() < 1e-8, "{axis}: {found} {x}");
        }
    }
}

#[test]
fn a_strong_field_makes_both_frames_agree() {
    // The counter-rotating half of the field changes a pulse by w1/w: 1e-4 at 10 GHz, of either sign.
    let polarisation = |frame: &str| {
        let text = format!(
            "system {{ field 10 GHz of e\n spin s : e\n {frame} }}\nsequence {{ prepare down(s)\n pulse e 90 deg phase y rf = 1 MHz\n \
             delay 33 ns\n pulse e 60 deg phase x ideal\n delay 12 ns\n loop 3 {{ pulse e 25 deg phase 100 deg rf = 2 MHz\n delay 7.7 ns }} }}\n\
             measure {{ expectation(Iz(s)) }}"
        );
        at_end(&text, "expectation(Iz(s))")
    };
    let (rotating, laboratory) = (polarisation(""), polarisation("frame lab e"));
    assert!((rotating - laboratory).abs() < 3e-4 && rotating.abs() > 0.05, "{rotating} {laboratory}");
}

#[test]
fn thermal_electrons_have_the_gaps_of_their_own() {
    // The polarisation of a radical of g = 2.1, and populations of a triplet whose splitting is larger than its Zeeman term.
    let text = "system { field 0.34 T\n temperature 0.3 K\n spin s : e\n gtensor s = 2.1 }\nsequence { prepare thermal\n delay 1 ns }\n\
         measure { expectation(Iz(s)) }";
    let x = 2.1 * 9.2740100657e-24 * 0.34 / (2.0 * BOLTZMANN * 0.3);
    let found = at_end(text, "expectation(Iz(s))");
    // The constants have twelve digits.
    assert!((found + 0.5 * x.tanh()).abs() < 1e-11, "{found} {}", 0.5 * x.tanh());
    let nv = |prepare: &str| {
        format!(
            "system {{ field 10 mT\n temperature 50 mK\n spin s : e 1\n zfs s = 2.87 GHz }}\nsequence {{ prepare {prepare}\n delay 1 ns }}\n\
             measure {{ expectation(Iz(s)), expectation(Iz(s)*Iz(s)) }}"
        )
    };
    let nu = FREE_G * 9.2740100657e-24 * 0.01 / HBAR;
    let weight = |m: f64| (-HBAR / (BOLTZMANN * 0.05) * (nu * m + TAU * 2.87e9 * m * m)).exp();
    let all = weight(1.0) + weight(0.0) + weight(-1.0);
    for prepare in ["thermal", "gibbs(zeeman + zfs, 50 mK)"] {
        let (z, zz) = (at_end(&nv(prepare), "expectation(Iz(s))"), at_end(&nv(prepare), "expectation(Iz(s)*Iz(s))"));
        assert!((z - (weight(1.0) - weight(-1.0)) / all).abs() < 1e-10, "{prepare}: {z}");
        assert!((zz - (weight(1.0) + weight(-1.0)) / all).abs() < 1e-10, "{prepare}: {zz}");
    }
}

#[test]
fn electrons_a_nanometre_apart_couple_with_52_megahertz() {
    // mu_0 mu_B^2 g^2 / (4 pi h r^3) = 52.04 MHz at 1 nm for g = g_free; half of it beside the pair, with the opposite sign.
    let system = "field 3.4 T\n spin a, b : e\n gtensor b = 4.00463860872184\n position a = (0, 0, 0) nm\n position b = (0, 0, 1) nm\n dipolar all";
    let h = ours(system, 0.0);
    let expected = -1.25663706127e-6 * (9.2740100657e-24 * FREE_G).powi(2) / (2.0 * TAU * TAU * HBAR * 1e-27);
    assert!((expected + 52.04e6).abs() < 1e4);
    // `2 pi d (3 Iz Iz - I.I)`, whose flip-flop element is -d/2, with twice the g of a.
    let found = h[(1, 2)].re / TAU;
    assert!((found + 0.5 * 2.0 * expected).abs() < 1e-10 * 52e6, "{found} {expected}");
}

#[test]
fn exports_refuse_electrons_at_their_places() {
    use ergoseq::export::{Dialect, Request, export};
    let text = "ergoseq 1\nsystem { field 0.35 T\n temperature 10 K\n spin s : e\n spin c : 13C }\nchannel 13C { rf = 50 kHz }\nsequence {\n\
         prepare thermal\n loop 2 { pulse e 90 deg phase y ideal\n delay 1 us }\n pulse 13C 90 deg phase y\n acquire e points 4 dwell 1 us }\n";
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    for (dialect, places) in [
        ("topspin", vec!["pulse e 90 deg phase y ideal", "acquire e points 4 dwell 1 us"]),
        ("varian", vec!["pulse e 90 deg phase y ideal", "acquire e points 4 dwell 1 us"]),
        ("simpson", vec!["s"]),
    ] {
        let request = Request {
            dialect: Dialect::named(dialect).unwrap(),
            source: ("test.seq", text),
            values: &Values::new(),
            spectrometer: None,
            calibrations: vec![],
            max_gradient: None,
        };
        let refused = export(&compiled.experiment, request).unwrap_err();
        let found: Vec<&str> =
            refused.iter().map(|d| d.span.map_or("", |s| &text[s.start as usize..s.end as usize])).collect();
        assert_eq!(found, places, "{dialect}");
    }
}

#[test]
fn editors_know_the_electron() {
    use ergoseq::editor::{Document, completions, meaning};
    let text = "ergoseq 1\nsystem {\n spin s : e\n field 0.35 T\n}\nchannel e { rf = 20 MHz }\nsequence {\n prepare mixed\n pulse e 90 deg phase x\n}\n";
    let document = Document::new("test.seq", text.to_string(), &mut ergoseq::no_files);
    for place in ["e\n field", "e { rf", "e 90 deg"] {
        let (said, _) = meaning(&document, text.find(place).unwrap() as u32).unwrap();
        assert!(said.contains("an electron of g = 2.00231930436092") && said.contains("-28024.951"), "{said}");
    }
    for place in ["pulse ", "channel ", "spin s : "] {
        let offset = text.find(place).unwrap() + place.len();
        assert!(completions(&document, offset as u32).iter().any(|c| c.word == "e"), "{place}");
    }
}
