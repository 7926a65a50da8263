//! The program that `ergoseq compile` writes: what is known of the block, the declarations of the file that it needs, the block itself,
//! and a check of it; and the files of its pulse shapes.

use crate::args;
use ergoseq::Compiled;
use ergoseq::ir::Type;
use ergoseq::syntax::ast::{Item, ItemKind, Param, ParamValue};
use ergoseq::syntax::{Expr, format, parse};
use ergoseq::synthesis::block::{shape_file, shape_name};
use ergoseq::synthesis::{Problem, Synthesis, text, time};
use ergoseq::units::Dimension;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Above this number of states no gate fidelity is computed.
const LARGEST_CHECKED: f64 = 128.0;

/// What is wanted, as it is written.
pub struct Wanted<'a> {
    /// The Hamiltonian.
    pub hamiltonian: &'a Expr,
    /// Its time.
    pub time: &'a Expr,
}

/// The file of a pulse shape.
pub struct ShapeFile {
    /// The name of the shape in the program.
    name: String,
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// The pulse shapes of the block, in files beside the program: `FILE_1H.txt` for the channel 1H.
pub fn shapes(a: &args::Compile, problem: &Problem, s: &Synthesis) -> Vec<ShapeFile> {
    let stem = a.output.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let of = |(steps, channel): (&[(f64, f64)], &ergoseq::synthesis::block::Transmitter)| {
        let head = format!("# pulse shape of the channel {}, made by `ergoseq compile`", channel.nucleus);
        ShapeFile {
            name: shape_name(channel),
            path: a.output.with_file_name(format!("{stem}_{}.txt", channel.nucleus)),
            text: format!("{head}\n# amplitude, phase in degrees\n{}", shape_file(steps)),
        }
    };
    s.found.block.shapes().into_iter().zip(&problem.channels).map(of).collect()
}

/// A declaration that is written if something kept uses one of its names.
struct Declaration {
    name: String,
    text: String,
    kept: bool,
}

/// The text of the program.
pub fn program(a: &args::Compile, compiled: &Compiled, wanted: Wanted, problem: &Problem, s: &Synthesis) -> String {
    let source = compiled.sources.get(0).map_or("", |source| source.text.as_str());
    let (hamiltonian, length) = (wanted.hamiltonian.to_string(), wanted.time.to_string());
    let name = a.file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut out = format!("# exp(-i H T) with H = {hamiltonian}, T = {length} = {}, from {name}\n", time(problem.time));
    for line in text::lines(problem, s) {
        out += &format!("# {line}\n");
    }
    let items = parse(source, 0).0.items;
    let title = items.iter().find_map(|i| if let ItemKind::Title(t) = &i.kind { Some(t.as_str()) } else { None });
    out += &format!("ergoseq 1\ntitle \"{}: compiled\"\n\n", title.unwrap_or("Pulses"));
    let generator = generator(compiled, &wanted, problem);
    out += &declarations(a, &items, source, &format!("{hamiltonian} {length} {generator}"));
    for shape in shapes(a, problem, s) {
        let file = shape.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        out += &format!("shape {} = \"{file}\"\n", shape.name);
    }
    let statements = s.found.block.statements(&problem.channels, problem.ideal);
    out += &format!("\ndefine compiled() {{\n{statements}}}\n");
    out += "\nsequence {\n    prepare mixed\n    compiled()\n}\n";
    out += &check(compiled, problem, s, &generator);
    format(&out)
}

/// `H T` as an operator without a unit: from the names of the file where H is a frequency, otherwise written out.
fn generator(compiled: &Compiled, wanted: &Wanted, problem: &Problem) -> String {
    match compiled.experiment.scope().type_of(wanted.hamiltonian, &[]) {
        Ok(Type::Operator(Dimension::FREQUENCY)) => format!("2*pi*({})*({})", wanted.time, wanted.hamiltonian),
        _ => text::operator(&(&problem.wanted * ergoseq::linalg::real(problem.time)), &problem.names),
    }
}

/// The measured gate fidelity and what it must be.
fn check(compiled: &Compiled, problem: &Problem, s: &Synthesis, generator: &str) -> String {
    let states = states(compiled, problem);
    let relaxes = !compiled.experiment.system.relax.is_empty();
    if states > LARGEST_CHECKED || relaxes {
        let why = if relaxes { "with relaxation" } else { "for so many states" };
        return format!("\n# The fidelity above cannot be measured {why}.\nmeasure {{ elapsed }}\n");
    }
    let expected = (states * s.fidelity + 1.0) / (states + 1.0);
    format!(
        "\n# The gate fidelity is (d F + 1)/(d + 1) with d = {states} states.\nmeasure {{\n    gate = gate_fidelity({generator})\n    \
         elapsed\n}}\n\nexpect gate = {expected} within 1e-9\nexpect elapsed = {} us within 1e-12 s\n",
        s.duration * 1e6
    )
}

/// Number of states of the whole system; spins that take no part stay as they are.
fn states(compiled: &Compiled, problem: &Problem) -> f64 {
    let e = ergoseq::hamiltonian::Evaluator::new(&compiled.experiment, &Default::default());
    e.map_or(problem.wanted.nrows() as f64, |e| e.basis.size())
}

/// The declarations that the block and its check need.
fn declarations(a: &args::Compile, items: &[Item], source: &str, used: &str) -> String {
    let own = |item: &Item| {
        let span = item.place.span();
        source.get(span.start as usize..span.end as usize).unwrap_or_default().trim_end().to_string()
    };
    let mut kept = String::new();
    let mut named: Vec<Declaration> = Vec::new();
    let mut add = |name: &str, text: String| named.push(Declaration { name: name.into(), text, kept: false });
    for item in items {
        match &item.kind {
            ItemKind::Units(_)
            | ItemKind::System(_)
            | ItemKind::Channel(..)
            | ItemKind::Spectrometer(..)
            | ItemKind::Use(_) => {
                kept += &format!("{}\n", own(item));
            }
            ItemKind::Params(params) => params.iter().for_each(|p| add(&p.name.text, parameter(p, a))),
            ItemKind::Hamiltonian(name, _) | ItemKind::Operator(name, _) => add(&name.text, own(item)),
            ItemKind::Version(_)
            | ItemKind::Title(_)
            | ItemKind::Noise(..)
            | ItemKind::Battery(_)
            | ItemKind::Ensemble(_)
            | ItemKind::Cycle(..)
            | ItemKind::Define(..)
            | ItemKind::Shape(..)
            | ItemKind::State(..)
            | ItemKind::Sequence(_)
            | ItemKind::Measure(..)
            | ItemKind::Sweep(_)
            | ItemKind::Expect(_)
            | ItemKind::Theory(_) => {}
        }
    }
    let mut text = format!("{kept} {used}");
    loop {
        let words: BTreeSet<&str> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let found: Vec<usize> = named
            .iter()
            .enumerate()
            .filter(|(_, d)| !d.kept && words.contains(d.name.as_str()))
            .map(|(k, _)| k)
            .collect();
        if found.is_empty() {
            break;
        }
        for d in named.iter_mut().enumerate().filter(|(k, _)| found.contains(k)).map(|(_, d)| d) {
            d.kept = true;
            text += &format!(" {}", d.text);
        }
    }
    let is_param = |d: &&Declaration| d.text.starts_with("param ");
    let of = |d: &Declaration| format!("{}\n", d.text);
    let params: String = named.iter().filter(|d| d.kept).filter(is_param).map(of).collect();
    let operators: String = named.iter().filter(|d| d.kept).filter(|d| !is_param(d)).map(of).collect();
    format!("{params}{kept}{operators}")
}

/// A parameter, with the value of the command line if it has one.
fn parameter(p: &Param, a: &args::Compile) -> String {
    let name = &p.name.text;
    let given = a.given.set.iter().rev().filter_map(|s| s.split_once('=')).find(|(n, _)| n.trim() == name);
    let range = p.range.as_ref().map_or(String::new(), |(low, high)| format!(" in {low} .. {high}"));
    match (&p.value, given) {
        (ParamValue::One(_), Some((_, value))) => format!("param {name} = {}{range}", value.trim()),
        (ParamValue::One(value), None) => format!("param {name} = {value}{range}"),
        (ParamValue::List(values), _) => {
            let all: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("param {name} = [{}]", all.join(", "))
        }
        (ParamValue::Random { size, shape, settings }, _) => {
            let all: Vec<String> = settings.iter().map(|s| format!("{} = {}", s.name.text, s.value)).collect();
            format!("param {name}[{size}] : {}({})", shape.text, all.join(", "))
        }
    }
}
