//! The functions of the language: one table of names, arguments and meaning, with the numbers they give.

use crate::units::Dimension;
use crate::waveform::Function;

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
    /// The function itself.
    pub function: Function,
}

const fn f(name: &'static str, rule: Rule, meaning: &'static str, function: Function) -> FunctionInfo {
    FunctionInfo { name, rule, meaning, function }
}

/// Every function of numbers.
pub const FUNCTIONS: &[FunctionInfo] = &[
    f("sin", Rule::OfAngle, "sine", Function::Sin),
    f("cos", Rule::OfAngle, "cosine", Function::Cos),
    f("tan", Rule::OfAngle, "tangent", Function::Tan),
    f("asin", Rule::ToAngle, "inverse sine", Function::Asin),
    f("acos", Rule::ToAngle, "inverse cosine", Function::Acos),
    f("atan", Rule::ToAngle, "inverse tangent", Function::Atan),
    f("sinh", Rule::Plain, "hyperbolic sine", Function::Sinh),
    f("cosh", Rule::Plain, "hyperbolic cosine", Function::Cosh),
    f("tanh", Rule::Plain, "hyperbolic tangent", Function::Tanh),
    f("exp", Rule::Plain, "exponential", Function::Exp),
    f("log", Rule::Plain, "natural logarithm", Function::Log),
    f("sqrt", Rule::Root, "square root", Function::Sqrt),
    f("abs", Rule::Same, "magnitude", Function::Abs),
    f("min", Rule::SameTwo, "the smaller of two", Function::Min),
    f("max", Rule::SameTwo, "the larger of two", Function::Max),
    f("step", Rule::Sign, "0 below zero, 1 from zero on", Function::Step),
    f("sign", Rule::Sign, "-1 below zero, 1 from zero on", Function::Sign),
    f("floor", Rule::Plain, "the next whole number below", Function::Floor),
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
