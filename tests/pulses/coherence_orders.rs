//! Gradients, crush and phase cycles, which select orders of coherence.

use super::{at_end, run};

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
