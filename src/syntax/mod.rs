//! Lexer, parser and printer: text to syntax tree and back. No physics: a file can be parsed, highlighted and formatted even if it is
//! physically meaningless.

pub mod ast;
mod expr;
mod expression;
mod foreign;
mod format;
mod parse;
mod parser;
mod parts;
mod print;
pub mod token;
pub mod words;

pub use expr::{Expr, ExprKind, Factor, Fold, Over, Term, number_text};
pub use expression::OF_SPECIES;
pub use format::format;
pub use parse::{parse, parse_expression, parse_result, parse_sweep_values};
pub use parser::VERSION;
