//! How a sequence ends: by the pulses of a readout, or by what is received where the file receives nothing.

use super::super::program::{Acquire, PerRow, Pulse, Purpose, Step, StepKind};
use super::readout::Readout;
use super::refused;
use super::walk::Walk;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use crate::ir::Align;
use crate::source::Span;
use crate::tomography::plan::{DELAY, LETTERS};

impl Walk<'_> {
    /// The steps with what ends the sequence.
    pub(super) fn ended(&mut self, mut steps: Vec<Step>) -> Vec<Step> {
        let last = self.experiment.sequence.last().map(|e| e.place.span()).unwrap_or_default();
        if let Some(readout) = self.wanted.readout {
            match steps_of(self, readout, last) {
                Ok(more) => steps.extend(more),
                Err(fault) => self.said.push(*fault),
            }
        } else if self.received.is_none() && !self.channels.is_empty() {
            let message = "the program has no `acquire`, so the console acquires after the last statement";
            self.said.push(
                Diagnostic::new(Code::ExportedOtherwise, last, message)
                    .label("the console acquires a signal after this")
                    .help("add an acquisition: `acquire 1H points 1024 dwell 10 us`"),
            );
            steps.push(Step {
                kind: StepKind::Acquire(Acquire { channel: 0, points: None, phases: vec![0.0] }),
                span: last,
            });
        }
        let sends = |step: &Step| matches!(step.kind, StepKind::Pulses(..) | StepKind::Loop(..) | StepKind::Acquire(_));
        if !steps.iter().any(sends) && !self.said.iter().any(Diagnostic::is_error) {
            self.said.push(refused::nothing(last));
        }
        steps
    }
}

/// The pulses and the acquisition of a readout.
fn steps_of(walk: &mut Walk, readout: &Readout, span: Span) -> Result<Vec<Step>, Fault> {
    let mut out = Vec::new();
    for part in readout.word.split('-') {
        if part == DELAY {
            let time = PerRow::Same(readout.delay.unwrap_or(0.0));
            out.push(Step { kind: StepKind::Delay(time, Purpose::Written), span });
            continue;
        }
        let mut pulses = Vec::new();
        for (letter, nucleus) in part.chars().zip(&readout.nuclei) {
            let found = LETTERS.iter().find(|(c, ..)| *c == letter);
            let Some((_, angle, phase, _)) = found.filter(|(_, angle, ..)| *angle > 0.0) else { continue };
            pulses.push(Pulse {
                channel: walk.channel(nucleus)?,
                duration: PerRow::Same(0.0),
                angle: PerRow::Same(angle.to_radians()),
                strength: walk.strength_of_channel(nucleus)?,
                phases: vec![phase.to_radians()],
                shape: None,
                ideal: true,
                lock: false,
            });
        }
        if !pulses.is_empty() {
            // The pulses end together, where the signal begins.
            out.push(Step { kind: StepKind::Pulses(Align::End, pulses), span });
        }
    }
    let channel = walk.channel(&readout.nucleus)?;
    let acquire = Acquire { channel, points: readout.points, phases: vec![0.0] };
    out.push(Step { kind: StepKind::Acquire(acquire), span });
    Ok(out)
}
