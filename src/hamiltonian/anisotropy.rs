//! What a single spin feels of its surroundings' shape, first order.
//!
//! Chemical shift anisotropy: `-gamma B0 delta(n) Iz`, where delta(n) is the component along the field of the traceless part of
//! the shift tensor; its largest component `delta = delta_zz - delta_iso`, and `eta = (delta_yy - delta_xx)/delta` (Haeberlen).
//! Quadrupolar coupling of a spin I > 1/2: `2 pi C / (4 I (2I - 1)) v(n) (3 Iz^2 - I(I + 1))`, where C = e^2 q Q / h and v is
//! the component along the field of the tensor of the field gradient over its largest component.

use super::interaction::{Size, Term};
use super::orientation::tensor;
use super::value::{Evaluator, Fault};
use super::zeeman;
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::real;
use crate::spin::{LocalKind, Operator};
use crate::units::{TWO_PI, UnitSystem};

/// The shift anisotropies, rad/s.
pub fn shielding(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for csa in &e.experiment.system.csa {
        let span = csa.place.span();
        let Some(field) = zeeman::field(e)? else { return Err(zeeman::missing_field("a shift anisotropy", span)) };
        for index in e.range(csa.each.as_ref())? {
            let site = e.site(&csa.site, index)?;
            let (Some(isotope), Some(iz)) = (e.basis.site(site).isotope, Operator::of(&e.basis, LocalKind::Iz, site))
            else {
                let message = format!("`{}` is no nucleus, so it has no chemical shift", e.basis.site(site).name);
                return Err(Diagnostic::new(Code::WrongOperator, span, message).into());
            };
            let t = tensor(e, e.number_at(&csa.size, index)?, csa.eta.as_ref(), csa.axes.as_ref(), index)?;
            let size = Size::Tensor(t.map(|row| row.map(|x| -isotope.gamma * field * x)));
            terms.push(Term { size, operator: iz });
        }
    }
    Ok(terms)
}

/// The quadrupolar couplings, rad/s.
pub fn quadrupole(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let two_pi = if e.scope.units == UnitSystem::Lab { TWO_PI } else { 1.0 };
    let mut terms = Vec::new();
    for q in &e.experiment.system.quadrupole {
        let span = q.place.span();
        for index in e.range(q.each.as_ref())? {
            let site = e.site(&q.site, index)?;
            let iz = Operator::of(&e.basis, LocalKind::Iz, site).filter(|_| e.basis.site(site).dimension > 2);
            let Some(iz) = iz else {
                let message = format!("`{}` is no spin above 1/2, so it has no quadrupole", e.basis.site(site).name);
                return Err(Diagnostic::new(Code::WrongOperator, span, message).into());
            };
            let spin = (e.basis.site(site).dimension - 1) as f64 / 2.0;
            let scale = two_pi * e.number_at(&q.size, index)? / (4.0 * spin * (2.0 * spin - 1.0));
            let t = tensor(e, scale, q.eta.as_ref(), q.axes.as_ref(), index)?;
            let square = iz.times(&iz).times_number(real(3.0));
            let splitting = square.plus(Operator::identity(&e.basis, real(-spin * (spin + 1.0))));
            terms.push(Term { size: Size::Tensor(t), operator: splitting });
        }
    }
    Ok(terms)
}
