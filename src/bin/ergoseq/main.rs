//! The command: arguments to calls of the library, results to files and the terminal.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::string_slice))]

mod args;
mod bench;
mod book;
mod check;
mod compare;
mod compile;
mod compiled;
mod deadline;
mod decays;
mod dry_run;
mod explain;
mod export;
mod expressions;
mod files;
mod fmt;
mod import;
mod inputs;
mod learn;
mod lsp;
mod measurements;
mod memory;
mod outcome;
mod overrides;
mod papers;
mod plan;
#[cfg(feature = "pictures")]
mod plot;
mod progress;
mod reach;
mod report;
#[cfg(feature = "pictures")]
mod reproduce;
#[cfg(feature = "pictures")]
mod robustness;
mod run;
mod search;
mod shape;
mod show;
#[cfg(feature = "pictures")]
mod spectrum;
mod sweep;
mod sweep_file;
mod terminal;
mod test;
mod tomography;
mod transport;
mod workloads;

use args::{Arguments, Command};
use clap::Parser;
use outcome::Outcome;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    progress::begun();
    let arguments = Arguments::parse();
    arguments.allow_path.iter().for_each(|folder| reach::allow(folder));
    if let Some(time) = &arguments.max_time
        && let Err(diagnostic) = deadline::after(time)
    {
        terminal::report(&[diagnostic], &Default::default());
        return ExitCode::from(Outcome::Usage as u8);
    }
    let outcome = match arguments.command {
        Command::Check(a) => check::check(&a),
        Command::Run(a) => run::run(&a),
        Command::Sweep(a) => sweep::sweep(&a),
        Command::Optimise(a) => search::optimise(&a),
        Command::Shape(a) => shape::shape(&a),
        Command::Compile(a) => compile::compile(&a),
        Command::Fit(a) => search::fit(&a),
        #[cfg(feature = "pictures")]
        Command::Plot(a) => plot::plot(&a),
        #[cfg(feature = "pictures")]
        Command::Robustness(a) => robustness::robustness(&a),
        Command::Report(a) => report::report(&a),
        Command::Watch(a) => report::watch(&a),
        Command::Explain(a) => explain::explain(&a),
        Command::List(a) => learn::list(&a),
        Command::New(a) => learn::new(&a),
        Command::Completions(a) => learn::completions(&a),
        Command::Bench(a) => bench::bench(&a),
        Command::Man(a) => learn::man(&a),
        Command::Lsp => lsp::lsp(),
        Command::Merge(a) => sweep::merge(&a),
        Command::Show(a) => show::show(&a),
        Command::Fmt(a) => fmt::fmt(&a),
        Command::Test(a) => test::test(&a),
        Command::DryRun(a) => dry_run::dry_run(&a),
        Command::Export(a) => export::export(&a),
        Command::Import(a) => import::import(&a),
        Command::Plan(a) => plan::plan(&a),
        Command::Tomography(a) => tomography::tomography(&a),
        Command::Compare(a) => compare::compare(&a),
        #[cfg(feature = "pictures")]
        Command::Spectrum(a) => spectrum::spectrum(&a),
        #[cfg(feature = "pictures")]
        Command::Reproduce(a) => reproduce::reproduce(&a),
    };
    ExitCode::from(outcome as u8)
}
