//! Functions of the language: table of names, arguments and meaning, with their evaluation.

use crate::units::{Dimension, GAMMA};
use crate::waveform::Function;

/// Dimensions of argument and value of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// From an angle, or a dimensionless number (radian), to a dimensionless number.
    OfAngle,
    /// From a dimensionless number to an angle.
    ToAngle,
    /// From a dimensionless number to a dimensionless number.
    Plain,
    /// Square root, of any dimension.
    Root,
    /// From any dimension to the same.
    Same,
    /// From two numbers of the same dimension to the same dimension.
    SameTwo,
    /// From any dimension to a dimensionless number.
    Sign,
}

/// A function.
#[derive(Clone, Copy)]
pub struct FunctionInfo {
    /// Name.
    pub name: &'static str,
    /// Dimensions of argument and value.
    pub rule: Rule,
    /// Description.
    pub meaning: &'static str,
    /// Evaluation.
    pub function: Function,
}

const fn f(name: &'static str, rule: Rule, meaning: &'static str, function: Function) -> FunctionInfo {
    FunctionInfo { name, rule, meaning, function }
}

/// All functions of numbers.
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
    f("step", Rule::Sign, "unit step: 0 for negative values, else 1", Function::Step),
    f("sign", Rule::Sign, "-1 for negative values, else 1", Function::Sign),
    f("floor", Rule::Plain, "the largest integer not above the value", Function::Floor),
];

/// The function that gives the number of values of a list.
pub const SIZE: &str = "size";

/// The function that gives the Larmor frequency of a nucleus in the field.
pub const LARMOR: &str = "larmor";

/// The function that gives the length of a rectangular pulse.
pub const LENGTH: &str = "length";

/// Keyword of the mean over ensemble members, each with its own state and Hamiltonian.
pub const MEMBER_MEAN: &str = "member_mean";

/// Functions of nuclei, lists, ranges and, in results, of ensembles: (name, an example of their arguments, description).
pub const OTHER_FUNCTIONS: &[(&str, &str, &str)] = &[
    (GAMMA, "(1H)", "the gyromagnetic ratio of a nucleus, rad/s/T"),
    (LARMOR, "(1H)", "the Larmor frequency of a nucleus in the field of the file, `|gamma| B0 / 2 pi`, in Hz"),
    (
        LENGTH,
        "(1H, 90 deg)",
        "the duration of a rectangular pulse with the rf of the channel, or with one that is given: `length(1H, 90 deg, 50 kHz)`",
    ),
    (SIZE, "(taus)", "the number of values of a list"),
    ("sum", "(k in 1..N, X(s[k]))", "the sum over an index, which takes both bounds of its range"),
    ("product", "(k in 1..N, X(s[k]))", "the product over an index, the first factor leftmost"),
    (
        MEMBER_MEAN,
        "(ergotropy)",
        "in results: the mean of a metric over the members of an ensemble, each with its own state and Hamiltonian",
    ),
];

impl FunctionInfo {
    /// Looks up a function by name.
    pub fn named(name: &str) -> Option<&'static FunctionInfo> {
        FUNCTIONS.iter().find(|f| f.name == name)
    }

    /// Number of arguments.
    pub fn arguments(&self) -> usize {
        if self.rule == Rule::SameTwo { 2 } else { 1 }
    }

    /// Dimension of its value, given that of its (first) argument; `None` if the argument must not have that dimension.
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
