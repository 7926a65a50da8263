//! Compiles a shipped sequence, runs it at two temperatures, and prints what is stored.
//!
//! `cargo run --release --example 1_run_a_sequence`

use ergoseq::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/sequences/dipolar_charging.seq");
    let text = std::fs::read_to_string(path)?;
    let compiled = compile("dipolar_charging.seq", &text, &mut no_files)?;
    for temperature in [0.5, 1.0] {
        let values = Values::from([("T".to_string(), temperature)]);
        let run = run(&compiled.experiment, &values, &Options::default())?;
        for (name, value) in &run.summary {
            println!("T = {temperature}: {name} = {value:?}");
        }
    }
    Ok(())
}
