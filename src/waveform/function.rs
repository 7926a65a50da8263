//! The elementary functions in waveforms.

/// A function of one or two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// Exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// Absolute value.
    Abs,
    /// The smaller of two numbers.
    Min,
    /// The larger of two numbers.
    Max,
    /// 0 for negative arguments, otherwise 1.
    Step,
    /// -1 for negative arguments, otherwise 1.
    Sign,
    /// The largest integer not above the argument.
    Floor,
    /// sin(x)/x, 1 at zero.
    Sinc,
}

impl Function {
    /// Its value; the second argument is used only by functions of two.
    pub fn value(self, x: f64, y: f64) -> f64 {
        match self {
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tan => x.tan(),
            Function::Asin => x.asin(),
            Function::Acos => x.acos(),
            Function::Atan => x.atan(),
            Function::Sinh => x.sinh(),
            Function::Cosh => x.cosh(),
            Function::Tanh => x.tanh(),
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Abs => x.abs(),
            Function::Min => x.min(y),
            Function::Max => x.max(y),
            Function::Step if x < 0.0 => 0.0,
            Function::Sign if x < 0.0 => -1.0,
            Function::Step | Function::Sign => 1.0,
            Function::Floor => x.floor(),
            Function::Sinc if x.abs() < 1e-8 => 1.0,
            Function::Sinc => x.sin() / x,
        }
    }
}
