//! Averages over a disorder, whose realisations are the members of an ensemble.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::{compile, no_files};

fn file(ensemble: &str) -> String {
    format!(
        "ergoseq 1\nunits natural\nparam seed0 = 1, n = 3\nparam J[n] : uniform(from = 0.5, to = 1.5, seed = seed0)\n\
         param w[n] : gaussian(mean = 1, sd = 0.2, seed = seed0)\nsystem {{ spin s[n] : 1/2 }}\n\
         battery {{ energy = sum(i in 1..n, Z(s[i])) }}\n{ensemble}\nsequence {{\n prepare ket \"111\"\n\
         evolve sum(i in 1..n, w[i]*X(s[i])) + sum(i in 1..n-1, J[i]*Z(s[i])*Z(s[i+1])) for 1\n}}\n\
         measure {{ energy\n mean = member_mean(ergotropy)\n single = ergotropy }}\n"
    )
}

fn run(text: &str, values: &Values) -> Run {
    let compiled = compile("test.seq", text, &mut no_files).unwrap_or_else(|e| panic!("{e}\n{text}"));
    ergoseq::run(&compiled.experiment, values, &Options::default()).unwrap_or_else(|e| panic!("{}", e.message))
}

fn end(run: &Run, key: &str) -> f64 {
    let mark = run.marks.iter().find(|m| m.name == "end").unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap()
}

/// The ensemble over the seed is the mean of single runs: of the states for the energy, of the ergotropies for `member_mean`.
#[test]
fn realisations_are_members() {
    let together = run(&file("ensemble { param seed0 : integers(from = 3, to = 9) }"), &Values::new());
    let alone: Vec<Run> =
        (3..=9).map(|seed| run(&file(""), &Values::from([("seed0".to_string(), f64::from(seed))]))).collect();
    let mean = |key: &str| alone.iter().map(|r| end(r, key)).sum::<f64>() / 7.0;
    // Sums of seven numbers of size 1.
    assert!((end(&together, "energy") - mean("energy")).abs() < 1e-13);
    assert!((end(&together, "mean") - mean("single")).abs() < 1e-13);
    // The ergotropy of the mean state is less, and the realisations differ.
    assert!(end(&together, "single") < end(&together, "mean") - 1e-3);
    assert!((end(&alone[0], "energy") - end(&alone[1], "energy")).abs() > 1e-3);
}

#[test]
fn what_is_no_range_of_integers_is_refused() {
    for (ensemble, why) in [
        ("ensemble { param seed0 : integers(from = 3) }", "needs `to`"),
        ("ensemble { param seed0 : integers(from = 3, to = 2) }", "no whole numbers"),
        ("ensemble { param seed0 : integers(from = 1.5, to = 3) }", "not an integer"),
        ("ensemble { param seed0 : integers(from = 1, to = 3) points 4 }", "no meaning"),
        ("ensemble { param seed0 : integers(from = 1, to = 9000000) }", "members"),
    ] {
        let text = file(ensemble);
        let said = match compile("test.seq", &text, &mut no_files) {
            Err(refused) => refused.render(),
            Ok(compiled) => match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
                Ok(_) => panic!("accepted: {ensemble}"),
                Err(fault) => fault.message.clone(),
            },
        };
        assert!(said.contains(why), "{why}: {said}");
    }
    let list = file("").replace("uniform(from = 0.5, to = 1.5, seed = seed0)", "integers(from = 1, to = 2)");
    let Err(refused) = compile("test.seq", &list, &mut no_files) else { panic!("accepted") };
    assert!(refused.render().contains("no random numbers"), "{}", refused.render());
}
