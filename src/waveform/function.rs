//! The functions of which waveforms are made.

/// A function of one number, or of two.
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
    /// Magnitude.
    Abs,
    /// The smaller of two.
    Min,
    /// The larger of two.
    Max,
    /// 0 below zero, 1 from zero on.
    Step,
    /// -1 below zero, 1 from zero on.
    Sign,
    /// The largest whole number that is not larger.
    Floor,
    /// sin(x)/x, 1 at zero.
    Sinc,
}

impl Function {
    /// Its value; the second argument counts for functions of two alone.
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
