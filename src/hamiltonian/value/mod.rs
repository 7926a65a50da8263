//! Evaluates expressions to numbers and operators, at one parameter point.

mod compiled;
mod counter;
mod expression;
mod list;
mod nucleus;
mod operator;
mod phase;
mod rate;
mod reading;
mod symbolic;
mod time_operator;
mod variation;
mod varying;

pub use self::counter::Repetitions;
use self::time_operator::Value;
pub use self::time_operator::{Terms, TimeOperator};
pub use self::variation::Variation;
pub use self::varying::{FieldProducts, Varying};
pub use super::fault::Fault;
use crate::budget::{FOR_TURNS, TURNS};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::hardware::Spectrometer;
use crate::hamiltonian::invariants::Invariants;
use crate::ir::{Each, Experiment, Scope, SiteDeclaration};
use crate::source::Span;
use crate::spin::{Basis, Multiplet, Multiplication, Site};
use crate::syntax::ast::SpinKind;
use crate::syntax::{Expr, ExprKind};
use crate::waveform::Scalar;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Largest count that a file may request: samples, repetitions, terms of a sum.
const LARGEST_COUNT: f64 = 1e7;

/// Maximum number of sites; the number of their states is checked later.
const MOST_SITES: usize = 4096;

/// Largest twice J of a collective with all multiplets: their total dimension is about the square of half of it.
const MOST_MULTIPLETS: usize = 1998;

/// Largest dimension of a single site.
const LARGEST_SITE: usize = 1_000_000;

/// Values of parameters, in SI or natural units.
pub type Values = BTreeMap<String, f64>;

/// A local name: an index, or the time.
#[derive(Clone)]
struct Local<'a> {
    name: &'a str,
    value: Scalar,
}

/// The counter of a loop, and its value.
struct Counter {
    name: String,
    value: f64,
}

/// Everything needed to evaluate expressions at one parameter point.
pub struct Evaluator<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// The meaning of its names.
    pub scope: Arc<Scope>,
    /// What does not depend on parameters.
    invariants: Arc<Invariants<'a>>,
    /// The parameters.
    pub values: Values,
    /// The basis.
    pub basis: Arc<Basis>,
    /// First site and number of sites of every declared name.
    pub arrays: BTreeMap<String, (usize, usize)>,
    /// Deviations of this ensemble member from a perfect sample.
    pub variation: Variation,
    /// The quantities that differ between members, if the sequence is compiled for all of them; `variation` then holds only the scan.
    pub varying: Option<Varying>,
    /// The spectrometer to emulate; without it the sequence is run as written.
    pub spectrometer: Option<Spectrometer>,
    /// Overrides of the numbers of points in the file: (index of the `ensemble` distribution, points).
    pub ensemble_points: Vec<(usize, usize)>,
    /// Parameters that are variables, with values that differ from lane to lane.
    variables: Vec<(String, Scalar)>,
    operators: RefCell<BTreeMap<String, TimeOperator>>,
    /// Names of Hamiltonians that were checked to be Hermitian.
    declared: RefCell<Vec<String>>,
    /// Turns of sums and products so far.
    turns: Cell<u64>,
    /// Products of operators so far.
    multiplication: RefCell<Multiplication>,
    /// Standard random numbers of the lists, by name.
    drawn: RefCell<BTreeMap<String, Arc<[f64]>>>,
    /// Counters of the loops around the statement, the innermost last.
    counters: RefCell<Vec<Counter>>,
    /// Readings before the statement: name, and number of the variable.
    readings: RefCell<Vec<(String, usize)>>,
    /// Statements of counted loops so far, each repetition counted.
    written_out: Cell<u64>,
}

/// The parameters of a point and its basis, from which the evaluators of its ensemble members are made on any thread: an [`Evaluator`] has
/// interior caches and is not `Sync`.
pub struct Parameters<'a> {
    invariants: Arc<Invariants<'a>>,
    values: Values,
    basis: Arc<Basis>,
    arrays: BTreeMap<String, (usize, usize)>,
}

impl<'a> Parameters<'a> {
    /// The evaluator of a member: with these parameters, or those of `given` with the member's own values if it has any.
    ///
    /// # Errors
    /// Those of [`Evaluator::new`].
    pub fn member(&self, given: &Values, variation: &Variation, own: &Values) -> Result<Evaluator<'a>, Fault> {
        let mut e = if own.is_empty() {
            Evaluator {
                values: self.values.clone(),
                basis: self.basis.clone(),
                arrays: self.arrays.clone(),
                ..Evaluator::empty(&self.invariants)
            }
        } else {
            let mut all = given.clone();
            all.extend(own.iter().map(|(k, v)| (k.clone(), *v)));
            Evaluator::at(&self.invariants, &all)?
        };
        e.variation = variation.clone();
        Ok(e)
    }
}

impl<'a> Evaluator<'a> {
    /// Evaluates the parameters and builds the basis.
    ///
    /// # Errors
    /// If a value is not finite or out of range, or a size is not a whole number.
    pub fn new(experiment: &'a Experiment, given: &Values) -> Result<Evaluator<'a>, Fault> {
        Evaluator::at(&Arc::new(Invariants::of(experiment)), given)
    }

    /// The same at one of many points, with shared data that is independent of the point.
    ///
    /// # Errors
    /// Those of [`Evaluator::new`].
    pub fn at(invariants: &Arc<Invariants<'a>>, given: &Values) -> Result<Evaluator<'a>, Fault> {
        let experiment = invariants.experiment;
        Evaluator::are_as_compiled(experiment, given)?;
        let mut e = Evaluator::empty(invariants);
        for param in &experiment.params {
            let value = match given.get(&param.name) {
                Some(value) => *value,
                None => e.number(&param.default)?,
            };
            e.values.insert(param.name.clone(), value);
        }
        // Ranges may refer to parameters declared later.
        for param in &experiment.params {
            if let (Some((low, high)), Some(&x)) = (&param.range, e.values.get(&param.name)) {
                let (a, b) = (e.number(low)?, e.number(high)?);
                if !(a.min(b)..=a.max(b)).contains(&x) {
                    return Err(Diagnostic::new(
                        Code::OutsideParamRange,
                        param.place.span(),
                        format!("`{}` = {x} is outside its range {low} .. {high}", param.name),
                    )
                    .label(format!("declared range {low} .. {high}"))
                    .into());
                }
            }
        }
        e.build_basis()?;
        Ok(e)
    }

    /// An evaluator without parameters and sites.
    fn empty(invariants: &Arc<Invariants<'a>>) -> Evaluator<'a> {
        Evaluator {
            experiment: invariants.experiment,
            scope: invariants.scope.clone(),
            invariants: invariants.clone(),
            values: Values::new(),
            basis: Arc::default(),
            arrays: BTreeMap::new(),
            variation: Variation::default(),
            varying: None,
            spectrometer: None,
            ensemble_points: vec![],
            variables: vec![],
            operators: RefCell::default(),
            declared: RefCell::default(),
            turns: Cell::default(),
            multiplication: RefCell::default(),
            drawn: RefCell::default(),
            counters: RefCell::default(),
            readings: RefCell::default(),
            written_out: Cell::default(),
        }
    }

    /// The evaluator for all members that vary in the same quantities as `member`, in its scan.
    pub fn of_members(&self, member: &Variation) -> Result<Evaluator<'a>, Fault> {
        let scan = Variation { scan: member.scan, ..Variation::default() };
        let mut e = self.parameters().member(&self.values, &scan, &Values::new())?;
        e.varying = Some(Varying::like(member));
        Ok(e)
    }

    /// The parameters and the basis, without caches.
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters {
            invariants: self.invariants.clone(),
            values: self.values.clone(),
            basis: self.basis.clone(),
            arrays: self.arrays.clone(),
        }
    }

    fn build_basis(&mut self) -> Result<(), Fault> {
        let mut sites = Vec::new();
        for declaration in &self.experiment.system.sites {
            let first = sites.len();
            match declaration {
                SiteDeclaration::Spin { name, size, of, .. } => {
                    let count = match size {
                        // One more than allowed is enough for an error.
                        Some(size) => self.count(size, 1)?.min(MOST_SITES + 1),
                        None => 1,
                    };
                    let (twice, isotope) = spin_of(of);
                    for k in 1..=count {
                        let name = if size.is_some() { format!("{name}[{k}]") } else { name.clone() };
                        sites.push(Site::spin(name, twice, isotope));
                    }
                }
                SiteDeclaration::Collective { name, number, of, .. } => {
                    let count = self.count(number, 1)?;
                    let (twice, isotope) = spin_of(of);
                    // A permutation-symmetric state remains in the multiplet of the largest J.
                    let whole = self.experiment.leaves_symmetric(name);
                    if whole && count * twice as usize > MOST_MULTIPLETS {
                        return Err(too_many(declaration));
                    }
                    let multiplets = if whole {
                        Multiplet::all(count as u32, twice)
                    } else {
                        vec![Multiplet { twice_j: count as u32 * twice, copies: 1.0 }]
                    };
                    sites.push(Site::collective(name, count as u32, twice, multiplets, isotope));
                }
                SiteDeclaration::Mode { name, cutoff, .. } => {
                    let dimension = self.count(cutoff, 2)?;
                    sites.push(Site::mode(name, dimension));
                }
            }
            self.arrays.insert(declaration.name().to_string(), (first, sites.len() - first));
            let large = sites.iter().skip(first).any(|s| s.dimension > LARGEST_SITE);
            if sites.len() > MOST_SITES || large {
                return Err(too_many(declaration));
            }
        }
        self.basis = self.invariants.basis(sites);
        Ok(())
    }

    // ---- numbers ----

    /// A time-independent number.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn number(&self, expr: &Expr) -> Result<f64, Fault> {
        self.number_with(expr, &[])
    }

    fn number_with(&self, expr: &Expr, locals: &[Local]) -> Result<f64, Fault> {
        let Value::Number(Scalar::Constant(x)) = self.value(expr, locals)? else {
            self.known_before_the_run(expr)?;
            return Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "expected a number").into());
        };
        if !x.is_finite() {
            let shown = if x.is_nan() { "not a number" } else { "infinite" };
            return Err(Diagnostic::new(Code::NotFinite, expr.span(), format!("`{expr}` is {shown}"))
                .label(format!("this is {shown}"))
                .into());
        }
        Ok(x)
    }

    /// A number that may depend on the index of a `for`.
    ///
    /// # Errors
    /// Those of [`Evaluator::number`].
    pub fn number_at(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<f64, Fault> {
        let locals: Vec<Local> = index.iter().map(|(name, x)| Local { name, value: Scalar::Constant(*x) }).collect();
        self.number_with(expr, &locals)
    }

    /// A whole number, at least `least`.
    ///
    /// # Errors
    /// If it is not a whole number, too small or too large.
    pub fn count(&self, expr: &Expr, least: i64) -> Result<usize, Fault> {
        let x = self.number(expr)?;
        self.whole(expr, x, least)
    }

    fn whole(&self, expr: &Expr, x: f64, least: i64) -> Result<usize, Fault> {
        let shown =
            if matches!(expr.kind, ExprKind::Number(_)) { format!("`{expr}`") } else { format!("`{expr}` = {x}") };
        if (x - x.round()).abs() > 1e-9 * x.abs().max(1.0) {
            return Err(Diagnostic::new(Code::NotWhole, expr.span(), format!("{shown} is not an integer"))
                .label("expected an integer")
                .into());
        }
        if x.round() < least as f64 || x > LARGEST_COUNT {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                expr.span(),
                format!("{shown} must lie between {least} and {LARGEST_COUNT}"),
            )
            .label(format!("at least {least}"))
            .into());
        }
        Ok(x.round() as usize)
    }

    /// The values of the index of a `for`; a single `None` without a `for`.
    ///
    /// # Errors
    /// If the bounds are not whole numbers.
    pub fn range<'e>(&self, each: Option<&'e Each>) -> Result<Vec<Option<(&'e str, f64)>>, Fault> {
        let Some(each) = each else { return Ok(vec![None]) };
        let (from, to) = self.bounds(&each.from, &each.to, &[])?;
        FOR_TURNS.check(turns(from, to), Some(each.to.span()))?;
        Ok((from..=to).map(|k| Some((each.index.as_str(), k as f64))).collect())
    }

    /// Counts turns of sums and products.
    fn spend(&self, count: u64, place: Span) -> Result<(), Fault> {
        self.turns.set(self.turns.get().saturating_add(count));
        TURNS.check(self.turns.get(), Some(place))
    }

    fn bounds(&self, from: &Expr, to: &Expr, locals: &[Local]) -> Result<(i64, i64), Fault> {
        let whole = |e: &Expr| -> Result<i64, Fault> {
            let x = self.number_with(e, locals)?;
            if (x - x.round()).abs() > 1e-9 || x.abs() > LARGEST_COUNT {
                return Err(Diagnostic::new(
                    Code::NotWhole,
                    e.span(),
                    format!("`{e}` = {x} is not a valid index bound"),
                )
                .label("expected an integer")
                .into());
            }
            Ok(x.round() as i64)
        };
        Ok((whole(from)?, whole(to)?))
    }

    /// The coordinates of a position.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn vector(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<[f64; 3], Fault> {
        let (items, factor) = match &expr.kind {
            ExprKind::Quantity(inner, unit) => match &inner.kind {
                ExprKind::Tuple(items) => (items.as_slice(), unit.factor),
                _ => (&[][..], 1.0),
            },
            ExprKind::Tuple(items) => (items.as_slice(), 1.0),
            _ => (&[][..], 1.0),
        };
        let [x, y, z] = items else {
            return Err(Diagnostic::new(Code::WrongKind, expr.span(), "a position needs three lengths").into());
        };
        Ok([self.number_at(x, index)? * factor, self.number_at(y, index)? * factor, self.number_at(z, index)? * factor])
    }

    // ---- the member of the ensemble ----

    /// rf factor of a nucleus (rf inhomogeneity).
    pub fn rf(&self, nucleus: &str) -> Scalar {
        self.varying.as_ref().map_or_else(|| Scalar::Constant(self.variation.rf(nucleus)), |v| v.rf(nucleus))
    }

    /// Position of the member in the sample along the gradients.
    pub fn position(&self) -> Option<Scalar> {
        match &self.varying {
            Some(varying) => varying.position(),
            None => self.variation.position.map(Scalar::Constant),
        }
    }

    // ---- subsystems ----

    /// Index of a single site.
    ///
    /// # Errors
    /// If an index is out of range.
    pub fn site(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<usize, Fault> {
        let locals: Vec<Local> = index.iter().map(|(name, x)| Local { name, value: Scalar::Constant(*x) }).collect();
        let named = self.sites_with(expr, &locals)?;
        named.first().copied().ok_or_else(|| no_subsystem(expr))
    }

    /// Indices of one site, or of all sites of an array.
    ///
    /// # Errors
    /// If an index is out of range.
    pub fn sites(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<Vec<usize>, Fault> {
        let locals: Vec<Local> = index.iter().map(|(name, x)| Local { name, value: Scalar::Constant(*x) }).collect();
        self.sites_with(expr, &locals)
    }

    fn sites_with(&self, expr: &Expr, locals: &[Local]) -> Result<Vec<usize>, Fault> {
        let unknown = || no_subsystem(expr);
        match &expr.kind {
            ExprKind::Name(name) => {
                let (first, count) = self.arrays.get(name).copied().ok_or_else(unknown)?;
                Ok((first..first + count).collect())
            }
            ExprKind::Index(name, index) => {
                let (first, count) = self.arrays.get(name).copied().ok_or_else(unknown)?;
                let k = self.number_with(index, locals)?;
                let member = k.round();
                if (k - member).abs() > 1e-9 || member < 1.0 || member > count as f64 {
                    return Err(Diagnostic::new(
                        Code::OutOfRange,
                        expr.span(),
                        format!("`{name}[{k}]` does not exist"),
                    )
                    .label(format!("its elements are {name}[1] to {name}[{count}]"))
                    .into());
                }
                Ok(vec![first + member as usize - 1])
            }
            _ => Err(unknown()),
        }
    }

    // ---- operators ----
}

/// How many whole numbers there are from one to another.
fn turns(from: i64, to: i64) -> u64 {
    (to - from + 1).max(0) as u64
}

/// A subsystem that is too large, or one too many.
fn too_many(declaration: &SiteDeclaration) -> Fault {
    let message = format!(
        "a system has at most {MOST_SITES} subsystems of at most {LARGEST_SITE} states each, counting all multiplets of a collective"
    );
    Diagnostic::new(Code::OutOfRange, declaration.place().span(), message).label("too many").into()
}

fn spin_of(kind: &SpinKind) -> (u32, Option<&'static crate::spin::Isotope>) {
    match kind {
        SpinKind::Twice(twice) => (*twice, None),
        SpinKind::Isotope(symbol) => {
            let isotope = crate::spin::Isotope::named(symbol);
            (isotope.map_or(1, |i| i.twice_spin), isotope)
        }
        SpinKind::Electron(twice) => (*twice, Some(&crate::spin::ELECTRON)),
    }
}

fn no_subsystem(expr: &Expr) -> Fault {
    Diagnostic::new(Code::UnknownName, expr.span(), format!("unknown subsystem `{expr}`")).into()
}
