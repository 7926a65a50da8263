//! Loops that are observed once a pass: traces of metrics, and signals with one point per cycle.

use super::extremum::equal;
use super::fid::{Fid, SignalSum};
use super::integrate::Integrator;
use super::last_segment;
use super::motion::{heat_of, mean_state, propagator_of};
use super::observable::Aggregate;
use super::propagate::{Known, Propagation};
use super::propagator::Propagator;
use super::results::Trace;
use crate::hamiltonian::{Fault, Look, Receiver, Step, Strobe, duration};
use crate::ir::Aggregation;
use crate::linalg::C64;
use crate::spin::{Space, Sparse, State};

/// The passes of one member.
struct Passes<'a> {
    strobe: &'a Strobe,
    /// The run of the next pass, and how many of its passes are over.
    at: (usize, u64),
    /// Propagator of a pass of this run, if it is one matrix.
    once: Option<Propagator>,
}

impl<'a> Passes<'a> {
    fn new(strobe: &'a Strobe) -> Passes<'a> {
        Passes { strobe, at: (0, 0), once: None }
    }

    /// The steps of the next pass, and whether it is the first of its run.
    fn next(&mut self) -> Option<(&'a (u64, Vec<Step>), bool)> {
        while let Some(run) = self.strobe.runs.get(self.at.0) {
            if self.at.1 < run.0 {
                self.at.1 += 1;
                return Some((run, self.at.1 == 1));
            }
            self.at = (self.at.0 + 1, 0);
        }
        None
    }

    /// Propagates the member through the next pass. Equal passes share the propagator of one, unless the cutoff of a mode is watched,
    /// which needs the states inside a pass.
    fn advance(&mut self, integrator: &mut Integrator, state: State) -> Result<(State, &'a [Step]), Fault> {
        let Some(((times, body), first)) = self.next() else { return Ok((state, &[])) };
        if first {
            let shared = *times > 2 && integrator.combines();
            self.once = if shared { integrator.body(body)? } else { None };
        }
        match &self.once {
            Some(once) => Ok((once.apply(state), body)),
            None => {
                let state = body.iter().try_fold(state, |state, step| integrator.step_member(step, state))?;
                Ok((state, body))
            }
        }
    }
}

/// What is observed at the passes.
enum Samples<'a> {
    /// Times, and values of the observables and of the curves of aggregates.
    Trace { name: &'a str, time: Vec<f64>, values: Vec<Vec<Option<f64>>>, curves: Vec<Vec<Option<f64>>> },
    /// Points of the signal.
    Signal { receivers: Vec<&'a Receiver>, raising: Vec<Sparse>, points: Vec<C64> },
}

impl<'a> Propagation<'a> {
    /// Propagates all members through a loop that is observed once a pass.
    ///
    /// # Errors
    /// If a method fails, or a result is not finite.
    pub(super) fn strobe(&mut self, strobes: &[&'a Strobe], mut states: Vec<State>) -> Result<Vec<State>, Fault> {
        let Some(&first) = strobes.first() else { return Ok(states) };
        let unitary = strobes.iter().flat_map(|s| &s.runs).all(|(_, body)| body.iter().all(Step::is_unitary));
        self.begin(unitary);
        let (start, _) = self.time("an observed loop");
        let mut samples = Samples::new(strobes, first, self.context.space());
        let mut passes: Vec<Passes<'a>> = strobes.iter().map(|s| Passes::new(s)).collect();
        for pass in 0..=first.passes() {
            if pass > 0 {
                states = self.pass(&mut passes, states)?;
            }
            if pass < first.passes() || matches!(first.look, Look::Trace(_)) {
                self.sample(&mut samples, start, &states)?;
            }
        }
        self.account(unitary);
        self.keep_samples(samples, start);
        Ok(states)
    }

    fn pass(&mut self, passes: &mut [Passes<'a>], states: Vec<State>) -> Result<Vec<State>, Fault> {
        let mut moved = Vec::with_capacity(states.len());
        for (member, (own, state)) in passes.iter_mut().zip(states).enumerate() {
            let (before, read) = (self.paths.of_heat().then(|| state.clone()), self.integrator.readings().values());
            let (state, body) = own.advance(&mut self.integrator, state)?;
            self.context.watch(&state);
            let begin = before.as_ref().unwrap_or(&state);
            self.paths.advance(member, &mut self.integrator, body, (begin, read, own.once.is_some()))?;
            moved.push(state);
            if let Some(clock) = self.clocks.get_mut(member) {
                *clock += duration(body);
            }
            if let Some(last) = self.last_segments.get_mut(member) {
                *last = last_segment::after(body, last.take(), &self.integrator, self.context.space())?;
            }
        }
        Ok(moved)
    }

    fn sample(&mut self, samples: &mut Samples<'a>, start: f64, states: &[State]) -> Result<(), Fault> {
        match samples {
            Samples::Trace { name, time, values, curves } => {
                let (mean, common) = self.time(&format!("the trace `{name}`"));
                time.push(mean - start);
                let members = self.members(states);
                let state = mean_state(self.weights.iter().copied().zip(states));
                let known = self.member_averages(&members)?;
                let motion = super::motion::EnsembleMotion::of(members.clone());
                let motion = motion.as_ref().map(|m| m as &dyn crate::metrics::Motion);
                let moment = self.context.moment(&state, motion, common).with_process(propagator_of(&members));
                let moment = moment.with_heat(heat_of(&members, |heats| heats.declared));
                let found = self.values_of_moment(&moment, &known)?;
                values.push(found);
                let wanted = wanted(self.context, name);
                let found = wanted.iter().map(|a| self.value(&a.curve, &moment, &known));
                curves.push(found.collect::<Result<_, Fault>>()?);
            }
            Samples::Signal { receivers, raising, points } => {
                let members = states.iter().zip(receivers.iter().zip(raising.iter())).zip(&self.weights);
                let mean = |f: &Sparse, state: &State| match state {
                    State::Pure(psi) => f.mean(psi.as_slice()),
                    State::Mixed(rho) => f.trace_with(rho),
                };
                points.push(members.map(|((s, (r, f)), w)| mean(f, s) * C64::cis(-r.phase) * *w).sum());
            }
        }
        Ok(())
    }

    fn keep_samples(&mut self, samples: Samples<'a>, start: f64) {
        match samples {
            Samples::Trace { name, time, values, curves } => {
                let extrema: Known = wanted(self.context, name)
                    .into_iter()
                    .enumerate()
                    .map(|(k, aggregate)| {
                        let curve =
                            curves.iter().map(|row| row.get(k).copied().flatten().unwrap_or(f64::NAN)).collect();
                        (aggregate.key.clone(), extremum(aggregate.aggregation, &time, curve))
                    })
                    .collect();
                self.aggregates.extend(extrema);
                let keys = self.context.requested.observables.iter().map(|o| o.key.clone()).enumerate();
                let column = |k: usize| values.iter().map(|row| row.get(k).copied().flatten()).collect();
                let values = keys.map(|(k, key)| (key, column(k))).collect();
                self.traces.push(Trace { name: name.to_string(), start, time, values });
            }
            Samples::Signal { receivers, points, .. } => {
                let Some(receiver) = receivers.first() else { return };
                let mut signal = SignalSum::default();
                signal.add_points(&points, C64::new(1.0, 0.0));
                self.decays.push(Fid { receiver, start, signal });
            }
        }
    }
}

/// The aggregates over a trace.
fn wanted<'c>(context: &'c super::context::RunContext, name: &str) -> Vec<&'c Aggregate> {
    context.requested.aggregates.iter().filter(|a| a.trace.as_ref().is_none_or(|t| t == name)).collect()
}

impl<'a> Samples<'a> {
    fn new(strobes: &[&'a Strobe], first: &'a Strobe, space: &Space) -> Samples<'a> {
        match &first.look {
            Look::Trace(name) => Samples::Trace { name, time: vec![], values: vec![], curves: vec![] },
            Look::Signal(_) => {
                let receiver = |s: &&'a Strobe| match &s.look {
                    Look::Signal(receiver) => Some(&**receiver),
                    Look::Trace(_) => None,
                };
                let receivers: Vec<&'a Receiver> = strobes.iter().filter_map(receiver).collect();
                let raising = receivers.iter().map(|r| Sparse::of(&r.raising, space)).collect();
                Samples::Signal { receivers, raising, points: vec![] }
            }
        }
    }
}

/// An extremum of the samples themselves: between two passes the trace has no values. NaN marks an undefined sample.
fn extremum(aggregation: Aggregation, time: &[f64], mut curve: Vec<f64>) -> Option<f64> {
    if aggregation.is_lowest() {
        curve.iter_mut().for_each(|x| *x = -*x);
    }
    let range = super::extremum::range(&curve);
    let best = if aggregation == Aggregation::FirstMax {
        // Samples that differ by rounding are a plateau, not a maximum.
        let rises = |pair: &[f64]| matches!(pair, [a, b] if b - a > equal(range));
        let falls = |pair: &[f64]| matches!(pair, [a, b] if a - b > equal(range));
        let up = curve.windows(2).position(rises)?;
        let down = curve.windows(2).skip(up + 1).position(falls)? + up + 1;
        (up + 1..=down).max_by(|a, b| curve.get(*a).partial_cmp(&curve.get(*b)).unwrap_or(std::cmp::Ordering::Equal))?
    } else {
        curve.iter().position(|x| *x >= range.1 - equal(range))?
    };
    let (t, value) = (*time.get(best)?, *curve.get(best)?);
    Some(match aggregation {
        Aggregation::ArgMax | Aggregation::ArgMin => t,
        Aggregation::Min | Aggregation::MinSample => -range.1,
        Aggregation::Max | Aggregation::MaxSample => range.1,
        Aggregation::FirstMax => value,
    })
}

#[cfg(test)]
mod tests {
    use super::{Aggregation, extremum};

    #[test]
    fn extrema_are_those_of_the_samples() {
        let time = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let curve = || vec![1.0, 3.0, 3.5, 2.0, 7.0, 0.5];
        assert_eq!(extremum(Aggregation::Max, &time, curve()), Some(7.0));
        assert_eq!(extremum(Aggregation::ArgMax, &time, curve()), Some(4.0));
        assert_eq!(extremum(Aggregation::Min, &time, curve()), Some(0.5));
        assert_eq!(extremum(Aggregation::ArgMin, &time, curve()), Some(5.0));
        assert_eq!(extremum(Aggregation::FirstMax, &time, curve()), Some(3.5));
        assert_eq!(extremum(Aggregation::MaxSample, &time, curve()), Some(7.0));
        assert_eq!(extremum(Aggregation::MinSample, &time, curve()), Some(0.5));
        assert_eq!(extremum(Aggregation::FirstMax, &time, vec![5.0, 4.0, 3.0, 2.0, 1.0, 0.0]), None);
        assert_eq!(extremum(Aggregation::Max, &time[..2], vec![f64::NAN, f64::NAN]), None);
        // Samples that differ by rounding are equal: the earliest counts.
        let flat = || vec![1.0, 3.0, 3.0 + 1e-15, 3.0, 2.0, 0.5];
        assert_eq!(
            (extremum(Aggregation::ArgMax, &time, flat()), extremum(Aggregation::Max, &time, flat())),
            (Some(1.0), Some(3.0 + 1e-15))
        );
    }
}
