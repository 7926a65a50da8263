//! Projective measurements with what follows each outcome.

use super::builder::Builder;
use super::loops::refuse_meeting_points;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use crate::hamiltonian::centres::{Repetition, has_centres};
use crate::hamiltonian::schedule::{Project, duration};
use crate::hamiltonian::value::Evaluator;
use crate::ir::{Axis, Event};
use crate::linalg::real;
use crate::source::Place;
use crate::spin::{LocalKind, Operator, SiteKind};
use crate::syntax::{Expr, number_text};

/// The probability of a wrong record.
fn error_of(e: &Evaluator, error: Option<&Expr>) -> Result<f64, Fault> {
    let Some(expr) = error else { return Ok(0.0) };
    let value = e.number(expr)?;
    if !(0.0..=1.0).contains(&value) {
        let message =
            format!("the probability of a wrong record must lie between 0 and 1, this is {}", number_text(value));
        return Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).label("not a probability").into());
    }
    Ok(value)
}

/// Durations of branches that differ by less than this fraction are equal.
const SAME_TIME: f64 = 1e-12;

impl<'a> Builder<'a, '_> {
    /// Measures the component of a spin 1/2 along an axis: `P = 1/2 +- I_axis`, followed by the branches of the recorded outcomes up and
    /// down.
    pub(super) fn project(
        &mut self,
        (site, axis): (&Expr, Axis),
        error: Option<&Expr>,
        branches: [&'a [Event]; 2],
        place: Place,
    ) -> Result<Project, Fault> {
        if self.e.spectrometer.is_some() {
            let message = "a spectrometer cannot choose what follows by the outcome of a measurement on every molecule";
            return Err(Diagnostic::new(Code::HardwareLimit, place.span(), message)
                .label("projective measurement")
                .help("leave `--spectrometer` out to emulate it")
                .into());
        }
        let k = self.e.site(site, None)?;
        let measured = self.e.basis.site(k);
        let kind = match axis {
            Axis::X => LocalKind::Ix,
            Axis::Y => LocalKind::Iy,
            Axis::Z => LocalKind::Iz,
        };
        let component =
            Operator::of(&self.e.basis, kind, k).filter(|_| measured.kind == SiteKind::Spin && measured.dimension == 2);
        let Some(component) = component else {
            let message = format!("`{}` is not a spin 1/2, and `project` measures one", measured.name);
            return Err(Diagnostic::new(Code::WrongOperator, site.span(), message)
                .label("not a spin 1/2")
                .help("`dephase` removes the coherences that a measurement of any other operator would")
                .into());
        };
        let error = error_of(self.e, error)?;
        let start = self.clock;
        let mut found = Vec::with_capacity(branches.len());
        for (body, sign) in branches.into_iter().zip([1.0, -1.0]) {
            if let Some(event) = body.iter().find(|event| has_centres(event)) {
                let message = "a delay between centres cannot be in a branch of `project`";
                return Err(Diagnostic::new(Code::Contradiction, event.place.span(), message)
                    .label("in a branch")
                    .help("write the delay without `between centres`; `length(1H, 90 deg)` is the length of a pulse")
                    .into());
            }
            self.clock = start;
            let mut steps = Vec::new();
            self.position.enter(body, Repetition::ONLY);
            self.events(body, &mut steps)?;
            self.position.leave();
            refuse_meeting_points(&steps, place.span())?;
            let half = Operator::identity(&self.e.basis, real(0.5));
            found.push((half.plus(component.clone().times_number(real(sign))), steps));
        }
        self.clock = start;
        let times: Vec<f64> = found.iter().map(|(_, steps)| duration(steps)).collect();
        if let [up, down] = times.as_slice()
            && (up - down).abs() > SAME_TIME * up.abs().max(down.abs())
        {
            let message = format!(
                "the branches of this `project` take different times, up {} and down {}",
                number_text(*up + 0.0),
                number_text(*down + 0.0)
            );
            return Err(Diagnostic::new(Code::Contradiction, place.span(), message)
                .label("the branches end at different times")
                .help("add a `delay` to the shorter branch")
                .into());
        }
        Ok(Project { branches: found, error, place })
    }
}
