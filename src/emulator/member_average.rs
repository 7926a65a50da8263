//! Averages over the members of a sample, each with its own state and its own Hamiltonian: `member_mean(energy)`.
//!
//! Other metrics are those of the mean state. This is right if all members have the same Hamiltonian, but not for a powder, where the
//! dipolar energy of each crystallite depends on the coupling of that crystallite. Here a metric is evaluated for each member
//! individually and the values are averaged. Scans of a phase cycle are summed by the receiver, so all scans of a member count as one
//! state.

use super::battery::cells;
use super::motion::{EnsembleMotion, MemberAt, arrival, heat_of, mean_state, propagator_of};
use super::observable::{EvalError, Observable, not_finite};
use crate::hamiltonian::{Evaluator, Fault, Member, Prepared, Schedule};
use crate::metrics::{Cells, Moment, Motion, Scene};
use crate::spin::{Action, Space};
use crate::syntax::Expr;
use std::collections::BTreeMap;

/// Callback for undefined metrics: receives the key and the reason.
pub type Unexplained<'a> = &'a dyn Fn(&str, &str);

/// The requested averages over members.
#[derive(Default)]
pub struct MemberAverages {
    keys: Vec<String>,
    members: Vec<MemberObservables>,
}

/// The requested metrics of one member, with its own battery, prepared state and arguments.
struct MemberObservables {
    /// Weight; the weights of all members add up to 1.
    weight: f64,
    /// Indices of the propagated members that are its scans.
    scans: Vec<usize>,
    scene: Scene,
    observables: Vec<Observable>,
}

impl MemberAverages {
    /// Prepares the requested metrics for all members; `own` builds the evaluator of a member.
    ///
    /// # Errors
    /// If a battery or an argument cannot be built for some member.
    pub fn new<'e>(
        wanted: &[(String, &Expr)],
        members: &[Member],
        schedules: &[(Schedule, Prepared)],
        space: &Space,
        own: impl Fn(&Member) -> Result<Evaluator<'e>, Fault>,
    ) -> Result<MemberAverages, Fault> {
        let mut averages =
            MemberAverages { keys: wanted.iter().map(|(key, _)| key.clone()).collect(), members: vec![] };
        if wanted.is_empty() {
            return Ok(averages);
        }
        // Members are ordered scan-major: scan s of sample k is member s * stride + k.
        let scans = members.iter().map(|m| m.variation.scan).max().unwrap_or(0) + 1;
        let stride = members.len() / scans;
        for (first, (member, (schedule, prepared))) in members.iter().zip(schedules).take(stride).enumerate() {
            let numbers: Vec<usize> = (0..scans).map(|scan| scan * stride + first).collect();
            let e = own(member)?;
            let cells = cells(&e, schedule, space)?;
            let observables = wanted
                .iter()
                .map(|(key, inner)| Observable::new(&e, key.clone(), inner))
                .collect::<Result<Vec<_>, Fault>>()?;
            averages.members.push(MemberObservables {
                weight: member.weight * scans as f64,
                scans: numbers,
                scene: Scene::new(space.clone(), cells, prepared.state(space)).with_averages(prepared.averaged()),
                observables,
            });
        }
        Ok(averages)
    }

    /// True if no averages are requested.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The Hamiltonian of the battery of a propagated member, if averages are requested and it has one.
    pub fn energy_of(&self, member: usize) -> Option<&Action> {
        let of = self.members.iter().find(|own| own.scans.contains(&member))?;
        of.scene.cells.as_ref().map(Cells::energy)
    }

    /// The averages at a moment, by key; empty once the members are no longer distinguished.
    ///
    /// # Errors
    /// If a value is infinite or not a number.
    pub fn values(&self, undefined: Unexplained, members: &[MemberAt]) -> Result<BTreeMap<String, Option<f64>>, Fault> {
        let mut found = BTreeMap::new();
        if self.is_empty() || members.len() != self.members.iter().map(|m| m.scans.len()).sum::<usize>() {
            return Ok(found);
        }
        let mut sums: Vec<Option<f64>> = vec![Some(0.0); self.keys.len()];
        for member in &self.members {
            for (sum, value) in sums.iter_mut().zip(member.values(members, undefined)?) {
                *sum = sum.zip(value).map(|(sum, x)| sum + member.weight * x);
            }
        }
        found.extend(self.keys.iter().cloned().zip(sums));
        Ok(found)
    }
}

impl MemberObservables {
    /// The values of this member, for the mean of its scans and their motion.
    fn values(&self, members: &[MemberAt], undefined: Unexplained) -> Result<Vec<Option<f64>>, Fault> {
        let even = 1.0 / self.scans.len() as f64;
        let scans: Vec<MemberAt> =
            self.scans.iter().filter_map(|&k| members.get(k)).map(|m| MemberAt { weight: even, ..*m }).collect();
        let mean = mean_state(scans.iter().map(|m| (m.weight, m.state)));
        let weights = vec![even; scans.len()];
        let (_, time) = arrival(scans.iter().map(|m| m.elapsed), &weights);
        let (propagator, heat) = (propagator_of(&scans), heat_of(&scans, |heats| heats.own));
        let motion = EnsembleMotion::of(scans);
        let moment = Moment::new(&self.scene, &mean, motion.as_ref().map(|m| m as &dyn Motion), time)
            .with_process(propagator)
            .with_heat(heat);
        self.observables
            .iter()
            .map(|observable| match observable.answer(Some(&moment), &BTreeMap::new()) {
                Ok(x) => Ok(Some(x)),
                Err(EvalError::Undefined(why)) => {
                    undefined(&observable.key, &why.to_string());
                    Ok(None)
                }
                Err(EvalError::NotFinite(x)) => Err(not_finite(observable, x, None)),
            })
            .collect()
    }
}
