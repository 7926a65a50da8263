//! A collective beside an array of the same spins: every metric of the table has the same value, or that of the collective is undefined,
//! with a reason. Metrics that are added to the table are compared as well.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::metrics::{METRICS, Metric, Parameter};
use std::collections::BTreeSet;

fn run(text: &str) -> Run {
    run_within(text, Options::default().tolerance)
}

fn run_within(text: &str, tolerance: f64) -> Run {
    let compiled = match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled,
        Err(refused) => panic!("{}\n{text}", refused.render()),
    };
    let options = Options { tolerance, ..Options::default() };
    ergoseq::run(&compiled.experiment, &Values::new(), &options)
        .unwrap_or_else(|d| panic!("{}\n{text}", d.render(&compiled.sources, false)))
}

/// The value of a metric at the mark `m`.
fn at(run: &Run, key: &str) -> Option<f64> {
    let mark = run.marks.iter().find(|m| m.name == "m").expect("the mark");
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("no {key}")).1
}

/// The note that a metric is undefined.
fn reason<'a>(run: &'a Run, key: &str) -> Option<&'a str> {
    run.notes.iter().find(|n| n.starts_with(&format!("`{key}` is undefined"))).map(String::as_str)
}

/// Ways to give an argument of a metric of the system `c, a, b`; the `k`-th of all arguments. `named` is true if the state `hot` is declared.
fn ways(parameter: Parameter, k: usize, named: bool) -> Vec<String> {
    let of = |all: &[&str]| all.iter().map(|x| x.to_string()).collect();
    match parameter {
        Parameter::Site => of(if k == 0 { &["a"] } else { &["b"] }),
        Parameter::Sites => of(if k == 0 { &["a", "c"] } else { &["b", "(c, b)"] }),
        Parameter::Operator | Parameter::Hamiltonian => {
            of(&["0.6*Iz(c) + 0.2*Ix(c)*Ix(c)", "Iz(c) + 1.2*Iz(a) + 0.8*Iz(b)"])
        }
        Parameter::OptionalOperator => of(&["", "Ix(c)", "0.3*Iz(c) + 0.7*Iy(c)*Iy(c)"]),
        Parameter::OptionalEnergyBasis => of(&["", "energy"]),
        Parameter::OptionalState => of(if named { &["", "hot"] } else { &[""] }),
        Parameter::Whole => of(&["1", "2", "3"]),
        Parameter::Temperature => of(&["0.7"]),
        Parameter::Nucleus => vec![],
    }
}

/// A metric with all ways to give its arguments.
fn entries(metric: &Metric, named: bool) -> Vec<String> {
    let mut lists: Vec<Vec<String>> = vec![vec![]];
    for (k, parameter) in metric.parameters.iter().enumerate() {
        let ways = ways(*parameter, k, named);
        lists = lists
            .iter()
            .flat_map(|list| ways.iter().map(|way| list.iter().chain([way]).cloned().collect::<Vec<_>>()))
            .collect();
    }
    let entry = |list: Vec<String>| {
        let given: Vec<String> = list.into_iter().filter(|way| !way.is_empty()).collect();
        if given.is_empty() { metric.name.to_string() } else { format!("{}({})", metric.name, given.join(", ")) }
    };
    lists.into_iter().map(entry).collect()
}

/// What does not depend on the state alone but on how the spins are declared.
fn is_of_declaration(entry: &str) -> bool {
    ["symmetric_ergotropy", "l1_coherence", "relative_entropy_coherence"].contains(&entry)
}

/// An experiment on `number` spins `c` and two single spins.
struct Case {
    number: u32,
    spin: &'static str,
    battery: &'static str,
    prepare: &'static str,
    noise: bool,
    named: bool,
    seed: u32,
}

impl Case {
    fn text(&self, collective: bool, entries: &[String]) -> String {
        let x = |k: u32| {
            f64::from(self.seed.wrapping_mul(2_654_435_761_u32).wrapping_add(k * 40_503_077) % 1000) / 500.0 - 1.0
        };
        let Case { number, spin, battery, prepare, .. } = self;
        let spins = match collective {
            true => format!("collective c : {number} * {spin}"),
            false => format!("spin c[{number}] : {spin}"),
        };
        let decay = if self.noise { "noise decay { collapse 0.4*Im(c) + 0.1*Iz(a) }" } else { "" };
        let hot = if self.named { "state hot = gibbs(Iz(c) + 0.5*Iz(a) + Iz(b), 0.7)" } else { "" };
        let with = if self.noise { "with decay" } else { "" };
        format!(
            "ergoseq 1
units natural
system {{ {spins}
    spin a, b : 1/2 }}
{decay}
{hot}
hamiltonian drive = Iz(c) + 0.9*Iz(a) + 1.1*Iz(b) + {:.3}*(Ip(c)*Im(a) + hc) + {:.3}*Ix(c) + {:.3}*Iz(c)*Iz(b) + {:.3}*Iz(c)*Iz(c)
    + {:.3}*Ix(a)*Iy(b) + {:.3}*Iy(c)
battery {{ {battery} }}
sequence {{
    prepare {prepare}
    evolve drive for {:.3} {with}
    mark m
}}
measure {{ {} }}
",
            x(1),
            x(2),
            x(3),
            0.3 * x(4),
            x(5),
            x(6),
            2.0 + x(7),
            entries.join("\n")
        )
    }
}

const ALONE: &str = "energy = Iz(c), cells = c";
const SQUARE: &str = "energy = 0.8*Iz(c) + 0.3*Iz(c)*Iz(c), cells = c";
const TILTED: &str = "energy = 0.8*Ix(c) + 0.5*Iz(c), cells = c";
const COUPLED: &str = "energy = Ix(c)*Ix(c) + 0.6*Iy(c)*Iy(c) + 0.2*Iz(c), cells = c";
const WITH_ONE: &str = "energy = Iz(c) + 0.7*Iz(b) + 0.4*Iz(c)*Iz(b), cells = c b";
const SUM: &str = "energy = Iz(c) + 0.7*Iz(b), cells = c b";
const ALL: &str = "energy = 0.9*Iz(c) + 0.7*Iz(a) + 0.4*Iz(b)";

const PURE: &str = "down(c), up(a), up(b)";
const HOT: &str = "gibbs(Iz(c), 0.7), up(a), down(b)";
const EVEN: &str = "mixed(c), up(a), up(b)";
const JOINT: &str = "gibbs(Iz(c) + 0.4*Iz(c)*Iz(a) + 0.8*Iz(a) - Iz(b), 0.8)";

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut seed = 0;
    for (battery, prepares) in [
        (ALONE, &[PURE, HOT, EVEN, JOINT][..]),
        (SQUARE, &[PURE, HOT]),
        (TILTED, &[PURE, JOINT]),
        (COUPLED, &[PURE, HOT, EVEN]),
        (WITH_ONE, &[PURE, HOT]),
        (SUM, &[PURE, JOINT]),
        (ALL, &[PURE, HOT, JOINT]),
    ] {
        for prepare in prepares {
            for number in [2, 3, 4] {
                seed += 1;
                let (noise, named) = (seed % 5 == 4, seed % 3 == 2);
                cases.push(Case { number, spin: "1/2", battery, prepare, noise, named, seed });
            }
        }
    }
    for (battery, prepare) in [(ALONE, PURE), (SQUARE, HOT), (SUM, JOINT), (COUPLED, EVEN)] {
        seed += 1;
        cases.push(Case { number: 2, spin: "1", battery, prepare, noise: false, named: seed % 2 == 0, seed });
    }
    // A collective of one spin is a spin.
    cases.push(Case { number: 1, spin: "1/2", battery: SUM, prepare: HOT, noise: false, named: true, seed: 77 });
    cases
}

#[test]
fn every_metric_is_that_of_single_spins_or_undefined() {
    let mut compared: BTreeSet<&str> = BTreeSet::new();
    let mut refused: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let all: Vec<(&Metric, String)> =
            METRICS.iter().flat_map(|m| entries(m, case.named).into_iter().map(move |e| (m, e))).collect();
        let texts: Vec<String> = all.iter().map(|(_, e)| e.clone()).collect();
        let (together, single) = (run(&case.text(true, &texts)), run(&case.text(false, &texts)));
        for (metric, entry) in all.iter().filter(|(_, e)| !is_of_declaration(e)) {
            let key = entry.replace(' ', "");
            let place =
                || format!("{} {} {} {} {}: {entry}", case.number, case.spin, case.battery, case.prepare, case.seed);
            match (at(&together, &key), at(&single, &key)) {
                // Measurements are optimised to about 1e-9.
                (Some(x), Some(y)) if (x - y).abs() > 2e-8 * (1.0 + y.abs()) => {
                    wrong.push(format!("{}: {x} for the collective, {y} for single spins", place()));
                }
                // A collective of one spin is a spin.
                (Some(_), Some(_)) if case.number == 1 => {}
                (Some(_), Some(_)) => {
                    compared.insert(metric.name);
                }
                (None, _) => match reason(&together, &key) {
                    Some(_) => {
                        refused.insert(metric.name);
                    }
                    None => wrong.push(format!("{}: undefined without a reason", place())),
                },
                (Some(x), None) => wrong.push(format!("{}: {x}, undefined for single spins", place())),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let never: Vec<&str> = METRICS.iter().map(|m| m.name).filter(|name| !compared.contains(name)).collect();
    println!("{compared:?}\nnever: {never:?}");
    // Metrics that a collective never has. The signals exist only during `acquire`.
    let none = [
        "parallel_ergotropy",
        "conserving_ergotropy",
        "correlation",
        "order",
        "coherence_order",
        "spin_temperature",
        "gibbs_fidelity",
        "gibbs_correlation",
        "gate_fidelity",
        "quasienergy",
        "effective_coefficient",
        "signal",
        "signal_im",
    ];
    let listed = |name: &&str| is_of_declaration(name) || none.contains(name);
    assert!(never.iter().all(listed), "{never:?} were never compared");
    assert!(none.iter().all(|name| refused.contains(name) || name.starts_with("signal")), "{refused:?}");
}

/// Values of dense matrices of all 2^N states, computed with numpy.
#[test]
fn works_of_collectives_are_those_of_dense_matrices() {
    let entries = [
        "ergotropy",
        "incoherent_ergotropy",
        "coherent_ergotropy",
        "incoherent_capacity",
        "daemonic_ergotropy(a)",
        "marginal_ergotropy",
        "ergotropic_gap",
        "residual_capacity",
    ];
    for (number, steps, values) in [
        (
            4,
            "prepare gibbs(Iz(c), 0.7), up(a)\n evolve Iz(c) + Iz(a) + 0.5*(Ip(c)*Im(a) + hc) + 0.4*cos(1.1*t)*Ix(c) for 3",
            [
                0.311_553_464,
                0.133_102_350,
                0.178_451_115,
                1.726_003_815,
                0.569_780_707,
                0.141_418_097,
                0.170_135_368,
                0.340_270_735,
            ],
        ),
        (
            3,
            "prepare down(c), up(a)\n evolve Iz(c) + Iz(a) + 0.5*(Ip(c)*Im(a) + hc) + 0.4*Ix(c) for 2.3",
            [
                0.928_033_401,
                0.560_386_697,
                0.367_646_704,
                2.014_283_523,
                1.053_244_935,
                0.235_341_052,
                0.692_692_349,
                1.385_384_698,
            ],
        ),
    ] {
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ collective c : {number} * 1/2\n spin a : 1/2 }}\nbattery {{ energy = Iz(c), cells = c }}\n\
             sequence {{ {steps}\n mark m }}\nmeasure {{ {} }}\n",
            entries.join("\n")
        );
        let r = run_within(&text, 1e-12);
        for (entry, value) in entries.iter().zip(values) {
            let found = at(&r, entry).unwrap_or_else(|| panic!("{entry}: {:?}", r.notes));
            assert!((found - value).abs() < 2e-9, "{number} {entry}: {found} for {value}");
        }
    }
}

/// The maximally mixed state gives no work, however that is defined.
#[test]
fn the_maximally_mixed_state_gives_nothing() {
    let entries = [
        "ergotropy",
        "anti_ergotropy",
        "capacity",
        "incoherent_ergotropy",
        "coherent_ergotropy",
        "incoherent_capacity",
        "coherent_capacity",
        "daemonic_ergotropy(a)",
        "marginal_ergotropy",
        "ergotropic_gap",
        "residual_capacity",
        "ergotropy(Ix(c)*Ix(c))",
    ];
    for number in [2, 3, 10] {
        let r = run(&format!(
            "ergoseq 1\nunits natural\nsystem {{ collective c : {number} * 1/2\n spin a : 1/2 }}\nbattery {{ energy = Iz(c), cells = c }}\n\
             sequence {{ prepare mixed(c), up(a)\n evolve Ix(c) for pi\n mark m }}\nmeasure {{ {} }}\n",
            entries.join("\n")
        ));
        for entry in entries {
            let found = at(&r, &entry.replace(' ', "")).unwrap_or_else(|| panic!("{entry}: {:?}", r.notes));
            assert!(found.abs() < 1e-12, "{number} {entry}: {found}");
        }
    }
}

/// Two collectives, one of them of spins 1: their multiplets combine.
#[test]
fn two_collectives_are_two_arrays() {
    let entries = [
        "ergotropy",
        "power",
        "incoherent_ergotropy",
        "coherent_capacity",
        "daemonic_ergotropy(a)",
        "population(2)",
        "capacity(Ix(c) + Ix(d))",
        "ergotropy(Ix(c)*Ix(d))",
        "entropy",
        "discord(a, (c, d))",
        "mutual_information(c, d)",
        "l1_coherence(energy)",
        "marginal_ergotropy(Iz(d))",
        "thermodynamic_bound",
    ];
    for prepare in ["gibbs(Iz(c) + Iz(d), 0.8), up(a)", "up(c), down(d), up(a)", "mixed(c), down(d), up(a)"] {
        let with = |spins: &str| {
            run(&format!(
                "ergoseq 1\nunits natural\nsystem {{ {spins}\n spin a : 1/2 }}\nbattery {{ energy = Iz(c) + 0.5*Iz(d), cells = c d }}\n\
                 sequence {{ prepare {prepare}\n evolve Iz(c) + Iz(d) + Iz(a) + 0.4*(Ip(c)*Im(a) + hc) + 0.3*(Ip(d)*Im(a) + hc) + 0.2*Ix(d) for 2\n \
                 mark m }}\nmeasure {{ {} }}\n",
                entries.join("\n")
            ))
        };
        let (together, single) =
            (with("collective c : 2 * 1\n collective d : 3 * 1/2"), with("spin c[2] : 1\n spin d[3] : 1/2"));
        for entry in entries {
            let key = entry.replace(' ', "");
            let (x, y) = (at(&together, &key), at(&single, &key));
            let same = x.zip(y).is_some_and(|(x, y)| (x - y).abs() < 2e-8);
            assert!(same, "{prepare} {entry}: {x:?} and {y:?} {:?}", together.notes);
        }
    }
}

/// Hot states, whose works are of first and second order in a polarisation of 1e-5, keep their digits.
#[test]
fn works_of_hot_collectives_keep_their_digits() {
    let entries =
        ["incoherent_ergotropy", "coherent_capacity", "marginal_ergotropy", "ergotropy(Ix(c))", "ergotropic_gap"];
    let with = |spins: &str| {
        run(&format!(
            "ergoseq 1\nunits natural\nsystem {{ {spins}\n spin a : 1/2 }}\nbattery {{ energy = Iz(c), cells = c }}\n\
             sequence {{ prepare gibbs(Iz(c) + Iz(a), 1e5)\n evolve 0.4*Ix(c) + 0.3*Iz(c)*Iz(c) + Iz(c)*Ix(a) for 3\n mark m }}\nmeasure {{ {} }}\n",
            entries.join("\n")
        ))
    };
    let (together, single) = (with("collective c : 3 * 1/2"), with("spin c[3] : 1/2"));
    for entry in entries {
        let (x, y) = (at(&together, entry).unwrap(), at(&single, entry).unwrap());
        assert!((x - y).abs() < 1e-9 * y.abs() + 1e-15, "{entry}: {x} and {y}");
    }
}

#[test]
fn a_definite_state_is_not_compared_as_its_average() {
    let r = run("ergoseq 1\nunits natural\nsystem { collective c : 3 * 1/2 }\nstate aim = definite(c, 1)\n\
                 sequence { prepare dicke(c, 1)\n evolve 0.3*Iz(c) for 1\n mark m }\nmeasure { fidelity(aim)\n trace_distance(aim)\n bures_angle(aim) }\n");
    for key in ["fidelity(aim)", "trace_distance(aim)", "bures_angle(aim)"] {
        assert_eq!(at(&r, key), None);
        assert!(reason(&r, key).unwrap().contains("individual spins"), "{:?}", r.notes);
    }
}

/// More combinations of multiplets than are enumerated: undefined, not the value within the stored ones.
#[test]
fn levels_that_are_too_many_are_not_replaced_by_fewer() {
    let r = run(
        "ergoseq 1\nunits natural\nsystem { collective c : 100 * 1/2\n collective d : 100 * 1/2\n collective f : 100 * 1/2 }\n\
                 battery { energy = Iz(c) + Iz(d) + Iz(f) }\nsequence { prepare down(c), down(d), up(f)\n evolve Iz(c) for 1\n mark m }\n\
                 measure { energy\n ergotropy }\n",
    );
    assert!((at(&r, "energy").unwrap() + 50.0).abs() < 1e-9);
    assert_eq!(at(&r, "ergotropy"), None);
    assert!(reason(&r, "ergotropy").unwrap().contains("combinations of multiplets"), "{:?}", r.notes);
}
