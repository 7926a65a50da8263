//! A Bruker pulse program, or an input file of SIMPSON, as a `.seq` file.
//!
//! * `parameters`: the numbers of its parameters, from the comments at its end or from `acqus`.
//! * `scan`: what one scan does, as statements.
//! * `simpson`: input files of SIMPSON.
//!
//! Comments are kept. What is not understood is kept as a comment with a warning at its line, and nothing is dropped.

pub mod parameters;
mod scan;
pub mod simpson;

use crate::diagnostic::Diagnostic;
use crate::pulse_program::read;
use parameters::Parameters;

/// A `.seq` file, and what of the pulse program is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The declarations and the sequence, without version and system.
    pub body: String,
    /// The whole text, with a system to be filled in.
    pub text: String,
    /// What is not understood.
    pub warnings: Vec<Diagnostic>,
}

/// Imports a pulse program; `file` is the number of its text among the sources.
///
/// # Errors
/// The mistakes of the pulse program.
pub fn import(name: &str, text: &str, file: u32, given: &Parameters) -> Result<Imported, Vec<Diagnostic>> {
    let (program, said) = read(text, file);
    if said.iter().any(Diagnostic::is_error) {
        return Err(said);
    }
    let mut parameters = Parameters::of_comments(program.comments.iter().map(|(text, _)| text.as_str()));
    parameters.extend(given);
    parameters.relate(&program);
    let (body, nuclei, mut warnings) = scan::body(&program, text, &parameters);
    warnings.splice(0..0, said);
    let mut spins = String::new();
    for (k, nucleus) in nuclei.iter().enumerate() {
        spins += &format!("    spin s{} : {nucleus}\n", k + 1);
    }
    let text = format!(
        "ergoseq 1\ntitle \"{}\"\n\n# The sample is not in a pulse program: declare its spins, shifts and couplings here.\nsystem {{\n    field 11.7 T\n    \
         temperature 300 K\n{spins}}}\n\n{body}",
        crate::source::in_one_line(name).replace('"', "'")
    );
    Ok(Imported { body, text, warnings })
}
