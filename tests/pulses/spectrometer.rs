//! A spectrometer rounds times and phases to its steps, and refuses what is over its limits.

use super::{at_end, run};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;

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
        ("4.4 us", "1.2 us", "shorter than the minimum"),
        ("4.4 us", "2.2 us", "the transmitter needs"),
        ("max_energy = 30 us", "max_energy = 3 us", "rf load"),
        ("max_energy = 30 us", "max_pulse = 15 us", "longer than the maximum"),
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
        [("max_energy = 30 us", "max_pulse = 15 us", "longer than"), ("20 us", "0.3 us", "half of a clock period")]
    {
        let refused = on(&lock("20 us", "10 deg").replace(change, to)).unwrap_err();
        assert!(refused.message.contains(why), "{}", refused.message);
    }
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
    assert!(refused.message.contains("a duty cycle of 0.013,"), "{}", refused.message);
}
