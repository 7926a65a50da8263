//! Bruker pulse programs: read into a tree, and checked.
//!
//! * `lexer`: words, numbers with units, relations, comments.
//! * `tree`: what a program is made of, with the place of everything.
//! * `parser` and `item`: from words to the tree.
//! * `preprocessor`: conditions and definitions.
//! * `words`: the words of the language, in one table.
//! * `expression`: relations and lengths as numbers.
//! * `check`: labels, phases and lists that are not defined, unknown words, delays that are negative.

mod check;
pub mod expression;
mod item;
mod lexer;
mod mistake;
mod parser;
pub mod phases;
mod preprocessor;
pub mod tree;
pub mod words;

use crate::diagnostic::Diagnostic;
use std::collections::BTreeSet;
use tree::PulseProgram;

/// Reads a pulse program; `file` is the number of its text among the sources. What is wrong is said, in the order of the text, and the
/// rest is read all the same.
pub fn read(text: &str, file: u32) -> (PulseProgram, Vec<Diagnostic>) {
    read_with(text, file, &BTreeSet::new())
}

/// Reads a pulse program where the preprocessor knows some names beside those that the program defines (`-DLABEL_CN` in ZGOPTNS).
pub fn read_with(text: &str, file: u32, defined: &BTreeSet<String>) -> (PulseProgram, Vec<Diagnostic>) {
    let (program, mut said) = parser::parse(text, file, defined);
    said.extend(check::check(&program));
    said.sort_by_key(|d| d.span);
    (program, said)
}
