//! Expressions to numbers and operators, at one point of the parameters.

use super::hardware::Spectrometer;
use super::orientation::{Frame, Internal};
use super::shared::Shared;
use super::{anisotropy, couplings, zeeman};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Each, Experiment, FunctionInfo, Scope, SiteDeclaration, Type};
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{Basis, LocalKind, Multiplet, Operator, Site, SiteKind};
use crate::syntax::ast::SpinKind;
use crate::syntax::{Expr, ExprKind, Fold};
use crate::units::{UnitSystem, hamiltonian_factor};
use crate::waveform::Scalar;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A mistake, boxed because it is large and rare.
pub type Fault = Box<Diagnostic>;

/// The largest count that a file may ask for: samples, repetitions, terms of a sum.
const LARGEST_COUNT: f64 = 1e7;

/// The most subsystems; their states are counted, and refused, later.
const MOST_SITES: usize = 4096;

/// The largest twice J of a collective of which all multiplets are kept: together they have about the square of half of it.
const MOST_MULTIPLETS: usize = 1998;

/// The largest dimension of a single subsystem.
const LARGEST_SITE: usize = 1_000_000;

/// Values of parameters, in SI or natural units.
pub type Values = BTreeMap<String, f64>;

/// Coefficients and operators of a Hamiltonian.
pub type Terms = Vec<(Scalar, Arc<Operator>)>;

/// An operator whose coefficients may depend on time.
#[derive(Debug, Clone)]
pub struct TimeOperator {
    /// Coefficient times operator, each.
    pub terms: Vec<(Scalar, Operator)>,
}

impl TimeOperator {
    fn constant(operator: Operator) -> TimeOperator {
        TimeOperator { terms: vec![(Scalar::Constant(1.0), operator)] }
    }

    /// The operator, when it does not depend on time.
    pub fn fixed(&self, basis: &Basis) -> Option<Operator> {
        let mut sum = Operator::zero(basis);
        for (c, operator) in &self.terms {
            sum = sum.plus(operator.clone().times_number(real(c.constant()?)));
        }
        Some(sum)
    }

    fn scaled(self, factor: &Scalar) -> TimeOperator {
        TimeOperator { terms: self.terms.into_iter().map(|(c, o)| (c.times(factor), o)).collect() }
    }
}

/// What an expression is worth.
enum Value {
    Number(Scalar),
    Operator(TimeOperator),
}

impl Value {
    /// The product, this one on the left.
    fn times(self, right: Value) -> Value {
        match (self, right) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.times(&b)),
            (Value::Operator(a), Value::Number(b)) => Value::Operator(a.scaled(&b)),
            (Value::Number(a), Value::Operator(b)) => Value::Operator(b.scaled(&a)),
            (Value::Operator(a), Value::Operator(b)) => Value::Operator(multiply(&a, &b)),
        }
    }
}

/// A local name: an index, or the time.
#[derive(Clone)]
struct Local<'a> {
    name: &'a str,
    value: Scalar,
}

/// Everything that expressions need at one point of the parameters.
pub struct Evaluator<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// What its names mean.
    pub scope: Arc<Scope>,
    /// What it has in common with the other points.
    shared: Arc<Shared<'a>>,
    /// The parameters.
    pub values: Values,
    /// The basis.
    pub basis: Arc<Basis>,
    /// First subsystem and number of members of every declared name.
    pub arrays: BTreeMap<String, (usize, usize)>,
    /// How this member of the ensemble differs from a perfect sample.
    pub variation: Variation,
    /// What runs the sequence; as it is written when there is none.
    pub spectrometer: Option<Spectrometer>,
    operators: RefCell<BTreeMap<String, TimeOperator>>,
    /// Hamiltonians that were found to be Hermitian.
    declared: RefCell<Vec<String>>,
}

/// How one member of an ensemble differs: its field, its rf, and which scan of the phase cycles it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variation {
    /// Offsets by nucleus, rad/s.
    pub offsets: Vec<(String, f64)>,
    /// Factors of the rf by nucleus.
    pub rf: Vec<(String, f64)>,
    /// How a crystallite of a powder lies: Euler angles.
    pub orientation: Option<[f64; 3]>,
    /// Where in the sample it is, along the gradients.
    pub position: Option<f64>,
    /// The number of the scan.
    pub scan: usize,
}

impl Variation {
    /// What the rf of a nucleus is multiplied by.
    pub fn rf(&self, nucleus: &str) -> f64 {
        self.rf.iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).product()
    }

    /// What is added to the resonance frequency of a nucleus, rad/s.
    pub fn offset(&self, nucleus: &str) -> f64 {
        self.offsets.iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).sum()
    }
}

/// An evaluator that has made nothing yet. An evaluator keeps what it has made, which no two threads may do at once; this is what they
/// may share.
pub struct Outline<'a> {
    shared: Arc<Shared<'a>>,
    values: Values,
    basis: Arc<Basis>,
    arrays: BTreeMap<String, (usize, usize)>,
}

impl<'a> Outline<'a> {
    /// The evaluator of a member: these parameters, or those given where some of the member's own differ.
    ///
    /// # Errors
    /// As [`Evaluator::new`].
    pub fn member(&self, given: &Values, variation: &Variation, own: &Values) -> Result<Evaluator<'a>, Fault> {
        if !own.is_empty() {
            let mut all = given.clone();
            all.extend(own.iter().map(|(k, v)| (k.clone(), *v)));
            let mut e = Evaluator::at(&self.shared, &all)?;
            e.variation = variation.clone();
            return Ok(e);
        }
        Ok(Evaluator {
            experiment: self.shared.experiment,
            scope: self.shared.scope.clone(),
            shared: self.shared.clone(),
            values: self.values.clone(),
            basis: self.basis.clone(),
            arrays: self.arrays.clone(),
            variation: variation.clone(),
            spectrometer: None,
            operators: RefCell::default(),
            declared: RefCell::default(),
        })
    }
}

impl<'a> Evaluator<'a> {
    /// Evaluates the parameters and builds the basis.
    ///
    /// # Errors
    /// When a value is not finite, out of its range, or a size is not a whole number.
    pub fn new(experiment: &'a Experiment, given: &Values) -> Result<Evaluator<'a>, Fault> {
        Evaluator::at(&Arc::new(Shared::of(experiment)), given)
    }

    /// The same at one of many points, which share what does not depend on them.
    ///
    /// # Errors
    /// As [`Evaluator::new`].
    pub fn at(shared: &Arc<Shared<'a>>, given: &Values) -> Result<Evaluator<'a>, Fault> {
        let experiment = shared.experiment;
        let mut e = Evaluator {
            experiment,
            scope: shared.scope.clone(),
            shared: shared.clone(),
            values: Values::new(),
            basis: Arc::default(),
            arrays: BTreeMap::new(),
            variation: Variation::default(),
            spectrometer: None,
            operators: RefCell::default(),
            declared: RefCell::default(),
        };
        for param in &experiment.params {
            let value = match given.get(&param.name) {
                Some(value) => *value,
                None => e.number(&param.default)?,
            };
            e.values.insert(param.name.clone(), value);
        }
        // Ranges may refer to parameters that come later.
        for param in &experiment.params {
            if let (Some((low, high)), Some(&x)) = (&param.range, e.values.get(&param.name)) {
                let (a, b) = (e.number(low)?, e.number(high)?);
                if !(a.min(b)..=a.max(b)).contains(&x) {
                    return Err(Diagnostic::new(
                        Code::OutsideParamRange,
                        param.place.0.unwrap_or_default(),
                        format!("`{}` = {x} lies outside of its range {low} .. {high}", param.name),
                    )
                    .label(format!("declared for {low} .. {high}"))
                    .into());
                }
            }
        }
        e.build_basis()?;
        Ok(e)
    }

    /// What members of an ensemble begin with.
    pub fn outline(&self) -> Outline<'a> {
        Outline {
            shared: self.shared.clone(),
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
                        // One more than may be is enough to be refused.
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
                    // A state that is the same under every exchange of the spins stays in the multiplet of the largest J.
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
        self.basis = self.shared.basis(sites);
        Ok(())
    }

    // ---- numbers ----

    /// A number that does not depend on time.
    ///
    /// # Errors
    /// When it is not finite.
    pub fn number(&self, expr: &Expr) -> Result<f64, Fault> {
        self.number_with(expr, &[])
    }

    fn number_with(&self, expr: &Expr, locals: &[Local]) -> Result<f64, Fault> {
        let Value::Number(Scalar::Constant(x)) = self.value(expr, locals)? else {
            return Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "a number is needed here").into());
        };
        if !x.is_finite() {
            let shown = if x.is_nan() { "not a number" } else { "infinite" };
            return Err(Diagnostic::new(Code::NotFinite, expr.span(), format!("`{expr}` is {shown}"))
                .label(format!("this is {shown}"))
                .into());
        }
        Ok(x)
    }

    /// A number with the index of a `for` set.
    ///
    /// # Errors
    /// As [`Evaluator::number`].
    pub fn number_at(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<f64, Fault> {
        let locals: Vec<Local> = index.iter().map(|(name, x)| Local { name, value: Scalar::Constant(*x) }).collect();
        self.number_with(expr, &locals)
    }

    /// A whole number, at least `least`.
    ///
    /// # Errors
    /// When it is no whole number, or too small or large.
    pub fn count(&self, expr: &Expr, least: i64) -> Result<usize, Fault> {
        let x = self.number(expr)?;
        self.whole(expr, x, least)
    }

    fn whole(&self, expr: &Expr, x: f64, least: i64) -> Result<usize, Fault> {
        let shown =
            if matches!(expr.kind, ExprKind::Number(_)) { format!("`{expr}`") } else { format!("`{expr}` = {x}") };
        if (x - x.round()).abs() > 1e-9 * x.abs().max(1.0) {
            return Err(Diagnostic::new(Code::NotWhole, expr.span(), format!("{shown} is not a whole number"))
                .label("expected a whole number")
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

    /// The values of the index of a `for`; a single `None` where there is no `for`.
    ///
    /// # Errors
    /// When the bounds are no whole numbers.
    pub fn range<'e>(&self, each: Option<&'e Each>) -> Result<Vec<Option<(&'e str, f64)>>, Fault> {
        let Some(each) = each else { return Ok(vec![None]) };
        let (from, to) = self.bounds(&each.from, &each.to, &[])?;
        Ok((from..=to).map(|k| Some((each.index.as_str(), k as f64))).collect())
    }

    fn bounds(&self, from: &Expr, to: &Expr, locals: &[Local]) -> Result<(i64, i64), Fault> {
        let whole = |e: &Expr| -> Result<i64, Fault> {
            let x = self.number_with(e, locals)?;
            if (x - x.round()).abs() > 1e-9 || x.abs() > LARGEST_COUNT {
                return Err(Diagnostic::new(Code::NotWhole, e.span(), format!("`{e}` = {x} is no bound of an index"))
                    .label("expected a whole number")
                    .into());
            }
            Ok(x.round() as i64)
        };
        Ok((whole(from)?, whole(to)?))
    }

    /// The coordinates of a position.
    ///
    /// # Errors
    /// When one is not finite.
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
            return Err(Diagnostic::new(Code::WrongKind, expr.span(), "a position is three lengths").into());
        };
        Ok([self.number_at(x, index)? * factor, self.number_at(y, index)? * factor, self.number_at(z, index)? * factor])
    }

    /// The phase of a pulse, in radian; of a cycle, that of this scan.
    ///
    /// # Errors
    /// When it is not finite.
    pub fn phase(&self, expr: &Expr) -> Result<f64, Fault> {
        // A word is the axis, whatever else has its name.
        if let Some(phase) = crate::ir::phase_of_word(expr) {
            return Ok(phase);
        }
        if let ExprKind::Name(name) = &expr.kind
            && let Some(cycle) = self.experiment.cycles.iter().find(|c| c.name == *name)
        {
            let phase = cycle.phases.get(self.variation.scan % cycle.phases.len().max(1));
            return phase.map_or(Ok(0.0), |p| self.phase(p));
        }
        self.number(expr)
    }

    // ---- subsystems ----

    /// The number of a single subsystem.
    ///
    /// # Errors
    /// When an index is out of range.
    pub fn site(&self, expr: &Expr, index: Option<(&str, f64)>) -> Result<usize, Fault> {
        let locals: Vec<Local> = index.iter().map(|(name, x)| Local { name, value: Scalar::Constant(*x) }).collect();
        let named = self.sites_with(expr, &locals)?;
        named.first().copied().ok_or_else(|| no_subsystem(expr))
    }

    /// The numbers of one subsystem, or of all members of an array.
    ///
    /// # Errors
    /// When an index is out of range.
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
                    .label(format!("members are {name}[1] to {name}[{count}]"))
                    .into());
                }
                Ok(vec![first + member as usize - 1])
            }
            _ => Err(unknown()),
        }
    }

    // ---- operators ----

    /// An operator in the units in which it is written.
    ///
    /// # Errors
    /// When a coefficient is not finite, or a subsystem lacks the operator.
    pub fn operator(&self, expr: &Expr) -> Result<Operator, Fault> {
        let operator = self.time_operator(expr, false)?;
        operator
            .fixed(&self.basis)
            .ok_or_else(|| Diagnostic::new(Code::WrongKind, expr.span(), "this operator may not depend on time").into())
    }

    /// A Hamiltonian in rad/s that does not depend on time.
    ///
    /// # Errors
    /// When it is not Hermitian, besides those of [`Evaluator::operator`].
    pub fn hamiltonian(&self, expr: &Expr) -> Result<Operator, Fault> {
        let factor = self.factor(expr)?;
        let operator = self.operator(expr)?;
        if !self.is_declared(expr) && !operator.is_hermitian() {
            return Err(self.not_hermitian(expr));
        }
        Ok(operator.times_number(real(factor)))
    }

    /// Whether an expression is the name of a Hamiltonian that was declared, and looked at then.
    fn is_declared(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if self.declared.borrow().contains(name))
    }

    /// Makes a named Hamiltonian, so that its name stands for it.
    ///
    /// # Errors
    /// When it is not Hermitian, besides those of [`Evaluator::operator`].
    pub fn declare(&self, name: &str, value: &Expr) -> Result<(), Fault> {
        let operator = self.operator(value)?;
        if !operator.is_hermitian() {
            return Err(self.not_hermitian(value));
        }
        self.factor(value)?;
        self.operators.borrow_mut().insert(name.to_string(), TimeOperator::constant(operator));
        self.declared.borrow_mut().push(name.to_string());
        Ok(())
    }

    /// A Hamiltonian in rad/s that may depend on the time since the statement began.
    ///
    /// # Errors
    /// As [`Evaluator::hamiltonian`].
    fn driven_hamiltonian(&self, expr: &Expr) -> Result<TimeOperator, Fault> {
        let factor = self.factor(expr)?;
        let operator = self.time_operator(expr, true)?;
        // At a moment without symmetry: a sum that is Hermitian at all times is so at this one.
        let mut sample = Operator::zero(&self.basis);
        for (c, o) in &operator.terms {
            sample = sample.plus(o.clone().times_number(real(c.constant().unwrap_or(1.0))));
        }
        if !sample.is_hermitian() && !operator.terms.iter().all(|(_, o)| o.is_hermitian()) {
            return Err(self.not_hermitian(expr));
        }
        Ok(operator.scaled(&Scalar::Constant(factor)))
    }

    /// The terms of a Hamiltonian in rad/s that may depend on the time since the statement began. Where no parameter stands in it, all
    /// points share them.
    ///
    /// # Errors
    /// As [`Evaluator::hamiltonian`].
    pub fn evolution(&self, expr: &Expr) -> Result<Terms, Fault> {
        let kept = self.shared.evolution(expr);
        if let Some(known) = kept.and_then(|k| k.get()) {
            return Ok(known.clone());
        }
        let terms: Terms = self.driven_hamiltonian(expr)?.terms.into_iter().map(|(c, o)| (c, Arc::new(o))).collect();
        if let Some(kept) = kept {
            let _ = kept.set(terms.clone());
        }
        Ok(terms)
    }

    /// What one unit of the expression is in rad/s.
    fn factor(&self, expr: &Expr) -> Result<f64, Fault> {
        let kept = self.shared.factor(expr);
        if let Some(known) = kept.and_then(|k| k.get()) {
            return Ok(*known);
        }
        let factor = self.factor_of(expr)?;
        if let Some(kept) = kept {
            let _ = kept.set(factor);
        }
        Ok(factor)
    }

    fn factor_of(&self, expr: &Expr) -> Result<f64, Fault> {
        let time = crate::ir::Index { name: "t", dimension: self.scope.dimension(crate::units::Dimension::TIME) };
        let found = self.scope.type_of(expr, &[time])?;
        let (Type::Operator(d) | Type::Number(d) | Type::Vector(d)) = found;
        hamiltonian_factor(d, self.scope.units).ok_or_else(|| {
            Diagnostic::new(Code::WrongDimension, expr.span(), format!("a Hamiltonian cannot be {d}")).into()
        })
    }

    /// Names the first term of the outermost sum that is not Hermitian by itself.
    fn not_hermitian(&self, expr: &Expr) -> Fault {
        let culprit = match &expr.kind {
            ExprKind::Sum(terms) => terms.iter().map(|t| &t.value).find(|e| {
                !matches!(&e.kind, ExprKind::Name(n) if n == "hc") && self.operator(e).is_ok_and(|o| !o.is_hermitian())
            }),
            ExprKind::Name(name) => self.experiment.hamiltonians.iter().find(|h| h.name == *name).map(|h| &h.value),
            _ => None,
        };
        let diagnostic = Diagnostic::new(Code::NotHermitian, expr.span(), format!("`{expr}` is not Hermitian"));
        let diagnostic = match culprit {
            Some(term) if term.span() != expr.span() && term.place.0.is_some() => {
                diagnostic.related(term.span(), format!("`{term}` differs from its conjugate"))
            }
            _ => diagnostic,
        };
        diagnostic
            .help("`+ hc` adds the Hermitian conjugate of everything before it inside the same parentheses")
            .into()
    }

    fn time_operator(&self, expr: &Expr, driven: bool) -> Result<TimeOperator, Fault> {
        let time = Local { name: "t", value: Scalar::time() };
        let locals = if driven { vec![time] } else { vec![] };
        match self.value(expr, &locals)? {
            Value::Operator(operator) => Ok(operator),
            Value::Number(_) => {
                Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "an operator is needed here").into())
            }
        }
    }

    /// A function of time, as `theory` gives it.
    ///
    /// # Errors
    /// When it is an operator.
    pub fn curve(&self, expr: &Expr) -> Result<Scalar, Fault> {
        let time = Local { name: "t", value: Scalar::time() };
        match self.value(expr, &[time])? {
            Value::Number(scalar) => Ok(scalar),
            Value::Operator(_) => {
                Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "a number is needed here").into())
            }
        }
    }

    fn value(&self, expr: &Expr, locals: &[Local]) -> Result<Value, Fault> {
        let Some(kept) = self.shared.constant(expr) else { return self.made(expr, locals) };
        if let Some(known) = kept.get() {
            return Ok(Value::Operator(known.clone()));
        }
        let made = self.made(expr, locals)?;
        if let Value::Operator(operator) = &made {
            // Another thread may have been first; it has made the same.
            let _ = kept.set(operator.clone());
        }
        Ok(made)
    }

    fn made(&self, expr: &Expr, locals: &[Local]) -> Result<Value, Fault> {
        let span = expr.span();
        match &expr.kind {
            ExprKind::Number(x) => Ok(Value::Number(Scalar::Constant(*x))),
            ExprKind::Quantity(inner, unit) => {
                let factor = unit.factor;
                match self.value(inner, locals)? {
                    Value::Number(x) => Ok(Value::Number(x.scaled(factor))),
                    Value::Operator(_) => {
                        Err(Diagnostic::new(Code::OperatorExpected, span, "a unit belongs behind a number").into())
                    }
                }
            }
            ExprKind::Name(name) => self.named(name, span, locals),
            ExprKind::Call(name, items) => self.call(name, items, span, locals),
            ExprKind::Sum(terms) => self.sum(terms, locals),
            ExprKind::Product(factors) => {
                let mut product = Value::Number(Scalar::Constant(1.0));
                for factor in factors {
                    let value = self.value(&factor.value, locals)?;
                    if let Value::Number(x) = &value {
                        finite(&factor.value, x, factor.divides)?;
                    }
                    product = match (product, value) {
                        (Value::Number(a), Value::Number(b)) if factor.divides => Value::Number(a.over(&b)),
                        (Value::Operator(a), Value::Number(b)) if factor.divides => {
                            Value::Operator(a.scaled(&Scalar::Constant(1.0).over(&b)))
                        }
                        (a, b) => a.times(b),
                    };
                }
                Ok(product)
            }
            ExprKind::Power(base, exponent) => {
                let exponent_value = self.value(exponent, locals)?;
                match (self.value(base, locals)?, exponent_value) {
                    (Value::Number(a), Value::Number(b)) => Ok(Value::Number(a.to_power(&b))),
                    (Value::Operator(a), Value::Number(b)) => {
                        let times = self.whole(exponent, b.constant().unwrap_or(f64::NAN), 1)?;
                        Ok(Value::Operator((1..times).fold(a.clone(), |product, _| multiply(&product, &a))))
                    }
                    _ => Err(Diagnostic::new(Code::OperatorExpected, span, "an exponent is a number").into()),
                }
            }
            ExprKind::Over(sum) => {
                let (from, to) = self.bounds(&sum.from, &sum.to, locals)?;
                let mut total: Option<Value> = None;
                for k in from..=to {
                    let mut inside = locals.to_vec();
                    inside.push(Local { name: &sum.index, value: Scalar::Constant(k as f64) });
                    let value = self.value(&sum.body, &inside)?;
                    total = Some(match (total, sum.fold) {
                        (Some(total), Fold::Sum) => self.add(total, value),
                        (Some(total), Fold::Product) => total.times(value),
                        (None, _) => value,
                    });
                }
                match (total, sum.fold) {
                    (Some(total), _) => Ok(self.merged(total)),
                    // An empty sum is zero and an empty product one, of the kind of its body.
                    (None, Fold::Sum) if self.is_operator(sum, locals) => {
                        Ok(Value::Operator(TimeOperator { terms: vec![] }))
                    }
                    (None, Fold::Product) if self.is_operator(sum, locals) => {
                        Ok(Value::Operator(TimeOperator::constant(Operator::identity(&self.basis, real(1.0)))))
                    }
                    (None, Fold::Sum) => Ok(Value::Number(Scalar::Constant(0.0))),
                    (None, Fold::Product) => Ok(Value::Number(Scalar::Constant(1.0))),
                }
            }
            ExprKind::Index(..)
            | ExprKind::Tuple(_)
            | ExprKind::Text(_)
            | ExprKind::Isotope(_)
            | ExprKind::Member(..) => {
                Err(Diagnostic::new(Code::WrongKind, span, format!("`{expr}` is neither a number nor an operator"))
                    .into())
            }
        }
    }

    fn is_operator(&self, sum: &crate::syntax::Over, locals: &[Local]) -> bool {
        let number = self.scope.dimension(crate::units::Dimension::TIME);
        let mut indices: Vec<crate::ir::Index> = locals
            .iter()
            .map(|l| crate::ir::Index {
                name: l.name,
                dimension: if l.name == "t" { number } else { Default::default() },
            })
            .collect();
        indices.push(crate::ir::Index { name: &sum.index, dimension: Default::default() });
        matches!(self.scope.type_of(&sum.body, &indices), Ok(Type::Operator(_)))
    }

    fn sum(&self, terms: &[crate::syntax::Term], locals: &[Local]) -> Result<Value, Fault> {
        let mut total: Option<Value> = None;
        for term in terms {
            let conjugate =
                matches!(&term.value.kind, ExprKind::Name(n) if n == "hc") && !self.values.contains_key("hc");
            if let (true, Some(Value::Operator(before))) = (conjugate, &total) {
                let adjoint =
                    TimeOperator { terms: before.terms.iter().map(|(c, o)| (c.clone(), o.adjoint())).collect() };
                total = total.map(|t| self.add(t, Value::Operator(adjoint)));
                continue;
            }
            let mut value = self.value(&term.value, locals)?;
            if term.negative {
                value = match value {
                    Value::Number(x) => Value::Number(x.scaled(-1.0)),
                    Value::Operator(o) => Value::Operator(o.scaled(&Scalar::Constant(-1.0))),
                };
            }
            total = Some(match total {
                Some(total) => self.add(total, value),
                None => value,
            });
        }
        Ok(self.merged(total.unwrap_or(Value::Number(Scalar::Constant(0.0)))))
    }

    /// The sum, of operators as a list that is merged when it is complete. A number beside an operator means that multiple of the
    /// identity.
    fn add(&self, a: Value, b: Value) -> Value {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.plus(&b)),
            (Value::Operator(mut a), Value::Operator(b)) => {
                a.terms.extend(b.terms);
                Value::Operator(a)
            }
            (Value::Operator(mut o), Value::Number(x)) | (Value::Number(x), Value::Operator(mut o)) => {
                o.terms.push((x, Operator::identity(&self.basis, real(1.0))));
                Value::Operator(o)
            }
        }
    }

    fn merged(&self, sum: Value) -> Value {
        match sum {
            Value::Operator(o) if o.terms.len() > 1 => Value::Operator(o.merged(&self.basis)),
            sum => sum,
        }
    }

    fn named(&self, name: &str, span: Span, locals: &[Local]) -> Result<Value, Fault> {
        if let Some(local) = locals.iter().rev().find(|l| l.name == name) {
            return Ok(Value::Number(local.value.clone()));
        }
        if let Some(value) = self.values.get(name) {
            return Ok(Value::Number(Scalar::Constant(*value)));
        }
        if let Some(found) = self.operators.borrow().get(name) {
            return Ok(Value::Operator(found.clone()));
        }
        let operator = if let Some(h) = self.experiment.hamiltonians.iter().find(|h| h.name == name) {
            let operator = self.operator(&h.value)?;
            Some(operator)
        } else if let Some((part, _)) = crate::ir::SYSTEM_PARTS.iter().find(|(p, _)| *p == name) {
            Some(self.part(part, span)?)
        } else {
            None
        };
        match operator {
            Some(operator) => {
                let operator = TimeOperator::constant(operator);
                self.operators.borrow_mut().insert(name.to_string(), operator.clone());
                Ok(Value::Operator(operator))
            }
            None if name == "pi" => Ok(Value::Number(Scalar::Constant(std::f64::consts::PI))),
            None => Err(self.scope.unknown(name, span, &[])),
        }
    }

    /// A part of the system's Hamiltonian in the units of the file: Hz, or rad/s in natural units.
    fn part(&self, part: &str, span: Span) -> Result<Operator, Fault> {
        let scale = if self.scope.units == UnitSystem::Lab { 1.0 / crate::units::TWO_PI } else { 1.0 };
        let operator = match part {
            "dipolar" => couplings::dipolar(self, &Frame::of(self)?)?.at_rest(part, span)?,
            "quadrupolar" => anisotropy::quadrupole(self, &Frame::of(self)?)?.at_rest(part, span)?,
            "scalar" => couplings::scalar(self)?,
            "offset" => self.shifts(&Frame::of(self)?)?.at_rest(part, span)?,
            "zeeman" => zeeman::laboratory(self, span)?,
            _ => self.internal()?.at_rest(part, span)?,
        };
        Ok(operator.times_number(real(scale)))
    }

    /// What shifts leave in the rotating frame.
    fn shifts(&self, frame: &Frame) -> Result<Internal, Fault> {
        let mut sum = anisotropy::shielding(self, frame)?;
        sum.constant = sum.constant.plus(zeeman::offset(self)?);
        Ok(sum)
    }

    /// What acts during delays and pulses, rad/s.
    ///
    /// # Errors
    /// When an interaction cannot be computed.
    pub fn internal(&self) -> Result<Internal, Fault> {
        let frame = Frame::of(self)?;
        let mut sum = self.shifts(&frame)?;
        sum.constant = sum.constant.plus(couplings::scalar(self)?);
        Ok(sum.plus(couplings::dipolar(self, &frame)?).plus(anisotropy::quadrupole(self, &frame)?))
    }

    fn call(&self, name: &str, items: &[Expr], span: Span, locals: &[Local]) -> Result<Value, Fault> {
        if let Some(kind) = LocalKind::named(name) {
            let mut sum = Operator::zero(&self.basis);
            let [sites] = items else { return Err(wrong_arguments(name, span)) };
            for site in self.sites_with(sites, locals)? {
                let Some(operator) = Operator::of(&self.basis, kind, site) else {
                    return Err(self.wrong_operator(name, kind, site, span));
                };
                sum = sum.plus(operator);
            }
            return Ok(Value::Operator(TimeOperator::constant(sum)));
        }
        let Some(function) = FunctionInfo::named(name) else {
            return Err(Diagnostic::new(Code::UnknownFunction, span, format!("`{name}` is not a function")).into());
        };
        let mut arguments = Vec::with_capacity(2);
        for item in items {
            match self.value(item, locals)? {
                Value::Number(x) => arguments.push(x),
                Value::Operator(_) => {
                    return Err(Diagnostic::new(
                        Code::OperatorExpected,
                        item.span(),
                        format!("`{name}` takes a number"),
                    )
                    .into());
                }
            }
        }
        let value = match arguments.as_slice() {
            [x] => x.apply(function.function),
            [x, y] => x.extreme(function.function, y),
            _ => return Err(wrong_arguments(name, span)),
        };
        Ok(Value::Number(value))
    }

    fn wrong_operator(&self, name: &str, kind: LocalKind, site: usize, span: Span) -> Fault {
        let site = self.basis.site(site);
        let what = match site.kind {
            SiteKind::Spin => format!("a spin {}", SpinKind::Twice(site.dimension as u32 - 1)),
            SiteKind::Collective { .. } => "a collective".to_string(),
            SiteKind::Mode => "a mode".to_string(),
        };
        let help = match (kind, &site.kind) {
            (LocalKind::Lower | LocalKind::Raise | LocalKind::Number, _) => {
                "a mode is declared by `mode m : cutoff`; spins have Ip and Im"
            }
            (_, SiteKind::Mode) => "a mode has lower(m), raise(m) and number(m)",
            (_, SiteKind::Collective { .. }) => {
                "a collective is only touched through Ix, Iy, Iz, Ip and Im, the sums over its spins"
            }
            (_, SiteKind::Spin) => "Pauli matrices belong to a spin 1/2; any spin has Ix, Iy, Iz, Ip and Im",
        };
        Diagnostic::new(Code::WrongOperator, span, format!("`{name}` does not act on `{}`, {what}", site.name))
            .label("no such operator here")
            .help(help)
            .into()
    }
}

impl TimeOperator {
    /// Terms with constant coefficients become one, so that long sums stay short lists.
    fn merged(self, basis: &Basis) -> TimeOperator {
        let mut constant: Option<Operator> = None;
        let mut terms = Vec::new();
        for (c, operator) in self.terms {
            match c {
                Scalar::Constant(c) => {
                    let scaled = operator.times_number(real(c));
                    constant = Some(match constant {
                        Some(sum) => sum.plus(scaled),
                        None => scaled,
                    });
                }
                Scalar::Varying(_) => terms.push((c, operator)),
            }
        }
        let constant = constant.unwrap_or_else(|| Operator::zero(basis));
        terms.insert(0, (Scalar::Constant(1.0), constant));
        TimeOperator { terms }
    }
}

/// Refuses a factor that makes a product infinite: zero where it divides, or itself infinite.
fn finite(expr: &Expr, x: &Scalar, divides: bool) -> Result<(), Fault> {
    let Some(x) = x.constant() else { return Ok(()) };
    if divides && x == 0.0 {
        return Err(Diagnostic::new(
            Code::NotFinite,
            expr.span(),
            format!("`{expr}` is zero, and something is divided by it"),
        )
        .label("this is zero")
        .into());
    }
    if !x.is_finite() {
        return Err(Diagnostic::new(Code::NotFinite, expr.span(), format!("`{expr}` is {x}"))
            .label("this is not finite")
            .into());
    }
    Ok(())
}

fn multiply(a: &TimeOperator, b: &TimeOperator) -> TimeOperator {
    let mut terms = Vec::with_capacity(a.terms.len() * b.terms.len());
    for (x, p) in &a.terms {
        for (y, q) in &b.terms {
            terms.push((x.times(y), p.times(q)));
        }
    }
    TimeOperator { terms }
}

/// A subsystem that is too large, or one too many.
fn too_many(declaration: &SiteDeclaration) -> Fault {
    let message = format!(
        "a system has at most {MOST_SITES} subsystems, each of at most {LARGEST_SITE} states, those of all multiplets of a \
         collective together"
    );
    Diagnostic::new(Code::OutOfRange, declaration.place().0.unwrap_or_default(), message).label("too many").into()
}

fn spin_of(kind: &SpinKind) -> (u32, Option<&'static crate::spin::Isotope>) {
    match kind {
        SpinKind::Twice(twice) => (*twice, None),
        SpinKind::Isotope(symbol) => {
            let isotope = crate::spin::Isotope::named(symbol);
            (isotope.map_or(1, |i| i.twice_spin), isotope)
        }
    }
}

fn no_subsystem(expr: &Expr) -> Fault {
    Diagnostic::new(Code::UnknownName, expr.span(), format!("no subsystem is called `{expr}`")).into()
}

fn wrong_arguments(name: &str, span: Span) -> Fault {
    Diagnostic::new(Code::WrongArguments, span, format!("`{name}` takes another number of arguments")).into()
}
