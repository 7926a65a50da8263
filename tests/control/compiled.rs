//! The statement `compile`: pulses in the place of a wanted Hamiltonian. Compared with closed forms, and with the emulator, which shares no
//! code with the synthesis.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::EventKind;
use ergoseq::{compile, no_files, outline, run};

/// A J-coupled pair, with these statements between `prepare` and the end.
fn pair(channels: &str, statements: &str) -> String {
    format!(
        "ergoseq 1
param D = 5 Hz, T = 20 ms, J = 215 Hz
system {{
    field 11.7 T
    temperature 300 K
    spin h : 1H
    spin c : 13C
    j h c = J
}}
{channels}
hamiltonian DM = D*(X(h)*Y(c) - Y(h)*X(c))
define there() {{
    compile DM for T ideal
}}
sequence {{
    prepare ket \"01\"
    {statements}
}}
measure {{
    gate_fidelity(2*pi*T*DM)
    expectation(Iz(h))
    elapsed
}}
"
    )
}

fn emulated(text: &str, given: &[(&str, f64)]) -> Run {
    let compiled = compile("t.seq", text, &mut no_files).unwrap_or_else(|e| panic!("{e}"));
    let given: Values = given.iter().map(|(name, x)| (name.to_string(), *x)).collect();
    run(&compiled.experiment, &given, &Options::default()).unwrap_or_else(|e| panic!("{}", e.message))
}

fn at_end(run: &Run) -> [f64; 3] {
    let end = run.marks.last().unwrap();
    std::array::from_fn(|k| end.values[k].1.unwrap())
}

/// With phi = 2 pi D T the gate is cos(2 phi) and -sin(2 phi) in |01> and |10>. With a coupling that is larger by a share x its angle is
/// (1 + x) phi: |Tr U|^2/16 = cos(x phi)^4.
#[test]
fn the_pulses_are_those_of_the_declared_couplings() {
    let text = pair("", "there()");
    let phi = std::f64::consts::TAU * 5.0 * 20e-3;
    for x in [0.0, 0.02, -0.05] {
        let [gate, mz, elapsed] = at_end(&emulated(&text, &[("J", 215.0 * (1.0 + x))]));
        assert!((gate - (4.0 * (x * phi).cos().powi(4) + 1.0) / 5.0).abs() < 1e-12, "{x}: {gate}");
        assert!((mz - 0.5 * (4.0 * phi * (1.0 + x)).cos()).abs() < 1e-12, "{x}: {mz}");
        // The shortest time: two angles of phi of the coupling, which turns by pi J/2.
        assert!((elapsed - 2.0 * phi / (std::f64::consts::PI * 215.0 / 2.0)).abs() < 1e-12, "{elapsed}");
    }
}

#[test]
fn equal_statements_are_searched_for_once_and_stand_wherever_they_are_written() {
    let text = pair("", "loop 2 { there() }\n    compile -DM for 2*T ideal");
    let compiled = compile("t.seq", &text, &mut no_files).unwrap();
    let experiment = &compiled.experiment;
    assert_eq!(experiment.compiled.len(), 2);
    assert!(
        experiment.compiled[0].note.contains("`compile DM for T`: 1 - F = < 1e-13 with"),
        "{}",
        experiment.compiled[0].note
    );
    let written = |event: &ergoseq::ir::Event| matches!(event.kind, EventKind::Compile(_));
    assert!(!experiment.sequence.iter().any(written));
    let found = run(experiment, &Values::new(), &Options::default()).unwrap();
    // There twice, and back.
    let end = found.marks.last().unwrap();
    assert!((end.values[1].1.unwrap() - 0.5).abs() < 1e-12);
    assert!(found.notes.iter().filter(|n| n.starts_with("`compile ")).count() == 2, "{:?}", found.notes);
    // Written as YAML and read back nothing is lost, and nothing is searched for again.
    let mut read = ergoseq::from_yaml(&ergoseq::to_yaml(experiment).unwrap()).unwrap();
    assert!(ergoseq::expand(&mut read).unwrap().is_empty());
    let again = run(&read, &Values::new(), &Options::default()).unwrap();
    assert_eq!(again.marks, found.marks);
}

/// Pulses of finite length whose amplitudes rise: what the search says of them is what the emulator finds.
#[test]
fn the_fidelity_is_that_of_the_emulator() {
    let plain = "channel 1H { rf = 20 kHz }\nchannel 13C { rf = 20 kHz }\n";
    let rising = "channel 1H { rf = 20 kHz, rise_time = 300 ns }\nchannel 13C { rf = 25 kHz, rise_time = 200 ns }\n";
    for channels in [plain, rising] {
        let text = pair(channels, "compile DM for T infidelity = 1e-8");
        let compiled = compile("t.seq", &text, &mut no_files).unwrap_or_else(|e| panic!("{e}"));
        let imperfect = compiled.warnings.iter().any(|d| d.code.to_string() == "W408");
        assert!(!imperfect, "{:?}", compiled.warnings);
        let [gate, ..] = at_end(&run(&compiled.experiment, &Values::new(), &Options::default()).unwrap());
        assert!(1.0 - gate < 1e-8, "{channels}: {:e}", 1.0 - gate);
    }
    // Without regard to the rise they turn by 2 pi nu tau less: by 2 degrees of 90.
    let text = pair(plain, "compile DM for T infidelity = 1e-8");
    let mut compiled = compile("t.seq", &text, &mut no_files).unwrap();
    let rise = ergoseq::syntax::parse_expression("300 ns", 0).unwrap();
    compiled.experiment.channels.iter_mut().for_each(|c| c.rise_time = Some(rise.clone()));
    let [gate, ..] = at_end(&run(&compiled.experiment, &Values::new(), &Options::default()).unwrap());
    assert!(1.0 - gate > 1e-4, "{:e}", 1.0 - gate);
}

/// A half turn of a spin for offsets up to 8 kHz and rf errors with 20 kHz of rf: the mean over the ensemble is that of the emulator, and far
/// better than that of a rectangular pulse.
#[test]
fn pulses_are_chosen_for_the_ensemble_of_the_file() {
    let text = |statement: &str| {
        format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 300 K
    spin h : 1H
}}
channel 1H {{ rf = 20 kHz }}
ensemble {{
    offset 1H : uniform(from = -8 kHz, to = 8 kHz) points 5
    rf 1H : gaussian(mean = 1, sd = 0.03) points 2
}}
sequence {{
    prepare thermal
    {statement}
}}
measure {{ member_mean(gate_fidelity(pi*Ix(h))) }}
"
        )
    };
    let gate = |statement: &str| {
        let compiled = compile("t.seq", &text(statement), &mut no_files).unwrap_or_else(|e| panic!("{e}"));
        let found = run(&compiled.experiment, &Values::new(), &Options::default()).unwrap();
        let end = found.marks.last().unwrap();
        (end.values[0].1.unwrap(), compiled)
    };
    let (rectangular, _) = gate("pulse 1H 180 deg phase x");
    let (mean, compiled) = gate("compile 1 kHz*Ix(h) for 0.5 ms infidelity = 5e-3 within = 100 us");
    // The average gate fidelity is (2 F + 1)/3: what was asked for is 1/300.
    assert!(rectangular < 0.97 && 1.0 - mean <= 5e-3 * 2.0 / 3.0 + 1e-9, "{rectangular} {mean}");
    let block = &compiled.experiment.compiled[0];
    let line = block.report.iter().find(|l| l.starts_with("mean 1 - F over the ensemble of 10 members")).unwrap();
    let said: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    // The average gate fidelity is (2 F + 1)/3; three digits are written.
    assert!((1.5 * (1.0 - mean) / said - 1.0).abs() < 0.01, "{said} {mean}");
    assert!(block.note.contains("over the ensemble"), "{}", block.note);
}

#[test]
fn what_cannot_be_compiled_is_refused_at_its_place() {
    let refused = |channels: &str, statements: &str| {
        let text = pair(channels, statements);
        let refused = compile("t.seq", &text, &mut no_files).err().unwrap_or_else(|| panic!("{statements}"));
        let first = refused.diagnostics.iter().find(|d| d.is_error()).unwrap().clone();
        let span = first.span.unwrap();
        let place = text.get(span.start as usize..span.end as usize).unwrap().to_string();
        (first.code.to_string(), first.message.clone(), place)
    };
    let (code, message, place) = refused("", "compile DM for T ideal within = 1 ms");
    assert!(code == "E417" && message.contains("at least 3.7209 ms") && place == "DM", "{code} {message} {place}");
    let (code, message, _) = refused("", "compile DM for T");
    assert!(code == "E418" && message.contains("no rf on channel"), "{code} {message}");
    let (code, message, _) = refused("channel 19F { rf = 20 kHz }", "compile DM for T");
    assert!(code == "E419" && message.contains("no spin 19F"), "{code} {message}");
    let (code, _, place) = refused("", "loop k in 1..2 { compile DM for k*T ideal }");
    assert!(code == "E408" && place.starts_with("k*T"), "{code} {place}");
    let (code, ..) = refused("", "compile DM for -T ideal");
    assert_eq!(code, "E404");
    let (code, _, place) = refused("", "compile DM for T ideal infidelity = 2");
    assert!(code == "E404" && place == "2", "{code} {place}");
    let (code, ..) = refused("", "compile D for T ideal");
    assert_eq!(code, "E304");
    // A parameter of H has the value of the file.
    let compiled = compile("t.seq", &pair("", "there()"), &mut no_files).unwrap();
    let given = Values::from([("T".to_string(), 30e-3)]);
    let fault = run(&compiled.experiment, &given, &Options::default()).unwrap_err();
    assert!(fault.code.to_string() == "E408" && fault.message.contains("were found for 0.02"), "{}", fault.message);
    // As it has where the value is given.
    assert!(run(&compiled.experiment, &Values::from([("T".to_string(), 20e-3)]), &Options::default()).is_ok());
}

/// An editor compiles at every key: it shows the wanted evolution, and makes the proofs.
#[test]
fn editors_do_not_search() {
    let outlined = outline("t.seq", &pair("", "there()"), &mut no_files).unwrap_or_else(|e| panic!("{e}"));
    let evolves = |event: &ergoseq::ir::Event| matches!(event.kind, EventKind::Evolve { .. });
    assert!(outlined.experiment.sequence.iter().any(evolves) && outlined.experiment.compiled.is_empty());
    let like = pair("", "there()").replace("spin c : 13C", "spin c : 1H");
    let refused = outline("t.seq", &like, &mut no_files).unwrap_err();
    assert!(
        refused.to_string().contains("E416") && refused.to_string().contains("changes sign under exchange of h and c")
    );
}
