//! Noise of acquired signals and members drawn at random follow from their seeds.

use super::run;

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
