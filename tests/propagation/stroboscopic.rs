//! Loops that are observed once a pass: traces of metrics and signals with one point per cycle.

use ergoseq::emulator::{Options, Run, Trace};
use ergoseq::hamiltonian::Values;
use ergoseq::run;

fn compiled(text: &str) -> ergoseq::Compiled {
    ergoseq::compile("stroboscopic.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()))
}

fn found(text: &str) -> Run {
    let compiled = compiled(text);
    let found = run(&compiled.experiment, &Values::new(), &Options::default());
    found.unwrap_or_else(|d| panic!("{}", d.render(&compiled.sources, false)))
}

/// The code of the error.
fn refused(text: &str) -> String {
    let compiled = match ergoseq::compile("stroboscopic.seq", text, &mut ergoseq::no_files) {
        Err(refused) => return refused.render(),
        Ok(compiled) => compiled,
    };
    match run(&compiled.experiment, &Values::new(), &Options::default()) {
        Err(fault) => fault.render(&compiled.sources, false),
        Ok(_) => panic!("accepted: {text}"),
    }
}

fn trace<'r>(of: &'r Run, name: &str) -> &'r Trace {
    of.traces.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no trace {name}"))
}

fn column(of: &Trace, key: &str) -> Vec<f64> {
    let (_, values) = of.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("no column {key}"));
    values.iter().map(|x| x.unwrap_or(f64::NAN)).collect()
}

/// Rounding of a few hundred products of propagators.
const ROUNDING: f64 = 1e-11;

fn assert_close(a: &[f64], b: &[f64], scale: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (k, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= ROUNDING * scale, "{what}: point {k}: {x} and {y}");
    }
}

const SYSTEM: &str = "
    ergoseq 1
    param offset = 700 Hz
    system {
        field 9.4 T
        temperature 300 K
        spin a, b : 1H
        shift a = offset/(400 MHz)*1e6 ppm
        j a b = 40 Hz
        dipolar a b = 1.3 kHz
        RELAXATION
    }
    battery { energy = Iz(a) * (2*pi*1 Hz), cells = a }
";

fn file(relaxation: &str, more: &str) -> String {
    SYSTEM.replace("RELAXATION", relaxation) + more
}

const BODY: &str =
    "\n delay 30 us\n pulse 1H 70 deg phase x ideal\n delay 11 us\n pulse 1H phase y rf = 20 kHz duration = 7 us\n";

/// A sample of pass k is the end of a run of k passes.
#[test]
fn samples_are_the_ends_of_shorter_loops() {
    for relaxation in ["", "relax a, b { T1 = 2 ms, T2 = 0.7 ms }"] {
        let whole = found(&file(
            relaxation,
            &format!(
                "sequence {{ prepare thermal\n pulse 1H 90 deg phase y ideal\n loop 9 record as passes {{ {BODY} }} }}
                 measure {{ order(Ix(a)), order(Iz(a)*Iz(b)), purity, energy, charging_power, elapsed, most = max(passes.order(Ix(a))) }}"
            ),
        ));
        let passes = trace(&whole, "passes");
        assert_eq!(passes.time.len(), 10);
        let keys = ["order(Ix(a))", "purity", "energy", "charging_power", "elapsed"];
        for n in [0, 1, 2, 5, 9] {
            let short = found(&file(
                relaxation,
                &format!(
                    "param n = {n}\n sequence {{ prepare thermal\n pulse 1H 90 deg phase y ideal\n loop n {{ {BODY} }} }}
                     measure {{ order(Ix(a)), order(Iz(a)*Iz(b)), purity, energy, charging_power, elapsed }}"
                ),
            ));
            for key in keys {
                let end =
                    short.marks.last().and_then(|m| m.values.iter().find(|(k, _)| k == key)).and_then(|(_, v)| *v);
                let sampled = column(passes, key)[n];
                // No Hamiltonian acts before the first pass, after an ideal pulse: the rate there is undefined or zero in both.
                let Some(end) = end else { continue };
                let scale = column(passes, key).iter().fold(0.0f64, |m, x| m.max(x.abs()));
                assert!((sampled - end).abs() <= 1e-9 * scale, "{relaxation} {key} after {n}: {sampled}, {end}");
            }
        }
        let values = column(passes, "order(Ix(a))");
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(whole.scalar("most"), Some(highest));
    }
}

/// A cycle of free evolution is a dwell time: with relaxation, an ensemble and a phase cycle.
#[test]
fn a_cycle_of_a_delay_is_a_dwell_time() {
    let cases = [
        ("", ""),
        ("relax a, b { T1 = 2 ms, T2 = 0.7 ms }", ""),
        ("", "ensemble { param offset : gaussian(mean = 700 Hz, sd = 90 Hz) points 7 }"),
        (
            "relax a, b { T2 = 0.7 ms }",
            "cycle c = 0 1\n ensemble { param offset : gaussian(mean = 700 Hz, sd = 90 Hz) points 3 }",
        ),
    ];
    for (relaxation, more) in cases {
        let phase = if more.contains("cycle") { "c" } else { "x" };
        let text = |how: &str| {
            file(
                relaxation,
                &format!(
                    "{more} sequence {{ prepare thermal\n pulse 1H 70 deg phase {phase} ideal\n acquire 1H points 40 {how} }} measure {{ signal(1H) }}"
                ),
            )
        };
        let straight = found(&text(&format!("dwell 130 us phase {phase}")));
        let strobed = found(&text(&format!("phase {phase} every {{ delay 130 us }}")));
        let (a, b) = (trace(&straight, "fid"), trace(&strobed, "fid"));
        let of = |t: &Trace| [column(t, "signal(1H)"), column(t, "signal_im(1H)")];
        let scale = of(a).concat().iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(scale > 0.0);
        for (x, y) in of(a).iter().zip(of(b)) {
            assert_close(x, &y, scale, &format!("{relaxation} {more}"));
        }
        assert_close(&a.time, &b.time, 1.0, "times");
    }
}

/// A spin that every pass rotates by theta about x: `<Z> = cos(k theta)`, `<Y> = -sin(k theta)`.
#[test]
fn a_rotation_per_pass_is_a_cosine() {
    let text = "
        ergoseq 1
        units natural
        param theta = 0.7
        system { spin a : 1/2 }
        sequence { prepare up(a) loop 12 record as kicks { evolve theta*Ix(a) for 1 } }
        measure { expectation(Z(a)), expectation(Y(a)), highest = first_max(kicks.expectation(Z(a))), at = argmin(kicks.expectation(Z(a))) }";
    let of = found(text);
    let kicks = trace(&of, "kicks");
    let expected = |f: fn(f64) -> f64| (0..=12).map(|k| f(f64::from(k) * 0.7)).collect::<Vec<f64>>();
    assert_close(&column(kicks, "expectation(Z(a))"), &expected(f64::cos), 1.0, "Z");
    assert_close(&column(kicks, "expectation(Y(a))"), &expected(|x| -x.sin()), 1.0, "Y");
    assert_close(&kicks.time, &(0..=12).map(f64::from).collect::<Vec<_>>(), 1.0, "times");
    // 0.7 k is nearest to 2 pi at k = 9, and to pi at k = 4 (2.8) or 5 (3.5): cos 2.8 = -0.9422, cos 3.5 = -0.9365.
    assert!((of.scalar("highest").unwrap() - (9.0f64 * 0.7).cos()).abs() < ROUNDING);
    assert_eq!(of.scalar("at"), Some(4.0));
}

/// The steps of the counter differ from pass to pass.
#[test]
fn a_counter_changes_the_passes() {
    let of = found(
        "ergoseq 1
         units natural
         system { spin a : 1/2 }
         sequence { prepare up(a) loop k in 1..6 record as kicks { evolve Ix(a) for 0.1*k } }
         measure { expectation(Z(a)) }",
    );
    let kicks = trace(&of, "kicks");
    let angle = |k: i32| 0.1 * f64::from(k * (k + 1) / 2);
    assert_close(&kicks.time, &(0..=6).map(angle).collect::<Vec<_>>(), 1.0, "times");
    assert_close(&column(kicks, "expectation(Z(a))"), &(0..=6).map(|k| angle(k).cos()).collect::<Vec<_>>(), 1.0, "Z");
}

#[test]
fn what_cannot_be_observed_is_refused_with_its_place() {
    let cases = [
        ("loop 3 { loop 4 record as inner { delay 1 us } }", "E410"),
        ("loop 3 { acquire 1H points 4 every { delay 1 us } }", "E410"),
        ("loop 3 record as a { delay 1 us } loop 3 record as a { delay 1 us }", "E202"),
        ("loop 3 record as a { mark b }", "E410"),
        ("acquire 1H points 4 every { pulse 1H 90 deg phase x ideal }", "E404"),
        ("acquire 1H points 4", "E101"),
        ("acquire 1H points 4 dwell 1 us every { delay 1 us }", "E101"),
        ("loop 3 record { delay 1 us }", "E101"),
        ("acquire 1H points 4 every { loop 2 record as b { delay 1 us } }", "E410"),
    ];
    for (statement, code) in cases {
        let said = refused(&file("", &format!("sequence {{ prepare thermal\n {statement} }}")));
        assert!(said.contains(code), "{statement}: {said}");
    }
    let dead = "channel 1H { rf = 100 kHz, dead_time = 5 us } sequence { prepare thermal acquire 1H points 4 every { pulse 1H 90 deg phase x\n delay 3 us } }";
    assert!(refused(&file("", dead)).contains("the receiver is dead at every point"));
    let unequal = "channel 1H { rf = 100 kHz } sequence { prepare thermal\n pulse 1H 90 deg phase x
        acquire 1H points 4 every { delay 20 us between centres\n pulse 1H 180 deg phase x\n delay 20 us } }";
    assert!(refused(&file("", unequal)).contains("not equidistant"));
}
