//! Which of the sequences of the laboratory are exported, and which are refused, where and why.

use super::{compiled, exported, root};
use ergoseq::diagnostic::Code;
use std::collections::BTreeMap;

/// The files that are refused: the lines and the statements there.
const REFUSED: &[(&str, &[&str])] = &REFUSALS;

include!("refused.rs");

#[test]
fn files_of_pulses_and_delays_are_exported_and_the_others_are_refused_by_line() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut exported_files = Vec::new();
    let folders = [("", "sequences/lab"), ("large/", "sequences/lab/large")];
    let mut paths: Vec<_> = folders
        .iter()
        .flat_map(|(head, folder)| {
            std::fs::read_dir(root().join(folder)).unwrap().map(move |e| (*head, e.unwrap().path()))
        })
        .collect();
    paths.sort();
    for (head, path) in paths.into_iter().filter(|(_, p)| p.extension().is_some_and(|e| e == "seq")) {
        let name = format!("{head}{}", path.file_stem().unwrap().to_str().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let compiled = compiled(&text);
        match exported(&compiled, &name, "topspin", None) {
            Ok(done) => {
                for file in done.files.iter().filter(|f| f.path.starts_with("pp/")) {
                    let (_, said) = ergoseq::pulse_program::read(&file.text, 0);
                    assert!(said.is_empty(), "{name}: {said:?}\n{}", file.text);
                    assert!(file.text.contains("go=2 ph31"), "{name} receives nothing");
                }
                assert!(done.warnings.iter().all(|w| !w.is_error() && !w.help.is_empty()), "{name}");
                exported_files.push(name);
            }
            Err(refused) => {
                let mut lines: Vec<String> = Vec::new();
                for d in refused {
                    assert!(d.code == Code::NotExported && !d.help.is_empty(), "{name}: {d:?}");
                    let place = d.span.map(|s| {
                        let (line, _) = compiled.sources.line_and_column(s);
                        format!("{line}: {}", text.lines().nth(line - 1).unwrap_or_default().trim())
                    });
                    lines.push(place.unwrap_or(d.message));
                }
                lines.dedup();
                found.insert(name, lines);
            }
        }
    }
    let expected: BTreeMap<String, Vec<String>> =
        REFUSED.iter().map(|(n, l)| (n.to_string(), l.iter().map(|x| x.to_string()).collect())).collect();
    if std::env::var_os("ERGOSEQ_BLESS").is_some() {
        let mut out = String::from("const REFUSALS: [(&str, &[&str]); COUNT] = [\n");
        for (name, lines) in &found {
            out += &format!("    ({name:?}, &{lines:?}),\n");
        }
        out = out.replace("COUNT", &found.len().to_string());
        std::fs::write(root().join("tests/export/refused.rs"), out + "];\n").unwrap();
        return;
    }
    assert_eq!(found, expected);
    let all: Vec<&str> = EXPORTED.iter().chain(LARGE).copied().collect();
    assert_eq!(exported_files, all, "the files that are exported");
}

/// Those of `large` that are exported; they take too long to be run here.
const LARGE: &[&str] = &["large/demagnetisation_chains", "large/demagnetisation_cube"];

/// The files that are exported: pulses, delays, locks, gradients, loops, cycles and tomographies of a thermal sample.
pub const EXPORTED: &[&str] = &[
    "b1_inhomogeneity",
    "charge_finite",
    "charge_finite_later",
    "cpmg",
    "demagnetisation_adiabatic_chain",
    "demagnetisation_adiabatic_pair",
    "demagnetisation_benzene",
    "demagnetisation_exponential_chain",
    "demagnetisation_exponential_pair",
    "demagnetisation_linear_chain",
    "demagnetisation_linear_pair",
    "demagnetisation_offset_chain",
    "demagnetisation_offset_pair",
    "demagnetisation_tangent_chain",
    "demagnetisation_tangent_pair",
    "echo_train",
    "ergotropy_feedback",
    "exorcycle",
    "inversion_recovery",
    "jeener_broekaert_cycled",
    "jeener_broekaert_eight_steps",
    "jeener_broekaert_finite",
    "jeener_broekaert_gradient",
    "jeener_broekaert_leftover",
    "jeener_broekaert_offset",
    "jeener_broekaert_polarised",
    "jeener_broekaert_powder",
    "overhauser",
    "pake_powder",
    "pake_single",
    "sidebands",
    "spin_lock",
    "tomography_equivalent",
    "tomography_pair",
    "universally_robust",
];
