//! Text to tree, and back. This step knows no physics: a file can be read, coloured and formatted while its physics is
//! nonsense.

pub mod ast;
mod expr;
mod expression;
mod format;
mod parse;
mod parser;
mod print;
pub mod token;
pub mod words;

pub use expr::{Expr, ExprKind, Factor, Fold, Over, Term, number_text};
pub use format::format;
pub use parse::{parse, parse_expression, parse_result, parse_sweep_values};
pub use parser::VERSION;
