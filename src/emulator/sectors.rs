//! Symmetry sectors: the invariant subspace of a run, and its conserved quantities.
//!
//! The space of a run is the subspace that the prepared state can reach under all operators acting on it (see [`Space`]). Equivalent spins
//! are detected by exchanging them in every operator and in the state.

use super::estimate;
use crate::hamiltonian::{Fault, Prepared, Scalar, Schedule, Step};
use crate::linalg::{C64, real};
use crate::spin::{Basis, Columns, Operator, SiteKind, Space};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Systems with at most this many states use the whole space: a reduction would save nothing.
const SMALL: f64 = 8.0;

/// Above this number of spins, equivalent spins are not searched for.
const MOST_SPINS: usize = 64;

/// Above this number of amplitudes of the state, equivalent spins are not searched for.
const MOST_AMPLITUDES: usize = 4096;

/// Every operator that can change the state. Constant terms of one Hamiltonian are summed, since terms that cancel have no effect.
pub fn movers(steps: &[Step]) -> Vec<Operator> {
    let mut out = Vec::new();
    for step in steps {
        match step {
            Step::Segment(segment) => {
                let mut constant: Option<Operator> = None;
                for (c, operator) in segment.terms() {
                    match c {
                        Scalar::Constant(c) => {
                            let scaled = (**operator).clone().times_number(real(*c));
                            constant = Some(match constant {
                                Some(sum) => sum.plus(scaled),
                                None => scaled,
                            });
                        }
                        Scalar::Varying(_) => out.push((**operator).clone()),
                    }
                }
                out.extend(constant);
                for c in &segment.relaxing.collapse {
                    out.push(c.adjoint().times(c));
                    out.push(c.clone());
                }
                for changing in &segment.relaxing.changing {
                    let c = &changing.operator;
                    out.extend([c.adjoint().times(c), c.clone()]);
                }
                out.extend(segment.relaxing.order.iter().flat_map(|o| [o.hamiltonian.clone(), o.lost.clone()]));
            }
            // The transient of a shape that begins or ends at zero amplitude has no effect.
            Step::Kick(kick) if kick.angle.constant() == Some(0.0) => {}
            Step::Kick(kick) => out.push(kick.generator()),
            Step::Dephase(operator, _) => out.push(operator.clone()),
            Step::Acquire(acquire) => out.extend(movers(&[Step::Segment(acquire.segment.clone())])),
            Step::Reset(reset) => out.extend(reset.moves.iter().cloned()),
            Step::Project(project) => {
                for (projector, steps) in &project.branches {
                    out.push(projector.clone());
                    out.extend(movers(steps));
                }
            }
            Step::Feedback(feedback) => {
                out.extend(feedback.driven().into_iter().flat_map(|step| movers(std::slice::from_ref(step))));
            }
            Step::Loop(_, body) => out.extend(movers(body)),
            Step::Strobe(strobe) => strobe.runs.iter().for_each(|(_, body)| out.extend(movers(body))),
            Step::Crush(_) | Step::Mark(_) | Step::Tomography(_) => {}
        }
    }
    out
}

/// The invariant subspace that contains a prepared state.
///
/// # Errors
/// If it does not fit into the allowed memory.
pub fn space(schedule: &Schedule, prepared: &Prepared, allowed: f64) -> Result<Space, Fault> {
    space_under(&movers(&schedule.steps), schedule, prepared, allowed)
}

/// The same for other operators `movers`.
///
/// # Errors
/// Those of [`space`].
pub fn space_under(
    movers: &[Operator],
    schedule: &Schedule,
    prepared: &Prepared,
    allowed: f64,
) -> Result<Space, Fault> {
    let basis = schedule.basis.clone();
    // With a truncated mode it matters which states are reached.
    if basis.size() <= SMALL && basis.sites.iter().all(crate::spin::Site::has_spin) {
        return Ok(Space::whole(basis));
    }
    let pure = prepared.is_pure() && schedule.is_unitary();
    let most = estimate::most_states(pure, allowed);
    let reached = format!(", more than {most} of which are reachable");
    let too_large = || estimate::too_large(schedule, pure, &reached, "more memory", allowed);
    // Larger indices are not exactly representable as floats.
    if basis.size() > 9e15 {
        return Err(too_large());
    }
    let groups = if pure { exchangeable(&basis, movers, &prepared.amplitudes()) } else { vec![] };
    if groups.is_empty() && nothing_is_kept(&basis, movers) {
        if basis.size() > most as f64 {
            let e = estimate::bytes_text(bytes(schedule, pure));
            return Err(estimate::too_large(schedule, pure, "", &format!("about {e}"), allowed));
        }
        return Ok(Space::whole(basis));
    }
    let seeds = prepared.support(most).ok_or_else(too_large)?;
    Space::reached(basis, &seeds, movers, groups, most).map_err(|_| too_large())
}

/// The whole product space, if it fits.
///
/// # Errors
/// If it does not.
pub fn whole(schedule: &Schedule, allowed: f64) -> Result<Space, Fault> {
    if schedule.basis.size() > estimate::most_states(false, allowed) as f64 {
        let e = estimate::bytes_text(bytes(schedule, false));
        return Err(estimate::too_large(schedule, false, "", &format!("about {e}"), allowed));
    }
    Ok(Space::whole(schedule.basis.clone()))
}

fn bytes(schedule: &Schedule, pure: bool) -> f64 {
    let d = schedule.basis.size();
    if pure { 12.0 * 16.0 * d } else { 14.0 * 16.0 * d * d }
}

/// True if every site has a single-site term that connects all its states; the whole space is then reachable. Avoids the search
/// when a pulse rotates every spin.
fn nothing_is_kept(basis: &Basis, movers: &[Operator]) -> bool {
    let turned: HashSet<usize> = movers.iter().flat_map(Operator::turned_alone).collect();
    (0..basis.sites.len()).all(|site| turned.contains(&site))
}

/// Groups of spins that can be exchanged without changing any operator or the state.
fn exchangeable(basis: &Basis, movers: &[Operator], amplitudes: &[(usize, C64)]) -> Vec<Vec<usize>> {
    let spins: Vec<usize> = (0..basis.sites.len()).filter(|&s| basis.site(s).kind == SiteKind::Spin).collect();
    if spins.len() > MOST_SPINS || amplitudes.len() > MOST_AMPLITUDES {
        return vec![];
    }
    let known: HashMap<usize, C64> = amplitudes.iter().copied().collect();
    let exchange = |a: usize, b: usize| -> bool {
        let (x, y) = (basis.site(a), basis.site(b));
        if x.dimension != y.dimension || x.isotope.map(|i| i.symbol) != y.isotope.map(|i| i.symbol) {
            return false;
        }
        let unchanged = amplitudes.iter().all(|&(state, amplitude)| {
            let mut digits = basis.digits(state);
            digits.swap(a, b);
            known.get(&basis.index(&digits)).is_some_and(|x| (x - amplitude).norm() <= 1e-14)
        });
        unchanged && movers.iter().all(|o| o.is_same(&o.exchanged(a, b)))
    };
    // Exchanges with the first member generate all permutations of a group, so a spin joins the first group whose first member it matches.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for spin in spins {
        match groups.iter_mut().find(|g| g.first().is_some_and(|first| exchange(*first, spin))) {
            Some(group) => group.push(spin),
            None => groups.push(vec![spin]),
        }
    }
    groups.retain(|g| g.len() > 1);
    groups
}

/// The conserved quantities of a schedule, in words.
#[expect(clippy::indexing_slicing, reason = "a state has one digit per subsystem")]
pub fn conserved(schedule: &Schedule, space: &Space) -> Vec<String> {
    let basis = &schedule.basis;
    let movers = movers(&schedule.steps);
    let mut out = Vec::new();
    for group in space.groups() {
        let names: Vec<&str> = group.iter().map(|&s| basis.site(s).name.as_str()).collect();
        out.push(format!("every exchange of {}", names.join(", ")));
    }
    let modes = basis.sites.iter().any(|s| !s.has_spin());
    let whole = if modes { "the number of excitations" } else { "the total Iz" };
    match steps_of(basis, &movers, space, excitations) {
        Some(0) => out.push(whole.to_string()),
        Some(step) if step % 2 == 0 => {
            out.push(format!("the parity of {}", if modes { "the excitations" } else { "Iz" }))
        }
        _ => {}
    }
    for (k, site) in basis.sites.iter().enumerate() {
        let digit = |basis: &Basis, state: usize| basis.digits(state)[k] as i64;
        if basis.sites.len() > 1 && steps_of(basis, &movers, space, digit) == Some(0) {
            out.push(format!("{}({})", if site.has_spin() { "Iz" } else { "number" }, site.name));
        }
    }
    out
}

/// Number of excitations: spins up plus quanta of modes.
fn excitations(basis: &Basis, state: usize) -> i64 {
    let digits = basis.digits(state);
    basis
        .sites
        .iter()
        .zip(digits)
        .map(|(s, d)| {
            if s.has_spin() {
                (s.twice_m(d) + s.multiplets().first().map_or(0, |m| i64::from(m.twice_j))) / 2
            } else {
                d as i64
            }
        })
        .sum()
}

/// The amount by which the operators change a quantity: the greatest common divisor of all changes, 0 if it is conserved. `None` if the
/// space is too large to check.
fn steps_of(
    basis: &Arc<Basis>,
    movers: &[Operator],
    space: &Space,
    quantity: impl Fn(&Basis, usize) -> i64,
) -> Option<i64> {
    const MOST: usize = 4096;
    let stride = space.len().div_ceil(MOST);
    let mut divisor = 0i64;
    let mut digits = Vec::new();
    let mut column = Vec::new();
    for operator in movers {
        let columns = Columns::of(operator);
        for k in (0..space.len()).step_by(stride) {
            let state = space.state(k);
            let before = quantity(basis, state);
            columns.column(state, &mut digits, &mut column);
            for &(row, _) in &column {
                divisor = greatest_common_divisor(divisor, (quantity(basis, row) - before).abs());
                if divisor == 1 {
                    return Some(1);
                }
            }
        }
    }
    Some(divisor)
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
