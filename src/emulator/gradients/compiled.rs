//! A sequence up to a mark as its numbers: Hamiltonians or superoperators with their durations, and projections.

use super::super::generator::Generator;
use super::super::mesh::interior;
use super::super::projection::Projection;
use super::maps::{DualMatrix, DualTime, Map};
use super::nodes::Block;
use crate::hamiltonian::{Kick, Segment, Step, Term};
use crate::linalg::{C64, Matrix, real};
use crate::spin::{Operator, Space, Sparse};
use std::collections::HashMap;
use std::sync::Arc;

/// Largest dimension of states, and of states that relax: superoperators are dense.
pub(super) const MOST_STATES: usize = 64;
const MOST_RELAXING: usize = 8;

/// Largest number of parts, those of loops counted once, and of parts that are applied one after another.
const MOST_PARTS: usize = 5_000;
const MOST_APPLIED: u64 = 100_000;

/// Tolerance of the cells in which the coefficients of a varying Hamiltonian are resolved.
const CELLS: f64 = 1e-8;

/// A cell is divided until the change of H times its duration is below this: the error of the fourth-order method is of the order of the
/// square of it.
const SMALL: f64 = 5e-4;

/// A part of the sequence, with the index of its first block of numbers.
pub(super) enum Part {
    /// A Hamiltonian (rad/s) and a duration, or an angle and 1.
    Unitary(usize),
    /// A superoperator on stacked density matrices, and a duration.
    Relaxing(usize),
    /// The removal of part of the state.
    Projection(Projection),
    /// A loop.
    Repeated(u64, Vec<Part>),
}

/// The numbers of a sequence, in the order of its parts, and where they are used.
pub(super) struct Compiled {
    pub parts: Vec<Part>,
    pub blocks: Vec<Block>,
    /// Indices of the blocks that are operators of projections, which must not depend on a parameter.
    pub projections: Vec<usize>,
}

/// A share of a segment: from, to, and whether the Hamiltonian is constant in it.
type Share = (f64, f64, bool);

/// How the segments whose Hamiltonian varies are divided; the same at all nodes.
#[derive(Default)]
pub(super) struct Divisions {
    known: Vec<Vec<Share>>,
}

/// Why a sequence has no derivatives by its parameters.
pub(super) type Refused = String;

/// Operators expanded on the space, each once for all members.
pub(super) struct Operators<'s> {
    space: &'s Space,
    /// By their address, which their owner beside them keeps in use.
    known: HashMap<usize, (Arc<Operator>, Sparse)>,
}

impl<'s> Operators<'s> {
    pub fn of(space: &'s Space) -> Operators<'s> {
        Operators { space, known: HashMap::new() }
    }

    /// Adds a multiple of an operator to a matrix.
    fn add(&mut self, operator: &Arc<Operator>, factor: f64, to: &mut Matrix) {
        let address = Arc::as_ptr(operator).addr();
        let (_, sparse) =
            self.known.entry(address).or_insert_with(|| (operator.clone(), Sparse::of(operator, self.space)));
        sparse.visit(|row, column, x| {
            if let Some(element) = to.get_mut((row, column)) {
                *element += x * factor;
            }
        });
    }

    /// `sum c A`; `None` if a coefficient depends on time.
    fn sum<'t>(&mut self, terms: impl Iterator<Item = &'t Term>, values: &[f64]) -> Option<Matrix> {
        let n = self.space.len();
        let mut sum = Matrix::zeros(n, n);
        for (coefficient, operator) in terms {
            let c = coefficient.number(values)?;
            if c != 0.0 {
                self.add(operator, c, &mut sum);
            }
        }
        Some(sum)
    }
}

/// Compiles sequences.
pub(super) struct Compiler<'c, 's> {
    operators: &'c mut Operators<'s>,
    mark: Option<&'c str>,
    divisions: &'c mut Divisions,
    /// Values of the variables of the coefficients.
    values: &'c [f64],
    /// Index of the next segment that varies.
    next: usize,
    count: usize,
    blocks: Vec<Block>,
    projections: Vec<usize>,
}

impl<'c, 's> Compiler<'c, 's> {
    /// The sequence up to a mark, or all of it, with values of the variables of its coefficients. With known divisions they are used.
    ///
    /// # Errors
    /// If it contains something without a derivative.
    pub fn compile(
        operators: &'c mut Operators<'s>,
        mark: Option<&'c str>,
        divisions: &'c mut Divisions,
        (steps, values): (&[Step], &'c [f64]),
    ) -> Result<Compiled, Refused> {
        let (blocks, projections) = (vec![], vec![]);
        let mut compiler = Compiler { operators, mark, divisions, values, next: 0, count: 0, blocks, projections };
        let (parts, found) = compiler.steps(steps)?;
        match mark {
            Some(mark) if !found => Err(format!("the mark `{mark}` is inside a loop")),
            _ => Ok(Compiled { parts, blocks: compiler.blocks, projections: compiler.projections }),
        }
    }

    /// The parts, and whether the mark was found.
    fn steps(&mut self, steps: &[Step]) -> Result<(Vec<Part>, bool), Refused> {
        let mut parts = Vec::new();
        for step in steps {
            if self.count > MOST_PARTS {
                return Err(format!("the sequence has more than {MOST_PARTS} steps"));
            }
            match step {
                Step::Mark(name) => {
                    if self.mark == Some(name.as_str()) {
                        return Ok((parts, true));
                    }
                }
                Step::Segment(segment) => self.segment(segment, &mut parts)?,
                Step::Kick(kick) => self.kick(kick, &mut parts)?,
                Step::Acquire(acquire) => self.segment(&acquire.segment, &mut parts)?,
                Step::Loop(count, body) => self.repeated(*count, body, &mut parts)?,
                Step::Strobe(strobe) => {
                    for (count, body) in &strobe.runs {
                        self.repeated(*count, body, &mut parts)?;
                    }
                }
                Step::Crush(_) | Step::Dephase(..) => parts.push(self.projection(step)?),
                Step::Tomography(_) => {}
                Step::Reset(_) => return Err("a `reset` has no derivatives".into()),
                Step::Project(_) => return Err("a `project` has no derivatives".into()),
                Step::Feedback(_) => return Err("feedback has no derivatives".into()),
            }
        }
        Ok((parts, false))
    }

    fn repeated(&mut self, count: u64, body: &[Step], parts: &mut Vec<Part>) -> Result<(), Refused> {
        let (inside, found) = self.steps(body)?;
        if found {
            return Err("the mark is inside a loop".into());
        }
        parts.push(Part::Repeated(count, inside));
        Ok(())
    }

    fn projection(&mut self, step: &Step) -> Result<Part, Refused> {
        self.count += 1;
        if let Step::Dephase(operator, _) = step {
            self.projections.push(self.blocks.len());
            let inside = Sparse::of(operator, self.operators.space).dense();
            self.blocks.push(inside.iter().copied().collect());
        }
        let found = Projection::of(step, self.operators.space).map_err(|(_, e)| e.to_string())?;
        found.map(Part::Projection).ok_or_else(|| "this step has no derivatives".to_string())
    }

    fn push(&mut self, closed: bool, generator: Matrix, duration: f64, parts: &mut Vec<Part>) {
        self.count += 1;
        let first = self.blocks.len();
        self.blocks.push(generator.iter().copied().collect());
        self.blocks.push(vec![real(duration)]);
        parts.push(if closed { Part::Unitary(first) } else { Part::Relaxing(first) });
    }

    fn kick(&mut self, kick: &Kick, parts: &mut Vec<Part>) -> Result<(), Refused> {
        match self.operators.sum(kick.terms().iter(), self.values) {
            Some(generator) => self.push(true, generator, 1.0, parts),
            None => self.segment(&kick.as_segment(), parts)?,
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment, parts: &mut Vec<Part>) -> Result<(), Refused> {
        let (values, space) = (self.values, self.operators.space);
        if segment.relaxing.is_empty()
            && let Some(hamiltonian) = self.operators.sum(segment.terms(), values)
        {
            self.push(true, hamiltonian, segment.duration, parts);
            return Ok(());
        }
        let generator = Generator::of(&segment.bound(values), space);
        let closed = generator.is_closed();
        if !closed && space.len() > MOST_RELAXING {
            let n = space.len();
            return Err(format!(
                "derivatives with relaxation are computed for up to {MOST_RELAXING} states; this system has {n}"
            ));
        }
        let at = |t: f64| if closed { generator.hamiltonian(t) } else { generator.liouvillian(t) };
        if generator.is_constant() {
            self.push(closed, at(0.0), segment.duration, parts);
            return Ok(());
        }
        if self.divisions.known.len() == self.next {
            let division = divided(&generator, segment.duration)?;
            self.divisions.known.push(division);
        }
        let shares = self.divisions.known.get(self.next).cloned().unwrap_or_default();
        self.next += 1;
        // The fourth-order commutator-free method: Blanes and Moan, Appl. Numer. Math. 56, 1519.
        let (near, far) = (0.5 + 3f64.sqrt() / 3.0, 0.5 - 3f64.sqrt() / 3.0);
        let gauss = [0.5 - 3f64.sqrt() / 6.0, 0.5 + 3f64.sqrt() / 6.0];
        for (from, to, constant) in shares {
            let length = to - from;
            let time = |inside: f64| segment.duration * (from + length * inside);
            if constant {
                self.push(closed, at(time(0.5)), length * segment.duration, parts);
                continue;
            }
            let (a, b) = (at(time(gauss[0])), at(time(gauss[1])));
            for (first, second) in [(near, far), (far, near)] {
                let mixed = &a * real(first) + &b * real(second);
                self.push(closed, mixed, 0.5 * length * segment.duration, parts);
            }
        }
        Ok(())
    }
}

/// The shares of a segment in which its Hamiltonian is constant or changes little.
fn divided(generator: &Generator, duration: f64) -> Result<Vec<Share>, Refused> {
    let stops = generator.mesh(CELLS).and_then(|mesh| mesh.stops(0.0, duration)).map_err(|e| e.to_string())?;
    let mut shares = Vec::new();
    let mut from = 0.0;
    for to in stops {
        let (begin, end) = interior(from, to);
        let middle = 0.5 * (begin + end);
        let of = |t: f64| generator.hamiltonian(t);
        let (first, half, last) = (of(begin), of(middle), of(end));
        let changed = (&first - &last).norm().max((&first - &half).norm());
        if changed == 0.0 {
            shares.push((from / duration, to / duration, true));
        } else {
            let count = (changed * (to - from) / SMALL).sqrt().ceil().max(1.0);
            if shares.len() as f64 + count > MOST_PARTS as f64 {
                return Err(format!("a Hamiltonian that varies is divided into more than {MOST_PARTS} steps"));
            }
            let edge = |k: f64| (from + (to - from) * k / count) / duration;
            shares.extend((0..count as usize).map(|k| (edge(k as f64), edge((k + 1) as f64), false)));
        }
        from = to;
    }
    Ok(shares)
}

/// The numbers of a compiled sequence with their derivatives, by block and parameter.
pub(super) struct Numbers<'n> {
    pub values: &'n [Block],
    pub derivatives: Vec<&'n [Option<Block>]>,
}

impl Numbers<'_> {
    fn matrix(&self, block: usize) -> DualMatrix {
        let square = |block: &Block| {
            let n = (block.len() as f64).sqrt().round() as usize;
            Matrix::from_column_slice(n, n, block)
        };
        let derivative = |of: &&[Option<Block>]| of.get(block).and_then(Option::as_ref).map(square);
        DualMatrix {
            value: self.values.get(block).map_or_else(|| Matrix::zeros(0, 0), square),
            tangents: self.derivatives.iter().map(derivative).collect(),
        }
    }

    fn time(&self, block: usize) -> DualTime {
        let first = |block: &Block| block.first().map_or(0.0, |x: &C64| x.re);
        let derivative = |of: &&[Option<Block>]| of.get(block).and_then(Option::as_ref).map_or(0.0, first);
        DualTime {
            value: self.values.get(block).map_or(0.0, first),
            tangents: self.derivatives.iter().map(derivative).collect(),
        }
    }
}

/// The state behind the parts, with its derivatives.
///
/// # Errors
/// If eigenvalues cannot be computed, or too many maps would be applied.
pub(super) fn propagated(parts: &[Part], numbers: &Numbers, start: DualMatrix) -> Result<DualMatrix, Refused> {
    let (n, parameters) = (start.value.nrows(), start.tangents.len());
    let mut rho = start;
    for applied in maps(parts, numbers, n, parameters)? {
        rho = applied.apply(&rho);
    }
    Ok(rho)
}

/// Something that is applied to the state.
enum Applied<'p> {
    Map(Map),
    Projection(&'p Projection),
    Several(u64, Vec<Applied<'p>>),
}

impl Applied<'_> {
    fn apply(&self, rho: &DualMatrix) -> DualMatrix {
        match self {
            Applied::Map(map) => map.apply(rho),
            Applied::Projection(projection) => rho.projected(projection),
            Applied::Several(count, inside) => {
                let mut rho = rho.clone();
                for _ in 0..*count {
                    rho = inside.iter().fold(rho, |rho, applied| applied.apply(&rho));
                }
                rho
            }
        }
    }

    fn operations(&self) -> u64 {
        match self {
            Applied::Map(_) | Applied::Projection(_) => 1,
            Applied::Several(count, inside) => {
                count.saturating_mul(inside.iter().map(Applied::operations).fold(0, u64::saturating_add))
            }
        }
    }
}

fn maps<'p>(parts: &'p [Part], numbers: &Numbers, n: usize, parameters: usize) -> Result<Vec<Applied<'p>>, Refused> {
    let mut applied = Vec::with_capacity(parts.len());
    for part in parts {
        applied.push(match part {
            Part::Unitary(block) => {
                let map = Map::unitary(&numbers.matrix(*block), &numbers.time(block + 1));
                Applied::Map(map.map_err(|e| e.to_string())?)
            }
            Part::Relaxing(block) => Applied::Map(Map::relaxing(&numbers.matrix(*block), &numbers.time(block + 1))),
            Part::Projection(projection) => Applied::Projection(projection),
            Part::Repeated(count, inside) => repeated(*count, maps(inside, numbers, n, parameters)?, n, parameters),
        });
    }
    if applied.iter().map(Applied::operations).fold(0, u64::saturating_add) > MOST_APPLIED {
        return Err(format!("loops with more than {MOST_APPLIED} steps that are no power of one map"));
    }
    Ok(applied)
}

/// A loop: the power of a map, unless there is a projection in it.
fn repeated(count: u64, inside: Vec<Applied>, n: usize, parameters: usize) -> Applied {
    let plain: Option<Vec<&Map>> =
        inside.iter().map(|a| if let Applied::Map(map) = a { Some(map) } else { None }).collect();
    // Without relaxation powers are always shorter; superoperators of states only where they are small.
    let short = plain.as_ref().is_some_and(|maps| n <= MOST_RELAXING || maps.iter().all(|map| map.is_unitary()));
    match plain.filter(|_| short) {
        Some(maps) => Applied::Map(Map::joined(&maps, n, parameters).power(count)),
        None => Applied::Several(count, inside),
    }
}
