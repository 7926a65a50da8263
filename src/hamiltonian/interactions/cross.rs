//! The second-order cross term of a quadrupolar and a dipolar coupling, secular in high field.
//!
//! A spin S with the quadrupolar coupling `K sum V_ij S_i S_j`, `K = 2 pi C / (2 S (2S - 1))`, has a dipolar coupling `sum T_ij I_i S_j` with
//! a spin I of another species. Their parts that change m_S by 1 and leave m_I are `A = (K/2) (V_xz - i V_yz) {S+, Sz}` and
//! `B = (1/2) (T_zx - i T_zy) Iz S+`. With the Zeeman term `w Sz`, `w = -gamma_S B0`, the second order of A + B contains
//! `([A, B^+] + [B, A^+]) / w`. With `[{S+, Sz}, S-] = 2 (3 Sz^2 - S(S+1))` this is
//!
//! `(K/w) (V_xz T_xz + V_yz T_yz) Iz (3 Sz^2 - S(S+1))`,
//!
//! and with n the direction of the field `V_xz T_xz + V_yz T_yz = n.V.T.n - (n.V.n)(n.T.n)`. Its average over the sphere, and so under
//! fast MAS, is `Tr[V T]/5`: the residual dipolar splitting (A. C. Olivieri, J. Magn. Reson. 81, 201 (1989)). It belongs to a quadrupolar
//! coupling with `order 2`. Neglected are cross terms of like spins and of other interactions.

use super::super::orientation::{Matrix3, product, tensor};
use super::super::value::{Evaluator, Fault};
use super::term::{Size, Term, declared};
use super::{couplings, second_order, zeeman};
use crate::ir::{Clause, InteractionKind};
use crate::linalg::real;
use crate::spin::{LocalKind, Operator};
use crate::units::angular_factor;

/// The cross terms of the quadrupolar couplings to second order, rad/s.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn quadrupole_dipole(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    let mut pairs = None;
    for q in declared(e, InteractionKind::Quadrupole)? {
        if !second_order::is_asked(e, &q)? {
            continue;
        }
        let site = q.site()?;
        // The second order itself reports a missing field, and a spin that is not a nucleus.
        let (Some(field), Some(isotope)) = (zeeman::field(e)?.filter(|b| *b != 0.0), e.basis.site(site).isotope) else {
            continue;
        };
        let spin = (e.basis.site(site).dimension - 1) as f64 / 2.0;
        let k = angular_factor(e.scope.units) * q.size / (2.0 * spin * (2.0 * spin - 1.0));
        let v = tensor(e, 1.0, q.clause(Clause::Eta), q.clause(Clause::Axes), q.index)?;
        if pairs.is_none() {
            pairs = Some(couplings::tensors(e)?);
        }
        for (a, b, axial) in pairs.iter().flatten() {
            let other = match (*a == site, *b == site) {
                (true, false) => *b,
                (false, true) => *a,
                _ => continue,
            };
            if couplings::like(e, site, other) {
                continue;
            }
            let of = |kind, site| Operator::of(&e.basis, kind, site);
            let (Some(sz), Some(iz)) = (of(LocalKind::Iz, site), of(LocalKind::Iz, other)) else { continue };
            let level = Operator::identity(&e.basis, real(-spin * (spin + 1.0)));
            let operator = iz.times(&sz.times(&sz).times_number(real(3.0)).plus(level));
            // `axial` is the coupling d along its direction, and T = 2 d.
            let t = axial.map(|row| row.map(|x| 2.0 * x));
            let scale = k / (-isotope.gamma * field);
            // n.V.T.n is that of the symmetric part, half of V.T + T.V, as what follows takes every tensor for symmetric.
            let (vt, tv) = (product(&v, &t), product(&t, &v));
            let both: Matrix3 =
                std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * scale * (at(&vt, i, j) + at(&tv, i, j))));
            terms.push(Term { size: Size::Tensor(both), operator: operator.clone() });
            terms.push(Term { size: Size::Product(-scale, v, t), operator });
        }
    }
    Ok(terms)
}

fn at(m: &Matrix3, i: usize, j: usize) -> f64 {
    m.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0)
}
