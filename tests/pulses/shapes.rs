//! Amplitudes and phases of pulses over their duration, compared with an independent program: shapes, edges, imperfect transmitters.

use super::{at_end, bloch, near, run};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use serde_json::Value;
use std::fmt::Write;

/// Amplitude and phase in degrees, over the share of the pulse that has passed.
type Envelope = Box<dyn Fn(f64) -> (f64, f64)>;

#[test]
fn pulses_are_those_of_the_reference() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/nmr_pulses.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    for case in reference["cases"].as_array().unwrap() {
        let (name, p) = (case["name"].as_str().unwrap(), &case["params"]);
        let number = |key: &str| p[key].as_f64().unwrap_or(0.0);
        let element = |part: &str, i: usize, j: usize| case["rho"][part][i][j].as_f64().unwrap();
        let expected =
            [2.0 * element("re", 0, 1), -2.0 * element("im", 0, 1), element("re", 0, 0) - element("re", 1, 1)];
        let (offset, phase) = (number("offset_hz"), number("phase_deg"));
        let exact = |statement: &str| bloch("", offset, statement, &[]);
        match p["kind"].as_str().unwrap() {
            "ideal" => {
                let found = exact(&format!("pulse 1H {} deg phase {phase} deg ideal", number("flip_deg")));
                near(found, expected, 1e-12, name);
            }
            "rect" => {
                let statement =
                    format!("pulse 1H phase {phase} deg rf = {} Hz duration = {:e} s", number("nu1_hz"), number("T_s"));
                near(exact(&statement), expected, 1e-12, name);
            }
            "seq_rect" => {
                let mut statements = String::new();
                for pulse in p["pulses"].as_array().unwrap() {
                    let _ = writeln!(
                        statements,
                        "pulse 1H phase {} deg rf = {} Hz duration = {:e} s",
                        pulse[1],
                        number("nu1_hz"),
                        pulse[0].as_f64().unwrap()
                    );
                }
                near(exact(&statements), expected, 1e-12, name);
            }
            _ => {
                let (t, rf, n) = (number("T_s"), number("nu1max_hz"), number("N"));
                let beta = 100f64.acosh();
                let (shape, at): (&str, Envelope) = match p["shape"].as_str().unwrap() {
                    "gauss" => ("gauss(0.01)", Box::new(|u| ((4.0 * 0.01f64.ln() * (u - 0.5).powi(2)).exp(), 0.0))),
                    "sinc3" => (
                        "sinc(3)",
                        Box::new(|u| {
                            let x = 3.0 * std::f64::consts::PI * (2.0 * u - 1.0);
                            ((x.sin() / x).abs(), if x.sin() / x < 0.0 { 180.0 } else { 0.0 })
                        }),
                    ),
                    _ => (
                        "sech(20 kHz, 0.01)",
                        Box::new(move |u| {
                            let x: f64 = beta * (2.0 * u - 1.0);
                            (1.0 / x.cosh(), (10e3 * 1e-3 / beta * x.cosh().ln() * 180.0).rem_euclid(360.0))
                        }),
                    ),
                };
                let pulse = |shape: &str| {
                    format!("pulse 1H phase {phase} deg shape = {shape} rf = {rf:.12} Hz duration = {t:e} s")
                };
                // The same steps from a file give the same numbers, the smooth shape those of finer steps: its error falls
                // with their square.
                let steps: Vec<(f64, f64)> = (0..n as usize).map(|k| at((k as f64 + 0.5) / n)).collect();
                let lines: String = steps.iter().map(|(a, ph)| format!("{a:.17} {ph:.15}\n")).collect();
                let bruker = format!(
                    "##TITLE= steps\n##NPOINTS= {n}\n##XYPOINTS= (XY..XY)\n{}##END=\n",
                    steps.iter().map(|(a, ph)| format!("{:.16e}, {ph:.15e}\n", 100.0 * a)).collect::<String>()
                );
                for file in [lines, bruker] {
                    let found = bloch("shape steps = \"s\"", offset, &pulse("steps"), &[("s", file)]);
                    near(found, expected, 1e-9, name);
                }
                near(exact(&pulse(shape)), expected, 1e-3, name);
            }
        }
        compared += 1;
    }
    assert_eq!(compared, 26);
}

#[test]
fn an_envelope_and_a_modulation_may_be_expressions() {
    // The Gaussian and the even sweep of the table, written out.
    let by_name = bloch("", 700.0, "pulse 1H phase x shape = gauss(0.01) rf = 3 kHz duration = 0.2 ms", &[]);
    let written = "pulse 1H phase x shape = exp(4*log(0.01)*(t/(0.2 ms) - 0.5)^2) rf = 3 kHz duration = 0.2 ms";
    near(bloch("", 700.0, written, &[]), by_name, 1e-7, "gauss");
    let by_name = bloch("", 0.0, "pulse 1H phase x shape = chirp(40 kHz) rf = 9 kHz duration = 1 ms", &[]);
    assert!(by_name[2] < -0.98, "an adiabatic sweep inverts: {by_name:?}");
    // A constant offset is a phase that turns.
    let off = bloch("", 5000.0, "pulse 1H 90 deg phase y rf = 2 kHz offset = 5 kHz", &[]);
    let modulated = bloch("", 5000.0, "pulse 1H 90 deg phase y rf = 2 kHz modulation = 2*pi*5000*t/(1 s) * 1 rad", &[]);
    near(off, modulated, 1e-9, "offset");
    // On resonance with the spins it turns by 90 degrees, about an axis that has turned along.
    assert!(off[2].abs() < 1e-6, "{off:?}");
}

#[test]
fn flanks_take_time() {
    // A trapezoid of 10 kHz that turns by 180 degrees is longer by one flank.
    let run = run("ergoseq 1
system {
    field 11.7 T
    spin h : 1H
}
sequence {
    prepare up(h)
    pulse 1H 180 deg phase x rf = 10 kHz shape = rectangular(2 us)
}
measure { expectation(2*Iz(h)) }
");
    assert!((at_end(&run, "expectation(2*Iz(h))") + 1.0).abs() < 1e-9);
    assert!((run.how.duration - 52e-6).abs() < 1e-12, "{}", run.how.duration);
}

#[test]
fn delays_between_centres_leave_room_for_the_pulses() {
    let text = |delay: &str| {
        format!(
            "ergoseq 1
system {{
    field 11.7 T
    spin h : 1H
}}
channel 1H {{ rf = 25 kHz }}
sequence {{
    prepare up(h)
    pulse 1H 90 deg phase x
    mark between
    delay {delay} between centres
    pulse 1H 180 deg phase y
}}
measure {{ expectation(Iz(h)) }}
"
        )
    };
    // 10 us, 20 us, and 100 us less half of each.
    assert!((run(&text("100 us")).how.duration - 115e-6).abs() < 1e-12);
    let compiled = ergoseq::compile("test.seq", &text("14 us"), &mut ergoseq::no_files).unwrap();
    let refused = ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap_err();
    assert_eq!(refused.code.to_string(), "E408");
}

#[test]
fn transmitters_are_not_perfect() {
    // A strength that falls as exp(-t/T) turns by 2 pi nu T (1 - exp(-t/T)).
    let droop = bloch("channel 1H { droop_time = 1 ms }", 0.0, "pulse 1H phase x rf = 1 kHz duration = 1 ms", &[]);
    let angle = std::f64::consts::TAU * (1.0 - (-1f64).exp());
    near(droop, [0.0, -angle.sin(), angle.cos()], 1e-7, "droop");
    // Rising as 1 - exp(-t/T), by 2 pi nu (t - T (1 - exp(-t/T))).
    let rise = bloch("channel 1H { rise_time = 1 us }", 0.0, "pulse 1H phase y rf = 25 kHz duration = 10 us", &[]);
    let angle = std::f64::consts::TAU * 25e3 * (10e-6 - 1e-6 * (1.0 - (-10f64).exp()));
    near(rise, [angle.sin(), 0.0, angle.cos()], 1e-7, "rise");
    // A y that leans by 10 degrees: the axis of a y pulse is 100 degrees from x.
    let lean = bloch("channel 1H { lean = 10 deg }", 0.0, "pulse 1H 90 deg phase y rf = 25 kHz", &[]);
    let axis = 100f64.to_radians();
    near(lean, [axis.sin(), -axis.cos(), 0.0], 1e-9, "lean");
}

/// A filter of the waveform: v_k = sum of c_m u_(k - m), of which what would come after the pulse is left out.
#[test]
fn an_impulse_response_filters_the_waveform() {
    let with = |kernel: &str, pulse: &str| bloch(&format!("channel 1H {{ {kernel} }}"), 0.0, pulse, &[]);
    let pulse = "pulse 1H phase x rf = 25 kHz duration = 10 us";
    // The first microsecond has half of the amplitude: 9.5 us at 25 kHz.
    let angle = std::f64::consts::TAU * 25e3 * 9.5e-6;
    let found = with("kernel = (0.5, 0.5), kernel_step = 1 us", pulse);
    near(found, [0.0, -angle.sin(), angle.cos()], 1e-12, "two taps");
    // The last interval is a part of one: 0.4 of 0.8 us, 0.6 of 0.8 us more, then 8.4 us.
    let angle = std::f64::consts::TAU * 25e3 * (0.2 * 0.8e-6 + 0.6 * 0.8e-6 + 8.4e-6);
    let found = with("kernel = (0.2, 0.4, 0.4), kernel_step = 800 ns", pulse);
    near(found, [0.0, -angle.sin(), angle.cos()], 1e-12, "three taps");
    // A field that is 90 degrees ahead.
    let angle = std::f64::consts::TAU * 25e3 * 10e-6;
    let found = with("kernel = 0, kernel_quadrature = 1, kernel_step = 1 us", pulse);
    near(found, [angle.sin(), 0.0, angle.cos()], 1e-12, "quadrature");
    // Of an expression in t the value in the middle of an interval: 0.25 and 0.75 of the peak, filtered to 0.25, 0.5 (0.75 + 0.25).
    let ramp = "pulse 1H phase y rf = 10 kHz duration = 20 us shape = t/(20 us)";
    let angle = std::f64::consts::TAU * 10e3 * 10e-6 * (0.25 + 0.5 * 0.75 + 0.5 * 0.25 - 0.125);
    let found = with("kernel = (0.5, 0.5), kernel_step = 10 us", ramp);
    near(found, [angle.sin(), 0.0, angle.cos()], 1e-12, "ramp");
    // Ideal pulses have no waveform.
    near(
        with("kernel = (0.5, 0.5), kernel_step = 1 us", "pulse 1H 90 deg phase x ideal"),
        [0.0, -1.0, 0.0],
        1e-12,
        "ideal",
    );
    let refused = |kernel: &str| {
        let text = format!(
            "ergoseq 1\nsystem {{\nfield 11.7 T\ntemperature 300 K\nspin h : 1H\n}}\nchannel 1H {{ {kernel} }}\nsequence {{\nprepare thermal\n{pulse}\n}}\nmeasure {{ expectation(Iz(h)) }}\n"
        );
        let compiled = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap();
        ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap_err().code.to_string()
    };
    assert_eq!(refused("kernel = (0.5, 0.5)"), "E214");
    assert_eq!(refused("kernel_step = 1 us"), "E214");
    assert_eq!(refused("kernel = (1, 0), kernel_step = 0 us"), "E404");
    assert_eq!(refused("kernel = (1, 0), kernel_quadrature = (1, 0, 0), kernel_step = 1 us"), "E408");
    assert_eq!(refused("kernel = (1, 0), kernel_step = 1 us, leading_transient = 1 us"), "E408");
    assert_eq!(refused("kernel = (1, 0), kernel_step = 1e-5 us"), "E506");
}

/// Transients turn a pulse's ends: a field 90 degrees ahead of it, as strong as the pulse is there, for a moment of the given length.
#[test]
fn transients_turn_the_edges_of_pulses() {
    let with = |leading: &str, trailing: &str, pulse: &str| {
        let before =
            format!("channel 1H {{ rf = 50 kHz, leading_transient = {leading}, trailing_transient = {trailing} }}");
        bloch(&before, 0.0, pulse, &[])
    };
    // 2 pi 50 kHz 100 ns is 1.8 degrees: about y first, then 90 degrees about x, then about y back.
    let angle = std::f64::consts::TAU * 50e3 * 100e-9;
    let after = with("100 ns", "0 ns", "pulse 1H 90 deg phase x");
    near(after, [angle.sin(), -angle.cos(), 0.0], 1e-12, "at the beginning");
    // After 90 about x the spin is along -y, which a turn about y leaves alone.
    near(with("0 ns", "100 ns", "pulse 1H 90 deg phase x"), [0.0, -1.0, 0.0], 1e-12, "at the end");
    let after = with("100 ns", "-100 ns", "pulse 1H 180 deg phase x");
    near(after, [(2.0 * angle).sin(), 0.0, -(2.0 * angle).cos()], 1e-12, "antisymmetric, a half turn");
    // In `parallel` the same, and never for ideal pulses or shapes that begin at nothing.
    let at_once = with("100 ns", "0 ns", "parallel { pulse 1H 90 deg phase x }");
    near(at_once, [angle.sin(), -angle.cos(), 0.0], 1e-12, "at once");
    near(with("100 ns", "100 ns", "pulse 1H 90 deg phase x ideal"), [0.0, -1.0, 0.0], 1e-12, "ideal");
    // The phase at an edge is that of the field there: of the pulse, its modulation and the first or last step of its shape.
    let (leading, trailing) = ("700 ns", "-400 ns");
    let along_y = with(leading, trailing, "pulse 1H 70 deg phase y");
    let modulated =
        with(leading, trailing, "pulse 1H phase x rf = 50 kHz duration = 70/360 / (50 kHz) modulation = 90 deg");
    near(modulated, along_y, 1e-12, "modulated");
}
