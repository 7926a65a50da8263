//! Pulses of every kind, beside numbers of an independent program and closed forms.

use ergoseq::emulator::{Method, Options, Run};
use ergoseq::hamiltonian::Values;
use serde_json::Value;
use std::fmt::Write;

/// Amplitude and phase in degrees, over the share of the pulse that has passed.
type Envelope = Box<dyn Fn(f64) -> (f64, f64)>;

fn run_with(text: &str, files: &[(&str, String)]) -> Run {
    let mut reader = |path: &str, _: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(name, text)| ((*name).to_string(), text.clone())).ok_or_else(|| "not at hand".to_string())
    };
    let compiled = ergoseq::compile("test.seq", text, &mut reader).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default())
        .unwrap_or_else(|d| panic!("{}", d.render(&compiled.sources, false)))
}

fn run(text: &str) -> Run {
    run_with(text, &[])
}

fn at_end(run: &Run, key: &str) -> f64 {
    let end = run.marks.iter().find(|m| m.name == "end").expect("every run has an end");
    end.values.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).expect("a value")
}

/// One spin from up, at an offset (Hz), after some statements: <2Ix>, <2Iy>, <2Iz>.
fn bloch(before: &str, offset: f64, statements: &str, files: &[(&str, String)]) -> [f64; 3] {
    let text = format!(
        "ergoseq 1
system {{
    field 11.7 T
    spin h : 1H
}}
{before}
ensemble {{ offset 1H : uniform(from = {offset} Hz, to = {offset} Hz) points 1 }}
sequence {{
    prepare up(h)
    {statements}
}}
measure {{
    expectation(2*Ix(h))
    expectation(2*Iy(h))
    expectation(2*Iz(h))
}}
"
    );
    let run = run_with(&text, files);
    ["x", "y", "z"].map(|k| at_end(&run, &format!("expectation(2*I{k}(h))")))
}

fn near(found: [f64; 3], expected: [f64; 3], within: f64, what: &str) {
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= within, "{what}: {found:?}, expected {expected:?}");
    }
}

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

#[test]
fn a_gradient_dephases_as_a_sinc_and_its_opposite_brings_back() {
    let text = |second: &str| {
        format!(
            "ergoseq 1
system {{
    field 11.7 T
    spin h : 1H
}}
ensemble {{ position : uniform(from = -7.5 mm, to = 7.5 mm) points 60 }}
sequence {{
    prepare up(h)
    pulse 1H 90 deg phase y ideal
    gradient 20 mT/m for 0.1 ms
    {second}
}}
measure {{
    expectation(2*Ix(h))
    expectation(2*Iy(h))
}}
"
        )
    };
    let x: f64 = 0.5 * 267.522_187_4e6 * 20e-3 * 0.1e-3 * 15e-3;
    assert!((at_end(&run(&text("")), "expectation(2*Ix(h))") - x.sin() / x).abs() < 1e-9);
    let echo = run(&text("gradient -20 mT/m for 0.1 ms"));
    assert!((at_end(&echo, "expectation(2*Ix(h))") - 1.0).abs() < 1e-9);
    // Half a sine has 2/pi of the area.
    let shaped = run(&text("gradient -pi/2*20 mT/m for 0.1 ms shape = sine"));
    assert!((at_end(&shaped, "expectation(2*Ix(h))") - 1.0).abs() < 1e-6);
}

#[test]
fn a_crush_may_keep_some_orders() {
    let text = |keep: &str| {
        format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 300 K
    spin a, b, c : 1H
    dipolar a b = 10 kHz
    dipolar b c = 7 kHz
}}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay 20 us
    pulse 1H 45 deg phase y ideal
    mark before
    crush {keep}
}}
measure {{
    coherence_order(0)
    coherence_order(1)
    coherence_order(2)
    coherence_order(3)
}}
"
        )
    };
    let run = run(&text("keep 0, 2"));
    let before = &run.marks[0].values;
    let share = before[0].1.unwrap() + before[2].1.unwrap();
    assert!((at_end(&run, "coherence_order(0)") - before[0].1.unwrap() / share).abs() < 1e-12);
    assert!((at_end(&run, "coherence_order(2)") - before[2].1.unwrap() / share).abs() < 1e-12);
    assert!(at_end(&run, "coherence_order(1)").abs() < 1e-12 && at_end(&run, "coherence_order(3)").abs() < 1e-12);
}

#[test]
fn noise_has_its_size_and_its_seed() {
    let text = |settings: &str| {
        format!(
            "ergoseq 1
system {{
    field 11.7 T
    spin h : 1H
}}
sequence {{
    prepare up(h)
    pulse 1H 90 deg phase y ideal
    acquire 1H points 20000 dwell 1 us {settings}
}}
measure {{ signal(1H) }}
"
        )
    };
    let signal = |settings: &str| -> Vec<f64> {
        let run = run(&text(settings));
        run.traces[0].values[0].1.iter().map(|x| x.unwrap()).collect()
    };
    let (quiet, noisy) = (signal(""), signal("snr = 20 seed = 3"));
    let variance =
        quiet.iter().zip(&noisy).map(|(q, n)| (n - q).powi(2)).sum::<f64>() / quiet.len() as f64 / quiet[0].powi(2);
    // Five standard errors of a variance: sqrt(2/n) each.
    assert!((variance * 400.0 - 1.0).abs() < 5.0 * (2.0 / 20000f64).sqrt(), "{variance}");
    assert_eq!(noisy, signal("snr = 20 seed = 3"));
    assert_ne!(noisy, signal("snr = 20 seed = 4"));
}

const STEPS: &str = "ergoseq 1
system {
    field 11.7 T
    spin h : 1H
}
channel 1H { max_rf = 50 kHz }
spectrometer coarse { clock = 1 us, phase_step = 10 deg, amplitude_step = 0.1, min_delay = 2 us, unblanking = 3 us, max_energy = 30 us }
sequence {
    prepare up(h)
    pulse 1H 90 deg phase 13 deg rf = 26 kHz
    delay 4.4 us
    pulse 1H phase x rf = 10 kHz duration = 20.4 us
}
measure {
    expectation(2*Ix(h))
    expectation(2*Iy(h))
    expectation(2*Iz(h))
}
";

#[test]
fn a_spectrometer_runs_a_sequence_in_its_steps() {
    let compiled =
        ergoseq::compile("test.seq", STEPS, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let options = Options { spectrometer: Some("coarse".into()), ..Options::default() };
    let found = ergoseq::run(&compiled.experiment, &Values::new(), &options).unwrap();
    // 9.6 us at 26 kHz and 13 deg become 10 us at 25 kHz and 10 deg; 4.4 us become 4; 20.4 us become 20.
    let by_hand = STEPS
        .replace("90 deg phase 13 deg rf = 26 kHz", "phase 10 deg rf = 25 kHz duration = 10 us")
        .replace("4.4 us", "4 us")
        .replace("20.4 us", "20 us");
    let expected = run(&by_hand);
    for k in ["x", "y", "z"] {
        let key = format!("expectation(2*I{k}(h))");
        assert!((at_end(&found, &key) - at_end(&expected, &key)).abs() < 1e-12);
    }
    assert!((found.how.duration - 34e-6).abs() < 1e-15);
    let said = ergoseq::check_on(&compiled.experiment, &Values::new(), Some("coarse")).unwrap();
    assert_eq!(said.iter().filter(|d| d.code.to_string() == "W404").count(), 5, "{said:?}");
    // Written in its steps, nothing is changed.
    let compiled = ergoseq::compile("test.seq", &by_hand, &mut ergoseq::no_files).unwrap();
    assert!(ergoseq::check_on(&compiled.experiment, &Values::new(), Some("coarse")).unwrap().is_empty());
}

#[test]
fn a_spectrometer_refuses_what_it_cannot_do() {
    for (change, to, why) in [
        ("4.4 us", "1.2 us", "shorter than the shortest"),
        ("4.4 us", "2.2 us", "the transmitter needs"),
        ("max_energy = 30 us", "max_energy = 3 us", "heat the probe"),
        ("max_energy = 30 us", "max_pulse = 15 us", "longer than the longest"),
    ] {
        let text = STEPS.replace(change, to);
        let compiled = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap();
        let refused = ergoseq::check_on(&compiled.experiment, &Values::new(), Some("coarse")).unwrap_err();
        assert_eq!(refused.code.to_string(), "E413");
        assert!(refused.message.contains(why), "{}", refused.message);
        // Without the spectrometer it is run as it is written.
        ergoseq::check_values(&compiled.experiment, &Values::new()).unwrap();
    }
}

#[test]
fn a_lock_is_run_in_steps_and_within_limits() {
    let lock = |over: &str, phase: &str| {
        STEPS.replace(
            "pulse 1H phase x rf = 10 kHz duration = 20.4 us",
            &format!("lock 1H phase {phase} from 20 kHz to 1 kHz over {over} shape exponential(3)"),
        )
    };
    let options = Options { spectrometer: Some("coarse".into()), ..Options::default() };
    let on = |text: &str| {
        let compiled = ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap();
        ergoseq::run(&compiled.experiment, &Values::new(), &options)
    };
    let (rough, fine) = (on(&lock("20.4 us", "7 deg")).unwrap(), on(&lock("20 us", "10 deg")).unwrap());
    for k in ["x", "y", "z"] {
        let key = format!("expectation(2*I{k}(h))");
        assert!((at_end(&rough, &key) - at_end(&fine, &key)).abs() < 1e-6);
    }
    for (change, to, why) in
        [("max_energy = 30 us", "max_pulse = 15 us", "longer than"), ("20 us", "0.3 us", "half of a step")]
    {
        let refused = on(&lock("20 us", "10 deg").replace(change, to)).unwrap_err();
        assert!(refused.message.contains(why), "{}", refused.message);
    }
}

#[test]
fn two_decays_have_noise_of_their_own() {
    let text = "ergoseq 1
system {
    field 11.7 T
    spin h : 1H
}
sequence {
    prepare up(h)
    pulse 1H 90 deg phase y ideal
    acquire 1H points 8 dwell 1 us snr = 5
    acquire 1H points 8 dwell 1 us snr = 5
}
measure { signal(1H) }
";
    let run = run(text);
    assert_ne!(run.traces[0].values, run.traces[1].values);
}

#[test]
fn members_drawn_at_random_are_those_of_their_seed() {
    let text = |seed: u32| {
        format!(
            "ergoseq 1\nsystem {{\n    field 11.7 T\n    temperature 300 K\n    spin h : 1H\n}}\n\
             ensemble {{ offset 1H : gaussian(sd = 50 Hz, seed = {seed}) points 4000 }}\n\
             sequence {{\n    prepare thermal\n    pulse 1H 90 deg phase y ideal\n    delay 4 ms\n    mark dephased\n}}\n\
             measure {{ order(Ix(h)) }}\n"
        )
    };
    let found = |seed: u32| {
        let compiled = ergoseq::compile("test.seq", &text(seed), &mut ergoseq::no_files)
            .unwrap_or_else(|r| panic!("{}", r.render()));
        let run = ergoseq::run(&compiled.experiment, &Default::default(), &Default::default()).unwrap();
        run.marks[0].values[0].1.unwrap()
    };
    let exact = (-0.5 * (std::f64::consts::TAU * 50.0 * 4e-3f64).powi(2)).exp();
    let all: Vec<f64> = (1..=3).map(found).collect();
    // The mean of 4000 cosines of variance 0.4 is good to 0.01; four of these.
    assert!(all.iter().all(|x| (x - exact).abs() < 0.04), "{all:?} {exact}");
    assert!(all[0] != all[1] && all[1] != all[2]);
    assert_eq!(found(2), all[1]);
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
}

/// A cycle as spectrometers list it is the cycle in degrees.
#[test]
fn a_list_of_numbers_is_a_cycle() {
    let with = |cycle: &str| {
        let text = format!(
            "ergoseq 1
cycle phi = {cycle}
system {{
    field 11.7 T
    spin h : 1H
}}
sequence {{
    prepare ket \"0\"
    pulse 1H 70 deg phase phi ideal
    pulse 1H 50 deg phase x ideal
}}
measure {{ expectation(Ix(h)), expectation(Iy(h)), expectation(Iz(h)) }}"
        );
        let run = run(&text);
        ["Ix(h)", "Iy(h)", "Iz(h)"].map(|o| at_end(&run, &format!("expectation({o})")))
    };
    assert_eq!(
        with("0 1 2 3 2 3 0 1 1"),
        with("0 deg, 90 deg, 180 deg, 270 deg, 180 deg, 270 deg, 0 deg, 90 deg, 90 deg")
    );
    assert_eq!(with("(8) 0 3 6"), with("0 deg, 135 deg, 270 deg"));
    assert_ne!(with("0 1"), with("0 3"));
}

/// Dipolar order lives as long as T1D says, whatever T1 does at the same time, by all methods; polarisation does not hear of it.
#[test]
fn dipolar_order_has_a_lifetime_of_its_own() {
    let with = |relax: &str, prepare: &str, t: f64, key: &str, method: Method| {
        let text = format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 1e9 K
    spin s[3] : 1H
    position s[1] = (0, 0, 0) angstrom
    position s[2] = (1.2, 0.3, 1.7) angstrom
    position s[3] = (-0.4, 1.5, 2.9) angstrom
    dipolar all
    relax s {{ {relax} }}
}}
sequence {{
    prepare {prepare}
    delay {t} s
}}
measure {{ D = expectation(dipolar), M = expectation(Iz(s[1]) + Iz(s[2]) + Iz(s[3])), trace = expectation(Iz(s[1])*Iz(s[1])) }}"
        );
        let compiled =
            ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
        let options = Options { method, ..Options::default() };
        at_end(&ergoseq::run(&compiled.experiment, &Values::new(), &options).unwrap(), key)
    };
    let ordered = "high_temperature(dipolar, 1 mK)";
    let begin = with("T1D = 1 s", ordered, 0.0, "D", Method::Auto);
    for (t, method) in [(0.3, Method::Auto), (2.0, Method::Auto), (2e-4, Method::Dop853), (2e-5, Method::Plain)] {
        let left = with("T1D = 0.5 s", ordered, t, "D", method);
        // A superoperator over 10^5 radian keeps nine digits.
        assert!((left / begin - (-t / 0.5).exp()).abs() < 2e-8, "{t} s by {method:?}: {}", left / begin);
        assert!((with("T1D = 0.5 s", ordered, t, "trace", method) - 0.25).abs() < 1e-12);
    }
    // What else decays it is not added, but made up for: the rate at the beginning is that of T1D.
    for relax in ["T1 = 2 s, T1D = 0.5 s", "T1 = 2 s, T2 = 1 s, T1D = 0.5 s", "T2 = 3 s, T1D = 0.5 s"] {
        let left = with(relax, ordered, 1e-4, "D", Method::Auto);
        assert!(((1.0 - left / begin) / (1e-4 / 0.5) - 1.0).abs() < 1e-3, "{relax}: {}", left / begin);
    }
    let up = "mix(0.5: ket \"000\", 0.5: mixed)";
    let with_it = with("T1D = 0.1 s", up, 0.4, "M", Method::Auto);
    assert!((with_it - 0.75).abs() < 1e-9, "{with_it}");
}

/// T1D is of all couplings: naming some of their spins is refused, and so is a lifetime that T1 does not leave.
#[test]
fn a_lifetime_of_dipolar_order_that_cannot_be_is_refused() {
    for (relax, says) in [
        ("relax p { T1D = 1 s }", "`q` has one but is not named"),
        ("relax p, q { T1 = 1 s, T1D = 2 s }", "longer than the 0.6"),
        ("relax p { T1D = 1 s }\n    relax q { T1D = 1 s }", "given twice"),
    ] {
        let text = format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = -30 kHz
    {relax}
}}
sequence {{
    prepare thermal
    delay 1 ms
}}
measure {{ purity }}"
        );
        let compiled = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap();
        let refused = ergoseq::check_values(&compiled.experiment, &Values::new()).unwrap_err();
        assert!(refused.message.contains(says), "{}", refused.message);
    }
}

/// While a lock holds the spins, T1rho takes the place of T2, for the locked nucleus only.
#[test]
fn a_lock_has_a_relaxation_time_of_its_own() {
    let text = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
    spin c : 13C
    relax h, c { T1 = 2 s, T2 = 50 ms, T1rho = 400 ms }
}
channel 1H { rf = 25 kHz }
sequence {
    prepare up(h), up(c)
    pulse 1H 90 deg phase y ideal
    pulse 13C 90 deg phase y ideal
    lock 1H phase x from 10 kHz to 10 kHz over 100 ms
    mark locked
    delay 100 ms
}
measure { expectation(2*Ix(h)), expectation(2*Ix(c)) }";
    let run = run(text);
    let locked = &run.marks.iter().find(|m| m.name == "locked").unwrap().values;
    let of = |key: &str| locked.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).unwrap();
    assert!((of("expectation(2*Ix(h))") - (-0.1f64 / 0.4).exp()).abs() < 1e-9);
    assert!((of("expectation(2*Ix(c))") - (-0.1f64 / 0.05).exp()).abs() < 1e-9);
    let free = at_end(&run, "expectation(2*Ix(h))");
    assert!((free - (-0.1f64 / 0.4 - 0.1 / 0.05).exp()).abs() < 1e-9, "{free}");
}

/// A transmitter that is on too long between scans is refused, repetitions and recycle delay counted.
#[test]
fn a_transmitter_rests_between_scans() {
    let with = |recycle: &str, count: usize| {
        let text = format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 300 K
    spin h : 1H
}}
channel 1H {{ rf = 25 kHz }}
spectrometer probe {{ max_duty = 0.01, recycle_delay = {recycle} }}
sequence {{
    prepare thermal
    loop {count} {{
        pulse 1H 180 deg phase x
        delay 80 us
    }}
}}
measure {{ expectation(Iz(h)) }}"
        );
        let compiled =
            ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
        let options = Options { spectrometer: Some("probe".to_string()), ..Options::default() };
        ergoseq::run(&compiled.experiment, &Values::new(), &options).map(|_| ())
    };
    // 20 us of 100 us a repetition: 100 of them are on for 2 ms of 10 ms.
    assert!(with("1 s", 100).is_ok());
    let refused = with("150 ms", 100).unwrap_err();
    assert!(refused.message.contains("0.0125") || refused.message.contains(": 0.013,"), "{}", refused.message);
}
