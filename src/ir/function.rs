//! The functions of the language: one table of names, arguments and meaning, with the numbers they give.

use crate::units::Dimension;

/// What a function takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// An angle or a plain number (radian) to a plain number.
    OfAngle,
    /// A plain number to an angle.
    ToAngle,
    /// A plain number to a plain number.
    Plain,
    /// The square root, of any dimension.
    Root,
    /// Any dimension to the same.
    Same,
    /// Two of the same dimension to the same.
    SameTwo,
    /// Any dimension to a plain number.
    Sign,
}

/// A function.
#[derive(Clone, Copy)]
pub struct FunctionInfo {
    /// Its name.
    pub name: &'static str,
    /// What it takes and gives.
    pub rule: Rule,
    /// What it is.
    pub meaning: &'static str,
    /// Its value; the second argument is only looked at by functions of two.
    pub value: fn(f64, f64) -> f64,
    /// Whether it has a corner or a jump where its argument (or the difference of its two) is zero. An integration then gets
    /// an edge at that moment and never steps over it.
    pub edge: bool,
}

const fn f(name: &'static str, rule: Rule, meaning: &'static str, value: fn(f64, f64) -> f64) -> FunctionInfo {
    FunctionInfo { name, rule, meaning, value, edge: false }
}

const fn edged(name: &'static str, rule: Rule, meaning: &'static str, value: fn(f64, f64) -> f64) -> FunctionInfo {
    FunctionInfo { name, rule, meaning, value, edge: true }
}

/// Every function of numbers.
pub const FUNCTIONS: &[FunctionInfo] = &[
    f("sin", Rule::OfAngle, "sine", |x, _| x.sin()),
    f("cos", Rule::OfAngle, "cosine", |x, _| x.cos()),
    f("tan", Rule::OfAngle, "tangent", |x, _| x.tan()),
    f("asin", Rule::ToAngle, "inverse sine", |x, _| x.asin()),
    f("acos", Rule::ToAngle, "inverse cosine", |x, _| x.acos()),
    f("atan", Rule::ToAngle, "inverse tangent", |x, _| x.atan()),
    f("sinh", Rule::Plain, "hyperbolic sine", |x, _| x.sinh()),
    f("cosh", Rule::Plain, "hyperbolic cosine", |x, _| x.cosh()),
    f("tanh", Rule::Plain, "hyperbolic tangent", |x, _| x.tanh()),
    f("exp", Rule::Plain, "exponential", |x, _| x.exp()),
    f("log", Rule::Plain, "natural logarithm", |x, _| x.ln()),
    f("sqrt", Rule::Root, "square root", |x, _| x.sqrt()),
    edged("abs", Rule::Same, "magnitude", |x, _| x.abs()),
    edged("min", Rule::SameTwo, "the smaller of two", |x, y| x.min(y)),
    edged("max", Rule::SameTwo, "the larger of two", |x, y| x.max(y)),
    edged("step", Rule::Sign, "0 below zero, 1 from zero on", |x, _| if x < 0.0 { 0.0 } else { 1.0 }),
    edged("sign", Rule::Sign, "-1 below zero, 1 from zero on", |x, _| if x < 0.0 { -1.0 } else { 1.0 }),
    f("floor", Rule::Plain, "the next whole number below", |x, _| x.floor()),
];

impl FunctionInfo {
    /// The function of this name.
    pub fn named(name: &str) -> Option<&'static FunctionInfo> {
        FUNCTIONS.iter().find(|f| f.name == name)
    }

    /// How many arguments it takes.
    pub fn arguments(&self) -> usize {
        if self.rule == Rule::SameTwo { 2 } else { 1 }
    }

    /// The dimension of its value, from the dimension of its (first) argument; `None` when it does not take that dimension.
    pub fn dimension(&self, argument: Dimension, natural: bool) -> Option<Dimension> {
        let plain = argument == Dimension::NUMBER;
        match self.rule {
            Rule::OfAngle => (plain || argument == Dimension::ANGLE).then_some(Dimension::NUMBER),
            Rule::ToAngle => plain.then_some(if natural { Dimension::NUMBER } else { Dimension::ANGLE }),
            Rule::Plain => plain.then_some(Dimension::NUMBER),
            Rule::Root => argument.sqrt(),
            Rule::Same | Rule::SameTwo => Some(argument),
            Rule::Sign => Some(Dimension::NUMBER),
        }
    }
}
