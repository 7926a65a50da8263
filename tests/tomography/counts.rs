//! Energies from counts of projective measurements.

#[test]
fn counts_give_the_energies_of_what_was_counted() {
    use ergoseq::noise::Noise;
    use ergoseq::tomography::Settings;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/workloads/counted.seq");
    let text = std::fs::read_to_string(file).unwrap();
    let experiment = ergoseq::compile("counted.seq", &text, &mut ergoseq::no_files).unwrap().experiment;
    let options = ergoseq::emulator::Options { states: 4, ..Default::default() };
    let run = ergoseq::emulator::run(&experiment, &Default::default(), &options, &[]).unwrap();
    let mark = &run.marks[0];
    let truth = |key: &str| mark.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap();
    let axes: Vec<Vec<u8>> = (0..9).map(|s| vec![s / 3, s % 3]).collect();
    let settings = Settings::new(2, &axes).unwrap();
    let counts = settings.drawn(mark.state.as_ref().unwrap(), &[4000; 9], &mut Noise::new(3, 0));
    let mut table = String::from("setting, outcome, count\n");
    for (k, count) in counts.iter().enumerate() {
        let letter = |axis: u8| "XYZ".chars().nth(axis as usize).unwrap();
        let setting: String = axes[k / 4].iter().map(|a| letter(*a)).collect();
        table += &format!("{setting}, {:02b}, {count}\n", k % 4);
    }
    let path = std::env::temp_dir().join(format!("ergoseq-counts-{}.csv", std::process::id()));
    std::fs::write(&path, &table).unwrap();
    let ergoseq = |more: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .args(["tomography", file, "--counts"])
            .arg(&path)
            .args(more)
            .output()
            .unwrap()
    };
    for estimator in ["maximum_likelihood", "nearest", "linear"] {
        let done = ergoseq(&["--estimator", estimator, "--repetitions", "60", "--format", "json"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            (found["shots"].as_u64(), found["settings"].as_u64(), found["unseen"].as_u64()),
            (Some(36000), Some(9), Some(0))
        );
        for key in ["energy", "ergotropy", "capacity"] {
            let number = |of: &str| found["energies"][key][of].as_f64().unwrap();
            let (value, error) = (number("value"), number("error"));
            // Four standard errors, which are small beside what is measured.
            assert!((value - truth(key)).abs() < 4.0 * error, "{estimator} {key}: {value} +- {error}, {}", truth(key));
            assert!(error > 1e-4 && error < 0.05, "{estimator} {key}: {error}");
        }
    }
    let said = String::from_utf8(ergoseq(&["--repetitions", "20"]).stdout).unwrap();
    assert!(said.contains("9 settings, 36000 shots, maximum_likelihood") && said.contains("ergotropy"), "{said}");
    std::fs::write(&path, "XQ, 00, 3\n").unwrap();
    let refused = ergoseq(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("`XQ` is not a setting of 2 spins"), "{said}");
    std::fs::remove_file(&path).unwrap();
}
