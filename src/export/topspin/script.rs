//! The script for TopSpin that sets every parameter.

/// The parameters of one experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Its name: that of the program, or of the folder of its data as `ergoseq tomography --data` or `ergoseq compare --data` wants it.
    pub name: String,
    /// Whether it needs a data set of two dimensions.
    pub rows: usize,
    /// Names and values, in the order in which they are set.
    pub parameters: Vec<(String, String)>,
}

/// A text as Python writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The script. It runs inside of TopSpin (`xpy`), where `TopCmds` has its commands, and anywhere else with `--dry`.
pub fn script(program: &str, experiments: &[Experiment]) -> String {
    let mut list = String::new();
    for experiment in experiments {
        list += &format!("    ({}, {}, [\n", quoted(&experiment.name), experiment.rows);
        for (name, value) in &experiment.parameters {
            list += &format!("        ({}, {}),\n", quoted(name), quoted(value));
        }
        list += "    ]),\n";
    }
    let several = if experiments.len() > 1 { SEVERAL } else { "" };
    let head = format!("{HEAD}{several}").replace("NAME", program);
    format!("{head}\nEXPERIMENTS = [\n{list}]\n\n{BODY}")
}

const HEAD: &str = r#"# -*- coding: utf-8 -*-
# Sets the parameters of NAME in the open data set of TopSpin: `xpy NAME`.
# `xpy NAME --dry`, or `python3 NAME.py --dry` anywhere, prints them instead.
"#;

const SEVERAL: &str = r#"# Every experiment gets a data set of its own behind the open one: the next experiment numbers.
# `xpy NAME --collect FOLDER`, when all have run, copies what was measured into FOLDER as `ergoseq tomography --data` and
# `ergoseq compare --data` read it.
"#;

const BODY: &str = include_str!("setup.py");
