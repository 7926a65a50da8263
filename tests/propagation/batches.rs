//! Points that are propagated in batches have the results of single runs, whatever else is in their batch.

use crate::generator;

use ergoseq::emulator::{Emulator, Method, Options, PointColumns, Run, TOGETHER};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::metrics::METRICS;
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
use generator::Random;
use std::sync::Arc;

fn experiment(text: &str) -> Experiment {
    match ergoseq::compile("batch.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled.experiment,
        Err(refused) => panic!("{}", refused.render()),
    }
}

/// Every metric with a form for batches.
fn measured() -> Vec<&'static str> {
    METRICS.iter().filter(|m| m.lanes.is_some()).map(|m| m.name).collect()
}

/// The least of `l1_coherence` lies at corners of the curve.
const EXTREMA: [&str; 9] = [
    "highest = max(TRACE.energy)",
    "lowest = min(TRACE.l1_coherence)",
    "corner = argmin(TRACE.l1_coherence)",
    "most = max(TRACE.l1_coherence)",
    "both = 2*max(TRACE.ergotropy) - min(TRACE.stored_energy)/3",
    "when = argmax(TRACE.stored_energy)",
    "first = first_max(TRACE.charging_power)",
    "largest = max_sample(TRACE.l1_coherence)",
    "smallest = 3*min_sample(TRACE.charging_power)",
];

/// A random program of a spin or several, whose parameters a, b, T stand in Hamiltonians, temperature and durations.
fn program(random: &mut Random) -> String {
    let spins = 1 + random.below(3);
    let names: Vec<String> = (0..spins).map(|k| format!("s{k}")).collect();
    let mut term = |coefficient: &str| -> String {
        let mut product = format!("{:.4}*{coefficient}", random.between(-1.5, 1.5));
        let first = random.below(spins);
        let axis = |k: usize| ["X", "Y", "Z"][k];
        product += &format!("*{}({})", axis(random.below(3)), names[first]);
        if spins > 1 && random.between(0.0, 1.0) < 0.6 {
            product += &format!("*{}({})", axis(random.below(3)), names[(first + 1) % spins]);
        }
        product
    };
    let mut hamiltonian = |coefficients: &[&str]| coefficients.iter().map(|c| term(c)).collect::<Vec<_>>().join(" + ");
    let battery = hamiltonian(&["a", "b", "1", "a*b", "1"]);
    let drives =
        [hamiltonian(&["1", "1", "1"]), hamiltonian(&["a", "1", "sin(b)"]), hamiltonian(&["exp(a)", "max(a, b)"])];
    let mut sequence = String::new();
    for (k, drive) in drives.iter().enumerate() {
        let duration = ["1.3", "1 + 0.5*abs(a)", "0.7*T"][random.below(3)];
        let record = if random.between(0.0, 1.0) < 0.6 { format!(" record 9 as r{k}") } else { String::new() };
        sequence += &format!("    evolve {drive} for {duration}{record}\n");
        if random.between(0.0, 1.0) < 0.5 {
            sequence += &format!("    mark m{k}\n");
        }
    }
    format!(
        "ergoseq 1
units natural
param a = 0.3, b = a + 1, T = 1 in 0.01 .. 10, unused = 2*b
system {{ spin {} : 1/2 }}
hamiltonian H = {battery}
battery {{ energy = H }}
sequence {{
    prepare gibbs(H, T)
{sequence}}}
measure {{
    {}
    {}
}}
",
        names.join(", "),
        measured().join("\n    "),
        match sequence.split(" as ").nth(1).and_then(|rest| rest.split('\n').next()) {
            Some(trace) => EXTREMA.join("\n    ").replace("TRACE", trace),
            None => String::new(),
        }
    )
}

fn points(random: &mut Random, names: &[&str], count: usize) -> Vec<Values> {
    let mut one = || -> Values {
        let value = |name: &str, random: &mut Random| match name {
            "T" => random.between(0.1, 3.0),
            _ => random.between(-1.5, 1.5),
        };
        names.iter().map(|name| (name.to_string(), value(name, random))).collect()
    };
    (0..count).map(|_| one()).collect()
}

/// All numbers of a run with what they are.
fn numbers(run: &Run) -> Vec<(String, f64)> {
    let mut out: Vec<(String, f64)> = run.params.clone();
    for m in &run.marks {
        out.push((format!("time of {}", m.name), m.time));
        out.extend(m.values.iter().map(|(k, x)| (format!("{k} at {}", m.name), x.unwrap_or(f64::NAN))));
    }
    for t in &run.traces {
        out.push((format!("start of {}", t.name), t.start));
        out.extend(t.time.iter().map(|x| (format!("time along {}", t.name), *x)));
        for (key, values) in &t.values {
            out.extend(values.iter().map(|x| (format!("{key} along {}", t.name), x.unwrap_or(f64::NAN))));
        }
    }
    out.push(("duration".into(), run.how.duration));
    // Where a maximum lies is known to the root of its accuracy.
    let rounded = |k: &str, x: f64| if ["when", "corner"].contains(&k) { (x * 1e4).round() * 1e-4 } else { x };
    out.extend(run.summary.iter().map(|(k, x)| (k.clone(), x.map_or(-1e99, |x| rounded(k, x)))));
    out
}

const LABORATORY: &str = "ergoseq 1
param tau = 1 ms, theta = 0.5, T = 1 mK, k = 2
system { field 9.4 T
    temperature 300 K
    spin a : 1H
    spin b : 13C
    j a b = 140 Hz
    shift a = 0.3 ppm }
channel 1H { carrier = 0 ppm }
battery { energy = 140 Hz*Ix(a)*Ix(b) + 20 Hz*Iz(a) }
sequence {
    prepare PREPARED
    evolve theta*1 kHz*Iy(a) for tau/4 record 5 as turned
    delay tau record 7 as free
    mark coupled
    evolve k*300 Hz*(Ix(a)*Iz(b) + Iy(a)) for tau
    delay tau*k
}
measure {
    MEASURED
    highest = max(free.ergotropy)
}
";

/// States near the maximally mixed one, in laboratory units: what differs is compared with the deviation.
#[test]
fn batches_hold_in_the_laboratory() {
    let options = Options::default();
    for prepared in ["thermal", "high_temperature(-400 MHz*Iz(a), 300 K)", "gibbs(140 Hz*Iz(a)*Iz(b), T)", "mixed"] {
        let text = LABORATORY.replace("PREPARED", prepared).replace("MEASURED", &measured().join("\n    "));
        let experiment = experiment(&text);
        let emulator = Emulator::new(&experiment);
        let mut random = Random(7);
        let points: Vec<Values> = (0..20)
            .map(|_| {
                let tau = random.between(0.1e-3, 5e-3);
                Values::from([("tau".to_string(), tau), ("theta".to_string(), random.between(-2.0, 2.0))])
            })
            .collect();
        assert!(emulator.batch_size(&points[0], &options) > 1, "{prepared}");
        for (point, found) in points.iter().zip(emulator.run_many(&points, &options)) {
            let single = numbers(&emulator.run(point, &options, &[]).unwrap());
            let found = numbers(&found.unwrap());
            for ((what, x), (_, y)) in found.iter().zip(&single) {
                // The largest value of the same metric is the scale; rounding beside the identity is 1e-16 of the battery's spread.
                let key = what.split(' ').next().unwrap();
                let of_metric = single.iter().filter(|(k, _)| k.split(' ').next() == Some(key)).map(|(_, y)| y.abs());
                let scale = of_metric.fold(0.0, f64::max).max(1e-9 * 2e-31);
                let scale = if key == "l1_coherence" { scale.max(1e-9) } else { scale };
                assert!((x - y).abs() <= 1e-6 * scale, "{prepared}, {what} at {point:?}: {x} and {y}");
            }
        }
    }
}

/// Eigenvalues of matrices of norm 10 are right to 1e-14, phases of up to 30 rad to the same share, and the exponentials of single
/// runs to 1e-12.
const WITHIN: f64 = 1e-11;

#[test]
fn batches_have_the_results_of_single_runs() {
    let options = Options::default();
    let mut batched = 0;
    for seed in 0..40 {
        let mut random = Random(seed);
        let text = program(&mut random);
        let experiment = experiment(&text);
        let emulator = Emulator::new(&experiment);
        for names in [&["a", "b"][..], &["T", "a", "b"], &["T"]] {
            let points = points(&mut random, names, 21);
            batched += usize::from(emulator.batch_size(&points[0], &options) > 1);
            let all = emulator.run_many(&points, &options);
            for (point, found) in points.iter().zip(all) {
                let found = found.unwrap_or_else(|d| panic!("{}\n{text}", d.message));
                let single = emulator.run(point, &options, &[]).unwrap();
                let (found, single) = (numbers(&found), numbers(&single));
                assert_eq!(found.len(), single.len(), "seed {seed}\n{text}");
                for ((what, x), (other, y)) in found.iter().zip(&single) {
                    assert_eq!(what, other);
                    let within =
                        if ["when", "corner"].contains(&what.as_str()) { 1.1e-4 } else { WITHIN * (1.0 + y.abs()) };
                    assert!(
                        (x - y).abs() <= within,
                        "seed {seed}, {what} at {point:?}: {x} in a batch, {y} by itself\n{text}"
                    );
                }
            }
        }
    }
    assert!(batched >= 100, "only {batched} of 120 were batches");
}

/// The bits of a point do not depend on its companions, nor on its place in the batch.
#[test]
fn points_do_not_depend_on_their_batch() {
    let options = Options::default();
    for seed in 100..110 {
        let mut random = Random(seed);
        let experiment = experiment(&program(&mut random));
        let emulator = Emulator::new(&experiment);
        let points = points(&mut random, &["T", "a", "b"], 40);
        let together: Vec<_> = emulator.run_many(&points, &options).into_iter().map(|r| numbers(&r.unwrap())).collect();
        let mut reversed = points.clone();
        reversed.reverse();
        let backward = emulator.run_many(&reversed, &options);
        for (k, run) in backward.into_iter().rev().enumerate() {
            assert_eq!(numbers(&run.unwrap()), together[k], "seed {seed}, point {k}");
        }
        let alone = emulator.run_many(&points[7..8], &options).pop().unwrap().unwrap();
        assert_eq!(numbers(&alone), together[7], "seed {seed}");
        let parallel = emulator.run_all(&points, &options, &|_| {});
        assert!(parallel.into_iter().zip(&together).all(|(run, known)| numbers(&run.unwrap()) == *known));
    }
}

/// Columns of a batch have the samples of its points.
#[test]
fn columns_have_the_values_of_runs() {
    let options = Options::default();
    let (mut compared, mut batches) = (0, 0);
    for seed in 200..210 {
        let mut random = Random(seed);
        let text = program(&mut random);
        let experiment = experiment(&text);
        let emulator = Emulator::new(&experiment);
        let points = points(&mut random, &["T", "a", "b"], 21);
        let columns = PointColumns::of(&points);
        for from in [0, 16] {
            let found = emulator.run_together(&columns, from..points.len(), &options);
            assert_eq!(found.len(), (points.len() - from).min(TOGETHER));
            let (first, largest) = (found.first("l1_coherence").unwrap(), found.largest("energy").unwrap());
            let schema = Schema::new(&experiment, "a.seq", &[], &Values::new(), EnergyUnit::Default);
            let mut columns = ResultSet::new(Arc::new(schema.clone()));
            let together = found.all_together().map(|batch| columns.push_batch(batch).unwrap());
            let runs: Vec<Run> = found.into_runs().map(Result::unwrap).collect();
            if together.is_some() {
                // Columns of the batch, and of its points one by one, to the last bit.
                let single = ResultSet::of(schema, runs.clone()).unwrap();
                assert_eq!((columns.len(), columns.schema()), (single.len(), single.schema()));
                for (one, other) in columns.columns().zip(single.columns()) {
                    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
                    assert_eq!(bits(one.all()), bits(other.all()), "{}", one.column.name);
                }
                batches += 1;
            }
            for (k, run) in runs.into_iter().enumerate() {
                assert_eq!(run, emulator.run_many(&points[from + k..from + k + 1], &options).remove(0).unwrap());
                let Some(trace) = run.traces.first() else { continue };
                let curve = |key: &str| trace.curve(key).unwrap().iter().map(|x| x.unwrap());
                assert_eq!(
                    (first[k], largest[k]),
                    (curve("l1_coherence").next().unwrap(), curve("energy").fold(f64::MIN, f64::max))
                );
                compared += 1;
            }
        }
    }
    assert!(
        compared > 100 && batches > 5,
        "{compared} of 210 points have a trace, {batches} of 20 batches are regular"
    );
}

/// Points that are refused have the message of a single run, and leave their companions as they are.
#[test]
fn irregular_points_are_run_by_themselves() {
    let text = "ergoseq 1
units natural
param a = 1, T = 1 in 0 .. 2
system { spin s : 1/2 }
hamiltonian H = Z(s)/a
battery { energy = H }
sequence {
    prepare gibbs(H, T)
    evolve X(s) for a*1.5 record 5 as charging
}
measure { energy
    charging_power }
";
    let experiment = experiment(text);
    let (emulator, options) = (Emulator::new(&experiment), Options::default());
    let point = |a: f64, t: f64| Values::from([("a".to_string(), a), ("T".to_string(), t)]);
    // Divided by zero; a negative duration; out of range; no temperature; what is fine; 1e300 overflows.
    let points =
        [point(0.0, 1.0), point(-1.0, 1.0), point(1.0, 3.0), point(1.0, 0.0), point(1.0, 1.0), point(1e-320, 1.0)];
    assert!(emulator.batch_size(&points[0], &options) > 1);
    let found = emulator.run_many(&points, &options);
    for (point, found) in points.iter().zip(&found) {
        match (emulator.run(point, &options, &[]), found) {
            (Ok(single), Ok(found)) => {
                let near = |(x, y): (&(String, f64), &(String, f64))| (x.1 - y.1).abs() <= WITHIN * (1.0 + y.1.abs());
                assert!(numbers(&single).iter().zip(&numbers(found)).all(near), "{point:?}");
            }
            (Err(single), Err(found)) => assert_eq!((single.code, &single.message), (found.code, &found.message)),
            (single, found) => panic!("{point:?}: {single:?} and {found:?}"),
        }
    }
    assert!(found[3].is_ok() && found[4].is_ok());
    assert_eq!(found.iter().filter(|r| r.is_err()).count(), 4);
}

/// The options of a call hold, whatever those of an earlier one were.
#[test]
fn options_are_those_of_the_call() {
    let experiment = experiment(&program(&mut Random(3)));
    let emulator = Emulator::new(&experiment);
    let points = points(&mut Random(4), &["a", "b"], 3);
    let methods = |options: &Options| emulator.run_many(&points, options).remove(0).unwrap().how;
    let (auto, other) = (Options::default(), Options { method: Method::Dop853, tolerance: 1e-9, ..Options::default() });
    assert_ne!(methods(&auto).methods, methods(&other).methods);
    assert_eq!((methods(&auto).tolerance, methods(&other).tolerance), (auto.tolerance, 1e-9));
    assert_eq!((emulator.batch_size(&points[0], &auto) > 1, emulator.batch_size(&points[0], &other)), (true, 1));
}

/// The grammar names the metrics that batches have.
#[test]
fn the_grammar_names_the_metrics_of_batches() {
    let grammar = std::fs::read_to_string("grammar.md").unwrap();
    let paragraph = grammar.split("\n\n").find(|p| p.starts_with("Points of a sweep are propagated together")).unwrap();
    for metric in METRICS {
        assert_eq!(
            paragraph.contains(&format!("`{}`", metric.name)),
            metric.lanes.is_some(),
            "grammar.md, section 4, paragraph on batches: `{}`",
            metric.name
        );
    }
}
