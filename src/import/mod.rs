//! A Bruker pulse program, or an input file of SIMPSON, as a `.seq` file.
//!
//! * `parameters`: the numbers of its parameters, from the comments at its end or from `acqus`; `defaults`: those that nothing gives.
//! * `value` and `environment`: what names stand for, as numbers and as expressions of the written file.
//! * `flow`: the way of a program through one scan; `send`, `lanes`, `decoupling`, `phase` and `signal`: what it sends and receives on
//!   the way; `counters` and `lists`: what goes on from turn to turn; `blocks` and
//!   `programs`: the blocks during which channels are decoupled, and their decoupling programs.
//! * `write`: the lines, as text.
//! * `simpson`: input files of SIMPSON.
//!
//! Comments are kept. What is not understood is kept as a comment with a warning at its line, and nothing is dropped.

mod blocks;
mod counters;
mod decoupling;
mod defaults;
mod environment;
mod flow;
mod lanes;
mod lists;
pub mod parameters;
mod phase;
mod programs;
mod send;
mod sending;
mod signal;
pub mod simpson;
mod value;
mod write;

use crate::diagnostic::{Code, Diagnostic};
use crate::pulse_program::read_with;
use crate::source::Span;
use flow::Flow;
use parameters::Parameters;
use std::collections::BTreeSet;
use write::{lengthen, names_in, safe_name, shown};

/// A `.seq` file, and what of the pulse program is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The declarations and the sequence, without version and system.
    pub body: String,
    /// The whole text, with a system to be filled in.
    pub text: String,
    /// What is not understood, and what is assumed.
    pub warnings: Vec<Diagnostic>,
}

/// Imports a pulse program; `file` is the number of its text among the sources.
///
/// # Errors
/// The mistakes of the pulse program.
pub fn import(name: &str, text: &str, file: u32, given: &Parameters) -> Result<Imported, Vec<Diagnostic>> {
    let (program, said) = read_with(text, file, &given.defined);
    if said.iter().any(Diagnostic::is_error) {
        return Err(said);
    }
    let mut parameters = Parameters::of_comments(program.comments.iter().map(|(text, _)| text.as_str()));
    parameters.extend(given);
    let mut flow = Flow::of(&program, text, &parameters);
    let mut lines = std::mem::take(&mut flow.lines);
    lengthen(&mut lines);
    let lines = blocks::nested(lines);
    let mut sequence = String::from("sequence {\n    prepare thermal\n");
    write::write(&lines, 1, &mut sequence);
    sequence += "}\n";
    let nuclei = nuclei(&sequence, &flow.nucleus(1));
    let mut warnings = said;
    warnings.append(&mut flow.said);
    let (declarations, used) = declarations(&flow, &sequence);
    warnings.extend(assumed(&flow, &used, program.statements.first().map(|s| s.span)));
    let body = declarations + &sequence + &sweeps(&flow, &used);
    let mut spins = String::new();
    for (k, nucleus) in nuclei.iter().enumerate() {
        spins += &format!("    spin s{} : {nucleus}\n", k + 1);
    }
    let heights = if flow.heights { HEIGHTS } else { "" };
    let text = format!(
        "ergoseq 1\ntitle \"{}\"\n\n# A pulse program does not describe the sample: declare its spins, shifts and couplings here.\nsystem {{\n    field 11.7 T\n    temperature 300 K\n{spins}}}\n{heights}\n{body}",
        crate::source::in_one_line(name).replace('"', "'")
    );
    readable(name, Imported { body, text, warnings })
}

/// Refuses a program with expressions or loops that are nested more deeply than the language allows.
fn readable(name: &str, imported: Imported) -> Result<Imported, Vec<Diagnostic>> {
    let (_, said) = crate::syntax::parse(&imported.text, 0);
    match said.into_iter().find(|d| d.code == Code::TooDeep) {
        None => Ok(imported),
        Some(deep) => {
            let message = format!(
                "`{}` cannot be converted: its sequence would be {}",
                crate::source::in_one_line(name),
                deep.message
            );
            Err(vec![
                Diagnostic::without_place(Code::TooDeep, message)
                    .help("divide its loops and expressions into shorter ones"),
            ])
        }
    }
}

/// What gradients act on.
const HEIGHTS: &str = "# Gradients need a sample of finite height: enter that of the coil, and increase the points until results converge.\nensemble { position : uniform(from = -7.5 mm, to = 7.5 mm) points 9 }\n";

/// The nuclei that a sequence names, the one that is received first.
fn nuclei(sequence: &str, first: &str) -> Vec<String> {
    let mut out = vec![first.to_string()];
    for line in sequence.lines().map(str::trim_start) {
        let mut words = line.split_whitespace();
        if let (Some("pulse" | "acquire" | "decouple"), Some(nucleus)) = (words.next(), words.next())
            && !out.iter().any(|n| n == nucleus)
        {
            out.push(nucleus.to_string());
        }
    }
    out
}

/// Parameters, cycles and shapes, and the names that the file takes.
fn declarations(flow: &Flow, sequence: &str) -> (String, BTreeSet<String>) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = names_in(sequence).map(str::to_string).collect();
    while let Some(name) = open.pop() {
        if !used.insert(name.clone()) {
            continue;
        }
        if let Some(definition) = flow.names.definitions.get(&name) {
            open.extend(names_in(&definition.text).map(str::to_string));
        }
    }
    let mut out = String::new();
    for (name, definition) in flow.names.definitions.iter().filter(|(name, _)| used.contains(*name)) {
        let note = definition.note.map_or(String::new(), |note| format!("    # {note}"));
        out += &format!("param {name} = {}{note}\n", definition.text);
    }
    for (level, file) in &flow.shapes {
        out += &format!("shape shape_{level} = \"{file}\"\n");
    }
    for (name, degrees) in flow.cycles.iter().filter(|(name, _)| used.contains(*name)) {
        let all: Vec<String> = degrees.iter().map(|x| format!("{} deg", shown(*x))).collect();
        out += &format!("cycle {name} = {}\n", all.join(", "));
    }
    if !out.is_empty() {
        out += "\n";
    }
    (out, used)
}

/// What is said of numbers that nothing gives.
fn assumed(flow: &Flow, used: &BTreeSet<String>, place: Option<Span>) -> Option<Diagnostic> {
    let written = |name: &&String| {
        used.contains(*name)
            || used.contains(&safe_name(name))
            || used.contains(&format!("rf_{name}"))
            || flow.deciding.contains(*name)
            || ["cpdprg", "pcpd", "spnam", "td", "swh"].iter().any(|head| name.starts_with(head))
    };
    let names: Vec<&str> = flow.names.assumed.iter().filter(written).map(String::as_str).collect();
    if names.is_empty() {
        return None;
    }
    let message =
        format!("nothing gives {}: {}", if names.len() == 1 { "this value" } else { "these values" }, names.join(", "));
    let deciding: Vec<&str> = flow.deciding.iter().map(String::as_str).collect();
    let mut help = String::from(
        "use `--params DIR` to read them from the data set in a folder; in the file they are marked `assumed`",
    );
    if !deciding.is_empty() {
        help += &format!("; the sequence depends on {}", deciding.join(", "));
    }
    Some(Diagnostic::new(Code::AssumedValue, place.unwrap_or_default(), message).label("values are assumed").help(help))
}

/// The rows, as one sweep. Lists on which it depends what is done are not swept: the file has their first row.
fn sweeps(flow: &Flow, used: &BTreeSet<String>) -> String {
    let swept = flow.names.lists.iter().filter(|(name, list)| {
        let of_rows = matches!(list.kind.as_str(), "delay" | "pulse" | "loopcounter");
        of_rows && used.contains(&safe_name(name)) && list.entries.len() > 1 && !flow.names.decisive.contains(*name)
    });
    let powers = flow.names.powers.iter().filter(|(name, (list, values))| {
        used.contains(*name) && values.len() > 1 && !flow.names.decisive.contains(list)
    });
    let times = swept.map(|(name, list)| {
        let unit = if matches!(list.kind.as_str(), "delay" | "pulse") { " s" } else { "" };
        (safe_name(name), &list.entries, unit)
    });
    let mut out = String::new();
    let mut length = None;
    for (name, values, unit) in times.chain(powers.map(|(name, (_, values))| (name.clone(), values, " Hz"))) {
        // Lists of one length run together.
        if *length.get_or_insert(values.len()) != values.len() {
            continue;
        }
        let all: Vec<String> = values.iter().map(|x| format!("{}{unit}", shown(*x))).collect();
        out += &format!("    {name} = {}\n", all.join(", "));
    }
    if out.is_empty() { out } else { format!("sweep zip {{\n{out}}}\n") }
}
