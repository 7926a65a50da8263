//! Optimal control: gradients of results with respect to pulse shapes, their limits, and problems with known solutions.

mod command;
mod compiled;
mod gradients;
mod optima;
mod problems;
mod search;
mod synthesis;

use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::search::{Goal, Search, Shaped, shape};
use ergoseq::syntax::parse_expression;

/// Small pieces of memory are as fast as in the command.
#[cfg(feature = "cli")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A program whose shapes all have these steps.
fn shaped(text: &str, steps: &str) -> Experiment {
    let mut reader = |name: &str, _: &str| Ok((name.to_string(), steps.to_string()));
    ergoseq::compile("test.seq", text, &mut reader).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn goal(result: &str, at: Option<&str>) -> Goal {
    Goal { expr: parse_expression(result, 0).unwrap(), at: at.map(str::to_string), maximise: true }
}

fn search(shapes: &[&str]) -> Search {
    let shapes = shapes.iter().map(|s| s.to_string()).collect();
    Search { shapes, starts: 0, iterations: 300, seed: 1, ..Search::default() }
}

fn found(experiment: &Experiment, goal: &Goal, search: &Search) -> Shaped {
    shape(experiment, &Values::new(), &Options::default(), goal, search).unwrap_or_else(|e| panic!("{}", e.message))
}

fn cartesian(steps: &[(f64, f64)]) -> Vec<(f64, f64)> {
    steps.iter().map(|(a, p)| (a * p.cos(), a * p.sin())).collect()
}
