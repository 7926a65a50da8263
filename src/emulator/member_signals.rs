//! Signals of the members of an ensemble on a graphics processor. The CPU evaluates the numbers of the members; the device propagates
//! one member per thread and sums the signals.

use super::dense_batch::Evolving;
use super::fid::SignalSum;
use super::graphics::{Acquisition, Block, Device, Entry, Signals, Term};
use super::member_batch::{Evolution, MemberBatch, Scan, Step, Sums, variables};
use crate::emulator::engines::StepError;
use crate::lanes::LANES;
use crate::linalg::{C64, Matrix, ZERO, real};
use crate::metrics::LevelsBatch;
use crate::waveform::Slot;
use rayon::prelude::*;

/// A scan, compiled for a device: slots of the coefficients, in the order of their rows.
struct OnDevice {
    signals: Signals,
    rows: Vec<Slot>,
    receiver: C64,
}

impl MemberBatch<'_> {
    /// The summed signal of all members, of `points` points a time `dwell` apart; `None` if more than one FID at the end is wanted, a step
    /// has no kernel, or a member must be run individually.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run_on(&self, device: &'static Device, (points, dwell): (usize, f64)) -> Result<Option<Sums>, StepError> {
        if self.wanted.marks || self.wanted.records || self.begin.dimension() > device.largest() {
            return Ok(None);
        }
        let mut signal = SignalSum::default();
        for scan in &self.scans {
            let Some(compiled) = self.compiled(scan, device, (points, dwell))? else { return Ok(None) };
            for chunk in self.rows(compiled.signals.lanes()) {
                let Some((columns, factors)) = columns(scan, &compiled, &chunk) else { return Ok(None) };
                compiled.signals.add(&columns, &factors)?;
            }
            signal.add_points(&compiled.signals.total()?, real(1.0));
        }
        let mut sums = Sums { signals: vec![signal], ..Sums::default() };
        if self.scans.len() > 1 {
            // How much of the signal the phase cycle keeps is seen on the first members.
            let rows = self.rows(LANES).next().unwrap_or_default();
            let Some(first) = self.batch(&rows) else { return Ok(None) };
            sums.kept = first.kept;
        }
        Ok(Some(sums))
    }

    /// The steps up to the acquisition that ends the sequence.
    fn compiled(
        &self,
        Scan { steps, .. }: &Scan,
        device: &'static Device,
        (points, dwell): (usize, f64),
    ) -> Result<Option<OnDevice>, StepError> {
        let Some((Step::Acquire(acquisition), before)) = steps.get(..self.last).and_then(|steps| steps.split_last())
        else {
            return Ok(None);
        };
        let mut rows = Vec::new();
        let mut blocks = Vec::new();
        // The state of all members, up to the first step in which they differ.
        let (mut rho, mut moved) = (self.begin.clone(), self.begin.clone());
        for step in before {
            let evolution = match step {
                Step::Mark => continue,
                Step::Pulse(evolution, _) | Step::Evolve(evolution, _) => evolution,
                Step::Project(_) | Step::Acquire(_) => return Ok(None),
            };
            match &evolution.levels {
                Some(levels) if blocks.is_empty() => {
                    Evolving::new(levels, &rho).at(evolution.duration, &mut moved);
                    std::mem::swap(&mut rho, &mut moved);
                }
                Some(levels) => blocks.push(Block::Unitary(by_rows(&propagator(levels, evolution.duration)))),
                None => blocks.push(Block::Evolve(terms(evolution, &mut rows), evolution.duration)),
            }
        }
        let hamiltonian = terms(&acquisition.evolution, &mut rows);
        let raising: Vec<Entry> = acquisition.raising.clone();
        let initial = by_rows(&rho.lane(0));
        let acquired = Acquisition { hamiltonian, raising, points, dwell };
        let signals = Signals::new(device, (self.begin.dimension(), &initial), blocks, acquired, rows.len())?;
        Ok(Some(OnDevice { signals, rows, receiver: acquisition.receiver }))
    }
}

/// The terms of a Hamiltonian; their slots are added to `rows`.
fn terms(evolution: &Evolution, rows: &mut Vec<Slot>) -> Vec<Term> {
    let term = |(slot, entries): &(Slot, Vec<crate::lanes::Entry>)| {
        let row = rows.iter().position(|known| known == slot).unwrap_or_else(|| {
            rows.push(*slot);
            rows.len() - 1
        });
        (row, entries.iter().map(|&(i, j, re, im)| (i, j, C64::new(re, im))).collect())
    };
    evolution.assembly.terms().iter().map(term).collect()
}

/// Coefficients of some members, row by row, and their weights times the receiver's phase factor; `None` if a number is irregular.
fn columns(scan: &Scan, compiled: &OnDevice, members: &[(Vec<f64>, f64)]) -> Option<(Vec<Vec<f64>>, Vec<C64>)> {
    let evaluated: Option<Vec<Vec<[f64; LANES]>>> = members
        .par_chunks(LANES)
        .map(|batch| {
            let (mut slots, mut irregular) = (Vec::new(), [false; LANES]);
            scan.numbers.evaluate(&variables(batch)?, &mut slots, &mut irregular);
            let rows: Vec<[f64; LANES]> = compiled.rows.iter().map(|slot| slot.of(&slots).0).collect();
            let finite = rows.iter().flatten().all(|x| x.is_finite());
            (finite && !irregular.contains(&true)).then_some(rows)
        })
        .collect();
    let evaluated = evaluated?;
    let column = |row: usize| -> Vec<f64> {
        evaluated.iter().filter_map(|rows| rows.get(row)).flatten().take(members.len()).copied().collect()
    };
    let columns = (0..compiled.rows.len()).map(column).collect();
    Some((columns, members.iter().map(|(_, weight)| compiled.receiver * *weight).collect()))
}

/// `V exp(-i E t) V+`, the same in all lanes.
fn propagator(levels: &LevelsBatch, t: f64) -> Matrix {
    let vectors = levels.vectors.lane(0);
    let mut phased = vectors.clone();
    for (mut column, energy) in phased.column_iter_mut().zip(&levels.values) {
        let phase = energy.0.first().map_or(ZERO, |e| C64::cis(-e * t));
        column.iter_mut().for_each(|x| *x *= phase);
    }
    phased * vectors.adjoint()
}

/// The elements of a matrix, row by row.
fn by_rows(matrix: &Matrix) -> Vec<C64> {
    matrix.row_iter().flat_map(|row| row.iter().copied().collect::<Vec<C64>>()).collect()
}
