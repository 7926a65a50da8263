//! Observables: the entries of `measure` and the metrics in `expect` and `theory`, prepared for evaluation.

use super::levels::battery_levels;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, prepare};
use crate::ir::{Aggregation, FunctionInfo, MEMBER_MEAN, Type, aggregation, is_aggregate, key_of};
use crate::linalg::{Matrix, real};
use crate::metrics::{
    Argument, BohrExpansion, Curve, Derivative, InLanes, Metric, Moment, OperatorArgument, Parameter, Quantity, Scene,
    TargetState, Undefined,
};
use crate::source::Span;
use crate::spin::Operator;
use crate::syntax::{Expr, ExprKind};
use crate::units::{GAMMA, UnitSystem, energy_scale, hamiltonian_factor, temperature_scale};
use crate::waveform::Function;
use std::collections::BTreeMap;

/// An expression of metrics, with everything independent of the state already evaluated.
#[derive(Debug, Clone)]
pub struct Observable {
    /// Key in results.
    pub key: String,
    /// The expression as written.
    pub expr: Expr,
    tree: Tree,
}

#[derive(Debug, Clone)]
enum Tree {
    Number(f64),
    Metric {
        metric: &'static Metric,
        arguments: Vec<Argument>,
        scale: f64,
    },
    /// An aggregate, a metric at a mark or a mean over members, looked up by its key.
    Aggregate(String),
    Sum(Vec<(bool, Tree)>),
    Product(Vec<(bool, Tree)>),
    Power(Box<Tree>, Box<Tree>),
    /// A function of one or two numbers.
    Function(Function, Box<Tree>, Option<Box<Tree>>),
}

/// An extremum or similar, evaluated over a trace.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The expression without spaces, such as `max(ergotropy)`.
    pub key: String,
    /// What it takes from the curve.
    pub aggregation: Aggregation,
    /// Name of the trace, if one is given.
    pub trace: Option<String>,
    /// The curve.
    pub curve: Observable,
}

/// A metric at a mark.
#[derive(Debug, Clone)]
pub struct AtMark {
    /// Key in results, such as `charged.ergotropy`.
    pub key: String,
    /// Name of the mark.
    pub mark: String,
    /// The metric.
    pub metric: Observable,
}

/// Factor from internal to reported units for a metric of this quantity.
fn scale_of(quantity: Quantity, units: UnitSystem) -> f64 {
    match quantity {
        Quantity::Energy | Quantity::Power => energy_scale(units),
        Quantity::EnergySquared => energy_scale(units).powi(2),
        Quantity::Temperature => 1.0 / temperature_scale(units),
        Quantity::Number | Quantity::Time | Quantity::RateSquared | Quantity::Angle | Quantity::Bits => 1.0,
    }
}

/// Reported unit of a quantity; empty for dimensionless numbers.
pub fn unit_of(quantity: Quantity, units: UnitSystem) -> &'static str {
    match (quantity, units) {
        (Quantity::Bits, _) => "bit",
        (Quantity::Angle, _) => "rad",
        (Quantity::Energy, UnitSystem::Lab) => "J",
        (Quantity::EnergySquared, UnitSystem::Lab) => "J^2",
        (Quantity::Power, UnitSystem::Lab) => "W",
        (Quantity::Time, UnitSystem::Lab) => "s",
        (Quantity::Temperature, UnitSystem::Lab) => "K",
        (Quantity::RateSquared, UnitSystem::Lab) => "1/s^2",
        (_, UnitSystem::Natural) | (Quantity::Number, UnitSystem::Lab) => "",
    }
}

/// True if a metric of some kind is named in an expression.
pub fn mentions(expr: &Expr, kind: impl Fn(&Metric) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |x| {
        if let ExprKind::Name(name) | ExprKind::Call(name, _) = &x.kind {
            found |= Metric::named(name).is_some_and(&kind);
        }
    });
    found
}

/// True if an expression depends on the propagator from `prepare` on.
pub fn is_of_propagator(expr: &Expr) -> bool {
    mentions(expr, |metric| metric.of_propagator)
}

/// The largest value that a metric can have for any system, state and propagator, if the expression is a single metric with such a bound.
pub fn largest_value(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Call(name, items) if name == MEMBER_MEAN => largest_value(items.first()?),
        ExprKind::Call(name, _) | ExprKind::Name(name) => Metric::named(name)?.most,
        _ => None,
    }
}

/// The aggregates inside an expression.
///
/// # Errors
/// If an argument cannot be evaluated.
pub fn aggregates(e: &Evaluator, expr: &Expr) -> Result<Vec<Aggregate>, Fault> {
    let mut found: Vec<&Expr> = Vec::new();
    expr.walk(&mut |x| {
        if is_aggregate(x) {
            found.push(x);
        }
    });
    found
        .into_iter()
        .map(|x| {
            let wrong = || Box::new(Diagnostic::new(Code::UnknownMetric, x.span(), "expected an aggregate"));
            let (ExprKind::Call(_, items), Some(aggregation)) = (&x.kind, aggregation(x)) else { return Err(wrong()) };
            let (trace, inner) = match items.as_slice() {
                [Expr { kind: ExprKind::Member(trace, inner), .. }] => (Some(trace.clone()), inner.as_ref()),
                [inner] => (None, inner),
                _ => return Err(wrong()),
            };
            let curve = Observable::new(e, key_of(inner), inner)?;
            Ok(Aggregate { key: key_of(x), aggregation, trace, curve })
        })
        .collect()
}

/// The mark of a metric at a mark, and the metric. Only outside aggregates: inside one, a name before a point is that of a trace.
fn marked<'x>(e: &Evaluator, expr: &'x Expr) -> Option<(&'x str, &'x Expr)> {
    let ExprKind::Member(mark, metric) = &expr.kind else { return None };
    e.experiment.marks().any(|m| m == mark).then_some((mark.as_str(), metric.as_ref()))
}

/// The metrics at marks inside an expression.
///
/// # Errors
/// If an argument cannot be evaluated.
pub fn at_marks(e: &Evaluator, expr: &Expr) -> Result<Vec<AtMark>, Fault> {
    if is_aggregate(expr) {
        return Ok(vec![]);
    }
    if let Some((mark, metric)) = marked(e, expr) {
        let metric = Observable::new(e, key_of(metric), metric)?;
        return Ok(vec![AtMark { key: key_of(expr), mark: mark.to_string(), metric }]);
    }
    let mut found = Vec::new();
    for part in expr.children() {
        found.extend(at_marks(e, part)?);
    }
    Ok(found)
}

/// True if an expression is a metric at a mark.
pub fn is_at_mark(e: &Evaluator, expr: &Expr) -> bool {
    marked(e, expr).is_some()
}

impl Observable {
    /// The key of an aggregate that stands alone.
    pub fn as_aggregate(&self) -> Option<&str> {
        if let Tree::Aggregate(key) = &self.tree { Some(key) } else { None }
    }

    /// Evaluates everything independent of the state.
    ///
    /// # Errors
    /// If an argument cannot be evaluated.
    pub fn new(e: &Evaluator, key: String, expr: &Expr) -> Result<Observable, Fault> {
        Ok(Observable { key, expr: expr.clone(), tree: tree(e, expr)? })
    }

    /// True if it is the same at every parameter point: it contains no argument and no number.
    pub fn is_fixed(&self) -> bool {
        fn fixed(tree: &Tree) -> bool {
            match tree {
                Tree::Number(_) => false,
                Tree::Metric { arguments, .. } => arguments.is_empty(),
                Tree::Aggregate(_) => true,
                Tree::Sum(parts) | Tree::Product(parts) => parts.iter().all(|(_, t)| fixed(t)),
                Tree::Power(base, exponent) => fixed(base) && fixed(exponent),
                Tree::Function(_, first, second) => fixed(first) && second.iter().all(|second| fixed(second)),
            }
        }
        fixed(&self.tree)
    }

    /// True if it depends on more than the present state and its motion: on the propagator or the heat from `prepare` on.
    pub fn is_of_path(&self) -> bool {
        mentions(&self.expr, |metric| metric.of_propagator || metric.of_heat)
    }

    /// True if it needs the acting Hamiltonian, in addition to the state and its time derivative.
    pub fn is_of_hamiltonian(&self) -> bool {
        fn asks(tree: &Tree) -> bool {
            match tree {
                Tree::Metric { metric, .. } => metric.of_hamiltonian,
                Tree::Number(_) | Tree::Aggregate(_) => false,
                Tree::Sum(parts) | Tree::Product(parts) => parts.iter().any(|(_, t)| asks(t)),
                Tree::Power(base, exponent) => asks(base) || asks(exponent),
                Tree::Function(_, first, second) => asks(first) || second.iter().any(|second| asks(second)),
            }
        }
        asks(&self.tree)
    }

    /// The curve under a constant Hamiltonian, if the observable is a single metric that can be evaluated without forming states.
    pub fn along(&self, turning: &BohrExpansion, scene: &Scene) -> Option<Curve> {
        let Tree::Metric { metric, arguments, scale } = &self.tree else { return None };
        let along = metric.along.filter(|_| arguments.is_empty())?;
        Some(along(turning, scene)?.scaled(*scale))
    }

    /// The function that evaluates the observable in a batch of states, if it is a single metric that has one, the factor to reported
    /// units, and whether it requires an acting Hamiltonian.
    pub fn in_lanes(&self) -> Option<(InLanes, f64, bool)> {
        let Tree::Metric { metric, arguments, scale } = &self.tree else { return None };
        let lanes = metric.lanes.filter(|_| arguments.is_empty())?;
        Some((lanes, *scale, metric.quantity == Quantity::Power))
    }

    /// The observable as a linear function of the state, if it is a metric that is the expectation value of an operator, possibly
    /// relative to energies that are invariant under unitaries.
    pub fn linear(&self, battery: Option<&Operator>) -> Option<Linear> {
        let Tree::Metric { metric, arguments, scale } = &self.tree else { return None };
        let operator = match arguments.as_slice() {
            [] => battery?.clone(),
            [Argument::Operator(given)] => given.operator().clone(),
            _ => return None,
        };
        let beside = match metric.name {
            "energy" => Reference::Nothing,
            "stored_energy" => Reference::Prepared,
            "order" => Reference::Sizes,
            "ergotropy" => Reference::Lowest,
            "anti_ergotropy" => Reference::Highest,
            "capacity" => Reference::Range,
            _ => return None,
        };
        Some(Linear { operator, beside, scale: *scale })
    }

    /// The value and its derivative with respect to the state, the Hermitian G with `d value = Tr[G d rho]`; `None` if there is no closed
    /// form. Sums, products and quotients of metrics follow from the rules of differentiation.
    pub fn derivative(&self, moment: &Moment) -> Option<(f64, Matrix)> {
        derivative(&self.tree, moment, |metric| metric.derivative)
    }

    /// The value and its derivative with respect to the propagator U from `prepare` on, W with `d value = Re Tr[W dU]`; `None` if there is no
    /// closed form.
    pub fn derivative_by_propagator(&self, moment: &Moment) -> Option<(f64, Matrix)> {
        derivative(&self.tree, moment, |metric| metric.by_propagator)
    }

    /// The value at a moment; aggregates are looked up.
    ///
    /// # Errors
    /// If a metric is undefined there, a quotient is 0/0, or the value is infinite or not a number.
    pub fn answer(
        &self,
        moment: Option<&Moment>,
        aggregates: &BTreeMap<String, Option<f64>>,
    ) -> Result<f64, EvalError> {
        let value = evaluate(&self.tree, moment, aggregates)?;
        match value {
            x if x.is_finite() => Ok(x),
            x if x.is_nan() && self.is_quotient() => Err(EvalError::Undefined(Undefined::Domain("it is 0/0".into()))),
            x => Err(EvalError::NotFinite(x)),
        }
    }

    /// True if it contains a quotient, which may be 0/0 for a state of which all metrics are defined.
    fn is_quotient(&self) -> bool {
        fn divides(tree: &Tree) -> bool {
            match tree {
                Tree::Number(_) | Tree::Metric { .. } | Tree::Aggregate(_) => false,
                Tree::Sum(parts) => parts.iter().any(|(_, part)| divides(part)),
                Tree::Product(parts) => parts.iter().any(|(below, part)| *below || divides(part)),
                Tree::Power(..) => true,
                Tree::Function(_, first, second) => divides(first) || second.iter().any(|second| divides(second)),
            }
        }
        divides(&self.tree)
    }
}

/// An observable that is the expectation value of an operator.
#[derive(Debug, Clone)]
pub struct Linear {
    /// The operator, on the whole space.
    pub operator: Operator,
    /// The reference it is compared with.
    pub beside: Reference,
    /// Factor to reported units.
    pub scale: f64,
}

/// The reference of an expectation value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// None: `Tr[rho A]`.
    Nothing,
    /// The prepared state: `Tr[(rho - rho_0) A]`.
    Prepared,
    /// The lowest energy reachable by unitaries: `Tr[rho A] - E_passive`, with the eigenvalues of the prepared state.
    Lowest,
    /// The highest energy reachable by unitaries: `E_active - Tr[rho A]`.
    Highest,
    /// The difference of highest and lowest reachable energy, independent of the present state.
    Range,
    /// Normalised by operator and prepared deviation: `Tr[dr A]/sqrt(Tr[dr_0^2] Tr[A^2])`.
    Sizes,
}

/// Why an observable has no value.
#[derive(Debug, Clone, PartialEq)]
pub enum EvalError {
    /// A metric is undefined for the state.
    Undefined(Undefined),
    /// The value is infinite or not a number.
    NotFinite(f64),
}

fn tree(e: &Evaluator, expr: &Expr) -> Result<Tree, Fault> {
    if is_aggregate(expr) || averaged(expr).is_some() || marked(e, expr).is_some() {
        return Ok(Tree::Aggregate(key_of(expr)));
    }
    let metric = Metric::named;
    Ok(match &expr.kind {
        ExprKind::Name(name) if metric(name).is_some() && !e.values.contains_key(name) => metric_tree(e, name, &[])?,
        ExprKind::Call(name, items) if metric(name).is_some() => metric_tree(e, name, items)?,
        ExprKind::Sum(terms) => {
            Tree::Sum(terms.iter().map(|t| Ok((t.negative, tree(e, &t.value)?))).collect::<Result<_, Fault>>()?)
        }
        ExprKind::Product(factors) => {
            Tree::Product(factors.iter().map(|f| Ok((f.divides, tree(e, &f.value)?))).collect::<Result<_, Fault>>()?)
        }
        ExprKind::Power(base, exponent) => Tree::Power(Box::new(tree(e, base)?), Box::new(tree(e, exponent)?)),
        ExprKind::Call(name, _) if name == GAMMA => Tree::Number(e.number(expr)?),
        ExprKind::Call(name, items) => {
            let function = FunctionInfo::named(name).ok_or_else(|| {
                Box::new(Diagnostic::new(Code::UnknownMetric, expr.span(), format!("unknown metric `{name}`")))
            })?;
            let (first, second) = match items.as_slice() {
                [first] => (tree(e, first)?, None),
                [first, second] => (tree(e, first)?, Some(Box::new(tree(e, second)?))),
                _ => {
                    let message = format!("wrong number of arguments of `{name}`");
                    return Err(Box::new(Diagnostic::new(Code::WrongArguments, expr.span(), message)));
                }
            };
            Tree::Function(function.function, Box::new(first), second)
        }
        // The metric of a trace outside an aggregate: the trace determines where it is evaluated.
        ExprKind::Member(_, inner) => tree(e, inner)?,
        _ => Tree::Number(e.number(expr)?),
    })
}

/// A named state, which is built on the space of the run.
fn state(e: &Evaluator, item: &Expr) -> Result<Argument, Fault> {
    let declared = match &item.kind {
        ExprKind::Name(name) => e.experiment.states.iter().find(|s| s.name == *name),
        _ => None,
    };
    let Some(declared) = declared else {
        let message = format!("`{item}` is not a named state");
        return Err(Diagnostic::new(Code::UnknownName, item.span(), message).into());
    };
    let prepared = prepare(e, std::slice::from_ref(&declared.state), declared.place.span())?;
    let averaged = !prepared.averaged().sites.is_empty();
    Ok(Argument::State(TargetState::new(move |space| prepared.state(space), averaged)))
}

fn metric_tree(e: &Evaluator, name: &str, items: &[Expr]) -> Result<Tree, Fault> {
    let unknown = || Box::new(Diagnostic::without_place(Code::UnknownMetric, format!("unknown metric `{name}`")));
    let metric = Metric::named(name).ok_or_else(unknown)?;
    let mut arguments = Vec::new();
    for (k, item) in items.iter().enumerate() {
        let parameter = metric.parameters.get(k).or(metric.parameters.last()).ok_or_else(unknown)?;
        arguments.push(match parameter {
            Parameter::Site => Argument::Site(e.site(item, None)?),
            Parameter::Sites => Argument::Sites(match &item.kind {
                ExprKind::Tuple(parts) => {
                    parts.iter().map(|p| e.sites(p, None)).collect::<Result<Vec<_>, _>>()?.concat()
                }
                _ => e.sites(item, None)?,
            }),
            Parameter::Operator => operator(e, item)?,
            Parameter::Hamiltonian | Parameter::OptionalOperator => {
                let levels = if metric.of_levels { battery_levels(e, item)? } else { None };
                let argument = OperatorArgument::new(e.hamiltonian(item)?).with_battery_levels(levels);
                Argument::Operator(Box::new(argument))
            }
            Parameter::OptionalEnergyBasis => Argument::EnergyBasis,
            Parameter::OptionalState => state(e, item)?,
            Parameter::Whole => Argument::Number(e.count(item, 0)? as f64),
            Parameter::Temperature => Argument::Number(e.number(item)? * temperature_scale(e.scope.units)),
            Parameter::Nucleus => Argument::Number(0.0),
        });
    }
    // Subsystems after the first form one group: `discord(a, b, c)` measures a against b and c.
    if let Some(Parameter::Sites) = metric.parameters.last()
        && arguments.len() > metric.parameters.len()
    {
        let rest: Vec<usize> = arguments
            .drain(metric.parameters.len() - 1..)
            .flat_map(|a| match a {
                Argument::Sites(sites) => sites,
                Argument::Site(site) => vec![site],
                _ => vec![],
            })
            .collect();
        arguments.push(Argument::Sites(rest));
    }
    for argument in &arguments {
        let Argument::Sites(sites) = argument else { continue };
        if let Some((_, site)) = sites.iter().enumerate().find(|(k, s)| sites.iter().take(*k).any(|t| t == *s)) {
            let span = items.first().zip(items.last()).map_or(Span::default(), |(a, b)| a.span().to(b.span()));
            let message = format!("`{}` occurs twice in one argument of `{name}`", e.basis.site(*site).name);
            return Err(Diagnostic::new(Code::DefinedTwice, span, message).label("give each subsystem once").into());
        }
    }
    Ok(Tree::Metric { metric, arguments, scale: scale_of(metric.quantity, e.scope.units) })
}

fn operator(e: &Evaluator, item: &Expr) -> Result<Argument, Fault> {
    // A Hamiltonian is evaluated in rad/s; its scale cancels in fractions and correlations.
    let operator = e.operator(item)?;
    if !operator.is_hermitian() {
        return Err(Diagnostic::new(
            Code::NotHermitian,
            item.span(),
            format!("`{item}` is not Hermitian, so its expectation value is not real"),
        )
        .into());
    }
    let factor = match e.scope.type_of(item, &[]) {
        Ok(Type::Operator(d)) if d != crate::units::Dimension::NUMBER => {
            hamiltonian_factor(d, e.scope.units).unwrap_or(1.0)
        }
        _ => 1.0,
    };
    Ok(Argument::operator(operator.times_number(real(factor))))
}

fn evaluate(
    tree: &Tree,
    moment: Option<&Moment>,
    aggregates: &BTreeMap<String, Option<f64>>,
) -> Result<f64, EvalError> {
    let nothing = |why: &str| EvalError::Undefined(Undefined::Domain(why.to_string()));
    Ok(match tree {
        Tree::Number(x) => *x,
        Tree::Metric { metric, arguments, scale } => {
            let moment = moment.ok_or_else(|| nothing("a metric needs a mark or a sample"))?;
            metric.value(moment, arguments).map_err(EvalError::Undefined)? * scale
        }
        Tree::Aggregate(key) => match aggregates.get(key) {
            Some(Some(x)) => *x,
            Some(None) => return Err(nothing("the recorded curve has no such point")),
            None => return Err(nothing("it was not recorded")),
        },
        Tree::Sum(terms) => {
            let mut sum = 0.0;
            for (negative, term) in terms {
                let x = evaluate(term, moment, aggregates)?;
                sum += if *negative { -x } else { x };
            }
            sum
        }
        Tree::Product(factors) => {
            let mut product = 1.0;
            for (divides, factor) in factors {
                let x = evaluate(factor, moment, aggregates)?;
                if *divides { product /= x } else { product *= x }
            }
            product
        }
        Tree::Power(base, exponent) => {
            evaluate(base, moment, aggregates)?.powf(evaluate(exponent, moment, aggregates)?)
        }
        Tree::Function(function, first, second) => {
            let first = evaluate(first, moment, aggregates)?;
            let second = second.as_ref().map_or(Ok(0.0), |i| evaluate(i, moment, aggregates))?;
            function.value(first, second)
        }
    })
}

fn derivative(tree: &Tree, moment: &Moment, by: fn(&Metric) -> Option<Derivative>) -> Option<(f64, Matrix)> {
    match tree {
        Tree::Number(x) => {
            let n = moment.propagator().or_else(|_| moment.density()).ok()?.nrows();
            Some((*x, Matrix::zeros(n, n)))
        }
        Tree::Metric { metric, arguments, scale } => {
            let value = metric.value(moment, arguments).ok()? * scale;
            Some((value, by(metric)?(moment, arguments)? * real(*scale)))
        }
        Tree::Sum(terms) => {
            let mut terms = terms.iter().map(|(negative, term)| {
                let (x, g) = derivative(term, moment, by)?;
                Some(if *negative { (-x, -g) } else { (x, g) })
            });
            let first = terms.next()??;
            terms.try_fold(first, |(x, g), term| term.map(|(y, h)| (x + y, g + h)))
        }
        Tree::Product(factors) => {
            let mut factors = factors.iter().map(|(divides, factor)| {
                let (x, g) = derivative(factor, moment, by)?;
                Some(if *divides { (1.0 / x, g * real(-1.0 / (x * x))) } else { (x, g) })
            });
            let first = factors.next()??;
            factors.try_fold(first, |(x, g), factor| factor.map(|(y, h)| (x * y, g * real(y) + h * real(x))))
        }
        Tree::Power(base, exponent) => {
            let Tree::Number(p) = exponent.as_ref() else { return None };
            let (x, g) = derivative(base, moment, by)?;
            Some((x.powf(*p), g * real(p * x.powf(p - 1.0))))
        }
        Tree::Aggregate(_) | Tree::Function(..) => None,
    }
}

/// The error of a result that is infinite or not a number.
pub fn not_finite(observable: &Observable, value: f64, place: Option<Span>) -> Fault {
    let span = observable.expr.place.0.or(place).unwrap_or_default();
    let shown = if value.is_nan() { "not a number" } else { "infinite" };
    Diagnostic::new(Code::ResultNotFinite, span, format!("`{}` is {shown}", observable.expr))
        .label("at some mark or sample; `measure at MARK { ... }` leaves out the others")
        .into()
}

/// The means over members in some expressions: the expression as written, and the averaged metric.
pub fn member_means<'a>(expressions: impl Iterator<Item = &'a Expr>) -> Vec<(String, &'a Expr)> {
    let mut found: Vec<(String, &Expr)> = Vec::new();
    for expression in expressions {
        expression.walk(&mut |x| {
            if let Some(inner) = averaged(x)
                && !found.iter().any(|(key, _)| *key == key_of(x))
            {
                found.push((key_of(x), inner));
            }
        });
    }
    found
}

/// The metric averaged by a mean over members, if the expression is one.
pub fn averaged(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call(name, items) if name == MEMBER_MEAN => items.first(),
        _ => None,
    }
}
