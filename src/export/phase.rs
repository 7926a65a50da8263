//! The phases of a program as a console counts them.

use super::program::{Program, StepKind};
use crate::spin::{is_mirrored, mirrored};
use std::sync::Arc;

/// Whether a shape that is sent on a nucleus has phases that a console counts the other way.
pub fn is_shape_mirrored(nucleus: &str, steps: &[(f64, f64)]) -> bool {
    is_mirrored(nucleus) && steps.iter().any(|(a, phase)| *a != 0.0 && phase.sin().abs() > 1e-12)
}

/// The phases of all pulses, shapes and receivers as a console has them.
pub fn to_console(program: &mut Program) {
    let nuclei: Vec<String> = program.channels.iter().map(|c| c.nucleus.clone()).collect();
    let of = |channel: usize, phase: f64| nuclei.get(channel).map_or(phase, |nucleus| mirrored(nucleus, phase));
    program.each_mut(&mut |step| match &mut step.kind {
        StepKind::Pulses(_, pulses) => {
            for pulse in pulses {
                let channel = pulse.channel;
                pulse.phases.iter_mut().for_each(|phase| *phase = of(channel, *phase));
                if let Some(shape) = &mut pulse.shape {
                    *shape = shape.iter().map(|(a, phase)| (*a, of(channel, *phase))).collect::<Arc<[_]>>();
                }
            }
        }
        StepKind::Acquire(acquire) => {
            let channel = acquire.channel;
            acquire.phases.iter_mut().for_each(|phase| *phase = of(channel, *phase));
        }
        StepKind::Decouple(decoupling) => {
            let channel = decoupling.channel;
            decoupling.phases.iter_mut().for_each(|phase| *phase = of(channel, *phase));
        }
        StepKind::EndDecoupling(_) => {}
        StepKind::Delay(..) | StepKind::Gradient(_) | StepKind::Loop(..) | StepKind::Mark(_) => {}
    });
}
