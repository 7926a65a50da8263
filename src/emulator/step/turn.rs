//! Subsystems that move each by itself: `U = u_1 x u_2 x ...`.
//!
//! A hard pulse is one turn of each spin. Its matrix on N states would cost N^3 to use; turning one spin after the other costs N^2 a
//! spin.

use super::exact::EXACT;
use super::{StepError, Stepper};
use crate::emulator::generator::{Generator, deviation};
use crate::emulator::kept;
use crate::linalg::{C64, Matrix};
use crate::spin::State;

/// The local unitaries of a time.
struct Turned {
    /// How far apart two neighbouring states of the subsystem lie.
    stride: usize,
    unitary: Matrix,
}

/// `rho -> U rho U^dagger` and `psi -> U psi`, one subsystem after the other.
pub struct Turns {
    dimensions: Vec<usize>,
    locals: Vec<(usize, Matrix)>,
    last: Option<(f64, Vec<Turned>)>,
}

impl Turns {
    /// From a constant generator without dissipators on the whole product space; `None` where a term acts on two subsystems.
    pub fn new(generator: &Generator) -> Option<Turns> {
        let (dimensions, locals) = generator.locals()?;
        Some(Turns { dimensions, locals, last: None })
    }

    fn unitaries(&mut self, t: f64) -> Result<&[Turned], StepError> {
        if self.last.as_ref().is_none_or(|(known, _)| *known != t) {
            let turned = self
                .locals
                .iter()
                .map(|(site, h)| {
                    let stride = self.dimensions[site + 1..].iter().product();
                    Ok(Turned { stride, unitary: kept::eigen(h)?.propagator(t) })
                })
                .collect::<Result<_, StepError>>()?;
            self.last = Some((t, turned));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, turned)| turned))
    }
}

/// `x -> conj(u) x` on the columns of a matrix, which is `m -> m u^dagger`; `length` is that of a column.
fn columns(m: &mut [C64], length: usize, turned: &Turned) {
    let (d, span) = (turned.unitary.nrows(), turned.stride * length);
    let u = turned.unitary.map(|x| x.conj());
    if d == 2 {
        let [a, b, c, e] = [u[(0, 0)], u[(0, 1)], u[(1, 0)], u[(1, 1)]];
        // The loop is compiled once for every width of vectors, and the widest that the processor has is taken.
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for block in m.chunks_exact_mut(2 * span) {
                    let (upper, lower) = block.split_at_mut(span);
                    for (x, y) in upper.iter_mut().zip(lower) {
                        (*x, *y) = (a * *x + b * *y, c * *x + e * *y);
                    }
                }
            },
        );
        return;
    }
    let mut before = vec![C64::default(); d];
    for block in m.chunks_exact_mut(d * span) {
        for k in 0..span {
            (0..d).for_each(|i| before[i] = block[i * span + k]);
            for i in 0..d {
                block[i * span + k] = (0..d).map(|j| u[(i, j)] * before[j]).sum();
            }
        }
    }
}

impl Stepper for Turns {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let turned = self.unitaries(to - from)?;
        Ok(match state {
            State::Pure(psi) => {
                // A vector is a matrix of one row: `conj(u)` of its conjugate is the conjugate of `u psi`.
                let mut moved = psi.map(|x| x.conj());
                turned.iter().for_each(|t| columns(moved.as_mut_slice(), 1, t));
                State::Pure(moved.map(|x| x.conj()))
            }
            State::Mixed(rho) => State::Mixed(deviation(rho, |d| {
                // `d U^dagger`, its adjoint `U d`, and that times `U^dagger` again.
                let n = d.nrows();
                let mut moved = d.clone();
                turned.iter().for_each(|t| columns(moved.as_mut_slice(), n, t));
                let mut moved = moved.adjoint();
                turned.iter().for_each(|t| columns(moved.as_mut_slice(), n, t));
                moved
            })),
        })
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        EXACT
    }
}
