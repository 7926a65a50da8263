//! Quadrupolar couplings in second-order perturbation theory, secular in high field.
//!
//! With V the electric field gradient tensor divided by its largest component, in the frame of the field, and
//! `K = 2 pi C / (2 I (2I - 1))`, the coupling is `K sum V_ij I_i I_j`. Its parts that change m by 1 and 2 are
//! `A1 = (K/2) (V_xz - i V_yz) {I+, Iz}` and `A2 = (K/4) (V_xx - V_yy - 2i V_xy) I+^2`. With the Zeeman term `w Iz`, `w = -gamma B0`, they
//! contribute `([A1, A1^+] + [A2, A2^+]/2) / w`:
//!
//! * `(K^2/4w) (V_xz^2 + V_yz^2) [{I+, Iz}, {I-, Iz}]`,
//! * `(K^2/32w) ((V_xx - V_yy)^2 + 4 V_xy^2) [I+^2, I-^2]`.
//!
//! With n the direction of the field, `a = n.V.n` and `b = n.V^2.n`, the squares are `b - a^2` and `2 Tr[V^2] - 4 b + a^2`. (A.
//! Samoson, E. Kundla, E. Lippmaa, J. Magn. Reson. 49, 350 (1982), give them as spherical harmonics.) Neglected are the third order,
//! smaller by about C/nu, and second-order cross terms, except those with dipolar
//! couplings ([`super::cross`]).

use super::super::orientation::{Matrix3, square, tensor};
use super::super::value::{Evaluator, Fault};
use super::frames::in_laboratory;
use super::term::{Declared, Size, Term, declared};
use super::zeeman;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Clause, InteractionKind};
use crate::linalg::real;
use crate::spin::{LocalKind, Operator};
use crate::units::angular_factor;

/// True if a quadrupolar coupling is computed to second order.
///
/// # Errors
/// If its order is neither 1 nor 2.
pub fn is_asked(e: &Evaluator, q: &Declared) -> Result<bool, Fault> {
    let Some(order) = q.clause(Clause::Order) else { return Ok(false) };
    match e.number_at(order, q.index)? {
        1.0 => Ok(false),
        2.0 => Ok(true),
        x => Err(Diagnostic::new(Code::OutOfRange, order.span(), format!("the order must be 1 or 2, this is {x}"))
            .help("`frame lab` keeps the full Hamiltonian of a species")
            .into()),
    }
}

/// The error for a second order in the laboratory frame.
pub fn is_exact(d: &Declared) -> Fault {
    Diagnostic::new(
        Code::Contradiction,
        d.span(),
        "in the laboratory frame the whole coupling acts, not its second order",
    )
    .label("`order 2`")
    .help("leave `order 2` out")
    .into()
}

/// The second-order contribution, rad/s.
pub fn quadrupole(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for q in declared(e, InteractionKind::Quadrupole)? {
        if !is_asked(e, &q)? {
            continue;
        }
        let site = q.site()?;
        let own = e.basis.site(site);
        let what = "the second order of a quadrupolar coupling";
        let field = zeeman::field(e)?.filter(|field| *field != 0.0);
        let Some(field) = field else { return Err(zeeman::missing_field(what, q.span())) };
        let Some(isotope) = own.isotope else {
            let message = format!("`{}` is not a nucleus, so it has no Larmor frequency", own.name);
            return Err(Diagnostic::new(Code::WrongOperator, q.span(), message).into());
        };
        let spin = (own.dimension - 1) as f64 / 2.0;
        if in_laboratory(e, site) {
            return Err(is_exact(&q));
        }
        let k = angular_factor(e.scope.units) * q.size / (2.0 * spin * (2.0 * spin - 1.0));
        let v = tensor(e, k, q.clause(Clause::Eta), q.clause(Clause::Axes), q.index)?;
        terms.extend(self::terms(e, site, &v, -isotope.gamma * field));
    }
    Ok(terms)
}

/// The second order of `sum V_ij I_i I_j`, with a traceless tensor V in the crystal frame and the Zeeman term `larmor Iz`, all in rad/s:
/// the formulas above with K = 1.
pub fn terms(e: &Evaluator, site: usize, v: &Matrix3, larmor: f64) -> Vec<Term> {
    let of = |kind| Operator::of(&e.basis, kind, site);
    let (Some(iz), Some(plus), Some(minus)) = (of(LocalKind::Iz), of(LocalKind::Ip), of(LocalKind::Im)) else {
        return vec![];
    };
    let v2 = square(v);
    let trace: f64 = (0..3).filter_map(|i| v2.get(i)?.get(i)).sum();
    let scaled = |factor: f64| v2.map(|row| row.map(|x| factor * x));
    let anticommutator = |i: &Operator| i.times(&iz).plus(iz.times(i));
    let single = commutator(&anticommutator(&plus), &anticommutator(&minus)).times_number(real(0.25 / larmor));
    let double = commutator(&plus.times(&plus), &minus.times(&minus)).times_number(real(0.03125 / larmor));
    vec![
        Term { size: Size::Tensor(v2), operator: single.clone() },
        Term { size: Size::Square(-1.0, *v), operator: single },
        Term { size: Size::Isotropic(2.0 * trace), operator: double.clone() },
        Term { size: Size::Tensor(scaled(-4.0)), operator: double.clone() },
        Term { size: Size::Square(1.0, *v), operator: double },
    ]
}

/// `a b - b a`.
fn commutator(a: &Operator, b: &Operator) -> Operator {
    a.times(b).plus(b.times(a).times_number(real(-1.0)))
}
