//! Expressions: numbers with units, names, calls and arithmetic. The same tree serves numbers, operators and metrics; names are resolved
//! by `check`.

use crate::source::{Place, Span};
use crate::units::Unit;
use std::fmt;

/// An expression with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// The expression.
    pub kind: ExprKind,
    /// Its position.
    pub place: Place,
}

/// Kinds of expressions. Sums and products are flat: `hc` refers to the preceding terms of the same sum, and a Hamiltonian of a thousand
/// terms must not nest a thousand levels deep.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A dimensionless number.
    Number(f64),
    /// A value with a unit: `20 us`, `(0, 0, 1.58) angstrom`.
    Quantity(Box<Expr>, &'static Unit),
    /// An identifier.
    Name(String),
    /// An element of an array of spins: `s[k + 1]`.
    Index(String, Box<Expr>),
    /// A function call: `sin(x)`, `Ix(a)`.
    Call(String, Vec<Expr>),
    /// Signed terms of a sum.
    Sum(Vec<Term>),
    /// Factors of a product or quotient, in order.
    Product(Vec<Factor>),
    /// A power: base and exponent.
    Power(Box<Expr>, Box<Expr>),
    /// Several values: a vector, a list of subsystems.
    Tuple(Vec<Expr>),
    /// `sum(k in 1..N, body)` or `product(k in 1..N, body)`.
    Over(Box<Over>),
    /// A quoted string.
    Text(String),
    /// An isotope: `13C`.
    Isotope(String),
    /// A metric of a trace: `charging.ergotropy`.
    Member(String, Box<Expr>),
}

/// A term of a sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// True if it is subtracted.
    pub negative: bool,
    /// The operand.
    pub value: Expr,
}

/// A factor of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// True if it is a divisor.
    pub divides: bool,
    /// The operand.
    pub value: Expr,
}

/// Kind of an iterated expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// `sum(k in 1..N, ...)`
    Sum,
    /// `product(k in 1..N, ...)`, the first factor leftmost
    Product,
}

impl Fold {
    /// Both kinds, for the parser, the checker and messages.
    pub const ALL: [Fold; 2] = [Fold::Sum, Fold::Product];

    /// Keyword of the language.
    pub fn word(self) -> &'static str {
        match self {
            Fold::Sum => "sum",
            Fold::Product => "product",
        }
    }
}

/// A sum or product over an index; both bounds are included.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// Sum or product.
    pub fold: Fold,
    /// Index variable.
    pub index: String,
    /// First value.
    pub from: Expr,
    /// Last value.
    pub to: Expr,
    /// Summand or factor.
    pub body: Expr,
}

impl Expr {
    /// An expression at a position.
    pub fn at(kind: ExprKind, span: Span) -> Expr {
        Expr { kind, place: span.into() }
    }

    /// An expression without a position in a text.
    pub fn bare(kind: ExprKind) -> Expr {
        Expr { kind, place: Place::default() }
    }

    /// A dimensionless number; a negative one becomes a sum with one negative term, as in the grammar.
    pub fn number(value: f64) -> Expr {
        let magnitude = Expr::bare(ExprKind::Number(value.abs()));
        if value.is_sign_negative() && value != 0.0 {
            Expr::bare(ExprKind::Sum(vec![Term { negative: true, value: magnitude }]))
        } else {
            magnitude
        }
    }

    /// Its span, or an empty one at the start of the first file.
    pub fn span(&self) -> Span {
        self.place.span()
    }

    /// Calls `visit` for this expression and all its descendants, in pre-order.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// How many expressions it consists of.
    pub fn parts(&self) -> u64 {
        let mut count = 0;
        self.walk(&mut |_| count += 1);
        count
    }

    /// The expressions directly inside this one.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Isotope(_) => vec![],
            ExprKind::Quantity(inner, _) | ExprKind::Index(_, inner) | ExprKind::Member(_, inner) => vec![inner],
            ExprKind::Call(_, items) | ExprKind::Tuple(items) => items.iter().collect(),
            ExprKind::Sum(terms) => terms.iter().map(|t| &t.value).collect(),
            ExprKind::Product(factors) => factors.iter().map(|f| &f.value).collect(),
            ExprKind::Power(base, exponent) => vec![base, exponent],
            ExprKind::Over(sum) => vec![&sum.from, &sum.to, &sum.body],
        }
    }

    /// Substitutes names, as for the arguments of a `define`. The index variable of a sum shadows a name.
    pub fn replace(&self, replacement: &dyn Fn(&str) -> Option<Expr>) -> Expr {
        let again = |e: &Expr| e.replace(replacement);
        let kind = match &self.kind {
            ExprKind::Name(name) => match replacement(name) {
                Some(found) => return found,
                None => ExprKind::Name(name.clone()),
            },
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Isotope(_) => self.kind.clone(),
            ExprKind::Quantity(inner, unit) => ExprKind::Quantity(Box::new(again(inner)), unit),
            ExprKind::Index(name, inner) => {
                let name = match replacement(name).map(|e| e.kind) {
                    Some(ExprKind::Name(other)) => other,
                    _ => name.clone(),
                };
                ExprKind::Index(name, Box::new(again(inner)))
            }
            ExprKind::Member(name, inner) => ExprKind::Member(name.clone(), Box::new(again(inner))),
            ExprKind::Call(name, items) => ExprKind::Call(name.clone(), items.iter().map(again).collect()),
            ExprKind::Tuple(items) => ExprKind::Tuple(items.iter().map(again).collect()),
            ExprKind::Sum(terms) => {
                ExprKind::Sum(terms.iter().map(|t| Term { negative: t.negative, value: again(&t.value) }).collect())
            }
            ExprKind::Product(factors) => ExprKind::Product(
                factors.iter().map(|f| Factor { divides: f.divides, value: again(&f.value) }).collect(),
            ),
            ExprKind::Power(base, exponent) => ExprKind::Power(Box::new(again(base)), Box::new(again(exponent))),
            ExprKind::Over(sum) => {
                let inside = |name: &str| if name == sum.index { None } else { replacement(name) };
                ExprKind::Over(Box::new(Over {
                    fold: sum.fold,
                    index: sum.index.clone(),
                    from: again(&sum.from),
                    to: again(&sum.to),
                    body: sum.body.replace(&inside),
                }))
            }
        };
        Expr { kind, place: self.place }
    }

    fn is_atom(&self) -> bool {
        !matches!(self.kind, ExprKind::Sum(_) | ExprKind::Product(_) | ExprKind::Power(..))
    }
}

/// Canonical text, which parses back to an equal expression.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => f.write_str(&number_text(*value)),
            ExprKind::Quantity(inner, unit) => match inner.kind {
                ExprKind::Number(_) | ExprKind::Tuple(_) => write!(f, "{inner} {}", unit.symbol),
                _ => write!(f, "({inner}) {}", unit.symbol),
            },
            ExprKind::Name(name) | ExprKind::Isotope(name) => f.write_str(name),
            ExprKind::Index(name, index) => write!(f, "{name}[{index}]"),
            ExprKind::Call(name, items) => write!(f, "{name}({})", list(items)),
            ExprKind::Tuple(items) => write!(f, "({})", list(items)),
            ExprKind::Text(text) => write!(f, "\"{text}\""),
            ExprKind::Member(name, inner) => write!(f, "{name}.{inner}"),
            ExprKind::Sum(terms) => {
                for (k, term) in terms.iter().enumerate() {
                    f.write_str(match (k, term.negative) {
                        (0, true) => "-",
                        (0, false) => "",
                        (_, true) => " - ",
                        (_, false) => " + ",
                    })?;
                    enclosed(f, &term.value, matches!(term.value.kind, ExprKind::Sum(_)))?;
                }
                Ok(())
            }
            ExprKind::Product(factors) => {
                for (k, factor) in factors.iter().enumerate() {
                    f.write_str(match (k, factor.divides) {
                        (0, _) => "",
                        (_, true) => " / ",
                        (_, false) => " * ",
                    })?;
                    let loose = matches!(factor.value.kind, ExprKind::Sum(_) | ExprKind::Product(_));
                    enclosed(f, &factor.value, loose)?;
                }
                Ok(())
            }
            ExprKind::Power(base, exponent) => {
                let quantity = |e: &Expr| matches!(e.kind, ExprKind::Quantity(..));
                enclosed(f, base, !base.is_atom() || quantity(base))?;
                f.write_str("^")?;
                // As deep as it is read: without parentheses of its own.
                let plain = |e: &Expr| e.is_atom() && !quantity(e) || matches!(e.kind, ExprKind::Power(..));
                match &exponent.kind {
                    ExprKind::Sum(terms) => match terms.as_slice() {
                        [Term { negative: true, value }] if plain(value) => write!(f, "-{value}"),
                        _ => enclosed(f, exponent, true),
                    },
                    _ => enclosed(f, exponent, !plain(exponent)),
                }
            }
            ExprKind::Over(over) => over.print(f),
        }
    }
}

impl Over {
    /// Nested sums, and nested products, are one over several ranges.
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.fold.word())?;
        let (mut inner, mut indices) = (self, vec![]);
        loop {
            write!(f, "{} in {}..{}, ", inner.index, inner.from, inner.to)?;
            indices.push(&inner.index);
            match &inner.body.kind {
                ExprKind::Over(next) if next.fold == self.fold && !indices.contains(&&next.index) => inner = next,
                _ => return write!(f, "{})", inner.body),
            }
        }
    }
}

fn enclosed(f: &mut fmt::Formatter<'_>, expr: &Expr, parentheses: bool) -> fmt::Result {
    if parentheses { write!(f, "({expr})") } else { write!(f, "{expr}") }
}

fn list(items: &[Expr]) -> String {
    items.iter().map(Expr::to_string).collect::<Vec<_>>().join(", ")
}

/// Shortest text that parses back to the same number.
pub fn number_text(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e15).contains(&magnitude) { format!("{value:e}") } else { format!("{value}") }
}

/// In YAML an expression is its text.
impl serde::Serialize for Expr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}
