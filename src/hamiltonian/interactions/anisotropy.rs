//! Orientation-dependent interactions of single spins: to first order, or the whole of them in the laboratory frame.
//!
//! Chemical shift anisotropy: `-gamma B0 delta(n) Iz`, where delta(n) is the component along the field of the traceless part of
//! the shift tensor; its largest component is `delta = delta_zz - delta_iso`, and `eta = (delta_yy - delta_xx)/delta` (Haeberlen).
//! Quadrupolar coupling of a spin I > 1/2: `2 pi C / (4 I (2I - 1)) v(n) (3 Iz^2 - I(I + 1))`, where C = e^2 q Q / h and v is
//! the component along the field of the electric field gradient tensor divided by its largest component.

use super::super::orientation::tensor;
use super::super::value::{Evaluator, Fault};
use super::frames::{self, in_laboratory};
use super::term::{Size, Term, declared};
use super::zeeman;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Clause, InteractionKind};
use crate::linalg::real;
use crate::spin::{LocalKind, Operator};
use crate::units::angular_factor;

/// The shift anisotropies, rad/s.
pub fn shielding(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for csa in declared(e, InteractionKind::Csa)? {
        let Some(field) = zeeman::field(e)? else {
            return Err(zeeman::missing_field("a shift anisotropy", csa.span()));
        };
        let site = csa.site()?;
        let (Some(isotope), Some(iz)) = (e.basis.site(site).isotope, Operator::of(&e.basis, LocalKind::Iz, site))
        else {
            let message = format!("`{}` is not a nucleus, so it has no chemical shift", e.basis.site(site).name);
            return Err(Diagnostic::new(Code::WrongOperator, csa.span(), message).into());
        };
        let t = tensor(e, csa.size, csa.clause(Clause::Eta), csa.clause(Clause::Axes), csa.index)?;
        let tensor = t.map(|row| row.map(|x| -isotope.gamma * field * x));
        if in_laboratory(e, site) {
            terms.extend(frames::linear(e, &tensor, site));
        } else {
            terms.push(Term { size: Size::Tensor(tensor), operator: iz });
        }
    }
    Ok(terms)
}

/// The quadrupolar couplings, rad/s.
pub fn quadrupole(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for q in declared(e, InteractionKind::Quadrupole)? {
        let site = q.site()?;
        let iz = Operator::of(&e.basis, LocalKind::Iz, site).filter(|_| e.basis.site(site).dimension > 2);
        let Some(iz) = iz else {
            let message =
                format!("`{}` is not a spin above 1/2, so it has no quadrupole moment", e.basis.site(site).name);
            return Err(Diagnostic::new(Code::WrongOperator, q.span(), message).into());
        };
        let spin = (e.basis.site(site).dimension - 1) as f64 / 2.0;
        let scale = angular_factor(e.scope.units) * q.size / (4.0 * spin * (2.0 * spin - 1.0));
        let t = tensor(e, scale, q.clause(Clause::Eta), q.clause(Clause::Axes), q.index)?;
        if in_laboratory(e, site) {
            terms.extend(frames::quadratic(e, &t.map(|row| row.map(|x| 2.0 * x)), site));
            continue;
        }
        let square = iz.times(&iz).times_number(real(3.0));
        let splitting = square.plus(Operator::identity(&e.basis, real(-spin * (spin + 1.0))));
        terms.push(Term { size: Size::Tensor(t), operator: splitting });
    }
    Ok(terms)
}
