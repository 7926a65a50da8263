//! Members of an ensemble that are propagated in batches have the means of members that are propagated one by one.

use crate::generator;

use ergoseq::emulator::{Options, Run, plan};
use ergoseq::hamiltonian::{Evaluator, Values};
use ergoseq::ir::Experiment;
use ergoseq::metrics::{METRICS, Parameter, Quantity};
use generator::Random;

fn experiment(text: &str) -> Experiment {
    match ergoseq::compile("members.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled.experiment,
        Err(refused) => panic!("{}\n{text}", refused.render()),
    }
}

/// Metrics without arguments that batches have: all of them over the seeds, a few at a time, beside two energies.
fn measured(seed: u64) -> String {
    let optional = |p: &Parameter| {
        matches!(p, Parameter::OptionalOperator | Parameter::OptionalEnergyBasis | Parameter::OptionalState)
    };
    let all = METRICS
        .iter()
        .filter(|m| !m.of_hamiltonian && !m.of_propagator && !m.of_heat && m.parameters.iter().all(optional));
    let some = all.enumerate().filter(|(k, _)| *k as u64 % 5 == seed % 5).map(|(_, m)| m.name);
    let named: Vec<&str> = some.filter(|name| !["energy", "ergotropy"].contains(name)).collect();
    format!("energy\n    ergotropy\n    {}", named.join("\n    "))
}

/// A random program of two or three nuclei, whose sample is spread in offset, rf, height or orientation, or several of them. A parameter
/// of which nothing depends, spread too, makes its members differ in more than numbers.
fn program(seed: u64, one_by_one: bool) -> String {
    let mut random = Random(seed);
    let mut chance = |share: f64| random.between(0.0, 1.0) < share;
    let powder = chance(0.5);
    let third = chance(0.4);
    let spreads = [
        (powder, "orientation : zcw points 34"),
        (chance(0.5), "offset 1H : gaussian(sd = 300 Hz) points 5"),
        (chance(0.5), "rf 1H : gaussian(mean = 1, sd = 0.05) points 3"),
        (chance(0.3), "rf 13C : uniform(from = 0.9, to = 1.1) points 2"),
        (chance(0.4), "position : uniform(from = -5 mm, to = 5 mm) points 4"),
        (true, "offset 13C : lorentzian(fwhm = 40 Hz) points 2"),
        (one_by_one, "param nothing : uniform(from = 0, to = 1) points 1"),
    ];
    let placed = spreads[4].0;
    let cycled = chance(0.5);
    // A receiver that does not follow may cancel the signal, of which a note tells.
    let receiver = if cycled && chance(0.7) { "phi" } else { "20 deg" };
    let ensemble: Vec<&str> = spreads.iter().filter(|(here, _)| *here).map(|(_, text)| *text).collect();
    let mut sequence = String::new();
    for k in 0..3 {
        let phase = ["x", "y", if cycled { "phi" } else { "-x" }, "35 deg"][random.below(4)];
        let step = match random.below(10) {
            0 => format!("pulse 1H {:.1} deg phase {phase} ideal", random.between(20.0, 200.0)),
            1 => format!("pulse 1H {:.1} deg phase {phase}", random.between(20.0, 200.0)),
            2 => format!("delay {:.1} us record 5 as free{k}", random.between(20.0, 900.0)),
            3 => format!("parallel align centre {{ pulse 1H 90 deg phase {phase}\n pulse 13C 60 deg phase y }}"),
            4 => format!("lock 1H phase {phase} from 8 kHz to 8 kHz over {:.1} us", random.between(20.0, 300.0)),
            5 if placed => "gradient 10 G/cm for 80 us".to_string(),
            6 => format!("loop 3 {{ pulse 13C 180 deg phase {phase} ideal\n delay 40 us }}"),
            7 => "crush keep 0, 1".to_string(),
            8 => format!("delay {:.1} us", random.between(20.0, 900.0)),
            _ => format!("evolve 2 kHz*Ix(a)*Iy(b) + 500 Hz*Iz(a) for {:.1} us", random.between(20.0, 400.0)),
        };
        sequence += &format!("    {step}\n");
        if random.between(0.0, 1.0) < 0.5 {
            sequence += &format!("    mark m{k}\n");
        }
    }
    format!(
        "ergoseq 1
param nothing = 0
system {{
    field 9.4 T
    temperature 300 K
    spin a : 1H
    spin b : 13C
    {}
    j a b = 140 Hz
    shift a = 0.5 ppm
    csa b = 40 ppm eta 0.3 axes (20, 50, 0) deg
    {}
}}
channel 1H {{ rf = 25 kHz }}
channel 13C {{ rf = 40 kHz }}
{}
battery {{ energy = 140 Hz*Ix(a)*Ix(b) + 20 Hz*Iz(a) }}
ensemble {{
    {}
}}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase {}
{sequence}
    acquire 1H points 32 dwell 30 us phase {receiver}
    mark behind
}}
measure {{
    {}
    signal(1H)
    signal_im(1H)
}}
",
        if third { "spin c : 1H\n    j a c = 8 Hz" } else { "" },
        if powder { "dipolar a b = -3 kHz along (0, 0, 1)\n    orientation (0, 35, 160) deg" } else { "" },
        if cycled { "cycle phi = x, y, -x, -y" } else { "" },
        ensemble.join("\n    "),
        if cycled { "phi" } else { "y" },
        measured(seed),
    )
}

/// What is reported, by what it is called.
fn numbers(run: &Run) -> Vec<(String, f64)> {
    let mut out = vec![("members".to_string(), run.how.members as f64), ("duration".to_string(), run.how.duration)];
    for m in &run.marks {
        out.push((format!("time of {}", m.name), m.time));
        out.extend(m.values.iter().map(|(k, x)| (format!("{k} at {}", m.name), x.unwrap_or(-1.0))));
    }
    for t in &run.traces {
        out.push((format!("start of {}", t.name), t.start));
        out.extend(t.time.iter().map(|x| (format!("time along {}", t.name), *x)));
        for (key, values) in &t.values {
            out.extend(values.iter().map(|x| (format!("{key} along {}", t.name), x.unwrap_or(-1.0))));
        }
    }
    out
}

/// What a number is, from what it is called.
fn kind(what: &str) -> &str {
    what.split(' ').next().unwrap_or_default()
}

fn quantity(kind: &str) -> Option<Quantity> {
    METRICS.iter().find(|m| m.name == kind).map(|m| m.quantity)
}

fn is_batched(experiment: &Experiment) -> bool {
    let e = Evaluator::new(experiment, &Values::new()).unwrap();
    plan(&e, &Options::default()).unwrap().contains("in batches of 16")
}

#[test]
fn batched_members_have_the_means_of_single_ones() {
    for seed in 0..40 {
        let (together, single) = (experiment(&program(seed, false)), experiment(&program(seed, true)));
        assert_eq!((is_batched(&together), is_batched(&single)), (true, false), "{}", program(seed, false));
        let run = |x: &Experiment| ergoseq::run(x, &Values::new(), &Options::default()).unwrap();
        let (together, single) = (run(&together), run(&single));
        // The share that a cancelled signal keeps is the rounding of zero.
        let notes = |run: &Run| -> Vec<String> {
            let words = |note: &String| note.replace(|c: char| "0123456789.e-".contains(c), "");
            let mut all: Vec<String> = run.notes.iter().map(words).collect();
            all.sort();
            all
        };
        assert_eq!(notes(&together), notes(&single), "{}", program(seed, false));
        let (together, single) = (numbers(&together), numbers(&single));
        assert_eq!(together.len(), single.len());
        for ((what, x), (other, y)) in together.iter().zip(&single) {
            assert_eq!(what, other);
            let scale = |of: &dyn Fn(&str) -> bool| {
                let alike = single.iter().filter(|(k, _)| of(kind(k)));
                alike.fold(0.0f64, |m, (_, y)| m.max(y.abs()))
            };
            let own = scale(&|k| k == kind(what));
            // What cancels is right to the rounding of what it is made of: energies of any kind, rates of some 1e4 rad/s, a scan's signal,
            // squares of deviations of 1e-5.
            let energies = scale(&|k| quantity(k) == Some(Quantity::Energy));
            let least = match quantity(kind(what)) {
                Some(Quantity::Energy) => energies,
                Some(Quantity::Power) => 1e4 * energies,
                Some(Quantity::RateSquared) => 1e-2,
                Some(_) => 1e-10,
                None if what.starts_with("signal") => 1e-6,
                None => 0.0,
            };
            // Single members are added up with their elements 1/N: the sum over a thousand of them is right to 1e-15, beside deviations of
            // 1e-6 to 1e-5.
            let within = 1e-9 * own.max(least);
            assert!((x - y).abs() <= within, "seed {seed}, {what}: {x} and {y}\n{}", program(seed, false));
        }
    }
}

/// The sums over members do not depend on the number of threads, bit by bit.
#[test]
fn threads_change_no_bit_of_a_batch() {
    let text = program(3, false).replace("points 5", "points 41");
    let experiment = experiment(&text);
    assert!(is_batched(&experiment));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| numbers(&ergoseq::run(&experiment, &Values::new(), &Options::default()).unwrap()))
    };
    assert!(run(1) == run(3), "the results of one thread and of three differ");
}
