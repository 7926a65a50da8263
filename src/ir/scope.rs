//! Scopes: meanings of names, and types of expressions. The checker uses them before evaluation; the evaluator uses them for the factor
//! between a Hamiltonian as written and rad/s.

use super::experiment::Experiment;
use super::function::SIZE;
use super::meaning::{Meaning, SiteClass, Type};
use super::system::SiteDeclaration;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind, Factor, Fold, Over};
use crate::units::{Constant, Dimension, Unit, UnitSystem};
use std::collections::{HashMap, HashSet};

/// Named parts of the system's Hamiltonian: (keyword, description).
pub const SYSTEM_PARTS: &[(&str, &str)] = &[
    ("dipolar", "the dipolar couplings of the system"),
    ("scalar", "the scalar couplings of the system"),
    ("quadrupolar", "the quadrupolar couplings of the system"),
    ("hyperfine", "the hyperfine couplings of the system"),
    ("zfs", "the zero-field splittings of the system"),
    (
        "offset",
        "the shifts, g tensors and their anisotropies in the frames of the carriers; with `frame lab` the whole Zeeman energy",
    ),
    ("zeeman", "the Zeeman energy in the laboratory frame, shifts and g tensors included"),
    ("internal", "the Hamiltonian during delays and pulses: offset + scalar + dipolar + quadrupolar + hyperfine + zfs"),
];

/// Names with a fixed meaning in every expression: (name, description).
pub const FIXED_NAMES: &[(&str, &str)] = &[
    ("pi", "the number 3.14159...; an angle of `pi` is written `pi * (1 rad)` or `180 deg`"),
    ("t", "the time since the start of the statement, in `evolve`, `modulation` and `theory`"),
    ("hc", "the Hermitian conjugate of all preceding terms inside the same parentheses: `J*Ip(a)*Im(b) + hc`"),
];

/// True for a name with a fixed meaning in every expression.
pub fn is_fixed_name(name: &str) -> bool {
    FIXED_NAMES.iter().any(|(fixed, _)| *fixed == name)
}

/// Phase keywords, in degrees.
pub const PHASES: &[(&str, f64)] = &[("x", 0.0), ("y", 90.0), ("-x", 180.0), ("-y", 270.0)];

/// Phase of a keyword `x`, `y`, `-x`, `-y`, in radian; `None` for other expressions.
pub fn phase_of_word(expr: &Expr) -> Option<f64> {
    let (negative, name) = word_of_phase(expr)?;
    let is = |word: &str| word.strip_prefix('-').map_or((false, word), |word| (true, word)) == (negative, name);
    PHASES.iter().find(|(word, _)| is(word)).map(|(_, degrees)| degrees.to_radians())
}

/// The name of `x` or `-x`, and whether it has a minus sign; `None` for other expressions.
pub fn word_of_phase(expr: &Expr) -> Option<(bool, &str)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((false, name)),
        ExprKind::Sum(terms) => match terms.as_slice() {
            [crate::syntax::Term { value: Expr { kind: ExprKind::Name(name), .. }, .. }] => Some((true, name)),
            _ => None,
        },
        _ => None,
    }
}

/// A scope: names and their meanings.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Unit system.
    pub units: UnitSystem,
    /// All declared names.
    pub names: HashMap<String, Meaning>,
    /// Names of counters, whether their loop is around the expression or not: for messages.
    pub counters: HashSet<String>,
    /// Where parameters are declared, for messages.
    pub declared: HashMap<String, Span>,
}

/// An index variable in scope, or the time.
#[derive(Debug, Clone, Copy)]
pub struct Index<'a> {
    /// Name.
    pub name: &'a str,
    /// Dimension.
    pub dimension: Dimension,
}

impl Experiment {
    /// Scope with all names of the experiment.
    pub fn scope(&self) -> Scope {
        Scope::of(self)
    }
}

pub(super) type Checked = Result<Type, Box<Diagnostic>>;

impl Scope {
    /// Scope of a checked experiment.
    pub fn of(experiment: &Experiment) -> Scope {
        let mut scope = Scope { units: experiment.units, ..Scope::default() };
        for (part, _) in SYSTEM_PARTS {
            scope.names.insert((*part).to_string(), Meaning::Part);
        }
        for site in &experiment.system.sites {
            scope.names.insert(site.name().to_string(), Scope::meaning_of(site));
        }
        for noise in &experiment.noises {
            scope.names.insert(noise.name.clone(), Meaning::Noise);
        }
        for cycle in &experiment.cycles {
            scope.names.insert(cycle.name.clone(), Meaning::Cycle);
        }
        for shape in &experiment.shapes {
            scope.names.insert(shape.name.clone(), Meaning::Shape);
        }
        for state in &experiment.states {
            scope.names.insert(state.name.clone(), Meaning::State);
        }
        // In a checked experiment every expression has a type; if not, treat it as a dimensionless number and leave the error
        // to evaluation.
        scope.declare_params(experiment);
        for operator in &experiment.hamiltonians {
            let dimension = scope.type_of(&operator.value, &[]).map_or(Dimension::NUMBER, Type::dimension);
            scope.names.insert(operator.name.clone(), Meaning::Operator(dimension));
        }
        for event in &experiment.sequence {
            event.counters(&mut |name| {
                scope.names.insert(name.to_string(), Meaning::Counter);
            });
            event.readings(&mut |name, observable| {
                let dimension = scope.type_of(observable, &[]).map_or(Dimension::NUMBER, Type::dimension);
                scope.names.insert(name.to_string(), Meaning::Reading(dimension));
            });
        }
        scope
    }

    /// Declares parameters and lists, which may need each other: those that have a type by now, until none is left.
    fn declare_params(&mut self, experiment: &Experiment) {
        let params = experiment.params.iter().map(|p| (&p.name, Some(&p.default), false));
        let mut open: Vec<_> =
            params.chain(experiment.lists.iter().map(|l| (&l.name, l.values.first(), true))).collect();
        loop {
            let before = open.len();
            open.retain(|(name, value, list)| {
                let found = value.map_or(Ok(Type::Number(Dimension::NUMBER)), |value| self.type_of(value, &[]));
                let Ok(found) = found else { return true };
                let meaning = if *list { Meaning::List } else { Meaning::Param };
                self.names.insert((*name).clone(), meaning(found.dimension()));
                false
            });
            if open.len() == before {
                break;
            }
        }
        for (name, _, list) in open {
            let meaning = if list { Meaning::List } else { Meaning::Param };
            self.names.insert(name.clone(), meaning(Dimension::NUMBER));
        }
    }

    /// Meaning of a declared subsystem.
    pub fn meaning_of(site: &SiteDeclaration) -> Meaning {
        match site {
            SiteDeclaration::Spin { size: Some(_), .. } => Meaning::Array,
            SiteDeclaration::Spin { size: None, .. } => Meaning::Site(SiteClass::Spin),
            SiteDeclaration::Collective { .. } => Meaning::Site(SiteClass::Collective),
            SiteDeclaration::Mode { .. } => Meaning::Site(SiteClass::Mode),
        }
    }

    /// True for natural units.
    pub fn natural(&self) -> bool {
        self.units == UnitSystem::Natural
    }

    /// Converts a dimension to the file's unit system: in natural units every quantity is dimensionless.
    pub fn dimension(&self, dimension: Dimension) -> Dimension {
        if self.natural() { Dimension::NUMBER } else { dimension }
    }

    /// Type of an expression: kind and dimension.
    ///
    /// # Errors
    /// When it has no type: an unknown name, mismatched dimensions, an unexpected operator.
    pub fn type_of(&self, expr: &Expr, indices: &[Index]) -> Checked {
        let span = expr.span();
        match &expr.kind {
            ExprKind::Number(_) => Ok(Type::Number(Dimension::NUMBER)),
            ExprKind::Quantity(inner, unit) => self.quantity(inner, unit, span, indices),
            ExprKind::Name(name) => self.name(name, span, indices),
            ExprKind::Index(name, index) => self.indexed(name, index, span, indices),
            ExprKind::Call(name, items) => self.call(name, items, expr, indices),
            ExprKind::Sum(terms) => self.sum(terms, expr, indices),
            ExprKind::Product(factors) => self.product(factors, indices),
            ExprKind::Power(base, exponent) => self.power(base, exponent, indices),
            ExprKind::Tuple(items) => self.tuple(items, indices),
            ExprKind::Over(sum) => self.over(sum, span, indices),
            ExprKind::Text(_) | ExprKind::Isotope(_) => {
                Err(Diagnostic::new(Code::WrongKind, span, format!("`{expr}` is neither a number nor an operator"))
                    .label("expected a number or an operator")
                    .into())
            }
            ExprKind::Member(..) => Err(Diagnostic::new(
                Code::WrongKind,
                span,
                "a metric of a trace is allowed only in `measure` and `expect`",
            )
            .into()),
        }
    }

    /// Type of a number, or a tuple of numbers, with a unit.
    fn quantity(&self, inner: &Expr, unit: &Unit, span: Span, indices: &[Index]) -> Checked {
        if self.natural() && unit.dimension != Dimension::NUMBER {
            return Err(Diagnostic::new(
                Code::UnitInNatural,
                span,
                format!(
                    "`{}` is {}, but a file with natural units has dimensionless numbers only",
                    unit.symbol, unit.dimension
                ),
            )
            .label(format!("{} here, {} expected", unit.dimension, Dimension::NUMBER))
            .help("leave the unit out, or use `units lab`")
            .into());
        }
        let inner_type = self.type_of(inner, indices)?;
        if inner_type.dimension() != Dimension::NUMBER || matches!(inner_type, Type::Operator(_)) {
            return Err(Diagnostic::new(
                Code::WrongDimension,
                inner.span(),
                "a unit must follow dimensionless numbers",
            )
            .label(format!("this is {}", inner_type.describe()))
            .into());
        }
        Ok(inner_type.with(unit.dimension))
    }

    /// Type of an element: that of a list of parameters is a number, that of an array of spins no value.
    fn indexed(&self, name: &str, index: &Expr, span: Span, indices: &[Index]) -> Checked {
        self.plain(index, indices)?;
        match self.names.get(name) {
            Some(Meaning::List(d)) => Ok(Type::Number(*d)),
            Some(Meaning::Array) => Err(self.site_as_value(name, span)),
            Some(other) => {
                Err(Diagnostic::new(Code::NotIndexed, span, format!("`{name}` is {}, not an array", other.describe()))
                    .label("unexpected index")
                    .into())
            }
            None => Err(self.unknown(name, span, indices)),
        }
    }

    fn product(&self, factors: &[Factor], indices: &[Index]) -> Checked {
        let mut result = Type::Number(Dimension::NUMBER);
        for factor in factors {
            let t = self.type_of(&factor.value, indices)?;
            if factor.divides && matches!(t, Type::Operator(_)) {
                return Err(self.operator_unwanted(&factor.value, "division by an operator is not defined"));
            }
            if matches!(t, Type::Vector(_)) {
                return Err(self.vector_unwanted(&factor.value));
            }
            let d = if factor.divides {
                result.dimension().over(t.dimension())
            } else {
                result.dimension().times(t.dimension())
            };
            let operator = matches!(result, Type::Operator(_)) || matches!(t, Type::Operator(_));
            result = if operator { Type::Operator(d) } else { Type::Number(d) };
        }
        Ok(result)
    }

    /// Type of a tuple of numbers of equal dimension.
    fn tuple(&self, items: &[Expr], indices: &[Index]) -> Checked {
        let mut result: Option<(Dimension, &Expr)> = None;
        for item in items {
            let Type::Number(d) = self.type_of(item, indices)? else {
                return Err(self.operator_unwanted(item, "a tuple must contain numbers"));
            };
            let (before, first) = *result.get_or_insert((d, item));
            if before != d {
                return Err(self.clash(first, Type::Number(before), item, Type::Number(d), "be elements of one tuple"));
            }
        }
        Ok(Type::Vector(result.map(|(d, _)| d).unwrap_or_default()))
    }

    /// Type of a sum or product over an index.
    fn over(&self, sum: &Over, span: Span, indices: &[Index]) -> Checked {
        self.plain(&sum.from, indices)?;
        self.plain(&sum.to, indices)?;
        if is_fixed_name(&sum.index) {
            return Err(Diagnostic::new(
                Code::ReservedName,
                span,
                format!("the index `{}` is reserved by the language", sum.index),
            )
            .label("choose another index")
            .into());
        }
        if self.names.get(&sum.index) == Some(&Meaning::Counter) {
            let message = format!("the index `{}` is the counter of the loop around this", sum.index);
            return Err(Diagnostic::new(Code::DefinedTwice, span, message).label("choose another index").into());
        }
        let mut inside = indices.to_vec();
        inside.push(Index { name: &sum.index, dimension: Dimension::NUMBER });
        let body = self.type_of(&sum.body, &inside)?;
        // The dimension of a product of dimensional factors would depend on their number.
        if sum.fold == Fold::Product && body.dimension() != Dimension::NUMBER {
            return Err(self.wrong_dimension(&sum.body, Dimension::NUMBER, body));
        }
        Ok(body)
    }

    /// Checks for a dimensionless number: sizes, counts, indices.
    ///
    /// # Errors
    /// When it has another type.
    pub fn plain(&self, expr: &Expr, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        self.number(expr, Dimension::NUMBER, indices)
    }

    /// Checks for a number of a given dimension (dimensionless in natural units).
    ///
    /// # Errors
    /// When it has another type.
    pub fn number(&self, expr: &Expr, wanted: Dimension, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        let found = self.type_of(expr, indices)?;
        let needed = self.dimension(wanted);
        if found == Type::Number(needed) {
            return Ok(());
        }
        if matches!(found, Type::Operator(_)) {
            return Err(self.operator_unwanted(expr, "expected a number"));
        }
        Err(self.wrong_dimension(expr, needed, found))
    }

    /// Checks for a number with a dimension allowed for Hamiltonians, such as an rf amplitude.
    ///
    /// # Errors
    /// When it has another type.
    pub fn frequency(&self, expr: &Expr, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        self.number(expr, Dimension::FREQUENCY, indices)
    }

    /// Checks for a Hamiltonian: an operator with the dimension of a frequency, an angular frequency or an energy.
    ///
    /// # Errors
    /// When it has another type.
    pub fn hamiltonian(&self, expr: &Expr, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        match self.type_of(expr, indices)? {
            Type::Operator(d) if crate::units::hamiltonian_factor(d, self.units).is_some() => Ok(()),
            Type::Operator(d) => {
                let diagnostic = Diagnostic::new(
                    Code::WrongDimension,
                    expr.span(),
                    format!(
                        "a Hamiltonian must be a frequency, an angular frequency or an energy; this is {}",
                        Type::Operator(d).describe()
                    ),
                )
                .label(Type::Operator(d).describe());
                Err(match d {
                    Dimension::NUMBER => diagnostic.help("multiply it by a frequency such as `1 kHz`"),
                    _ => diagnostic,
                }
                .into())
            }
            found => Err(self.operator_needed(expr, found)),
        }
    }

    /// Checks for an operator of any dimension.
    ///
    /// # Errors
    /// When it has another type.
    pub fn operator(&self, expr: &Expr, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        match self.type_of(expr, indices)? {
            Type::Operator(_) => Ok(()),
            found => Err(self.operator_needed(expr, found)),
        }
    }

    /// Checks for a single subsystem: a name, or an array element.
    ///
    /// # Errors
    /// When it is something else.
    pub fn site(&self, expr: &Expr, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        match &expr.kind {
            ExprKind::Name(name) => match self.names.get(name) {
                Some(Meaning::Site(_)) => Ok(()),
                Some(Meaning::Array) => Err(Diagnostic::new(
                    Code::NotIndexed,
                    expr.span(),
                    format!("`{name}` is an array; select one of its elements"),
                )
                .label("expected an index")
                .help(format!("write `{name}[1]`"))
                .into()),
                Some(other) => Err(Diagnostic::new(
                    Code::WrongKind,
                    expr.span(),
                    format!("`{name}` is {}, not a spin", other.describe()),
                )
                .into()),
                None => Err(self.unknown_site(name, expr.span())),
            },
            ExprKind::Index(name, index) => {
                self.plain(index, indices)?;
                match self.names.get(name) {
                    Some(Meaning::Array) => Ok(()),
                    Some(other) => Err(Diagnostic::new(
                        Code::NotIndexed,
                        expr.span(),
                        format!("`{name}` is {}, not an array", other.describe()),
                    )
                    .label("unexpected index")
                    .help_if(
                        matches!(other, Meaning::Site(SiteClass::Collective)),
                        "a collective has only the operators Ix, Iy, Iz, Ip and Im, the sums over its spins; use `spin s[N] : 1/2` for individual spins",
                    )
                    .into()),
                    None => Err(self.unknown_site(name, expr.span())),
                }
            }
            _ => Err(Diagnostic::new(
                Code::WrongKind,
                expr.span(),
                "expected the name of a spin, a collective or a mode",
            )
            .into()),
        }
    }

    /// Checks for one subsystem or a whole array.
    ///
    /// # Errors
    /// When it is something else.
    pub fn sites(&self, expr: &Expr, indices: &[Index]) -> Result<(), Box<Diagnostic>> {
        match &expr.kind {
            ExprKind::Name(name) if self.names.get(name) == Some(&Meaning::Array) => Ok(()),
            _ => self.site(expr, indices),
        }
    }

    fn name(&self, name: &str, span: Span, indices: &[Index]) -> Checked {
        if let Some(index) = indices.iter().rev().find(|i| i.name == name) {
            return Ok(Type::Number(index.dimension));
        }
        match self.names.get(name) {
            Some(Meaning::Param(d) | Meaning::Reading(d)) => Ok(Type::Number(*d)),
            Some(Meaning::Counter) => Ok(Type::Number(Dimension::NUMBER)),
            Some(Meaning::Operator(d)) => Ok(Type::Operator(*d)),
            Some(Meaning::Part) => Ok(Type::Operator(self.dimension(Dimension::FREQUENCY))),
            Some(Meaning::Site(_) | Meaning::Array) => Err(self.site_as_value(name, span)),
            Some(Meaning::List(_)) => {
                let message = format!("`{name}` is a list; one of its values is needed");
                let diagnostic = Diagnostic::new(Code::NotIndexed, span, message).label("expected an index");
                Err(diagnostic.help(format!("write `{name}[1]`; there are `{SIZE}({name})` of them")).into())
            }
            Some(other) => Err(Diagnostic::new(
                Code::WrongKind,
                span,
                format!("`{name}` is {}, not a number or an operator", other.describe()),
            )
            .into()),
            None if name == "pi" => Ok(Type::Number(Dimension::NUMBER)),
            None if name == "t" => Err(Diagnostic::new(
                Code::UnknownName,
                span,
                "`t` is defined only inside `evolve`, `theory` and pulses",
            )
            .into()),
            None if name == "hc" => Err(Diagnostic::new(
                Code::WrongKind,
                span,
                "`hc` adds the Hermitian conjugate of the preceding terms of a sum",
            )
            .label("no preceding terms")
            .into()),
            None => match Constant::named(name) {
                Some(constant) if !self.natural() => Ok(Type::Number(constant.dimension)),
                Some(constant) => Err(Diagnostic::new(
                    Code::UnknownName,
                    span,
                    format!("`{name}` is {}, which natural units do not have", constant.meaning),
                )
                .help("hbar = k_B = 1 here")
                .into()),
                None => Err(self.unknown(name, span, indices)),
            },
        }
    }

    fn sum(&self, terms: &[crate::syntax::Term], expr: &Expr, indices: &[Index]) -> Checked {
        let mut result: Option<(Type, &Expr)> = None;
        for (k, term) in terms.iter().enumerate() {
            if k > 0
                && !term.negative
                && matches!(&term.value.kind, ExprKind::Name(n) if n == "hc")
                && !self.names.contains_key("hc")
            {
                match result {
                    Some((Type::Operator(_), _)) => continue,
                    _ => {
                        return Err(self.operator_needed(
                            result.map_or(&term.value, |r| r.1),
                            result.map_or(Type::Number(Dimension::NUMBER), |r| r.0),
                        ));
                    }
                }
            }
            let t = self.type_of(&term.value, indices)?;
            match result {
                None => result = Some((t, &term.value)),
                Some((before, first)) => {
                    if before.dimension() != t.dimension() {
                        return Err(self.clash(first, before, &term.value, t, "be added"));
                    }
                    if matches!(t, Type::Operator(_)) {
                        result = Some((t, first));
                    }
                }
            }
        }
        result
            .map(|(t, _)| t)
            .ok_or_else(|| Box::new(Diagnostic::new(Code::UnexpectedToken, expr.span(), "an empty sum")))
    }

    fn power(&self, base: &Expr, exponent: &Expr, indices: &[Index]) -> Checked {
        self.plain(exponent, indices)?;
        let t = self.type_of(base, indices)?;
        if t == Type::Number(Dimension::NUMBER) {
            return Ok(t);
        }
        let value = match &exponent.kind {
            ExprKind::Number(x) => Some(*x),
            ExprKind::Sum(terms) => match terms.as_slice() {
                [term] => match term.value.kind {
                    ExprKind::Number(x) => Some(-x),
                    _ => None,
                },
                _ => None,
            },
            ExprKind::Product(factors) => match factors.as_slice() {
                [a, b] => match (&a.value.kind, &b.value.kind, b.divides) {
                    (ExprKind::Number(x), ExprKind::Number(y), true) => Some(x / y),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        let whole = value.is_some_and(|x| x.fract() == 0.0 && (1.0..=64.0).contains(&x));
        let refused = || {
            Box::new(
                Diagnostic::new(Code::WrongDimension, exponent.span(), "the exponent must be a numeric literal")
                    .label("the dimension of the result would depend on a value"),
            )
        };
        match (t, value) {
            (Type::Operator(_), _) if !whole => Err(Diagnostic::new(
                Code::OperatorExpected,
                exponent.span(),
                "the exponent of an operator must be an integer from 1 to 64",
            )
            .into()),
            (_, Some(x)) => t.dimension().power(x).map(|d| t.with(d)).ok_or_else(refused),
            (_, None) => Err(refused()),
        }
    }
}
