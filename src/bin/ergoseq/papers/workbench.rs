//! Runs of the papers' sequences: compiled once, many points at a time.

use ergoseq::compile::{Refused, compile, no_files};
use ergoseq::emulator::{Emulator, Options, Run};
use ergoseq::hamiltonian::{Fault, Values};
use ergoseq::ir::Experiment;
use std::collections::HashMap;

/// Someone who watches the work.
pub trait Watch: Sync {
    /// So many runs more are to be done.
    fn more(&self, runs: u64);
    /// One is done.
    fn step(&self);
}

/// The sequences, part of the program so that it needs no files.
const SEQUENCES: &[(&str, &str)] = &[
    ("cavity", include_str!("../../../../sequences/papers/cavity.seq")),
    ("cavity_inverted", include_str!("../../../../sequences/papers/cavity_inverted.seq")),
    ("dipolar_charging", include_str!("../../../../sequences/papers/dipolar_charging.seq")),
    ("dipolar_dephasing", include_str!("../../../../sequences/papers/dipolar_dephasing.seq")),
    ("dipolar_gibbs", include_str!("../../../../sequences/papers/dipolar_gibbs.seq")),
    ("heisenberg_chain", include_str!("../../../../sequences/papers/heisenberg_chain.seq")),
    ("heisenberg_pair", include_str!("../../../../sequences/papers/heisenberg_pair.seq")),
    ("spin_charger", include_str!("../../../../sequences/papers/spin_charger.seq")),
    ("spin_charger_mixed", include_str!("../../../../sequences/papers/spin_charger_mixed.seq")),
    ("spin_charger_product", include_str!("../../../../sequences/papers/spin_charger_product.seq")),
];

/// Where sequences are run.
pub struct Workbench<'a> {
    experiments: HashMap<&'static str, Experiment>,
    watch: &'a dyn Watch,
}

/// Parameters that are set, the others having their defaults.
pub type Point = Vec<(&'static str, f64)>;

impl<'a> Workbench<'a> {
    /// With all sequences compiled.
    ///
    /// # Errors
    /// When a sequence has a mistake, which the tests exclude.
    pub fn new(watch: &'a dyn Watch) -> Result<Workbench<'a>, Box<Refused>> {
        let mut experiments = HashMap::new();
        for (name, text) in SEQUENCES {
            let compiled = compile(&format!("{name}.seq"), text, &mut no_files)?;
            experiments.insert(*name, compiled.experiment);
        }
        Ok(Workbench { experiments, watch })
    }

    /// Runs a sequence at many points, on all cores; results in the order of the points.
    ///
    /// # Errors
    /// When a run fails: the first failure in the order of the points.
    pub fn runs(&self, sequence: &str, points: &[Point]) -> Result<Vec<Run>, Fault> {
        self.runs_of(sequence, points, &|_| true)
    }

    /// The same for the named results only: every maximum costs a search.
    ///
    /// # Errors
    /// As [`Workbench::runs`].
    pub fn runs_of(
        &self,
        sequence: &str,
        points: &[Point],
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<Run>, Fault> {
        let Some(known) = self.experiments.get(sequence) else {
            let why = format!("unknown sequence `{sequence}`");
            return Err(
                ergoseq::diagnostic::Diagnostic::without_place(ergoseq::diagnostic::Code::UnknownName, why).into()
            );
        };
        let mut experiment = known.clone();
        experiment.measures.retain(|m| wanted(&m.key));
        self.watch.more(points.len() as u64);
        let emulator = Emulator::new(&experiment);
        let values = |point: &Point| -> Values { point.iter().map(|(k, v)| (k.to_string(), *v)).collect() };
        let points: Vec<Values> = points.iter().map(values).collect();
        let step = |done| (0..done).for_each(|_| self.watch.step());
        emulator.run_all(&points, &Options::default(), &step).into_iter().collect()
    }
}

/// A named result; not a number when there is none.
pub fn summary(run: &Run, key: &str) -> f64 {
    run.summary.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).unwrap_or(f64::NAN)
}

/// A metric at a mark; not a number when there is none.
pub fn mark(run: &Run, name: &str, key: &str) -> f64 {
    run.marks
        .iter()
        .find(|m| m.name == name)
        .and_then(|m| m.values.iter().find(|(k, _)| k == key))
        .and_then(|(_, v)| *v)
        .unwrap_or(f64::NAN)
}

/// A recorded curve, without the samples where it is not defined.
pub fn trace(run: &Run, key: &str) -> Vec<(f64, f64)> {
    run.traces
        .iter()
        .find_map(|t| t.values.iter().find(|(k, _)| k == key).map(|(_, v)| (&t.time, v)))
        .map(|(time, values)| time.iter().zip(values).filter_map(|(t, v)| v.map(|v| (*t, v))).collect())
        .unwrap_or_default()
}

/// Evenly spaced numbers, both ends included.
pub fn grid(from: f64, to: f64, points: usize) -> Vec<f64> {
    (0..points).map(|k| from + (to - from) * k as f64 / (points - 1).max(1) as f64).collect()
}
