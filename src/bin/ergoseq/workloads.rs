//! The jobs of `ergoseq bench`: nine that other programs can do too, through the same code as every other command.
//!
//! Eight of them are files in `benches/workloads/`, compiled and emulated like a user's; the ninth compiles a long generated one. Every
//! result is written as an array, so that another program's can be laid beside it.

use crate::files;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::random_vectors::decays;
use ergoseq::emulator::{self, Emulator, Options, PointColumns, Run, Typical};
use ergoseq::hamiltonian::{Evaluator, Step, Values, build};
use ergoseq::ir::{EventKind, Experiment};
use ergoseq::noise::mixed;
use ergoseq::tomography::quantity::{Functional, Kind};
use ergoseq::tomography::{Estimator, Settings};
use rayon::prelude::*;
use std::f64::consts::PI;
use std::path::Path;

/// Arrays with names, in C order; complex numbers as pairs.
type Arrays = Vec<(&'static str, Vec<f64>)>;

type Outcomes = Result<Arrays, Box<Diagnostic>>;

/// A job.
pub struct Workload {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Its sizes, the usual one first, with a number for each.
    pub sizes: &'static [(&'static str, usize)],
    /// Its program.
    pub program: fn(usize) -> String,
    /// Emulates it at a size.
    pub run: fn(&Experiment, &str, usize, Option<&Path>) -> Outcomes,
}

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "w1",
        meaning: "the dipolar battery over four planes of its parameters, 201 times per point",
        sizes: &[("full", 101), ("small", 21)],
        program: |_| include_str!("../../../benches/workloads/fig10.seq").into(),
        run: planes,
    },
    Workload {
        name: "w2",
        meaning: "coherence, concurrence and discord under dephasing, 15 panels of 500 times",
        sizes: &[("full", 1), ("big", 20)],
        program: |_| include_str!("../../../benches/workloads/dephasing.seq").into(),
        run: panels,
    },
    Workload {
        name: "w3",
        meaning: "Jeener-Broekaert echoes of a cluster, 64 preparations of 1024 points",
        sizes: &[("n4", 4), ("n5", 5), ("n6", 6), ("n7", 7), ("n8", 8), ("n9", 9), ("n10", 10)],
        program: |_| include_str!("../../../benches/workloads/jeener_broekaert.seq").into(),
        run: echoes,
    },
    Workload {
        name: "w4",
        meaning: "adiabatic demagnetisation of a cluster",
        sizes: &[("n4", 4), ("n2", 2), ("n3", 3), ("n5", 5), ("n6", 6), ("n7", 7), ("n8", 8)],
        program: |_| include_str!("../../../benches/workloads/demagnetisation.seq").into(),
        run: ramp,
    },
    Workload {
        name: "w5",
        meaning: "the FID of a long dipolar chain by quantum typicality, 256 points",
        sizes: &[("n12", 16), ("n14", 4), ("n16", 2), ("n18", 1), ("n20", 1)],
        program: |_| include_str!("../../../benches/workloads/typical_chain.seq").into(),
        run: typical_chain,
    },
    Workload {
        name: "w6a",
        meaning: "the FID of a static powder, 2048 points",
        sizes: &[("full", 10_000), ("big", 1_000_000)],
        program: |_| include_str!("../../../benches/workloads/static_powder.seq").into(),
        run: static_powder,
    },
    Workload {
        name: "w6b",
        meaning: "the FID of three spins in a powder under MAS, 1024 points",
        sizes: &[("full", 200)],
        program: |_| include_str!("../../../benches/workloads/turning_powder.seq").into(),
        run: turning_powder,
    },
    Workload {
        name: "w7",
        meaning: "spin chargers of increasing size, with and without counter-rotating exchange",
        sizes: &[("m30", 30), ("full", 100), ("g0", 100), ("k1000", 1000)],
        program: |_| include_str!("../../../benches/workloads/charger.seq").into(),
        run: chargers,
    },
    Workload {
        name: "w8",
        meaning: "ergotropy and energy of 10,000 tomographies from single-shot counts",
        sizes: &[("mle", 0), ("gauss", 1)],
        program: |_| include_str!("../../../benches/workloads/counted.seq").into(),
        run: tomographies,
    },
    Workload {
        name: "w9",
        meaning: "the compilation of a long sequence",
        sizes: &[("n10k", 10_000), ("n100k", 100_000), ("n1m", 1_000_000)],
        program: generated,
        run: timeline,
    },
];

/// One point of a program.
fn point(experiment: &Experiment, options: &Options, set: &[(&str, f64)]) -> Result<Run, Box<Diagnostic>> {
    at(&Emulator::new(experiment), options, set)
}

fn at(emulator: &Emulator, options: &Options, set: &[(&str, f64)]) -> Result<Run, Box<Diagnostic>> {
    let values: Values = set.iter().map(|(name, x)| (name.to_string(), *x)).collect();
    emulator.run(&values, options, &[])
}

/// Points of a program, on all cores.
fn points(experiment: &Experiment, all: &[Vec<(&str, f64)>]) -> Result<Vec<Run>, Box<Diagnostic>> {
    let (emulator, options) = (Emulator::new(experiment), Options::default());
    emulator.run_all(&values(all), &options, &|_| {}).into_iter().collect()
}

fn values(sets: &[Vec<(&str, f64)>]) -> Vec<Values> {
    let of = |set: &Vec<(&str, f64)>| set.iter().map(|(name, x)| (name.to_string(), *x)).collect();
    sets.iter().map(of).collect()
}

/// A recorded curve.
fn curve<'a>(run: &'a Run, key: &str) -> impl Iterator<Item = f64> + 'a {
    let values = run.traces.iter().flat_map(|t| &t.values).find(|(k, _)| k == key).map(|(_, v)| v.as_slice());
    values.unwrap_or(&[]).iter().map(|x| x.unwrap_or(f64::NAN))
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    // What is not a number is passed over.
    values.fold(f64::NEG_INFINITY, |most, x| if x > most { x } else { most })
}

fn even(from: f64, to: f64, n: usize, k: usize) -> f64 {
    from + (to - from) * k as f64 / (n - 1) as f64
}

/// `Q = <00|H|00> - Tr[rho_0 H]`, and the largest coherence, stored energy and power among the times.
fn planes(experiment: &Experiment, _: &str, n: usize, _: Option<&Path>) -> Outcomes {
    let (emulator, options) = (Emulator::new(experiment), Options::default());
    let mut arrays = [const { vec![] }; 4];
    for [x, y] in [["Delta", "D"], ["Delta", "G"], ["Delta", "epsilon"], ["T", "B"]] {
        let value = |name: &str, k: usize| if name == "T" { even(0.1, 4.0, n, k) } else { even(-4.0, 4.0, n, k) };
        let column = |name: &str, of: &dyn Fn(usize) -> usize| {
            (name.to_string(), (0..n * n).map(|k| value(name, of(k))).collect::<Vec<f64>>())
        };
        let (us, vs) = (column(x, &|k| k % n), column(y, &|k| k / n));
        let points = PointColumns::new([us.clone(), vs.clone()]);
        let highest = |k: usize| {
            let of = |name: &str, usual: f64| {
                [&us, &vs]
                    .into_iter()
                    .filter(|(own, _)| own == name)
                    .find_map(|(_, v)| v.get(k))
                    .copied()
                    .unwrap_or(usual)
            };
            2.0 / 3.0 * of("Delta", 1.0) + 2.0 * of("B", 0.0)
        };
        let begins: Vec<usize> = (0..points.len()).step_by(emulator::TOGETHER).collect();
        let found = begins.par_iter().map(|&from| {
            let runs = emulator.run_together(&points, from..points.len(), &options);
            let first = runs.first("energy")?;
            let below = (from..).zip(first).map(|(k, energy)| highest(k) - energy).collect();
            Ok([below, runs.largest("l1_coherence")?, runs.largest("stored_energy")?, runs.largest("charging_power")?])
        });
        for part in found.collect::<Result<Vec<[Vec<f64>; 4]>, Box<Diagnostic>>>()? {
            arrays.iter_mut().zip(part).for_each(|(array, part)| array.extend(part));
        }
    }
    let [q, c, x, p] = arrays;
    Ok(vec![("Q", q), ("C", c), ("X", x), ("P", p)])
}

fn panels(experiment: &Experiment, _: &str, rates: usize, _: Option<&Path>) -> Outcomes {
    let strengths = [0.1, 1.0, 10.0];
    let zero = |name: &'static str| (name, 0.0);
    let mut all = Vec::new();
    for k in 0..rates {
        let gamma = if rates == 1 { 0.2 } else { 0.01 * (k + 1) as f64 };
        let mut panel = |set: [(&'static str, f64); 2]| {
            let mut values = vec![("gamma", gamma), zero("D"), zero("G"), zero("B"), ("Delta", 1.0), ("epsilon", 0.5)];
            values.extend(set);
            all.push(values);
        };
        strengths.iter().for_each(|x| panel([("Delta", 0.0), ("epsilon", *x)]));
        for name in ["B", "D", "G"] {
            strengths.iter().for_each(|x| panel([("epsilon", 0.5), (name, *x)]));
        }
        strengths.iter().for_each(|x| panel([("epsilon", 0.5), ("Delta", *x)]));
    }
    let runs = points(experiment, &all)?;
    let array = |key: &str| runs.iter().flat_map(|r| curve(r, key)).collect();
    Ok(vec![("L", array("l1_coherence")), ("E", array("concurrence(a,b)")), ("D", array("discord(a,b)"))])
}

/// The polarisation of the states that the files of signals prepare: `h nu / (k T)` at 1 MHz and 1 K.
const POLARISATION: f64 = 6.626_070_15e-34 * 1e6 / 1.380_649e-23;

/// Complex signals, by the trace of the square of what is seen.
fn signals(run: &Run, nucleus: &str, spins: f64) -> Vec<f64> {
    let scale = 4.0 / (spins * POLARISATION);
    let parts = curve(run, &format!("signal({nucleus})")).zip(curve(run, &format!("signal_im({nucleus})")));
    parts.flat_map(|(re, im)| [re * scale, im * scale]).collect()
}

fn echoes(experiment: &Experiment, _: &str, spins: usize, _: Option<&Path>) -> Outcomes {
    let all: Vec<_> = (1..=64).map(|j| vec![("n", spins as f64), ("tau", 1e-6 * f64::from(j))]).collect();
    let runs = points(experiment, &all)?;
    Ok(vec![("S", runs.iter().flat_map(|r| signals(r, "1H", spins as f64)).collect())])
}

fn ramp(experiment: &Experiment, _: &str, spins: usize, _: Option<&Path>) -> Outcomes {
    let options = Options { tolerance: 1e-9, ..Options::default() };
    let run = point(experiment, &options, &[("n", spins as f64)])?;
    Ok(vec![("M", curve(&run, "locked").collect()), ("D", curve(&run, "order(dipolar)").collect())])
}

fn typical_chain(experiment: &Experiment, size: &str, vectors: usize, _: Option<&Path>) -> Outcomes {
    // The size says how many spins, and the number how many vectors.
    let spins: f64 = size.trim_start_matches('n').parse().unwrap_or(12.0);
    let values: Values = [("n".to_string(), spins)].into();
    let options = Options { tolerance: 5e-7, ..Options::default() };
    let found = decays(experiment, &values, &options, Typical { vectors, seed: 0 })?;
    let scale = 4.0 / (spins * POLARISATION * vectors as f64);
    let points = found.first().and_then(|one| one.first()).map_or(0, Vec::len);
    let mean = |k: usize| found.iter().filter_map(|one| one.first()).flatten().skip(k).step_by(points.max(1));
    let point = |k: usize| mean(k).fold((0.0, 0.0), |s, [up, down]| (s.0 + up.re + down.re, s.1 + up.im + down.im));
    let all = (0..points).map(point).flat_map(|(re, im)| [0.5 * scale * re, 0.5 * scale * im]);
    Ok(vec![("S", all.collect())])
}

fn static_powder(experiment: &Experiment, _: &str, orientations: usize, _: Option<&Path>) -> Outcomes {
    let runs = points(experiment, &[vec![("orientations", orientations as f64)]])?;
    let broad = |k: usize| (-PI * 50.0 * 20e-6 * (k / 2) as f64).exp();
    let s = runs.iter().flat_map(|r| signals(r, "13C", 1.0)).enumerate().map(|(k, x)| x * broad(k)).collect();
    Ok(vec![("S", s)])
}

fn turning_powder(experiment: &Experiment, _: &str, orientations: usize, _: Option<&Path>) -> Outcomes {
    let runs = points(experiment, &[vec![("orientations", orientations as f64)]])?;
    Ok(vec![("S", runs.iter().flat_map(|r| signals(r, "1H", 3.0)).collect())])
}

/// The highest energy, the highest power by the root of the number, and its share of that of single pairs.
fn chargers(experiment: &Experiment, size: &str, most: usize, _: Option<&Path>) -> Outcomes {
    /// The largest power of a single pair.
    const SINGLE: f64 = 0.724_611_353_776_708_5;
    let gammas: &[f64] = if matches!(size, "g0" | "k1000") { &[0.0] } else { &[0.0, 0.2, 0.6, 1.0] };
    let numbers = if size == "k1000" { most..=most } else { 1..=most };
    let all: Vec<(f64, f64)> = gammas.iter().flat_map(|g| numbers.clone().map(move |m| (m as f64, *g))).collect();
    let (emulator, options) = (Emulator::new(experiment), Options::default());
    let found: Vec<[f64; 3]> = all
        .par_iter()
        .map(|&(m, gamma)| {
            let run = at(&emulator, &options, &[("M", m), ("gamma", gamma)])?;
            let energy = largest(curve(&run, "stored_energy"));
            let time = |k: usize| 40.0 / m * k as f64 / 2000.0;
            let power = largest(curve(&run, "stored_energy").enumerate().skip(1).map(|(k, e)| e / time(k)));
            Ok([energy, power / m.sqrt(), power / (m * SINGLE)])
        })
        .collect::<Result<_, Box<Diagnostic>>>()?;
    let array = |of: fn(&[f64; 3]) -> f64| found.iter().map(of).collect();
    Ok(vec![("E", array(|f| f[0])), ("P", array(|f| f[1])), ("eta", array(|f| f[2]))])
}

/// Ergotropies, energies below the highest product state, overlaps with the true state, and means and deviations of the first two. The
/// shots are drawn as other programs draw theirs, or counted already in the input: 32 bits a count, run by run.
fn tomographies(experiment: &Experiment, _: &str, method: usize, input: Option<&Path>) -> Outcomes {
    const RUNS: usize = 10_000;
    const SHOTS: u64 = 1000;
    let options = Options { states: 4, ..Options::default() };
    let run = point(experiment, &options, &[])?;
    let cells = emulator::cells_of(experiment, &Values::new(), &options)?;
    let lost =
        || Box::new(Diagnostic::without_place(Code::UnknownResult, "the file of this job has a different system"));
    let state = run.marks.iter().find(|m| m.name == "charged").and_then(|m| m.state.clone()).ok_or_else(lost)?;
    let axes: Vec<Vec<u8>> = (0..9).map(|s| vec![s / 3, s % 3]).collect();
    let settings = Settings::new(cells.spins, &axes).ok_or_else(lost)?;
    // The outcomes of a setting, one above the other.
    let mut edges = settings.probabilities(&state);
    for probabilities in edges.chunks_exact_mut(4) {
        let mut sum = 0.0;
        for p in probabilities {
            sum += *p;
            *p = sum;
        }
    }
    let drawn = |run: u64| -> Vec<u64> {
        let mut counts = vec![0u64; 36];
        let by_setting = edges.chunks_exact(4).zip(counts.as_chunks_mut::<4>().0);
        for (setting, (own, counts)) in (0..).zip(by_setting) {
            for shot in 0..SHOTS {
                let number = (run * 9 + setting) * SHOTS + shot + 1;
                let u = (mixed(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 11) as f64 * 0.5f64.powi(53);
                // The last edge is 1, but for rounding.
                let outcome = own.iter().take(3).filter(|edge| u >= **edge).count();
                counts.iter_mut().skip(outcome).take(1).for_each(|n| *n += 1);
            }
        }
        counts
    };
    let given: Option<Vec<u64>> = input
        .map(files::bytes)
        .transpose()?
        .map(|bytes| bytes.as_chunks().0.iter().map(|b| u64::from(u32::from_le_bytes(*b))).collect());
    if let Some(given) = given.as_ref().filter(|g| g.len() != 36 * RUNS) {
        let message = format!("the job needs {} 32-bit counts, the input has {}", 36 * RUNS, given.len());
        return Err(Box::new(Diagnostic::without_place(Code::CannotRead, message)));
    }
    let counts = given.unwrap_or_else(|| (0..RUNS as u64).into_par_iter().flat_map_iter(drawn).collect());
    let estimator = if method == 0 { Estimator::MaximumLikelihood } else { Estimator::Nearest };
    let h = &cells.battery.hamiltonian;
    let wrong =
        |why: ergoseq::linalg::LinalgError| Box::new(Diagnostic::without_place(Code::NotConverged, why.to_string()));
    let ergotropy = Functional::new(Kind::Ergotropy, h).map_err(wrong)?;
    let mut found: Vec<[f64; 3]> = Vec::with_capacity(RUNS);
    for batch in settings.reconstruct_all(&counts, estimator).map_err(wrong)? {
        let work = ergotropy.values(&batch.states, &batch.eigenvalues);
        let (energy, overlap) = (batch.states.mean_of(h), batch.states.mean_of(&state));
        let sets = work.0.iter().zip(&energy.0).zip(&overlap.0).take(batch.sets);
        found.extend(sets.map(|((work, energy), overlap)| [*work, h[(0, 0)].re - energy, *overlap]));
    }
    let array = |of: fn(&[f64; 3]) -> f64| -> Vec<f64> { found.iter().map(of).collect() };
    let (work, below, fidelity) = (array(|f| f[0]), array(|f| f[1]), array(|f| f[2]));
    let bars = [&work, &below].into_iter().flat_map(|values| {
        let mean = values.iter().sum::<f64>() / RUNS as f64;
        let square: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        [mean, (square / (RUNS - 1) as f64).sqrt()]
    });
    Ok(vec![("bars", bars.collect()), ("X", work), ("Q", below), ("F", fidelity)])
}

const NUCLEI: [&str; 4] = ["1H", "13C", "15N", "31P"];

/// A file of so many statements: pulses, delays, turns of a phase, couplings, marks and measurements on four spins.
fn generated(statements: usize) -> String {
    use std::fmt::Write;
    let mut text = String::from("ergoseq 1\nparam tau = 2.5 us\nsystem {\n    field 9.4 T\n    temperature 300 K\n");
    let spins = ["a", "b", "c", "d"];
    for (spin, nucleus) in spins.iter().zip(NUCLEI) {
        let _ = writeln!(text, "    spin {spin} : {nucleus}");
    }
    text += "}\n";
    for nucleus in NUCLEI {
        let _ = writeln!(text, "channel {nucleus} {{ max_rf = 1 MHz }}");
    }
    text += "sequence {\n    prepare thermal\n";
    let in_turn = spins.into_iter().zip(NUCLEI).cycle();
    for (k, ((spin, here), (other, next))) in in_turn.clone().zip(in_turn.skip(1)).take(statements).enumerate() {
        // Writing to a string does not fail.
        let _ = match k % 10 {
            // A flip angle of 0 is no pulse and takes no time, which the job gives it.
            0 if k % 3607 == 0 => writeln!(text, "    delay 10 us"),
            0 => writeln!(text, "    pulse {here} (pi*{}/1800) rad phase x duration = 10 us", k % 3607),
            1 => writeln!(text, "    delay tau*{} + 0.5 us", k % 7 + 1),
            // A turn back by an angle is one of the opposite phase.
            2 => writeln!(text, "    pulse {next} (pi/{}) rad phase -x ideal", k % 11 + 1),
            3 => writeln!(text, "    delay {} ns", k % 90 + 10),
            4 => writeln!(text, "    pulse {here} (pi/2) rad phase y duration = 10 us"),
            5 => {
                writeln!(text, "    evolve pi/{}/(100 us) * 2*Iz({spin})*Iz({other}) for 100 us", k % 5 + 1)
            }
            6 => writeln!(text, "    delay 1.25 us"),
            7 => writeln!(text, "    pulse {here} 0.{:06} rad phase x duration = 10 us", k % 1_000_000),
            8 => writeln!(text, "    mark m{k}"),
            _ => writeln!(text, "    acquire {here} points 2 dwell 25 us"),
        };
    }
    text += "}\nmeasure {\n";
    for nucleus in NUCLEI {
        let _ = writeln!(text, "    signal({nucleus})");
    }
    text + "}\n"
}

/// When every statement begins, in microseconds, and its angle, duration or spin.
fn timeline(experiment: &Experiment, _: &str, statements: usize, _: Option<&Path>) -> Outcomes {
    let e = Evaluator::new(experiment, &Values::new())?;
    let (schedule, _) = build(&e)?;
    let mut now = 0.0;
    let mut begins = Vec::with_capacity(statements);
    for step in &schedule.steps {
        begins.push(1e6 * now);
        now += match step {
            Step::Segment(segment) => segment.duration,
            Step::Acquire(acquire) => acquire.receiver.dwell * acquire.receiver.points as f64,
            _ => 0.0,
        };
    }
    let mut angles = Vec::with_capacity(statements);
    for event in experiment.sequence.iter().skip(1) {
        let k = angles.len();
        angles.push(match &event.kind {
            EventKind::Pulse(pulse) => {
                let angle = pulse.angle.as_ref().map_or(Ok(0.0), |x| e.number(x))?;
                if k % 10 == 2 { -angle } else { angle }
            }
            EventKind::Delay { .. } if k % 10 == 0 => 0.0,
            EventKind::Delay { duration, .. } => 1e6 * e.number(duration)?,
            EventKind::Evolve { .. } => PI / (k % 5 + 1) as f64,
            EventKind::Acquire { nucleus, .. } => NUCLEI.iter().position(|n| n == nucleus).unwrap_or(usize::MAX) as f64,
            _ => 0.0,
        });
    }
    Ok(vec![("T", begins), ("A", angles)])
}
