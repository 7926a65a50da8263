//! Laws of physics and of the language, over random programs of `tests/propagation/generator`.
//!
//! `ERGOSEQ_CASES=N` tries N programs a law in the place of the usual number, `ERGOSEQ_SEED=K` begins at the K-th. A broken law
//! prints the program.

use crate::generator;

use ergoseq::emulator::{Method, Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::linalg::Matrix;
use generator::{Program, Random, Step, generate};
use num_complex::Complex;

/// The tolerance that adaptive methods get here.
const TOLERANCE: f64 = 1e-9;

/// The largest difference of two results, relative to the largest deviation from the maximally mixed state. Adaptive methods may
/// be wrong by their tolerance in each of some hundred steps; what is exact is right to 1e-16 of the identity, which is some 1e-11
/// of the deviation in the laboratory.
const AGREE: f64 = 3e-7;

/// The same for the simple method, whose steps are of fixed order and number.
const AGREE_PLAIN: f64 = 3e-6;

fn cases(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let first = number("ERGOSEQ_SEED").unwrap_or(0);
    first..first + number("ERGOSEQ_CASES").unwrap_or(usual)
}

fn run_with(text: &str, values: &Values, method: Method) -> Result<Run, String> {
    let options = Options { method, tolerance: TOLERANCE, states: 1 << 10, ..Options::default() };
    let compiled = ergoseq::compile("random.seq", text, &mut ergoseq::no_files).map_err(|r| r.render())?;
    ergoseq::run(&compiled.experiment, values, &options).map_err(|d| d.render(&compiled.sources, false))
}

/// The density matrices at the marks.
type States = Vec<(String, Matrix)>;

fn states_of(run: Run) -> States {
    run.marks.into_iter().filter_map(|m| Some((m.name, m.state?))).collect()
}

fn states(text: &str) -> Result<States, String> {
    run_with(text, &Values::new(), Method::Auto).map(states_of)
}

fn largest(m: &Matrix) -> f64 {
    m.iter().map(|x| x.norm()).fold(0.0, f64::max)
}

/// The largest deviation from the maximally mixed state at any mark.
fn deviation(states: &States) -> f64 {
    let of = |m: &Matrix| largest(&(m - Matrix::identity(m.nrows(), m.nrows()) / Complex::from(m.nrows() as f64)));
    states.iter().map(|(_, m)| of(m)).fold(1e-300, f64::max)
}

/// The first mark at which the states differ; only marks that both have are compared.
fn difference(a: &States, b: &States, tolerance: f64) -> Option<String> {
    let scale = deviation(a);
    let mut compared = 0;
    for (mark, x) in a {
        let Some((_, y)) = b.iter().find(|(name, _)| name == mark) else { continue };
        compared += 1;
        let part = largest(&(x - y)) / scale;
        // Not `part > tolerance`: what is not a number differs.
        if part.is_nan() || part > tolerance {
            return Some(format!("at `{mark}` the states differ by {part:.1e} of the deviation"));
        }
    }
    (compared < 2).then(|| "there are no states to compare".into())
}

/// Fails when two texts of one meaning give different states.
fn same(law: &str, seed: u64, text: &str, other: &str, tolerance: f64) {
    let wrong = match (states(text), states(other)) {
        (Ok(a), Ok(b)) => difference(&a, &b, tolerance),
        (Err(why), _) | (_, Err(why)) => Some(why),
    };
    if let Some(wrong) = wrong {
        panic!("{law}, seed {seed}: {wrong}\n{text}\n# the other:\n{other}");
    }
}

/// Compares a program with its rewritten form, wherever the rule changes something.
fn rewriting(law: &str, usual: u64, rule: impl Fn(&Program, &Step) -> Option<Vec<Step>>) {
    let mut changed = 0;
    for seed in cases(usual) {
        let program = generate(seed, 1.0);
        let (text, other) = (program.text(), program.rewritten(&mut |step| rule(&program, step)).text());
        if text != other {
            changed += 1;
            same(law, seed, &text, &other, AGREE);
        }
    }
    // A few programs may have nothing that the law is about.
    assert!(changed > 0 || cases(usual).count() < 40, "{law}: no program was changed");
}

/// What is generated is valid and runs, and its states are density matrices.
#[test]
fn states_are_density_matrices() {
    for seed in cases(12) {
        let text = generate(seed, 1.0).text();
        let states = states(&text).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{text}"));
        assert!(states.len() > 2, "seed {seed}: no states\n{text}");
        for (mark, rho) in states {
            assert!((rho.trace() - Complex::from(1.0)).norm() < 1e-11, "seed {seed}: the trace at `{mark}`\n{text}");
            assert!(largest(&(&rho - rho.adjoint())) < 1e-12, "seed {seed}: not Hermitian at `{mark}`\n{text}");
            let eigen = nalgebra::SymmetricEigen::try_new(rho, f64::EPSILON, 10_000).expect("eigenvalues");
            let lowest = eigen.eigenvalues.min();
            assert!(lowest > -1e-8, "seed {seed}: an eigenvalue of {lowest} at `{mark}`\n{text}");
        }
    }
}

/// `loop N { x }` is `x` N times.
#[test]
fn a_loop_is_its_body_so_many_times() {
    rewriting("a loop is its body", 12, |_, step| match step {
        Step::Loop(count, body) => Some((0..*count).flat_map(|_| body.clone()).collect()),
        _ => None,
    });
}

/// `loop 1 { x }` is `x`.
#[test]
fn a_loop_of_one_is_its_body() {
    rewriting("a loop of one", 12, |_, step| match step {
        Step::Delay { record: false, .. } | Step::Evolve { record: false, .. } | Step::Pulse(_) | Step::Timed(_) => {
            Some(vec![Step::Loop(1, vec![step.clone()])])
        }
        _ => None,
    });
}

/// A delay, or an evolution under a constant Hamiltonian, may be cut in two.
#[test]
fn two_parts_are_the_whole() {
    rewriting("two parts", 12, |_, step| match step {
        Step::Delay { time, stretched, .. } => Some(
            [0.3, 0.7].map(|share| Step::Delay { time: time * share, stretched: *stretched, record: false }).to_vec(),
        ),
        Step::Evolve { terms, time, noise, .. } if terms.iter().all(|(c, _)| !c.contains("{t}")) => Some(
            [0.3, 0.7]
                .map(|share| Step::Evolve { terms: terms.clone(), time: time * share, noise: *noise, record: false })
                .to_vec(),
        ),
        _ => None,
    });
}

/// `acquire` leaves the state that a delay of the same duration leaves.
#[test]
fn an_acquisition_is_a_delay() {
    rewriting("an acquisition is a delay", 12, |_, step| match step {
        Step::Acquire(_, points, dwell) => {
            Some(vec![Step::Delay { time: *points as f64 * dwell, stretched: false, record: false }])
        }
        _ => None,
    });
}

/// Recording a statement does not change what it does.
#[test]
fn records_change_nothing() {
    rewriting("a record", 12, |_, step| match step {
        Step::Delay { time, stretched, record: true } => {
            Some(vec![Step::Delay { time: *time, stretched: *stretched, record: false }])
        }
        Step::Evolve { terms, time, noise, record: true } => {
            Some(vec![Step::Evolve { terms: terms.clone(), time: *time, noise: *noise, record: false }])
        }
        _ => None,
    });
}

/// Marks change nothing: the end is the same when only the first stays.
#[test]
fn marks_change_nothing() {
    rewriting("a mark", 12, |_, step| match step {
        Step::Mark(name) if name != "start" => Some(vec![]),
        _ => None,
    });
}

/// A call is the body of its `define`.
#[test]
fn a_call_is_the_body_of_its_subsequence() {
    rewriting("a call", 12, |program, step| match step {
        Step::Call(k) => Some(program.subsequences[*k].clone()),
        _ => None,
    });
}

/// A pulse is an evolution under the internal Hamiltonian and its field.
#[test]
fn a_pulse_is_an_evolution() {
    rewriting("a pulse is an evolution", 12, |program, step| match step {
        // A cycle is a phase of pulses alone.
        Step::Pulse(pulse) if !program.turns && !pulse.phase.contains("phi") => {
            let two_pi = if program.units.natural { "" } else { "(2*pi) rad*" };
            let mut phase = pulse.phase.clone();
            for (factor, part) in
                [(two_pi, pulse.offset.as_ref().map(|o| format!("{o}*{{t}}"))), ("", pulse.modulation.clone())]
            {
                phase += &part.map(|p| format!(" + {factor}{p}")).unwrap_or_default();
            }
            let shape = pulse.shape.as_ref().map(|s| format!("*{s}")).unwrap_or_default();
            let mut terms = vec![("1".to_string(), "internal".to_string())];
            for (function, operator) in [("cos", "Ix"), ("sin", "Iy")] {
                let sum: Vec<String> = program
                    .spins
                    .iter()
                    .filter(|s| s.kind == pulse.nucleus)
                    .map(|s| format!("{operator}({})", s.name))
                    .collect();
                terms.push((format!("{}{shape}*{function}({phase})", pulse.rf), format!("({})", sum.join(" + "))));
            }
            let time = pulse.duration;
            Some(vec![Step::Evolve { terms, time, noise: false, record: false }])
        }
        _ => None,
    });
}

/// A term may be written in parts: `f A` is `f A/4 + 3 f A/4`.
#[test]
fn a_term_may_be_written_in_parts() {
    rewriting("a term in parts", 12, |_, step| match step {
        Step::Evolve { terms, time, noise, .. } => {
            let parts = |(c, o): &(String, String)| [0.25, 0.75].map(|part| (format!("{part}*{c}"), o.clone()));
            let terms = terms.iter().flat_map(parts).collect();
            Some(vec![Step::Evolve { terms, time: *time, noise: *noise, record: false }])
        }
        _ => None,
    });
}

/// A time-dependent evolution may begin later: with nothing before, and every time in it later by the same.
#[test]
fn an_evolution_may_begin_later() {
    rewriting("an evolution that begins later", 12, |program, step| match step {
        Step::Evolve { terms, time, noise: false, .. } if !program.relaxes() && !program.turns => {
            let wait = program.units.time(7.0 * time);
            let later = |(c, o): &(String, String)| {
                (format!("step({{t}} - {wait})*{}", c.replace("{t}", &format!("({{t}} - {wait})"))), o.clone())
            };
            let terms = terms.iter().map(later).collect();
            Some(vec![Step::Evolve { terms, time: 8.0 * time, noise: false, record: false }])
        }
        _ => None,
    });
}

/// Sections may stand in any order.
#[test]
fn the_order_of_declarations_is_free() {
    for seed in cases(12) {
        let program = generate(seed, 1.0);
        let sections = program.sections();
        let shuffled: Vec<String> =
            Random(seed).permutation(sections.len()).into_iter().map(|k| sections[k].clone()).collect();
        same("the order of declarations", seed, &program.text(), &program.text_of(&shuffled), AGREE);
    }
}

/// The number of threads changes no bit.
#[test]
fn threads_change_no_bit() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let (one, two) = (pool(1), pool(2));
    for seed in cases(12) {
        let text = generate(seed, 1.0).text();
        let a = one.install(|| run_with(&text, &Values::new(), Method::Auto));
        let b = two.install(|| run_with(&text, &Values::new(), Method::Auto));
        // As text, so that what is not a number equals itself.
        assert!(format!("{a:?}") == format!("{b:?}"), "threads, seed {seed}:\n{text}");
    }
}

/// The order in which the spins are declared does not matter to what is measured on them.
#[test]
fn the_order_of_the_spins_is_free() {
    for seed in cases(12) {
        let program = generate(seed, 1.0);
        let mut other = program.clone();
        other.order = Random(seed).permutation(program.spins.len());
        let (text, permuted) = (program.text(), other.text());
        if text == permuted {
            continue;
        }
        let [a, b] = [&text, &permuted]
            .map(|t| run_with(t, &Values::new(), Method::Auto).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{t}")));
        let scale = deviation(&states_of(a.clone()));
        for (x, y) in a.marks.iter().zip(&b.marks) {
            for ((key, x), (_, y)) in x.values.iter().zip(&y.values) {
                let (Some(x), Some(y)) = (x, y) else { continue };
                // Expectations of spin operators are at most 9/4; other values are looked at by the law of units.
                let close = (x - y).abs() <= AGREE * scale * 10.0;
                assert!(
                    close || !key.starts_with("of_"),
                    "spins, seed {seed}: `{key}` is {x} and {y}\n{text}\n{permuted}"
                );
            }
        }
    }
}

/// All energies doubled and all times halved: the same states.
#[test]
fn only_energy_times_time_matters() {
    for seed in cases(12) {
        let (program, fast) = (generate(seed, 1.0), generate(seed, 2.0));
        same("energy times time", seed, &program.text(), &fast.text(), AGREE);
    }
}

/// An ensemble is the weighted mean of its members, each run by itself.
#[test]
fn an_ensemble_is_the_mean_of_its_members() {
    let mut compared = 0;
    for seed in cases(12) {
        let program = generate(seed, 1.0);
        let Some(members) = program.members() else { continue };
        if members.len() < 2 {
            continue;
        }
        compared += 1;
        let (text, single) = (program.text(), program.single().text());
        let mut mean: States = Vec::new();
        for (weight, values) in members {
            let values: Values = values.into_iter().map(|(name, x)| (name.to_string(), x)).collect();
            let run =
                run_with(&single, &values, Method::Auto).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{single}"));
            for (k, (mark, rho)) in states_of(run).into_iter().enumerate() {
                let part = rho * Complex::from(weight);
                match mean.get_mut(k) {
                    Some((_, sum)) => *sum += part,
                    None => mean.push((mark, part)),
                }
            }
        }
        let wrong = match states(&text) {
            Ok(whole) => difference(&whole, &mean, AGREE),
            Err(why) => Some(why),
        };
        assert!(wrong.is_none(), "an ensemble, seed {seed}: {}\n{text}", wrong.unwrap_or_default());
    }
    assert!(compared > 0);
}

/// Every method gives the same states.
#[test]
fn methods_agree() {
    for (method, usual, tolerance) in [(Method::Dop853, 6, AGREE), (Method::Plain, 4, AGREE_PLAIN)] {
        for seed in cases(usual) {
            let text = generate(seed, 1.0).text();
            let wrong = match (states(&text), run_with(&text, &Values::new(), method)) {
                (Ok(a), Ok(b)) => difference(&a, &states_of(b), tolerance),
                (Err(why), _) | (_, Err(why)) => Some(why),
            };
            assert!(wrong.is_none(), "{method:?}, seed {seed}: {}\n{text}", wrong.unwrap_or_default());
        }
    }
}

/// Heat and work at the marks of a program of a few states in which something is not unitary, and the largest of these and of the energies.
fn heats(program: &Program, method: Method) -> Option<Result<(Vec<f64>, f64), String>> {
    let text = program.text();
    let open = program.relaxes() || ["with n", "crush", "dephase"].iter().any(|word| text.contains(word));
    if !open || program.spins.iter().map(|s| s.states).product::<usize>() > 4 {
        return None;
    }
    let text = text.replace("measure {\n", "measure {\n    heat\n    work\n");
    Some(run_with(&text, &Values::new(), method).map(|run| {
        let of = |key: &str| -> Vec<f64> {
            run.marks.iter().filter_map(|m| m.values.iter().find(|(k, _)| k == key)?.1).collect()
        };
        let found = [of("heat"), of("work")].concat();
        let scale = found.iter().chain(&of("energy")).fold(1e-300f64, |most, x| most.max(x.abs()));
        (found, scale)
    }))
}

/// The heat of a statement is the sum of those of its parts, and superoperators find that of an independent integration.
#[test]
fn heat_is_additive_and_that_of_every_method() {
    let (mut cut, mut integrated) = (0, 0);
    for seed in cases(240) {
        let program = generate(seed, 1.0);
        let in_two = program.rewritten(&mut |step| match step {
            Step::Delay { time, stretched, .. } => Some(
                [0.3, 0.7].map(|part| Step::Delay { time: time * part, stretched: *stretched, record: false }).to_vec(),
            ),
            _ => None,
        });
        for (other, method) in [(&in_two, Method::Auto), (&program, Method::Dop853)] {
            let is_cut = method == Method::Auto;
            // An integration in small steps is slow.
            if (is_cut && program.text() == in_two.text()) || (!is_cut && integrated >= 12) {
                continue;
            }
            let Some(first) = heats(&program, Method::Auto) else { continue };
            let Some(second) = heats(other, method) else { continue };
            let (a, b) = match (first, second) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(why), _) | (_, Err(why)) => panic!("seed {seed}: {why}\n{}", other.text()),
            };
            assert!(!a.0.is_empty() && a.0.len() == b.0.len(), "seed {seed}");
            for (x, y) in a.0.iter().zip(&b.0) {
                assert!((x - y).abs() <= AGREE * a.1, "seed {seed}, {method:?}: {x} {y}\n{}", other.text());
            }
            if is_cut { cut += 1 } else { integrated += 1 }
        }
    }
    assert!((cut >= 10 && integrated >= 10) || cases(240).count() < 240, "{cut} cut, {integrated} integrated");
}

/// Damaged programs are refused or run; nothing panics.
#[test]
fn damaged_programs_do_not_panic() {
    for seed in cases(60) {
        let mut random = Random(seed ^ 0xDA4A6ED);
        let text = damaged(&generate(seed, 1.0).text(), &mut random);
        let outcome = std::panic::catch_unwind(|| {
            let _ = run_with(&text, &Values::new(), Method::Auto);
        });
        assert!(outcome.is_ok(), "seed {seed} panics:\n{text}");
    }
}

/// A program in which some lines, words or numbers are others. Numbers stay small, so that what still runs takes a moment.
fn damaged(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    for _ in 0..1 + random.below(3) {
        let (k, j) = (1 + random.below(lines.len() - 1), 1 + random.below(lines.len() - 1));
        match random.below(6) {
            0 if lines.len() > 8 => drop(lines.remove(k)),
            1 => lines.insert(j, lines[k].clone()),
            2 => lines.swap(k, j),
            _ => {
                let mut words: Vec<String> = lines[k].split(' ').map(String::from).collect();
                let other: Vec<String> = lines[j].split(' ').map(String::from).collect();
                let at = random.below(words.len());
                words[at] = if words[at].parse::<f64>().is_ok() {
                    random.pick(&["0", "-1", "1", "2", "3", "0.5", "1e-12", "7"]).into()
                } else {
                    other[random.below(other.len())].clone()
                };
                lines[k] = words.join(" ");
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Prints the programs that take longer than a second, for profiling: `cargo test --release --test propagation slow -- --ignored --nocapture`.
#[test]
#[ignore = "prints run times; checks nothing"]
fn slow_programs() {
    for seed in cases(100) {
        let text = generate(seed, 1.0).text();
        let begun = std::time::Instant::now();
        let run = run_with(&text, &Values::new(), Method::Auto);
        let seconds = begun.elapsed().as_secs_f64();
        if seconds > 1.0 {
            println!("# seed {seed}: {seconds:.1} s, {:?}\n{text}", run.map(|r| r.how.methods));
        }
    }
}
