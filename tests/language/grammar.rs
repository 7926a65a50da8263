//! `grammar.md` is run: every fenced block does what its tag says, and its tables are those of the program.
//! `ERGOSEQ_BLESS=1` rewrites the tables.

// The command completes blocks in the same way for `explain`.
#[allow(dead_code, reason = "the tables of the command are not used here")]
#[path = "../../src/bin/ergoseq/book.rs"]
mod book;

use book::completed;
use ergoseq::emulator::{METHODS, Options};
use ergoseq::hamiltonian::Values;
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("grammar.md")
}

fn document() -> String {
    std::fs::read_to_string(path()).unwrap()
}

/// Every fenced block: tag, line, text.
fn blocks(text: &str) -> Vec<(String, usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (k, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(tag)) => open = Some((tag.trim().to_string(), k + 1, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, _, body)), None) => *body += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn outcome(text: &str) -> Result<Vec<String>, Vec<String>> {
    let codes =
        |list: &[ergoseq::diagnostic::Diagnostic]| list.iter().map(|d| d.code.number().to_string()).collect::<Vec<_>>();
    let compiled = ergoseq::compile("block.seq", text, &mut ergoseq::no_files).map_err(|r| codes(&r.diagnostics))?;
    let mut warnings = codes(&compiled.warnings);
    let fault = |d: ergoseq::hamiltonian::Fault| vec![d.code.number().to_string()];
    warnings.extend(codes(&ergoseq::check_values(&compiled.experiment, &Values::new()).map_err(fault)?));
    let axes = ergoseq::emulator::axes(&compiled.experiment, &Values::new()).map_err(fault)?;
    let first = ergoseq::emulator::points(&axes, &Values::new()).next().unwrap_or_default();
    ergoseq::run(&compiled.experiment, &first, &Options::default()).map_err(fault)?;
    Ok(warnings)
}

#[test]
fn blocks_do_what_they_say() {
    let text = document();
    let mut wrong = Vec::new();
    let mut run = 0;
    for (tag, line, body) in blocks(&text) {
        let program = completed(&body);
        run += 1;
        match tag.as_str() {
            "seq" => {
                let found = outcome(&program);
                if !found.as_ref().is_ok_and(|w| w.iter().all(|c| c == "W201")) {
                    wrong.push(format!("line {line}: expected to run, gave {found:?}\n{program}"));
                }
            }
            "ebnf" | "text" | "sh" => run -= 1,
            tag => {
                let code = tag.strip_prefix("seq error[").and_then(|t| t.strip_suffix(']'));
                let code = code.unwrap_or_else(|| panic!("line {line}: `{tag}` is no tag of a block"));
                let codes = match outcome(&program) {
                    Ok(codes) | Err(codes) => codes,
                };
                if !codes.iter().any(|c| c == code) {
                    wrong.push(format!("line {line}: expected {code}, gave {codes:?}\n{program}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run >= 20, "only {run} blocks were run");
}

/// The paragraph on gradients names the metrics whose derivative is in closed form.
#[test]
fn the_paragraph_on_gradients_names_the_metrics_with_a_derivative() {
    let text = document();
    let text = text.replace('\n', " ");
    let (_, list) = text.split_once("are in closed form for").expect("the paragraph on gradients");
    let (list, _) = list.split_once("sums, products").expect("the end of the list");
    for metric in ergoseq::metrics::METRICS {
        let named = list.contains(&code(metric.name));
        assert_eq!(
            named,
            metric.derivative.is_some(),
            "grammar.md, section 9, paragraph on gradients: `{}`",
            metric.name
        );
    }
}

#[test]
fn the_example_of_the_readme_runs() {
    let text = std::fs::read_to_string(path().with_file_name("README.md")).unwrap();
    let programs: Vec<String> = blocks(&text).into_iter().filter(|(t, _, _)| t == "seq").map(|(_, _, b)| b).collect();
    assert_eq!(programs.len(), 1);
    assert_eq!(outcome(&programs[0]), Ok(vec![]));
}

#[test]
fn every_statement_word_is_in_a_block() {
    let all: String =
        blocks(&document()).into_iter().filter(|(t, _, _)| t.starts_with("seq")).map(|(_, _, b)| b).collect();
    let words: Vec<&str> = all.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for word in ergoseq::syntax::words::WORDS {
        assert!(words.contains(&word.word), "no block of grammar.md uses `{}`", word.word);
    }
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(head.iter().map(|h| h.to_string()).collect());
    out += &line(head.iter().map(|_| "---".to_string()).collect());
    for row in rows {
        out += &line(row.into_iter().map(|c| c.replace('|', "\\|")).collect());
    }
    out
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The tables of the document, each from the one place where its facts stand.
/// Rows of a table of distributions or grids.
fn grids<T>(of: &[ergoseq::ir::Row<T>]) -> Vec<Vec<String>> {
    of.iter()
        .map(|(_, name, settings, meaning)| {
            let settings: Vec<String> = settings.iter().map(|s| code(s)).collect();
            vec![code(name), settings.join(", "), (*meaning).into()]
        })
        .collect()
}

fn tables() -> Vec<(&'static str, String)> {
    use ergoseq::syntax::words::{Role, WORDS};
    let words = |role: Role| {
        WORDS.iter().filter(|w| w.role == role).map(|w| vec![code(w.word), w.meaning.to_string()]).collect::<Vec<_>>()
    };
    let two = |list: &[(&str, &str)]| list.iter().map(|(a, b)| vec![code(a), b.to_string()]).collect::<Vec<_>>();
    let arguments = |m: &ergoseq::metrics::Metric| {
        use ergoseq::metrics::Parameter as P;
        let words: Vec<&str> = m
            .parameters
            .iter()
            .map(|p| match p {
                P::Site => "spin",
                P::Sites => "spins",
                P::Operator => "operator",
                P::Hamiltonian => "H",
                P::OptionalOperator => "[H]",
                P::OptionalEnergyBasis => "[energy]",
                P::OptionalState => "[state]",
                P::Whole => "k",
                P::Temperature => "T",
                P::Nucleus => "nucleus",
            })
            .collect();
        if words.is_empty() { String::new() } else { format!("({})", words.join(", ")) }
    };
    vec![
        ("statements", table(&["word", "meaning"], words(Role::Statement))),
        ("system", table(&["word", "meaning"], words(Role::SystemEntry))),
        ("events", table(&["word", "meaning"], words(Role::Event))),
        ("clauses", table(&["word", "meaning"], words(Role::Clause))),
        (
            "units",
            table(
                &["unit", "name", "dimension", "in SI"],
                ergoseq::units::UNITS
                    .iter()
                    .map(|u| {
                        vec![
                            code(u.symbol),
                            u.name.into(),
                            u.dimension.to_string(),
                            ergoseq::syntax::number_text(u.factor),
                        ]
                    })
                    .collect(),
            ),
        ),
        (
            "isotopes",
            table(
                &["nucleus", "spin", "gamma / (10^6 rad/s/T)", "abundance / %"],
                ergoseq::spin::ISOTOPES
                    .iter()
                    .chain([&ergoseq::spin::ELECTRON])
                    .map(|i| {
                        let spin = if i.twice_spin % 2 == 0 {
                            (i.twice_spin / 2).to_string()
                        } else {
                            format!("{}/2", i.twice_spin)
                        };
                        vec![
                            code(i.symbol),
                            spin,
                            format!("{:.9}", i.gamma / 1e6).trim_end_matches('0').to_string(),
                            if i.is_electron() { String::from("-") } else { i.abundance.to_string() },
                        ]
                    })
                    .collect(),
            ),
        ),
        (
            "operators",
            table(
                &["operator", "meaning"],
                ergoseq::spin::LOCAL_OPERATORS.iter().map(|(w, _, m)| vec![code(w), m.to_string()]).collect(),
            ),
        ),
        ("parts", table(&["name", "meaning"], two(ergoseq::ir::SYSTEM_PARTS))),
        ("fixed names", table(&["name", "meaning"], two(ergoseq::ir::FIXED_NAMES))),
        ("battery", table(&["setting", "meaning"], two(ergoseq::ir::BATTERY_SETTINGS))),
        (
            "constants",
            table(
                &["constant", "meaning"],
                ergoseq::units::CONSTANTS.iter().map(|c| vec![code(c.symbol), c.meaning.into()]).collect(),
            ),
        ),
        (
            "budgets",
            table(
                &["at most", "of", "instead"],
                ergoseq::budget::BUDGETS
                    .iter()
                    .map(|b| vec![b.most.to_string(), b.what.to_string(), b.help.to_string()])
                    .collect(),
            ),
        ),
        (
            "functions",
            table(
                &["function", "meaning"],
                ergoseq::ir::FUNCTIONS.iter().map(|f| vec![code(f.name), f.meaning.into()]).collect(),
            ),
        ),
        (
            "other functions",
            table(
                &["function", "meaning"],
                ergoseq::ir::OTHER_FUNCTIONS
                    .iter()
                    .map(|(name, arguments, meaning)| vec![code(&format!("{name}{arguments}")), (*meaning).into()])
                    .collect(),
            ),
        ),
        (
            "states",
            table(
                &["state", "meaning"],
                ergoseq::ir::STATES
                    .iter()
                    .map(|(w, a, m)| {
                        vec![code(&format!("{w}{}{a}", if a.starts_with('"') { " " } else { "" })), m.to_string()]
                    })
                    .collect(),
            ),
        ),
        ("channel", table(&["setting", "meaning"], two(ergoseq::ir::CHANNEL_SETTINGS))),
        (
            "relax",
            table(
                &["setting", "meaning"],
                ergoseq::ir::RELAX_SETTINGS
                    .iter()
                    .map(|(_, word, _, _, meaning)| vec![code(word), meaning.to_string()])
                    .collect(),
            ),
        ),
        (
            "bath",
            table(
                &["setting", "meaning"],
                ergoseq::ir::BATH_SETTINGS
                    .iter()
                    .map(|(_, word, _, meaning)| vec![code(word), meaning.to_string()])
                    .collect(),
            ),
        ),
        ("pulse", table(&["setting", "meaning"], two(ergoseq::ir::PULSE_SETTINGS))),
        ("decouple", table(&["setting", "meaning"], two(ergoseq::ir::DECOUPLE_SETTINGS))),
        (
            "spectrometer",
            table(
                &["setting", "meaning"],
                ergoseq::ir::SPECTROMETER_SETTINGS.iter().map(|(w, _, m)| vec![code(w), (*m).into()]).collect(),
            ),
        ),
        ("tomography", table(&["setting", "meaning"], two(ergoseq::ir::TOMOGRAPHY_SETTINGS))),
        (
            "readouts",
            table(
                &["letter", "meaning"],
                ergoseq::tomography::plan::LETTERS
                    .iter()
                    .map(|(c, _, _, m)| vec![code(&c.to_string()), (*m).into()])
                    .collect(),
            ),
        ),
        (
            "reconstruction",
            table(
                &["method", "meaning"],
                ergoseq::tomography::METHODS.iter().map(|(w, _, m)| vec![code(w), (*m).into()]).collect(),
            ),
        ),
        ("project", table(&["setting", "meaning"], two(ergoseq::ir::PROJECT_SETTINGS))),
        ("acquire", table(&["setting", "meaning"], two(ergoseq::ir::ACQUIRE_SETTINGS))),
        ("compile", table(&["setting", "meaning"], two(ergoseq::ir::COMPILE_SETTINGS))),
        (
            "drawings",
            table(
                &["drawing", "what it shows"],
                ergoseq::report::DRAWINGS.iter().map(|(w, m, _)| vec![code(w), (*m).into()]).collect(),
            ),
        ),
        (
            "dialects",
            table(
                &["dialect", "what it is"],
                ergoseq::export::DIALECTS.iter().map(|d| vec![code(d.name), d.meaning.into()]).collect(),
            ),
        ),
        ("distributions", table(&["distribution", "settings", "meaning"], grids(ergoseq::ir::SPREADS))),
        ("powders", table(&["grid", "settings", "meaning"], grids(ergoseq::ir::GRIDS))),
        (
            "shapes",
            table(
                &["shape", "arguments", "meaning"],
                ergoseq::ir::PULSE_SHAPES
                    .iter()
                    .map(|s| {
                        let argument = |a: &ergoseq::ir::ShapeArgument| match a.default {
                            Some(default) if default.is_nan() => format!("{}, 1/(4 rf) when not given", a.meaning),
                            Some(default) => format!("{}, {default} when not given", a.meaning),
                            None => a.meaning.to_string(),
                        };
                        let arguments: Vec<String> = s.arguments.iter().map(argument).collect();
                        vec![code(s.name), arguments.join("; "), s.meaning.into()]
                    })
                    .collect(),
            ),
        ),
        (
            "ramps",
            table(
                &["shape", "argument", "meaning"],
                ergoseq::ir::RAMPS
                    .iter()
                    .map(|r| vec![code(r.name), r.argument.unwrap_or("").into(), r.meaning.into()])
                    .collect(),
            ),
        ),
        (
            "library",
            table(
                &["file", "declares"],
                ergoseq::check::library::LIBRARY
                    .iter()
                    .map(|(n, d, _)| vec![format!("`library:{n}`"), (*d).to_string()])
                    .collect(),
            ),
        ),
        (
            "aggregates",
            table(
                &["function", "meaning"],
                ergoseq::ir::AGGREGATES.iter().map(|a| vec![code(a.name), a.meaning.into()]).collect(),
            ),
        ),
        (
            "metrics",
            table(
                &["metric", "formula", "source"],
                ergoseq::metrics::METRICS
                    .iter()
                    .map(|m| vec![code(&format!("{}{}", m.name, arguments(m))), m.formula.into(), m.source.into()])
                    .collect(),
            ),
        ),
        (
            "methods",
            table(&["method", "meaning"], METHODS.iter().map(|(w, _, m)| vec![code(w), m.to_string()]).collect()),
        ),
        (
            "codes",
            table(
                &["code", "meaning"],
                ergoseq::diagnostic::CODES.iter().map(|(_, n, t)| vec![code(n), t.to_string()]).collect(),
            ),
        ),
    ]
}

#[test]
fn tables_are_those_of_the_program() {
    let mut text = document();
    for name in text.split("<!-- table: ").skip(1).filter_map(|rest| rest.split(" -->").next()) {
        assert!(tables().iter().any(|(known, _)| *known == name), "grammar.md has a table `{name}` that nothing fills");
    }
    let bless = std::env::var_os("ERGOSEQ_BLESS").is_some();
    let mut stale = Vec::new();
    for (name, table) in tables() {
        let (open, close) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let from = text.find(&open).unwrap_or_else(|| panic!("grammar.md has no table `{name}`")) + open.len();
        let to = from + text[from..].find(close).unwrap_or_else(|| panic!("the table `{name}` does not end"));
        if text[from..to] != table {
            stale.push(name);
            text.replace_range(from..to, &table);
        }
    }
    if bless {
        std::fs::write(path(), text).unwrap();
    } else {
        assert!(stale.is_empty(), "stale tables: {stale:?}; write them anew with ERGOSEQ_BLESS=1");
    }
}
