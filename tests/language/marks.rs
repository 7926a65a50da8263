//! Metrics at marks inside of results: `ergotropy at stored / ergotropy at charged`, `measure at charged { ... }`.

use ergoseq::emulator::{Emulator, Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn refused(text: &str) -> String {
    match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Ok(_) => panic!("accepted: {text}"),
        Err(refused) => refused.render(),
    }
}

fn run(text: &str) -> Run {
    ergoseq::run(&compiled(text), &Values::new(), &Options::default()).unwrap_or_else(|e| panic!("{}", e.message))
}

fn scalar(run: &Run, key: &str) -> f64 {
    let found = run.summary.iter().find(|(k, _)| k == key);
    found.unwrap_or_else(|| panic!("{key} of {:?}", run.summary)).1.unwrap()
}

fn at(run: &Run, mark: &str, key: &str) -> f64 {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap()
}

/// A spin that decays from its upper level: its ergotropy is 2 exp(-0.3 t) - 1.
fn decaying(measure: &str) -> String {
    format!(
        "ergoseq 1\nunits natural\nparam T = 1\nsystem {{ spin a : 1/2 }}\nhamiltonian H = Iz(a)\nnoise decay {{ collapse sqrt(0.3) * Im(a) }}\n\
         battery {{ energy = H }}\nsequence {{\n prepare ket \"0\"\n mark charged\n evolve H for T with decay record 11 as storing\n mark stored\n \
         evolve H for T with decay\n mark late\n}}\n{measure}\n"
    )
}

#[test]
fn metrics_at_marks_are_combined() {
    let kept = |t: f64| 2.0 * (-0.3 * t).exp() - 1.0;
    for spelling in ["ergotropy at stored / ergotropy at charged", "stored.ergotropy / charged.ergotropy"] {
        let r = run(&decaying(&format!("measure {{ ergotropy\n retention = {spelling} }}")));
        // The engine of relaxation has an error of 1e-10.
        assert!((scalar(&r, "retention") - kept(1.0)).abs() < 1e-9, "{:?}", r.summary);
        assert_eq!(scalar(&r, "retention"), at(&r, "stored", "ergotropy") / at(&r, "charged", "ergotropy"));
    }
    let r = run(&decaying(
        "measure { ergotropy\n w = ergotropy/2\n lost = max(storing.ergotropy) - ergotropy at late\n half = w at stored\n \
         root = sqrt(ergotropy at end)\n now = ergotropy - ergotropy at charged }",
    ));
    assert!((scalar(&r, "lost") - (1.0 - kept(2.0))).abs() < 1e-9, "{:?}", r.summary);
    assert_eq!(scalar(&r, "half"), at(&r, "stored", "ergotropy") / 2.0);
    assert_eq!(scalar(&r, "root"), at(&r, "end", "ergotropy").sqrt());
    // A result of every moment beside a number of the whole run.
    assert!((at(&r, "late", "now") - (kept(2.0) - 1.0)).abs() < 1e-9);
}

#[test]
fn measure_at_evaluates_at_its_marks_alone() {
    let r = run(&decaying(
        "measure at stored, late {\n ergotropy\n share = ergotropy/capacity\n}\nmeasure at charged { full = energy }",
    ));
    let keys: Vec<&str> = r.summary.iter().map(|(k, _)| k.as_str()).collect();
    assert_eq!(keys, ["stored.ergotropy", "late.ergotropy", "stored.share", "late.share", "full"]);
    assert!(r.marks.iter().all(|m| m.values.is_empty()) && r.traces.iter().all(|t| t.values.is_empty()));
    assert!((scalar(&r, "stored.ergotropy") - (2.0 * (-0.3f64).exp() - 1.0)).abs() < 1e-9);
    assert_eq!(scalar(&r, "full"), 0.5);
}

#[test]
fn an_expectation_at_a_mark_is_of_the_whole_expression_as_ever() {
    let text = decaying(
        "measure { ergotropy\n energy }\nexpect ergotropy + energy at charged = 1.5 within 1e-9\n\
                         expect ergotropy at charged - ergotropy at stored = 0.518363558636564 within 1e-9",
    );
    let experiment = compiled(&text);
    let [whole, parts] = experiment.expects.as_slice() else { panic!("two expectations") };
    assert_eq!((whole.value.to_string().as_str(), whole.at.as_deref()), ("ergotropy + energy", Some("charged")));
    assert_eq!((parts.value.to_string().as_str(), parts.at.as_deref()), ("charged.ergotropy - stored.ergotropy", None));
    let verdict = |expr, at: &Option<String>| {
        let request = ergoseq::emulator::Request { expr, at: at.clone() };
        let emulator = Emulator::new(&experiment);
        emulator.run(&Values::new(), &Options::default(), &[request]).unwrap().values[0].unwrap()
    };
    assert!((verdict(whole.value.clone(), &whole.at) - 1.5).abs() < 1e-9);
    assert!((verdict(parts.value.clone(), &parts.at) - 0.518363558636564).abs() < 1e-9);
}

#[test]
fn results_at_marks_read_back_from_the_typed_experiment() {
    let text = decaying(
        "measure { w = ergotropy/capacity - 1\n v = w at stored * sqrt(energy at charged)\n u = max(storing.ergotropy) }",
    );
    let experiment = compiled(&text);
    let yaml = ergoseq::to_yaml(&experiment).unwrap();
    assert_eq!(ergoseq::from_yaml(&yaml).unwrap(), experiment);
}

#[test]
fn batches_of_points_have_the_values_of_single_ones() {
    let text = "ergoseq 1\nunits natural\nparam B = 1\nparam T = 1\nsystem { spin a, b : 1/2 }\nhamiltonian H = B*Iz(a) + 1.3*Iz(b)\n\
                hamiltonian V = Ix(a)*Ix(b) + 0.7*Ix(a) + 0.2*Iy(b)\nbattery { energy = H }\nsequence {\n prepare gibbs(H, T)\n mark begin\n \
                evolve V for 0.8 record 21 as charging\n mark charged\n evolve H + V for 0.5\n mark late\n}\n\
                measure { ergotropy\n share = ergotropy at late / energy at charged\n gain = max(charging.ergotropy) - ergotropy at begin }\n\
                measure at charged { capacity\n stored_energy }\n";
    let experiment = compiled(text);
    let points: Vec<Values> = (0..40)
        .map(|k| {
            Values::from([("B".to_string(), 0.4 + 0.05 * f64::from(k)), ("T".to_string(), 0.5 + 0.02 * f64::from(k))])
        })
        .collect();
    let emulator = Emulator::new(&experiment);
    assert!(emulator.batch_size(&points[0], &Options::default()) > 1, "points are run one by one");
    for (point, together) in points.iter().zip(emulator.run_many(&points, &Options::default())) {
        let (together, alone) = (together.unwrap(), emulator.run(point, &Options::default(), &[]).unwrap());
        for ((key, x), (_, y)) in together.summary.iter().zip(&alone.summary) {
            let (x, y) = (x.unwrap(), y.unwrap());
            // Both are exact; eigenvalues have an error of some 1e-15.
            assert!((x - y).abs() < 1e-10 * y.abs().max(1.0), "{key}: {x} {y}");
        }
    }
}

#[test]
fn ensembles_have_the_values_of_their_marks() {
    let text = "ergoseq 1\nsystem { field 9.4 T\n temperature 300 K\n spin a, b : 1H\n dipolar a b = 3 kHz }\nensemble { offset 1H : gaussian(sd = 200 Hz) points 7 }\n\
                battery { energy = dipolar }\nsequence {\n prepare thermal\n pulse 1H 90 deg phase x ideal\n delay 40 us\n pulse 1H 45 deg phase y ideal\n mark charged\n delay 100 us\n}\n\
                measure { ergotropy\n first = ergotropy at charged\n ratio = ergotropy at end / ergotropy at charged }\n";
    let r = run(text);
    let (charged, end) = (at(&r, "charged", "ergotropy"), at(&r, "end", "ergotropy"));
    assert_eq!(scalar(&r, "first"), charged);
    assert_eq!(scalar(&r, "ratio"), end / charged);
}

#[test]
fn what_is_no_metric_at_a_mark_is_refused() {
    for (measure, words) in [
        ("measure { ergotropy at chraged }", "did you mean `charged`"),
        ("measure { max(ergotropy at charged) }", "`charged` is a mark"),
        ("measure { storing.ergotropy at charged }", "ambiguous"),
        ("measure { max(ergotropy) at charged }", "a scalar of the whole run"),
        ("measure at charged { max(ergotropy) }", "a scalar of the whole run"),
        ("measure at strored { ergotropy }", "did you mean `stored`"),
        ("measure { ergotropy at storing }", "`storing` is a trace, not a mark"),
        ("measure { storing.ergotropy }", "`max(storing.ergotropy)`"),
        ("measure { share = max(storing.ergotropy) - 2*storing.energy }", "`storing` is a trace, not a mark"),
        ("measure { share = ergotropy at stored - energy at storing }", "`storing` is a trace, not a mark"),
        ("measure { member_mean(storing.energy) }", "`storing` is a trace, not a mark"),
        ("measure { ergotropy }\nexpect storing.ergotropy = 1 within 1", "`storing` is a trace, not a mark"),
        ("measure { x = ergotropy at charged\n x = energy }", "measured twice"),
        ("measure { ergotropy at 3 }", "the name of a mark"),
    ] {
        let said = refused(&decaying(measure));
        assert!(said.contains(words), "{measure}: {said}");
    }
}
