//! Decoupling sequences.

use super::super::program::Decoupling;
use super::refused;
use super::walk::Walk;
use crate::hamiltonian::{Fault, instrument};
use crate::ir::Pulse;
use crate::source::Span;

impl<'a> Walk<'a> {
    /// A decoupling sequence, which a console has as a program of its own.
    pub(super) fn decoupling(&mut self, p: &'a Pulse, span: Span) -> Result<Decoupling, Fault> {
        if self.wanted.simulated || p.offset.is_some() {
            return Err(refused::decouple(span, p.offset.is_some()).into());
        }
        let channel = self.channel(&p.nucleus)?;
        let mut said = Vec::new();
        let Some(first) = self.first().map(|e| instrument::decoupling(e, p, &mut said)).transpose()? else {
            return Err(refused::nothing(span).into());
        };
        self.said.append(&mut said);
        let strength = self
            .same(span, "the amplitude of decoupling", |e| Ok(instrument::decoupling(e, p, &mut vec![])?.strength))?;
        let pulse = self
            .same(span, "the pulse length of decoupling", |e| Ok(instrument::decoupling(e, p, &mut vec![])?.pulse))?;
        let phases = self.same_phases(p.phase.span(), |e| instrument::phases_of_pulse(e, p))?;
        Ok(Decoupling { channel, sequence: first.sequence, pulse, strength, phases })
    }
}
